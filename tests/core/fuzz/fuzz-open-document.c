/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz-open-document.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <unistd.h>

#include "esp-document-private.h"
#include "esp-snapshot.h"
#include "esp-sweep-plan.h"
#include "esp-thumbnail.h"

#define VERSIONS   4
#define NODES_MAX  200 /* of which everything is looked at */
#define IMAGES_MAX 4
#define BUSY_MS    5 /* that a database is waited for */

/* The program's own comes before the library's. */
int
sqlite3_busy_timeout (sqlite3 *database, int milliseconds)
{
  static int (*real) (sqlite3 *, int);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "sqlite3_busy_timeout");
  PROMISE (real != NULL);
  return real (database, MIN (milliseconds, BUSY_MS));
}

GBytes *
fuzz_document_bytes (guint version)
{
  static GBytes *bytes[VERSIONS];
  guint i = CLAMP (version, 1, VERSIONS) - 1;

  if (bytes[i] == NULL)
    {
      g_autofree char *path = g_strdup_printf (ESP_FUZZ_DOCUMENTS "/version-%u.espalier", i + 1);
      char *data;
      gsize size;

      PROMISE (g_file_get_contents (path, &data, &size, NULL));
      bytes[i] = g_bytes_new_take (data, size);
    }
  return bytes[i];
}

char *
fuzz_document_path (void)
{
  static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
  char *path = g_build_filename (fuzz_home (), "fuzz.espalier", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *beside = g_strconcat (path, endings[i], NULL);

      g_unlink (beside);
    }
  return path;
}

/* --- Row by row --------------------------------------------------------------------------------
 */

static void
check_record (const EspRecord *record)
{
  const char *const texts[] = {
    record->message,
    record->instruction,
    record->negative_prompt,
    record->backend,
    record->model,
    record->model_name,
    record->model_hash,
    record->parameters,
    record->asked,
    record->file_name,
    record->remote_job,
    record->timings,
    record->currency,
    record->label,
    record->note,
    record->composition,
    record->image.media_type,
  };

  PROMISE (record->instruction != NULL && record->parameters != NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    PROMISE (texts[i] == NULL
             || (strlen (texts[i]) <= ESP_RECORD_MAX_TEXT && g_utf8_validate (texts[i], -1, NULL)));
  PROMISE (record->stars >= 0 && record->stars <= ESP_NODE_MAX_STARS);
  PROMISE (record->tag >= 0 && record->tag <= ESP_NODE_N_TAGS);
  PROMISE (record->position == record->position && record->cost == record->cost
           && record->seconds == record->seconds);
  PROMISE (record->image.width >= 0 && record->image.height >= 0);
}

static void
read_images (EspStore *store, GPtrArray *records)
{
  guint n = 0;

  for (guint i = 0; i < records->len && n < IMAGES_MAX; i++)
    {
      const EspRecord *record = records->pdata[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GBytes) latents = NULL;
      g_autoptr (GBytes) thumbnail = NULL;

      if (record->image.id == 0)
        continue;
      bytes = _esp_store_read_image (store, &record->image, NULL, &error);
      fuzz_check_error (bytes != NULL, &error);
      thumbnail = _esp_store_read_thumbnail (store, record->image.id, ESP_THUMBNAIL_SMALL, &error);
      g_clear_error (&error);
      if (record->latents != 0)
        latents = _esp_store_read_latents (store, record->latents, NULL);
      n++;
    }
}

static void
read_store (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspStore) store = _esp_store_open (path, "fuzz", ESP_STORE_IMMUTABLE, &error);
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GPtrArray) sweeps = NULL;
  g_autoptr (GPtrArray) instructions = NULL;
  g_autoptr (GHashTable) view = NULL;
  g_autoptr (GArray) repaired = NULL;

  fuzz_check_error (store != NULL, &error);
  if (store == NULL)
    return;
  records = _esp_store_read_nodes (store, NULL, &error);
  fuzz_check_error (records != NULL, &error);
  sweeps = _esp_store_read_sweeps (store, NULL);
  view = _esp_store_read_view (store, NULL);
  instructions = _esp_store_read_instructions (store, NULL);
  for (guint i = 0; sweeps != NULL && i < sweeps->len; i++)
    {
      const EspStoredSweep *sweep = sweeps->pdata[i];
      g_autoptr (EspSweepPlan) plan = esp_sweep_plan_from_json (sweep->plan, NULL);

      /* What the document counts for itself is what the plan says. */
      PROMISE (plan == NULL || sweep->n_cells == esp_sweep_plan_get_n_cells (plan));
    }
  if (records == NULL)
    return;
  for (guint i = 0; i < records->len; i++)
    check_record (records->pdata[i]);
  read_images (store, records);
  repaired = _esp_records_repair (records);
}

/* --- As a whole --------------------------------------------------------------------------------
 */

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
look_at_node (EspNode *node)
{
  g_autoptr (GPtrArray) stack = esp_node_dup_stack (node);
  EspNode *parent = esp_node_get_parent (node);

  PROMISE (parent == NULL || esp_node_is_ancestor (parent, node));
  PROMISE (esp_node_get_root (node) != NULL && !esp_node_is_deleted (node));
  PROMISE (esp_node_get_depth (node) == (parent == NULL ? 0 : esp_node_get_depth (parent) + 1));
  PROMISE (esp_node_get_parameters (node) != NULL && esp_node_get_references (node) != NULL);
  esp_node_get_timings (node);
  esp_node_get_composition (node);
  esp_node_is_outdated (node);
  esp_node_get_generation (node);
  PROMISE (stack->len >= 1);
}

static void
load_pictures (EspDocument *document, EspNode *node)
{
  g_autoptr (GAsyncResult) image = NULL;
  g_autoptr (GAsyncResult) thumbnail = NULL;
  g_autoptr (GAsyncResult) latents = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) latent_bytes = NULL;
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (GError) error = NULL;

  if (!esp_node_has_image (node))
    return;
  esp_document_load_image_async (document, node, NULL, on_done, &image);
  wait_for (&image);
  bytes = esp_document_load_image_finish (document, image, &error);
  fuzz_check_error (bytes != NULL, &error);
  esp_document_load_thumbnail_async (document, node, ESP_THUMBNAIL_SMALL, NULL, on_done,
                                     &thumbnail);
  wait_for (&thumbnail);
  picture = esp_document_load_thumbnail_finish (document, thumbnail, &error);
  fuzz_check_error (picture != NULL, &error);
  if (!esp_node_has_latents (node))
    return;
  esp_document_load_latents_async (document, node, NULL, on_done, &latents);
  wait_for (&latents);
  latent_bytes = esp_document_load_latents_finish (document, latents, &error);
  g_clear_error (&error);
}

/* Whatever was in the file: a change is stored, or refused with a sentence. */
static void
change (EspDocument *document, EspNode *node)
{
  g_autoptr (GAsyncResult) labelled = NULL;
  g_autoptr (GAsyncResult) added = NULL;
  g_autoptr (GError) error = NULL;
  EspTurn turn = { .instruction = "Make it snow", .backend = "local" };
  g_autoptr (GPtrArray) nodes = NULL;
  gboolean ok;

  esp_document_set_label_async (document, node, "Label", NULL, on_done, &labelled);
  wait_for (&labelled);
  ok = esp_document_edit_finish (document, labelled, &error);
  fuzz_check_error (ok, &error);
  esp_document_add_turns_async (document, node, &turn, 1, NULL, on_done, &added);
  wait_for (&added);
  nodes = esp_document_add_turns_finish (document, added, &error);
  fuzz_check_error (nodes != NULL, &error);
}

static void
open_document (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) opened = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspDocument) document = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GPtrArray) found = NULL;
  g_auto (GStrv) instructions = NULL;
  gboolean ok;

  esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, on_done, &opened);
  wait_for (&opened);
  document = esp_document_open_finish (opened, &error);
  fuzz_check_error (document != NULL, &error);
  if (document == NULL)
    return;

  nodes = esp_document_dup_nodes (document);
  PROMISE (nodes->len == esp_document_get_n_nodes (document));
  for (guint i = 0; i < nodes->len && i < NODES_MAX; i++)
    look_at_node (nodes->pdata[i]);
  for (guint i = 0; i < nodes->len && i < IMAGES_MAX; i++)
    load_pictures (document, nodes->pdata[i]);
  found = esp_document_find (document, "snow a");
  instructions = esp_document_dup_instructions (document);
  if (nodes->len > 0)
    change (document, nodes->pdata[0]);

  esp_document_close_async (document, on_done, &closed);
  wait_for (&closed);
  ok = esp_document_close_finish (document, closed, &error);
  fuzz_check_error (ok, &error);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* --- As another file ---------------------------------------------------------------------------
 */

static void
take_snapshot (EspSnapshotSource *source)
{
  g_autofree char *path = g_build_filename (fuzz_home (), "whole.espalier", NULL);
  g_autoptr (GError) error = NULL;
  const int fd = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  gint64 version = 0;
  gboolean ok;

  PROMISE (fd >= 0);
  ok = _esp_snapshot_write (source, fd, path, &version, &error);
  fuzz_check_error (ok, &error);
  close (fd);
  PROMISE (!ok || _esp_snapshot_make_whole (path, NULL));
}

static void
copy (const char *path)
{
  g_autoptr (GError) error = NULL;
  EspSnapshotSource *source = NULL;
  gboolean whole = _esp_snapshot_make_whole (path, &error);

  fuzz_check_error (whole, &error);
  source = _esp_snapshot_source_new (path, &error);
  fuzz_check_error (source != NULL, &error);
  if (source != NULL)
    take_snapshot (source);
  _esp_snapshot_source_free (source);
}

/* Another program that reads an older state of the document while it has written a newer one; NULL:
 * the document is none. */
static sqlite3 *
be_at_it (const char *path, sqlite3 **writer)
{
  sqlite3 *reader = NULL;

  if (sqlite3_open_v2 (path, writer, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK
      || sqlite3_open_v2 (path, &reader, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK
      || sqlite3_exec (*writer,
                       "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                       "CREATE TABLE busy (a)",
                       NULL, NULL, NULL)
             != SQLITE_OK
      || sqlite3_exec (reader, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL)
             != SQLITE_OK
      || sqlite3_exec (*writer, "INSERT INTO busy VALUES (1)", NULL, NULL, NULL) != SQLITE_OK)
    g_clear_pointer (&reader, sqlite3_close_v2);
  return reader;
}

void
fuzz_document_create (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspStore) store = _esp_store_open (path, "fuzz", ESP_STORE_CREATE, &error);

  fuzz_check_error (store != NULL, &error);
}

void
fuzz_document_read (const char *path, gboolean busy)
{
  sqlite3 *writer = NULL, *reader = busy ? be_at_it (path, &writer) : NULL;

  for (int side = 64; side <= 512; side += 448)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspPicture) picture = esp_thumbnail_load (path, side, NULL, &error);

      fuzz_check_error (picture != NULL, &error);
      PROMISE (picture == NULL || (picture->width <= side && picture->height <= side));
    }
  read_store (path);
  if (reader != NULL) /* the document writes a new file */
    copy (path);
  open_document (path);
  copy (path);
  sqlite3_close_v2 (reader);
  sqlite3_close_v2 (writer);
}
