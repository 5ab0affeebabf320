/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view-input.c: pointers, fingers and keys. Commands on nodes are the window's actions. */
#include "esp-tree-view-private.h"

#define ZOOM_STEP 1.25

static void
emit_selection_changed (EspTreeView *self)
{
  _esp_tree_view_update_looks (self);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_SELECTION_CHANGED], 0);
}

static void
command (EspTreeView *self, const char *name)
{
  if (esp_tree_view_get_cursor (self))
    gtk_widget_activate_action (GTK_WIDGET (self), name, NULL);
}

static void
show_node (EspTreeView *self, EspNode *node)
{
  esp_document_set_current (_esp_tree_view_get_document (self), node);
}

/* --- Selecting -------------------------------------------------------------------------------- */

static void
toggle_selected (EspTreeView *self, EspNode *node)
{
  /* The one that was chosen by a plain click before belongs to the selection. */
  if (g_hash_table_size (self->selected) == 0 && self->cursor && self->cursor != node)
    g_hash_table_add (self->selected, g_object_ref (self->cursor));
  if (!g_hash_table_remove (self->selected, node))
    g_hash_table_add (self->selected, g_object_ref (node));
  g_set_object (&self->range_start, node);
}

/* Everything between the two in the order of the tree. */
static void
select_range (EspTreeView *self, EspNode *node)
{
  EspNode *start = self->range_start ? self->range_start : self->cursor;
  int from = start ? esp_tree_items_find (self->items, start) : -1;
  int to = esp_tree_items_find (self->items, node);

  if (from < 0)
    from = to;
  if (!self->range_start)
    g_set_object (&self->range_start, start);
  g_hash_table_remove_all (self->selected);
  for (int i = MIN (from, to); i >= 0 && i <= MAX (from, to); i++)
    g_hash_table_add (self->selected,
                      g_object_ref (esp_tree_items_get (self->items, (guint) i)->node));
}

static void
choose (EspTreeView *self, EspNode *node, GdkModifierType state)
{
  if (state & GDK_CONTROL_MASK)
    toggle_selected (self, node);
  else if (state & GDK_SHIFT_MASK)
    select_range (self, node);
  else
    {
      g_hash_table_remove_all (self->selected);
      g_clear_object (&self->range_start);
    }
  esp_tree_view_set_cursor (self, node);
  if (!(state & (GDK_CONTROL_MASK | GDK_SHIFT_MASK)))
    show_node (self, node);
  emit_selection_changed (self);
}

static void
flip_stack (EspTreeView *self, guint index, gboolean wrap)
{
  EspNode *next = esp_tree_items_get_next_in_stack (self->items, index, 1);

  if (!next && wrap)
    next = esp_tree_items_get (self->items, index)->leader;
  if (next)
    show_node (self, next);
}

static void
toggle_fold (EspTreeView *self, guint index)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);

  if (item->n_hidden > 0 || item->n_children > 0)
    esp_tree_items_set_folded (self->items, item->node, item->n_hidden == 0);
}

/* --- Pointers --------------------------------------------------------------------------------- */

static void
open_menu (EspTreeView *self, double x, double y, gboolean keyboard)
{
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_CONTEXT_MENU], 0, x, y, keyboard);
}

static void
open_menu_at (EspTreeView *self, double x, double y)
{
  EspNode *node = esp_tree_view_pick_node (self, x, y);

  if (!node)
    return;
  if (!g_hash_table_contains (self->selected, node))
    {
      g_hash_table_remove_all (self->selected);
      esp_tree_view_set_cursor (self, node);
      emit_selection_changed (self);
    }
  open_menu (self, x, y, FALSE);
}

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, gpointer user_data)
{
  EspTreeView *self = user_data;
  GdkEvent *event = gtk_gesture_get_last_event (GTK_GESTURE (gesture), NULL);

  if (event && gdk_event_triggers_context_menu (event))
    {
      gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
      open_menu_at (self, x, y);
    }
}

/* On release: a press may become a drag, and what is dragged must not be shown for that. */
static void
on_released (GtkGestureClick *gesture, int n_press, double x, double y, gpointer user_data)
{
  EspTreeView *self = user_data;
  GdkModifierType state
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (gesture));
  EspTreePart part;
  int index;

  if (gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture)) != GDK_BUTTON_PRIMARY
      || self->panned || self->space_held)
    return;
  index = _esp_tree_view_pick (self, x, y, &part);
  if (index < 0)
    {
      esp_tree_view_clear_selected (self);
      gtk_widget_grab_focus (GTK_WIDGET (self));
      return;
    }

  if (part == ESP_TREE_PART_STACK_BADGE
      && esp_tree_items_get (self->items, (guint) index)->sweep != 0)
    {
      if (n_press == 1)
        _esp_tree_view_activate (self, esp_tree_items_get (self->items, (guint) index)->node);
      return;
    }
  if (part == ESP_TREE_PART_FOLD_BADGE)
    toggle_fold (self, (guint) index);
  else if (part == ESP_TREE_PART_STACK_BADGE && n_press == 2)
    esp_tree_items_set_spread (self->items, esp_tree_items_get (self->items, (guint) index)->node,
                               TRUE);
  else if (part == ESP_TREE_PART_STACK_BADGE)
    flip_stack (self, (guint) index, TRUE);
  else if (n_press == 2 && !(state & (GDK_CONTROL_MASK | GDK_SHIFT_MASK)))
    _esp_tree_view_activate (self, esp_tree_items_get (self->items, (guint) index)->node);
  else if (n_press == 1)
    choose (self, esp_tree_items_get (self->items, (guint) index)->node, state);
  gtk_widget_grab_focus (GTK_WIDGET (self));
}

static void
on_long_press (GtkGestureLongPress *gesture, double x, double y, gpointer user_data)
{
  open_menu_at (user_data, x, y);
}

static void
on_pan_begin (GtkGestureDrag *gesture, double x, double y, gpointer user_data)
{
  EspTreeView *self = user_data;
  guint button = gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture));
  GdkEvent *event = gtk_gesture_get_last_event (GTK_GESTURE (gesture), NULL);
  GdkDevice *device = event ? gdk_event_get_device (event) : NULL;

  self->panned = FALSE;
  /* Fingers scroll through the scrolled window; on a card the primary button drags the card. */
  if ((device && gdk_device_get_source (device) == GDK_SOURCE_TOUCHSCREEN)
      || (button == GDK_BUTTON_PRIMARY && !self->space_held && esp_tree_view_pick_node (self, x, y))
      || button == GDK_BUTTON_SECONDARY)
    {
      gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_DENIED);
      return;
    }
  self->pan_from = (EspTreePlace){ 0, 0 };
}

static void
on_pan_update (GtkGestureDrag *gesture, double dx, double dy, gpointer user_data)
{
  EspTreeView *self = user_data;

  if (!self->panned && !gtk_drag_check_threshold (GTK_WIDGET (self), 0, 0, (int) dx, (int) dy))
    return;
  if (!self->panned)
    {
      self->panned = TRUE;
      gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
      gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "grabbing");
    }
  _esp_tree_view_scroll_by (self, self->pan_from.x - dx, self->pan_from.y - dy);
  self->pan_from = (EspTreePlace){ dx, dy };
}

static void
on_pan_end (GtkGestureDrag *gesture, double dx, double dy, gpointer user_data)
{
  EspTreeView *self = user_data;

  if (self->panned)
    gtk_widget_set_cursor (GTK_WIDGET (self), NULL);
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, gpointer user_data)
{
  EspTreeView *self = user_data;

  self->pointer_x = x;
  self->pointer_y = y;
}

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, gpointer user_data)
{
  EspTreeView *self = user_data;
  GdkModifierType state
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));
  double factor = dy < 0 ? ZOOM_STEP : 1 / ZOOM_STEP;
  GdkEvent *event = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller));

  if (!(state & GDK_CONTROL_MASK) || dy == 0)
    return GDK_EVENT_PROPAGATE;
  /* A touchpad sends many small steps. */
  if (event && gdk_scroll_event_get_direction (event) == GDK_SCROLL_SMOOTH)
    factor = 1 - CLAMP (dy, -2, 2) * 0.1;
  _esp_tree_view_zoom_at (self, self->zoom * factor, self->pointer_x, self->pointer_y);
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, gpointer user_data)
{
  EspTreeView *self = user_data;

  self->pinch_zoom = self->zoom;
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
}

static void
on_pinch (GtkGestureZoom *gesture, double scale, gpointer user_data)
{
  EspTreeView *self = user_data;
  double x = self->pointer_x, y = self->pointer_y;

  if (gtk_gesture_is_recognized (GTK_GESTURE (gesture)))
    gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y);
  _esp_tree_view_zoom_at (self, self->pinch_zoom * scale, x, y);
}

/* --- Keys ------------------------------------------------------------------------------------- */

typedef enum
{
  STEP_PARENT,
  STEP_CHILD,
  STEP_PREVIOUS,
  STEP_NEXT,
} Step;

/* The next on the same level, a sibling or else a cousin. */
static int
find_beside (EspTreeView *self, guint index, int step)
{
  guint level = esp_tree_items_get (self->items, index)->level;

  for (int i = (int) index + step; i >= 0 && i < (int) esp_tree_items_get_n (self->items);
       i += step)
    if (esp_tree_items_get (self->items, (guint) i)->level == level)
      return i;
  return -1;
}

static int
find_child (EspTreeView *self, guint index)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);

  for (guint i = 0; i < item->n_children; i++)
    {
      int child = esp_tree_items_get_child (self->items, index, i);

      if (esp_tree_items_get (self->items, (guint) child)->on_path)
        return child;
    }
  return esp_tree_items_get_child (self->items, index, 0);
}

static void
move_cursor_to (EspTreeView *self, int index, gboolean extend)
{
  EspNode *node;

  if (index < 0)
    {
      gtk_widget_error_bell (GTK_WIDGET (self));
      return;
    }
  node = esp_tree_items_get (self->items, (guint) index)->node;
  if (extend)
    select_range (self, node);
  else if (g_hash_table_size (self->selected) > 0)
    {
      g_hash_table_remove_all (self->selected);
      g_clear_object (&self->range_start);
    }
  esp_tree_view_set_cursor (self, node);
  emit_selection_changed (self);
}

static void
step (EspTreeView *self, Step direction, gboolean extend)
{
  int index = self->cursor ? esp_tree_items_find (self->items, self->cursor) : -1, to = -1;
  EspNode *flipped = NULL;

  if (index < 0)
    {
      move_cursor_to (self, esp_tree_items_get_n (self->items) > 0 ? 0 : -1, FALSE);
      return;
    }
  switch (direction)
    {
    case STEP_PARENT:
      to = esp_tree_items_get (self->items, (guint) index)->parent;
      break;
    case STEP_CHILD:
      to = find_child (self, (guint) index);
      break;
    case STEP_PREVIOUS:
    case STEP_NEXT:
    default:
      if (!extend)
        flipped = esp_tree_items_get_next_in_stack (self->items, (guint) index,
                                                    direction == STEP_NEXT ? 1 : -1);
      to = find_beside (self, (guint) index, direction == STEP_NEXT ? 1 : -1);
    }
  if (flipped)
    show_node (self, flipped);
  else
    move_cursor_to (self, to, extend);
}

/* Which way an arrow leads, as the tree lies. */
static gboolean
get_step (EspTreeView *self, guint keyval, Step *direction)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  gboolean horizontal = self->orientation == GTK_ORIENTATION_HORIZONTAL;

  switch (keyval)
    {
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      *direction = horizontal ? STEP_PREVIOUS : STEP_PARENT;
      return TRUE;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      *direction = horizontal ? STEP_NEXT : STEP_CHILD;
      return TRUE;
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      *direction
          = horizontal ? (rtl ? STEP_CHILD : STEP_PARENT) : (rtl ? STEP_NEXT : STEP_PREVIOUS);
      return TRUE;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      *direction
          = horizontal ? (rtl ? STEP_PARENT : STEP_CHILD) : (rtl ? STEP_PREVIOUS : STEP_NEXT);
      return TRUE;
    default:
      return FALSE;
    }
}

/* Control and an arrow to the side: through the variations, whichever way the tree lies. */
static void
flip (EspTreeView *self, int direction)
{
  int index = self->cursor ? esp_tree_items_find (self->items, self->cursor) : -1;
  EspNode *next = index >= 0
                      ? esp_tree_items_get_next_in_stack (self->items, (guint) index, direction)
                      : NULL;

  if (next)
    show_node (self, next);
  else
    gtk_widget_error_bell (GTK_WIDGET (self));
}

static void
go_home (EspTreeView *self, gboolean extend)
{
  int index = self->cursor ? esp_tree_items_find (self->items, self->cursor) : 0;

  while (index >= 0 && esp_tree_items_get (self->items, (guint) index)->parent >= 0)
    index = esp_tree_items_get (self->items, (guint) index)->parent;
  move_cursor_to (self, index, extend);
}

/* To the leaf that was made last. */
static void
go_to_newest (EspTreeView *self, gboolean extend)
{
  gint64 newest = -1;
  int found = -1;

  for (guint i = 0; i < esp_tree_items_get_n (self->items); i++)
    {
      const EspTreeItem *item = esp_tree_items_get (self->items, i);

      if (item->n_children == 0 && esp_node_get_id (item->node) > newest)
        {
          newest = esp_node_get_id (item->node);
          found = (int) i;
        }
    }
  move_cursor_to (self, found, extend);
}

static gboolean
leave (EspTreeView *self)
{
  if (g_hash_table_size (self->selected) == 0)
    return GDK_EVENT_PROPAGATE;
  esp_tree_view_clear_selected (self);
  return GDK_EVENT_STOP;
}

static void
set_stars (EspTreeView *self, int stars)
{
  if (self->cursor)
    gtk_widget_activate_action (GTK_WIDGET (self), "node.stars", "i", stars);
}

static void
open_menu_by_key (EspTreeView *self)
{
  graphene_rect_t area;

  if (self->cursor && esp_tree_view_get_node_area (self, self->cursor, &area))
    open_menu (self, area.origin.x + area.size.width / 2, area.origin.y + area.size.height / 2,
               TRUE);
}

static gboolean
on_control_key (EspTreeView *self, guint keyval)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  switch (keyval)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      flip (self, rtl ? 1 : -1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      flip (self, rtl ? -1 : 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_space:
      if (self->cursor)
        toggle_selected (self, self->cursor);
      emit_selection_changed (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_a:
      for (guint i = 0; i < esp_tree_items_get_n (self->items); i++)
        g_hash_table_add (self->selected, g_object_ref (esp_tree_items_get (self->items, i)->node));
      emit_selection_changed (self);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
on_letter (EspTreeView *self, guint keyval)
{
  int index = self->cursor ? esp_tree_items_find (self->items, self->cursor) : -1;

  switch (keyval)
    {
    case GDK_KEY_c:
      command (self, "node.compare");
      return GDK_EVENT_STOP;
    case GDK_KEY_f:
      if (index >= 0)
        toggle_fold (self, (guint) index);
      return GDK_EVENT_STOP;
    case GDK_KEY_x:
      command (self, "node.reject");
      return GDK_EVENT_STOP;
    case GDK_KEY_period:
    case GDK_KEY_KP_Decimal:
      if (self->cursor)
        set_stars (self, esp_node_get_stars (self->cursor) > 0 ? 0 : 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      esp_tree_view_set_zoom (self, self->zoom * ZOOM_STEP);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      esp_tree_view_set_zoom (self, self->zoom / ZOOM_STEP);
      return GDK_EVENT_STOP;
    default:
      if (keyval >= GDK_KEY_0 && keyval <= GDK_KEY_5)
        {
          set_stars (self, (int) (keyval - GDK_KEY_0));
          return GDK_EVENT_STOP;
        }
      return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
on_plain_key (EspTreeView *self, guint keyval, gboolean shift)
{
  switch (keyval)
    {
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      go_home (self, shift);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      go_to_newest (self, shift);
      return GDK_EVENT_STOP;
    case GDK_KEY_Return:
    case GDK_KEY_ISO_Enter:
    case GDK_KEY_KP_Enter:
      if (self->cursor)
        _esp_tree_view_activate (self, self->cursor);
      return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
      return leave (self);
    case GDK_KEY_F2:
      command (self, "node.label");
      return GDK_EVENT_STOP;
    case GDK_KEY_Delete:
    case GDK_KEY_KP_Delete:
      command (self, "node.delete");
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
      self->space_held = TRUE;
      return GDK_EVENT_STOP;
    default:
      return on_letter (self, keyval);
    }
}

static gboolean
on_key_pressed (GtkEventControllerKey *controller, guint keyval, guint keycode,
                GdkModifierType state, gpointer user_data)
{
  EspTreeView *self = user_data;
  GdkModifierType modifiers
      = state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK | GDK_META_MASK);
  gboolean shift = (state & GDK_SHIFT_MASK) != 0;
  Step direction;

  if (!_esp_tree_view_get_document (self))
    return GDK_EVENT_PROPAGATE;
  esp_tree_items_flush (self->items);
  if (modifiers == GDK_CONTROL_MASK)
    return on_control_key (self, keyval);
  if (modifiers != 0)
    return GDK_EVENT_PROPAGATE;
  if (get_step (self, keyval, &direction))
    {
      step (self, direction, shift);
      return GDK_EVENT_STOP;
    }
  return on_plain_key (self, keyval, shift);
}

static void
on_key_released (GtkEventControllerKey *controller, guint keyval, guint keycode,
                 GdkModifierType state, gpointer user_data)
{
  EspTreeView *self = user_data;

  if (keyval == GDK_KEY_space)
    self->space_held = FALSE;
}

static void
on_focus_left (GtkEventControllerFocus *controller, gpointer user_data)
{
  EspTreeView *self = user_data;

  self->space_held = FALSE;
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static void
add_pointer_controllers (EspTreeView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkGesture *click = gtk_gesture_click_new (), *pan = gtk_gesture_drag_new ();
  GtkGesture *pinch = gtk_gesture_zoom_new (), *press = gtk_gesture_long_press_new ();
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  GtkEventController *motion = gtk_event_controller_motion_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), 0);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), self);
  g_signal_connect (click, "released", G_CALLBACK (on_released), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (click));

  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (press), TRUE);
  g_signal_connect (press, "pressed", G_CALLBACK (on_long_press), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (press));

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (pan), 0);
  g_signal_connect (pan, "drag-begin", G_CALLBACK (on_pan_begin), self);
  g_signal_connect (pan, "drag-update", G_CALLBACK (on_pan_update), self);
  g_signal_connect (pan, "drag-end", G_CALLBACK (on_pan_end), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (pan));

  g_signal_connect (pinch, "begin", G_CALLBACK (on_pinch_begin), self);
  g_signal_connect (pinch, "scale-changed", G_CALLBACK (on_pinch), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (pinch));

  g_signal_connect (scroll, "scroll", G_CALLBACK (on_scroll), self);
  gtk_widget_add_controller (widget, scroll);
  g_signal_connect (motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  gtk_widget_add_controller (widget, motion);
}

void
_esp_tree_view_init_input (EspTreeView *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();

  add_pointer_controllers (self);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key_pressed), self);
  g_signal_connect (keys, "key-released", G_CALLBACK (on_key_released), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  g_signal_connect (focus, "leave", G_CALLBACK (on_focus_left), self);
  gtk_widget_add_controller (GTK_WIDGET (self), focus);
}
