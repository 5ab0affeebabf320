/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-history.c: the history with a real document: what it tells assistive
 * technology, how it follows the document, labels, the menu. */
#include <math.h>

#include "history-fixture.h"

/* --- What is told ----------------------------------------------------------------------------- */

static void
test_nothing (Fixture *fixture, gconstpointer data)
{
  esp_history_set_document (fixture->history, NULL);
  settle ();
  g_assert_cmpuint (count_cards (fixture), ==, 0);
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (fixture->history)); child;
       child = gtk_widget_get_next_sibling (child))
    if (!GTK_IS_REVEALER (child))
      g_assert_false (gtk_widget_get_visible (child));
  g_autoptr (GPtrArray) nodes = esp_history_dup_selection (fixture->history);
  g_assert_cmpuint (nodes->len, ==, 0);
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  EspNode *turn = scratch_document_add_turn (fixture->document, fixture->photo, "Add a boat");
  EspNode *second = scratch_document_add_turn (fixture->document, fixture->photo, "Snow");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GtkAccessible *card;

  settle ();
  g_assert_cmpuint (count_cards (fixture), ==, 3);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (fixture->tree), GTK_ACCESSIBLE_ROLE_TREE);

  card = GTK_ACCESSIBLE (find_card (fixture, turn));
  gtk_test_accessible_assert_role (card, GTK_ACCESSIBLE_ROLE_TREE_ITEM);
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: Add a boat, This Computer, waiting");
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LEVEL, 2);
  gtk_test_accessible_assert_relation (card, GTK_ACCESSIBLE_RELATION_POS_IN_SET, 1);
  gtk_test_accessible_assert_relation (card, GTK_ACCESSIBLE_RELATION_SET_SIZE, 2);
  gtk_test_accessible_assert_state (card, GTK_ACCESSIBLE_STATE_SELECTED, FALSE);
  card = GTK_ACCESSIBLE (find_card (fixture, second));
  gtk_test_accessible_assert_relation (card, GTK_ACCESSIBLE_RELATION_POS_IN_SET, 2);

  card = GTK_ACCESSIBLE (find_card (fixture, fixture->photo));
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL, "Image: photo.png");
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LEVEL, 1);
  gtk_test_accessible_assert_state (card, GTK_ACCESSIBLE_STATE_EXPANDED, TRUE);
  gtk_test_accessible_assert_state (card, GTK_ACCESSIBLE_STATE_SELECTED, TRUE);

  scratch_document_finish_turn (fixture->document, turn, 40, 30, 0xff0000);
  g_ptr_array_add (nodes, turn);
  esp_document_set_stars_async (fixture->document, nodes, 1, NULL, scratch_take_result, &result);
  finish_edit (fixture, &result);
  card = GTK_ACCESSIBLE (find_card (fixture, turn));
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: Add a boat, This Computer, starred");
  scratch_document_set_state (fixture->document, second, ESP_NODE_FAILED, "No memory.");
  settle ();
  card = GTK_ACCESSIBLE (find_card (fixture, second));
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: Snow, This Computer, failed");
}

/* Nobody listens to a page before hearing what state a turn is in. */
static void
test_long_name (Fixture *fixture, gconstpointer data)
{
  g_autofree char *line = g_strnfill (5000, 'x');
  g_autofree char *start = g_strnfill (120, 'x');
  g_autofree char *expected = g_strdup_printf ("Turn 1: %s…, This Computer", start);
  EspNode *one_line = add_turn (fixture, fixture->photo, line);
  EspNode *two_lines = add_turn (fixture, fixture->photo, "A boat\nwith a red sail");

  settle ();
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_card (fixture, one_line)),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL, expected);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_card (fixture, two_lines)),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: A boat, This Computer");
}

/* Assistive technology walks the cards in the order of the tree. */
static void
test_order (Fixture *fixture, gconstpointer data)
{
  EspNode *first = add_turn (fixture, fixture->photo, "One");
  EspNode *second = add_turn (fixture, fixture->photo, "Two");
  EspNode *below = add_turn (fixture, first, "Below one");
  EspNode *expected[] = { fixture->photo, first, below, second };
  g_autoptr (GPtrArray) cards = find_all (fixture, ESP_TYPE_NODE_CARD);

  g_assert_cmpuint (cards->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < cards->len; i++)
    g_assert_true (esp_node_card_get_node (g_ptr_array_index (cards, i)) == expected[i]);
}

static void
test_live (Fixture *fixture, gconstpointer data)
{
  EspNode *turn = add_turn (fixture, fixture->photo, "One");
  g_autoptr (GAsyncResult) result = NULL;

  add_turn (fixture, turn, "Two");
  g_assert_cmpuint (count_cards (fixture), ==, 3);
  delete_node (fixture, turn);
  g_assert_cmpuint (count_cards (fixture), ==, 1);
  esp_document_undo_async (fixture->document, NULL, scratch_take_result, &result);
  finish_edit (fixture, &result);
  g_assert_cmpuint (count_cards (fixture), ==, 3);
  g_assert_nonnull (find_card (fixture, turn));
  esp_document_redo_async (fixture->document, NULL, scratch_take_result, &result);
  finish_edit (fixture, &result);
  g_assert_cmpuint (count_cards (fixture), ==, 1);
}

/* A turn that is added does not move the one that is looked at. */
static void
test_anchored (Fixture *fixture, gconstpointer data)
{
  EspNode *at = fixture->photo;
  graphene_rect_t before, after;

  for (guint i = 0; i < 11; i++)
    {
      g_autofree char *instruction = g_strdup_printf ("Beside %u", i);
      EspNode *beside = add_turn (fixture, fixture->photo, instruction);

      if (i == 5)
        at = beside;
    }
  for (guint i = 0; i < 3; i++)
    at = add_turn (fixture, at, "Deeper");
  add_turn (fixture, add_turn (fixture, at, "Deeper still"), "Deepest");
  esp_document_set_current (fixture->document, at);
  settle ();
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *instruction = g_strdup_printf ("Again %u", i);

      g_assert_true (esp_tree_view_get_node_area (fixture->tree, at, &before));
      add_turn (fixture, at, instruction);
      g_assert_true (esp_tree_view_get_node_area (fixture->tree, at, &after));
      g_assert_cmpfloat (fabs (after.origin.x - before.origin.x), <, 1.5);
      g_assert_cmpfloat (fabs (after.origin.y - before.origin.y), <, 1.5);
    }
}

/* Where the node is when it is in one place in two frames, and has left `begun`. */
static void
wait_for_rest (Fixture *fixture, EspNode *node, const graphene_rect_t *begun, graphene_rect_t *rest)
{
  graphene_rect_t before;

  *rest = *begun;
  do
    {
      before = *rest;
      gtk_test_widget_wait_for_draw (GTK_WIDGET (fixture->tree));
      g_assert_true (esp_tree_view_get_node_area (fixture->tree, node, rest));
    }
  while (graphene_rect_equal (rest, begun) || !graphene_rect_equal (rest, &before));
}

/* A new turn grows out of its parent; a moment later it stands where it does without that. */
static void
test_animated (Fixture *fixture, gconstpointer data)
{
  EspNode *first = add_turn (fixture, fixture->photo, "First"), *second;
  graphene_rect_t begun, animated, plain;

  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", TRUE, NULL);
  second = scratch_document_add_turn (fixture->document, fixture->photo, "Second");
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, second, &begun));
  wait_for_rest (fixture, second, &begun, &animated);
  g_assert_cmpfloat (begun.origin.y, <, animated.origin.y);
  esp_document_set_current (fixture->document, first);
  settle ();
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  esp_history_set_document (fixture->history, NULL);
  esp_history_set_document (fixture->history, fixture->document);
  settle ();
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, second, &plain));
  g_assert_cmpfloat (fabs (plain.origin.y - animated.origin.y), <, 1);
}

static gboolean
has_label (gpointer node)
{
  return g_strcmp0 (esp_node_get_label (node), "") > 0;
}

static void
test_label (Fixture *fixture, gconstpointer data)
{
  EspNode *turn = add_turn (fixture, fixture->photo, "One");
  g_autoptr (GPtrArray) entries = NULL;

  esp_history_edit_label (fixture->history, turn);
  settle ();
  entries = find_all (fixture, GTK_TYPE_ENTRY);
  g_assert_cmpuint (entries->len, ==, 1);
  gtk_editable_set_text (g_ptr_array_index (entries, 0), "  The good one ");
  g_signal_emit_by_name (g_ptr_array_index (entries, 0), "activate");
  g_assert_true (scratch_wait_for (has_label, turn));
  g_assert_cmpstr (esp_node_get_label (turn), ==, "The good one");
  settle ();
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_card (fixture, turn)),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: The good one, This Computer");
}

static void
test_menu (Fixture *fixture, gconstpointer data)
{
  add_turn (fixture, fixture->photo, "One");
  g_assert_true (press (fixture, GDK_KEY_Menu, 0));
  g_assert_true (gtk_widget_get_mapped (find_one (fixture, GTK_TYPE_POPOVER_MENU)));
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (fixture->history), "history.fold", NULL));
  settle ();
  g_assert_true (esp_node_get_folded (fixture->photo));
  /* Longer than GTK 4.8 waits before it asks the menu's surface about a tooltip, and complains if
   * that has gone with the window. */
  scratch_wait (600);
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);
  TEST ("nothing", test_nothing);
  TEST ("names", test_names);
  TEST ("order", test_order);
  TEST ("live", test_live);
  TEST ("anchored", test_anchored);
  TEST ("animated", test_animated);
  TEST ("long-name", test_long_name);
  TEST ("label", test_label);
  TEST ("menu", test_menu);
  return g_test_run ();
}
