/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-working-copy.c: taking a file, working on a copy, publishing it, and what others may do to
 * the file meanwhile. A second process is this program again. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "working-copy-fixture.h"

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

/* --- Copied before the first change ----------------------------------------------------------- */

#define NEVER (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

static char *
dup_part (void)
{
  g_autofree char *base = dup_base ();
  g_autoptr (GDir) entries = g_dir_open (base, 0, NULL);
  const char *name = entries != NULL ? g_dir_read_name (entries) : NULL;

  g_assert_nonnull (name);
  return g_build_filename (base, name, "document.db.part", NULL);
}

static void
test_ahead (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);
  g_autofree char *part = dup_part ();
  struct stat status;

  esp_working_copy_copy_ahead (copy, 0);
  esp_working_copy_copy_ahead (copy, 0);
  while (stat (part, &status) != 0 || status.st_size < esp_working_copy_get_size (copy))
    g_usleep (1000);
  g_assert_true (esp_working_copy_is_immutable (copy));
  g_assert_false (esp_working_copy_is_dirty (copy));
  add (copy, 2);
  g_assert_cmpint (stat (esp_working_copy_get_path (copy), &status), ==, 0);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 3);
  esp_working_copy_copy_ahead (copy, 0); /* there is nothing to copy any more */
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* Who needs it does not wait until it would have begun. */
static void
test_ahead_wanted_at_once (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);

  esp_working_copy_copy_ahead (copy, NEVER);
  add (copy, 2);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 3);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

static void
test_ahead_in_vain (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 20; i++)
    {
      EspWorkingCopy *copy = open_copy (fixture->file);

      esp_working_copy_copy_ahead (copy, i == 0 ? NEVER : i < 10 ? 0 : i * 50);
      if (i % 2 == 0)
        g_usleep (500);
      esp_working_copy_free (copy);
      assert_nothing_left ();
    }
  g_assert_cmpint (sum (fixture->path), ==, 1);
}

/* Someone writes into the file when it has been copied. */
static void
test_ahead_of_another (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);
  g_autofree char *part = dup_part ();
  g_autoptr (GError) error = NULL;
  struct stat status;
  sqlite3 *other;

  esp_working_copy_copy_ahead (copy, 0);
  while (stat (part, &status) != 0 || status.st_size < esp_working_copy_get_size (copy))
    g_usleep (1000);
  other = open_database (fixture->path);
  run (other, "INSERT INTO t VALUES (8)");
  sqlite3_close (other);
  g_assert_false (esp_working_copy_prepare (copy, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  esp_working_copy_free (copy);
  assert_nothing_left ();
  g_assert_cmpint (sum (fixture->path), ==, 9);
}

/* Theirs is replaced by what was opened, and that is copied, not what was there meanwhile. */
static void
test_ahead_then_overwrite (Fixture *fixture, gconstpointer data)
{
  EspWorkingCopy *copy = open_copy (fixture->file);
  g_autofree char *theirs = g_build_filename (fixture->folder, "theirs", NULL);

  esp_working_copy_copy_ahead (copy, NEVER);
  make_file (theirs, 64);
  g_assert_cmpint (g_rename (theirs, fixture->path), ==, 0);
  g_assert_true (esp_working_copy_publish (copy, TRUE, NULL));
  g_assert_cmpint (sum (fixture->path), ==, 1);
  add (copy, 2);
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 3);
  esp_working_copy_free (copy);
  assert_nothing_left ();
}

/* --- Files ------------------------------------------------------------------------------------ */

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

/* A new document whose name someone takes, and one that is given up. */
static void
test_draft (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder
      = g_build_filename (g_get_user_data_dir (), "espalier", "documents", NULL);
  g_autofree char *path = g_build_filename (folder, "Draft.espalier", NULL);
  g_autofree char *log = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  make_file (esp_working_copy_get_path (copy), 3);
  make_file (path, 5);
  g_assert_false (esp_working_copy_place (copy, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_clear_error (&error);
  esp_working_copy_free (copy);
  g_assert_cmpint (sum (path), ==, 5);
  assert_nothing_left ();

  /* One whose log is not in the file: the file without it would be damaged. */
  g_unlink (path);
  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  make_file (esp_working_copy_get_path (copy), 3);
  log = g_strconcat (esp_working_copy_get_path (copy), "-wal", NULL);
  g_assert_true (g_file_set_contents (log, "log", -1, NULL));
  g_assert_false (esp_working_copy_place (copy, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE);
  g_clear_error (&error);
  esp_working_copy_free (copy);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  assert_nothing_left ();

  /* What a crash leaves of one is in nobody's way. */
  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  make_file (esp_working_copy_get_path (copy), 3);
  crash (copy);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  esp_working_copy_clean ();
  assert_nothing_left ();
  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  esp_working_copy_free (copy);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  assert_nothing_left ();
  remove_tree (folder);
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
  int held;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  copy = esp_working_copy_open (file, TRUE, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (esp_working_copy_is_in_place (copy));
  g_assert_cmpstr (esp_working_copy_get_path (copy), !=, path);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_null (esp_working_copy_open (file, TRUE, 0, NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE);
  g_assert_nonnull (strstr (error->message, "is open in another process"));
  g_clear_error (&error);
  make_file (esp_working_copy_get_path (copy), 3);
  g_assert_true (esp_working_copy_place (copy, &error));
  g_assert_no_error (error);
  g_assert_true (esp_working_copy_place (copy, &error));
  g_assert_cmpstr (esp_working_copy_get_path (copy), ==, path);
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
  held = open (path, O_RDONLY); /* as a document does: the next file cannot get its number */
  g_assert_cmpint (held, >=, 0);
  g_unlink (path);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_clear_error (&error);

  /* Moving away does not remove what someone else has put there meanwhile. */
  make_file (path, 11);
  g_assert_true (esp_working_copy_is_file_changed (copy));
  close (held);
  g_assert_true (esp_working_copy_move (copy, target, &error));
  g_assert_no_error (error);
  g_assert_cmpint (sum (path), ==, 11);
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
be_second (const char *path, gboolean view_only)
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
      if (view_only)
        esp_working_copy_set_edited (copy, FALSE, NULL);
      raise (SIGKILL);
    }
  esp_working_copy_free (copy);
  return 0;
}

static char *program;

static char *
run_second (const char *path, gboolean view_only)
{
  const char *const arguments[] = { program, view_only ? "--second-view" : "--second", path, NULL };
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
  g_autofree char *first = run_second (fixture->path, FALSE);
  g_autofree char *second = NULL;

  g_assert_cmpstr (first, ==, expected);
  esp_working_copy_free (copy);

  /* Its lock ends with it, its work does not. */
  second = run_second (fixture->path, FALSE);
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

  /* What views remember is no work. */
  g_free (run_second (fixture->path, TRUE));
  copy = open_copy (fixture->file);
  g_assert_false (esp_working_copy_is_recovered (copy));
  g_assert_false (esp_working_copy_is_dirty (copy));
  add (copy, 2); /* and does not make that of others count for less */
  esp_working_copy_free (copy);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_recovered (copy));
  publish (copy);
  g_assert_cmpint (sum (fixture->path), ==, 53);
  g_assert_true (esp_working_copy_set_edited (copy, FALSE, NULL));
  g_assert_true (esp_working_copy_set_edited (copy, TRUE, NULL));
  add (copy, 4);
  esp_working_copy_free (copy);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_recovered (copy));
  publish (copy);
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
  g_autoptr (GError) error = NULL;
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
  /* It is in the file now, and would undo what comes after it. */
  g_assert_cmpint (sum (fixture->path), ==, 21);
  add (copy, 1);
  publish (copy);
  esp_working_copy_free (copy);
  copy = open_copy (fixture->file);
  g_assert_true (esp_working_copy_is_immutable (copy));
  esp_working_copy_free (copy);
  g_assert_cmpint (sum (fixture->path), ==, 22);

  /* Another one that came meanwhile is not ours to remove without being asked. */
  copy = open_copy (fixture->file);
  add (copy, 2);
  g_assert_true (g_file_set_contents (log, log_bytes, (gssize) log_length, NULL));
  g_assert_false (esp_working_copy_publish (copy, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_assert_true (g_file_test (log, G_FILE_TEST_EXISTS));
  g_assert_true (esp_working_copy_publish (copy, TRUE, NULL));
  g_assert_cmpint (sum (fixture->path), ==, 24);
  esp_working_copy_free (copy);
}

int
main (int argc, char **argv)
{
  g_autofree char *scratch = NULL;
  int result;

  if (argc == 3 && strcmp (argv[1], "--second") == 0)
    return be_second (argv[2], FALSE);
  if (argc == 3 && strcmp (argv[1], "--second-view") == 0)
    return be_second (argv[2], TRUE);

  program = argv[0];
  scratch = g_dir_make_tmp ("espalier-data-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", scratch, TRUE);
  g_test_init (&argc, &argv, NULL);
  ADD ("look", test_look);
  ADD ("publish", test_publish);
  ADD ("prepare-only", test_prepare_only);
  ADD ("ahead", test_ahead);
  ADD ("ahead-wanted-at-once", test_ahead_wanted_at_once);
  ADD ("ahead-in-vain", test_ahead_in_vain);
  ADD ("ahead-of-another", test_ahead_of_another);
  ADD ("ahead-then-overwrite", test_ahead_then_overwrite);
  ADD ("keeps-manners", test_keeps_manners);
  ADD ("create", test_create);
  ADD ("draft", test_draft);
  ADD ("library", test_library);
  ADD ("move", test_move);
  ADD ("in-use", test_in_use);
  ADD ("second-process", test_second_process);
  ADD ("changed-elsewhere", test_changed_elsewhere);
  ADD ("changed-before-first-change", test_changed_before_first_change);
  ADD ("overwrite-unchanged", test_overwrite_unchanged);
  ADD ("foreign-log", test_foreign_log);
  result = g_test_run ();
  remove_tree (scratch);
  return result;
}
