/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-image-view-input.c: pointer, fingers and keys on the image view. */
#define G_LOG_DOMAIN "espalier-image"

#include <math.h>

#include "esp-image-view-private.h"

#define WHEEL 0.16 /* natural logarithm of the zoom, a step of the wheel */
#define SNAP  0.03 /* this near to 1 the wheel and the fingers mean 1 */

static double
snap_to_one (double zoom)
{
  return fabs (zoom - 1) < SNAP ? 1 : zoom;
}

static gboolean
on_scroll (EspImageView *self, double dx, double dy, GtkEventControllerScroll *scroll)
{
  GtkEventController *controller = GTK_EVENT_CONTROLLER (scroll);
  GdkEvent *event = gtk_event_controller_get_current_event (controller);
  double x, y;

  if (!(gtk_event_controller_get_current_event_state (controller) & GDK_CONTROL_MASK))
    return GDK_EVENT_PROPAGATE;

  if (event != NULL && gdk_event_get_position (event, &x, &y))
    {
      GtkNative *native = gtk_widget_get_native (GTK_WIDGET (self));
      double native_x, native_y;

      gtk_native_get_surface_transform (native, &native_x, &native_y);
      gtk_widget_translate_coordinates (GTK_WIDGET (native), GTK_WIDGET (self), x - native_x,
                                        y - native_y, &x, &y);
    }
  else
    {
      x = gtk_widget_get_width (GTK_WIDGET (self)) / 2.0;
      y = gtk_widget_get_height (GTK_WIDGET (self)) / 2.0;
    }
  esp_image_view_set_zoom_at (
      self, snap_to_one (esp_image_view_get_zoom (self) * exp (-dy * WHEEL)), x, y);
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (EspImageView *self, GdkEventSequence *sequence, GtkGesture *gesture)
{
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  self->pinch_zoom = esp_image_view_get_zoom (self);
}

static void
on_pinch (EspImageView *self, double scale, GtkGesture *gesture)
{
  double x, y;

  if (!gtk_gesture_get_bounding_box_center (gesture, &x, &y))
    return;
  esp_image_view_set_zoom_at (self, snap_to_one (self->pinch_zoom * scale), x, y);
}

static void
on_pressed (EspImageView *self, int n_press, double x, double y, GtkGesture *gesture)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  if (n_press != 2)
    return;
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  if (self->fit && esp_image_view_get_fit_zoom (self) < 1)
    esp_image_view_set_zoom_at (self, 1, x, y);
  else if (self->fit)
    esp_image_view_set_zoom_at (self, 2, x, y);
  else
    esp_image_view_set_fit (self, TRUE);
}

static void
on_drag_begin (EspImageView *self, double x, double y, GtkGesture *gesture)
{
  if (!esp_image_view_can_pan (self))
    {
      gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_DENIED);
      return;
    }
  for (int axis = 0; axis < 2; axis++)
    self->drag_start[axis] = gtk_adjustment_get_value (self->adjustments[axis]);
}

static void
on_drag_update (EspImageView *self, double dx, double dy, GtkGesture *gesture)
{
  if (!gtk_drag_check_threshold (GTK_WIDGET (self), 0, 0, (int) dx, (int) dy)
      && gtk_gesture_get_sequence_state (gesture, gtk_gesture_get_last_updated_sequence (gesture))
             != GTK_EVENT_SEQUENCE_CLAIMED)
    return;
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "grabbing");
  gtk_adjustment_set_value (self->adjustments[HORIZONTAL], self->drag_start[HORIZONTAL] - dx);
  gtk_adjustment_set_value (self->adjustments[VERTICAL], self->drag_start[VERTICAL] - dy);
}

static void
on_drag_end (EspImageView *self)
{
  gtk_widget_set_cursor (GTK_WIDGET (self), NULL);
}

static gboolean
pan (GtkWidget *widget, GVariant *args, gpointer data)
{
  EspImageView *self = ESP_IMAGE_VIEW (widget);
  int axis, direction;
  double view;

  g_variant_get (args, "(ii)", &axis, &direction);
  if (esp_image_view_get_extent (self, axis, &view) <= view + 0.5)
    return GDK_EVENT_PROPAGATE;
  gtk_adjustment_set_value (self->adjustments[axis],
                            gtk_adjustment_get_value (self->adjustments[axis])
                                + direction * view * 0.1);
  return GDK_EVENT_STOP;
}

static gboolean
zoom_by_key (GtkWidget *widget, GVariant *args, gpointer data)
{
  EspImageView *self = ESP_IMAGE_VIEW (widget);

  if (g_variant_get_boolean (args))
    esp_image_view_zoom_in (self);
  else
    esp_image_view_zoom_out (self);
  return GDK_EVENT_STOP;
}

static void
add_pan_binding (GtkWidgetClass *class, guint key, guint keypad_key, int axis, int direction)
{
  gtk_widget_class_add_binding (class, key, 0, pan, "(ii)", axis, direction);
  gtk_widget_class_add_binding (class, keypad_key, 0, pan, "(ii)", axis, direction);
  /* Where plain arrows mean something else. */
  gtk_widget_class_add_binding (class, key, GDK_CONTROL_MASK, pan, "(ii)", axis, direction);
  gtk_widget_class_add_binding (class, keypad_key, GDK_CONTROL_MASK, pan, "(ii)", axis, direction);
}

void
esp_image_view_add_bindings (GtkWidgetClass *widget_class)
{
  add_pan_binding (widget_class, GDK_KEY_Left, GDK_KEY_KP_Left, HORIZONTAL, -1);
  add_pan_binding (widget_class, GDK_KEY_Right, GDK_KEY_KP_Right, HORIZONTAL, 1);
  add_pan_binding (widget_class, GDK_KEY_Up, GDK_KEY_KP_Up, VERTICAL, -1);
  add_pan_binding (widget_class, GDK_KEY_Down, GDK_KEY_KP_Down, VERTICAL, 1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_plus, 0, zoom_by_key, "b", TRUE);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_KP_Add, 0, zoom_by_key, "b", TRUE);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_minus, 0, zoom_by_key, "b", FALSE);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_KP_Subtract, 0, zoom_by_key, "b", FALSE);
}

static void
add_drag (EspImageView *self, guint button)
{
  GtkGesture *drag = gtk_gesture_drag_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (drag), button);
  g_signal_connect_swapped (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect_swapped (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect_swapped (drag, "drag-end", G_CALLBACK (on_drag_end), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drag));
}

void
esp_image_view_add_controllers (EspImageView *self)
{
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  GtkGesture *pinch = gtk_gesture_zoom_new ();
  GtkGesture *click = gtk_gesture_click_new ();

  g_signal_connect_swapped (scroll, "scroll", G_CALLBACK (on_scroll), self);
  gtk_widget_add_controller (GTK_WIDGET (self), scroll);

  g_signal_connect_swapped (pinch, "begin", G_CALLBACK (on_pinch_begin), self);
  g_signal_connect_swapped (pinch, "scale-changed", G_CALLBACK (on_pinch), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (pinch));

  g_signal_connect_swapped (click, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));

  add_drag (self, GDK_BUTTON_PRIMARY);
  add_drag (self, GDK_BUTTON_MIDDLE);
}
