/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-cells-input.c: pointers, fingers and keys. Commands on nodes are the window's actions.
 */
#include "esp-sweep-cells-private.h"

#include <math.h>

#define ZOOM_STEP 1.25
#define NEAR_EDGE 24 /* px: a band there scrolls */

static guint
get_cell (EspSweepCells *self, guint column, guint row)
{
  return esp_sweep_arrangement_get_cell (self->arrangement, column, row);
}

/* --- Selecting -------------------------------------------------------------------------------- */

/* Everything shown between two corners, those included. */
static void
select_block (EspSweepCells *self, guint column, guint row, guint to_column, guint to_row)
{
  for (guint i = MIN (row, to_row); i <= MAX (row, to_row); i++)
    for (guint j = MIN (column, to_column); j <= MAX (column, to_column); j++)
      if (esp_sweep_arrangement_passes (self->arrangement, get_cell (self, j, i)))
        _esp_sweep_cells_select (self, get_cell (self, j, i), TRUE);
}

/* From where a range was begun, or the cursor, to `cell`. */
static void
select_range (EspSweepCells *self, guint cell)
{
  guint start = self->range_start != ESP_NO_CELL ? self->range_start : self->cursor;
  guint column, row, page, to_column, to_row;

  if (start == ESP_NO_CELL
      || !esp_sweep_arrangement_find (self->arrangement, start, &column, &row, &page))
    start = cell;
  if (!esp_sweep_arrangement_find (self->arrangement, start, &column, &row, &page)
      || !esp_sweep_arrangement_find (self->arrangement, cell, &to_column, &to_row, &page))
    return;
  _esp_sweep_cells_forget_selected (self);
  self->range_start = start;
  select_block (self, column, row, to_column, to_row);
}

static void
toggle (EspSweepCells *self, guint cell)
{
  /* The one that was chosen by a plain click before belongs to the selection. */
  if (self->n_selected == 0 && self->cursor != ESP_NO_CELL && self->cursor != cell)
    _esp_sweep_cells_select (self, self->cursor, TRUE);
  _esp_sweep_cells_select (self, cell, !self->selected[cell]);
  self->range_start = cell;
}

static void
choose (EspSweepCells *self, guint cell, GdkModifierType state)
{
  if (state & GDK_CONTROL_MASK)
    toggle (self, cell);
  else if (state & GDK_SHIFT_MASK)
    select_range (self, cell);
  else
    {
      _esp_sweep_cells_forget_selected (self);
      self->range_start = ESP_NO_CELL;
    }
  _esp_sweep_cells_move_cursor (self, cell);
  _esp_sweep_cells_selection_changed (self);
}

/* A column, a row, or all of it; `add` to what is selected. */
static void
select_line (EspSweepCells *self, EspSweepPart part, guint column, guint row, gboolean add)
{
  guint n_columns = _esp_sweep_cells_get_n (self, GTK_ORIENTATION_HORIZONTAL);
  guint n_rows = _esp_sweep_cells_get_n (self, GTK_ORIENTATION_VERTICAL);

  if (n_columns == 0 || n_rows == 0)
    return;
  if (!add)
    _esp_sweep_cells_forget_selected (self);
  select_block (self, part == ESP_SWEEP_PART_COLUMN ? column : 0,
                part == ESP_SWEEP_PART_ROW ? row : 0,
                part == ESP_SWEEP_PART_COLUMN ? column : n_columns - 1,
                part == ESP_SWEEP_PART_ROW ? row : n_rows - 1);
  self->range_start = ESP_NO_CELL;
  _esp_sweep_cells_selection_changed (self);
}

/* --- Pointers --------------------------------------------------------------------------------- */

static void
open_menu_at (EspSweepCells *self, double x, double y)
{
  guint column, row, cell;

  if (_esp_sweep_cells_pick (self, x, y, &column, &row) != ESP_SWEEP_PART_CELL)
    return;
  cell = get_cell (self, column, row);
  if (!self->selected[cell])
    choose (self, cell, 0);
  g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_CONTEXT_MENU], 0, x, y);
}

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, gpointer user_data)
{
  EspSweepCells *self = user_data;
  GdkEvent *event = gtk_gesture_get_last_event (GTK_GESTURE (gesture), NULL);

  if (event != NULL && gdk_event_triggers_context_menu (event))
    {
      gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
      open_menu_at (self, x, y);
    }
}

/* On release: a press may become a drag. */
static void
on_released (GtkGestureClick *gesture, int n_press, double x, double y, gpointer user_data)
{
  EspSweepCells *self = user_data;
  GdkModifierType state
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (gesture));
  gboolean plain = !(state & (GDK_CONTROL_MASK | GDK_SHIFT_MASK));
  EspSweepPart part;
  guint column, row;

  if (gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture)) != GDK_BUTTON_PRIMARY
      || self->banding || self->panning || self->sweep == NULL)
    return;
  part = _esp_sweep_cells_pick (self, x, y, &column, &row);
  if (part == ESP_SWEEP_PART_CELL
      && !esp_sweep_arrangement_passes (self->arrangement, get_cell (self, column, row)))
    part = ESP_SWEEP_PART_NONE;
  if (part == ESP_SWEEP_PART_CELL && n_press == 2 && plain)
    g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_ACTIVATE], 0,
                   get_cell (self, column, row));
  else if (part == ESP_SWEEP_PART_CELL && n_press == 1)
    choose (self, get_cell (self, column, row), state);
  else if (part == ESP_SWEEP_PART_NONE && plain)
    esp_sweep_cells_clear_selected (self);
  else if (part != ESP_SWEEP_PART_CELL && part != ESP_SWEEP_PART_NONE)
    select_line (self, part, column, row, !plain);
  gtk_widget_grab_focus (GTK_WIDGET (self));
}

static void
on_long_press (GtkGestureLongPress *gesture, double x, double y, gpointer user_data)
{
  open_menu_at (user_data, x, y);
}

/* With the primary button a band over the cells, with the middle one the grid moves. Fingers scroll
 * through the scrolled window. */
static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, gpointer user_data)
{
  EspSweepCells *self = user_data;
  guint button = gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture));
  GdkEvent *event = gtk_gesture_get_last_event (GTK_GESTURE (gesture), NULL);
  GdkDevice *device = event != NULL ? gdk_event_get_device (event) : NULL;

  self->banding = self->panning = FALSE;
  if (self->sweep == NULL || button == GDK_BUTTON_SECONDARY
      || (device != NULL && gdk_device_get_source (device) == GDK_SOURCE_TOUCHSCREEN))
    {
      gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_DENIED);
      return;
    }
  _esp_sweep_cells_to_content (self, x, y, &self->band_x, &self->band_y);
  self->pan_x = self->pan_y = 0;
}

static void
pan (EspSweepCells *self, double dx, double dy)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  _esp_sweep_cells_scroll_to (self, GTK_ORIENTATION_HORIZONTAL, self->offset[0] + (rtl ? dx : -dx));
  _esp_sweep_cells_scroll_to (self, GTK_ORIENTATION_VERTICAL, self->offset[1] - dy);
}

/* Selects what the band touches. */
static void
select_band (EspSweepCells *self)
{
  double from[2] = { MIN (self->band_x, self->band_to_x), MIN (self->band_y, self->band_to_y) };
  double to[2] = { MAX (self->band_x, self->band_to_x), MAX (self->band_y, self->band_to_y) };
  guint first[2], last[2];

  _esp_sweep_cells_forget_selected (self);
  for (int i = 0; i < 2; i++)
    {
      guint n = _esp_sweep_cells_get_n (self, (GtkOrientation) i);

      if (to[i] < 0 || from[i] >= (double) n * self->cell_size[i])
        {
          _esp_sweep_cells_selection_changed (self);
          return;
        }
      first[i] = (guint) (MAX (from[i], 0) / self->cell_size[i]);
      last[i] = MIN ((guint) (to[i] / self->cell_size[i]), n - 1);
    }
  select_block (self, first[0], first[1], last[0], last[1]);
  _esp_sweep_cells_selection_changed (self);
}

static void
scroll_at_edge (EspSweepCells *self, double x, double y)
{
  double width = gtk_widget_get_width (GTK_WIDGET (self));
  double height = gtk_widget_get_height (GTK_WIDGET (self));
  double dx = x < NEAR_EDGE ? NEAR_EDGE - x : x > width - NEAR_EDGE ? width - NEAR_EDGE - x : 0;
  double dy = y < NEAR_EDGE ? NEAR_EDGE - y : y > height - NEAR_EDGE ? height - NEAR_EDGE - y : 0;

  if (dx != 0 || dy != 0)
    pan (self, dx, dy);
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, gpointer user_data)
{
  EspSweepCells *self = user_data;
  guint button = gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture));
  double x, y;

  if (!self->banding && !self->panning
      && !gtk_drag_check_threshold (GTK_WIDGET (self), 0, 0, (int) dx, (int) dy))
    return;
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  if (button == GDK_BUTTON_MIDDLE)
    {
      self->panning = TRUE;
      pan (self, dx - self->pan_x, dy - self->pan_y);
      self->pan_x = dx;
      self->pan_y = dy;
      return;
    }
  self->banding = TRUE;
  gtk_gesture_drag_get_start_point (gesture, &x, &y);
  scroll_at_edge (self, x + dx, y + dy);
  _esp_sweep_cells_to_content (self, x + dx, y + dy, &self->band_to_x, &self->band_to_y);
  select_band (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_drag_end (GtkGestureDrag *gesture, double dx, double dy, gpointer user_data)
{
  EspSweepCells *self = user_data;

  if (self->banding)
    {
      self->banding = FALSE;
      gtk_widget_grab_focus (GTK_WIDGET (self));
      gtk_widget_queue_draw (GTK_WIDGET (self));
    }
  self->panning = FALSE;
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, gpointer user_data)
{
  EspSweepCells *self = user_data;

  self->pointer_x = x;
  self->pointer_y = y;
}

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, gpointer user_data)
{
  EspSweepCells *self = user_data;
  GdkModifierType state
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));
  double factor = dy < 0 ? ZOOM_STEP : 1 / ZOOM_STEP;
  GdkEvent *event = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller));

  if (!(state & GDK_CONTROL_MASK) || dy == 0)
    return GDK_EVENT_PROPAGATE;
  /* A touchpad sends many small steps. */
  if (event != NULL && gdk_scroll_event_get_direction (event) == GDK_SCROLL_SMOOTH)
    factor = 1 - CLAMP (dy, -2, 2) * 0.1;
  _esp_sweep_cells_zoom_at (self, self->side * factor, self->pointer_x, self->pointer_y);
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, gpointer user_data)
{
  EspSweepCells *self = user_data;

  self->pinch_side = self->side;
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
}

static void
on_pinch (GtkGestureZoom *gesture, double scale, gpointer user_data)
{
  EspSweepCells *self = user_data;
  double x = self->pointer_x, y = self->pointer_y;

  if (gtk_gesture_is_recognized (GTK_GESTURE (gesture)))
    gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y);
  _esp_sweep_cells_zoom_at (self, self->pinch_side * scale, x, y);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static gboolean
find_cursor (EspSweepCells *self, guint *column, guint *row)
{
  guint page;

  if (self->cursor != ESP_NO_CELL
      && esp_sweep_arrangement_find (self->arrangement, self->cursor, column, row, &page))
    return TRUE;
  *column = *row = 0;
  return FALSE;
}

static void
go_to (EspSweepCells *self, guint column, guint row, gboolean extend)
{
  guint cell = get_cell (self, column, row);

  if (cell == self->cursor)
    gtk_widget_error_bell (GTK_WIDGET (self));
  choose (self, cell, extend ? GDK_SHIFT_MASK : 0);
}

/* To the next cell in a direction that passes the filters, or with `far` the last one. */
static void
step (EspSweepCells *self, int dx, int dy, gboolean far, gboolean extend)
{
  int n_columns = (int) _esp_sweep_cells_get_n (self, GTK_ORIENTATION_HORIZONTAL);
  int n_rows = (int) _esp_sweep_cells_get_n (self, GTK_ORIENTATION_VERTICAL);
  guint column, row, to_column, to_row;

  if (!find_cursor (self, &column, &row))
    {
      go_to (self, 0, 0, FALSE);
      return;
    }
  to_column = column;
  to_row = row;
  for (int x = (int) column + dx, y = (int) row + dy;
       x >= 0 && x < n_columns && y >= 0 && y < n_rows; x += dx, y += dy)
    if (esp_sweep_arrangement_passes (self->arrangement, get_cell (self, (guint) x, (guint) y)))
      {
        to_column = (guint) x;
        to_row = (guint) y;
        if (!far)
          break;
      }
  go_to (self, to_column, to_row, extend);
}

static gboolean
on_arrow (EspSweepCells *self, guint keyval, gboolean far, gboolean extend)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  switch (keyval)
    {
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      step (self, 0, -1, far, extend);
      return GDK_EVENT_STOP;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      step (self, 0, 1, far, extend);
      return GDK_EVENT_STOP;
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      step (self, rtl ? 1 : -1, 0, far, extend);
      return GDK_EVENT_STOP;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      step (self, rtl ? -1 : 1, 0, far, extend);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static void
select_line_of_cursor (EspSweepCells *self, EspSweepPart part)
{
  guint column, row;

  if (find_cursor (self, &column, &row))
    select_line (self, part, column, row, FALSE);
}

static void
open_menu_by_key (EspSweepCells *self)
{
  GdkRectangle area;

  if (self->cursor == ESP_NO_CELL)
    return;
  _esp_sweep_cells_reveal (self, self->cursor);
  if (esp_sweep_cells_get_area (self, self->cursor, &area))
    g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_CONTEXT_MENU], 0,
                   area.x + area.width / 2.0, area.y + area.height / 2.0);
}

/* A page of the third axis; without one a screenful. */
static void
turn_page (EspSweepCells *self, int direction, gboolean extend)
{
  guint n_rows = _esp_sweep_cells_get_n (self, GTK_ORIENTATION_VERTICAL);
  guint n_seen = (guint) MAX (
      1, (gtk_widget_get_height (GTK_WIDGET (self)) - self->header_size[GTK_ORIENTATION_VERTICAL])
             / MAX (self->cell_size[GTK_ORIENTATION_VERTICAL], 1));
  guint column, row;

  if (esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_PAGES) > 1)
    {
      g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_TURN_PAGE], 0, direction);
      return;
    }
  find_cursor (self, &column, &row);
  if (direction < 0)
    row = row > n_seen ? row - n_seen : 0;
  else
    row = MIN (row + n_seen, n_rows - 1);
  go_to (self, column, row, extend);
}

static gboolean
on_control_key (EspSweepCells *self, guint keyval, gboolean shift)
{
  guint n_columns = _esp_sweep_cells_get_n (self, GTK_ORIENTATION_HORIZONTAL);
  guint n_rows = _esp_sweep_cells_get_n (self, GTK_ORIENTATION_VERTICAL);

  switch (keyval)
    {
    case GDK_KEY_space:
      select_line_of_cursor (self, ESP_SWEEP_PART_COLUMN);
      return GDK_EVENT_STOP;
    case GDK_KEY_a:
      select_line (self, ESP_SWEEP_PART_CORNER, 0, 0, FALSE);
      return GDK_EVENT_STOP;
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      go_to (self, 0, 0, shift);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      go_to (self, n_columns - 1, n_rows - 1, shift);
      return GDK_EVENT_STOP;
    default:
      return on_arrow (self, keyval, TRUE, shift);
    }
}

static gboolean
on_letter (EspSweepCells *self, guint keyval)
{
  switch (keyval)
    {
    case GDK_KEY_c:
      g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_COMPARE], 0);
      return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      esp_sweep_cells_zoom (self, 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      esp_sweep_cells_zoom (self, -1);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
on_space (EspSweepCells *self, gboolean shift)
{
  if (shift)
    select_line_of_cursor (self, ESP_SWEEP_PART_ROW);
  else if (self->cursor != ESP_NO_CELL)
    {
      toggle (self, self->cursor);
      _esp_sweep_cells_selection_changed (self);
    }
  return GDK_EVENT_STOP;
}

static gboolean
on_plain_key (EspSweepCells *self, guint keyval, gboolean shift)
{
  guint column, row;

  switch (keyval)
    {
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      step (self, -1, 0, TRUE, shift);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      step (self, 1, 0, TRUE, shift);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Up:
    case GDK_KEY_KP_Page_Up:
      turn_page (self, -1, shift);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Down:
    case GDK_KEY_KP_Page_Down:
      turn_page (self, 1, shift);
      return GDK_EVENT_STOP;
    case GDK_KEY_Return:
    case GDK_KEY_ISO_Enter:
    case GDK_KEY_KP_Enter:
      if (find_cursor (self, &column, &row))
        g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_ACTIVATE], 0, self->cursor);
      return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
      if (self->n_selected == 0)
        return GDK_EVENT_PROPAGATE;
      esp_sweep_cells_clear_selected (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_Menu:
      open_menu_by_key (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_F10:
      if (!shift)
        return GDK_EVENT_PROPAGATE;
      open_menu_by_key (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_space:
    case GDK_KEY_KP_Space:
      return on_space (self, shift);
    default:
      return on_letter (self, keyval);
    }
}

static gboolean
on_key_pressed (GtkEventControllerKey *controller, guint keyval, guint keycode,
                GdkModifierType state, gpointer user_data)
{
  EspSweepCells *self = user_data;
  GdkModifierType modifiers
      = state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK | GDK_META_MASK);
  gboolean shift = (state & GDK_SHIFT_MASK) != 0;

  if (self->sweep == NULL || _esp_sweep_cells_get_n (self, GTK_ORIENTATION_HORIZONTAL) == 0
      || _esp_sweep_cells_get_n (self, GTK_ORIENTATION_VERTICAL) == 0)
    return GDK_EVENT_PROPAGATE;
  if (modifiers == GDK_CONTROL_MASK)
    return on_control_key (self, keyval, shift);
  if (modifiers != 0)
    return GDK_EVENT_PROPAGATE;
  if (on_arrow (self, keyval, FALSE, shift))
    return GDK_EVENT_STOP;
  return on_plain_key (self, keyval, shift);
}

/* --- Set-up ----------------------------------------------------------------------------------- */

void
_esp_sweep_cells_init_input (EspSweepCells *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkGesture *click = gtk_gesture_click_new (), *drag = gtk_gesture_drag_new ();
  GtkGesture *pinch = gtk_gesture_zoom_new (), *press = gtk_gesture_long_press_new ();
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), 0);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), self);
  g_signal_connect (click, "released", G_CALLBACK (on_released), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (click));

  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (press), TRUE);
  g_signal_connect (press, "pressed", G_CALLBACK (on_long_press), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (press));

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (drag), 0);
  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (drag, "drag-end", G_CALLBACK (on_drag_end), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (drag));

  g_signal_connect (pinch, "begin", G_CALLBACK (on_pinch_begin), self);
  g_signal_connect (pinch, "scale-changed", G_CALLBACK (on_pinch), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (pinch));

  g_signal_connect (scroll, "scroll", G_CALLBACK (on_scroll), self);
  gtk_widget_add_controller (widget, scroll);
  g_signal_connect (motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  gtk_widget_add_controller (widget, motion);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key_pressed), self);
  gtk_widget_add_controller (widget, keys);
}
