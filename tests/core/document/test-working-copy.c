/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-working-copy.c: taking a file, working on a copy, publishing it, and what others may do to
 * the file meanwhile. Most of it runs in this process; a second one is a fork () that does nothing
 * but system calls, or this program again. */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "esp-working-copy.h"

typedef struct
{
  char *folder;
  char *path;
  GFile *file;
} Fixture;

/* --- Databases -------------------------------------------------------------------------------- */

static sqlite3 *
open_database (const char *path)
{
  sqlite3 *database;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  sqlite3_busy_timeout (database, 10000);
  return database;
}

static void
run (sqlite3 *database, const char *sql)
{
  char *message = NULL;

  sqlite3_exec (database, sql, NULL, NULL, &message);
  g_assert_cmpstr (message, ==, NULL);
}

static gint64
ask (sqlite3 *database, const char *sql)
{
  sqlite3_stmt *statement;
  gint64 number;

  g_assert_cmpint (sqlite3_prepare_v2 (database, sql, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  return number;
}

static void
make_file (const char *path, int value)
{
  sqlite3 *database = open_database (path);
  g_autofree char *sql
      = g_strdup_printf ("CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (%d)", value);

  run (database, sql);
  sqlite3_close (database);
}

/* The sum of the values in a file that must be whole, a database by itself, and no WAL. */
static gint64
sum (const char *path)
{
  g_autofree char *uri = g_strdup_printf ("file:%s?immutable=1", path);
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  sqlite3 *database;
  sqlite3_stmt *statement;
  gint64 number;

  g_assert_cmpint (sqlite3_open_v2 (uri, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database, "PRAGMA integrity_check", -1, &statement, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  g_assert_cmpstr ((const char *) sqlite3_column_text (statement, 0), ==, "ok");
  sqlite3_finalize (statement);
  number = ask (database, "SELECT coalesce (sum (v), 0) FROM t");
  sqlite3_close (database);
  g_assert_false (g_file_test (log, G_FILE_TEST_EXISTS));
  return number;
}

/* The journal mode that the header asks for: 1 a file by itself, 2 with a log. */
static int
header_mode (const char *path)
{
  g_autofree char *bytes = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  g_assert_cmpuint (length, >=, 100);
  g_assert_cmpint (bytes[18], ==, bytes[19]);
  return bytes[18];
}

static void
add (EspWorkingCopy *copy, int value)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *sql
      = g_strdup_printf ("PRAGMA journal_mode = WAL; INSERT INTO t VALUES (%d)", value);
  sqlite3 *database;

  esp_working_copy_prepare (copy, &error);
  g_assert_no_error (error);
  database = open_database (esp_working_copy_get_path (copy));
  run (database, sql);
  sqlite3_close (database);
}

/* --- Folders ---------------------------------------------------------------------------------- */

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) entries = NULL;
  const char *name;

  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      g_chmod (path, 0700);
      entries = g_dir_open (path, 0, NULL);
      while (entries != NULL && (name = g_dir_read_name (entries)) != NULL)
        {
          g_autofree char *entry = g_build_filename (path, name, NULL);

          remove_tree (entry);
        }
    }
  g_remove (path);
}

static char *
dup_base (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "working", NULL);
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (entries != NULL && g_dir_read_name (entries) != NULL)
    n++;
  return n;
}

static void
assert_nothing_left (void)
{
  g_autofree char *base = dup_base ();

  g_assert_cmpuint (count_entries (base), ==, 0);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("espalier-copy-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "Größe 1.espalier", NULL);
  fixture->file = g_file_new_for_path (fixture->path);
  make_file (fixture->path, 1);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *base = dup_base ();

  remove_tree (fixture->folder);
  remove_tree (base);
  g_free (fixture->folder);
  g_free (fixture->path);
  g_object_unref (fixture->file);
}

static EspWorkingCopy *
open_copy (GFile *file)
{
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy
      = esp_working_copy_open (file, FALSE, ESP_DOCUMENT_OPEN_DEFAULT, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (copy);
  return copy;
}

static void
publish (EspWorkingCopy *copy)
{
  g_autoptr (GError) error = NULL;
  const gboolean ok = esp_working_copy_publish (copy, FALSE, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

/* What a kill leaves: the folder with its database, and no lock. The copy that is "killed" is given
 * its files back after it was freed. */
static void
crash (EspWorkingCopy *copy)
{
  g_autofree char *folder = g_path_get_dirname (esp_working_copy_get_path (copy));
  g_autofree char *aside = g_strconcat (folder, "-aside", NULL);
  g_autofree char *command = g_strdup_printf ("cp -a '%s' '%s'", folder, aside);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  esp_working_copy_free (copy);
  remove_tree (folder);
  g_assert_cmpint (g_rename (aside, folder), ==, 0);
}

/* --- The usual way ---------------------------------------------------------------------------- */

static void
test_look (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);
  struct stat before, after;

  g_assert_cmpint (stat (fixture->path, &before), ==, 0);
  g_assert_cmpint (esp_working_copy_get_access (copy), ==, ESP_DOCUMENT_WRITABLE);
  g_assert_true (esp_working_copy_is_immutable (copy));
  g_assert_false (esp_working_copy_is_in_place (copy));
  g_assert_false (esp_working_copy_is_dirty (copy));
  g_assert_false (esp_working_copy_is_recovered (copy));
  g_assert_false (esp_working_copy_is_file_changed (copy));
  g_assert_cmpstr (esp_working_copy_get_name (copy), ==, "Größe 1.espalier");
  publish (copy); /* nothing to do */
  esp_working_copy_free (copy);

  g_assert_cmpint (stat (fixture->path, &after), ==, 0);
  g_assert_cmpint (before.st_ino, ==, after.st_ino);
  g_assert_cmpint (before.st_mtim.tv_nsec, ==, after.st_mtim.tv_nsec);
  assert_nothing_left ();
}

static void
test_publish (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);

  add (copy, 2);
  g_assert_false (esp_working_copy_is_immutable (copy));
  g_assert_true (esp_working_copy_is_dirty (copy));
  g_assert_cmpint (sum (fixture->path), ==, 1);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 3);
  g_assert_cmpint (header_mode (fixture->path), ==, 1);
  g_assert_false (esp_working_copy_is_dirty (copy));
  g_assert_false (esp_working_copy_is_file_changed (copy));
  add (copy, 4);
  g_assert_true (esp_working_copy_is_dirty (copy));
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 7);
  g_assert_cmpint (esp_working_copy_get_publish_time (copy), >, 0);
  esp_working_copy_free (copy);
  assert_nothing_left ();
  g_assert_cmpuint (count_entries (fixture->folder), ==, 1);
}

static void
test_prepare_only (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);

  g_assert_true (esp_working_copy_prepare (copy, NULL));
  g_assert_true (esp_working_copy_prepare (copy, NULL));
  g_assert_cmpint (header_mode (esp_working_copy_get_path (copy)), ==, 2);
  g_assert_false (esp_working_copy_is_dirty (copy));
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

static void
test_keeps_manners (Fixture *fixture, gconstpointer data)
{
  g_autofree char *link = g_build_filename (fixture->folder, "link", NULL);
  g_autoptr (GFile) by_link = g_file_new_for_path (link);
  EspWorkingCopy *copy;
  struct stat status;
  char value[8] = "";
  const gboolean attributes = setxattr (fixture->path, "user.tag", "blue", 4, 0) == 0;

  g_assert_cmpint (g_chmod (fixture->path, 0640), ==, 0);
  g_assert_cmpint (symlink ("Größe 1.espalier", link), ==, 0);
  copy = open_copy (by_link);
  add (copy, 2);
  publish (copy);
  esp_working_copy_free (copy);
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_IS_SYMLINK));
  g_assert_cmpint (stat (fixture->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0640);
  if (attributes)
    {
      g_assert_cmpint (getxattr (fixture->path, "user.tag", value, sizeof value), ==, 4);
      g_assert_cmpstr (value, ==, "blue");
    }
  g_assert_cmpint (sum (fixture->path), ==, 3);
}

static void
test_create (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "new.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy;
  const mode_t mask = umask (027);
  struct stat status;

  g_assert_null (esp_working_copy_open (fixture->file, TRUE, 0, NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
  g_clear_error (&error);

  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (esp_working_copy_is_immutable (copy));
  make_file (esp_working_copy_get_path (copy), 5);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  publish (copy);
  g_assert_cmpint (sum (path), ==, 5);
  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0640);
  umask (mask);
  esp_working_copy_free (copy);

  /* Someone was quicker. */
  g_unlink (path);
  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  make_file (esp_working_copy_get_path (copy), 6);
  make_file (path, 7);
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_assert_cmpint (sum (path), ==, 7);
  g_assert_true (esp_working_copy_publish (copy, TRUE, NULL));
  g_assert_cmpint (sum (path), ==, 6);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

static void
test_library (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder
      = g_build_filename (g_get_user_data_dir (), "espalier", "documents", NULL);
  g_autofree char *path = g_build_filename (folder, "Harbour.espalier", NULL);
  g_autofree char *outside = g_build_filename (fixture->folder, "Moved.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFile) target = g_file_new_for_path (outside);
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy, *second;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (esp_working_copy_is_in_place (copy));
  g_assert_cmpstr (esp_working_copy_get_path (copy), ==, path);
  make_file (path, 3);
  add (copy, 4);
  publish (copy);
  g_assert_false (esp_working_copy_is_dirty (copy));
  g_assert_false (esp_working_copy_is_file_changed (copy));

  second = open_copy (file);
  g_assert_cmpint (esp_working_copy_get_access (second), ==, ESP_DOCUMENT_IN_USE);
  g_assert_cmpint (esp_working_copy_get_holder (second), ==, getpid ());
  esp_working_copy_free (second);

  /* "Save As" moves it. */
  g_assert_true (esp_working_copy_move (copy, target, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_false (esp_working_copy_is_in_place (copy));
  g_assert_true (esp_working_copy_is_immutable (copy));
  g_assert_cmpstr (esp_working_copy_get_path (copy), ==, outside);
  g_assert_cmpint (sum (outside), ==, 7);
  add (copy, 1);
  publish (copy);
  g_assert_cmpint (sum (outside), ==, 8);

  /* And back. */
  g_assert_true (esp_working_copy_move (copy, file, &error));
  g_assert_no_error (error);
  g_assert_true (esp_working_copy_is_in_place (copy));
  g_assert_cmpint (sum (path), ==, 8);
  g_assert_true (g_file_test (outside, G_FILE_TEST_EXISTS));
  add (copy, 1);
  g_unlink (path);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  esp_working_copy_free (copy);
  assert_nothing_left ();
  remove_tree (folder);
}

static void
test_move (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "other.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autofree char *nowhere = g_build_filename (fixture->folder, "no", "such.espalier", NULL);
  g_autoptr (GFile) missing = g_file_new_for_path (nowhere);
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file), *second;

  add (copy, 2);
  publish (copy);
  add (copy, 4);
  make_file (path, 100); /* replaced, as the person was asked */
  g_assert_false (esp_working_copy_move (copy, missing, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
  g_clear_error (&error);
  g_assert_true (esp_working_copy_is_dirty (copy));

  second = open_copy (file);
  g_assert_false (esp_working_copy_move (copy, file, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE);
  g_clear_error (&error);
  esp_working_copy_free (second);

  g_assert_true (esp_working_copy_move (copy, file, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_equal (esp_working_copy_get_file (copy), file));
  g_assert_cmpint (sum (path), ==, 7);
  g_assert_cmpint (sum (fixture->path), ==, 3); /* as it was last saved */
  add (copy, 8);
  publish (copy);
  g_assert_cmpint (sum (path), ==, 15);

  second = open_copy (fixture->file); /* nobody's any more */
  g_assert_cmpint (esp_working_copy_get_access (second), ==, ESP_DOCUMENT_WRITABLE);
  esp_working_copy_free (second);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* --- Others ----------------------------------------------------------------------------------- */

static void
test_in_use (Fixture *fixture, gconstpointer data)
{
  g_autofree char *link = g_build_filename (fixture->folder, "link", NULL);
  g_autofree char *dotted = g_build_filename (fixture->folder, ".", "Größe 1.espalier", NULL);
  const char *names[] = { fixture->path, link, dotted };
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file);

  add (copy, 2);
  publish (copy);
  add (copy, 4);
  g_assert_cmpint (symlink (fixture->path, link), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GFile) file = g_file_new_for_path (names[i]);
      EspWorkingCopy *second = open_copy (file);

      g_assert_cmpint (esp_working_copy_get_access (second), ==, ESP_DOCUMENT_IN_USE);
      g_assert_cmpint (esp_working_copy_get_holder (second), ==, getpid ());
      g_assert_true (esp_working_copy_is_immutable (second));
      g_assert_cmpint (sum (esp_working_copy_get_path (second)), ==, 3);
      g_assert_false (esp_working_copy_prepare (second, &error));
      g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
      g_clear_error (&error);
      g_assert_false (esp_working_copy_publish (second, TRUE, &error));
      g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
      g_clear_error (&error);
      esp_working_copy_free (second);
    }
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 7);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* This program, called again: opens the file, says how far it may go, waits for its end. */
static int
be_second (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  EspWorkingCopy *copy = esp_working_copy_open (file, FALSE, 0, NULL, NULL);

  if (copy == NULL)
    return 100;
  g_print ("%d %d\n", (int) esp_working_copy_get_access (copy),
           (int) esp_working_copy_get_holder (copy));
  if (esp_working_copy_get_access (copy) == ESP_DOCUMENT_WRITABLE)
    {
      add (copy, 50);
      raise (SIGKILL);
    }
  esp_working_copy_free (copy);
  return 0;
}

static char *program;

static char *
run_second (const char *path)
{
  const char *const arguments[] = { program, "--second", path, NULL };
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  char *output = NULL;

  g_assert_nonnull (process);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, NULL));
  return output;
}

static void
test_second_process (Fixture *fixture, gconstpointer data)
{
  g_autofree char *expected
      = g_strdup_printf ("%d %d\n", (int) ESP_DOCUMENT_IN_USE, (int) getpid ());
  EspWorkingCopy *copy = open_copy (fixture->file);
  g_autofree char *first = run_second (fixture->path);
  g_autofree char *second = NULL;

  g_assert_cmpstr (first, ==, expected);
  esp_working_copy_free (copy);

  /* Its lock ends with it, its work does not. */
  second = run_second (fixture->path);
  g_assert_cmpstr (second, ==, "0 0\n");
  copy = open_copy (fixture->file);
  g_assert_cmpint (esp_working_copy_get_access (copy), ==, ESP_DOCUMENT_WRITABLE);
  g_assert_true (esp_working_copy_is_recovered (copy));
  g_assert_true (esp_working_copy_is_dirty (copy));
  g_assert_cmpint (sum (fixture->path), ==, 1);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 51);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

static void
test_changed_elsewhere (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->folder, "other", NULL);
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file);
  const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
  sqlite3 *database;

  /* Touched, restored from a backup: the same. */
  add (copy, 2);
  g_assert_cmpint (utimensat (AT_FDCWD, fixture->path, times, 0), ==, 0);
  g_assert_false (esp_working_copy_is_file_changed (copy));
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 3);

  /* Another file in its place. */
  make_file (other, 10);
  g_assert_cmpint (g_rename (other, fixture->path), ==, 0);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  add (copy, 4);
  for (int i = 0; i < 2; i++)
    {
      g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
      g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
      g_clear_error (&error);
      g_assert_cmpint (sum (fixture->path), ==, 10);
    }
  g_assert_true (esp_working_copy_publish (copy, TRUE, &error));
  g_assert_cmpint (sum (fixture->path), ==, 7);
  g_assert_false (esp_working_copy_is_file_changed (copy));

  /* Changed in place by another SQLite. */
  database = open_database (fixture->path);
  run (database, "UPDATE t SET v = 3 WHERE v = 4");
  sqlite3_close (database);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_true (esp_working_copy_publish (copy, TRUE, NULL));

  /* Deleted. */
  g_unlink (fixture->path);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_true (esp_working_copy_publish (copy, TRUE, NULL));
  g_assert_cmpint (sum (fixture->path), ==, 7);
  esp_working_copy_free (copy);
  g_assert_cmpuint (count_entries (fixture->folder), ==, 1);
  assert_nothing_left ();
}

/* Nothing was changed here yet, and this state is wanted all the same. */
static void
test_overwrite_unchanged (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->folder, "other", NULL);
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file);
  sqlite3 *database;

  make_file (other, 10);
  g_assert_cmpint (g_rename (other, fixture->path), ==, 0);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_true (esp_working_copy_publish (copy, TRUE, &error));
  g_assert_no_error (error);
  g_assert_cmpint (sum (fixture->path), ==, 1);
  g_assert_false (esp_working_copy_is_file_changed (copy));
  g_assert_true (esp_working_copy_is_immutable (copy));

  /* Written into: what was read is nowhere any more. */
  database = open_database (fixture->path);
  run (database, "INSERT INTO t VALUES (9)");
  sqlite3_close (database);
  g_assert_false (esp_working_copy_publish (copy, TRUE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_assert_cmpint (sum (fixture->path), ==, 10);
  esp_working_copy_free (copy);

  copy = open_copy (fixture->file);
  add (copy, 2);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 12);
  esp_working_copy_free (copy);
  g_assert_cmpuint (count_entries (fixture->folder), ==, 1);
  assert_nothing_left ();
}

static void
test_changed_before_first_change (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy = open_copy (fixture->file);
  sqlite3 *database = open_database (fixture->path);

  run (database, "INSERT INTO t VALUES (9)");
  sqlite3_close (database);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_false (esp_working_copy_prepare (copy, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_assert_true (esp_working_copy_is_immutable (copy));
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* Someone used a SQLite shell on the file and crashed: the file has a log. */
static void
test_foreign_log (Fixture *fixture, gconstpointer data)
{
  g_autofree char *aside = g_build_filename (fixture->folder, "aside", NULL);
  g_autofree char *log = g_strconcat (fixture->path, "-wal", NULL);
  sqlite3 *database = open_database (fixture->path);
  EspWorkingCopy *copy;
  g_autofree char *bytes = NULL, *log_bytes = NULL;
  gsize length, log_length;

  run (database, "PRAGMA journal_mode = WAL; INSERT INTO t VALUES (20)");
  g_assert_true (g_file_get_contents (fixture->path, &bytes, &length, NULL));
  g_assert_true (g_file_get_contents (log, &log_bytes, &log_length, NULL));
  sqlite3_close (database);
  g_assert_true (g_file_set_contents (fixture->path, bytes, (gssize) length, NULL));
  g_assert_true (g_file_set_contents (log, log_bytes, (gssize) log_length, NULL));

  copy = open_copy (fixture->file);
  g_assert_false (esp_working_copy_is_immutable (copy));
  database = open_database (esp_working_copy_get_path (copy));
  g_assert_cmpint (ask (database, "SELECT sum (v) FROM t"), ==, 21);
  sqlite3_close (database);
  publish (copy);
  g_unlink (log);
  g_assert_cmpint (sum (fixture->path), ==, 21);
  esp_working_copy_free (copy);
}

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

  if (argc == 3 && strcmp (argv[1], "--second") == 0)
    return be_second (argv[2]);

  program = argv[0];
  scratch = g_dir_make_tmp ("espalier-data-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", scratch, TRUE);
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/working-copy/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("look", test_look);
  ADD ("publish", test_publish);
  ADD ("prepare-only", test_prepare_only);
  ADD ("keeps-manners", test_keeps_manners);
  ADD ("create", test_create);
  ADD ("library", test_library);
  ADD ("move", test_move);
  ADD ("in-use", test_in_use);
  ADD ("second-process", test_second_process);
  ADD ("changed-elsewhere", test_changed_elsewhere);
  ADD ("changed-before-first-change", test_changed_before_first_change);
  ADD ("overwrite-unchanged", test_overwrite_unchanged);
  ADD ("foreign-log", test_foreign_log);
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
#undef ADD

  result = g_test_run ();
  remove_tree (scratch);
  return result;
}
