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
  return g_test_run ();
}
