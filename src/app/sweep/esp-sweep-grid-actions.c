/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-grid-actions.c: the group "sweep": what concerns cells and their order. What concerns
 * nodes are the window's actions ("node"). */
#include "esp-sweep-grid-private.h"

#include <glib/gi18n-lib.h>

#include "esp-menu.h"

/* --- Running ---------------------------------------------------------------------------------- */

/* Does a cell belong to what a command is for? */
typedef gboolean (*Matches) (EspSweepGrid *self, guint cell);

static EspCellState
get_state (EspSweepGrid *self, guint cell)
{
  return esp_sweep_get_cell_state (self->sweep, cell);
}

static gboolean
is_in_queue (EspSweepGrid *self, guint cell)
{
  EspNode *active = esp_sweep_get_active (self->sweep, cell);

  return active != NULL && self->queue != NULL && esp_queue_find (self->queue, active) != NULL;
}

/* It waits since the last time that the document was open, and nobody sees to it. */
static gboolean
is_left_over (EspSweepGrid *self, guint cell)
{
  return get_state (self, cell) == ESP_CELL_WAITING && !is_in_queue (self, cell);
}

static gboolean
is_missing (EspSweepGrid *self, guint cell)
{
  return get_state (self, cell) == ESP_CELL_MISSING || is_left_over (self, cell);
}

static gboolean
is_failed (EspSweepGrid *self, guint cell)
{
  return get_state (self, cell) == ESP_CELL_FAILED || get_state (self, cell) == ESP_CELL_CANCELLED;
}

static gboolean
is_preview (EspSweepGrid *self, guint cell)
{
  return get_state (self, cell) == ESP_CELL_PREVIEW;
}

/* Running it would do something. */
static gboolean
can_run (EspSweepGrid *self, guint cell)
{
  return is_missing (self, cell) || is_failed (self, cell) || is_preview (self, cell);
}

static gboolean
is_under_way (EspSweepGrid *self, guint cell)
{
  return is_in_queue (self, cell);
}

static gboolean
is_running (EspSweepGrid *self, guint cell)
{
  return get_state (self, cell) == ESP_CELL_RUNNING && is_in_queue (self, cell);
}

/* Is there something that was to be a preview, and did not get one? */
static gboolean
is_failed_draft (EspSweepGrid *self, guint cell)
{
  return is_failed (self, cell) && esp_node_is_draft (esp_sweep_get_node (self->sweep, cell));
}

/* Those of `cells` (NULL: all) that match, at most `most`. (element-type guint) */
static GArray *
dup_cells (EspSweepGrid *self, GArray *cells, Matches matches, guint most)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (guint));
  guint n;

  if (self->sweep == NULL)
    return found;
  n = cells != NULL ? cells->len : esp_sweep_plan_get_n_cells (esp_sweep_get_plan (self->sweep));
  for (guint i = 0; i < n && found->len < most; i++)
    {
      guint cell = cells != NULL ? g_array_index (cells, guint, i) : i;

      if (matches (self, cell))
        g_array_append_val (found, cell);
    }
  return found;
}

/* What was to be a preview is tried again as one. */
static void
run (EspSweepGrid *self, GArray *cells, Matches matches)
{
  g_autoptr (GArray) found = dup_cells (self, cells, matches, G_MAXUINT);
  g_autoptr (GArray) drafts = dup_cells (self, found, is_failed_draft, G_MAXUINT);
  g_autoptr (GArray) others = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < found->len; i++)
    if (!is_failed_draft (self, g_array_index (found, guint, i)))
      g_array_append_val (others, g_array_index (found, guint, i));
  if (others->len > 0)
    g_signal_emit (self, _esp_sweep_grid_signals[ESP_SWEEP_GRID_RUN], 0, others, FALSE);
  if (drafts->len > 0)
    g_signal_emit (self, _esp_sweep_grid_signals[ESP_SWEEP_GRID_RUN], 0, drafts, TRUE);
}

static void
on_fill (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  run (user_data, NULL, is_missing);
}

static void
on_retry (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  run (user_data, NULL, is_failed);
}

static void
on_refine (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;
  g_autoptr (GArray) cells = esp_sweep_cells_dup_selected (self->cells);

  run (self, cells, is_preview);
}

static void
on_refine_all (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  run (user_data, NULL, is_preview);
}

static void
on_run_cells (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;
  g_autoptr (GArray) cells = esp_sweep_cells_dup_selected (self->cells);

  run (self, cells, can_run);
}

/* --- Stopping --------------------------------------------------------------------------------- */

/* Those of `cells` (NULL: all) in such a state. */
static void
stop (EspSweepGrid *self, GArray *cells, Matches matches)
{
  g_autoptr (GArray) found = dup_cells (self, cells, matches, G_MAXUINT);

  for (guint i = 0; i < found->len && self->queue != NULL; i++)
    {
      EspNode *node = esp_sweep_get_active (self->sweep, g_array_index (found, guint, i));
      EspJob *job = node != NULL ? esp_queue_find (self->queue, node) : NULL;

      if (job != NULL)
        esp_queue_stop (self->queue, job);
    }
}

static void
on_stop (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;

  if (self->sweep != NULL && self->queue != NULL)
    esp_sweep_stop (self->sweep, self->queue, TRUE);
}

static void
on_drop_rest (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;

  if (self->sweep != NULL && self->queue != NULL)
    esp_sweep_stop (self->sweep, self->queue, FALSE);
}

static void
on_stop_running (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  stop (user_data, NULL, is_running);
}

static void
on_stop_cells (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;
  g_autoptr (GArray) cells = esp_sweep_cells_dup_selected (self->cells);

  stop (self, cells, is_under_way);
}

/* --- Arranging -------------------------------------------------------------------------------- */

static void
on_swap (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;
  EspSweepSort sort;

  if (self->sweep == NULL)
    return;
  sort = esp_sweep_arrangement_get_sort (self->arrangement, ESP_PLACE_COLUMNS);
  esp_sweep_arrangement_set_sort (
      self->arrangement, ESP_PLACE_COLUMNS,
      esp_sweep_arrangement_get_sort (self->arrangement, ESP_PLACE_ROWS));
  esp_sweep_arrangement_set_sort (self->arrangement, ESP_PLACE_ROWS, sort);
  esp_sweep_arrangement_set_axis (
      self->arrangement, ESP_PLACE_COLUMNS,
      esp_sweep_arrangement_get_axis (self->arrangement, ESP_PLACE_ROWS));
  _esp_sweep_grid_rearrange (self);
}

static const struct
{
  const char *action;
  EspSweepFilter filter;
} filters[] = {
  { "only-starred", ESP_FILTER_STARRED },
  { "only-done", ESP_FILTER_DONE },
  { "hide-rejected", ESP_FILTER_NOT_REJECTED },
};

static void
on_filter (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  EspSweepGrid *self = user_data;
  EspSweepFilter filter;

  if (self->sweep == NULL)
    return;
  filter = esp_sweep_arrangement_get_filter (self->arrangement);
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    if (g_str_equal (filters[i].action, g_action_get_name (G_ACTION (action))))
      filter = g_variant_get_boolean (value) ? filter | filters[i].filter
                                             : filter & ~filters[i].filter;
  esp_sweep_arrangement_set_filter (self->arrangement, filter);
  _esp_sweep_grid_rearrange (self);
}

static void
on_show_all (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;
  GPtrArray *axes;

  if (self->sweep == NULL)
    return;
  axes = esp_sweep_plan_get_axes (esp_sweep_get_plan (self->sweep));
  esp_sweep_arrangement_set_filter (self->arrangement, 0);
  for (guint i = 0; i < axes->len; i++)
    for (guint j = 0; j < esp_axis_get_n_values (axes->pdata[i]); j++)
      esp_sweep_arrangement_set_hidden (self->arrangement, i, j, FALSE);
  _esp_sweep_grid_rearrange (self);
}

static void
step_page (EspSweepGrid *self, int step)
{
  if (self->sweep != NULL)
    _esp_sweep_grid_turn_page (self,
                               esp_sweep_arrangement_get_page (self->arrangement) + (guint) step);
}

static void
on_previous_page (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  step_page (user_data, -1);
}

static void
on_next_page (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  step_page (user_data, 1);
}

/* --- Nodes ------------------------------------------------------------------------------------ */

void
_esp_sweep_grid_open_cell (EspSweepGrid *self, guint cell)
{
  EspNode *node = esp_sweep_get_node (self->sweep, cell);
  g_autoptr (EspNode) held = NULL;

  if (node == NULL)
    {
      gtk_widget_error_bell (GTK_WIDGET (self));
      return;
    }
  held = g_object_ref (node);
  esp_document_set_current (self->document, node);
  g_signal_emit (self, _esp_sweep_grid_signals[ESP_SWEEP_GRID_OPEN], 0, held);
}

static void
on_continue (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;

  if (self->sweep == NULL || esp_sweep_cells_get_cursor (self->cells) == ESP_NO_CELL)
    return;
  _esp_sweep_grid_open_cell (self, esp_sweep_cells_get_cursor (self->cells));
  gtk_widget_activate_action (GTK_WIDGET (self), "win.focus-instruction", NULL);
}

void
_esp_sweep_grid_compare (EspSweepGrid *self)
{
  g_autoptr (GPtrArray) nodes = esp_sweep_grid_dup_selection (self);

  for (guint i = nodes->len; i > 0; i--)
    if (!esp_node_has_image (nodes->pdata[i - 1]))
      g_ptr_array_remove_index (nodes, i - 1);
  if (nodes->len > 0)
    g_signal_emit (self, _esp_sweep_grid_signals[ESP_SWEEP_GRID_COMPARE], 0, nodes);
  else
    gtk_widget_error_bell (GTK_WIDGET (self));
}

static void
on_compare (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  _esp_sweep_grid_compare (user_data);
}

static void
on_export (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspSweepGrid *self = user_data;

  g_signal_emit (self, _esp_sweep_grid_signals[ESP_SWEEP_GRID_EXPORT], 0, self);
}

static void
on_leave (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_signal_emit (user_data, _esp_sweep_grid_signals[ESP_SWEEP_GRID_LEAVE], 0);
}

/* --- What can be done ------------------------------------------------------------------------- */

static GSimpleAction *
get_action (EspSweepGrid *self, const char *name)
{
  return G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self->actions), name));
}

static void
set_enabled (EspSweepGrid *self, const char *name, gboolean enabled)
{
  g_simple_action_set_enabled (get_action (self, name), enabled);
}

static gboolean
has_cells (EspSweepGrid *self, GArray *cells, Matches matches)
{
  g_autoptr (GArray) found = dup_cells (self, cells, matches, 1);

  return found->len > 0;
}

static gboolean
has_lines (EspSweepGrid *self)
{
  return self->sweep != NULL
         && esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_COLUMNS) > 0
         && esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_ROWS) > 0;
}

void
_esp_sweep_grid_update_actions (EspSweepGrid *self)
{
  gboolean any = self->sweep != NULL;
  gboolean writable = any && self->queue != NULL
                      && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;
  g_autoptr (GArray) selected = esp_sweep_cells_dup_selected (self->cells);
  g_autoptr (GPtrArray) nodes = esp_sweep_grid_dup_selection (self);
  guint page = any ? esp_sweep_arrangement_get_page (self->arrangement) : 0;
  guint n_pages = any ? esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_PAGES) : 0;
  EspSweepFilter filter = any ? esp_sweep_arrangement_get_filter (self->arrangement) : 0;
  gboolean under_way = writable && has_cells (self, NULL, is_under_way);

  set_enabled (self, "fill", writable && has_cells (self, NULL, is_missing));
  set_enabled (self, "retry", writable && has_cells (self, NULL, is_failed));
  set_enabled (self, "refine", writable && has_cells (self, selected, is_preview));
  set_enabled (self, "refine-all", writable && has_cells (self, NULL, is_preview));
  set_enabled (self, "run-cells", writable && has_cells (self, selected, can_run));
  set_enabled (self, "stop", under_way);
  set_enabled (self, "drop-rest", under_way);
  set_enabled (self, "stop-running", under_way);
  set_enabled (self, "stop-cells", writable && has_cells (self, selected, is_under_way));
  set_enabled (self, "continue", nodes->len > 0);
  set_enabled (self, "compare", nodes->len > 0);
  set_enabled (self, "export", has_lines (self));
  set_enabled (self, "swap", any);
  set_enabled (self, "previous-page", page > 0);
  set_enabled (self, "next-page", page + 1 < n_pages);
  set_enabled (self, "show-all",
               any && (filter != 0 || esp_sweep_arrangement_get_n_hidden (self->arrangement) > 0));
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    g_simple_action_set_state (get_action (self, filters[i].action),
                               g_variant_new_boolean ((filter & filters[i].filter) != 0));
  gtk_widget_set_visible (self->stop_button, under_way);
  gtk_widget_set_sensitive (self->run_button, writable && (has_cells (self, NULL, can_run)));
}

/* --- The context menu ------------------------------------------------------------------------- */

void
_esp_sweep_grid_open_menu (EspSweepGrid *self, double x, double y)
{
  double at_x, at_y;

  if (!gtk_widget_translate_coordinates (GTK_WIDGET (self->cells), GTK_WIDGET (self), x, y, &at_x,
                                         &at_y))
    return;
  g_clear_pointer (&self->menu, gtk_widget_unparent);
  _esp_sweep_grid_update_actions (self);
  self->menu
      = gtk_popover_menu_new_from_model (esp_menu_get (ESP_SWEEP_GRID_MENUS, "context_menu"));
  gtk_widget_set_parent (self->menu, GTK_WIDGET (self));
  gtk_popover_set_has_arrow (GTK_POPOVER (self->menu), FALSE);
  gtk_popover_set_position (GTK_POPOVER (self->menu),
                            gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL
                                ? GTK_POS_LEFT
                                : GTK_POS_RIGHT);
  gtk_widget_set_valign (self->menu, GTK_ALIGN_START);
  gtk_popover_set_pointing_to (GTK_POPOVER (self->menu),
                               &(GdkRectangle){ (int) at_x, (int) at_y, 1, 1 });
  gtk_popover_popup (GTK_POPOVER (self->menu));
}

void
_esp_sweep_grid_init_actions (EspSweepGrid *self)
{
  static const GActionEntry entries[] = {
    { "fill", on_fill },
    { "retry", on_retry },
    { "refine", on_refine },
    { "refine-all", on_refine_all },
    { "run-cells", on_run_cells },
    { "stop", on_stop },
    { "drop-rest", on_drop_rest },
    { "stop-running", on_stop_running },
    { "stop-cells", on_stop_cells },
    { "swap", on_swap },
    { "only-starred", NULL, NULL, "false", on_filter },
    { "only-done", NULL, NULL, "false", on_filter },
    { "hide-rejected", NULL, NULL, "false", on_filter },
    { "show-all", on_show_all },
    { "previous-page", on_previous_page },
    { "next-page", on_next_page },
    { "continue", on_continue },
    { "compare", on_compare },
    { "export", on_export },
    { "leave", on_leave },
  };

  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), entries, G_N_ELEMENTS (entries),
                                   self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "sweep", G_ACTION_GROUP (self->actions));
}
