/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-cells.c: the widget: the sweep's news, cursor, selection and zoom. Its other files:
 * -layout (places and widgets), -input. */
#include "esp-sweep-cells-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-texture-cache.h"

#define ZOOM_STEP 1.25

static void esp_sweep_cells_scrollable_init (GtkScrollableInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (EspSweepCells, esp_sweep_cells, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_SCROLLABLE,
                                                      esp_sweep_cells_scrollable_init))

enum
{
  PROP_0,
  PROP_HADJUSTMENT,
  PROP_VADJUSTMENT,
  PROP_HSCROLL_POLICY,
  PROP_VSCROLL_POLICY,
};

guint _esp_sweep_cells_signals[ESP_SWEEP_CELLS_N_SIGNALS];

/* --- Cursor and selection --------------------------------------------------------------------- */

gboolean
_esp_sweep_cells_has_focus_inside (EspSweepCells *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  return focus != NULL
         && (focus == GTK_WIDGET (self) || gtk_widget_is_ancestor (focus, GTK_WIDGET (self)));
}

void
_esp_sweep_cells_grab_focus_itself (EspSweepCells *self)
{
  GTK_WIDGET_CLASS (esp_sweep_cells_parent_class)->grab_focus (GTK_WIDGET (self));
}

void
_esp_sweep_cells_selection_changed (EspSweepCells *self)
{
  _esp_sweep_cells_update_looks (self);
  g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_SELECTION_CHANGED], 0);
}

void
_esp_sweep_cells_select (EspSweepCells *self, guint cell, gboolean selected)
{
  if (self->selected[cell] == selected)
    return;
  self->selected[cell] = selected;
  self->n_selected += selected ? 1u : -1u;
}

void
_esp_sweep_cells_forget_selected (EspSweepCells *self)
{
  for (guint i = 0; self->n_selected > 0; i++)
    _esp_sweep_cells_select (self, i, FALSE);
}

void
esp_sweep_cells_clear_selected (EspSweepCells *self)
{
  g_return_if_fail (ESP_IS_SWEEP_CELLS (self));

  self->range_start = ESP_NO_CELL;
  if (self->n_selected == 0)
    return;
  _esp_sweep_cells_forget_selected (self);
  _esp_sweep_cells_selection_changed (self);
}

guint
esp_sweep_cells_get_cursor (EspSweepCells *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_CELLS (self), ESP_NO_CELL);
  return self->cursor;
}

void
esp_sweep_cells_set_cursor (EspSweepCells *self, guint cell)
{
  g_return_if_fail (ESP_IS_SWEEP_CELLS (self));
  g_return_if_fail (cell == ESP_NO_CELL
                    || (self->sweep != NULL
                        && cell < esp_sweep_plan_get_n_cells (esp_sweep_get_plan (self->sweep))));

  self->cursor = cell;
  _esp_sweep_cells_reveal (self, cell);
  if (_esp_sweep_cells_has_focus_inside (self))
    _esp_sweep_cells_focus_cursor (self);
}

void
_esp_sweep_cells_move_cursor (EspSweepCells *self, guint cell)
{
  esp_sweep_cells_set_cursor (self, cell);
  g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_CURSOR_MOVED], 0, cell);
}

GArray *
esp_sweep_cells_dup_selected (EspSweepCells *self)
{
  GArray *cells = g_array_new (FALSE, FALSE, sizeof (guint));

  g_return_val_if_fail (ESP_IS_SWEEP_CELLS (self), cells);

  for (guint i = 0; cells->len < self->n_selected; i++)
    if (self->selected[i])
      g_array_append_val (cells, i);
  if (cells->len == 0 && self->cursor != ESP_NO_CELL)
    g_array_append_val (cells, self->cursor);
  return cells;
}

void
esp_sweep_cells_set_current (EspSweepCells *self, EspNode *node)
{
  g_return_if_fail (ESP_IS_SWEEP_CELLS (self));

  if (g_set_object (&self->current, node))
    _esp_sweep_cells_update_looks (self);
}

/* --- Zoom ------------------------------------------------------------------------------------- */

int
esp_sweep_cells_get_side (EspSweepCells *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_CELLS (self), 0);
  return self->chosen_side;
}

void
esp_sweep_cells_set_side (EspSweepCells *self, int side)
{
  g_return_if_fail (ESP_IS_SWEEP_CELLS (self));

  self->chosen_side = side > 0 ? CLAMP (side, ESP_SWEEP_MIN_SIDE, ESP_SWEEP_MAX_SIDE) : 0;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

/* What is at that place of the widget stays there. */
void
_esp_sweep_cells_zoom_at (EspSweepCells *self, double side, double x, double y)
{
  GtkWidget *widget = GTK_WIDGET (self);
  double before[2], after[2], old[2];

  if (!_esp_sweep_cells_is_ready (self))
    return;
  _esp_sweep_cells_to_content (self, x, y, &before[0], &before[1]);
  for (int i = 0; i < 2; i++)
    old[i] = self->cell_size[i];
  self->chosen_side = (int) round (CLAMP (side, ESP_SWEEP_MIN_SIDE, ESP_SWEEP_MAX_SIDE));
  _esp_sweep_cells_measure (self, gtk_widget_get_width (widget), gtk_widget_get_height (widget));
  _esp_sweep_cells_to_content (self, x, y, &after[0], &after[1]);
  for (int i = 0; i < 2; i++)
    {
      self->offset[i] += before[i] * self->cell_size[i] / old[i] - after[i];
      _esp_sweep_cells_configure (self, (GtkOrientation) i);
    }
  _esp_sweep_cells_update (self);
  g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_ZOOMED], 0);
}

void
esp_sweep_cells_zoom (EspSweepCells *self, int step)
{
  GdkRectangle area;
  double x, y;

  g_return_if_fail (ESP_IS_SWEEP_CELLS (self));

  x = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0;
  y = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0;
  if (self->cursor != ESP_NO_CELL && esp_sweep_cells_get_area (self, self->cursor, &area))
    {
      x = area.x + area.width / 2.0;
      y = area.y + area.height / 2.0;
    }
  _esp_sweep_cells_zoom_at (self, self->side * pow (ZOOM_STEP, step), x, y);
}

/* --- News ------------------------------------------------------------------------------------- */

/* The pictures' shape, if all have the same; else a square has room for all. */
static double
find_shape (EspSweepCells *self)
{
  EspSweepPlan *plan = esp_sweep_get_plan (self->sweep);
  EspNode *parent = esp_document_get_node (esp_sweep_get_document (self->sweep),
                                           esp_sweep_plan_get_parent (plan));
  double shape = 0;

  for (guint i = 0; i < esp_sweep_plan_get_n_cells (plan); i++)
    {
      EspNode *node = esp_sweep_get_node (self->sweep, i);
      double own;

      if (node == NULL || !esp_node_has_image (node))
        continue;
      own = (double) esp_node_get_height (node) / esp_node_get_width (node);
      if (shape > 0 && fabs (own / shape - 1) > 0.02)
        return 1;
      shape = own;
    }
  if (shape == 0 && parent != NULL && esp_node_has_image (parent))
    shape = (double) esp_node_get_height (parent) / esp_node_get_width (parent);
  return shape > 0 ? CLAMP (shape, 0.25, 4) : 1;
}

static void
on_cell_changed (EspSweepCells *self, guint number)
{
  EspSweepCell *widget = _esp_sweep_cells_get_widget (self, number);
  EspNode *node = esp_sweep_get_node (self->sweep, number);

  if (widget != NULL)
    {
      esp_sweep_cell_update (widget);
      _esp_sweep_cells_update_looks (self);
    }
  if (node != NULL && esp_node_has_image (node)
      && fabs ((double) esp_node_get_height (node) / esp_node_get_width (node) / self->shape - 1)
             > 0.02)
    {
      double shape = find_shape (self);

      if (shape != self->shape)
        {
          self->shape = shape;
          self->places_stale = TRUE;
          gtk_widget_queue_resize (GTK_WIDGET (self));
        }
    }
}

static void
on_texture_loaded (EspSweepCells *self, EspDocument *document, EspNode *node, int size)
{
  EspSweepCell *widget;

  if (self->sweep == NULL || document != esp_sweep_get_document (self->sweep)
      || esp_node_get_sweep (node) != esp_sweep_get_id (self->sweep))
    return;
  widget = _esp_sweep_cells_get_widget (self, esp_node_get_cell (node));
  if (widget != NULL)
    gtk_widget_queue_draw (GTK_WIDGET (widget));
}

void
esp_sweep_cells_set_sweep (EspSweepCells *self, EspSweep *sweep, EspSweepArrangement *arrangement)
{
  g_return_if_fail (ESP_IS_SWEEP_CELLS (self));
  g_return_if_fail ((sweep == NULL) == (arrangement == NULL));

  if (self->sweep != NULL)
    g_signal_handlers_disconnect_by_data (self->sweep, self);
  _esp_sweep_cells_forget_widgets (self);
  g_clear_handle_id (&self->update_id, g_source_remove);
  g_clear_pointer (&self->selected, g_free);
  self->n_selected = 0;
  self->cursor = self->range_start = ESP_NO_CELL;
  self->offset[0] = self->offset[1] = 0;
  self->places_stale = TRUE;
  self->arrangement = arrangement;
  g_set_object (&self->sweep, sweep);
  if (sweep != NULL)
    {
      self->selected = g_new0 (gboolean, esp_sweep_plan_get_n_cells (esp_sweep_get_plan (sweep)));
      self->shape = find_shape (self);
      g_signal_connect_swapped (sweep, "cell-changed", G_CALLBACK (on_cell_changed), self);
    }
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
esp_sweep_cells_rearrange (EspSweepCells *self)
{
  guint column, row, page;
  gboolean dropped = FALSE;

  g_return_if_fail (ESP_IS_SWEEP_CELLS (self));

  /* What is not shown on any page is not selected. */
  for (guint i = 0;
       self->n_selected > 0 && i < esp_sweep_plan_get_n_cells (esp_sweep_get_plan (self->sweep));
       i++)
    if (self->selected[i]
        && (!esp_sweep_arrangement_find (self->arrangement, i, &column, &row, &page)
            || !esp_sweep_arrangement_passes (self->arrangement, i)))
      {
        _esp_sweep_cells_select (self, i, FALSE);
        dropped = TRUE;
      }
  self->stale = self->places_stale = TRUE;
  gtk_widget_queue_resize (GTK_WIDGET (self));
  if (dropped)
    g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_SELECTION_CHANGED], 0);
}

guint
esp_sweep_cells_get_n_widgets (EspSweepCells *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_CELLS (self), 0);
  return self->lines->len * self->n_columns;
}

/* --- Scrolling -------------------------------------------------------------------------------- */

static void
on_value_changed (EspSweepCells *self, GtkAdjustment *adjustment)
{
  if (self->configuring)
    return;
  _esp_sweep_cells_take_value (self, adjustment == self->adjustments[GTK_ORIENTATION_HORIZONTAL]
                                         ? GTK_ORIENTATION_HORIZONTAL
                                         : GTK_ORIENTATION_VERTICAL);
  _esp_sweep_cells_update (self);
}

static void
set_adjustment (EspSweepCells *self, GtkOrientation orientation, GtkAdjustment *adjustment)
{
  if (self->adjustments[orientation] == adjustment)
    return;
  if (self->adjustments[orientation] != NULL)
    g_signal_handlers_disconnect_by_func (self->adjustments[orientation], on_value_changed, self);
  g_clear_object (&self->adjustments[orientation]);
  if (adjustment != NULL)
    {
      self->adjustments[orientation] = g_object_ref_sink (adjustment);
      g_signal_connect_swapped (adjustment, "value-changed", G_CALLBACK (on_value_changed), self);
      _esp_sweep_cells_configure (self, orientation);
    }
}

static void
esp_sweep_cells_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspSweepCells *self = ESP_SWEEP_CELLS (object);

  switch (prop_id)
    {
    case PROP_HADJUSTMENT:
      g_value_set_object (value, self->adjustments[GTK_ORIENTATION_HORIZONTAL]);
      break;
    case PROP_VADJUSTMENT:
      g_value_set_object (value, self->adjustments[GTK_ORIENTATION_VERTICAL]);
      break;
    case PROP_HSCROLL_POLICY:
      g_value_set_enum (value, self->policies[GTK_ORIENTATION_HORIZONTAL]);
      break;
    case PROP_VSCROLL_POLICY:
      g_value_set_enum (value, self->policies[GTK_ORIENTATION_VERTICAL]);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_sweep_cells_set_property (GObject *object, guint prop_id, const GValue *value,
                              GParamSpec *pspec)
{
  EspSweepCells *self = ESP_SWEEP_CELLS (object);

  switch (prop_id)
    {
    case PROP_HADJUSTMENT:
      set_adjustment (self, GTK_ORIENTATION_HORIZONTAL, g_value_get_object (value));
      break;
    case PROP_VADJUSTMENT:
      set_adjustment (self, GTK_ORIENTATION_VERTICAL, g_value_get_object (value));
      break;
    case PROP_HSCROLL_POLICY:
      self->policies[GTK_ORIENTATION_HORIZONTAL] = g_value_get_enum (value);
      break;
    case PROP_VSCROLL_POLICY:
      self->policies[GTK_ORIENTATION_VERTICAL] = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_sweep_cells_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                         int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = 0;
  *natural = 2 * ESP_SWEEP_MIN_SIDE;
}

static void
esp_sweep_cells_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspSweepCells *self = ESP_SWEEP_CELLS (widget);
  int old[2] = { self->cell_size[0], self->cell_size[1] };

  if (self->sweep == NULL)
    return;
  _esp_sweep_cells_measure (self, width, height);
  for (int i = 0; i < 2; i++)
    {
      /* The cells at the edge stay there. */
      if (old[i] > 0 && old[i] != self->cell_size[i])
        self->offset[i] *= (double) self->cell_size[i] / old[i];
      _esp_sweep_cells_configure (self, (GtkOrientation) i);
    }
  _esp_sweep_cells_allocate (self);
  /* Widgets cannot come and go now. */
  if (_esp_sweep_cells_is_stale (self))
    _esp_sweep_cells_update_later (self);
  if (self->pending_reveal)
    {
      self->pending_reveal = FALSE;
      _esp_sweep_cells_reveal (self, self->cursor);
    }
}

static void
draw_band (EspSweepCells *self, GtkSnapshot *snapshot)
{
  GdkRGBA color = *esp_marks_get_accent (self->marks);
  graphene_rect_t area;
  GskRoundedRect outline;

  _esp_sweep_cells_get_band (self, &area);
  gsk_rounded_rect_init_from_rect (&outline, &area, 2);
  gtk_snapshot_append_border (snapshot, &outline, (float[4]){ 1, 1, 1, 1 },
                              (GdkRGBA[4]){ color, color, color, color });
  color.alpha = 0.15f;
  gtk_snapshot_append_color (snapshot, &color, &area);
}

static void
esp_sweep_cells_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspSweepCells *self = ESP_SWEEP_CELLS (widget);
  float top = (float) (self->block_top + self->header_size[GTK_ORIENTATION_VERTICAL]);
  graphene_rect_t room = GRAPHENE_RECT_INIT (0, top, (float) gtk_widget_get_width (widget),
                                             MAX ((float) gtk_widget_get_height (widget) - top, 0));

  if (self->head == NULL)
    return;
  gtk_snapshot_push_clip (snapshot, &room);
  for (guint i = 0; i < self->lines->len; i++)
    gtk_widget_snapshot_child (widget, self->lines->pdata[i], snapshot);
  if (self->banding)
    draw_band (self, snapshot);
  gtk_snapshot_pop (snapshot);
  if (self->header_size[GTK_ORIENTATION_VERTICAL] > 0)
    gtk_widget_snapshot_child (widget, GTK_WIDGET (self->head), snapshot);
}

/* One stop of the Tab key. */
static gboolean
esp_sweep_cells_focus (GtkWidget *widget, GtkDirectionType direction)
{
  EspSweepCells *self = ESP_SWEEP_CELLS (widget);

  if (_esp_sweep_cells_has_focus_inside (self) || self->sweep == NULL
      || _esp_sweep_cells_get_n (self, GTK_ORIENTATION_HORIZONTAL) == 0
      || _esp_sweep_cells_get_n (self, GTK_ORIENTATION_VERTICAL) == 0)
    return FALSE;
  if (self->cursor == ESP_NO_CELL)
    self->cursor = esp_sweep_arrangement_get_cell (self->arrangement, 0, 0);
  _esp_sweep_cells_reveal (self, self->cursor);
  _esp_sweep_cells_focus_cursor (self);
  return _esp_sweep_cells_has_focus_inside (self);
}

static gboolean
esp_sweep_cells_grab_focus (GtkWidget *widget)
{
  return _esp_sweep_cells_has_focus_inside (ESP_SWEEP_CELLS (widget))
         || esp_sweep_cells_focus (widget, GTK_DIR_TAB_FORWARD);
}

static void
update_style (EspSweepCells *self)
{
  esp_marks_update_style (self->marks);
  for (guint i = 0; i < self->lines->len; i++)
    for (guint j = 0; j < self->n_columns; j++)
      esp_sweep_cell_update_style (ESP_SWEEP_CELL (
          esp_sweep_line_get_child (self->lines->pdata[i], self->first_column + j)));
  self->places_stale = TRUE;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
esp_sweep_cells_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (esp_sweep_cells_parent_class)->css_changed (widget, change);
  update_style (ESP_SWEEP_CELLS (widget));
}

static void
esp_sweep_cells_direction_changed (GtkWidget *widget, GtkTextDirection previous)
{
  GTK_WIDGET_CLASS (esp_sweep_cells_parent_class)->direction_changed (widget, previous);
  update_style (ESP_SWEEP_CELLS (widget));
}

static void
esp_sweep_cells_dispose (GObject *object)
{
  EspSweepCells *self = ESP_SWEEP_CELLS (object);
  GtkWidget *child;

  if (self->sweep != NULL)
    g_signal_handlers_disconnect_by_data (self->sweep, self);
  g_clear_handle_id (&self->update_id, g_source_remove);
  _esp_sweep_cells_forget_widgets (self);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  self->measurer = NULL;
  set_adjustment (self, GTK_ORIENTATION_HORIZONTAL, NULL);
  set_adjustment (self, GTK_ORIENTATION_VERTICAL, NULL);
  self->arrangement = NULL;
  g_clear_object (&self->current);
  g_clear_object (&self->sweep);
  G_OBJECT_CLASS (esp_sweep_cells_parent_class)->dispose (object);
}

static void
esp_sweep_cells_finalize (GObject *object)
{
  EspSweepCells *self = ESP_SWEEP_CELLS (object);

  g_ptr_array_unref (self->lines);
  g_free (self->selected);
  esp_marks_free (self->marks);
  G_OBJECT_CLASS (esp_sweep_cells_parent_class)->finalize (object);
}

static void
esp_sweep_cells_scrollable_init (GtkScrollableInterface *iface)
{
}

static void
esp_sweep_cells_class_init (EspSweepCellsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  guint *signals = _esp_sweep_cells_signals;

  object_class->dispose = esp_sweep_cells_dispose;
  object_class->finalize = esp_sweep_cells_finalize;
  object_class->get_property = esp_sweep_cells_get_property;
  object_class->set_property = esp_sweep_cells_set_property;
  widget_class->measure = esp_sweep_cells_measure;
  widget_class->size_allocate = esp_sweep_cells_size_allocate;
  widget_class->snapshot = esp_sweep_cells_snapshot;
  widget_class->focus = esp_sweep_cells_focus;
  widget_class->grab_focus = esp_sweep_cells_grab_focus;
  widget_class->css_changed = esp_sweep_cells_css_changed;
  widget_class->direction_changed = esp_sweep_cells_direction_changed;

  g_object_class_override_property (object_class, PROP_HADJUSTMENT, "hadjustment");
  g_object_class_override_property (object_class, PROP_VADJUSTMENT, "vadjustment");
  g_object_class_override_property (object_class, PROP_HSCROLL_POLICY, "hscroll-policy");
  g_object_class_override_property (object_class, PROP_VSCROLL_POLICY, "vscroll-policy");

#define SIGNAL(name, ...)                                                                          \
  g_signal_new (name, ESP_TYPE_SWEEP_CELLS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,   \
                __VA_ARGS__)
  signals[ESP_SWEEP_CELLS_ACTIVATE] = SIGNAL ("activate", 1, G_TYPE_UINT);
  signals[ESP_SWEEP_CELLS_SELECTION_CHANGED] = SIGNAL ("selection-changed", 0);
  signals[ESP_SWEEP_CELLS_CURSOR_MOVED] = SIGNAL ("cursor-moved", 1, G_TYPE_UINT);
  signals[ESP_SWEEP_CELLS_COMPARE] = SIGNAL ("compare", 0);
  signals[ESP_SWEEP_CELLS_TURN_PAGE] = SIGNAL ("turn-page", 1, G_TYPE_INT);
  signals[ESP_SWEEP_CELLS_CONTEXT_MENU] = SIGNAL ("context-menu", 2, G_TYPE_DOUBLE, G_TYPE_DOUBLE);
  signals[ESP_SWEEP_CELLS_ZOOMED] = SIGNAL ("zoomed", 0);
#undef SIGNAL

  gtk_widget_class_set_css_name (widget_class, "sweepcells");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GRID);
}

static void
esp_sweep_cells_init (EspSweepCells *self)
{
  self->cursor = self->range_start = ESP_NO_CELL;
  self->shape = 1;
  self->lines = g_ptr_array_new ();
  self->marks = esp_marks_new (GTK_WIDGET (self));
  self->measurer = ESP_SWEEP_HEADER (esp_sweep_header_new (GTK_ORIENTATION_HORIZONTAL));
  gtk_widget_set_parent (GTK_WIDGET (self->measurer), GTK_WIDGET (self));
  gtk_widget_set_child_visible (GTK_WIDGET (self->measurer), FALSE);
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Cells of the sweep"), -1);
  g_signal_connect_object (esp_texture_cache_get_default (), "loaded",
                           G_CALLBACK (on_texture_loaded), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (adw_style_manager_get_default (), "notify::high-contrast",
                           G_CALLBACK (update_style), self, G_CONNECT_SWAPPED);
  _esp_sweep_cells_init_input (self);
}

GtkWidget *
esp_sweep_cells_new (void)
{
  return g_object_new (ESP_TYPE_SWEEP_CELLS, NULL);
}
