/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crash-victim.c: works on a document at random and says on the standard output what it is about to
 * do ("?") and what the document told it is done ("!"), until it is killed:
 *
 *   crash-victim FILE SEED COUNT [FAULT MOMENT]
 *
 * COUNT operations (0: without end), then it closes the document. FAULT is one of count, full, io,
 * power, power-part, power-all, … (fault-vfs.h), or environment: it is libfail-files.so or another
 * library that makes the faults. The lines:
 *
 *   open N          it is open and has N nodes
 *   node ID SHA     there is a node with this image
 *   parts ID SHAS   it was put together: of a raw result, a mask, and has latents
 *   turn ID         there is a queued turn
 *   label ID TEXT   the label
 *   delete ID, undelete ID
 *   faults N        how many moments there were
 *   failed TEXT     what a person was told
 *   closed */
#include <dlfcn.h>
#include <errno.h>
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "esp-document.h"
#include "fault-vfs.h"

static GRand *generator;
static EspDocument *document;

/* In one write (), so that a line is there whole or not at all. */
G_GNUC_PRINTF (1, 2)
static void
say (const char *format, ...)
{
  g_autofree char *line = NULL;
  g_autofree char *whole = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  whole = g_strconcat (line, "\n", NULL);
  if (write (STDOUT_FILENO, whole, strlen (whole)) != (ssize_t) strlen (whole))
    _exit (104);
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **place = data;

  *place = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **place)
{
  while (*place == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *place;
}

/* With faults failure is what is tested; without them there is none. */
static gboolean may_fail;

static void
check (gboolean ok, GError *error)
{
  if (!ok && !may_fail)
    g_error ("%s", error != NULL ? error->message : "no reason");
  if (!ok)
    say ("! failed %s", error != NULL ? error->message : "");
  g_clear_error (&error);
}

static GBytes *
make_image (void)
{
  const int side = g_rand_int_range (generator, 0, 10) == 0 ? 180 : 24;
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, side, side);
  guint8 *pixels = pixbuf != NULL ? gdk_pixbuf_get_pixels (pixbuf) : NULL;
  const gsize length = pixbuf != NULL ? gdk_pixbuf_get_byte_length (pixbuf) : 0;
  char *buffer;
  gsize size;

  for (gsize i = 0; i < length; i++)
    pixels[i] = (guint8) g_rand_int (generator);
  if (pixbuf == NULL || !gdk_pixbuf_save_to_buffer (pixbuf, &buffer, &size, "png", NULL, NULL))
    g_error ("failed to allocate an image of the victim's own");
  return g_bytes_new_take (buffer, size);
}

static EspNode *
pick (void)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);

  return nodes->len == 0 ? NULL
                         : nodes->pdata[g_rand_int_range (generator, 0, (gint32) nodes->len)];
}

static char *
hash_of (GBytes *bytes)
{
  return g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
}

static void
import (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) image = make_image ();
  g_autofree char *hash = hash_of (image);
  GError *error = NULL;
  EspNode *node;

  esp_document_import_async (document, image, "a.png", g_rand_boolean (generator) ? pick () : NULL,
                             NULL, take_result, &result);
  node = esp_document_import_finish (document, wait_for (&result), &error);
  if (node != NULL)
    {
      if (g_strcmp0 (esp_node_get_sha256 (node), hash) != 0)
        g_error ("another image");
      say ("! node %" G_GINT64_FORMAT " %s", esp_node_get_id (node), hash);
    }
  check (node != NULL, error);
}

static void
finish_turn (EspNode *node, const EspTurnOutcome *outcome)
{
  g_autoptr (GAsyncResult) finished = NULL;
  GError *error = NULL;
  gboolean ok;

  esp_document_finish_turn_async (document, node, outcome, NULL, take_result, &finished);
  ok = esp_document_finish_turn_finish (document, wait_for (&finished), &error);
  if (ok)
    {
      g_autofree char *hash = hash_of (outcome->image);

      say ("! node %" G_GINT64_FORMAT " %s", esp_node_get_id (node), hash);
    }
  if (ok && outcome->raw != NULL)
    {
      g_autofree char *raw = hash_of (outcome->raw), *mask = hash_of (outcome->mask);
      g_autofree char *latents = hash_of (outcome->latents);

      say ("! parts %" G_GINT64_FORMAT " %s-%s-%s", esp_node_get_id (node), raw, mask, latents);
    }
  check (ok, error);
}

/* Half of them are put together, and leave something for the next one. */
static void
run_turn (void)
{
  g_autoptr (GAsyncResult) added = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  EspTurn turn = { .instruction = "Make it blue", .backend = "local", .has_seed = TRUE };
  EspNode *parent = pick ();
  GError *error = NULL;
  EspTurnOutcome outcome = { 0 };
  g_autoptr (GBytes) image = make_image (), raw = NULL, mask = NULL;
  g_autoptr (EspComposition) composition = NULL;

  if (parent == NULL)
    return;
  if (g_rand_boolean (generator))
    {
      raw = make_image ();
      mask = make_image ();
      composition = esp_composition_new (ESP_KEEP_AUTO);
      composition->made = TRUE;
    }
  esp_document_add_turns_async (document, parent, &turn, 2, NULL, take_result, &added);
  nodes = esp_document_add_turns_finish (document, wait_for (&added), &error);
  check (nodes != NULL, error);
  if (nodes == NULL)
    return;
  for (guint i = 0; i < nodes->len; i++)
    say ("! turn %" G_GINT64_FORMAT, esp_node_get_id (nodes->pdata[i]));
  outcome = (EspTurnOutcome){ .image = image,
                              .has_seed = TRUE,
                              .seconds = 1,
                              .raw = raw,
                              .mask = mask,
                              .latents = raw, /* any bytes */
                              .composition = composition };
  finish_turn (nodes->pdata[0], &outcome);
}

static void
set_label (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *label = g_strdup_printf ("label-%u", g_rand_int (generator));
  EspNode *node = pick ();
  GError *error = NULL;
  gint64 id;

  if (node == NULL)
    return;
  id = esp_node_get_id (node);
  say ("? label %" G_GINT64_FORMAT " %s", id, label);
  esp_document_set_label_async (document, node, label, NULL, take_result, &result);
  if (esp_document_edit_finish (document, wait_for (&result), &error))
    say ("! label %" G_GINT64_FORMAT " %s", id, label);
  check (error == NULL, error);
}

/* A leaf, so that nothing else goes with it. Half of them come back. */
static void delete (void)
{
  g_autoptr (GAsyncResult) result = NULL, undone = NULL;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  EspNode *node = pick ();
  GError *error = NULL;
  gint64 id;

  if (node == NULL || g_list_model_get_n_items (esp_node_get_children (node)) > 0)
    return;
  id = esp_node_get_id (node);
  g_ptr_array_add (nodes, node);
  say ("? delete %" G_GINT64_FORMAT, id);
  esp_document_delete_async (document, nodes, NULL, take_result, &result);
  if (!esp_document_edit_finish (document, wait_for (&result), &error))
    {
      check (FALSE, error);
      return;
    }
  say ("! delete %" G_GINT64_FORMAT, id);
  if (g_rand_boolean (generator))
    return;
  say ("? undelete %" G_GINT64_FORMAT, id);
  esp_document_undo_async (document, NULL, take_result, &undone);
  if (esp_document_edit_finish (document, wait_for (&undone), &error))
    say ("! undelete %" G_GINT64_FORMAT, id);
  check (error == NULL, error);
}

/* Publishing may fail without harm. */
static void
save (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_document_save_async (document, NULL, take_result, &result);
  if (!esp_document_save_finish (document, wait_for (&result), &error))
    check (FALSE, g_steal_pointer (&error));
}

/* Of the library that was loaded to make faults, if there is one. */
static guint
count_calls (void)
{
  guint (*count) (void) = (guint (*) (void)) dlsym (RTLD_DEFAULT, "fail_files_count");

  return count != NULL ? count () : 0;
}

static gboolean
open_document (GFile *file)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  if (g_file_query_exists (file, NULL))
    {
      esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, take_result, &result);
      document = esp_document_open_finish (wait_for (&result), &error);
    }
  else
    {
      esp_document_create_async (file, NULL, NULL, take_result, &result);
      document = esp_document_create_finish (wait_for (&result), &error);
    }
  check (document != NULL, error);
  return document != NULL;
}

static void
work (int count)
{
  static void (*const operations[]) (void)
      = { import, import, run_turn, run_turn, set_label, set_label, delete, save };

  for (int i = 0; count == 0 || i < count; i++)
    operations[g_rand_int_range (generator, 0, G_N_ELEMENTS (operations))]();
}

static FaultKind
fault_from_name (const char *name)
{
  for (FaultKind kind = FAULT_NONE; kind < FAULT_KINDS; kind++)
    {
      if (strcmp (fault_name (kind), name) == 0)
        return kind;
    }
  g_error ("no such fault: %s", name);
}

int
main (int argc, char **argv)
{
  g_autoptr (GFile) file = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  FaultKind fault = FAULT_NONE;
  guint32 seed;

  setlocale (LC_ALL, "");
  /* Once, for GLib: the first message takes a lock of GLib's, which it may hold where it finds that
   * memory is out and wants to say so; then it waits for itself. */
  g_message ("begins");
  if (argc != 4 && argc != 6)
    return 2;
  file = g_file_new_for_path (argv[1]);
  seed = (guint32) g_ascii_strtoull (argv[2], NULL, 10);
  generator = g_rand_new_with_seed (seed);
  if (argc == 6 && strcmp (argv[4], "environment") == 0)
    may_fail = TRUE;
  else if (argc == 6)
    {
      fault = fault_from_name (argv[4]);
      fault_vfs_register (fault, (guint) g_ascii_strtoull (argv[5], NULL, 10), seed);
      may_fail = fault == FAULT_FULL || fault == FAULT_IO || fault > FAULT_POWER_ALL;
    }
  if (open_document (file))
    {
      say ("! open %u", esp_document_get_n_nodes (document));
      work ((int) g_ascii_strtoll (argv[3], NULL, 10));
      esp_document_close_async (document, take_result, &closed);
      if (!esp_document_close_finish (document, wait_for (&closed), &error))
        check (FALSE, g_steal_pointer (&error));
      g_clear_object (&document);
    }
  if (argc == 6)
    say ("! faults %u", may_fail && fault == FAULT_NONE ? count_calls () : fault_vfs_count ());
  say ("! closed");
  g_rand_free (generator);
  return 0;
}
