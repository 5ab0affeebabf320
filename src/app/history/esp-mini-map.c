/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mini-map.c: see esp-mini-map.h. The nodes are kept as one render node until the layout
 * changes; scrolling moves only the frame. */
#include "esp-mini-map.h"

#define MAX_WIDTH  140.0
#define MAX_HEIGHT 110.0
#define PADDING    6.0
#define MIN_SIDE   36.0 /* what a pointer can be aimed into */
/* The map is there from when the view shows less than this part of the tree's area. */
#define SHOW_BELOW 0.25
/* Fewer are found without one. */
#define MIN_ITEMS 30

struct _EspMiniMap
{
  GtkWidget parent_instance;

  EspTreeView *view; /* weak */
  GskRenderNode *nodes;
  double scale_x, scale_y; /* apart from each other where the tree is a mere line */
  double from_x, from_y;   /* of a drag */
  guint update_id;
  int view_width, view_height;
};

G_DEFINE_FINAL_TYPE (EspMiniMap, esp_mini_map, GTK_TYPE_WIDGET)

static void
update_scale (EspMiniMap *self)
{
  double width, height;
  /* In a small view it takes little room. */
  double room_x = MIN (MAX_WIDTH, gtk_widget_get_width (GTK_WIDGET (self->view)) / 3.0);
  double room_y = MIN (MAX_HEIGHT, gtk_widget_get_height (GTK_WIDGET (self->view)) / 4.0);

  esp_tree_view_get_extent (self->view, &width, &height);
  self->scale_x = self->scale_y = 0;
  if (width <= 0 || height <= 0)
    return;
  room_x = MAX (0, room_x - 2 * PADDING);
  room_y = MAX (0, room_y - 2 * PADDING);
  self->scale_x = self->scale_y = MIN (room_x / width, room_y / height);
  self->scale_x = MAX (self->scale_x, MIN (MIN_SIDE, room_x) / width);
  self->scale_y = MAX (self->scale_y, MIN (MIN_SIDE, room_y) / height);
}

static void
on_reset (EspMiniMap *self)
{
  g_clear_pointer (&self->nodes, gsk_render_node_unref);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

/* Another size of the view is another one of the map. */
static void
on_size (EspMiniMap *self)
{
  int width = gtk_widget_get_width (GTK_WIDGET (self->view));
  int height = gtk_widget_get_height (GTK_WIDGET (self->view));

  if (width == self->view_width && height == self->view_height)
    return;
  self->view_width = width;
  self->view_height = height;
  on_reset (self);
}

static gboolean
on_update (gpointer user_data)
{
  EspMiniMap *self = user_data;
  graphene_rect_t seen;
  double width, height;

  self->update_id = 0;
  if (!self->view)
    return G_SOURCE_REMOVE;
  esp_tree_view_get_extent (self->view, &width, &height);
  esp_tree_view_get_visible_area (self->view, &seen);
  gtk_widget_set_visible (GTK_WIDGET (self),
                          esp_tree_items_get_n (esp_tree_view_get_items (self->view)) >= MIN_ITEMS
                              && seen.size.width > 0
                              && MIN (seen.size.width, width) * MIN (seen.size.height, height)
                                     < SHOW_BELOW * width * height);
  on_size (self);
  return G_SOURCE_REMOVE;
}

/* The view changes in the middle of a layout, when nothing may come or go. */
static void
on_view_changed (EspMiniMap *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self));
  if (self->update_id == 0)
    self->update_id = g_idle_add (on_update, self);
}

static GskRenderNode *
make_nodes (EspMiniMap *self)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  EspTreeItems *items = esp_tree_view_get_items (self->view);
  GdkRGBA foreground, plain, path;

  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self)), &foreground);
  plain = path = foreground;
  plain.alpha
      *= adw_style_manager_get_high_contrast (adw_style_manager_get_default ()) ? 0.7f : 0.35f;
  for (guint i = 0; i < esp_tree_items_get_n (items); i++)
    {
      const EspTreeItem *item = esp_tree_items_get (items, i);
      float scale_x = (float) self->scale_x, scale_y = (float) self->scale_y;
      graphene_rect_t area;

      esp_tree_view_get_item_area (self->view, i, &area);
      graphene_rect_init (&area, area.origin.x * scale_x + (float) PADDING,
                          area.origin.y * scale_y + (float) PADDING,
                          MAX (area.size.width * scale_x * 0.85f, 1.0f),
                          MAX (area.size.height * scale_y * 0.85f, 1.0f));
      gtk_snapshot_append_color (snapshot, item->on_path ? &path : &plain, &area);
    }
  return gtk_snapshot_free_to_node (snapshot);
}

static void
esp_mini_map_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspMiniMap *self = ESP_MINI_MAP (widget);
  GdkRGBA accent, fill;
  graphene_rect_t seen, whole;
  GskRoundedRect frame;
  float scale_x = (float) self->scale_x, scale_y = (float) self->scale_y;

  if (!self->view)
    return;
  if (!self->nodes)
    self->nodes = make_nodes (self);
  if (self->nodes)
    gtk_snapshot_append_node (snapshot, self->nodes);

  if (!gtk_style_context_lookup_color (gtk_widget_get_style_context (widget), "accent_color",
                                       &accent))
    gdk_rgba_parse (&accent, "#3584e4");
  fill = accent;
  fill.alpha = 0.15f;
  esp_tree_view_get_visible_area (self->view, &seen);
  graphene_rect_init (&seen, seen.origin.x * scale_x + (float) PADDING,
                      seen.origin.y * scale_y + (float) PADDING, seen.size.width * scale_x,
                      seen.size.height * scale_y);
  graphene_rect_init (&whole, 1, 1, (float) gtk_widget_get_width (widget) - 2,
                      (float) gtk_widget_get_height (widget) - 2);
  if (!graphene_rect_intersection (&seen, &whole, &seen))
    return;
  gtk_snapshot_append_color (snapshot, &fill, &seen);
  gsk_rounded_rect_init_from_rect (&frame, &seen, 2);
  gtk_snapshot_append_border (snapshot, &frame, (float[4]){ 1.5f, 1.5f, 1.5f, 1.5f },
                              (GdkRGBA[4]){ accent, accent, accent, accent });
}

static void
esp_mini_map_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                      int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspMiniMap *self = ESP_MINI_MAP (widget);
  double width = 0, height = 0;

  if (self->view)
    {
      update_scale (self);
      esp_tree_view_get_extent (self->view, &width, &height);
    }
  *minimum = *natural = (int) ((orientation == GTK_ORIENTATION_HORIZONTAL ? width * self->scale_x
                                                                          : height * self->scale_y)
                               + 2 * PADDING);
}

static void
go_to (EspMiniMap *self, double x, double y)
{
  if (self->view && self->scale_x > 0 && self->scale_y > 0)
    esp_tree_view_center_on (self->view, (x - PADDING) / self->scale_x,
                             (y - PADDING) / self->scale_y);
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, gpointer user_data)
{
  EspMiniMap *self = user_data;

  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  self->from_x = x;
  self->from_y = y;
  go_to (self, x, y);
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, gpointer user_data)
{
  EspMiniMap *self = user_data;

  go_to (self, self->from_x + dx, self->from_y + dy);
}

static void
esp_mini_map_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (esp_mini_map_parent_class)->css_changed (widget, change);
  g_clear_pointer (&ESP_MINI_MAP (widget)->nodes, gsk_render_node_unref);
}

static void
esp_mini_map_dispose (GObject *object)
{
  EspMiniMap *self = ESP_MINI_MAP (object);

  g_clear_handle_id (&self->update_id, g_source_remove);
  g_clear_pointer (&self->nodes, gsk_render_node_unref);
  g_clear_weak_pointer (&self->view);
  G_OBJECT_CLASS (esp_mini_map_parent_class)->dispose (object);
}

static void
esp_mini_map_class_init (EspMiniMapClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_mini_map_dispose;
  widget_class->measure = esp_mini_map_measure;
  widget_class->snapshot = esp_mini_map_snapshot;
  widget_class->css_changed = esp_mini_map_css_changed;
  gtk_widget_class_set_css_name (widget_class, "minimap");
  /* What it shows, the tree tells; where it leads, the keys do. */
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
esp_mini_map_init (EspMiniMap *self)
{
  GtkGesture *drag = gtk_gesture_drag_new ();

  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drag));
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
esp_mini_map_new (EspTreeView *view)
{
  EspMiniMap *self = g_object_new (ESP_TYPE_MINI_MAP, NULL);

  g_set_weak_pointer (&self->view, view);
  g_signal_connect_object (view, "laid-out", G_CALLBACK (on_reset), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (view, "selection-changed", G_CALLBACK (on_reset), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (view, "view-changed", G_CALLBACK (on_view_changed), self,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
