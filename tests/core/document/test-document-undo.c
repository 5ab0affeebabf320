/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-undo.c: every operation that can be undone, done, undone and done again. */
#include "document-fixture.h"

#include <string.h>

/* 1(2(4) 3) */
static EspDocument *
create_tree (void)
{
  EspDocument *document = create_document ("Undo");
  EspNode *root = import_color (document, 1, NULL);
  EspNode *two = add_turn (document, root, "Two", 2);

  add_turn (document, root, "Three", 3);
  add_turn (document, two, "Four", 4);
  return document;
}

static void
assert_titles (EspDocument *document, const char *undo_title, const char *redo_title)
{
  g_autofree char *u = esp_document_dup_undo_title (document);
  g_autofree char *r = esp_document_dup_redo_title (document);
  gboolean can_undo, can_redo;

  g_object_get (document, "can-undo", &can_undo, "can-redo", &can_redo, NULL);
  g_assert_cmpstr (u, ==, undo_title);
  g_assert_cmpstr (r, ==, redo_title);
  g_assert_cmpint (can_undo, ==, undo_title != NULL);
  g_assert_cmpint (can_redo, ==, redo_title != NULL);
  g_assert_cmpint (esp_document_can_undo (document), ==, undo_title != NULL);
  g_assert_cmpint (esp_document_can_redo (document), ==, redo_title != NULL);
}

/* All the way back and forth, twice. */
static void
test_all_the_way (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_tree ();
  const char *const trees[] = { "", "1", "1(2)", "1(2 3)", "1(2(4) 3)" };

  for (int pass = 0; pass < 2; pass++)
    {
      for (int i = 4; i >= 0; i--)
        {
          assert_tree (document, trees[i]);
          if (i > 0)
            undo (document);
        }
      assert_titles (document, NULL, "Add Picture");
      for (int i = 1; i <= 4; i++)
        {
          redo (document);
          assert_tree (document, trees[i]);
        }
      assert_titles (document, "Add Turn", NULL);
    }
  close_document (document);
}

static void
test_delete (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_tree ();
  EspNode *two = esp_document_get_node (document, 2);
  EspNode *four = esp_document_get_node (document, 4);

  delete_node (document, four);
  assert_tree (document, "1(2 3)");
  assert_titles (document, "Delete 1 Turn", NULL);
  delete_node (document, two);
  assert_tree (document, "1(3)");
  undo (document);
  assert_tree (document, "1(2 3)"); /* what was deleted before stays deleted */
  undo (document);
  assert_tree (document, "1(2(4) 3)");
  g_assert_true (esp_document_get_node (document, 4) == four); /* the same object */
  redo (document);
  redo (document);
  assert_tree (document, "1(3)");
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 2);
  g_assert_null (esp_document_get_node (document, 2));
  undo (document);
  undo (document);
  delete_node (document, esp_document_get_node (document, 1));
  assert_titles (document, "Delete 4 Turns", NULL);
  assert_tree (document, "");
  close_document (document);
}

static void
test_marks (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_tree ();
  g_autoptr (GPtrArray) both = g_ptr_array_new ();
  EspNode *two = esp_document_get_node (document, 2);
  EspNode *three = esp_document_get_node (document, 3);

  g_ptr_array_add (both, two);
  g_ptr_array_add (both, three);
  set_label (document, two, "a");
  set_label (document, two, "b");
  WAIT (waiter, esp_document_set_stars_async, document, both, 4, NULL);
  assert_titles (document, "Rate 2 Turns", NULL);
  assert_tree (document, "1(2:b*4(4) 3*4)");
  WAIT (waiter, esp_document_set_tag_async, document, both, 3, NULL);
  WAIT (waiter, esp_document_set_rejected_async, document, both, TRUE, NULL);
  WAIT (waiter, esp_document_set_note_async, document, two, "A note", NULL);
  g_assert_cmpint (esp_node_get_tag (three), ==, 3);
  g_assert_true (esp_node_get_rejected (three));
  g_assert_cmpstr (esp_node_get_note (two), ==, "A note");
  undo (document);
  g_assert_null (esp_node_get_note (two));
  undo (document);
  g_assert_false (esp_node_get_rejected (two));
  undo (document);
  g_assert_cmpint (esp_node_get_tag (two), ==, 0);
  undo (document);
  undo (document);
  assert_tree (document, "1(2:a(4) 3)");
  undo (document);
  assert_tree (document, "1(2(4) 3)");
  assert_titles (document, "Add Turn", "Change Name");
  for (int i = 0; i < 6; i++)
    redo (document);
  assert_tree (document, "1(2:b*4(4) 3*4)");

  /* What changes nothing is no step. */
  set_label (document, two, "b");
  assert_titles (document, "Change Note", NULL);
  set_label (document, two, "");
  g_assert_null (esp_node_get_label (two));
  assert_titles (document, "Remove Name", NULL);
  waiter_clear (&waiter);
  close_document (document);
}

static void
test_move (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_tree ();
  g_autofree char *path = document_dup_path (document);
  g_autoptr (GError) error = NULL;

#define NODE(id) esp_document_get_node (document, id)
  move_node (document, NODE (4), NODE (1), 0);
  assert_tree (document, "1(4 2 3)");
  move_node (document, NODE (4), NODE (1), 1);
  assert_tree (document, "1(2 4 3)");
  move_node (document, NODE (2), NODE (3), G_MAXUINT);
  assert_tree (document, "1(4 3(2))");
  move_node (document, NODE (3), NULL, 0);
  assert_tree (document, "3(2) 1(4)");
  for (int i = 0; i < 4; i++)
    undo (document);
  assert_tree (document, "1(2(4) 3)");
  for (int i = 0; i < 4; i++)
    redo (document);
  assert_tree (document, "3(2) 1(4)");
  undo (document);

  WAIT (waiter, esp_document_move_async, document, NODE (1), NODE (2), 0, NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  WAIT (waiter, esp_document_move_async, document, NODE (1), NODE (1), 0, NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  assert_tree (document, "1(4 3(2))");

  /* Between two, again and again: the positions are spread anew when they come too close. */
  for (int i = 0; i < 60; i++)
    move_node (document, NODE (i % 2 == 0 ? 4 : 3), NODE (1), 0);
  add_turn (document, NODE (1), "Five", 5);
  for (int i = 0; i < 60; i++)
    {
      move_node (document, NODE (i % 2 == 0 ? 4 : 3), NODE (1), 1);
      g_assert_cmpuint (g_list_model_get_n_items (esp_node_get_children (NODE (1))), ==, 3);
    }
  {
    g_autofree char *before = dup_tree (document);

    waiter_clear (&waiter);
    close_document (document);
    document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
    assert_tree (document, before);
  }
#undef NODE
  close_document (document);
}

/* A new operation forgets what was undone. */
static void
test_redo_is_cleared (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_tree ();
  g_autoptr (GError) error = NULL;

  undo (document);
  undo (document);
  g_assert_true (esp_document_can_redo (document));
  set_label (document, esp_document_get_node (document, 1), "x");
  g_assert_false (esp_document_can_redo (document));
  WAIT (waiter, esp_document_redo_async, document, NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);

  /* Ids are never used again. */
  g_assert_cmpint (
      esp_node_get_id (add_turn (document, esp_document_get_node (document, 1), "New", 1)), ==, 5);
  waiter_clear (&waiter);
  close_document (document);
}

/* What became of a turn is fact: undo and redo leave it alone. */
static void
test_facts_stay (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_tree ();
  EspNode *four = esp_document_get_node (document, 4);

  finish_turn (document, four, 0xff0000);
  assert_titles (document, "Add Turn", NULL);
  undo (document);
  g_assert_true (esp_node_is_deleted (four));
  redo (document);
  g_assert_cmpint (esp_node_get_state (four), ==, ESP_NODE_DONE);
  g_assert_true (esp_node_has_image (four));

  /* A turn that is done after it was undone is there when it comes back. */
  four = esp_document_get_node (document, 3);
  undo (document);
  undo (document);
  g_assert_true (esp_node_is_deleted (four));
  finish_turn (document, four, 0x00ff00);
  redo (document);
  g_assert_true (esp_document_get_node (document, 3) == four);
  g_assert_true (esp_node_has_image (four));
  close_document (document);
}

static void
note_done (GObject *source, GAsyncResult *result, gpointer n)
{
  esp_document_edit_finish (ESP_DOCUMENT (source), result, NULL);
  (*(guint *) n)++;
}

/* Nobody waits: each step still begins where the one before ended. */
static void
test_in_a_row (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_tree ();
  EspNode *two = esp_document_get_node (document, 2);
  guint n = 0;

  esp_document_set_label_async (document, two, "a", NULL, note_done, &n);
  esp_document_set_label_async (document, two, "b", NULL, note_done, &n);
  esp_document_set_label_async (document, two, "c", NULL, note_done, &n);
  esp_document_undo_async (document, NULL, note_done, &n);
  esp_document_undo_async (document, NULL, note_done, &n);
  esp_document_redo_async (document, NULL, note_done, &n);
  g_assert_null (esp_node_get_label (two)); /* nothing is shown before it is stored */
  while (n < 6)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (esp_node_get_label (two), ==, "b");
  undo (document);
  g_assert_cmpstr (esp_node_get_label (two), ==, "a");
  undo (document);
  g_assert_null (esp_node_get_label (two));
  close_document (document);
}

/* --- Signals ---------------------------------------------------------------------------------- */

static void
note_added (EspDocument *document, EspNode *node, gpointer text)
{
  /* Parents come first, and are in their lists. */
  g_assert_true (esp_document_get_node (document, esp_node_get_id (node)) == node);
  g_string_append_printf (text, "+%d", (int) esp_node_get_id (node));
}

static void
note_removed (EspDocument *document, EspNode *node, gpointer text)
{
  g_assert_true (esp_node_is_deleted (node));
  g_string_append_printf (text, "-%d", (int) esp_node_get_id (node));
}

static void
note_changed (EspNode *node, guint change, gpointer text)
{
  g_string_append_printf (text, " %d:%u", (int) esp_node_get_id (node), change);
}

static void
note_items (GListModel *list, guint position, guint removed, guint added, gpointer text)
{
  g_string_append_printf (text, " [%u -%u +%u]", position, removed, added);
}

static void
expect (GString *text, const char *expected)
{
  g_assert_cmpstr (text->str, ==, expected);
  g_string_truncate (text, 0);
}

static void
test_signals (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_tree ();
  EspNode *root = esp_document_get_node (document, 1);
  EspNode *two = esp_document_get_node (document, 2);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) items = g_string_new (NULL);
  g_autofree char *label = NULL;

  g_signal_connect (document, "node-added", G_CALLBACK (note_added), text);
  g_signal_connect (document, "node-removed", G_CALLBACK (note_removed), text);
  g_signal_connect (two, "changed", G_CALLBACK (note_changed), text);
  g_signal_connect (esp_node_get_children (root), "items-changed", G_CALLBACK (note_items), items);

  delete_node (document, two);
  expect (text, "-4-2");
  expect (items, " [0 -1 +0]");
  undo (document);
  expect (text, "+2+4");
  expect (items, " [0 -0 +1]");
  set_label (document, two, "x");
  label = g_strdup_printf (" 2:%u", ESP_NODE_CHANGE_MARKS);
  expect (text, label);
  expect (items, "");
  set_label (document, two, "x");
  expect (text, "");
  move_node (document, two, root, G_MAXUINT);
  g_free (label);
  label = g_strdup_printf (" 2:%u", ESP_NODE_CHANGE_PLACE);
  expect (text, label);
  expect (items, " [0 -1 +0] [1 -0 +1]");
  finish_turn (document, two, 5);
  g_free (label);
  label = g_strdup_printf (" 2:%u",
                           ESP_NODE_CHANGE_STATE | ESP_NODE_CHANGE_IMAGE | ESP_NODE_CHANGE_TURN);
  expect (text, label);
  esp_document_set_folded (document, two, TRUE);
  g_free (label);
  label = g_strdup_printf (" 2:%u", ESP_NODE_CHANGE_FOLDED);
  expect (text, label);
  set_label (document, two, "y");
  g_assert_true (esp_node_get_folded (two));
  close_document (document);
}

/* A thousand turns one below the other. */
static void
test_deep (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Deep");
  g_autofree char *path = document_dup_path (document);
  EspNode *node = import_color (document, 1, NULL);
  EspNode *root = node;
  EspDocument *other;
  g_auto (Waiter) waiter = { 0 };

  for (int i = 0; i < 1000; i++)
    node = add_turn (document, node, "Deeper", (guint64) i);
  g_assert_cmpuint (esp_node_get_depth (node), ==, 1000);
  delete_node (document, root);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 0);
  undo (document);
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 1001);
  other = create_document ("Deep copy");
  WAIT (waiter, esp_document_copy_async, other, document, NULL, NULL, NULL);
  g_assert_true (esp_document_edit_finish (other, waiter.result, NULL));
  g_assert_cmpuint (esp_document_get_n_nodes (other), ==, 1001);
  waiter_clear (&waiter);
  close_document (other);
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpuint (esp_node_get_depth (esp_document_get_node (document, 1001)), ==, 1000);
  close_document (document);
}

/* Random operations; every state comes back on the way back. */
static void
test_random (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Random");
  g_autoptr (GPtrArray) states = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = document_dup_path (document);
  g_autofree char *end = NULL;

  import_color (document, 1, NULL);
  g_ptr_array_add (states, dup_tree (document));
  for (int i = 0; i < 150; i++)
    {
      g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);
      EspNode *one
          = nodes->len > 0 ? nodes->pdata[g_test_rand_int_range (0, (gint32) nodes->len)] : NULL;
      EspNode *two
          = nodes->len > 0 ? nodes->pdata[g_test_rand_int_range (0, (gint32) nodes->len)] : NULL;
      const int what = g_test_rand_int_range (0, 10);

      if (one == NULL)
        import_color (document, (guint32) i, NULL);
      else if (what < 5)
        add_turn (document, one, "x", (guint64) i);
      else if (what == 5 && esp_node_get_parent (one) != NULL)
        delete_node (document, one);
      else if (what == 6 && one != two && !esp_node_is_ancestor (one, two))
        move_node (document, one, two, (guint) g_test_rand_int_range (0, 4));
      else
        set_stars (document, one, 1 + (esp_node_get_stars (one) + what) % 5);
      {
        char *state = dup_tree (document);

        if (strcmp (state, states->pdata[states->len - 1]) != 0)
          g_ptr_array_add (states, state);
        else
          g_free (state);
      }
    }
  for (guint i = states->len - 1; i > 0; i--)
    {
      assert_tree (document, states->pdata[i]);
      undo (document);
    }
  for (guint i = 1; i < states->len; i++)
    redo (document);
  assert_tree (document, states->pdata[states->len - 1]);
  end = dup_tree (document);
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  assert_tree (document, end);
  close_document (document);
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-undo/all-the-way", test_all_the_way);
  ADD_TEST ("/document-undo/delete", test_delete);
  ADD_TEST ("/document-undo/marks", test_marks);
  ADD_TEST ("/document-undo/move", test_move);
  ADD_TEST ("/document-undo/redo-is-cleared", test_redo_is_cleared);
  ADD_TEST ("/document-undo/facts-stay", test_facts_stay);
  ADD_TEST ("/document-undo/in-a-row", test_in_a_row);
  ADD_TEST ("/document-undo/signals", test_signals);
  ADD_TEST ("/document-undo/deep", test_deep);
  ADD_TEST ("/document-undo/random", test_random);

  return g_test_run ();
}
