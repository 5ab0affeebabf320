/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-history.c: the history with a real document: what it tells assistive technology, keys,
 * stacks, folds, find, the list, and that only what is in view is drawn. */
#include <adwaita.h>
#include <math.h>

#include "esp-history.h"
#include "esp-node-card.h"
#include "esp-outline-row.h"
#include "esp-outline.h"
#include "esp-tree-view.h"
#include "history-tree.h"
#include "scratch-document.h"
#include "widgets.h"

typedef struct
{
  EspDocument *document;
  EspNode *photo;
  GtkWidget *window;
  EspHistory *history;
  EspTreeView *tree;
  GSimpleActionGroup *commands;
  GString *log; /* of signals and commands */
} Fixture;

/* --- Helpers ---------------------------------------------------------------------------------- */

static gboolean
is_shown_of_type (GtkWidget *widget, gconstpointer type)
{
  return gtk_widget_is_visible (widget) && widgets_has_type (widget, type);
}

static GPtrArray *
find_all (Fixture *fixture, GType type)
{
  return widgets_find_all (GTK_WIDGET (fixture->history), is_shown_of_type,
                           GSIZE_TO_POINTER (type));
}

static gpointer
find_one (Fixture *fixture, GType type)
{
  g_autoptr (GPtrArray) found = find_all (fixture, type);

  g_assert_cmpuint (found->len, >, 0);
  return g_ptr_array_index (found, 0);
}

static guint
count_cards (Fixture *fixture)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_NODE_CARD);

  return found->len;
}

static EspNodeCard *
find_card (Fixture *fixture, EspNode *node)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_NODE_CARD);

  for (guint i = 0; i < found->len; i++)
    if (esp_node_card_get_node (g_ptr_array_index (found, i)) == node)
      return g_ptr_array_index (found, i);
  return NULL;
}

static void
settle (void)
{
  scratch_wait (80);
}

static gboolean
press_on (GtkWidget *widget, guint keyval, GdkModifierType state)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);
  gboolean handled = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers) && !handled; i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_KEY (controller))
        g_signal_emit_by_name (controller, "key-pressed", keyval, 0, state, &handled);
    }
  settle ();
  return handled;
}

static gboolean
press (Fixture *fixture, guint keyval, GdkModifierType state)
{
  return press_on (GTK_WIDGET (fixture->tree), keyval, state);
}

static void
finish_edit (Fixture *fixture, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  esp_document_edit_finish (fixture->document, scratch_wait_for_result (result), &error);
  g_assert_no_error (error);
  g_clear_object (result);
  settle ();
}

static void
delete_node (Fixture *fixture, EspNode *node)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  esp_document_delete_async (fixture->document, nodes, NULL, scratch_take_result, &result);
  finish_edit (fixture, &result);
}

static EspNode *
add_turn (Fixture *fixture, EspNode *parent, const char *instruction)
{
  EspNode *node = scratch_document_add_turn (fixture->document, parent, instruction);

  scratch_document_finish_turn (fixture->document, node, 40, 30, 0x336699);
  settle ();
  return node;
}

/* Turns that differ by their seeds alone. */
static GPtrArray *
add_variations (Fixture *fixture, EspNode *parent, guint count)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspTurn turn = { .instruction = "Let it snow", .backend = "fal", .has_seed = TRUE, .seed = 7 };
  GPtrArray *nodes;

  esp_document_add_turns_async (fixture->document, parent, &turn, count, NULL, scratch_take_result,
                                &result);
  nodes = esp_document_add_turns_finish (fixture->document, scratch_wait_for_result (&result),
                                         &error);
  g_assert_no_error (error);
  settle ();
  return nodes;
}

static void
on_command (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append_printf (fixture->log, "%s", g_action_get_name (G_ACTION (action)));
  if (parameter)
    g_string_append_printf (fixture->log, "(%d)", g_variant_get_int32 (parameter));
  g_string_append_c (fixture->log, ' ');
}

static void
on_activate (Fixture *fixture, EspNode *node)
{
  g_string_append_printf (fixture->log, "activate:%" G_GINT64_FORMAT " ", esp_node_get_id (node));
}

static void
assert_log (Fixture *fixture, const char *expected)
{
  g_assert_cmpstr (fixture->log->str, ==, expected);
  g_string_truncate (fixture->log, 0);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const GActionEntry commands[] = {
    { "label", on_command },      { "delete", on_command }, { "compare", on_command },
    { "stars", on_command, "i" }, { "reject", on_command },
  };

  fixture->log = g_string_new (NULL);
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 40, 30, 0x808080);
  esp_document_set_current (fixture->document, fixture->photo);
  fixture->window = adw_window_new ();
  fixture->history = ESP_HISTORY (esp_history_new ());
  fixture->commands = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (fixture->commands), commands,
                                   G_N_ELEMENTS (commands), fixture);
  gtk_widget_insert_action_group (fixture->window, "node", G_ACTION_GROUP (fixture->commands));
  g_signal_connect_swapped (fixture->history, "activate", G_CALLBACK (on_activate), fixture);
  adw_window_set_content (ADW_WINDOW (fixture->window), GTK_WIDGET (fixture->history));
  gtk_widget_set_hexpand (GTK_WIDGET (fixture->history), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 600, 600);
  esp_history_set_document (fixture->history, fixture->document);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
  fixture->tree = find_one (fixture, ESP_TYPE_TREE_VIEW);
  settle ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_clear_object (&fixture->commands);
  settle ();
  scratch_document_close (fixture->document);
  g_clear_object (&fixture->document);
  g_string_free (fixture->log, TRUE);
}

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

/* A new turn grows out of its parent; half a second later it stands where it does without that. */
static void
test_animated (Fixture *fixture, gconstpointer data)
{
  EspNode *first = add_turn (fixture, fixture->photo, "First"), *second;
  graphene_rect_t begun, animated, plain;

  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", TRUE, NULL);
  second = scratch_document_add_turn (fixture->document, fixture->photo, "Second");
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, second, &begun));
  scratch_wait (600);
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, second, &animated));
  g_assert_cmpfloat (begun.origin.y, <, animated.origin.y);
  esp_document_set_current (fixture->document, first);
  scratch_wait (600);
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  esp_history_set_document (fixture->history, NULL);
  esp_history_set_document (fixture->history, fixture->document);
  settle ();
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, second, &plain));
  g_assert_cmpfloat (fabs (plain.origin.y - animated.origin.y), <, 1);
}

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

/* --- Size and zoom ---------------------------------------------------------------------------- */

static void
test_large (Fixture *fixture, gconstpointer data)
{
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);
  EspNode *cursor;

  history_tree_grow (fixture->document, 500, 3, NULL);
  settle ();
  g_assert_cmpuint (esp_tree_items_get_n (items), >, 2 * ESP_TREE_VIEW_MAX_CARDS);
  g_assert_cmpuint (esp_tree_view_get_n_drawn (fixture->tree), <, 40);
  g_assert_cmpuint (esp_tree_view_get_n_cards (fixture->tree), <=, ESP_TREE_VIEW_MAX_CARDS);
  g_assert_cmpuint (count_cards (fixture), ==, esp_tree_view_get_n_cards (fixture->tree));

  /* The keyboard goes on where no card was before. */
  gtk_widget_grab_focus (GTK_WIDGET (fixture->history));
  press (fixture, GDK_KEY_End, 0);
  cursor = esp_tree_view_get_cursor (fixture->tree);
  g_assert_true (gtk_root_get_focus (GTK_ROOT (fixture->window))
                 == GTK_WIDGET (find_card (fixture, cursor)));

  /* Far away, where there would be too many, they are drawn without cards; the keyboard's stays. */
  esp_history_zoom_fit (fixture->history);
  settle ();
  g_assert_cmpuint (esp_tree_view_get_n_drawn (fixture->tree), >, ESP_TREE_VIEW_MAX_CARDS);
  g_assert_cmpuint (esp_tree_view_get_n_cards (fixture->tree), ==, 1);
  g_assert_nonnull (find_card (fixture, cursor));
}

static void
test_zoom (Fixture *fixture, gconstpointer data)
{
  graphene_rect_t before, after;

  add_turn (fixture, fixture->photo, "One");
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, fixture->photo, &before));
  esp_history_zoom_in (fixture->history);
  settle ();
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, fixture->photo, &after));
  g_assert_cmpfloat (fabs (after.size.width - before.size.width * 1.25), <, 0.01);
  for (guint i = 0; i < 40; i++)
    esp_history_zoom_out (fixture->history);
  g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, ESP_TREE_VIEW_MIN_ZOOM);
  /* It is remembered with the document. */
  esp_history_set_document (fixture->history, NULL);
  g_assert_cmpstr (esp_document_get_view (fixture->document, "history.zoom"), ==, "0.010000");
  esp_history_set_document (fixture->history, fixture->document);
  g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, ESP_TREE_VIEW_MIN_ZOOM);
}

/* Two fingers: each move counts from where they began. */
static void
test_pinch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->tree));
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) gesture = g_list_model_get_item (controllers, i);

      if (!GTK_IS_GESTURE_ZOOM (gesture))
        continue;
      n++;
      g_signal_emit_by_name (gesture, "begin", NULL);
      g_signal_emit_by_name (gesture, "scale-changed", 0.8);
      g_signal_emit_by_name (gesture, "scale-changed", 0.5);
      g_assert_cmpfloat (fabs (esp_tree_view_get_zoom (fixture->tree) - 0.5), <, 0.001);
      g_signal_emit_by_name (gesture, "begin", NULL);
      g_signal_emit_by_name (gesture, "scale-changed", 100.0);
      g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, ESP_TREE_VIEW_MAX_ZOOM);
    }
  g_assert_cmpuint (n, ==, 1);
}

/* A tree that is wider than a hundred views is seen as a whole all the same. */
static void
test_zoom_wide (Fixture *fixture, gconstpointer data)
{
  const guint n = 1000;
  double width, height, zoom;
  graphene_rect_t seen;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *instruction = g_strdup_printf ("Turn %u", i);

      scratch_document_add_turn (fixture->document, fixture->photo, instruction);
    }
  settle ();
  esp_history_zoom_fit (fixture->history);
  settle ();
  zoom = esp_tree_view_get_zoom (fixture->tree);
  g_assert_cmpfloat (zoom, <, ESP_TREE_VIEW_MIN_ZOOM);
  g_assert_cmpfloat (zoom, ==, esp_tree_view_get_min_zoom (fixture->tree));
  esp_tree_view_get_extent (fixture->tree, &width, &height);
  esp_tree_view_get_visible_area (fixture->tree, &seen);
  g_assert_cmpfloat (seen.size.width, >=, width);
  g_assert_cmpuint (esp_tree_view_get_n_drawn (fixture->tree), ==, n + 1);
  /* That is the end; and it is stored to the digit. */
  esp_history_zoom_out (fixture->history);
  g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, zoom);
  esp_history_set_document (fixture->history, NULL);
  esp_history_set_document (fixture->history, fixture->document);
  g_assert_cmpfloat (fabs (esp_tree_view_get_zoom (fixture->tree) - zoom), <, 1e-6);
}

/* --- The list, the menu, the label ------------------------------------------------------------ */

static void
test_outline (Fixture *fixture, gconstpointer data)
{
  EspNode *turn = add_turn (fixture, fixture->photo, "One");
  GtkListView *list;
  GtkSelectionModel *model;
  EspNode *later;

  add_turn (fixture, turn, "Two");
  esp_history_set_outline (fixture->history, TRUE);
  settle ();
  list = find_one (fixture, GTK_TYPE_LIST_VIEW);
  model = gtk_list_view_get_model (list);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 3);
  gtk_selection_model_select_item (model, 1, TRUE);
  g_assert_true (esp_document_get_current (fixture->document) == turn);
  later = add_turn (fixture, turn, "Three");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 4);
  esp_document_set_current (fixture->document, later);
  settle ();
  g_assert_true (gtk_selection_model_is_selected (model, 3));
  {
    g_autoptr (GPtrArray) nodes = esp_history_dup_selection (fixture->history);
    EspOutlineRow *row = find_one (fixture, ESP_TYPE_OUTLINE_ROW);

    g_assert_cmpuint (nodes->len, ==, 1);
    g_assert_true (g_ptr_array_index (nodes, 0) == later);
    gtk_test_accessible_assert_role (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_ROLE_TREE_ITEM);
  }
  delete_node (fixture, turn);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 1);
}

static EspOutlineRow *
find_row (Fixture *fixture, EspNode *node)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_OUTLINE_ROW);

  for (guint i = 0; i < found->len; i++)
    if (esp_outline_row_get_node (g_ptr_array_index (found, i)) == node)
      return g_ptr_array_index (found, i);
  return NULL;
}

static void
show_outline (Fixture *fixture)
{
  esp_history_set_outline (fixture->history, TRUE);
  settle ();
  gtk_widget_grab_focus (GTK_WIDGET (fixture->history));
  settle ();
}

static guint
count_rows (Fixture *fixture)
{
  GtkListView *list = find_one (fixture, GTK_TYPE_LIST_VIEW);

  return g_list_model_get_n_items (G_LIST_MODEL (gtk_list_view_get_model (list)));
}

static void
test_outline_stack (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) stack = add_variations (fixture, fixture->photo, 3);
  EspNode *beside = add_turn (fixture, fixture->photo, "Something else"), *below;
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);
  GtkWidget *outline;
  EspOutlineRow *row;

  esp_document_set_current (fixture->document, stack->pdata[0]);
  settle ();
  show_outline (fixture);
  outline = find_one (fixture, ESP_TYPE_OUTLINE);
  g_assert_cmpuint (count_rows (fixture), ==, 3);
  row = find_row (fixture, stack->pdata[0]);
  g_assert_nonnull (row);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Turn 1: Let it snow, fal, waiting, variation 1 of 3");

  /* The same row goes through them, and stays the one that is chosen. */
  g_assert_true (press_on (outline, GDK_KEY_Right, 0));
  settle ();
  g_assert_true (esp_document_get_current (fixture->document) == stack->pdata[1]);
  g_assert_true (esp_outline_row_get_node (row) == stack->pdata[1]);
  {
    g_autoptr (GPtrArray) nodes = esp_history_dup_selection (fixture->history);

    g_assert_cmpuint (nodes->len, ==, 1);
    g_assert_true (nodes->pdata[0] == stack->pdata[1]);
  }
  g_assert_true (press_on (outline, GDK_KEY_Left, 0));
  settle ();
  g_assert_true (esp_outline_row_get_node (row) == stack->pdata[0]);
  /* At its end the key is left to the expander. */
  g_assert_false (press_on (outline, GDK_KEY_Left, 0));
  for (guint i = 1; i <= 3; i++)
    {
      g_signal_emit_by_name (row, "next-variation");
      settle ();
      g_assert_true (esp_document_get_current (fixture->document) == stack->pdata[i % 3]);
    }

  /* What hangs below any of them is below the row. */
  below = add_turn (fixture, stack->pdata[1], "Below the second");
  g_assert_cmpuint (count_rows (fixture), ==, 4);
  g_assert_nonnull (find_row (fixture, below));
  esp_tree_items_set_folded (items, stack->pdata[1], TRUE);
  settle ();
  g_assert_cmpuint (count_rows (fixture), ==, 3);
  esp_tree_items_set_folded (items, stack->pdata[0], FALSE);
  settle ();
  g_assert_cmpuint (count_rows (fixture), ==, 4);

  esp_tree_items_set_spread (items, stack->pdata[0], TRUE);
  settle ();
  g_assert_cmpuint (count_rows (fixture), ==, 6);
  esp_tree_items_set_spread (items, stack->pdata[0], FALSE);
  delete_node (fixture, stack->pdata[0]);
  g_assert_cmpuint (count_rows (fixture), ==, 4);
  g_assert_nonnull (find_row (fixture, beside));
}

static gboolean
drop_on_row (Fixture *fixture, EspNode *node, const GValue *value)
{
  GtkWidget *outline = find_one (fixture, ESP_TYPE_OUTLINE);
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (outline);
  graphene_rect_t area;
  gboolean handled = FALSE;

  g_assert_true (esp_outline_get_node_area (ESP_OUTLINE (outline), node, &area));
  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_DROP_TARGET (controller))
        g_signal_emit_by_name (controller, "drop", value, (double) area.origin.x + 5,
                               (double) area.origin.y + 5, &handled);
    }
  return handled;
}

static void
on_two (Fixture *fixture, EspNode *a, EspNode *b)
{
  g_string_append_printf (fixture->log, "compare:%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT " ",
                          esp_node_get_id (a), esp_node_get_id (b));
}

static void
on_reference (Fixture *fixture, EspNode *node, const GValue *value)
{
  g_string_append_printf (fixture->log, "reference:%" G_GINT64_FORMAT ",%s ",
                          esp_node_get_id (node), G_VALUE_TYPE_NAME (value));
}

static void
test_outline_drop (Fixture *fixture, gconstpointer data)
{
  EspNode *turn = add_turn (fixture, fixture->photo, "One");
  g_auto (GValue) node = G_VALUE_INIT;
  g_auto (GValue) image = G_VALUE_INIT;
  g_autoptr (EspPicture) picture = scratch_picture_new (4, 4, 0x808080);
  g_autofree char *compared
      = g_strdup_printf ("compare:%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT " ",
                         esp_node_get_id (turn), esp_node_get_id (fixture->photo));
  g_autofree char *referred
      = g_strdup_printf ("reference:%" G_GINT64_FORMAT ",GdkTexture ", esp_node_get_id (turn));

  g_signal_connect_swapped (fixture->history, "compare", G_CALLBACK (on_two), fixture);
  g_signal_connect_swapped (fixture->history, "reference-drop", G_CALLBACK (on_reference), fixture);
  show_outline (fixture);
  g_value_init (&node, ESP_TYPE_NODE);
  g_value_set_object (&node, turn);
  g_assert_true (drop_on_row (fixture, fixture->photo, &node));
  assert_log (fixture, compared);
  g_assert_false (drop_on_row (fixture, turn, &node));
  assert_log (fixture, "");
  g_value_init (&image, GDK_TYPE_TEXTURE);
  g_value_take_object (&image, esp_texture_new_for_picture (picture));
  g_assert_true (drop_on_row (fixture, turn, &image));
  assert_log (fixture, referred);
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
  scratch_wait (300);
  g_assert_cmpstr (esp_node_get_label (turn), ==, "The good one");
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
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);
#define TEST(name, function)                                                                       \
  g_test_add ("/history/" name, Fixture, NULL, set_up, function, tear_down)
  TEST ("nothing", test_nothing);
  TEST ("names", test_names);
  TEST ("order", test_order);
  TEST ("live", test_live);
  TEST ("anchored", test_anchored);
  TEST ("animated", test_animated);
  TEST ("keys", test_keys);
  TEST ("directions", test_directions);
  TEST ("selection", test_selection);
  TEST ("stack", test_stack);
  TEST ("stack-children", test_stack_children);
  TEST ("fold", test_fold);
  TEST ("find", test_find);
  TEST ("find-nothing", test_find_nothing);
  TEST ("large", test_large);
  TEST ("long-name", test_long_name);
  TEST ("zoom", test_zoom);
  TEST ("pinch", test_pinch);
  TEST ("zoom-wide", test_zoom_wide);
  TEST ("outline", test_outline);
  TEST ("outline-stack", test_outline_stack);
  TEST ("outline-drop", test_outline_drop);
  TEST ("label", test_label);
  TEST ("menu", test_menu);
#undef TEST
  return g_test_run ();
}
