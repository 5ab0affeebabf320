/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-working-copy-trouble.c: what a crash left, what is no document, what may not be written,
 * full disks, and publishing while others write. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "working-copy-fixture.h"

static char *program;

/* --- After a crash ---------------------------------------------------------------------------- */

static void
test_recover (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);

  add (copy, 2);
  crash (copy);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_recovered (copy));
  g_assert_false (esp_working_copy_is_immutable (copy));
  g_assert_false (esp_working_copy_is_file_changed (copy));
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 3);
  g_assert_false (esp_working_copy_is_recovered (copy));

  /* With nothing unpublished it is not even mentioned. */
  crash (copy);
  copy = open_copy (fixture->file);
  g_assert_false (esp_working_copy_is_recovered (copy));
  g_assert_true (esp_working_copy_is_immutable (copy));

  /* Without being published it stays for the next time. */
  add (copy, 4);
  esp_working_copy_free (copy);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_recovered (copy));
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 7);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

static void
test_recover_changed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->folder, "other", NULL);
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file);

  add (copy, 2);
  crash (copy);
  make_file (other, 10);
  g_assert_cmpint (g_rename (other, fixture->path), ==, 0);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_recovered (copy));
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_assert_cmpint (sum (fixture->path), ==, 10);
  g_assert_true (esp_working_copy_publish (copy, TRUE, NULL));
  g_assert_cmpint (sum (fixture->path), ==, 3);

  /* Changed while nothing was unpublished: the file counts. */
  crash (copy);
  make_file (other, 30);
  g_assert_cmpint (g_rename (other, fixture->path), ==, 0);
  copy = open_copy (fixture->file);
  g_assert_false (esp_working_copy_is_recovered (copy));
  g_assert_cmpint (sum (esp_working_copy_get_path (copy)), ==, 30);
  add (copy, 1);

  /* Deleted with unpublished work: that opens all the same. */
  crash (copy);
  g_unlink (fixture->path);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_recovered (copy));
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_true (esp_working_copy_publish (copy, TRUE, NULL));
  g_assert_cmpint (sum (fixture->path), ==, 31);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* The file was put in place, and that was the last the process did. */
static void
test_recover_between (Fixture *fixture, gconstpointer data)
{
  g_autofree char *state = NULL, *old = NULL, *pending = NULL, *folder = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file);
  g_auto (GStrv) keys = NULL;
  g_autoptr (GKeyFile) before = g_key_file_new (), after = g_key_file_new ();
  gsize n;

  add (copy, 2);
  folder = g_path_get_dirname (esp_working_copy_get_path (copy));
  state = g_build_filename (folder, "state", NULL);
  g_assert_true (g_key_file_load_from_file (before, state, 0, NULL));
  publish (copy);
  g_assert_true (g_key_file_load_from_file (after, state, 0, NULL));
  keys = g_key_file_get_keys (after, "published", &n, NULL);
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *value = g_key_file_get_value (after, "published", keys[i], NULL);

      g_key_file_set_value (before, "pending", keys[i], value);
    }
  g_key_file_set_string (before, "working", "database", "");
  crash (copy);
  g_assert_true (g_key_file_save_to_file (before, state, NULL));

  copy = open_copy (fixture->file);
  g_assert_false (esp_working_copy_is_file_changed (copy)); /* ours */
  add (copy, 4);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 7);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* --- What is no document, what may not be written --------------------------------------------- */

static void
test_refuse (Fixture *fixture, gconstpointer data)
{
  const char *const names[] = { "missing", "folder", "fifo",  "loop",          "dangling",
                                "empty",   "text",   "short", "no/such/folder" };
  const EspDocumentError codes[]
      = { ESP_DOCUMENT_ERROR_OPEN,   ESP_DOCUMENT_ERROR_OPEN,   ESP_DOCUMENT_ERROR_OPEN,
          ESP_DOCUMENT_ERROR_OPEN,   ESP_DOCUMENT_ERROR_OPEN,   ESP_DOCUMENT_ERROR_FORMAT,
          ESP_DOCUMENT_ERROR_FORMAT, ESP_DOCUMENT_ERROR_FORMAT, ESP_DOCUMENT_ERROR_OPEN };
  g_autofree char *cwd = g_get_current_dir ();

  g_assert_cmpint (g_chdir (fixture->folder), ==, 0);
  g_assert_cmpint (g_mkdir ("folder", 0700), ==, 0);
  g_assert_cmpint (mkfifo ("fifo", 0600), ==, 0);
  g_assert_cmpint (symlink ("loop", "loop"), ==, 0);
  g_assert_cmpint (symlink ("nowhere", "dangling"), ==, 0);
  g_assert_true (g_file_set_contents ("empty", "", 0, NULL));
  g_assert_true (g_file_set_contents ("text",
                                      "This is no database, and it is longer than a hundred "
                                      "bytes, which is what a header of one takes up.",
                                      -1, NULL));
  g_assert_true (g_file_set_contents ("short", "SQLite format 3", 16, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->folder, names[i], NULL);
      g_autoptr (GFile) file = g_file_new_for_path (path);
      g_autofree char *base = g_path_get_basename (path);
      g_autoptr (GError) error = NULL;

      g_assert_null (esp_working_copy_open (file, FALSE, 0, NULL, &error));
      g_assert_error (error, ESP_DOCUMENT_ERROR, (int) codes[i]);
      g_assert_nonnull (strstr (error->message, base));
    }
  g_assert_cmpint (g_chdir (cwd), ==, 0);
  assert_nothing_left ();
}

static void
test_device (void)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/dev/null");
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_working_copy_open (file, FALSE, 0, NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (esp_working_copy_open (fixture->file, FALSE, 0, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy, *second;

  /* Looking is in nobody's way. */
  copy = esp_working_copy_open (fixture->file, FALSE, ESP_DOCUMENT_OPEN_READ_ONLY, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (esp_working_copy_get_access (copy), ==, ESP_DOCUMENT_NO_PERMISSION);
  second = open_copy (fixture->file);
  g_assert_cmpint (esp_working_copy_get_access (second), ==, ESP_DOCUMENT_WRITABLE);
  add (second, 2);
  g_assert_false (esp_working_copy_prepare (copy, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
  esp_working_copy_free (copy);
  crash (second);

  /* It sees what a crash left, and leaves it. */
  copy = esp_working_copy_open (fixture->file, FALSE, ESP_DOCUMENT_OPEN_READ_ONLY, NULL, NULL);
  g_assert_false (esp_working_copy_is_immutable (copy));
  esp_working_copy_free (copy);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_recovered (copy));
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 3);
  esp_working_copy_free (copy);
}

static void
become_nobody (gpointer data)
{
  if (setgid (65534) != 0 || setuid (65534) != 0)
    _exit (77);
}

/* root may write everything: the test again, as nobody. */
static void
run_unprivileged (const char *test)
{
  const char *const arguments[] = { program, "-p", test, NULL };
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_set_child_setup (launcher, become_nobody, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  if (process == NULL) /* nobody may not even read it */
    {
      g_test_skip (error->message);
      return;
    }
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  if (g_subprocess_get_if_exited (process) && g_subprocess_get_exit_status (process) == 77)
    g_test_skip ("there is no nobody");
  else
    g_assert_true (g_subprocess_get_successful (process));
}

static void
test_permissions (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (g_get_user_data_dir (), "other.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (other);
  g_autoptr (GError) error = NULL;
  struct stat before, after;
  EspWorkingCopy *copy;

  if (geteuid () == 0)
    {
      run_unprivileged ("/working-copy/permissions");
      return;
    }
  g_assert_cmpint (g_chmod (fixture->path, 0444), ==, 0);
  copy = open_copy (fixture->file);
  g_assert_cmpint (esp_working_copy_get_access (copy), ==, ESP_DOCUMENT_NO_PERMISSION);
  g_assert_true (esp_working_copy_move (copy, file, &error));
  g_assert_no_error (error);
  g_assert_cmpint (esp_working_copy_get_access (copy), ==, ESP_DOCUMENT_WRITABLE);
  add (copy, 2);
  publish (copy);
  esp_working_copy_free (copy);
  g_assert_cmpint (sum (other), ==, 3);
  g_assert_cmpint (sum (fixture->path), ==, 1);
  g_unlink (other);

  /* The file may be written, the folder may not: as the document portal has it. */
  g_assert_cmpint (g_chmod (fixture->path, 0644), ==, 0);
  g_assert_cmpint (g_chmod (fixture->folder, 0500), ==, 0);
  g_assert_cmpint (stat (fixture->path, &before), ==, 0);
  copy = open_copy (fixture->file);
  g_assert_cmpint (esp_working_copy_get_access (copy), ==, ESP_DOCUMENT_WRITABLE);
  add (copy, 2);
  publish (copy);
  add (copy, 4);
  publish (copy);
  g_assert_false (esp_working_copy_is_file_changed (copy));
  g_assert_cmpint (stat (fixture->path, &after), ==, 0);
  g_assert_cmpint (before.st_ino, ==, after.st_ino);
  g_assert_cmpint (sum (fixture->path), ==, 7);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* Files cannot grow beyond a limit: as on a full disk, in the middle of writing. */
static void
test_full (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file);
  struct rlimit limit, small;
  sqlite3 *database;

  add (copy, 2);
  publish (copy);
  database = open_database (esp_working_copy_get_path (copy));
  run (database, "CREATE TABLE big (b); INSERT INTO big VALUES (zeroblob (3000000))");
  sqlite3_close (database);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  small = limit;
  small.rlim_cur = 1 << 20;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE);
  g_assert_cmpint (sum (fixture->path), ==, 3);
  g_assert_cmpuint (count_entries (fixture->folder), ==, 1);
  g_assert_false (esp_working_copy_is_file_changed (copy));
  publish (copy); /* there is space again */
  g_assert_cmpuint (count_entries (fixture->folder), ==, 1);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

static void
test_stale_folders (Fixture *fixture, gconstpointer data)
{
  g_autofree char *base = dup_base ();
  g_autofree char *folder = g_build_filename (base, "0123456789abcdef", NULL);
  g_autofree char *lock = g_build_filename (folder, "lock", NULL);
  EspWorkingCopy *copy = open_copy (fixture->file);
  g_autoptr (EspWorkingCopy) second = NULL;

  add (copy, 2);
  crash (copy);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (lock, "1\n", 2, NULL));
  esp_working_copy_clean ();
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_entries (base), ==, 1); /* the other has work in it */
}

/* --- Publishing while others write ------------------------------------------------------------ */

static int writing = 1;

static gpointer
write_much (gpointer data)
{
  sqlite3 *database = open_database (data);
  int n = 0;

  run (database, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 20");
  while (g_atomic_int_get (&writing) != 0)
    {
      /* Always a pair that makes 0 within a transaction: half of it would be seen in the sum. */
      g_autofree char *sql = g_strdup_printf (
          "BEGIN IMMEDIATE; INSERT INTO t VALUES (%d); INSERT INTO big VALUES (randomblob (%d));"
          "INSERT INTO t VALUES (%d); DELETE FROM big WHERE rowid < "
          "(SELECT max (rowid) FROM big) - 40; COMMIT",
          n + 1, 1000 + n * 37 % 60000, -n - 1);

      run (database, sql);
      n++;
    }
  sqlite3_close (database);
  return GINT_TO_POINTER (n);
}

static void
test_concurrent (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);
  g_autofree char *path = NULL;
  GThread *thread;
  sqlite3 *database;

  add (copy, 0);
  path = g_strdup (esp_working_copy_get_path (copy));
  database = open_database (path);
  run (database, "CREATE TABLE big (b)");
  thread = g_thread_new ("write", write_much, path);
  for (int i = 0; i < 8; i++)
    {
      publish (copy);
      g_assert_cmpint (sum (fixture->path), ==, 1);
    }
  g_atomic_int_set (&writing, 0);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), >, 0);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 1);
  sqlite3_close (database);
  g_assert_false (esp_working_copy_is_dirty (copy));
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

int
main (int argc, char **argv)
{
  g_autofree char *scratch = NULL;
  int result;

  program = argv[0];
  scratch = g_dir_make_tmp ("espalier-data-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", scratch, TRUE);
  g_test_init (&argc, &argv, NULL);
  ADD ("recover", test_recover);
  ADD ("recover-changed", test_recover_changed);
  ADD ("recover-between", test_recover_between);
  ADD ("refuse", test_refuse);
  ADD ("cancelled", test_cancelled);
  ADD ("read-only", test_read_only);
  ADD ("permissions", test_permissions);
  ADD ("full", test_full);
  ADD ("stale-folders", test_stale_folders);
  ADD ("concurrent", test_concurrent);
  g_test_add_func ("/working-copy/device", test_device);
  result = g_test_run ();
  remove_tree (scratch);
  return result;
}
