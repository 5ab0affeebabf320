/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-restore.c: what was deleted comes back, in a later session, too. */
#include "document-fixture.h"

static void
restore (EspDocument *document, EspNode *node)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GError *error = NULL;

  g_ptr_array_add (nodes, node);
  WAIT (waiter, esp_document_restore_async, document, nodes, NULL);
  esp_document_edit_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

/* As "id×nodes id×nodes". */
static char *
dup_deleted (EspDocument *document)
{
  g_autoptr (GPtrArray) branches = esp_document_dup_deleted (document);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < branches->len; i++)
    {
      const EspDeletedBranch *branch = branches->pdata[i];

      g_assert_true (esp_node_is_deleted (branch->node));
      g_assert_cmpint (branch->latest, >=, esp_node_get_created (branch->node));
      g_string_append_printf (text, "%s%" G_GINT64_FORMAT "×%u", i > 0 ? " " : "",
                              esp_node_get_id (branch->node), branch->n_nodes);
    }
  return g_string_free (text, FALSE);
}

#define assert_deleted(document, expected)                                                         \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *deleted_ = dup_deleted (document);                                            \
    g_assert_cmpstr (deleted_, ==, expected);                                                      \
  }                                                                                                \
  G_STMT_END

static EspNode *
get_deleted (EspDocument *document, gint64 id)
{
  g_autoptr (GPtrArray) branches = esp_document_dup_deleted (document);

  for (guint i = 0; i < branches->len; i++)
    if (esp_node_get_id (((EspDeletedBranch *) branches->pdata[i])->node) == id)
      return ((EspDeletedBranch *) branches->pdata[i])->node; /* the document has it */
  g_assert_not_reached ();
}

static void
test_later (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Later");
  g_autofree char *path = document_dup_path (document);
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *title = NULL;
  EspNode *root = import_color (document, 1, NULL);
  EspNode *branch = import_color (document, 2, root);
  EspNode *below = import_color (document, 3, branch);

  import_color (document, 4, below);
  import_color (document, 5, root);
  set_label (document, below, "Kept");
  assert_deleted (document, "");
  delete_node (document, branch);
  delete_node (document, esp_document_get_node (document, 5));
  assert_tree (document, "1");
  assert_deleted (document, "5×1 2×3");
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_false (esp_document_can_undo (document));
  assert_deleted (document, "5×1 2×3");
  /* One can see what it is before. */
  WAIT (waiter, esp_document_load_image_async, document, get_deleted (document, 2), NULL);
  bytes = esp_document_load_image_finish (document, waiter.result, NULL);
  g_assert_nonnull (bytes);
  restore (document, get_deleted (document, 2));
  assert_tree (document, "1(2(3:Kept(4)))");
  assert_deleted (document, "5×1");
  title = esp_document_dup_undo_title (document);
  g_assert_cmpstr (title, ==, "Restore 3 Turns");
  undo (document);
  assert_tree (document, "1");
  assert_deleted (document, "5×1 2×3");
  redo (document);
  restore (document, get_deleted (document, 5));
  assert_tree (document, "1(2(3:Kept(4)) 5)");
  assert_whole (document, 5, 5);
  waiter_clear (&waiter);
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  assert_tree (document, "1(2(3:Kept(4)) 5)");
  close_document (document);
}

/* All at once; what hangs on something deleted brings that back, and a root comes back, too. */
static void
test_from_inside (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Inside");
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  EspNode *root = import_color (document, 1, NULL);
  EspNode *middle = import_color (document, 2, root);
  EspNode *inner = import_color (document, 3, middle);
  EspNode *other = import_color (document, 4, middle);
  GError *error = NULL;

  delete_node (document, inner);
  delete_node (document, root);
  assert_tree (document, "");
  assert_deleted (document, "1×4");
  restore (document, inner);
  assert_tree (document, "1(2(3))");
  assert_deleted (document, "4×1");
  /* What is there stays as it is: no step. */
  undo (document);
  redo (document);
  g_ptr_array_add (nodes, inner);
  g_ptr_array_add (nodes, other);
  g_ptr_array_add (nodes, other);
  WAIT (waiter, esp_document_restore_async, document, nodes, NULL);
  esp_document_edit_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  assert_tree (document, "1(2(3 4))");
  restore (document, other);
  undo (document); /* that of 4 */
  assert_tree (document, "1(2(3))");
  waiter_clear (&waiter);
  close_document (document);
}

/* A turn that was waiting is not made by coming back. */
static void
test_states (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("States");
  EspNode *root = import_color (document, 1, NULL);
  EspNode *queued = add_turn (document, root, "Snow", 1);
  EspNode *running = add_turn (document, root, "Fog", 2);
  EspNode *failed = add_turn (document, root, "Rain", 3);

  set_state (document, running, ESP_NODE_RUNNING, NULL);
  set_state (document, failed, ESP_NODE_FAILED, "Why");
  delete_node (document, root);
  restore (document, root);
  g_assert_cmpint (esp_node_get_state (queued), ==, ESP_NODE_CANCELLED);
  g_assert_cmpint (esp_node_get_state (running), ==, ESP_NODE_CANCELLED);
  g_assert_cmpint (esp_node_get_state (failed), ==, ESP_NODE_FAILED);
  g_assert_cmpstr (esp_node_get_message (failed), ==, "Why");
  close_document (document);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Refused");
  g_autofree char *path = document_dup_path (document);
  EspDocument *other = create_document ("Other");
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  EspNode *strange = import_color (other, 1, NULL);
  g_autoptr (GError) error = NULL;

  delete_node (document, import_color (document, 1, NULL));
  delete_node (other, strange);
  g_ptr_array_add (nodes, strange);
  WAIT (waiter, esp_document_restore_async, document, nodes, NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  waiter_clear (&waiter);
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_READ_ONLY, NULL);
  assert_deleted (document, "1×1");
  nodes->pdata[0] = get_deleted (document, 1);
  WAIT (waiter, esp_document_restore_async, document, nodes, NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
  waiter_clear (&waiter);
  close_document (document);
  close_document (other);
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-restore/later", test_later);
  ADD_TEST ("/document-restore/from-inside", test_from_inside);
  ADD_TEST ("/document-restore/states", test_states);
  ADD_TEST ("/document-restore/refused", test_refused);

  return g_test_run ();
}
