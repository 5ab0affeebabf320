/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas-input.c: the context menu, and the image dragged out of the window. */
#define G_LOG_DOMAIN "espalier-canvas"

#include "esp-canvas-private.h"
#include "esp-clipboard-image.h"
#include "esp-menu.h"

void
esp_canvas_popup_menu (EspCanvas *self, double x, double y)
{
  const GdkRectangle at = { (int) x, (int) y, 1, 1 };

  if (self->current == NULL)
    return;
  if (self->context_popover == NULL)
    {
      self->context_popover = gtk_popover_menu_new_from_model (
          esp_menu_get ("/espalier/app/canvas/esp-canvas-menus.ui", "context_menu"));
      gtk_widget_set_parent (self->context_popover, GTK_WIDGET (self));
      gtk_popover_set_has_arrow (GTK_POPOVER (self->context_popover), FALSE);
      gtk_widget_set_halign (self->context_popover, GTK_ALIGN_START);
    }
  gtk_popover_set_pointing_to (GTK_POPOVER (self->context_popover), &at);
  gtk_popover_popup (GTK_POPOVER (self->context_popover));
}

static void
on_secondary_pressed (EspCanvas *self, int n_press, double x, double y, GtkGesture *gesture)
{
  GdkEventSequence *sequence
      = gtk_gesture_single_get_current_sequence (GTK_GESTURE_SINGLE (gesture));
  GdkEvent *event = gtk_gesture_get_last_event (gesture, sequence);

  esp_canvas_wake (self); /* fingers do not hover */
  if (gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture)) == GDK_BUTTON_PRIMARY
      && !gdk_event_triggers_context_menu (event))
    {
      gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_DENIED);
      return;
    }
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  esp_canvas_popup_menu (self, x, y);
}

static void
on_long_press (EspCanvas *self, double x, double y, GtkGesture *gesture)
{
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  esp_canvas_popup_menu (self, x, y);
}

/* A large image is moved by dragging; one that is seen whole is dragged out of the window. */
static GdkContentProvider *
on_drag_prepare (EspCanvas *self, double x, double y, GtkDragSource *source)
{
  graphene_rect_t place;

  if (self->current == NULL || !esp_node_has_image (self->current)
      || esp_image_view_can_pan (self->view))
    return NULL;
  esp_image_view_get_place (self->view, &place);
  if (!graphene_rect_contains_point (&place, &GRAPHENE_POINT_INIT ((float) x, (float) y)))
    return NULL;
  return esp_image_file_content_new (self->document, self->current);
}

static void
on_drag_begin (EspCanvas *self, GdkDrag *drag, GtkDragSource *source)
{
  GdkTexture *texture = esp_texture_cache_lookup (esp_texture_cache_get_default (), self->document,
                                                  self->current, ESP_THUMBNAIL_SMALL, -1);

  if (texture != NULL)
    gtk_drag_source_set_icon (source, GDK_PAINTABLE (texture), 0, 0);
}

void
esp_canvas_init_input (EspCanvas *self)
{
  GtkGesture *secondary = gtk_gesture_click_new ();
  GtkGesture *long_press = gtk_gesture_long_press_new ();
  GtkDragSource *drag = gtk_drag_source_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (secondary), 0);
  g_signal_connect_swapped (secondary, "pressed", G_CALLBACK (on_secondary_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (secondary));

  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (long_press), TRUE);
  g_signal_connect_swapped (long_press, "pressed", G_CALLBACK (on_long_press), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (long_press));

  g_signal_connect_swapped (drag, "prepare", G_CALLBACK (on_drag_prepare), self);
  g_signal_connect_swapped (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (drag));
}
