/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-far.c: documents in files that have no local path. */
#include "document-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#include "far-file.h"

static EspDocument *
open_far (const char *path, GError **error)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GFile) file = far_file_new (path);

  esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, waiter_callback, &waiter);
  return esp_document_open_finish (wait_for (&waiter), error);
}

static EspDocument *
open_far_to_look (const char *path)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GFile) file = far_file_new (path);
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  esp_document_open_async (file, ESP_DOCUMENT_OPEN_READ_ONLY, NULL, waiter_callback, &waiter);
  document = esp_document_open_finish (wait_for (&waiter), &error);
  g_assert_no_error (error);
  g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_NO_PERMISSION);
  return document;
}

static EspDocument *
create_far (const char *path)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GFile) file = far_file_new (path);
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  esp_document_create_async (file, NULL, NULL, waiter_callback, &waiter);
  document = esp_document_create_finish (wait_for (&waiter), &error);
  g_assert_no_error (error);
  return document;
}

static void
wait_for_state (EspDocument *document, EspDocumentSaveState state)
{
  while (esp_document_get_save_state (document) != state)
    g_main_context_iteration (NULL, TRUE);
}

static void
save_document (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GError) error = NULL;

  esp_document_save_async (document, NULL, waiter_callback, &waiter);
  esp_document_save_finish (document, wait_for (&waiter), &error);
  g_assert_no_error (error);
}

static void
assert_file (const char *path, const char *tree)
{
  g_autoptr (GError) error = NULL;
  EspDocument *document = open_document (path, ESP_DOCUMENT_OPEN_READ_ONLY, &error);

  g_assert_no_error (error);
  assert_tree (document, tree);
  assert_whole (document, 1, esp_document_get_n_nodes (document));
  close_document (document);
}

/* No working copy is left of what is in its file. */
static void
assert_nothing_left (void)
{
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "espalier", "working", NULL);
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);

  g_assert_null (entries != NULL ? g_dir_read_name (entries) : NULL);
}

/* Nor of what is on its way to a file, while the document is open. */
static void
assert_nothing_on_its_way (const char *folder)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  const char *name;

  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_null (strstr (name, "part"));
      assert_nothing_on_its_way (path);
    }
}

static void
test_life (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "Far away.espalier", NULL);
  EspDocument *document = create_far (path);
  g_autoptr (GError) error = NULL;
  EspDocument *second;

  g_assert_cmpstr (esp_document_get_title (document), ==, "Far away");
  g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_WRITABLE);
  g_assert_false (esp_document_is_in_library (document));
  import_color (document, 1, NULL);
  wait_for_state (document, ESP_DOCUMENT_SAVED);
  assert_file (path, "1");
  assert_nothing_on_its_way (fixture->folder);
  assert_nothing_on_its_way (g_get_user_data_dir ());
  close_document (document);
  assert_nothing_left ();

  document = open_far (path, &error);
  g_assert_no_error (error);
  assert_tree (document, "1");
  assert_whole (document, 1, 1);
  add_turn (document, esp_document_get_node (document, 1), "Snow", 1);
  set_label (document, esp_document_get_node (document, 1), "L");

  /* Whoever comes second may look. */
  save_document (document);
  second = open_far (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (esp_document_get_access (second), ==, ESP_DOCUMENT_IN_USE);
  assert_tree (second, "1:L(2)");
  assert_whole (second, 1, 2);
  set_label (document, esp_document_get_node (document, 1), "M");
  save_document (document);
  assert_tree (second, "1:L(2)");
  close_document (second);
  second = open_far_to_look (path);
  assert_tree (second, "1:M(2)");
  close_document (document);
  assert_file (path, "1:M(2)");
  assert_whole (second, 1, 2);
  close_document (second);
  assert_nothing_left ();
}

/* Only looked at: the file stays as it is. */
static void
test_look (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "far.espalier", NULL);
  g_autofree char *before = NULL, *after = NULL;
  EspDocument *document = create_far (path);
  gsize n_before, n_after;

  import_color (document, 1, NULL);
  close_document (document);
  g_assert_true (g_file_get_contents (path, &before, &n_before, NULL));
  document = open_far (path, NULL);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 1);
  close_document (document);
  g_assert_true (g_file_get_contents (path, &after, &n_after, NULL));
  g_assert_cmpmem (before, n_before, after, n_after);
  assert_nothing_left ();
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (fixture->folder, "missing.espalier", NULL);
  g_autofree char *wrong = g_build_filename (fixture->folder, "wrong.espalier", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (open_far (missing, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
  g_assert_nonnull (strstr (error->message, "missing.espalier"));
  g_clear_error (&error);
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *text = g_strnfill (i == 0 ? 0 : i == 1 ? 50 : 9000, 'x');

      g_assert_true (g_file_set_contents (wrong, text, -1, NULL));
      g_assert_null (open_far (wrong, &error));
      g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT);
      g_assert_nonnull (strstr (error->message, "wrong.espalier"));
      g_clear_error (&error);
    }
  assert_nothing_left ();
}

/* The share goes away: all is kept, and is sent when it is back; after a crash, too. */
static void
test_share_gone (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  g_autofree char *path = g_build_filename (fixture->folder, "far.espalier", NULL);
  EspDocument *document = create_far (path);
  g_autoptr (GError) error = NULL;

  import_color (document, 1, NULL);
  wait_for_state (document, ESP_DOCUMENT_SAVED);
  far_file_set_closed (TRUE);
  set_label (document, esp_document_get_node (document, 1), "L");
  wait_for_state (document, ESP_DOCUMENT_UNSAVED);
  g_assert_nonnull (strstr (esp_document_get_save_message (document), "far.espalier"));
  assert_file (path, "1");
  WAIT (waiter, esp_document_close_async, document);
  g_assert_false (esp_document_close_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE);
  g_clear_error (&error);
  waiter_clear (&waiter);
  drop_document (document);

  document = open_far (path, &error);
  g_assert_no_error (error);
  assert_tree (document, "1:L");
  wait_for_state (document, ESP_DOCUMENT_UNSAVED);
  far_file_set_closed (FALSE);
  WAIT (waiter, esp_document_save_async, document, NULL);
  g_assert_true (esp_document_save_finish (document, waiter.result, &error));
  waiter_clear (&waiter);
  assert_file (path, "1:L");
  close_document (document);
  assert_nothing_left ();
}

static void
test_changed_elsewhere (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  g_autofree char *path = g_build_filename (fixture->folder, "far.espalier", NULL);
  g_autofree char *other = g_build_filename (fixture->folder, "other.espalier", NULL);
  EspDocument *document = create_far (path);
  g_autoptr (GError) error = NULL;

  import_color (document, 1, NULL);
  wait_for_state (document, ESP_DOCUMENT_SAVED);
  close_document (create_document_at (other));
  g_assert_cmpint (g_rename (other, path), ==, 0);
  set_label (document, esp_document_get_node (document, 1), "L");
  wait_for_state (document, ESP_DOCUMENT_CHANGED_ELSEWHERE);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 0);
  WAIT (waiter, esp_document_overwrite_async, document, NULL);
  g_assert_true (esp_document_overwrite_finish (document, waiter.result, &error));
  waiter_clear (&waiter);
  wait_for_state (document, ESP_DOCUMENT_SAVED);
  assert_file (path, "1:L");
  close_document (document);
  assert_nothing_left ();
}

static void
save_as (EspDocument *document, GFile *file)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GError) error = NULL;

  WAIT (waiter, esp_document_save_as_async, document, file, NULL);
  esp_document_save_as_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

/* From the library to far away, on to another far place, and to a local file. */
static void
test_save_as (Fixture *fixture, gconstpointer data)
{
  g_autofree char *first = g_build_filename (fixture->folder, "first.espalier", NULL);
  g_autofree char *second = g_build_filename (fixture->folder, "second.espalier", NULL);
  g_autofree char *third = g_build_filename (fixture->folder, "third.espalier", NULL);
  g_autoptr (GFile) far_first = far_file_new (first);
  g_autoptr (GFile) far_second = far_file_new (second);
  g_autoptr (GFile) near_third = g_file_new_for_path (third);
  EspDocument *document = create_document ("Near");
  g_auto (Waiter) waiter = { 0 };
  g_autofree char *library = document_dup_path (document);

  import_color (document, 1, NULL);
  save_as (document, far_first);
  g_assert_false (g_file_test (library, G_FILE_TEST_EXISTS));
  assert_file (first, "1");
  set_label (document, esp_document_get_node (document, 1), "A");
  save_as (document, far_second);
  set_label (document, esp_document_get_node (document, 1), "B");
  undo (document);
  set_label (document, esp_document_get_node (document, 1), "C");
  WAIT (waiter, esp_document_save_async, document, NULL);
  g_assert_true (esp_document_save_finish (document, waiter.result, NULL));
  waiter_clear (&waiter);
  save_as (document, near_third);
  set_label (document, esp_document_get_node (document, 1), "D");
  close_document (document);
  assert_file (second, "1:C");
  assert_file (third, "1:D");
  assert_nothing_left ();
}

/* What was never sent to a file goes when another document replaces the file. */
static void
test_save_over_unsent (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  g_autofree char *path = g_build_filename (fixture->folder, "far.espalier", NULL);
  g_autoptr (GFile) file = far_file_new (path);
  EspDocument *document = create_far (path);
  g_autoptr (GError) error = NULL;

  import_color (document, 1, NULL);
  wait_for_state (document, ESP_DOCUMENT_SAVED);
  far_file_set_closed (TRUE);
  set_label (document, esp_document_get_node (document, 1), "L");
  wait_for_state (document, ESP_DOCUMENT_UNSAVED);
  WAIT (waiter, esp_document_close_async, document);
  g_assert_false (esp_document_close_finish (document, waiter.result, NULL));
  waiter_clear (&waiter);
  drop_document (document);
  far_file_set_closed (FALSE);

  document = create_document ("Near");
  import_color (document, 2, NULL);
  set_label (document, esp_document_get_node (document, 1), "M");
  save_as (document, file);
  assert_file (path, "1:M");
  drop_document (document);
  document = open_far (path, &error);
  g_assert_no_error (error);
  assert_tree (document, "1:M");
  close_document (document);
  assert_nothing_left ();
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-far/life", test_life);
  ADD_TEST ("/document-far/look", test_look);
  ADD_TEST ("/document-far/refused", test_refused);
  ADD_TEST ("/document-far/share-gone", test_share_gone);
  ADD_TEST ("/document-far/changed-elsewhere", test_changed_elsewhere);
  ADD_TEST ("/document-far/save-as", test_save_as);
  ADD_TEST ("/document-far/save-over-unsent", test_save_over_unsent);

  return g_test_run ();
}
