/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-library.c: the list of the library's documents, and what is done to them from there. */
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <utime.h>

#include "document-fixture.h"
#include "esp-library.h"

/* As WAIT (), for functions without a source. */
#define LIST(waiter) WAIT (waiter, esp_document_library_list_async, NULL)

static void
set_time (const char *path, time_t when)
{
  const struct utimbuf times = { when, when };

  g_assert_cmpint (utime (path, &times), ==, 0);
}

/* Makes a document with a picture and returns its path. */
static char *
make_document (const char *title, guint32 color, time_t modified)
{
  EspDocument *document = create_document (title);
  char *path = document_dup_path (document);

  import_color (document, color, NULL);
  close_document (document);
  set_time (path, modified);
  return path;
}

static GListModel *
list (void)
{
  g_auto (Waiter) waiter = { NULL };
  g_autoptr (GError) error = NULL;
  GListModel *items = esp_document_library_list_finish (LIST (waiter), &error);

  g_assert_no_error (error);
  return items;
}

static char *
dup_titles (void)
{
  g_autoptr (GListModel) items = list ();
  GString *titles = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (items); i++)
    {
      g_autoptr (EspLibraryItem) item = g_list_model_get_item (items, i);

      g_string_append_printf (titles, "%s%s", i > 0 ? "," : "", esp_library_item_get_title (item));
    }
  return g_string_free (titles, FALSE);
}

#define assert_titles(expected)                                                                    \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *titles_ = dup_titles ();                                                      \
    g_assert_cmpstr (titles_, ==, expected);                                                       \
  }                                                                                                \
  G_STMT_END

static void
test_list (Fixture *fixture, gconstpointer data)
{
  g_autofree char *library = NULL, *text = NULL, *empty = NULL, *other = NULL;
  g_autoptr (GListModel) items = NULL;
  g_autoptr (EspLibraryItem) first = NULL, last = NULL;
  EspPicture *thumbnail;

  assert_titles ("");
  g_free (make_document ("Harbour", 0xff0000, 1000000));
  g_free (make_document ("Boat", 0x00ff00, 2000000));
  assert_titles ("Boat,Harbour");

  /* What is no document has no picture, and what is not even named so is not there. */
  library = esp_document_library_dup_path ();
  text = g_build_filename (library, "Text.espalier", NULL);
  empty = g_build_filename (library, "Empty.espalier", NULL);
  other = g_build_filename (library, "notes.txt", NULL);
  g_assert_true (g_file_set_contents (text, "This is not a database.", -1, NULL));
  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  g_assert_true (g_file_set_contents (other, "a", 1, NULL));
  set_time (text, 1500000);
  assert_titles ("Boat,Text,Harbour");

  items = list ();
  first = g_list_model_get_item (items, 0);
  g_assert_cmpint (esp_library_item_get_modified (first), ==,
                   G_GINT64_CONSTANT (2000000) * G_USEC_PER_SEC);
  g_assert_cmpuint (esp_library_item_get_n_nodes (first), ==, 1);
  g_assert_cmpuint (esp_library_item_get_size (first), >, 1000);
  g_assert_true (esp_library_item_is_in_library (first));
  thumbnail = esp_library_item_get_thumbnail (first);
  g_assert_nonnull (thumbnail);
  g_assert_cmpint (MAX (thumbnail->width, thumbnail->height), <=, ESP_THUMBNAIL_LARGE);
  last = g_list_model_get_item (items, 1);
  g_assert_null (esp_library_item_get_thumbnail (last));
  g_assert_cmpuint (esp_library_item_get_n_nodes (last), ==, 0);
}

/* The picture is that of the node that was shown last; while the document is open, too. */
static void
test_open (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autoptr (GBytes) wide = make_png (40, 10, 0xff0000, 1);
  g_autoptr (GBytes) high = make_png (10, 40, 0x00ff00, 2);
  EspDocument *document = create_document ("Open");
  EspNode *node = import_image (document, wide, "a.png", NULL);
  g_autofree char *path = document_dup_path (document);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GListModel) items = NULL;
  g_autoptr (EspLibraryItem) item = NULL;
  g_autoptr (GError) error = NULL;

  import_image (document, high, "b.png", node);
  esp_document_set_current (document, node);
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  items = list ();
  g_assert_cmpuint (g_list_model_get_n_items (items), ==, 1);
  item = g_list_model_get_item (items, 0);
  g_assert_cmpuint (esp_library_item_get_n_nodes (item), ==, 2);
  g_assert_nonnull (esp_library_item_get_thumbnail (item));
  g_assert_cmpint (esp_library_item_get_thumbnail (item)->width, >,
                   esp_library_item_get_thumbnail (item)->height);

  /* Nothing is done to what is open. */
  g_assert_false (
      esp_library_trash_finish (WAIT (waiter, esp_library_trash_async, file, NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
  g_clear_error (&error);
  g_assert_null (esp_library_rename_finish (
      WAIT (waiter, esp_library_rename_async, file, "Other", NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
  import_color (document, 0x0000ff, NULL); /* it is as well as before */
  close_document (document);
}

static void
test_rename (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *harbour = make_document ("Harbour", 0xff0000, 1000000);
  g_autofree char *boat = make_document ("Boat", 0x00ff00, 2000000);
  g_autoptr (GFile) file = g_file_new_for_path (harbour);
  g_autoptr (GFile) renamed = NULL, same = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  g_assert_null (esp_library_rename_finish (
      WAIT (waiter, esp_library_rename_async, file, "Boat", NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  assert_titles ("Boat,Harbour");

  same = esp_library_rename_finish (WAIT (waiter, esp_library_rename_async, file, "Harbour", NULL),
                                    &error);
  g_assert_no_error (error);
  g_assert_true (g_file_equal (same, file));

  renamed = esp_library_rename_finish (
      WAIT (waiter, esp_library_rename_async, file, "Am Hafen/früh", NULL), &error);
  g_assert_no_error (error);
  assert_titles ("Boat,Am Hafen früh");
  path = g_file_get_path (renamed);
  close_document (open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL));
}

/* What a crash leaves: a document with more in its log than in its file. */
static void
leave_log (const char *path)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  g_autofree char *bytes = NULL, *log_bytes = NULL;
  gsize length, log_length;
  sqlite3 *database;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (database,
                                 "PRAGMA journal_mode = WAL; INSERT OR REPLACE INTO view"
                                 " VALUES ('test', hex (zeroblob (100000)))",
                                 NULL, NULL, NULL),
                   ==, SQLITE_OK);
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  g_assert_true (g_file_get_contents (log, &log_bytes, &log_length, NULL));
  g_assert_cmpuint (log_length, >, 200000);
  sqlite3_close (database);
  g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
  g_assert_true (g_file_set_contents (log, log_bytes, (gssize) log_length, NULL));
}

/* How much of that is in the document; -1: it is damaged. */
static gint64
ask_left (const char *path)
{
  sqlite3_stmt *statement;
  sqlite3 *database;
  gint64 number = -1;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database,
                                       "SELECT (SELECT count(*) FROM view WHERE key = 'test')"
                                       " FROM pragma_integrity_check WHERE integrity_check = 'ok'",
                                       -1, &statement, NULL),
                   ==, SQLITE_OK);
  if (sqlite3_step (statement) == SQLITE_ROW)
    number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (database);
  return number;
}

static void
limit_files (rlim_t size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = MIN (size, limit.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

/* What is in a log goes along, or nothing goes. */
static void
test_log (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *harbour = make_document ("Harbour", 0xff0000, 1000000);
  g_autofree char *boat = make_document ("Boat", 0x00ff00, 2000000);
  g_autoptr (GFile) file = g_file_new_for_path (harbour);
  g_autoptr (GFile) renamed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  /* No room for it. */
  leave_log (harbour);
  signal (SIGXFSZ, SIG_IGN);
  limit_files (190000);
  g_assert_null (esp_library_rename_finish (
      WAIT (waiter, esp_library_rename_async, file, "Quay", NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE);
  g_clear_error (&error);
  g_assert_false (
      esp_library_trash_finish (WAIT (waiter, esp_library_trash_async, file, NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE);
  g_clear_error (&error);
  limit_files (RLIM_INFINITY);
  assert_titles ("Harbour,Boat");

  /* Someone deleted a document, but not its log: that is not the next one's of that name. */
  leave_log (boat);
  g_unlink (boat);
  renamed = esp_library_rename_finish (WAIT (waiter, esp_library_rename_async, file, "Boat", NULL),
                                       &error);
  g_assert_no_error (error);
  path = g_file_get_path (renamed);
  g_assert_cmpstr (path, ==, boat);
  g_assert_cmpint (ask_left (path), ==, 1);

  leave_log (path);
  g_unlink (path);
  g_free (make_document ("Boat", 0x0000ff, 3000000));
  g_assert_cmpint (ask_left (path), ==, 0);
}

/* A document is saved in the place of one with a log. */
static void
test_log_replaced (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *harbour = make_document ("Harbour", 0xff0000, 1000000);
  g_autoptr (GFile) file = g_file_new_for_path (harbour);
  g_autoptr (GError) error = NULL;
  g_autofree char *outside = g_build_filename (fixture->folder, "a.espalier", NULL);
  EspDocument *document = create_document_at (outside);

  leave_log (harbour);
  g_assert_true (esp_document_save_as_finish (
      document, WAIT (waiter, esp_document_save_as_async, document, file, NULL), &error));
  g_assert_no_error (error);
  waiter_clear (&waiter);
  close_document (document);
  g_assert_cmpint (ask_left (harbour), ==, 0);
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *harbour = make_document ("Harbour", 0xff0000, 1000000);
  g_autofree char *boat = make_document ("Boat", 0x00ff00, 2000000);
  g_autofree char *outside = g_build_filename (fixture->folder, "a.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (harbour);
  g_autoptr (GFile) next = g_file_new_for_path (boat);
  g_autoptr (GFile) other = g_file_new_for_path (outside);
  g_autoptr (GError) error = NULL;

  close_document (create_document_at (outside));
  g_assert_false (
      esp_library_delete_finish (WAIT (waiter, esp_library_delete_async, other, NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  /* There may be no trash where tests run. */
  if (!esp_library_trash_finish (WAIT (waiter, esp_library_trash_async, file, NULL), &error))
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      g_clear_error (&error);
      assert_titles ("Harbour,Boat");
      g_assert_true (
          esp_library_delete_finish (WAIT (waiter, esp_library_delete_async, file, NULL), &error));
    }
  assert_titles ("Boat");
  g_assert_false (
      esp_library_delete_finish (WAIT (waiter, esp_library_delete_async, file, NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  g_assert_true (
      esp_library_delete_finish (WAIT (waiter, esp_library_delete_async, next, NULL), &error));
  assert_titles ("");
}

/* What a full disk may have left of a document: it is told, and nothing is made of it. */
static void
test_empty (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = make_document ("Harbour", 0xff0000, 1000000);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  g_assert_null (open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "is empty"));
  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_cmpuint (length, ==, 0);
}

static void
test_look (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *path = g_build_filename (fixture->folder, "Elsewhere.espalier", NULL);
  g_autofree char *missing = g_build_filename (fixture->folder, "missing.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFile) no_file = g_file_new_for_path (missing);
  g_autoptr (EspLibraryItem) item = NULL;
  g_autoptr (GError) error = NULL;
  EspDocument *document = create_document_at (path);

  import_color (document, 0xff0000, NULL);
  close_document (document);
  item = esp_library_look_finish (WAIT (waiter, esp_library_look_async, file, NULL), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_library_item_get_title (item), ==, "Elsewhere");
  g_assert_false (esp_library_item_is_in_library (item));
  g_assert_nonnull (esp_library_item_get_thumbnail (item));
  g_assert_true (g_file_equal (esp_library_item_get_file (item), file));

  g_assert_null (
      esp_library_look_finish (WAIT (waiter, esp_library_look_async, no_file, NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *harbour = make_document ("Harbour", 0xff0000, 1000000);
  g_autoptr (GFile) file = g_file_new_for_path (harbour);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (esp_document_library_list_finish (
      WAIT (waiter, esp_document_library_list_async, cancellable), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (esp_library_delete_finish (
      WAIT (waiter, esp_library_delete_async, file, cancellable), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_titles ("Harbour");
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  ADD_TEST ("/library/list", test_list);
  ADD_TEST ("/library/open", test_open);
  ADD_TEST ("/library/rename", test_rename);
  ADD_TEST ("/library/remove", test_remove);
  ADD_TEST ("/library/log", test_log);
  ADD_TEST ("/library/log-replaced", test_log_replaced);
  ADD_TEST ("/library/empty", test_empty);
  ADD_TEST ("/library/look", test_look);
  ADD_TEST ("/library/cancelled", test_cancelled);
  return g_test_run ();
}
