/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-groups.c: the cells of a sweep in the tree and in the list, and rejected turns that are
 * hidden. */
#include "esp-outline-row.h"
#include "esp-sweep-plan.h"
#include "esp-tree-view-private.h"
#include "history-fixture.h"

/* "Instruction × Seed": two by three cells below the node, all of them waiting. (element-type
 * EspNode) */
static GPtrArray *
add_sweep (Fixture *fixture, EspNode *parent)
{
  const EspTurn base = { .instruction = "Red", .backend = "local", .model = "demo" };
  g_autoptr (GPtrArray) axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  g_autoptr (GPtrArray) owners = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  EspSweepTurn turns[6] = { 0 };
  const EspAxisContext context = { .document = fixture->document, .instruction = "Red" };
  EspSweepPlan *plan;
  GPtrArray *nodes;

  g_ptr_array_add (axes, esp_axis_parse ("instruction", "Red || Blue", &context, &error));
  g_assert_no_error (error);
  g_ptr_array_add (axes, esp_axis_parse ("seed", "1..3", &context, &error));
  g_assert_no_error (error);
  plan = esp_sweep_plan_new (esp_node_get_id (parent), &base, axes, ESP_SWEEP_LISTED, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (turns); i++)
    {
      GObject *owner = NULL;
      gint64 id;
      g_autofree char *skipped = NULL;

      g_assert_true (
          esp_sweep_plan_get_turn (plan, i, NULL, &turns[i].turn, &id, &owner, &skipped));
      g_ptr_array_add (owners, owner);
      turns[i].cell = i;
      turns[i].parent = parent;
    }
  json = esp_sweep_plan_dup_json (plan);
  esp_document_add_sweep_async (fixture->document, 0, json, turns, G_N_ELEMENTS (turns), NULL,
                                scratch_take_result, &result);
  nodes = esp_document_add_sweep_finish (fixture->document, scratch_wait_for_result (&result), NULL,
                                         &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nodes->len, ==, G_N_ELEMENTS (turns));
  esp_sweep_plan_unref (plan);
  settle ();
  return nodes;
}

static void
finish_cell (Fixture *fixture, EspNode *cell)
{
  scratch_document_finish_turn (fixture->document, cell, 40, 30, 0x8040c0);
  settle ();
}

static const EspTreeItem *
find_item (Fixture *fixture, EspNode *node)
{
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);
  int index = esp_tree_items_find (items, node);

  g_assert_cmpint (index, >=, 0);
  return esp_tree_items_get (items, (guint) index);
}

static void
assert_name (Fixture *fixture, EspNode *node, const char *expected)
{
  g_autofree char *name = esp_node_card_dup_name (find_item (fixture, node), NULL);

  g_assert_cmpstr (name, ==, expected);
}

/* --- Groups ----------------------------------------------------------------------------------- */

/* One card for all of them, which tells how far they are. */
static void
test_group (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) cells = add_sweep (fixture, fixture->photo);
  const EspTreeItem *item;

  g_assert_cmpuint (count_cards (fixture), ==, 2);
  item = find_item (fixture, cells->pdata[4]);
  g_assert_cmpint (item->sweep, ==, esp_node_get_sweep (cells->pdata[0]));
  g_assert_cmpuint (item->stack_size, ==, 6);
  g_assert_cmpuint (item->n_under_way, ==, 6);
  g_assert_cmpstr (item->title, ==, "Instruction × Seed");
  assert_name (fixture, cells->pdata[0], "Sweep Instruction × Seed, 0 of 6 done, running");

  finish_cell (fixture, cells->pdata[1]);
  assert_name (fixture, cells->pdata[0], "Sweep Instruction × Seed, 1 of 6 done, running");
  /* The one with a picture is in front, until one chooses another. */
  g_assert_true (find_item (fixture, cells->pdata[0])->node == cells->pdata[1]);
  g_assert_false (find_item (fixture, cells->pdata[0])->on_path);
  for (guint i = 0; i < cells->len; i++)
    if (i != 1)
      finish_cell (fixture, cells->pdata[i]);
  assert_name (fixture, cells->pdata[0], "Sweep Instruction × Seed, 6 of 6 done");
  item = find_item (fixture, cells->pdata[0]);
  g_assert_true (item->mosaic[0] == cells->pdata[0] && item->mosaic[3] == cells->pdata[5]);
  g_assert_cmpuint (count_cards (fixture), ==, 2);

  /* A cell that is chosen elsewhere is the one that is seen of the group. */
  esp_document_set_current (fixture->document, cells->pdata[3]);
  settle ();
  item = find_item (fixture, cells->pdata[0]);
  g_assert_true (item->node == cells->pdata[3] && item->on_path);
  g_assert_cmpuint (count_cards (fixture), ==, 2);
}

/* What someone went on from stands beside the group, with all that is below it. */
static void
test_branch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) cells = add_sweep (fixture, fixture->photo);
  EspNode *below;

  finish_cell (fixture, cells->pdata[2]);
  below = add_turn (fixture, cells->pdata[2], "And then");
  settle ();
  /* The photo, the group, the cell, what was made of it. */
  g_assert_cmpuint (count_cards (fixture), ==, 4);
  g_assert_cmpint (find_item (fixture, cells->pdata[2])->sweep, ==, 0);
  g_assert_cmpuint (find_item (fixture, cells->pdata[0])->stack_size, ==, 5);
  g_assert_cmpuint (find_item (fixture, cells->pdata[0])->n_cells, ==, 6);
  g_assert_true (find_item (fixture, below)->node == below);
  /* It is told from the others by its values. */
  g_assert_cmpstr (find_item (fixture, cells->pdata[2])->title, ==, "“Red”, Seed 2");
  assert_name (fixture, cells->pdata[0], "Sweep Instruction × Seed, 1 of 6 done, running");

  /* Gone again: one of the group as before. */
  delete_node (fixture, below);
  settle ();
  g_assert_cmpuint (count_cards (fixture), ==, 2);
  g_assert_cmpuint (find_item (fixture, cells->pdata[2])->stack_size, ==, 6);
}

/* Unfolded, the cells are siblings like others. */
static void
test_spread (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) cells = add_sweep (fixture, fixture->photo);
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);

  g_assert_true (esp_tree_items_can_spread (items, cells->pdata[3]));
  g_assert_false (esp_tree_items_can_spread (items, fixture->photo));
  esp_tree_items_set_spread (items, cells->pdata[3], TRUE);
  settle ();
  g_assert_cmpuint (count_cards (fixture), ==, 7);
  g_assert_true (esp_tree_items_is_spread (items, cells->pdata[0]));
  g_assert_cmpstr (find_item (fixture, cells->pdata[5])->title, ==, "“Blue”, Seed 3");
  /* In the list, too. */
  esp_history_set_outline (fixture->history, TRUE);
  settle ();
  esp_tree_items_set_spread (items, cells->pdata[0], FALSE);
  settle ();
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 2);
}

static void
on_open_sweep (Fixture *fixture, gint64 sweep)
{
  g_string_append_printf (fixture->log, "open-sweep %" G_GINT64_FORMAT " ", sweep);
}

/* What the history says when the group is opened; and from now on it is heard. */
static char *
dup_opened (Fixture *fixture, GPtrArray *cells)
{
  g_signal_connect_swapped (fixture->history, "open-sweep", G_CALLBACK (on_open_sweep), fixture);
  return g_strdup_printf ("open-sweep %" G_GINT64_FORMAT " ", esp_node_get_sweep (cells->pdata[0]));
}

/* Enter and a double click show all of them; arrows go past them as past one. */
static void
test_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) cells = add_sweep (fixture, fixture->photo);
  EspNode *beside = add_turn (fixture, fixture->photo, "Something else");
  g_autofree char *opened = dup_opened (fixture, cells);

  esp_document_set_current (fixture->document, beside);
  settle ();
  gtk_widget_grab_focus (GTK_WIDGET (fixture->tree));
  g_string_truncate (fixture->log, 0);
  g_assert_true (press (fixture, GDK_KEY_Left, 0));
  g_assert_true (find_item (fixture, esp_tree_view_get_cursor (fixture->tree))->sweep != 0);
  g_assert_true (press (fixture, GDK_KEY_Right, 0));
  g_assert_true (esp_tree_view_get_cursor (fixture->tree) == beside);
  g_assert_true (press (fixture, GDK_KEY_Left, 0));
  g_assert_true (press (fixture, GDK_KEY_Return, 0));
  g_assert_nonnull (strstr (fixture->log->str, opened));
  g_assert_true (esp_document_get_current (fixture->document) == beside);

  /* As assistive technology asks for it. */
  g_string_truncate (fixture->log, 0);
  gtk_widget_activate_action (GTK_WIDGET (find_card (fixture, cells->pdata[0])), "card.activate",
                              NULL);
  g_assert_nonnull (strstr (fixture->log->str, opened));
}

static EspOutlineRow *
find_row (Fixture *fixture, EspNode *node)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_OUTLINE_ROW);

  for (guint i = 0; i < found->len; i++)
    if (esp_outline_row_get_node (found->pdata[i]) == node)
      return found->pdata[i];
  return NULL;
}

static void
test_outline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) cells = add_sweep (fixture, fixture->photo);
  g_autofree char *opened = dup_opened (fixture, cells);
  GtkListView *list;
  EspOutlineRow *row;

  finish_cell (fixture, cells->pdata[0]);
  esp_history_set_outline (fixture->history, TRUE);
  settle ();
  list = find_one (fixture, GTK_TYPE_LIST_VIEW);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (gtk_list_view_get_model (list))), ==,
                    2);
  row = find_row (fixture, cells->pdata[0]);
  g_assert_nonnull (row);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Sweep Instruction × Seed, 1 of 6 done, running");
  finish_cell (fixture, cells->pdata[1]);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Sweep Instruction × Seed, 2 of 6 done, running");
  g_string_truncate (fixture->log, 0);
  g_signal_emit_by_name (list, "activate", 1);
  g_assert_nonnull (strstr (fixture->log->str, opened));
  /* Another cell: the same row. */
  esp_document_set_current (fixture->document, cells->pdata[1]);
  settle ();
  g_assert_true (esp_outline_row_get_node (row) == cells->pdata[1]);
}

/* What is looked for is found in a group, too. */
static void
test_find (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) cells = add_sweep (fixture, fixture->photo);
  g_autoptr (GHashTable) matches = g_hash_table_new (NULL, NULL);
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);
  int index = esp_tree_items_find (items, cells->pdata[0]);

  g_hash_table_add (matches, cells->pdata[5]);
  g_assert_true (esp_tree_items_get (items, (guint) index)->node != cells->pdata[5]);
  esp_tree_view_set_matches (fixture->tree, matches);
  g_assert_true (_esp_tree_view_get_look (fixture->tree, (guint) index) & ESP_NODE_LOOK_MATCH);
  g_assert_true (_esp_tree_view_get_look (fixture->tree, 0) & ESP_NODE_LOOK_NO_MATCH);
}

/* --- Rejected ----------------------------------------------------------------------------------
 */

static void
reject (Fixture *fixture, EspNode *node, gboolean rejected)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GAsyncResult *result = NULL;

  g_ptr_array_add (nodes, node);
  esp_document_set_rejected_async (fixture->document, nodes, rejected, NULL, scratch_take_result,
                                   &result);
  finish_edit (fixture, &result);
  settle ();
}

static void
test_rejected (Fixture *fixture, gconstpointer data)
{
  EspNode *good = add_turn (fixture, fixture->photo, "Good");
  EspNode *bad = add_turn (fixture, fixture->photo, "Bad");
  EspNode *worse = add_turn (fixture, bad, "Worse");
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);

  esp_document_set_current (fixture->document, good);
  reject (fixture, bad, TRUE);
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 4);
  /* Below it is one that is not: it stays, dimmed as ever. */
  esp_history_set_hide_rejected (fixture->history, TRUE);
  settle ();
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 4);
  reject (fixture, worse, TRUE);
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 2);
  /* In the list, too. */
  esp_history_set_outline (fixture->history, TRUE);
  settle ();
  g_assert_null (find_row (fixture, bad));
  g_assert_nonnull (find_row (fixture, good));
  esp_history_set_outline (fixture->history, FALSE);

  /* The current one is seen in any case. */
  esp_document_set_current (fixture->document, worse);
  settle ();
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 4);
  esp_document_set_current (fixture->document, good);
  settle ();
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 2);
  reject (fixture, bad, FALSE);
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 3);

  /* Remembered with the document. */
  g_assert_true (esp_history_get_hide_rejected (fixture->history));
  esp_history_set_document (fixture->history, NULL);
  g_assert_false (esp_history_get_hide_rejected (fixture->history));
  esp_history_set_document (fixture->history, fixture->document);
  settle ();
  g_assert_true (esp_history_get_hide_rejected (fixture->history));
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 3);
  esp_history_set_hide_rejected (fixture->history, FALSE);
  g_assert_cmpuint (esp_tree_items_get_n (items), ==, 4);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  TEST ("groups/one-card", test_group);
  TEST ("groups/branch", test_branch);
  TEST ("groups/spread", test_spread);
  TEST ("groups/open", test_open);
  TEST ("groups/outline", test_outline);
  TEST ("groups/find", test_find);
  TEST ("rejected", test_rejected);
  return g_test_run ();
}
