/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document.c: a document from its creation to its reopening. */
#include "document-fixture.h"

#include <stdlib.h>

static void
test_life (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Harbour");
  g_autofree char *path = document_dup_path (document);
  g_autofree char *library = esp_document_library_dup_path ();
  g_autoptr (GBytes) red = make_png (640, 480, 0xc01c28, 1);
  EspNode *root, *turn;

  g_assert_true (g_str_has_prefix (path, library));
  g_assert_true (g_str_has_suffix (path, "/Harbour.espalier"));
  g_assert_cmpstr (esp_document_get_title (document), ==, "Harbour");
  g_assert_true (esp_document_is_in_library (document));
  g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_WRITABLE);
  g_assert_null (esp_document_get_current (document));
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 0);

  root = import_image (document, red, "harbour.png", NULL);
  g_assert_true (esp_document_get_current (document) == root);
  g_assert_cmpint (esp_node_get_kind (root), ==, ESP_NODE_IMPORTED);
  g_assert_cmpint (esp_node_get_state (root), ==, ESP_NODE_DONE);
  g_assert_cmpstr (esp_node_get_media_type (root), ==, "image/png");
  g_assert_cmpint (esp_node_get_width (root), ==, 640);
  g_assert_cmpint (esp_node_get_height (root), ==, 480);
  g_assert_cmpuint (esp_node_get_image_size (root), ==, g_bytes_get_size (red));
  g_assert_cmpint (abs ((int) (esp_node_get_average_color (root) >> 16) - 0xc0), <=, 2);

  turn = add_turn (document, root, "Make it green\nand wet", 42);
  g_assert_cmpint (esp_node_get_state (turn), ==, ESP_NODE_QUEUED);
  g_assert_false (esp_node_has_image (turn));
  finish_turn (document, turn, 0x00ff00);
  g_assert_cmpint (esp_node_get_state (turn), ==, ESP_NODE_DONE);
  g_assert_true (esp_node_has_image (turn));
  assert_tree (document, "1(2)");
  esp_document_set_current (document, turn);
  esp_document_set_view (document, "history.zoom", "0.5");
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_nonnull (document);
  assert_tree (document, "1(2)");
  g_assert_cmpint (esp_node_get_id (esp_document_get_current (document)), ==, 2);
  g_assert_cmpstr (esp_document_get_view (document, "history.zoom"), ==, "0.5");
  g_assert_null (esp_document_get_view (document, "none"));
  turn = esp_document_get_node (document, 2);
  g_assert_cmpstr (esp_node_get_instruction (turn), ==, "Make it green\nand wet");
  g_assert_cmpuint (esp_node_get_seed (turn), ==, 42);
  assert_whole (document, 2, 2);
  close_document (document);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  ADD_TEST ("/document/life", test_life);

  return g_test_run ();
}
