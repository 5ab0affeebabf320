/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep-grid-keys.c: the grid of a sweep by keyboard, its commands, and the queue. */
#include "sweep-grid-fixture.h"

#include "esp-sweep-line.h"

static void
show_block (Fixture *fixture)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "guidance", "1, 2, 3, 4", "seed", "7, 8, 9", NULL);

  show_sweep (fixture, plan, FALSE);
  finish_all (fixture);
  gtk_widget_grab_focus (GTK_WIDGET (fixture->grid));
  settle (fixture);
}

static guint
get_current (Fixture *fixture)
{
  EspNode *node = esp_document_get_current (fixture->document);

  return esp_node_get_sweep (node) != 0 ? esp_node_get_cell (node) : ESP_NO_CELL;
}

static void
assert_cursor (Fixture *fixture, guint cell)
{
  g_assert_cmpuint (esp_sweep_cells_get_cursor (fixture->cells), ==, cell);
  g_assert_true (gtk_root_get_focus (GTK_ROOT (fixture->window))
                 == GTK_WIDGET (find_cell (fixture, cell)));
  g_assert_cmpuint (get_current (fixture), ==, cell);
}

static void
test_arrows (Fixture *fixture, gconstpointer data)
{
  show_block (fixture);
  press (fixture, GDK_KEY_Right, 0);
  assert_cursor (fixture, 1);
  press (fixture, GDK_KEY_Down, 0);
  assert_cursor (fixture, 5);
  press (fixture, GDK_KEY_End, 0);
  assert_cursor (fixture, 7);
  press (fixture, GDK_KEY_Home, 0);
  assert_cursor (fixture, 4);
  press (fixture, GDK_KEY_End, GDK_CONTROL_MASK);
  assert_cursor (fixture, 11);
  press (fixture, GDK_KEY_Up, GDK_CONTROL_MASK);
  assert_cursor (fixture, 3);
  press (fixture, GDK_KEY_Right, 0);
  assert_cursor (fixture, 3); /* no further */
  press (fixture, GDK_KEY_Page_Down, 0);
  assert_cursor (fixture, 11);
  press (fixture, GDK_KEY_Home, GDK_CONTROL_MASK);
  assert_cursor (fixture, 0);
  press (fixture, GDK_KEY_Return, 0);
  assert_log (fixture, "open:0 ");
  g_assert_false (press (fixture, GDK_KEY_Escape, 0));
  g_assert_false (press (fixture, GDK_KEY_z, 0));
}

/* Columns begin at the right, and the arrows lead where they point to. */
static void
test_right_to_left (Fixture *fixture, gconstpointer data)
{
  GdkRectangle first, second;

  gtk_widget_set_direction (GTK_WIDGET (fixture->grid), GTK_TEXT_DIR_RTL);
  gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  show_block (fixture);
  widgets_take_screenshot (fixture->window, "sweep-rtl");
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &first));
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 1, &second));
  g_assert_cmpint (first.x, ==, second.x + second.width);
  press (fixture, GDK_KEY_Left, 0);
  g_assert_cmpuint (esp_sweep_cells_get_cursor (fixture->cells), ==, 1);
  press (fixture, GDK_KEY_Right, 0);
  g_assert_cmpuint (esp_sweep_cells_get_cursor (fixture->cells), ==, 0);
  /* Too large for the view, it is seen from its beginning. */
  esp_sweep_cells_set_side (fixture->cells, 400);
  settle (fixture);
  g_assert_nonnull (find_cell (fixture, 0));
  g_assert_null (find_cell (fixture, 3));
  press (fixture, GDK_KEY_End, 0);
  g_assert_nonnull (find_cell (fixture, 3));
  g_assert_null (find_cell (fixture, 0));
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
}

static void
test_selecting (Fixture *fixture, gconstpointer data)
{
  show_block (fixture);
  press (fixture, GDK_KEY_Home, GDK_CONTROL_MASK);
  assert_text (dup_selected (fixture), "0"); /* what the cursor is on */
  press (fixture, GDK_KEY_Right, GDK_SHIFT_MASK);
  press (fixture, GDK_KEY_Down, GDK_SHIFT_MASK);
  assert_text (dup_selected (fixture), "0 1 4 5");
  widgets_take_screenshot (fixture->window, "sweep-selected");
  gtk_test_accessible_assert_state (GTK_ACCESSIBLE (find_cell (fixture, 4)),
                                    GTK_ACCESSIBLE_STATE_SELECTED, TRUE);
  press (fixture, GDK_KEY_c, 0);
  assert_log (fixture, "compare:0:1:4:5 ");
  press (fixture, GDK_KEY_space, 0);
  assert_text (dup_selected (fixture), "0 1 4");
  g_assert_true (press (fixture, GDK_KEY_Escape, 0));
  assert_text (dup_selected (fixture), "5");
  press (fixture, GDK_KEY_space, GDK_CONTROL_MASK);
  assert_text (dup_selected (fixture), "1 5 9");
  press (fixture, GDK_KEY_space, GDK_SHIFT_MASK);
  assert_text (dup_selected (fixture), "4 5 6 7");
  press (fixture, GDK_KEY_a, GDK_CONTROL_MASK);
  assert_text (dup_selected (fixture), "0 1 2 3 4 5 6 7 8 9 10 11");
  /* What is deleted is not selected. */
  delete_cells (fixture, 2, 2);
  assert_text (dup_selected (fixture), "0 1 4 5 6 7 8 9 10 11");
  press (fixture, GDK_KEY_Left, 0);
  assert_text (dup_selected (fixture), "4");
}

/* --- Places ----------------------------------------------------------------------------------- */

static void
middle_of (Fixture *fixture, GtkWidget *widget, double *x, double *y)
{
  graphene_rect_t bounds;

  g_assert_true (gtk_widget_compute_bounds (widget, GTK_WIDGET (fixture->cells), &bounds));
  *x = bounds.origin.x + bounds.size.width / 2;
  *y = bounds.origin.y + bounds.size.height / 2;
}

static GtkWidget *
get_line (Fixture *fixture, guint cell)
{
  return gtk_widget_get_parent (GTK_WIDGET (find_cell (fixture, cell)));
}

static void
test_places (Fixture *fixture, gconstpointer data)
{
  GdkRectangle area;
  double x, y;

  show_block (fixture);
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 6, &area));
  middle_of (fixture, GTK_WIDGET (find_cell (fixture, 6)), &x, &y);
  g_assert_cmpfloat_with_epsilon (x, area.x + area.width / 2.0, 1);
  g_assert_cmpfloat_with_epsilon (y, area.y + area.height / 2.0, 1);
  /* The header of a row stays beside it. */
  middle_of (fixture, esp_sweep_line_get_header (ESP_SWEEP_LINE (get_line (fixture, 6))), &x, &y);
  g_assert_cmpfloat_with_epsilon (y, area.y + area.height / 2.0, 1);
  g_assert_cmpfloat (x, <, area.x);
}

/* --- Running ---------------------------------------------------------------------------------- */

static gboolean
has_progress (GtkWidget *widget, gconstpointer text)
{
  return GTK_IS_LABEL (widget) && g_str_has_prefix (gtk_label_get_text (GTK_LABEL (widget)), text);
}

typedef struct
{
  Fixture *fixture;
  const char *text;
} Words;

static gboolean
says (gpointer data)
{
  Words *words = data;

  return widgets_find (GTK_WIDGET (words->fixture->grid), has_progress, words->text) != NULL;
}

static void
wait_for_words (Fixture *fixture, const char *text)
{
  Words words = { fixture, text };

  g_assert_true (scratch_wait_for (says, &words));
}

typedef struct
{
  Fixture *fixture;
  guint n;
} Running;

static gboolean
are_running (gpointer data)
{
  Running *running = data;

  return sweep_backend_get_n_running (running->fixture->backend) == running->n;
}

/* Their pictures are read first. */
static void
wait_for_running (Fixture *fixture, guint n)
{
  Running running = { fixture, n };

  g_assert_true (scratch_wait_for (are_running, &running));
}

static void
test_queue (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1, 2", "seed", "1..3", NULL);

  start_sweep (fixture, plan);
  wait_for_words (fixture, "0 of 6 done");
  wait_for_running (fixture, 2);
  g_assert_true (is_enabled (fixture, "stop"));
  sweep_backend_release_value (fixture->backend, "guidance", 1);
  wait_for_words (fixture, "1 of 6 done");
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_cell (fixture, 0)),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL, "Guidance 1, Seed 1: done");

  /* One that waits is stopped; the others go on. */
  esp_sweep_cells_set_cursor (fixture->cells, 5);
  gtk_widget_grab_focus (GTK_WIDGET (fixture->grid));
  press (fixture, GDK_KEY_Left, 0);
  press (fixture, GDK_KEY_Right, 0);
  activate (fixture, "sweep.stop-cells");
  wait_for_words (fixture, "1 of 6 done · 1 stopped");
  /* What runs is finished, the rest dropped. */
  activate (fixture, "sweep.drop-rest");
  wait_for_words (fixture, "1 of 6 done · 3 stopped");
  sweep_backend_release (fixture->backend, 2);
  wait_for_words (fixture, "3 of 6 done · 3 stopped");
  settle (fixture);
  g_assert_false (is_enabled (fixture, "stop"));
  activate (fixture, "sweep.retry");
  assert_log (fixture, "run:3:4:5 ");
}

static void
test_stop (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "seed", "1..5", NULL);

  start_sweep (fixture, plan);
  wait_for_words (fixture, "0 of 5 done");
  /* What runs is stopped, and the next begin. */
  activate (fixture, "sweep.stop-running");
  wait_for_words (fixture, "0 of 5 done · 2 stopped");
  settle (fixture);
  wait_for_running (fixture, 2);
  activate (fixture, "sweep.stop");
  wait_for_words (fixture, "0 of 5 done · 5 stopped");
  wait_for_running (fixture, 0);
}

static void
test_run_commands (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "seed", "1..6", NULL);

  show_sweep (fixture, plan, TRUE);
  finish_cell (fixture, 0, 0x336699);
  finish_cell (fixture, 1, 0x336699);
  fail_cell (fixture, 2, "No luck.");
  delete_cells (fixture, 3, 1);
  activate (fixture, "sweep.fill");
  assert_log (fixture, "run:3:4:5 ");
  activate (fixture, "sweep.retry");
  assert_log (fixture, "draft:2 ");
  activate (fixture, "sweep.refine-all");
  assert_log (fixture, "run:0:1 ");
  gtk_widget_grab_focus (GTK_WIDGET (fixture->grid));
  press (fixture, GDK_KEY_Home, GDK_CONTROL_MASK);
  press (fixture, GDK_KEY_Right, 0);
  activate (fixture, "sweep.refine");
  assert_log (fixture, "run:1 ");
  /* What waits in no queue is left over from the last time. */
  press (fixture, GDK_KEY_End, GDK_SHIFT_MASK);
  activate (fixture, "sweep.run-cells");
  assert_log (fixture, "run:1:3:4:5 draft:2 ");
  press (fixture, GDK_KEY_Home, 0);
  activate (fixture, "sweep.continue");
  assert_log (fixture, "open:0 ");
  /* Nothing to compare or continue from in a cell without a node. */
  press (fixture, GDK_KEY_Right, 0);
  press (fixture, GDK_KEY_Right, 0);
  press (fixture, GDK_KEY_Right, 0);
  g_assert_false (is_enabled (fixture, "continue"));
  press (fixture, GDK_KEY_Return, 0);
  press (fixture, GDK_KEY_c, 0);
  assert_log (fixture, "");
}

static void
test_menu (Fixture *fixture, gconstpointer data)
{
  GtkWidget *menu;

  show_block (fixture);
  press (fixture, GDK_KEY_Right, 0);
  press (fixture, GDK_KEY_Menu, 0);
  menu = gtk_widget_get_last_child (GTK_WIDGET (fixture->grid));
  g_assert_true (GTK_IS_POPOVER_MENU (menu));
  g_assert_true (gtk_widget_get_mapped (menu));
  gtk_popover_popdown (GTK_POPOVER (menu));
  settle (fixture);
  press (fixture, GDK_KEY_F10, GDK_SHIFT_MASK);
  menu = gtk_widget_get_last_child (GTK_WIDGET (fixture->grid));
  g_assert_true (GTK_IS_POPOVER_MENU (menu));
  gtk_popover_popdown (GTK_POPOVER (menu));
  /* As the menu takes the pointer, GTK 4.8 has a tooltip come half a second later, and complains if
   * the window has gone by then. A timer of ours that begins after its own ends after it. */
  scratch_wait (600);
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);
  TEST ("arrows", test_arrows);
  TEST ("right-to-left", test_right_to_left);
  TEST ("selecting", test_selecting);
  TEST ("places", test_places);
  TEST ("queue", test_queue);
  TEST ("stop", test_stop);
  TEST ("run-commands", test_run_commands);
  TEST ("menu", test_menu);
  return g_test_run ();
}
