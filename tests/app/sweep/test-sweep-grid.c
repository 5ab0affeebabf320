/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep-grid.c: the grid of a sweep: what is where, what it looks like, what it says. */
#include "sweep-grid-fixture.h"

#include <string.h>

#include "esp-sweep-line.h"

/* --- Rows, columns, pages --------------------------------------------------------------------- */

static void
test_lines (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "guidance", "1, 2.5, 4", "seed", "7, 8", NULL);

  show_sweep (fixture, plan, FALSE);
  widgets_take_screenshot (fixture->window, "sweep-waiting");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_COLUMN_HEADER), "1|2.5|4");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_ROW_HEADER), "7|8");
  assert_text (dup_cells (fixture), "0 1 2/3 4 5");

  activate (fixture, "sweep.swap");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_COLUMN_HEADER), "7|8");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_ROW_HEADER), "1|2.5|4");
  assert_text (dup_cells (fixture), "0 3/1 4/2 5");

  /* Remembered with the document, for this sweep. */
  esp_sweep_grid_set_sweep (fixture->grid, NULL, NULL);
  esp_sweep_grid_set_sweep (fixture->grid, fixture->sweep, fixture->queue);
  settle (fixture);
  assert_text (dup_cells (fixture), "0 3/1 4/2 5");
}

/* Sentences have rows of their own, whatever the order of the axes. */
static void
test_prose (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (
      fixture, "instruction",
      "Make the sails red and keep everything else in the photo exactly as it was before, "
      "the water and the harbour wall with its old ladder included\nLet it snow",
      "guidance", "1, 2, 3, 4", NULL);
  GtkWidget *header;

  show_sweep (fixture, plan, FALSE);
  finish_all (fixture);
  widgets_take_screenshot (fixture->window, "sweep-prose");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_COLUMN_HEADER), "1|2|3|4");
  assert_text (dup_cells (fixture), "0 2 4 6/1 3 5 7");
  /* A long label leaves room for the cells. */
  header = esp_sweep_line_get_header (
      ESP_SWEEP_LINE (gtk_widget_get_parent (GTK_WIDGET (find_cell (fixture, 0)))));
  g_assert_cmpint (gtk_widget_get_width (header), <=, 230);
  g_assert_cmpint (gtk_widget_get_width (header), >=, 100);
}

static void
test_pages (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "guidance", "1, 2", "seed", "7, 8, 9", "strength", "0.5, 1", NULL);
  GtkWidget *choice;

  show_sweep (fixture, plan, FALSE);
  widgets_take_screenshot (fixture->window, "sweep-pages");
  assert_text (dup_cells (fixture), "0 1/2 3/4 5");
  choice = widgets_find_type (GTK_WIDGET (fixture->grid), GTK_TYPE_DROP_DOWN);
  g_assert_true (gtk_widget_get_mapped (choice));
  g_assert_false (is_enabled (fixture, "previous-page"));
  activate (fixture, "sweep.next-page");
  assert_text (dup_cells (fixture), "6 7/8 9/10 11");
  g_assert_cmpuint (gtk_drop_down_get_selected (GTK_DROP_DOWN (choice)), ==, 1);
  g_assert_false (is_enabled (fixture, "next-page"));
  gtk_drop_down_set_selected (GTK_DROP_DOWN (choice), 0);
  settle (fixture);
  assert_text (dup_cells (fixture), "0 1/2 3/4 5");

  /* By keys, and the cursor goes along. */
  gtk_widget_grab_focus (GTK_WIDGET (fixture->grid));
  press (fixture, GDK_KEY_Right, 0);
  press (fixture, GDK_KEY_Down, 0);
  press (fixture, GDK_KEY_Page_Down, 0);
  g_assert_cmpuint (esp_sweep_cells_get_cursor (fixture->cells), ==, 9);
  assert_text (dup_cells (fixture), "6 7/8 9/10 11");
  press (fixture, GDK_KEY_Page_Up, 0);
  g_assert_cmpuint (esp_sweep_cells_get_cursor (fixture->cells), ==, 3);

  /* A node of another page, chosen elsewhere, is turned to. */
  esp_document_set_current (fixture->document, esp_sweep_get_node (fixture->sweep, 10));
  settle (fixture);
  assert_text (dup_cells (fixture), "6 7/8 9/10 11");
  g_assert_cmpuint (esp_sweep_cells_get_cursor (fixture->cells), ==, 10);
}

static void
test_one_axis (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1, 2, 3", NULL);

  show_sweep (fixture, plan, FALSE);
  widgets_take_screenshot (fixture->window, "sweep-one-axis");
  assert_text (dup_cells (fixture), "0 1 2");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_ROW_HEADER), "");
  activate (fixture, "sweep.swap");
  assert_text (dup_cells (fixture), "0/1/2");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_COLUMN_HEADER), "");
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_ROW_HEADER), "1|2|3");
}

/* --- Cells ------------------------------------------------------------------------------------ */

static void
assert_name (Fixture *fixture, guint cell, const char *name)
{
  EspSweepCell *widget = find_cell (fixture, cell);

  g_assert_nonnull (widget);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       name);
}

/* But for what scaling rounds. */
static void
assert_color (Fixture *fixture, guint cell, guint color)
{
  guint found = get_color (fixture, cell);

  for (int i = 0; i < 24; i += 8)
    g_assert_cmpint (ABS ((int) (found >> i & 255) - (int) (color >> i & 255)), <=, 2);
}

static void
test_states (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "guidance", "1, 2.5, 4", "seed", "7, 8, 9", NULL);
  EspNodeProgress progress = { 0.42, 12, 28, 9, FALSE };
  g_autoptr (EspPicture) preview = scratch_picture_new (32, 24, 0x40a060);
  guint empty;

  show_sweep (fixture, plan, FALSE);
  empty = get_color (fixture, 8);
  finish_cell (fixture, 0, 0x336699);
  finish_cell (fixture, 1, 0x993366);
  set_stars (fixture, 0, 3);
  set_rejected (fixture, 1);
  fail_cell (fixture, 2, "Not enough memory for a picture of this size.");
  esp_node_set_progress (esp_sweep_get_node (fixture->sweep, 3), &progress, preview);
  scratch_document_set_state (fixture->document, esp_sweep_get_node (fixture->sweep, 3),
                              ESP_NODE_RUNNING, NULL);
  scratch_document_set_state (fixture->document, esp_sweep_get_node (fixture->sweep, 4),
                              ESP_NODE_CANCELLED, NULL);
  delete_cells (fixture, 5, 1);
  esp_document_set_current (fixture->document, esp_sweep_get_node (fixture->sweep, 0));
  settle (fixture);
  widgets_take_screenshot (fixture->window, "sweep-states");

  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (fixture->cells), GTK_ACCESSIBLE_ROLE_GRID);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (find_cell (fixture, 0)),
                                   GTK_ACCESSIBLE_ROLE_GRID_CELL);
  assert_name (fixture, 0, "Guidance 1, Seed 7: done, 3 stars");
  assert_name (fixture, 1, "Guidance 2.5, Seed 7: done, rejected");
  assert_name (fixture, 2, "Guidance 4, Seed 7: failed");
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_cell (fixture, 2)),
                                       GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "Not enough memory for a picture of this size.");
  assert_name (fixture, 3, "Guidance 1, Seed 8: running");
  gtk_test_accessible_assert_state (GTK_ACCESSIBLE (find_cell (fixture, 3)),
                                    GTK_ACCESSIBLE_STATE_BUSY, TRUE);
  assert_name (fixture, 4, "Guidance 2.5, Seed 8: stopped");
  assert_name (fixture, 5, "Guidance 4, Seed 8: not run");
  assert_name (fixture, 6, "Guidance 1, Seed 9: waiting");
  gtk_test_accessible_assert_state (GTK_ACCESSIBLE (find_cell (fixture, 0)),
                                    GTK_ACCESSIBLE_STATE_SELECTED, TRUE);

  /* Their pictures, the preview of what runs, a rejected one paler; nothing else has one. */
  assert_color (fixture, 0, 0x336699);
  assert_color (fixture, 3, 0x40a060);
  g_assert_cmphex (get_color (fixture, 1), !=, 0x993366);
  g_assert_cmphex (get_color (fixture, 1), !=, empty);

  /* What ran and is gone has no preview any more. */
  delete_cells (fixture, 3, 1);
  assert_name (fixture, 3, "Guidance 1, Seed 8: not run");
  g_assert_cmphex (get_color (fixture, 3), ==, get_color (fixture, 5));
}

static gboolean
has_text (GtkWidget *widget, gconstpointer text)
{
  return GTK_IS_LABEL (widget) && gtk_widget_get_mapped (widget)
         && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL;
}

static void
test_progress (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "seed", "1..4", NULL);

  show_sweep (fixture, plan, TRUE);
  g_assert_nonnull (widgets_find (GTK_WIDGET (fixture->grid), has_text, "0 of 4 done"));
  finish_cell (fixture, 0, 0x336699);
  assert_name (fixture, 0, "Seed 1: preview");
  fail_cell (fixture, 1, "No luck.");
  g_assert_nonnull (
      widgets_find (GTK_WIDGET (fixture->grid), has_text, "0 of 4 done · 1 preview · 1 failed"));
  widgets_take_screenshot (fixture->window, "sweep-previews");
  g_assert_true (is_enabled (fixture, "refine-all"));
  g_assert_true (is_enabled (fixture, "retry"));
  g_assert_true (is_enabled (fixture, "fill")); /* what waits in no queue */
  g_assert_false (is_enabled (fixture, "stop"));
}

static void
test_deleted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "seed", "1..4", NULL);

  show_sweep (fixture, plan, FALSE);
  finish_all (fixture);
  delete_cells (fixture, 0, 4);
  widgets_take_screenshot (fixture->window, "sweep-deleted");
  g_assert_false (gtk_widget_get_mapped (GTK_WIDGET (fixture->cells)));
  g_assert_nonnull (widgets_find (GTK_WIDGET (fixture->grid), has_text, "No Cells Left"));
  activate (fixture, "sweep.fill");
  assert_log (fixture, "run:0:1:2:3 ");
}

/* --- Filters, values, order ------------------------------------------------------------------- */

static void
set_state (Fixture *fixture, const char *name)
{
  activate (fixture, name);
}

static void
test_filter (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "guidance", "1, 2, 3", "seed", "7, 8, 9", NULL);

  show_sweep (fixture, plan, FALSE);
  finish_cell (fixture, 1, 0x336699);
  finish_cell (fixture, 3, 0x336699);
  finish_cell (fixture, 4, 0x336699);
  set_stars (fixture, 1, 2);
  set_state (fixture, "sweep.only-done");
  assert_text (dup_cells (fixture), "0 1/3 4");
  widgets_take_screenshot (fixture->window, "sweep-filtered");
  set_state (fixture, "sweep.only-starred");
  assert_text (dup_cells (fixture), "1");
  /* What passes no longer goes. */
  set_stars (fixture, 1, 0);
  g_assert_nonnull (widgets_find (GTK_WIDGET (fixture->grid), has_text, "Nothing to Show"));
  set_stars (fixture, 4, 5);
  assert_text (dup_cells (fixture), "4");
  activate (fixture, "sweep.show-all");
  assert_text (dup_cells (fixture), "0 1 2/3 4 5/6 7 8");
  g_assert_false (is_enabled (fixture, "show-all"));
  set_rejected (fixture, 0);
  set_state (fixture, "sweep.hide-rejected");
  assert_text (dup_cells (fixture), "0 1 2/3 4 5/6 7 8"); /* its lines have others */
  press (fixture, GDK_KEY_a, GDK_CONTROL_MASK);
  assert_text (dup_selected (fixture), "1 2 3 4 5 6 7 8");
}

static gboolean
is_check (GtkWidget *widget, gconstpointer label)
{
  return GTK_IS_CHECK_BUTTON (widget)
         && g_strcmp0 (gtk_widget_get_tooltip_text (widget), label) == 0;
}

/* With all its lists of values open. */
static GtkWidget *
open_arranger (Fixture *fixture)
{
  g_autoptr (GPtrArray) lists = NULL;
  GtkWidget *arranger;
  GtkWidget *button = NULL;
  g_autoptr (GPtrArray) buttons = widgets_find_all (GTK_WIDGET (fixture->grid), widgets_has_type,
                                                    GSIZE_TO_POINTER (GTK_TYPE_MENU_BUTTON));

  for (guint i = 0; i < buttons->len; i++)
    if (g_str_equal (gtk_widget_get_tooltip_text (buttons->pdata[i]), "Arrange and Sort"))
      button = buttons->pdata[i];
  gtk_menu_button_popup (GTK_MENU_BUTTON (button));
  settle (fixture);
  arranger = GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (button)));
  g_assert_nonnull (arranger);
  lists = widgets_find_all (arranger, widgets_has_type, GSIZE_TO_POINTER (GTK_TYPE_EXPANDER));
  for (guint i = 0; i < lists->len; i++)
    gtk_expander_set_expanded (lists->pdata[i], TRUE);
  return arranger;
}

static void
test_values (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1, 2, 3", "seed", "7, 8", NULL);
  GtkWidget *arranger;

  show_sweep (fixture, plan, FALSE);
  arranger = open_arranger (fixture);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (widgets_find (arranger, is_check, "2")), FALSE);
  settle (fixture);
  assert_text (dup_cells (fixture), "0 2/3 5");
  gtk_check_button_set_active (GTK_CHECK_BUTTON (widgets_find (arranger, is_check, "8")), FALSE);
  settle (fixture);
  assert_text (dup_cells (fixture), "0 2");
  /* The last one of an axis stays. */
  gtk_check_button_set_active (GTK_CHECK_BUTTON (widgets_find (arranger, is_check, "7")), FALSE);
  settle (fixture);
  assert_text (dup_cells (fixture), "0 2");
  g_assert_true (
      gtk_check_button_get_active (GTK_CHECK_BUTTON (widgets_find (arranger, is_check, "7"))));
  gtk_popover_popdown (GTK_POPOVER (arranger));
  activate (fixture, "sweep.show-all");
  assert_text (dup_cells (fixture), "0 1 2/3 4 5");
}

static GtkDropDown *
find_choice (GtkWidget *arranger, guint index)
{
  g_autoptr (GPtrArray) found
      = widgets_find_all (arranger, widgets_has_type, GSIZE_TO_POINTER (GTK_TYPE_DROP_DOWN));

  g_assert_cmpuint (index, <, found->len);
  return found->pdata[index];
}

static void
test_places (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "guidance", "1, 2", "seed", "7, 8, 9", "strength", "0.5, 1", NULL);
  GtkWidget *arranger;

  show_sweep (fixture, plan, FALSE);
  arranger = open_arranger (fixture);
  /* Strength, which is on pages, to the columns: guidance goes to the pages. */
  gtk_drop_down_set_selected (find_choice (arranger, 0), 3);
  settle (fixture);
  assert_text (dup_headers (fixture, GTK_ACCESSIBLE_ROLE_COLUMN_HEADER), "0.5|1");
  assert_text (dup_cells (fixture), "0 6/2 8/4 10");
  g_assert_cmpuint (gtk_drop_down_get_selected (find_choice (arranger, 2)), ==, 1);
}

typedef struct
{
  Fixture *fixture;
  const char *cells;
} Expected;

static gboolean
lies_so (gpointer data)
{
  Expected *expected = data;
  g_autofree char *cells = dup_cells (expected->fixture);

  return g_str_equal (cells, expected->cells);
}

/* By how much cells differ from the photo they were made of, which is 50 % grey. */
static void
test_sort (Fixture *fixture, gconstpointer data)
{
  static const guint colors[] = { 0xffffff, 0x858585, 0xa0a0a0, 0x000000, 0x808080, 0x909090 };
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1, 2, 3", "seed", "7, 8", NULL);
  Expected expected = { fixture, "1 2 0/4 5 3" };
  GtkWidget *arranger;

  show_sweep (fixture, plan, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    finish_cell (fixture, i, colors[i]);
  arranger = open_arranger (fixture);
  gtk_drop_down_set_selected (find_choice (arranger, 3), 1);
  g_assert_true (scratch_wait_for (lies_so, &expected));
  widgets_take_screenshot (fixture->window, "sweep-sorted");
  /* A cell that is made anew is measured anew. */
  delete_cells (fixture, 3, 1);
  gtk_drop_down_set_selected (find_choice (arranger, 3), 0);
  expected.cells = "0 1 2/3 4 5";
  g_assert_true (scratch_wait_for (lies_so, &expected));
  /* Rows by how much they change from one cell to the next: the second changes less. */
  gtk_drop_down_set_selected (find_choice (arranger, 4), 2);
  expected.cells = "3 4 5/0 1 2";
  g_assert_true (scratch_wait_for (lies_so, &expected));
}

/* --- Size ------------------------------------------------------------------------------------- */

static void
test_many (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1..60", "seed", "1..60", NULL);
  GtkWidget *scroller = gtk_widget_get_parent (GTK_WIDGET (fixture->cells));
  GtkAdjustment *vertical = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scroller));
  guint most = 0;

  show_sweep (fixture, plan, FALSE);
  widgets_take_screenshot (fixture->window, "sweep-many");
  for (double value = 0;
       value + gtk_adjustment_get_page_size (vertical) < gtk_adjustment_get_upper (vertical);
       value += 333)
    {
      gtk_adjustment_set_value (vertical, value);
      scratch_wait (20);
      most = MAX (most, esp_sweep_cells_get_n_widgets (fixture->cells));
    }
  /* 800 × 600 pixels of cells of 106 × 82: nine and eight are in sight at most. */
  g_assert_cmpuint (most, <=, 9 * 9);
  g_assert_cmpuint (most, >=, 5 * 5);
  /* The last one, by a key. */
  gtk_widget_grab_focus (GTK_WIDGET (fixture->grid));
  press (fixture, GDK_KEY_End, GDK_CONTROL_MASK);
  g_assert_nonnull (find_cell (fixture, 3599));
  g_assert_null (find_cell (fixture, 0));
  g_assert_true (gtk_root_get_focus (GTK_ROOT (fixture->window))
                 == GTK_WIDGET (find_cell (fixture, 3599)));
  widgets_take_screenshot (fixture->window, "sweep-end");
  /* Scrolled away, the keys still come here, and lead back. */
  gtk_adjustment_set_value (vertical, 0);
  settle (fixture);
  g_assert_null (find_cell (fixture, 3599));
  press (fixture, GDK_KEY_Up, 0);
  g_assert_cmpuint (esp_sweep_cells_get_cursor (fixture->cells), ==, 3539);
  g_assert_true (gtk_root_get_focus (GTK_ROOT (fixture->window))
                 == GTK_WIDGET (find_cell (fixture, 3539)));
}

static void
test_zoom (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1, 2, 3", "seed", "7, 8", NULL);
  GdkRectangle before, after;

  show_sweep (fixture, plan, FALSE);
  /* All of it is in sight. */
  assert_text (dup_cells (fixture), "0 1 2/3 4 5");
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &before));
  press (fixture, GDK_KEY_plus, 0);
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &after));
  g_assert_cmpint (after.width, >, before.width * 6 / 5);
  for (int i = 0; i < 20; i++)
    esp_sweep_grid_zoom (fixture->grid, -1);
  settle (fixture);
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &after));
  g_assert_cmpint (after.width, ==, ESP_SWEEP_MIN_SIDE + 2 * ESP_SWEEP_CELL_PADDING);
  widgets_take_screenshot (fixture->window, "sweep-small");
  for (int i = 0; i < 20; i++)
    esp_sweep_grid_zoom (fixture->grid, 1);
  settle (fixture);
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &after));
  g_assert_cmpint (after.width, ==, ESP_SWEEP_MAX_SIDE + 2 * ESP_SWEEP_CELL_PADDING);
  widgets_take_screenshot (fixture->window, "sweep-large");
  esp_sweep_grid_zoom (fixture->grid, 0);
  settle (fixture);
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &after));
  g_assert_cmpint (after.width, ==, before.width);
}

static void
test_shapes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1, 2", NULL);
  GdkRectangle area;

  show_sweep (fixture, plan, FALSE);
  /* As the photo is, until there is something else. */
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &area));
  g_assert_cmpfloat_with_epsilon ((area.height - 10.0) / (area.width - 10), 0.75, 0.02);
  finish_cell_sized (fixture, 0, 30, 60, 0x336699);
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &area));
  g_assert_cmpfloat_with_epsilon ((area.height - 10.0) / (area.width - 10), 2, 0.02);
  finish_cell_sized (fixture, 1, 60, 30, 0x336699);
  g_assert_true (esp_sweep_cells_get_area (fixture->cells, 0, &area));
  g_assert_cmpint (area.width, ==, area.height);
  widgets_take_screenshot (fixture->window, "sweep-shapes");
}

static void
test_narrow (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (
      fixture, "instruction", "Make the sails red and keep the water as it is\nLet it snow",
      "guidance", "1, 2, 3, 4", NULL);
  GtkWidget *header;

  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 360, 640);
  settle (fixture);
  show_sweep (fixture, plan, FALSE);
  finish_all (fixture);
  widgets_take_screenshot (fixture->window, "sweep-narrow");
  g_assert_cmpint (gtk_widget_get_width (fixture->window), <=, 360);
  header = esp_sweep_line_get_header (
      ESP_SWEEP_LINE (gtk_widget_get_parent (GTK_WIDGET (find_cell (fixture, 0)))));
  g_assert_cmpint (gtk_widget_get_width (header), <=, 110);
}

/* --- The sheet -------------------------------------------------------------------------------- */

static void
test_sheet (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance", "1, 2, 3", "seed", "7, 8", NULL);
  const EspSheet *sheet;

  show_sweep (fixture, plan, FALSE);
  finish_cell (fixture, 0, 0x336699);
  set_stars (fixture, 0, 3);
  fail_cell (fixture, 1, "No luck.");
  activate (fixture, "sweep.swap");
  sheet = esp_sweep_grid_get_sheet (fixture->grid);
  g_assert_cmpuint (sheet->n_columns, ==, 2);
  g_assert_cmpuint (sheet->n_rows, ==, 3);
  g_assert_cmpstr (sheet->title, ==, "Guidance × Seed");
  g_assert_cmpstr (sheet->column_axis, ==, "Seed");
  g_assert_cmpstr (sheet->row_axis, ==, "Guidance");
  g_assert_cmpstr (sheet->column_labels[1], ==, "8");
  g_assert_cmpstr (sheet->row_labels[2], ==, "3");
  g_assert_true (sheet->cells[0].node == esp_sweep_get_node (fixture->sweep, 0));
  g_assert_cmpstr (sheet->cells[0].caption, ==, "★★★");
  g_assert_null (sheet->cells[2].node);
  g_assert_cmpstr (sheet->cells[2].missing, ==, "No luck.");
  g_assert_cmpstr (sheet->cells[1].missing, ==, "Waiting");
  activate (fixture, "sweep.export");
  assert_log (fixture, "export ");
  activate (fixture, "sweep.leave");
  assert_log (fixture, "leave ");
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);
  TEST ("lines", test_lines);
  TEST ("prose", test_prose);
  TEST ("pages", test_pages);
  TEST ("one-axis", test_one_axis);
  TEST ("states", test_states);
  TEST ("progress", test_progress);
  TEST ("deleted", test_deleted);
  TEST ("filter", test_filter);
  TEST ("values", test_values);
  TEST ("places", test_places);
  TEST ("sort", test_sort);
  TEST ("many", test_many);
  TEST ("zoom", test_zoom);
  TEST ("shapes", test_shapes);
  TEST ("narrow", test_narrow);
  TEST ("sheet", test_sheet);
  return g_test_run ();
}
