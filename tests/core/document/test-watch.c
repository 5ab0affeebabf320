/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-watch.c: the document says so when someone else changes its file. */
#include <glib/gstdio.h>

#include "document-fixture.h"

static void
wait_for_state (EspDocument *document, EspDocumentSaveState state)
{
  while (esp_document_get_save_state (document) != state)
    g_main_context_iteration (NULL, TRUE);
}

static void
replace (const char *path, const char *by)
{
  g_autofree char *bytes = NULL;
  gsize length;

  /* By way of a temporary file and a rename, as careful programs do. */
  g_assert_true (g_file_get_contents (by, &bytes, &length, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
}

/* Does not wait for the word that it was changed; closes as a person who reloads does. */
static void
reload (const char *path, EspDocument **document)
{
  close_document (g_steal_pointer (document));
  *document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpint (esp_document_get_access (*document), ==, ESP_DOCUMENT_WRITABLE);
  run_for (700);
  g_assert_cmpint (esp_document_get_save_state (*document), ==, ESP_DOCUMENT_SAVED);
}

/* A document with one red node at `path`, one with two nodes at `other`. */
static EspDocument *
make_two (const char *path, const char *other)
{
  EspDocument *document = create_document_at (other);

  import_color (document, 0x00ff00, NULL);
  import_color (document, 0x00ff01, NULL);
  close_document (document);
  document = create_document_at (path);
  import_color (document, 0xff0000, NULL);
  return document;
}

static void
save (EspDocument *document)
{
  g_auto (Waiter) waiter = { NULL };
  g_autoptr (GError) error = NULL;

  esp_document_save_finish (document, WAIT (waiter, esp_document_save_async, document, NULL),
                            &error);
  g_assert_no_error (error);
}

static GFile *
put_aside (EspDocument *document)
{
  g_auto (Waiter) waiter = { NULL };
  g_autoptr (GError) error = NULL;
  GFile *file = esp_document_put_aside_finish (
      document, WAIT (waiter, esp_document_put_aside_async, document, NULL), &error);

  g_assert_no_error (error);
  return file;
}

/* What views remember makes no conflict, and is not kept beside a file that someone else changed.
 */
static void
test_view_alone (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "a.espalier", NULL);
  g_autofree char *other = g_build_filename (fixture->folder, "b.espalier", NULL);
  EspDocument *document = make_two (path, other);
  GFile *aside;

  save (document);
  esp_document_set_view (document, "zoom", "2");
  save (document);
  replace (path, other);
  esp_document_set_view (document, "zoom", "3");
  esp_document_set_folded (document, esp_document_get_current (document), TRUE);
  save (document);
  aside = put_aside (document);
  g_assert_null (aside);
  reload (path, &document);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 2);
  g_assert_null (esp_document_get_view (document, "zoom"));

  /* With the file as it was it is kept. */
  import_color (document, 0x0000ff, NULL);
  save (document);
  esp_document_set_view (document, "zoom", "4");
  reload (path, &document);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 3);
  g_assert_cmpstr (esp_document_get_view (document, "zoom"), ==, "4");
  close_document (document);
}

/* What the person did is neither lost nor in the way of the other version. */
static void
check_put_aside (Fixture *fixture, const char *path)
{
  g_autofree char *other = g_build_filename (fixture->folder, "b.espalier", NULL);
  EspDocument *document = make_two (path, other);
  g_autofree char *first_name = NULL;
  g_autofree char *second_name = NULL;
  GFile *files[2];
  GFile *nothing;

  /* It is in the file within the call where that is possible. */
  nothing = put_aside (document);
  g_assert_null (nothing);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 1);

  for (int i = 0; i < 2; i++)
    {
      import_color (document, 0x0000ff, NULL);
      replace (path, other);
      import_color (document, 0x0000fe, NULL);
      files[i] = put_aside (document);
      g_assert_nonnull (files[i]);
      g_assert_true (esp_document_is_in_library (document));
      g_assert_true (g_file_equal (esp_document_get_file (document), files[i]));
      import_color (document, 0x0000fd, NULL);
      reload (path, &document);
      g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 2);
      change_file (other, "UPDATE nodes SET stars = 5"); /* another version once more */
    }
  close_document (document);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 2);
  first_name = g_file_get_basename (files[0]);
  g_assert_cmpstr (first_name, ==, "a (Unsaved Version).espalier");
  g_assert_cmpint (query_file (g_file_peek_path (files[0]), "SELECT count(*) FROM nodes"), ==, 4);
  second_name = g_file_get_basename (files[1]);
  g_assert_cmpstr (second_name, ==, "a (Unsaved Version) 2.espalier");
  g_assert_cmpint (query_file (g_file_peek_path (files[1]), "SELECT count(*) FROM nodes"), ==, 5);
  for (int i = 0; i < 2; i++)
    {
      g_file_delete (files[i], NULL, NULL);
      g_object_unref (files[i]);
    }
}

static void
test_put_aside (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "a.espalier", NULL);

  check_put_aside (fixture, path);
}

static void
test_put_aside_in_library (Fixture *fixture, gconstpointer data)
{
  g_autofree char *library = esp_document_library_dup_path ();
  g_autofree char *path = g_build_filename (library, "a.espalier", NULL);

  check_put_aside (fixture, path);
}

/* Nothing is done to a file in the library that is not the one that is shown. */
static void
test_replaced_in_library (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *library = esp_document_library_dup_path ();
  g_autofree char *path = g_build_filename (library, "c.espalier", NULL);
  g_autofree char *aside = NULL;
  g_autofree char *other = g_build_filename (fixture->folder, "b.espalier", NULL);
  EspDocument *document = make_two (path, other);
  g_autoptr (GBytes) png = make_png (8, 8, 0xff0000, 0);
  g_autoptr (GError) error = NULL;

  reload (path, &document);
  replace (path, other);
  g_assert_null (esp_document_import_finish (
      document, WAIT (waiter, esp_document_import_async, document, png, NULL, NULL, NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  waiter_clear (&waiter);
  reload (path, &document);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 2);

  /* There is no working copy that would keep it after it is closed. */
  import_color (document, 0x0000ff, NULL);
  change_file (other, "UPDATE nodes SET stars = 5");
  replace (path, other);
  import_color (document, 0x0000fe, NULL);
  reload (path, &document);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 2);
  close_document (document);
  aside = g_build_filename (library, "c (Unsaved Version).espalier", NULL);
  g_assert_cmpint (query_file (aside, "SELECT count(*) FROM nodes"), ==, 4);
}

/* A file that is gone is no reason to lose anything either. */
static void
test_put_aside_deleted (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "a.espalier", NULL);
  g_autofree char *other = g_build_filename (fixture->folder, "b.espalier", NULL);
  EspDocument *document = make_two (path, other);
  g_autoptr (GFile) file = NULL;

  save (document);
  g_unlink (path);
  import_color (document, 0x0000ff, NULL);
  file = put_aside (document);
  g_assert_nonnull (file);
  close_document (document);
  g_assert_cmpint (query_file (g_file_peek_path (file), "SELECT count(*) FROM nodes"), ==, 2);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_changed (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { NULL };
  g_autofree char *path = g_build_filename (fixture->folder, "a.espalier", NULL);
  g_autofree char *other = g_build_filename (fixture->folder, "b.espalier", NULL);
  g_autoptr (GError) error = NULL;
  EspDocument *document = create_document_at (other);

  import_color (document, 0x00ff00, NULL);
  import_color (document, 0x00ff01, NULL);
  close_document (document);
  document = create_document_at (path);
  import_color (document, 0xff0000, NULL);
  close_document (document);

  /* While it is only looked at; and the person keeps it. */
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpint (esp_document_get_save_state (document), ==, ESP_DOCUMENT_SAVED);
  replace (path, other);
  wait_for_state (document, ESP_DOCUMENT_CHANGED_ELSEWHERE);
  g_assert_nonnull (esp_document_get_save_message (document));
  g_assert_true (esp_document_overwrite_finish (
      document, WAIT (waiter, esp_document_overwrite_async, document, NULL), &error));
  g_assert_no_error (error);
  wait_for_state (document, ESP_DOCUMENT_SAVED);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 1);

  /* With changes, too: nothing is written until the person has decided. */
  import_color (document, 0x0000ff, NULL);
  replace (path, other);
  wait_for_state (document, ESP_DOCUMENT_CHANGED_ELSEWHERE);
  import_color (document, 0x0000fe, NULL);
  g_assert_false (esp_document_save_finish (
      document, WAIT (waiter, esp_document_save_async, document, NULL), &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 2);
  g_assert_cmpint (esp_document_get_save_state (document), ==, ESP_DOCUMENT_CHANGED_ELSEWHERE);
  g_assert_true (esp_document_overwrite_finish (
      document, WAIT (waiter, esp_document_overwrite_async, document, NULL), &error));
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 3);
  wait_for_state (document, ESP_DOCUMENT_SAVED);

  /* Deleted. */
  g_unlink (path);
  wait_for_state (document, ESP_DOCUMENT_CHANGED_ELSEWHERE);
  g_assert_true (esp_document_overwrite_finish (
      document, WAIT (waiter, esp_document_overwrite_async, document, NULL), &error));
  wait_for_state (document, ESP_DOCUMENT_SAVED);
  waiter_clear (&waiter); /* it holds the document */
  close_document (document);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 3);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  ADD_TEST ("/watch/changed", test_changed);
  ADD_TEST ("/watch/view-alone", test_view_alone);
  ADD_TEST ("/watch/put-aside", test_put_aside);
  ADD_TEST ("/watch/put-aside-in-library", test_put_aside_in_library);
  ADD_TEST ("/watch/replaced-in-library", test_replaced_in_library);
  ADD_TEST ("/watch/put-aside-deleted", test_put_aside_deleted);
  return g_test_run ();
}
