/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-space.c: copies of branches, purge, measures, and verification. */
#include "document-fixture.h"

#include <string.h>

static EspDocumentStatistics
measure (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocumentStatistics statistics = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_measure_async, document, NULL);
  esp_document_measure_finish (document, waiter.result, &statistics, &error);
  g_assert_no_error (error);
  return statistics;
}

static void
purge (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_purge_async, document, NULL);
  esp_document_edit_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

static GBytes *
make_noise (guint32 seed)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = esp_picture_new (300, 300, NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < 300 * 300 * 3; i++)
    picture->pixels[i] = (guint8) g_rand_int (random);
  return esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, NULL);
}

static void
test_purge (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Purge");
  g_autofree char *path = document_dup_path (document);
  g_autoptr (GBytes) kept = make_noise (1);
  g_autoptr (GBytes) shared = make_noise (2);
  g_autoptr (GBytes) gone = make_noise (3);
  EspNode *root = import_image (document, kept, "a.png", NULL);
  EspNode *branch = import_image (document, shared, "b.png", root);
  EspDocumentStatistics before, after;

  import_image (document, shared, "c.png", root);
  import_image (document, gone, "d.png", branch);
  delete_node (document, branch);
  before = measure (document);
  g_assert_cmpuint (before.n_nodes, ==, 2);
  g_assert_cmpuint (before.n_deleted, ==, 2);
  g_assert_cmpuint (before.n_images, ==, 3);
  g_assert_cmpuint (before.deleted_bytes, ==, g_bytes_get_size (gone));
  g_assert_cmpuint (before.image_bytes, ==,
                    g_bytes_get_size (gone) + g_bytes_get_size (kept) + g_bytes_get_size (shared));
  g_assert_cmpint (before.created, >, 0);

  purge (document);
  after = measure (document);
  g_assert_cmpuint (after.n_nodes, ==, 2);
  g_assert_cmpuint (after.n_deleted, ==, 0);
  g_assert_cmpuint (after.n_images, ==, 2);
  g_assert_cmpuint (after.deleted_bytes, ==, 0);
  g_assert_cmpuint (after.file_bytes + g_bytes_get_size (gone) / 2, <, before.file_bytes);
  g_assert_false (esp_document_can_undo (document));
  assert_tree (document, "1(3)");
  assert_whole (document, 2, 2);
  add_turn (document, esp_document_get_node (document, 3), "Go on", 1);
  assert_tree (document, "1(3(5))"); /* an id is never used again */
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  assert_tree (document, "1(3(5))");
  close_document (document);
}

/* A deleted picture that a turn refers to stays, since it is what made the turn. */
static void
test_purge_references (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Purge references");
  g_autofree char *path = document_dup_path (document);
  EspNode *root = import_color (document, 1, NULL);
  EspNode *outer = import_color (document, 2, NULL);
  EspNode *hat = import_color (document, 3, outer);
  EspNode *const references[] = { hat };
  const EspTurn turn
      = { .instruction = "Wear", .backend = "local", .references = references, .n_references = 1 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GPtrArray) nodes = NULL;

  WAIT (waiter, esp_document_add_turns_async, document, root, &turn, 1, NULL);
  nodes = esp_document_add_turns_finish (document, waiter.result, NULL);
  delete_node (document, outer);
  purge (document);
  g_assert_cmpuint (measure (document).n_deleted, ==, 1);
  g_assert_true (g_ptr_array_index (esp_node_get_references (nodes->pdata[0]), 0) == hat);
  g_assert_null (esp_node_get_parent (hat));
  WAIT (waiter, esp_document_load_image_async, document, hat, NULL);
  bytes = esp_document_load_image_finish (document, waiter.result, NULL);
  g_assert_nonnull (bytes);
  assert_whole (document, 2, 2);
  g_clear_pointer (&nodes, g_ptr_array_unref);
  waiter_clear (&waiter);
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  root = g_ptr_array_index (esp_node_get_references (esp_document_get_node (document, 4)), 0);
  g_assert_true (esp_node_is_deleted (root));
  delete_node (document, esp_document_get_node (document, 4));
  purge (document);
  g_assert_cmpuint (measure (document).n_deleted, ==, 0);
  close_document (document);
}

static void
copy (EspDocument *to, EspDocument *from, EspNode *node, EspNode *parent)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_copy_async, to, from, node, parent, NULL);
  esp_document_edit_finish (to, waiter.result, &error);
  g_assert_no_error (error);
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *from = create_document ("From");
  EspDocument *to = create_document ("To");
  EspNode *root = import_color (from, 1, NULL);
  EspNode *hat = import_color (from, 2, NULL);
  EspNode *one = add_turn (from, root, "One", 1);
  EspNode *inside = import_color (from, 3, one);
  EspNode *const references[] = { hat, inside };
  const EspTurn turn
      = { .instruction = "Both", .backend = "local", .references = references, .n_references = 2 };
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GPtrArray) found = NULL;
  EspNode *target = import_color (to, 9, NULL);
  EspNode *copied;

  WAIT (waiter, esp_document_add_turns_async, from, one, &turn, 1, NULL);
  nodes = esp_document_add_turns_finish (from, waiter.result, NULL);
  finish_turn (from, one, 0xabcdef);
  set_label (from, one, "L");
  assert_tree (from, "1(3:L(4 5)) 2");

  copy (to, from, one, target);
  /* The picture from outside came along as a root, those inside below the target. */
  assert_tree (to, "1(3:L(4 5)) 2:photo.png");
  copied = esp_document_get_node (to, 5);
  g_assert_cmpint (esp_node_get_state (copied), ==, ESP_NODE_CANCELLED);
  g_assert_cmpint (esp_node_get_state (esp_document_get_node (to, 3)), ==, ESP_NODE_DONE);
  g_assert_cmpint (esp_node_get_id (g_ptr_array_index (esp_node_get_references (copied), 0)), ==,
                   2);
  g_assert_cmpint (esp_node_get_id (g_ptr_array_index (esp_node_get_references (copied), 1)), ==,
                   4);
  g_assert_cmpstr (esp_node_get_sha256 (esp_document_get_node (to, 3)), ==,
                   esp_node_get_sha256 (one));
  assert_whole (to, 4, 5);
  undo (to);
  assert_tree (to, "1");
  redo (to);
  assert_tree (to, "1(3:L(4 5)) 2:photo.png");
  found = esp_document_find (to, "both");
  g_assert_cmpuint (found->len, ==, 1);

  /* The whole of it, and within one document. */
  copy (to, from, NULL, NULL);
  g_assert_cmpuint (esp_document_get_n_nodes (to), ==, 10);
  assert_whole (to, 5, 10);
  copy (from, from, one, hat);
  assert_tree (from, "1(3:L(4 5)) 2(6:L(7 8))");
  assert_whole (from, 4, 8);
  g_clear_pointer (&nodes, g_ptr_array_unref);
  g_clear_pointer (&found, g_ptr_array_unref);
  waiter_clear (&waiter);
  close_document (to);
  close_document (from);
}

static GPtrArray *
verify (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  GPtrArray *problems = NULL;
  guint n_images, n_nodes;

  WAIT (waiter, esp_document_verify_async, document, NULL);
  g_assert_true (
      esp_document_verify_finish (document, waiter.result, &n_images, &n_nodes, &problems, NULL));
  return problems;
}

static void
test_verify (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *sql;
    const char *problem;
  } cases[] = {
    { "UPDATE image_data SET data = CAST(substr(data, 1, 60) || x'00' || substr(data, 62) AS BLOB)",
      "hash" },
    { "UPDATE image_data SET data = substr(data, 1, 60)", "not complete" },
    { "DELETE FROM image_data", "not complete" },
    { "UPDATE images SET sha256 = 'nonsense'", "looked up" },
    { "UPDATE nodes SET image = 77", "referred to" },
    { "UPDATE nodes SET image = NULL", "has no image" },
    { "UPDATE images SET width = 0", "no size" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EspDocument *document = create_document ("Verify");
      g_autofree char *path = document_dup_path (document);
      g_autoptr (GPtrArray) problems = NULL;

      import_color (document, 1, NULL);
      assert_whole (document, 1, 1);
      close_document (document);
      change_file (path, cases[i].sql);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
      g_assert_nonnull (document);
      problems = verify (document);
      g_assert_cmpuint (problems->len, >=, 1);
      g_test_message ("%s", (char *) problems->pdata[0]);
      g_assert_nonnull (strstr (problems->pdata[0], cases[i].problem));
      close_document (document);
    }
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-space/purge", test_purge);
  ADD_TEST ("/document-space/purge-references", test_purge_references);
  ADD_TEST ("/document-space/copy", test_copy);
  ADD_TEST ("/document-space/verify", test_verify);

  return g_test_run ();
}
