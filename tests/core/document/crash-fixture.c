/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crash-fixture.h"

#include <gio/gunixinputstream.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

#include "esp-document.h"

/* --- What was promised ------------------------------------------------------------------------ */

typedef struct
{
  char *sha256;      /* NULL: a turn without an image so far */
  char *parts;       /* of the raw result, the mask and the latents; NULL: none */
  GPtrArray *labels; /* any of them is right */
  gboolean deleted;
  gboolean unsure; /* it was about to be deleted or brought back */
} Promise;

static void
promise_free (gpointer data)
{
  Promise *promise = data;

  g_free (promise->sha256);
  g_free (promise->parts);
  g_ptr_array_unref (promise->labels);
  g_free (promise);
}

GHashTable *
crash_promises_new (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, promise_free);
}

static Promise *
get_promise (GHashTable *promises, gint64 id)
{
  Promise *promise = g_hash_table_lookup (promises, &id);

  if (promise == NULL)
    {
      promise = g_new0 (Promise, 1);
      promise->labels = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (promise->labels, NULL);
      g_hash_table_insert (promises, g_memdup2 (&id, sizeof id), promise);
    }
  return promise;
}

/* What a person is told is a sentence about the document or an image, by the name that they gave
 * it, or about a picture that there is not enough memory for. */
static void
check_message (const char *message)
{
  static const char *const ours[]
      = { "SQLITE_", "errno", "0x", "(null)", "sqlite3", "/espalier-crash-" };

  g_assert_true (g_utf8_validate (message, -1, NULL));
  if (strlen (message) < 12
      || (strstr (message, "”") == NULL && strstr (message, "not enough memory") == NULL))
    g_error ("no sentence: %s", message);
  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    if (strstr (message, ours[i]) != NULL)
      g_error ("not for a person: %s", message);
  g_test_message ("told: %s", message);
}

/* One line of crash-victim.c. */
static void
note (GHashTable *promises, const char *line, guint *faults)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 4);
  const gboolean done = words[0][0] == '!';
  Promise *promise;

  g_assert_nonnull (words[0]);
  if (words[1] == NULL || words[2] == NULL || strcmp (words[1], "open") == 0)
    return;
  if (strcmp (words[1], "failed") == 0)
    {
      check_message (strchr (strchr (line, ' ') + 1, ' ') + 1);
      return;
    }
  if (strcmp (words[1], "faults") == 0)
    {
      if (faults != NULL)
        *faults = (guint) g_ascii_strtoull (words[2], NULL, 10);
      return;
    }
  promise = get_promise (promises, g_ascii_strtoll (words[2], NULL, 10));
  if (strcmp (words[1], "node") == 0)
    {
      g_free (promise->sha256);
      promise->sha256 = g_strdup (words[3]);
    }
  else if (strcmp (words[1], "parts") == 0)
    {
      g_free (promise->parts);
      promise->parts = g_strdup (words[3]);
    }
  else if (strcmp (words[1], "label") == 0)
    {
      if (done)
        g_ptr_array_set_size (promise->labels, 0);
      g_ptr_array_add (promise->labels, g_strdup (words[3]));
    }
  else if (strcmp (words[1], "delete") == 0 || strcmp (words[1], "undelete") == 0)
    {
      promise->unsure = !done;
      if (done)
        promise->deleted = words[1][0] == 'd';
    }
}

void
crash_note_all (GHashTable *promises, const char *output, guint *faults)
{
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);

  /* Behind the last end of line there is nothing, or half a line. */
  for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++)
    note (promises, lines[i], faults);
}

/* --- What is kept ----------------------------------------------------------------------------- */

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

/* The person's file is whole and needs no other, at any time. */
static void
check_file (const char *path)
{
  g_autofree char *escaped = g_uri_escape_string (path, "/", FALSE);
  g_autofree char *uri = g_strdup_printf ("file:%s?immutable=1", escaped);
  sqlite3 *database;
  sqlite3_stmt *statement;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return;
  g_assert_cmpint (sqlite3_open_v2 (uri, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database, "PRAGMA integrity_check", -1, &statement, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  g_assert_cmpstr ((const char *) sqlite3_column_text (statement, 0), ==, "ok");
  sqlite3_finalize (statement);
  sqlite3_close (database);
}

static void
check_parts (EspDocument *document, EspNode *node, const char *parts)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) latents = NULL;
  g_autofree char *sha256 = NULL, *found = NULL;

  esp_document_load_latents_async (document, node, NULL, take_result, &result);
  latents = esp_document_load_latents_finish (document, wait_for (&result), &error);
  g_assert_no_error (error);
  sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, latents);
  found = g_strdup_printf ("%s-%s-%s", esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW),
                           esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_MASK), sha256);
  g_assert_cmpstr (found, ==, parts);
}

static void
check_node (EspDocument *document, gint64 id, const Promise *promise)
{
  EspNode *node = esp_document_get_node (document, id);
  gboolean known = FALSE;

  if (promise->unsure && node == NULL)
    return;
  if (promise->deleted && !promise->unsure)
    {
      g_assert_null (node);
      return;
    }
  if (node == NULL)
    g_error ("node %" G_GINT64_FORMAT " is lost", id);
  if (promise->sha256 != NULL)
    g_assert_cmpstr (esp_node_get_sha256 (node), ==, promise->sha256);
  if (promise->parts != NULL)
    check_parts (document, node, promise->parts);
  for (guint i = 0; i < promise->labels->len; i++)
    known |= g_strcmp0 (esp_node_get_label (node), promise->labels->pdata[i]) == 0;
  if (!known)
    g_error ("node %" G_GINT64_FORMAT " has the label %s", id, esp_node_get_label (node));
}

static void
check_health (EspDocument *document)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  guint n_images, n_nodes;

  esp_document_verify_async (document, NULL, take_result, &result);
  esp_document_verify_finish (document, wait_for (&result), &n_images, &n_nodes, &problems, &error);
  g_assert_no_error (error);
  for (guint i = 0; problems != NULL && i < problems->len; i++)
    g_error ("%s", (const char *) problems->pdata[i]);
}

static EspDocument *
open_document (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, take_result, &result);
  document = esp_document_open_finish (wait_for (&result), &error);
  g_assert_no_error (error);
  return document;
}

static void
close_document (EspDocument *document)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_document_close_async (document, take_result, &result);
  esp_document_close_finish (document, wait_for (&result), &error);
  g_assert_no_error (error);
}

/* What was being written beside the person's file; NULL: nothing is there. */
static char *
find_temporary (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    if (g_str_has_prefix (name, ".espalier-"))
      return g_build_filename (folder, name, NULL);
  return NULL;
}

void
crash_check_folder (const char *path)
{
  g_autofree char *left = find_temporary (path);

  g_assert_cmpstr (left, ==, NULL);
}

void
crash_forget_temporaries (const char *path)
{
  char *left;

  while ((left = find_temporary (path)) != NULL)
    {
      g_assert_cmpint (g_unlink (left), ==, 0);
      g_free (left);
    }
}

/* Opens what a crash left, and looks for all that was promised; twice: taken up from the working
 * copy, and from the person's file after that. */
void
crash_check_document (const char *path, GHashTable *promises, gboolean in_place)
{
  if (!in_place)
    check_file (path);
  if (g_hash_table_size (promises) == 0 && !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      /* it ended before there was a document */
      crash_forget_temporaries (path);
      return;
    }
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (EspDocument) document = open_document (path);
      GHashTableIter iter;
      gpointer id, promise;

      g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_WRITABLE);
      g_hash_table_iter_init (&iter, promises);
      while (g_hash_table_iter_next (&iter, &id, &promise))
        check_node (document, *(gint64 *) id, promise);
      check_health (document);
      close_document (document);
      check_file (path);
    }
}

gboolean
crash_check_saved (const char *path)
{
  g_autoptr (EspDocument) document = open_document (path);
  const gint64 patience = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  const gboolean was_unsaved = esp_document_get_save_state (document) != ESP_DOCUMENT_SAVED;

  while (esp_document_get_save_state (document) != ESP_DOCUMENT_SAVED)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, patience);
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
  close_document (document);
  return was_unsaved;
}

/* After a check there is certainty: what is there is right. */
void
crash_settle (const char *path, GHashTable *promises)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspDocument) document = NULL;
  GHashTableIter iter;
  gpointer id, value;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return;
  esp_document_open_async (file, ESP_DOCUMENT_OPEN_READ_ONLY, NULL, take_result, &result);
  document = esp_document_open_finish (wait_for (&result), NULL);
  if (document == NULL)
    return;
  g_hash_table_iter_init (&iter, promises);
  while (g_hash_table_iter_next (&iter, &id, &value))
    {
      Promise *promise = value;
      EspNode *node = esp_document_get_node (document, *(gint64 *) id);

      promise->deleted = node == NULL;
      promise->unsure = FALSE;
      if (node == NULL)
        continue;
      g_ptr_array_set_size (promise->labels, 0);
      g_ptr_array_add (promise->labels, g_strdup (esp_node_get_label (node)));
    }
  close_document (document);
}

/* --- Programs that are started ---------------------------------------------------------------- */

char *crash_scratch;

GSubprocess *
crash_start_with (const char *const *variables, const char *preload, const char *said,
                  const char *path, guint32 seed, int count, const char *fault, guint moment)
{
  g_autofree char *seed_text = g_strdup_printf ("%u", seed);
  g_autofree char *count_text = g_strdup_printf ("%d", count);
  g_autofree char *moment_text = g_strdup_printf ("%u", moment);
  const char *const arguments[]
      = { g_getenv ("CRASH_VICTIM"), path, seed_text, count_text, fault, moment_text, NULL };
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  for (guint i = 0; variables != NULL && variables[i] != NULL; i += 2)
    g_subprocess_launcher_setenv (launcher, variables[i], variables[i + 1], TRUE);
  if (preload != NULL)
    {
      g_autofree char *options
          = g_strdup_printf ("verify_asan_link_order=0:%s",
                             g_getenv ("ASAN_OPTIONS") != NULL ? g_getenv ("ASAN_OPTIONS") : "");

      g_subprocess_launcher_setenv (launcher, "LD_PRELOAD", preload, TRUE);
      g_subprocess_launcher_setenv (launcher, "ASAN_OPTIONS", options, TRUE);
    }
  if (said != NULL)
    g_subprocess_launcher_set_stderr_file_path (launcher, said);
  process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  g_assert_no_error (error);
  return process;
}

GSubprocess *
crash_start (const char *path, guint32 seed, int count, const char *fault, guint moment)
{
  return crash_start_with (NULL, NULL, NULL, path, seed, count, fault, moment);
}

char *
crash_read_all (GInputStream *stream)
{
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();

  g_output_stream_splice (output, stream, G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  g_output_stream_write_all (output, "", 1, NULL, NULL, NULL);
  g_output_stream_close (output, NULL, NULL);
  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (output));
}

char *
crash_dup_path (gboolean in_place, const char *name)
{
  g_autofree char *library = esp_document_library_dup_path ();

  return g_build_filename (in_place ? library : crash_scratch, name, NULL);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) entries = NULL;
  const char *name;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      entries = g_dir_open (path, 0, NULL);
      while (entries != NULL && (name = g_dir_read_name (entries)) != NULL)
        {
          g_autofree char *entry = g_build_filename (path, name, NULL);

          remove_tree (entry);
        }
    }
  g_remove (path);
}

void
crash_begin (void)
{
  crash_scratch = g_dir_make_tmp ("espalier-crash-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", crash_scratch, TRUE);
}

void
crash_end (void)
{
  remove_tree (crash_scratch);
  g_clear_pointer (&crash_scratch, g_free);
}
