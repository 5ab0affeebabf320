/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-outline.c: the history as a list. */
#include "esp-drop.h"
#include "esp-outline-row.h"
#include "esp-outline.h"
#include "history-fixture.h"

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
  /* Whichever of the stack is meant. */
  esp_history_toggle_fold (fixture->history, stack->pdata[1]);
  settle ();
  g_assert_cmpuint (count_rows (fixture), ==, 3);
  esp_history_toggle_fold (fixture->history, stack->pdata[0]);
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
  graphene_rect_t area;

  g_assert_true (esp_outline_get_node_area (ESP_OUTLINE (outline), node, &area));
  return esp_drop_give (outline, value, FALSE, (double) area.origin.x + 5,
                        (double) area.origin.y + 5);
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
  g_autofree char *compared
      = g_strdup_printf ("compare:%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT " ",
                         esp_node_get_id (turn), esp_node_get_id (fixture->photo));
  g_autofree char *referred
      = g_strdup_printf ("reference:%" G_GINT64_FORMAT ",GBytes ", esp_node_get_id (turn));

  g_signal_connect_swapped (fixture->history, "compare", G_CALLBACK (on_two), fixture);
  g_signal_connect_swapped (fixture->history, "reference-drop", G_CALLBACK (on_reference), fixture);
  show_outline (fixture);
  g_value_init (&node, ESP_TYPE_NODE);
  g_value_set_object (&node, turn);
  g_assert_true (drop_on_row (fixture, fixture->photo, &node));
  assert_log (fixture, compared);
  g_assert_false (drop_on_row (fixture, turn, &node));
  assert_log (fixture, "");
  g_value_init (&image, G_TYPE_BYTES);
  g_value_take_boxed (&image, g_bytes_new_static ("bytes", 5));
  g_assert_true (drop_on_row (fixture, turn, &image));
  assert_log (fixture, referred);
}

/* What was made from an image that is another one now says so, in both views; what is made anew
 * from the image as it is now stands beside it, although it asks for the same. */
static void
test_outdated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_AUTO);
  EspNode *turn = scratch_document_add_turn (fixture->document, fixture->photo, "One");
  EspNode *below, *again;
  EspOutlineRow *row;

  composition->made = TRUE;
  composition->changed = 0.5;
  scratch_document_finish_kept (fixture->document, turn, 40, 30, 0x336699, 0x335577, composition);
  below = scratch_document_add_turn (fixture->document, turn, "Two");
  scratch_document_finish_kept (fixture->document, below, 40, 30, 0x336688, 0x335566, composition);
  settle ();
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_card (fixture, below)),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL, "Turn 2: Two, This Computer");
  scratch_document_take_all (fixture->document, turn);
  settle ();
  gtk_test_accessible_assert_property (
      GTK_ACCESSIBLE (find_card (fixture, below)), GTK_ACCESSIBLE_PROPERTY_LABEL,
      "Turn 2: Two, This Computer, made from an image that has changed");
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_card (fixture, turn)),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL, "Turn 1: One, This Computer");
  widgets_take_screenshot (fixture->window, "history-outdated");

  again = scratch_document_add_turn (fixture->document, turn, "Two");
  scratch_document_finish_kept (fixture->document, again, 40, 30, 0x336677, 0x335566, composition);
  settle ();
  g_assert_false (esp_node_is_same_but_seed (below, again));
  g_assert_nonnull (find_card (fixture, below));
  g_assert_nonnull (find_card (fixture, again));

  show_outline (fixture);
  row = find_row (fixture, below);
  g_assert_nonnull (row);
  g_assert_nonnull (strstr (gtk_widget_get_tooltip_text (GTK_WIDGET (row)),
                            "The image that this was made from has changed."));
  row = find_row (fixture, again);
  g_assert_nonnull (row);
  g_assert_null (strstr (gtk_widget_get_tooltip_text (GTK_WIDGET (row)), "has changed"));
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);
  TEST ("outline", test_outline);
  TEST ("outline-stack", test_outline_stack);
  TEST ("outline-drop", test_outline_drop);
  TEST ("outdated", test_outdated);
  return g_test_run ();
}
