/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas-mask.c: the mask of the current node over its image, and the region for the next turn.
 * One of the two tools at a time has the hand. */
#define G_LOG_DOMAIN "espalier-canvas"

#include "esp-canvas-private.h"

#include <glib/gi18n-lib.h>

/* --- The mask --------------------------------------------------------------------------------- */

static gboolean
is_result_shown (EspCanvas *self)
{
  return self->show_mask && esp_mask_bar_get_show_result (self->mask_bar);
}

static void
paint_layers (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *visible,
              double density, gpointer data)
{
  EspCanvas *self = data;

  if (self->show_before || is_result_shown (self))
    return;
  if (self->show_mask)
    {
      esp_mask_scene_snapshot (esp_mask_editor_get_scene (self->mask_editor), snapshot, place,
                               visible, density, esp_mask_editor_has_veil (self->mask_editor));
      esp_brush_snapshot (self->brush, snapshot);
    }
  else
    esp_region_tool_snapshot (self->region_tool, snapshot, place);
}

/* Pixels of the image as pixels of the mask: a result that was taken as it is may be smaller than
 * what it was made from. */
static double
get_mask_scale (EspCanvas *self)
{
  int width, height, mask_width, mask_height;

  esp_image_view_get_size (self->view, &width, &height);
  esp_mask_editor_get_size (self->mask_editor, &mask_width, &mask_height);
  return width > 0 && mask_width > 0 ? (double) mask_width / width : 1;
}

static void
on_stroke (EspCanvas *self, double x0, double y0, double x1, double y1, double radius,
           gboolean erasing)
{
  const double scale = get_mask_scale (self);

  esp_mask_editor_paint (self->mask_editor, x0 * scale, y0 * scale, x1 * scale, y1 * scale,
                         radius * scale, esp_brush_get_hardness (self->brush), erasing);
}

/* The brush has the hand where there is something to paint on. */
static void
update_tools (EspCanvas *self)
{
  const gboolean covered = self->show_before || is_result_shown (self);

  esp_image_view_set_seamless (self->view, self->show_mask);
  esp_brush_set_active (self->brush, self->show_mask && !covered
                                         && esp_mask_editor_can_paint (self->mask_editor));
  esp_region_tool_set_active (self->region_tool, self->draw_region && !covered);
  gtk_widget_queue_draw (GTK_WIDGET (self->view));
}

/* What was seen before it was made is no longer needed once the image itself is there. */
static void
on_image_shown (EspCanvas *self)
{
  if (self->current != NULL && self->wanted == self->current
      && esp_image_view_get_texture (self->view) == esp_texture_peek (self->current))
    esp_mask_editor_image_shown (self->mask_editor);
}

static void
on_editor_changed (EspCanvas *self)
{
  on_image_shown (self);
  update_tools (self);
  if (!esp_mask_editor_is_busy (self->mask_editor))
    g_signal_emit_by_name (self, "stored");
}

/* Whose mask is shown, and which region is drawn. */
void
esp_canvas_update_mask (EspCanvas *self)
{
  EspNode *node = self->show_mask ? self->current : NULL;
  const EspRegion *region
      = self->current != NULL ? g_hash_table_lookup (self->regions, self->current) : NULL;
  const gboolean same = esp_region_equal (esp_region_tool_get_region (self->region_tool), region);

  if (esp_mask_editor_get_node (self->mask_editor) != node)
    {
      esp_mask_editor_set_node (self->mask_editor, node != NULL ? self->document : NULL, node);
      /* Where all of the result was taken there is nothing to add. */
      esp_brush_set_erasing (self->brush, esp_mask_editor_can_change (self->mask_editor)
                                              && !esp_mask_editor_has_veil (self->mask_editor));
    }
  gtk_widget_set_visible (GTK_WIDGET (self->mask_bar), node != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->region_bar),
                          self->draw_region && self->current != NULL);
  gtk_widget_set_visible (self->mask_button, self->current != NULL
                                                 && esp_node_get_composition (self->current) != NULL
                                                 && esp_node_has_image (self->current));
  gtk_widget_set_margin_top (self->caption, self->show_mask || self->draw_region ? 60 : 12);
  esp_region_tool_set_region (self->region_tool, region);
  if (!same)
    g_object_notify (G_OBJECT (self), "region");
  update_tools (self);
}

void
esp_canvas_update_covered (EspCanvas *self)
{
  update_tools (self);
}

/* The result as it was made takes the place of the image while the button or key is held. */
static void
on_show_result (EspCanvas *self)
{
  esp_canvas_update_picture (self);
  update_tools (self);
}

GdkTexture *
esp_canvas_get_result (EspCanvas *self)
{
  return is_result_shown (self) ? esp_mask_editor_get_result (self->mask_editor) : NULL;
}

void
esp_canvas_set_show_mask (EspCanvas *self, gboolean show_mask)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  g_return_if_fail (ESP_IS_CANVAS (self));

  if (self->show_mask == (show_mask ? 1 : 0))
    return;
  /* The keyboard stays somewhere when the bar goes. */
  if (focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->mask_bar)))
    gtk_widget_grab_focus (GTK_WIDGET (self->view));
  self->show_mask = show_mask ? 1 : 0;
  esp_brush_put_away (self->brush);
  if (show_mask)
    esp_canvas_set_draw_region (self, FALSE);
  esp_canvas_update_mask (self);
  g_object_notify (G_OBJECT (self), "show-mask");
}

/* --- The region ------------------------------------------------------------------------------- */

const EspRegion *
esp_canvas_get_region (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), NULL);

  return esp_region_tool_get_region (self->region_tool);
}

/* It belongs to the node that it was drawn on. */
static void
keep_region (EspCanvas *self, const EspRegion *region)
{
  if (self->current == NULL)
    return;
  if (region != NULL)
    g_hash_table_insert (self->regions, g_object_ref (self->current), esp_region_copy (region));
  else
    g_hash_table_remove (self->regions, self->current);
}

void
esp_canvas_set_region (EspCanvas *self, const EspRegion *region)
{
  g_return_if_fail (ESP_IS_CANVAS (self));

  if (esp_region_equal (esp_region_tool_get_region (self->region_tool), region))
    return;
  keep_region (self, region);
  esp_region_tool_set_region (self->region_tool, self->current != NULL ? region : NULL);
  g_object_notify (G_OBJECT (self), "region");
}

static void
on_region_changed (EspCanvas *self)
{
  keep_region (self, esp_region_tool_get_region (self->region_tool));
  g_object_notify (G_OBJECT (self), "region");
}

void
esp_canvas_set_draw_region (EspCanvas *self, gboolean draw_region)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  g_return_if_fail (ESP_IS_CANVAS (self));

  if (self->draw_region == (draw_region ? 1 : 0))
    return;
  if (focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->region_bar)))
    gtk_widget_grab_focus (GTK_WIDGET (self->view));
  self->draw_region = draw_region ? 1 : 0;
  if (draw_region)
    {
      esp_canvas_set_show_mask (self, FALSE);
      gtk_widget_grab_focus (GTK_WIDGET (self->view));
    }
  esp_canvas_update_mask (self);
  g_object_notify (G_OBJECT (self), "draw-region");
}

static void
on_region_drop (EspCanvas *self)
{
  esp_canvas_set_region (self, NULL);
  esp_canvas_set_draw_region (self, FALSE);
}

static void
on_region_done (EspCanvas *self)
{
  esp_canvas_set_draw_region (self, FALSE);
}

/* --- What the window asks --------------------------------------------------------------------- */

gboolean
esp_canvas_escape (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), FALSE);

  if (esp_mask_bar_get_show_result (self->mask_bar))
    esp_mask_bar_set_show_result (self->mask_bar, FALSE);
  else if (self->draw_region)
    on_region_drop (self);
  else if (self->show_mask)
    esp_canvas_set_show_mask (self, FALSE);
  else
    return FALSE;
  return TRUE;
}

gboolean
esp_canvas_flush (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), FALSE);

  esp_brush_put_away (self->brush);
  return esp_mask_editor_flush (self->mask_editor);
}

gboolean
esp_canvas_undo (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), FALSE);

  return esp_mask_editor_undo (self->mask_editor);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static gboolean
is_writing (EspCanvas *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  return focus != NULL && (GTK_IS_EDITABLE (focus) || GTK_IS_TEXT_VIEW (focus));
}

static gboolean
is_result_key (guint key)
{
  return key == GDK_KEY_w || key == GDK_KEY_W;
}

/* Before what the same keys mean elsewhere. */
static gboolean
on_key_pressed (EspCanvas *self, guint key, guint code, GdkModifierType state)
{
  const GdkModifierType others = GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK;

  if (is_writing (self) || (state & others) != 0)
    return GDK_EVENT_PROPAGATE;
  if (self->draw_region && (key == GDK_KEY_Return || key == GDK_KEY_KP_Enter)
      && gtk_widget_has_focus (GTK_WIDGET (self->view)))
    {
      on_region_done (self);
      return GDK_EVENT_STOP;
    }
  if (!self->show_mask)
    return GDK_EVENT_PROPAGATE;
  if (is_result_key (key) && esp_mask_editor_can_change (self->mask_editor))
    {
      self->result_key = TRUE;
      esp_mask_bar_set_show_result (self->mask_bar, TRUE);
      return GDK_EVENT_STOP;
    }
  return esp_brush_press_key (self->brush, key, state);
}

static void
on_key_released (EspCanvas *self, guint key, guint code, GdkModifierType state)
{
  if (!self->result_key || !is_result_key (key))
    return;
  self->result_key = FALSE;
  esp_mask_bar_set_show_result (self->mask_bar, FALSE);
}

/* --- The parts -------------------------------------------------------------------------------- */

static void
on_failed (EspCanvas *self, const char *message)
{
  g_signal_emit_by_name (self, "failed", message);
}

static void
update_contrast (EspCanvas *self)
{
  esp_mask_scene_set_strong (
      esp_mask_editor_get_scene (self->mask_editor),
      adw_style_manager_get_high_contrast (adw_style_manager_get_default ()));
}

static void
connect_mask (EspCanvas *self)
{
  g_signal_connect_object (self->brush, "stroke", G_CALLBACK (on_stroke), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->brush, "stroke-ended", G_CALLBACK (esp_mask_editor_end_stroke),
                           self->mask_editor, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_editor, "changed", G_CALLBACK (on_editor_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_editor, "changed", G_CALLBACK (update_contrast), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_editor, "redraw", G_CALLBACK (gtk_widget_queue_draw),
                           self->view, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_editor, "failed", G_CALLBACK (on_failed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (adw_style_manager_get_default (), "notify::high-contrast",
                           G_CALLBACK (update_contrast), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->view, "image-shown", G_CALLBACK (on_image_shown), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_bar, "notify::show-result", G_CALLBACK (on_show_result), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_bar, "leave", G_CALLBACK (esp_canvas_escape), self,
                           G_CONNECT_SWAPPED);
  esp_mask_bar_connect (self->mask_bar, self->mask_editor, self->brush);
}

void
esp_canvas_init_mask (EspCanvas *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  self->regions
      = g_hash_table_new_full (NULL, NULL, g_object_unref, (GDestroyNotify) esp_region_free);
  self->mask_editor = esp_mask_editor_new ();
  self->brush = esp_brush_new (self->view);
  self->region_tool = esp_region_tool_new (self->view);
  esp_image_view_add_layer (self->view, paint_layers, self);

  connect_mask (self);
  g_signal_connect_object (self->region_tool, "changed", G_CALLBACK (on_region_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->region_bar, "drop", G_CALLBACK (on_region_drop), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->region_bar, "done", G_CALLBACK (on_region_done), self,
                           G_CONNECT_SWAPPED);
  esp_region_bar_connect (self->region_bar, self->region_tool);

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (on_key_pressed), self);
  g_signal_connect_swapped (keys, "key-released", G_CALLBACK (on_key_released), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}

void
esp_canvas_dispose_mask (EspCanvas *self)
{
  if (self->view != NULL && self->mask_editor != NULL)
    esp_image_view_remove_layer (self->view, paint_layers, self);
  if (self->mask_editor != NULL)
    esp_mask_editor_set_node (self->mask_editor, NULL, NULL);
  g_clear_object (&self->brush);
  g_clear_object (&self->region_tool);
  g_clear_object (&self->mask_editor);
  g_clear_pointer (&self->regions, g_hash_table_unref);
}
