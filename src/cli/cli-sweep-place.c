/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-sweep-place.c: the document that a sweep is made in: the person's, or one of its own that is
 * kept until the sheet is there, so that the same command goes on with it after whatever ended it.
 */
#include "cli-sweep.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <string.h>

#include "cli-document.h"
#include "cli-report.h"

/* Of every document: it is an SQLite database. */
static const char magic[] = "SQLite format 3";

static gboolean
is_document (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return size >= sizeof magic && memcmp (data, magic, sizeof magic) == 0;
}

static int
read_references (CliSweep *self)
{
  char **reference = self->options.turn.references;

  self->further = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (; reference != NULL && *reference != NULL; reference++)
    {
      GBytes *bytes = NULL;

      if (cli_turn_is_number (*reference))
        {
          if (self->photo != NULL && self->options.document == NULL)
            return cli_usage (_ ("--reference: %s: nodes are in documents only"), *reference);
        }
      else
        {
          bytes = cli_document_read_file (&self->session, *reference);
          if (bytes == NULL)
            return CLI_EXIT_FAILED;
        }
      g_ptr_array_add (self->further, bytes);
    }
  return CLI_EXIT_OK;
}

/* The same photos and the same options have the same place. */
static int
choose_kept (CliSweep *self)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *work = cli_sweep_options_dup_work (&self->options);
  g_autofree char *name = NULL;
  g_autofree char *folder = NULL;

  for (guint i = 0; i < 1 + self->further->len; i++)
    {
      GBytes *bytes = i == 0 ? self->photo : self->further->pdata[i - 1];
      g_autofree char *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);

      g_checksum_update (sum, (const guchar *) hash, -1);
    }
  g_checksum_update (sum, (const guchar *) work, -1);
  folder = g_build_filename (g_get_user_state_dir (), "espalier", "sweeps", NULL);
  if (!self->options.dry_run && g_mkdir_with_parents (folder, 0700) != 0)
    return cli_fail ("%s: %s", folder, g_strerror (errno));
  name = g_strdup_printf ("%s.espalier", g_checksum_get_string (sum));
  self->path = g_build_filename (folder, name, NULL);
  self->is_kept = TRUE;
  return CLI_EXIT_OK;
}

/* What makes no sense with a photo, or with a document. */
static int
check_input (CliSweep *self)
{
  const CliSweepOptions *options = &self->options;

  if (self->photo == NULL)
    return options->document != NULL
               ? cli_usage (_ ("--document: %s is the document already"), options->input)
               : CLI_EXIT_OK;
  if (options->turn.node != NULL)
    return cli_usage (_ ("--node: nodes are in documents only"));
  if (options->document != NULL)
    return CLI_EXIT_OK;
  if (options->refine != NULL)
    return cli_usage (_ ("--refine: needs the document with the first look; see --document"));
  if (options->outputs == NULL && !options->dry_run)
    return cli_usage (_ ("--output: is missing"));
  return CLI_EXIT_OK;
}

int
cli_sweep_find_place (CliSweep *self)
{
  g_autoptr (GBytes) bytes = cli_document_read_file (&self->session, self->options.input);
  int status;

  if (bytes == NULL)
    return CLI_EXIT_FAILED;
  if (!is_document (bytes))
    self->photo = g_steal_pointer (&bytes);
  status = check_input (self);
  if (status == CLI_EXIT_OK)
    status = read_references (self);
  if (status != CLI_EXIT_OK)
    return status;

  if (self->photo == NULL)
    self->path = g_strdup (self->options.input);
  else if (self->options.document != NULL)
    self->path = g_strdup (self->options.document);
  else
    status = choose_kept (self);
  if (status == CLI_EXIT_OK && g_file_test (self->path, G_FILE_TEST_EXISTS))
    {
      self->was_there = TRUE;
      self->document = cli_document_open (&self->session, self->path, !self->options.dry_run);
      if (self->document == NULL)
        status = CLI_EXIT_FAILED;
    }
  return status;
}

/* ---- nodes */

/* The photo that was imported with these bytes; the first, if there are several. */
static EspNode *
find_photo (CliSweep *self, GBytes *bytes)
{
  g_autofree char *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  g_autoptr (GPtrArray) nodes
      = self->document != NULL ? esp_document_dup_nodes (self->document) : g_ptr_array_new ();

  for (guint i = 0; i < nodes->len; i++)
    if (esp_node_get_kind (nodes->pdata[i]) == ESP_NODE_IMPORTED
        && g_strcmp0 (esp_node_get_sha256 (nodes->pdata[i]), hash) == 0)
      return nodes->pdata[i];
  return NULL;
}

int
cli_sweep_find_nodes (CliSweep *self, EspNode **parent, GPtrArray *references, gboolean *complete)
{
  int status = CLI_EXIT_OK;

  if (self->photo != NULL)
    *parent = find_photo (self, self->photo);
  else
    {
      *parent = cli_document_find_node (self->document, "--node", self->options.turn.node, &status);
      if (*parent == NULL)
        return status;
      if (!esp_node_has_image (*parent))
        return cli_fail (_ ("--node: node %" PRId64 " has no image to go on from"),
                         esp_node_get_id (*parent));
    }
  *complete = *parent != NULL;
  for (guint i = 0; i < self->further->len; i++)
    {
      const char *text = self->options.turn.references[i];
      EspNode *node = NULL;

      if (self->further->pdata[i] != NULL)
        node = find_photo (self, self->further->pdata[i]);
      else if (self->document != NULL)
        {
          node = cli_document_find_node (self->document, "--reference", text, &status);
          if (node == NULL)
            return status;
          if (!esp_node_has_image (node))
            return cli_fail (_ ("--reference: node %s has no image"), text);
        }
      if (node != NULL)
        g_ptr_array_add (references, node);
      else
        *complete = FALSE;
    }
  return CLI_EXIT_OK;
}

int
cli_sweep_settle (CliSweep *self)
{
  if (self->document == NULL)
    self->document = cli_document_create (&self->session, self->path);
  if (self->document == NULL)
    return CLI_EXIT_FAILED;
  if (self->photo != NULL && find_photo (self, self->photo) == NULL
      && cli_document_import_bytes (&self->session, self->document, self->photo,
                                    self->options.input, NULL)
             == NULL)
    return CLI_EXIT_FAILED;
  for (guint i = 0; i < self->further->len; i++)
    {
      GBytes *bytes = self->further->pdata[i];

      if (bytes != NULL && find_photo (self, bytes) == NULL
          && cli_document_import_bytes (&self->session, self->document, bytes,
                                        self->options.turn.references[i], NULL)
                 == NULL)
        return CLI_EXIT_FAILED;
    }
  return CLI_EXIT_OK;
}

int
cli_sweep_leave (CliSweep *self, int status)
{
  const gboolean worth_keeping = self->was_there || self->sweep != NULL;

  g_clear_object (&self->sweep);
  if (self->document == NULL)
    return status;
  status = cli_document_close (&self->session, g_steal_pointer (&self->document), status);
  if (self->is_kept && !self->options.dry_run && (status == CLI_EXIT_OK || !worth_keeping))
    g_unlink (self->path);
  return status;
}
