/* SPDX-License-Identifier: GPL-3.0-or-later */
/* working-copy-fixture.c: scratch databases for the tests of working copies. */
#include "working-copy-fixture.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Databases -------------------------------------------------------------------------------- */

sqlite3 *
open_database (const char *path)
{
  sqlite3 *database;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  sqlite3_busy_timeout (database, 10000);
  return database;
}

void
run (sqlite3 *database, const char *sql)
{
  char *message = NULL;

  sqlite3_exec (database, sql, NULL, NULL, &message);
  g_assert_cmpstr (message, ==, NULL);
}

gint64
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

void
make_file (const char *path, int value)
{
  sqlite3 *database = open_database (path);
  g_autofree char *sql
      = g_strdup_printf ("CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (%d)", value);

  run (database, sql);
  sqlite3_close (database);
}

/* The sum of the values in a file that must be whole, a database by itself, and no WAL. */
gint64
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
int
header_mode (const char *path)
{
  g_autofree char *bytes = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  g_assert_cmpuint (length, >=, 100);
  g_assert_cmpuint ((guchar) bytes[18], ==, (guchar) bytes[19]);
  return (guchar) bytes[18];
}

void
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

void
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

char *
dup_base (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "working", NULL);
}

guint
count_entries (const char *path)
{
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (entries != NULL && g_dir_read_name (entries) != NULL)
    n++;
  return n;
}

void
assert_nothing_left (void)
{
  g_autofree char *base = dup_base ();

  g_assert_cmpuint (count_entries (base), ==, 0);
}

void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("espalier-copy-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "Größe 1.espalier", NULL);
  fixture->file = g_file_new_for_path (fixture->path);
  make_file (fixture->path, 1);
}

void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *base = dup_base ();

  remove_tree (fixture->folder);
  remove_tree (base);
  g_free (fixture->folder);
  g_free (fixture->path);
  g_object_unref (fixture->file);
}

EspWorkingCopy *
open_copy (GFile *file)
{
  g_autoptr (GError) error = NULL;
  EspWorkingCopy *copy
      = esp_working_copy_open (file, FALSE, ESP_DOCUMENT_OPEN_DEFAULT, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (copy);
  return copy;
}

void
publish (EspWorkingCopy *copy)
{
  g_autoptr (GError) error = NULL;
  const gboolean ok = esp_working_copy_publish (copy, FALSE, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

/* What a kill leaves: the folder with its database, and no lock. The copy that is "killed" is given
 * its files back after it was freed. */
void
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
