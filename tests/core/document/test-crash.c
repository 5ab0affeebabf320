/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-crash.c: kills a program that works on a document, takes the power away from it, and fills
 * its disk, again and again. Whatever the document had said it had stored must be there afterwards.
 *
 * CRASH_VICTIM is the program (crash-victim.c). */
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>

#include "esp-document.h"

/* Under the sanitizers the moments of a kill or of a fault in an established document are fewer,
 * for it is the code that they look at. */
#ifdef __SANITIZE_ADDRESS__
#define KILLS         40
#define FAULT_MOMENTS 12
#else
#define KILLS         200
#define FAULT_MOMENTS 40
#endif
#define KILLS_A_FILE   20
#define OPERATIONS     12 /* of a run with faults */
#define MAKING_MOMENTS 70
#define CALL_MOMENTS                                                                               \
  5 /* of the kinds of faults that count one kind of call, unless all are asked for */
#define ALL_MOMENTS 400 /* then as many at most: SQLite allocates 20,000 times */

/* --- What was promised ------------------------------------------------------------------------ */

typedef struct
{
  char *sha256;      /* NULL: a turn without an image so far */
  GPtrArray *labels; /* any of them is right */
  gboolean deleted;
  gboolean unsure; /* it was about to be deleted or brought back */
} Promise;

static void
promise_free (gpointer data)
{
  Promise *promise = data;

  g_free (promise->sha256);
  g_ptr_array_unref (promise->labels);
  g_free (promise);
}

static GHashTable *
promises_new (void)
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

/* What a person is told is a sentence about the document, by the name that they gave it. */
static void
check_message (const char *message)
{
  static const char *const ours[]
      = { "SQLITE_", "errno", "0x", "(null)", "sqlite3", "/espalier-crash-" };

  g_assert_true (g_utf8_validate (message, -1, NULL));
  if (strlen (message) < 12 || strstr (message, ".espalier”") == NULL)
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

static void
note_all (GHashTable *promises, const char *output, guint *faults)
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

static void
close_document (EspDocument *document)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_document_close_async (document, take_result, &result);
  esp_document_close_finish (document, wait_for (&result), &error);
  g_assert_no_error (error);
}

/* What was being written beside the person's file is gone. */
static void
check_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    g_assert_false (g_str_has_prefix (name, ".espalier-"));
}

/* What would have become a document stays beside its place until that is opened, which is not done
 * here. */
static void
forget_temporaries (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    if (g_str_has_prefix (name, ".espalier-"))
      {
        g_autofree char *entry = g_build_filename (folder, name, NULL);

        g_unlink (entry);
      }
}

/* Opens what a crash left, and looks for all that was promised; twice: taken up from the working
 * copy, and from the person's file after that. */
static void
check_document (const char *path, GHashTable *promises, gboolean in_place)
{
  if (!in_place)
    check_file (path);
  if (g_hash_table_size (promises) == 0 && !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      /* it ended before there was a document */
      forget_temporaries (path);
      return;
    }
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GFile) file = g_file_new_for_path (path);
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (EspDocument) document = NULL;
      g_autoptr (GError) error = NULL;
      GHashTableIter iter;
      gpointer id, promise;

      esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, take_result, &result);
      document = esp_document_open_finish (wait_for (&result), &error);
      g_assert_no_error (error);
      g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_WRITABLE);
      g_hash_table_iter_init (&iter, promises);
      while (g_hash_table_iter_next (&iter, &id, &promise))
        check_node (document, *(gint64 *) id, promise);
      check_health (document);
      close_document (document);
      check_file (path);
    }
}

/* After a check there is certainty: what is there is right. */
static void
settle (const char *path, GHashTable *promises)
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

/* --- Kills ------------------------------------------------------------------------------------ */

static char *scratch;

/* Loaded into the programs that are started from now on; NULL: nothing. Its variables come first.
 */
static const char *preload;
static const char *const *preload_variables;

static GSubprocess *
start (const char *path, guint32 seed, int count, const char *fault, guint moment)
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

  for (guint i = 0; preload != NULL && preload_variables[i] != NULL; i += 2)
    g_subprocess_launcher_setenv (launcher, preload_variables[i], preload_variables[i + 1], TRUE);
  if (preload != NULL)
    {
      g_autofree char *options
          = g_strdup_printf ("verify_asan_link_order=0:%s",
                             g_getenv ("ASAN_OPTIONS") != NULL ? g_getenv ("ASAN_OPTIONS") : "");

      g_subprocess_launcher_setenv (launcher, "LD_PRELOAD", preload, TRUE);
      g_subprocess_launcher_setenv (launcher, "ASAN_OPTIONS", options, TRUE);
    }
  process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  g_assert_no_error (error);
  return process;
}

static char *
read_all (GInputStream *stream)
{
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();

  g_output_stream_splice (output, stream, G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  g_output_stream_write_all (output, "", 1, NULL, NULL, NULL);
  g_output_stream_close (output, NULL, NULL);
  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (output));
}

/* Kills the program a random time after it opened the document; one in ten before that. */
static void
kill_once (const char *path, GHashTable *promises, guint *n_told)
{
  g_autoptr (GSubprocess) process = start (path, g_test_rand_int (), 0, NULL, 0);
  GInputStream *stream = g_subprocess_get_stdout_pipe (process);
  g_autoptr (GString) output = g_string_new (NULL);
  g_autofree char *rest = NULL;
  char byte;

  if (g_test_rand_int_range (0, 10) == 0)
    g_usleep ((gulong) g_test_rand_int_range (0, 15000));
  else
    {
      while (g_input_stream_read (stream, &byte, 1, NULL, NULL) == 1 && byte != '\n')
        g_string_append_c (output, byte);
      g_string_append_c (output, '\n');
      g_usleep ((gulong) g_test_rand_int_range (0, 60000));
    }
  g_subprocess_send_signal (process, SIGKILL);
  rest = read_all (stream);
  g_subprocess_wait (process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_signaled (process));
  g_assert_cmpint (g_subprocess_get_term_sig (process), ==, SIGKILL);
  g_string_append (output, rest);
  for (const char *c = output->str; *c != '\0'; c++)
    *n_told += *c == '!';
  note_all (promises, output->str, NULL);
}

static char *
dup_path (gboolean in_place, const char *name)
{
  g_autofree char *library = esp_document_library_dup_path ();

  return g_build_filename (in_place ? library : scratch, name, NULL);
}

static void
test_kill (gconstpointer data)
{
  const gboolean in_place = GPOINTER_TO_INT (data);
  guint n_told = 0;

  for (int i = 0; i < KILLS / 2; i += KILLS_A_FILE)
    {
      g_autofree char *name = g_strdup_printf ("kill %d.espalier", i);
      g_autofree char *path = dup_path (in_place, name);
      g_autoptr (GHashTable) promises = promises_new ();

      for (int k = 0; k < KILLS_A_FILE; k++)
        {
          kill_once (path, promises, &n_told);
          check_document (path, promises, in_place);
          if (g_file_test (path, G_FILE_TEST_EXISTS))
            check_folder (path);
          settle (path, promises);
        }
      g_unlink (path);
    }
  g_test_message ("%d kills, %u things promised", KILLS / 2, n_told);
  g_assert_cmpuint (n_told, >, KILLS / 2);
}

/* --- Faults ----------------------------------------------------------------------------------- */

typedef struct
{
  const char *fault;
  gboolean in_place;
  guint moments; /* how many are tried; 0: those of a fault in any write */
} FaultCase;

/* One document for each moment, all with the same operations, so that every one is hit. */
static void
test_fault (gconstpointer data)
{
  const FaultCase *fault = data;
  const gboolean power = g_str_has_prefix (fault->fault, "power");
  const guint32 seed = 8;
  guint n = 0, step, first, n_runs = 0;
  g_autofree char *counted = dup_path (fault->in_place, "count.espalier");
  g_autoptr (GHashTable) counting = promises_new ();
  g_autoptr (GSubprocess) count = start (counted, seed, OPERATIONS, fault->fault, 0);
  g_autofree char *count_output = read_all (g_subprocess_get_stdout_pipe (count));

  g_assert_true (g_subprocess_wait_check (count, NULL, NULL));
  note_all (counting, count_output, &n);
  g_assert_cmpuint (n, >, fault->moments > 0 ? 0 : 20);
  check_document (counted, counting, fault->in_place);
  g_unlink (counted);

  /* Where a fault is survived and work goes on, each of the moments in which a document is made. */
  step = g_test_slow () ? 1 : MAX (1, n / FAULT_MOMENTS);
  if (fault->moments > 0)
    step = MAX (1, n / (g_test_slow () ? ALL_MOMENTS : fault->moments));
  first = power || fault->moments > 0 ? 1 + (guint) g_test_rand_int_range (0, (gint32) step) : 1;
  for (guint moment = first; moment <= n;
       moment += !power && fault->moments == 0 && moment < MAKING_MOMENTS ? 1 : step)
    {
      g_autofree char *name = g_strdup_printf ("%s %u.espalier", fault->fault, moment);
      g_autofree char *path = dup_path (fault->in_place, name);
      g_autoptr (GHashTable) promises = promises_new ();
      g_autoptr (GSubprocess) process = start (path, seed, OPERATIONS, fault->fault, moment);
      g_autofree char *output = read_all (g_subprocess_get_stdout_pipe (process));

      g_subprocess_wait (process, NULL, NULL);
      g_assert_true (g_subprocess_get_if_exited (process));
      if (g_str_has_prefix (fault->fault, "power"))
        g_assert_true (g_subprocess_get_exit_status (process) == 9
                       || g_subprocess_get_exit_status (process) == 0);
      else
        g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
      note_all (promises, output, NULL);
      check_document (path, promises, fault->in_place);
      check_folder (path);
      g_unlink (path);
      n_runs++;
    }
  g_test_message ("%s: %u of %u moments", fault->fault, n_runs, n);
}

/* --- Calls of the system ---------------------------------------------------------------------- */

typedef struct
{
  const char *call, *code; /* of fail-files.c */
  gboolean stays;
  gboolean in_place;
} CallCase;

static GSubprocess *
start_with_files (const CallCase *fault, const char *path, guint moment)
{
  g_autofree char *text = g_strdup_printf ("%u", moment);
  const char *variables[] = { "FAIL_FILES_CALL",
                              fault->call,
                              "FAIL_FILES_CODE",
                              fault->code,
                              "FAIL_FILES_MOMENT",
                              text,
                              "FAIL_FILES_IN",
                              scratch,
                              fault->stays ? "FAIL_FILES_STAYS" : NULL,
                              "1",
                              NULL };
  GSubprocess *process;

  preload = g_getenv ("FAIL_FILES_LIBRARY");
  preload_variables = variables;
  process = start (path, 8, OPERATIONS, "environment", 0);
  preload = NULL;
  preload_variables = NULL;
  return process;
}

/* SQLite as it is, and everything that puts the person's file in place: one call of the system
 * fails, and the document is whole. */
static void
test_call (gconstpointer data)
{
  const CallCase *fault = data;
  g_autofree char *counted = dup_path (fault->in_place, "calls.espalier");
  g_autoptr (GHashTable) counting = promises_new ();
  g_autoptr (GSubprocess) count = start_with_files (fault, counted, 0);
  g_autofree char *count_output = read_all (g_subprocess_get_stdout_pipe (count));
  guint n = 0, step, n_runs = 0;

  g_assert_true (g_subprocess_wait_check (count, NULL, NULL));
  note_all (counting, count_output, &n);
  check_document (counted, counting, fault->in_place);
  g_unlink (counted);
  if (n == 0)
    {
      g_test_skip ("nothing calls it here");
      return;
    }

  step = MAX (1, n / (g_test_slow () ? ALL_MOMENTS : CALL_MOMENTS));
  for (guint moment = 1 + (guint) g_test_rand_int_range (0, (gint32) step); moment <= n;
       moment += step)
    {
      g_autofree char *name
          = g_strdup_printf ("%s %s %u.espalier", fault->call, fault->code, moment);
      g_autofree char *path = dup_path (fault->in_place, name);
      g_autoptr (GHashTable) promises = promises_new ();
      g_autoptr (GSubprocess) process = start_with_files (fault, path, moment);
      g_autofree char *output = read_all (g_subprocess_get_stdout_pipe (process));

      g_subprocess_wait (process, NULL, NULL);
      g_assert_true (g_subprocess_get_if_exited (process));
      g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
      note_all (promises, output, NULL);
      check_document (path, promises, fault->in_place);
      /* What could not be deleted is there. */
      if (g_file_test (path, G_FILE_TEST_EXISTS) && strcmp (fault->call, "unlink") != 0)
        check_folder (path);
      g_unlink (path);
      n_runs++;
    }
  g_test_message ("%s %s: %u of %u moments", fault->call, fault->code, n_runs, n);
}

/* --- Clocks ----------------------------------------------------------------------------------- */

/* Somebody sets the clock, forward and back, and the computer sleeps, all the while. */
static void
test_clock (gconstpointer data)
{
  const char *const *variables = data;
  g_autofree char *path = dup_path (FALSE, "clock.espalier");
  g_autoptr (GHashTable) promises = promises_new ();

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GSubprocess) process = NULL;
      g_autofree char *output = NULL;

      preload = g_getenv ("SHIFT_CLOCK_LIBRARY");
      preload_variables = variables;
      process = start (path, (guint32) i, OPERATIONS, "count", 0);
      preload = NULL;
      preload_variables = NULL;
      output = read_all (g_subprocess_get_stdout_pipe (process));
      g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
      note_all (promises, output, NULL);
      check_document (path, promises, FALSE);
      settle (path, promises);
    }
  g_unlink (path);
}

static void
add_calls (void)
{
  static const struct
  {
    const char *call, *code, *name;
    gboolean stays;
  } calls[] = {
    { "open", "13", "forbidden", FALSE },  { "open", "24", "too-many", FALSE },
    { "write", "28", "full", TRUE },       { "write", "122", "quota", FALSE },
    { "write", "5", "error", FALSE },      { "write", "0", "short", FALSE },
    { "sync", "5", "error", FALSE },       { "rename", "5", "error", FALSE },
    { "rename", "13", "forbidden", TRUE }, { "unlink", "13", "forbidden", FALSE },
    { "truncate", "5", "error", FALSE },   { "mkdir", "30", "read-only", FALSE },
  };
  static CallCase cases[2 * G_N_ELEMENTS (calls)];
  static const char *const year[] = { "SHIFT_CLOCK_WALL", "31557600", NULL };
  static const char *const sleep[]
      = { "SHIFT_CLOCK_WALL", "30000", "SHIFT_CLOCK_STEADY", "2", "SHIFT_CLOCK_EVERY", "50", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/crash/system/%s/%s/%s", calls[i / 2].call,
                                               calls[i / 2].name, i % 2 ? "library" : "file");

      cases[i] = (CallCase){ calls[i / 2].call, calls[i / 2].code, calls[i / 2].stays, i % 2 == 1 };
      g_test_add_data_func (path, &cases[i], test_call);
    }
  g_test_add_data_func ("/crash/clock/year", year, test_clock);
  g_test_add_data_func ("/crash/clock/sleep", sleep, test_clock);
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

int
main (int argc, char **argv)
{
  static const FaultCase cases[] = {
    { "full", TRUE },       { "full", FALSE },       { "io", TRUE },
    { "io", FALSE },        { "power", TRUE },       { "power", FALSE },
    { "power-part", TRUE }, { "power-part", FALSE }, { "power-all", TRUE },
  };
  static const char *const calls[]
      = { "read", "read-corrupt", "write-short", "write-forbid", "sync",       "open",  "delete",
          "size", "lock",         "lock-busy",   "share",        "share-busy", "memory" };
  static FaultCase call_cases[2 * G_N_ELEMENTS (calls)];
  int result;

  scratch = g_dir_make_tmp ("espalier-crash-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", scratch, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/crash/kill/library", GINT_TO_POINTER (TRUE), test_kill);
  g_test_add_data_func ("/crash/kill/file", GINT_TO_POINTER (FALSE), test_kill);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/crash/%s/%s", cases[i].fault,
                                               cases[i].in_place ? "library" : "file");

      g_test_add_data_func (path, &cases[i], test_fault);
    }
  for (guint i = 0; i < G_N_ELEMENTS (call_cases); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/crash/call/%s/%s", calls[i / 2], i % 2 ? "library" : "file");

      call_cases[i] = (FaultCase){ calls[i / 2], i % 2 == 1, CALL_MOMENTS };
      g_test_add_data_func (path, &call_cases[i], test_fault);
    }
  add_calls ();
  result = g_test_run ();
  remove_tree (scratch);
  g_free (scratch);
  return result;
}
