/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-history-keys.c: the history by keyboard, its stacks, folds and search. */
#include "history-fixture.h"

/* --- Keys ------------------------------------------------------------------------------------- */

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  EspNode *left = add_turn (fixture, fixture->photo, "Left");
  EspNode *right = add_turn (fixture, fixture->photo, "Right");
  EspNode *leaf = add_turn (fixture, left, "Leaf");
  g_autofree char *activated
      = g_strdup_printf ("activate:%" G_GINT64_FORMAT " ", esp_node_get_id (right));

  gtk_widget_grab_focus (GTK_WIDGET (fixture->history));
  settle ();
  g_assert_true (gtk_root_get_focus (GTK_ROOT (fixture->window))
                 == GTK_WIDGET (find_card (fixture, fixture->photo)));
  press (fixture, GDK_KEY_Down, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == left);
  g_assert_true (gtk_root_get_focus (GTK_ROOT (fixture->window))
                 == GTK_WIDGET (find_card (fixture, left)));
  g_assert_true (esp_document_get_current (fixture->document) == fixture->photo);
  press (fixture, GDK_KEY_Right, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == right);
  press (fixture, GDK_KEY_Return, 0);
  g_assert_true (esp_document_get_current (fixture->document) == right);
  assert_log (fixture, activated);
  press (fixture, GDK_KEY_End, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == leaf);
  press (fixture, GDK_KEY_Up, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == left);
  press (fixture, GDK_KEY_Home, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == fixture->photo);

  press (fixture, GDK_KEY_F2, 0);
  press (fixture, GDK_KEY_Delete, 0);
  press (fixture, GDK_KEY_c, 0);
  press (fixture, GDK_KEY_x, 0);
  press (fixture, GDK_KEY_period, 0);
  press (fixture, GDK_KEY_4, 0);
  assert_log (fixture, "label delete compare reject stars(1) stars(4) ");
  g_assert_false (press (fixture, GDK_KEY_a, 0));
  g_assert_false (press (fixture, GDK_KEY_f, GDK_CONTROL_MASK));
}

/* From left to right the arrows turn round; in right-to-left languages that turns once more. */
static void
test_directions (Fixture *fixture, gconstpointer data)
{
  EspNode *first = add_turn (fixture, fixture->photo, "First");
  EspNode *second = add_turn (fixture, fixture->photo, "Second");

  esp_history_set_orientation (fixture->history, GTK_ORIENTATION_HORIZONTAL);
  settle ();
  press (fixture, GDK_KEY_Right, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == first);
  press (fixture, GDK_KEY_Down, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == second);
  press (fixture, GDK_KEY_Left, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == fixture->photo);
  gtk_widget_set_direction (GTK_WIDGET (fixture->tree), GTK_TEXT_DIR_RTL);
  settle ();
  press (fixture, GDK_KEY_Left, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == first);
  {
    graphene_rect_t root, child;

    g_assert_true (esp_tree_view_get_node_area (fixture->tree, fixture->photo, &root));
    g_assert_true (esp_tree_view_get_node_area (fixture->tree, first, &child));
    g_assert_cmpfloat (child.origin.x + child.size.width, <, root.origin.x);
  }
}

static void
test_selection (Fixture *fixture, gconstpointer data)
{
  EspNode *first = add_turn (fixture, fixture->photo, "First");
  EspNode *second = add_turn (fixture, fixture->photo, "Second");
  g_autoptr (GPtrArray) nodes = esp_history_dup_selection (fixture->history);

  g_assert_cmpuint (nodes->len, ==, 1);
  g_assert_true (g_ptr_array_index (nodes, 0) == fixture->photo);
  press (fixture, GDK_KEY_Down, 0);
  press (fixture, GDK_KEY_Right, GDK_SHIFT_MASK);
  g_clear_pointer (&nodes, g_ptr_array_unref);
  nodes = esp_history_dup_selection (fixture->history);
  g_assert_cmpuint (nodes->len, ==, 2);
  g_assert_true (g_ptr_array_index (nodes, 0) == first);
  g_assert_true (g_ptr_array_index (nodes, 1) == second);
  gtk_test_accessible_assert_state (GTK_ACCESSIBLE (find_card (fixture, second)),
                                    GTK_ACCESSIBLE_STATE_SELECTED, TRUE);
  /* What is deleted is not selected. */
  delete_node (fixture, first);
  g_clear_pointer (&nodes, g_ptr_array_unref);
  nodes = esp_history_dup_selection (fixture->history);
  g_assert_cmpuint (nodes->len, ==, 1);
  g_assert_true (press (fixture, GDK_KEY_Escape, 0));
  g_assert_false (press (fixture, GDK_KEY_Escape, 0));
}

/* --- Stacks and folds ------------------------------------------------------------------------- */

static void
test_stack (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) stack = add_variations (fixture, fixture->photo, 3);
  EspNode *beside = add_turn (fixture, fixture->photo, "Something else");
  g_autoptr (EspTreeItems) again = NULL;
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);

  g_assert_cmpuint (count_cards (fixture), ==, 3);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_card (fixture, stack->pdata[0])),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: Let it snow, fal, waiting, variation 1 of 3");
  press (fixture, GDK_KEY_Down, 0);
  press (fixture, GDK_KEY_Right, 0);
  g_assert_true (esp_document_get_current (fixture->document) == stack->pdata[1]);
  g_assert_nonnull (find_card (fixture, stack->pdata[1]));
  g_assert_null (find_card (fixture, stack->pdata[0]));
  press (fixture, GDK_KEY_Right, GDK_CONTROL_MASK);
  g_assert_true (esp_document_get_current (fixture->document) == stack->pdata[2]);
  press (fixture, GDK_KEY_Right, 0);
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == beside);
  /* The one looked at last stays in front. */
  esp_document_set_current (fixture->document, fixture->photo);
  settle ();
  g_assert_nonnull (find_card (fixture, stack->pdata[2]));

  esp_tree_items_set_spread (items, stack->pdata[1], TRUE);
  settle ();
  g_assert_cmpuint (count_cards (fixture), ==, 5);
  g_assert_true (esp_tree_items_is_spread (items, stack->pdata[2]));
  /* Remembered with the document. */
  again = esp_tree_items_new ();
  esp_tree_items_set_document (again, fixture->document);
  g_assert_true (esp_tree_items_is_spread (again, stack->pdata[0]));
  esp_tree_items_set_spread (items, stack->pdata[1], FALSE);
  settle ();
  g_assert_cmpuint (count_cards (fixture), ==, 3);
}

/* What hangs below one of a stack is seen whichever of them is in front. */
static void
test_stack_children (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) stack = add_variations (fixture, fixture->photo, 2);
  EspNode *below = add_turn (fixture, stack->pdata[1], "Below the second");

  esp_document_set_current (fixture->document, stack->pdata[0]);
  settle ();
  g_assert_nonnull (find_card (fixture, below));
  esp_document_set_current (fixture->document, below);
  settle ();
  g_assert_nonnull (find_card (fixture, stack->pdata[1]));
}

static void
test_fold (Fixture *fixture, gconstpointer data)
{
  EspNode *branch = add_turn (fixture, fixture->photo, "Branch");
  EspNode *leaf = add_turn (fixture, branch, "Leaf");
  GtkAccessible *card;

  add_turn (fixture, branch, "Another leaf");
  press (fixture, GDK_KEY_Down, 0);
  press (fixture, GDK_KEY_f, 0);
  g_assert_true (esp_node_get_folded (branch));
  g_assert_cmpuint (count_cards (fixture), ==, 2);
  card = GTK_ACCESSIBLE (find_card (fixture, branch));
  gtk_test_accessible_assert_state (card, GTK_ACCESSIBLE_STATE_EXPANDED, FALSE);
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: Branch, This Computer, 2 hidden below");
  /* The current node is never hidden. */
  esp_document_set_current (fixture->document, leaf);
  settle ();
  g_assert_false (esp_node_get_folded (branch));
  g_assert_cmpuint (count_cards (fixture), ==, 4);
}

/* --- Find ------------------------------------------------------------------------------------- */

static GtkLabel *
find_count_label (Fixture *fixture)
{
  g_autoptr (GPtrArray) labels = find_all (fixture, GTK_TYPE_LABEL);

  for (guint i = 0; i < labels->len; i++)
    if (gtk_accessible_get_accessible_role (g_ptr_array_index (labels, i))
        == GTK_ACCESSIBLE_ROLE_STATUS)
      return g_ptr_array_index (labels, i);
  return NULL;
}

static gboolean
is_searched (gpointer data)
{
  GtkLabel *label = find_count_label (data);

  return label && *gtk_label_get_text (label) != '\0';
}

static void
test_find (Fixture *fixture, gconstpointer data)
{
  EspNode *boat = add_turn (fixture, fixture->photo, "Add a boat");
  EspNode *boats = add_turn (fixture, boat, "More boats");
  GtkEditable *entry;

  add_turn (fixture, fixture->photo, "Snow");
  esp_history_start_find (fixture->history);
  entry = find_one (fixture, GTK_TYPE_SEARCH_ENTRY);
  gtk_editable_set_text (entry, "boat");
  g_assert_true (scratch_wait_for (is_searched, fixture));
  g_assert_cmpstr (gtk_label_get_text (find_count_label (fixture)), ==, "2 matches");
  g_signal_emit_by_name (entry, "activate");
  g_assert_cmpstr (gtk_label_get_text (find_count_label (fixture)), ==, "1 of 2");
  g_assert_true (esp_document_get_current (fixture->document) == boat);
  g_signal_emit_by_name (entry, "next-match");
  g_assert_true (esp_document_get_current (fixture->document) == boats);
  g_signal_emit_by_name (entry, "next-match");
  g_assert_true (esp_document_get_current (fixture->document) == boat);
  g_signal_emit_by_name (entry, "previous-match");
  g_assert_cmpstr (gtk_label_get_text (find_count_label (fixture)), ==, "2 of 2");
  g_signal_emit_by_name (entry, "stop-search");
  settle ();
  g_assert_false (gtk_widget_get_focus_child (GTK_WIDGET (fixture->history)) == NULL);
}

static void
test_find_nothing (Fixture *fixture, gconstpointer data)
{
  GtkEditable *entry;

  esp_history_start_find (fixture->history);
  entry = find_one (fixture, GTK_TYPE_SEARCH_ENTRY);
  gtk_editable_set_text (entry, "elephant");
  g_assert_true (scratch_wait_for (is_searched, fixture));
  g_assert_cmpstr (gtk_label_get_text (find_count_label (fixture)), ==, "No matches");
  g_assert_true (gtk_widget_has_css_class (GTK_WIDGET (entry), "error"));
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);
  TEST ("keys", test_keys);
  TEST ("directions", test_directions);
  TEST ("selection", test_selection);
  TEST ("stack", test_stack);
  TEST ("stack-children", test_stack_children);
  TEST ("fold", test_fold);
  TEST ("find", test_find);
  TEST ("find-nothing", test_find_nothing);
  return g_test_run ();
}
