/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-large.c: trees and images larger than any that were thought of. */
#include "document-fixture.h"

#include <string.h>

/* Under the sanitizers a call for every level would need far more of the stack. */
#ifdef __SANITIZE_ADDRESS__
#define N_DEEP 25000
#define N_WIDE 5000
#else
#define N_DEEP 100000
#define N_WIDE 20000
#endif

/* --- Many nodes ------------------------------------------------------------------------------- */

static char *
make_file (Fixture *fixture, const char *name, const char *parent, int n)
{
  char *path = g_build_filename (fixture->folder, name, NULL);
  EspDocument *document = create_document_at (path);
  g_autofree char *sql = NULL;

  import_color (document, 1, NULL);
  close_document (document);
  sql = g_strdup_printf ("WITH RECURSIVE ids (id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM ids"
                         " WHERE id < %d)"
                         "INSERT INTO nodes (id, parent, position, kind, state, instruction,"
                         " created, image)"
                         " SELECT id, %s, id, 'turn', 'done', 'Turn ' || id, id, 1 FROM ids",
                         n, parent);
  change_file (path, sql);
  return path;
}

static void
expect_edit (EspDocument *document, Waiter *waiter)
{
  GError *error = NULL;

  g_assert_true (esp_document_edit_finish (document, waiter->result, &error));
  g_assert_no_error (error);
}

/* Everything that goes through a tree, without a call for every level. */
static void
use_tree (Fixture *fixture, const char *path, guint n)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;
  EspDocument *document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
  EspDocument *other = create_document ("Copy");
  g_autofree char *copy = document_dup_path (other);
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GPtrArray) found = NULL;
  EspNode *last;

  g_assert_no_error (error);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, n);
  nodes = esp_document_dup_nodes (document);
  g_assert_cmpuint (nodes->len, ==, n);
  last = esp_document_get_node (document, n);
  found = esp_document_find (document, "turn");
  g_assert_cmpuint (found->len, ==, n - 1);

  delete_node (document, esp_document_get_node (document, 2));
  undo (document);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, n);
  delete_node (document, esp_document_get_node (document, 1));
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 0);
  g_assert_null (esp_document_get_current (document));
  undo (document);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, n);
  move_node (document, last, esp_document_get_node (document, 1), 0);
  undo (document);
  set_label (document, last, "Last");

  WAIT (waiter, esp_document_copy_async, other, document, NULL, NULL, NULL);
  expect_edit (other, &waiter);
  g_assert_cmpuint (esp_document_get_n_nodes (other), ==, n);
  assert_whole (other, 1, n);
  delete_node (other, esp_document_get_node (other, 2));
  WAIT (waiter, esp_document_purge_async, other, NULL);
  expect_edit (other, &waiter);
  waiter_clear (&waiter);
  close_document (other);
  close_document (document);
}

/* Each turn below the one before. */
static void
test_deep (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = make_file (fixture, "deep.espalier", "id - 1", N_DEEP);
  EspDocument *document;

  use_tree (fixture, path, N_DEEP);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpuint (esp_node_get_depth (esp_document_get_node (document, N_DEEP)), ==, N_DEEP - 1);
  close_document (document);
}

/* All turns below the first. */
static void
test_wide (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = make_file (fixture, "wide.espalier", "1", N_WIDE);

  use_tree (fixture, path, N_WIDE);
}

/* The parents stand in a circle of many. */
static void
test_circle (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) problems = NULL;
  g_autofree char *path = make_file (fixture, "circle.espalier", "id - 1", N_WIDE);
  g_autofree char *sql = g_strdup_printf ("UPDATE nodes SET parent = %d WHERE id = 1", N_WIDE);
  EspDocument *document;

  change_file (path, sql);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, N_WIDE);
  WAIT (waiter, esp_document_verify_async, document, NULL);
  esp_document_verify_finish (document, waiter.result, NULL, NULL, &problems, NULL);
  waiter_clear (&waiter);
  g_assert_cmpuint (problems->len, >, 0);
  g_assert_nonnull (strstr (problems->pdata[0], "above itself"));
  /* With the first change the file is mended. */
  set_label (document, esp_document_get_node (document, 7), "Seven");
  assert_whole (document, 1, N_WIDE);
  close_document (document);
}

/* --- Large values ----------------------------------------------------------------------------- */

/* More than goes into one part of an image. */
static void
test_parts (Fixture *fixture, gconstpointer data)
{
  const gsize size = ((gsize) 64 << 20) + ((gsize) 6 << 20) + 5;
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GBytes) picture = make_png (40, 30, 0x123456, 1);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) stored = NULL;
  EspDocument *document = create_document ("Parts");
  g_autofree char *path = document_dup_path (document);
  guint8 *large = g_malloc (size);
  gsize length;
  const void *start = g_bytes_get_data (picture, &length);

  /* What stands behind the end of a PNG belongs to the file. */
  for (gsize i = 0; i < size; i++)
    large[i] = (guint8) (i * 2654435761u >> 13);
  memcpy (large, start, length);
  bytes = g_bytes_new_take (large, size);

  import_image (document, bytes, "large.png", NULL);
  close_document (document);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM image_data"), ==, 2);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  WAIT (waiter, esp_document_load_image_async, document, esp_document_get_node (document, 1), NULL);
  stored = esp_document_load_image_finish (document, waiter.result, NULL);
  g_assert_true (g_bytes_equal (stored, bytes));
  waiter_clear (&waiter);
  assert_whole (document, 1, 1);
  close_document (document);
}

/* Text that no person writes is refused, not cut. */
static void
test_text (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Text");
  g_autofree char *path = document_dup_path (document);
  EspNode *root = import_color (document, 1, NULL);
  g_autofree char *large = g_strnfill (100 << 20, 'x');
  g_autofree char *long_text = g_strnfill (1 << 20, '\xff');
  g_autofree char *valid = g_utf8_make_valid (long_text, -1);
  g_autoptr (GPtrArray) turns = NULL;
  EspTurn turn = { .instruction = large, .backend = "local" };
  g_autoptr (GError) error = NULL;

  WAIT (waiter, esp_document_add_turns_async, document, root, &turn, 1, NULL);
  g_assert_null (esp_document_add_turns_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  turn.instruction = "x";
  turn.negative_prompt = large;
  WAIT (waiter, esp_document_add_turns_async, document, root, &turn, 1, NULL);
  g_assert_null (esp_document_add_turns_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  WAIT (waiter, esp_document_set_note_async, document, root, large, NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  /* What is stored comes back whole. */
  turn.instruction = turn.negative_prompt = long_text;
  WAIT (waiter, esp_document_add_turns_async, document, root, &turn, 1, NULL);
  turns = esp_document_add_turns_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  waiter_clear (&waiter);
  g_clear_pointer (&turns, g_ptr_array_unref);
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpstr (esp_node_get_instruction (esp_document_get_node (document, 2)), ==, valid);
  g_assert_cmpstr (esp_node_get_negative_prompt (esp_document_get_node (document, 2)), ==, valid);
  close_document (document);
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-large/deep", test_deep);
  ADD_TEST ("/document-large/wide", test_wide);
  ADD_TEST ("/document-large/circle", test_circle);
  ADD_TEST ("/document-large/parts", test_parts);
  ADD_TEST ("/document-large/text", test_text);

  return g_test_run ();
}
