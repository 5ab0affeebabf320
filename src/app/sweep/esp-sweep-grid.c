/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-grid.c: the widget: what is said and remembered. Its other files: -actions, -sheet. */
#include "esp-sweep-grid-private.h"

#include <glib/gi18n-lib.h>

#include "esp-focus-chain.h"
#include "esp-menu.h"
#include "esp-style.h"
#include "esp-sweep-arranger.h"
#include "esp-sweep-bar.h"
#include "esp-sweep-words.h"

G_DEFINE_FINAL_TYPE (EspSweepGrid, esp_sweep_grid, GTK_TYPE_WIDGET)

#define NEWS_PAUSE 100 /* ms: words are not changed more often */

guint _esp_sweep_grid_signals[ESP_SWEEP_GRID_N_SIGNALS];

/* --- Words ------------------------------------------------------------------------------------ */

static void
set_text (GtkLabel *label, const char *text)
{
  if (!g_str_equal (gtk_label_get_text (label), text))
    gtk_label_set_text (label, text);
}

static void
update_words (EspSweepGrid *self)
{
  g_autofree char *title = esp_sweep_plan_dup_title (esp_sweep_get_plan (self->sweep));
  g_autofree char *progress = esp_sweep_dup_progress (self->sweep, self->queue);
  guint waiting = esp_sweep_distances_get_n_waiting (self->distances);
  guint n_cells = esp_sweep_plan_get_n_cells (esp_sweep_get_plan (self->sweep));
  guint under_way = esp_sweep_count (self->sweep, ESP_CELL_WAITING)
                    + esp_sweep_count (self->sweep, ESP_CELL_RUNNING);
  guint settled = n_cells - under_way - esp_sweep_count (self->sweep, ESP_CELL_MISSING);

  set_text (self->title, title);
  if (waiting > 0)
    {
      g_autofree char *both
          /* Translators: "12 of 16 done", then that differences between pictures are measured. */
          = g_strdup_printf (_ ("%s · Measuring…"), progress);

      set_text (self->progress, both);
    }
  else
    set_text (self->progress, progress);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->progress), gtk_label_get_text (self->progress));
  gtk_progress_bar_set_fraction (self->bar, n_cells > 0 ? (double) settled / n_cells : 0);
  gtk_widget_set_visible (GTK_WIDGET (self->bar), under_way > 0);
}

static void
update_stack (EspSweepGrid *self)
{
  guint n_cells = esp_sweep_plan_get_n_cells (esp_sweep_get_plan (self->sweep));
  guint without = esp_sweep_count (self->sweep, ESP_CELL_MISSING)
                  + esp_sweep_count (self->sweep, ESP_CELL_SKIPPED);
  gboolean empty = esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_COLUMNS) == 0
                   || esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_ROWS) == 0;

  gtk_stack_set_visible_child_name (self->stack, without == n_cells ? "deleted"
                                                 : empty            ? "filtered"
                                                                    : "cells");
}

/* --- Pages ------------------------------------------------------------------------------------ */

/* Are the choices the labels of the pages? */
static gboolean
lists_pages (EspSweepGrid *self)
{
  GListModel *model = gtk_drop_down_get_model (self->page_choice);
  guint n = esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_PAGES);

  if (model == NULL || g_list_model_get_n_items (model) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!g_str_equal (gtk_string_list_get_string (GTK_STRING_LIST (model), i),
                      esp_sweep_arrangement_get_label (self->arrangement, ESP_PLACE_PAGES, i)))
      return FALSE;
  return TRUE;
}

static void
list_pages (EspSweepGrid *self)
{
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);

  for (guint i = 0; i < esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_PAGES); i++)
    gtk_string_list_append (
        labels, esp_sweep_arrangement_get_label (self->arrangement, ESP_PLACE_PAGES, i));
  gtk_drop_down_set_model (self->page_choice, G_LIST_MODEL (labels));
}

/* The button in it has the keyboard, and no name by itself. */
static void
name_pages (EspSweepGrid *self, const char *name)
{
  GtkWidget *choice = GTK_WIDGET (self->page_choice);

  gtk_accessible_update_property (GTK_ACCESSIBLE (choice), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (gtk_widget_get_first_child (choice)),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static void
update_pages (EspSweepGrid *self)
{
  const char *title = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_PAGES);

  gtk_widget_set_visible (self->page_bar, title != NULL);
  if (title == NULL)
    return;
  self->updating_pages = TRUE;
  set_text (self->page_title, title);
  name_pages (self, title);
  /* Not while it tells that another one was chosen. */
  if (!lists_pages (self))
    list_pages (self);
  gtk_drop_down_set_selected (self->page_choice,
                              esp_sweep_arrangement_get_page (self->arrangement));
  self->updating_pages = FALSE;
}

/* The cursor goes along, to the same place of the other page. */
void
_esp_sweep_grid_turn_page (EspSweepGrid *self, guint page)
{
  guint cursor = esp_sweep_cells_get_cursor (self->cells), column, row, old;
  gboolean there = cursor != ESP_NO_CELL
                   && esp_sweep_arrangement_find (self->arrangement, cursor, &column, &row, &old);

  if (page >= esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_PAGES)
      || page == esp_sweep_arrangement_get_page (self->arrangement))
    return;
  esp_sweep_arrangement_set_page (self->arrangement, page);
  _esp_sweep_grid_rearrange (self);
  if (there && column < esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_COLUMNS)
      && row < esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_ROWS))
    esp_sweep_cells_set_cursor (self->cells,
                                esp_sweep_arrangement_get_cell (self->arrangement, column, row));
}

static void
on_page_chosen (EspSweepGrid *self)
{
  if (self->sweep != NULL && !self->updating_pages)
    _esp_sweep_grid_turn_page (self, gtk_drop_down_get_selected (self->page_choice));
}

/* --- Arranging -------------------------------------------------------------------------------- */

static double
measure (EspSweep *sweep, guint cell, guint other, gpointer data)
{
  EspSweepGrid *self = data;
  EspNode *node = esp_sweep_get_node (sweep, cell);
  EspNode *before = other != ESP_NO_CELL ? esp_sweep_get_node (sweep, other)
                    : node != NULL       ? esp_node_get_parent (node)
                                         : NULL;

  return esp_sweep_distances_get (self->distances, before, node);
}

static void
store_view (EspSweepGrid *self)
{
  g_autofree char *key
      = g_strdup_printf ("sweep.%" G_GINT64_FORMAT, esp_sweep_get_id (self->sweep));
  g_autofree char *json = esp_sweep_arrangement_dup_json (self->arrangement);

  if (g_strcmp0 (esp_document_get_view (self->document, key), json) != 0)
    esp_document_set_view (self->document, key, json);
}

/* Marks what changes the picture by itself. */
static void
mark_buttons (EspSweepGrid *self)
{
  gboolean filtered = esp_sweep_arrangement_get_filter (self->arrangement) != 0;
  gboolean arranged = esp_sweep_arrangement_get_n_hidden (self->arrangement) > 0
                      || esp_sweep_arrangement_get_sort (self->arrangement, ESP_PLACE_COLUMNS) != 0
                      || esp_sweep_arrangement_get_sort (self->arrangement, ESP_PLACE_ROWS) != 0;

  if (filtered)
    gtk_widget_add_css_class (self->filter_button, "accent");
  else
    gtk_widget_remove_css_class (self->filter_button, "accent");
  if (arranged)
    gtk_widget_add_css_class (GTK_WIDGET (self->arrange_button), "accent");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->arrange_button), "accent");
}

static void
show_arrangement (EspSweepGrid *self)
{
  esp_sweep_arrangement_update (self->arrangement);
  esp_sweep_cells_rearrange (self->cells);
  update_stack (self);
  update_words (self);
  mark_buttons (self);
}

void
_esp_sweep_grid_rearrange (EspSweepGrid *self)
{
  show_arrangement (self);
  update_pages (self);
  store_view (self);
  _esp_sweep_grid_update_actions (self);
}

static gboolean
on_rearrange (gpointer user_data)
{
  EspSweepGrid *self = user_data;

  self->rearrange_id = 0;
  show_arrangement (self);
  return G_SOURCE_REMOVE;
}

/* Filters and orders depend on what has just changed. */
static void
rearrange_later (EspSweepGrid *self)
{
  if (self->rearrange_id == 0)
    self->rearrange_id = g_idle_add (on_rearrange, self);
}

static GtkWidget *
create_arranger (EspSweepGrid *self)
{
  GtkWidget *arranger = esp_sweep_arranger_new (self->sweep, self->arrangement);

  g_signal_connect_object (arranger, "changed", G_CALLBACK (_esp_sweep_grid_rearrange), self,
                           G_CONNECT_SWAPPED);
  return arranger;
}

static void
on_create_arranger (GtkMenuButton *button, gpointer user_data)
{
  EspSweepGrid *self = user_data;

  gtk_menu_button_set_popover (button, self->sweep != NULL ? create_arranger (self) : NULL);
}

/* --- News ------------------------------------------------------------------------------------- */

static gboolean
on_news (gpointer user_data)
{
  EspSweepGrid *self = user_data;

  self->news_id = 0;
  update_words (self);
  update_stack (self);
  _esp_sweep_grid_update_actions (self);
  return G_SOURCE_REMOVE;
}

static void
tell_news_later (EspSweepGrid *self)
{
  if (self->news_id == 0)
    self->news_id = g_timeout_add (NEWS_PAUSE, on_news, self);
}

static void
on_cell_changed (EspSweepGrid *self, guint cell)
{
  tell_news_later (self);
  if (esp_sweep_arrangement_get_filter (self->arrangement) != 0
      || esp_sweep_arrangement_get_sort (self->arrangement, ESP_PLACE_COLUMNS) != 0
      || esp_sweep_arrangement_get_sort (self->arrangement, ESP_PLACE_ROWS) != 0)
    rearrange_later (self);
}

static void
on_measured (EspSweepGrid *self)
{
  rearrange_later (self);
}

/* The cell of the current node, if it is one of this sweep: the cursor goes there. */
static void
on_current (EspSweepGrid *self)
{
  EspNode *current = esp_document_get_current (self->document);
  guint column, row, page;

  esp_sweep_cells_set_current (self->cells, current);
  if (self->moving_cursor || current == NULL
      || esp_node_get_sweep (current) != esp_sweep_get_id (self->sweep)
      || !esp_sweep_arrangement_find (self->arrangement, esp_node_get_cell (current), &column, &row,
                                      &page))
    return;
  if (page != esp_sweep_arrangement_get_page (self->arrangement))
    {
      esp_sweep_arrangement_set_page (self->arrangement, page);
      _esp_sweep_grid_rearrange (self);
    }
  esp_sweep_cells_set_cursor (self->cells, esp_node_get_cell (current));
}

static void
on_cursor_moved (EspSweepGrid *self, guint cell)
{
  EspNode *node = esp_sweep_get_node (self->sweep, cell);

  self->moving_cursor = TRUE;
  if (node != NULL)
    esp_document_set_current (self->document, node);
  self->moving_cursor = FALSE;
}

static void
on_selection_changed (EspSweepGrid *self)
{
  _esp_sweep_grid_update_actions (self);
  g_signal_emit (self, _esp_sweep_grid_signals[ESP_SWEEP_GRID_SELECTION_CHANGED], 0);
}

static void
on_turn_page (EspSweepGrid *self, int step)
{
  guint page = esp_sweep_arrangement_get_page (self->arrangement);

  if (step > 0 || page > 0)
    _esp_sweep_grid_turn_page (self, page + (guint) step);
}

static void
on_zoomed (EspSweepGrid *self)
{
  esp_sweep_arrangement_set_side (self->arrangement, esp_sweep_cells_get_side (self->cells));
  store_view (self);
}

/* --- The sweep -------------------------------------------------------------------------------- */

static void
drop_sweep (EspSweepGrid *self)
{
  if (self->sweep == NULL)
    return;
  g_clear_handle_id (&self->rearrange_id, g_source_remove);
  g_clear_handle_id (&self->news_id, g_source_remove);
  g_clear_pointer (&self->menu, gtk_widget_unparent);
  _esp_sweep_grid_clear_sheet (self);
  g_signal_handlers_disconnect_by_data (self->sweep, self);
  g_signal_handlers_disconnect_by_data (self->document, self);
  g_signal_handlers_disconnect_by_data (self->distances, self);
  if (self->queue != NULL)
    g_signal_handlers_disconnect_by_data (self->queue, self);
  gtk_menu_button_set_popover (self->arrange_button, NULL);
  gtk_menu_button_set_create_popup_func (self->arrange_button, NULL, NULL, NULL);
  esp_sweep_cells_set_current (self->cells, NULL);
  esp_sweep_cells_set_sweep (self->cells, NULL, NULL);
  esp_sweep_distances_stop (self->distances);
  g_clear_pointer (&self->arrangement, esp_sweep_arrangement_free);
  g_clear_object (&self->distances);
  g_clear_object (&self->document);
  g_clear_object (&self->queue);
  g_clear_object (&self->sweep);
}

static void
take_sweep (EspSweepGrid *self, EspSweep *sweep, EspQueue *queue)
{
  g_autofree char *key = g_strdup_printf ("sweep.%" G_GINT64_FORMAT, esp_sweep_get_id (sweep));

  self->sweep = g_object_ref (sweep);
  self->queue = queue != NULL ? g_object_ref (queue) : NULL;
  self->document = g_object_ref (esp_sweep_get_document (sweep));
  self->distances = esp_sweep_distances_new (self->document);
  self->arrangement = esp_sweep_arrangement_new (sweep);
  esp_sweep_arrangement_set_measure (self->arrangement, measure, self);
  esp_sweep_arrangement_load_json (self->arrangement, esp_document_get_view (self->document, key));
  g_signal_connect_swapped (sweep, "cell-changed", G_CALLBACK (on_cell_changed), self);
  g_signal_connect_swapped (self->document, "notify::current", G_CALLBACK (on_current), self);
  g_signal_connect_swapped (self->distances, "measured", G_CALLBACK (on_measured), self);
  if (queue != NULL)
    g_signal_connect_swapped (queue, "notify::seconds-left", G_CALLBACK (tell_news_later), self);
  gtk_menu_button_set_create_popup_func (self->arrange_button, on_create_arranger, self, NULL);
  esp_sweep_arrangement_update (self->arrangement);
  esp_sweep_cells_set_sweep (self->cells, sweep, self->arrangement);
  esp_sweep_cells_set_side (self->cells, esp_sweep_arrangement_get_side (self->arrangement));
  _esp_sweep_grid_rearrange (self);
  on_current (self);
}

void
esp_sweep_grid_set_sweep (EspSweepGrid *self, EspSweep *sweep, EspQueue *queue)
{
  g_return_if_fail (ESP_IS_SWEEP_GRID (self));
  g_return_if_fail (sweep == NULL || ESP_IS_SWEEP (sweep));

  if (sweep == self->sweep && queue == self->queue)
    return;
  drop_sweep (self);
  if (sweep != NULL)
    take_sweep (self, sweep, queue);
  on_selection_changed (self);
}

EspSweep *
esp_sweep_grid_get_sweep (EspSweepGrid *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_GRID (self), NULL);
  return self->sweep;
}

GPtrArray *
esp_sweep_grid_dup_selection (EspSweepGrid *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GArray) cells = NULL;

  g_return_val_if_fail (ESP_IS_SWEEP_GRID (self), nodes);

  if (self->sweep == NULL)
    return nodes;
  cells = esp_sweep_cells_dup_selected (self->cells);
  for (guint i = 0; i < cells->len; i++)
    {
      EspNode *node = esp_sweep_get_node (self->sweep, g_array_index (cells, guint, i));

      if (node != NULL)
        g_ptr_array_add (nodes, g_object_ref (node));
    }
  return nodes;
}

void
esp_sweep_grid_zoom (EspSweepGrid *self, int step)
{
  g_return_if_fail (ESP_IS_SWEEP_GRID (self));

  if (self->sweep == NULL)
    return;
  if (step != 0)
    esp_sweep_cells_zoom (self->cells, step);
  else
    {
      esp_sweep_cells_set_side (self->cells, 0);
      on_zoomed (self);
    }
}

/* --- The widget ------------------------------------------------------------------------------- */

static gboolean
esp_sweep_grid_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (ESP_SWEEP_GRID (widget)->cells));
}

static void
esp_sweep_grid_dispose (GObject *object)
{
  EspSweepGrid *self = ESP_SWEEP_GRID (object);
  GtkWidget *child;

  drop_sweep (self);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_SWEEP_GRID);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->actions);
  G_OBJECT_CLASS (esp_sweep_grid_parent_class)->dispose (object);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/sweep/esp-sweep-grid.ui");
#define CHILD(name) gtk_widget_class_bind_template_child (widget_class, EspSweepGrid, name)
  CHILD (title);
  CHILD (progress);
  CHILD (page_title);
  CHILD (bar);
  CHILD (stop_button);
  CHILD (run_button);
  CHILD (filter_button);
  CHILD (arrange_button);
  CHILD (page_bar);
  CHILD (page_choice);
  CHILD (stack);
  CHILD (scroller);
  CHILD (cells);
#undef CHILD
  gtk_widget_class_bind_template_callback (widget_class, on_page_chosen);
}

static void
esp_sweep_grid_class_init (EspSweepGridClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  guint *signals = _esp_sweep_grid_signals;

  G_OBJECT_CLASS (klass)->dispose = esp_sweep_grid_dispose;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_sweep_grid_grab_focus;

#define SIGNAL(name, ...)                                                                          \
  g_signal_new (name, ESP_TYPE_SWEEP_GRID, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,    \
                __VA_ARGS__)
  signals[ESP_SWEEP_GRID_LEAVE] = SIGNAL ("leave", 0);
  signals[ESP_SWEEP_GRID_OPEN] = SIGNAL ("open", 1, ESP_TYPE_NODE);
  signals[ESP_SWEEP_GRID_COMPARE] = SIGNAL ("compare", 1, G_TYPE_PTR_ARRAY);
  signals[ESP_SWEEP_GRID_EXPORT] = SIGNAL ("export", 1, ESP_TYPE_SWEEP_GRID);
  signals[ESP_SWEEP_GRID_RUN] = SIGNAL ("run", 2, G_TYPE_ARRAY, G_TYPE_BOOLEAN);
  signals[ESP_SWEEP_GRID_SELECTION_CHANGED] = SIGNAL ("selection-changed", 0);
#undef SIGNAL

  g_type_ensure (ESP_TYPE_SWEEP_BAR);
  g_type_ensure (ESP_TYPE_SWEEP_CELLS);
  bind_template (widget_class);
  gtk_widget_class_set_css_name (widget_class, "sweepgrid");
}

static void
esp_sweep_grid_init (EspSweepGrid *self)
{
  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/sweep", "sweep.css");
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->stop_button),
                                  esp_menu_get (ESP_SWEEP_GRID_MENUS, "stop_menu"));
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->run_button),
                                  esp_menu_get (ESP_SWEEP_GRID_MENUS, "run_menu"));
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->filter_button),
                                  esp_menu_get (ESP_SWEEP_GRID_MENUS, "filter_menu"));
  _esp_sweep_grid_init_actions (self);
  name_pages (self, _ ("Pages"));
  g_signal_connect_swapped (self->cells, "activate", G_CALLBACK (_esp_sweep_grid_open_cell), self);
  g_signal_connect_swapped (self->cells, "selection-changed", G_CALLBACK (on_selection_changed),
                            self);
  g_signal_connect_swapped (self->cells, "cursor-moved", G_CALLBACK (on_cursor_moved), self);
  g_signal_connect_swapped (self->cells, "compare", G_CALLBACK (_esp_sweep_grid_compare), self);
  g_signal_connect_swapped (self->cells, "turn-page", G_CALLBACK (on_turn_page), self);
  g_signal_connect_swapped (self->cells, "context-menu", G_CALLBACK (_esp_sweep_grid_open_menu),
                            self);
  g_signal_connect_swapped (self->cells, "zoomed", G_CALLBACK (on_zoomed), self);
  _esp_sweep_grid_update_actions (self);
}

GtkWidget *
esp_sweep_grid_new (void)
{
  return g_object_new (ESP_TYPE_SWEEP_GRID, NULL);
}
