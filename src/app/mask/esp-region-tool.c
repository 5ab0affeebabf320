/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-region-tool.c: see esp-region-tool.h. */
#define G_LOG_DOMAIN "espalier-mask"

#include "esp-region-tool.h"

#include <math.h>

#define HANDLE    10.0 /* px of the screen: how large one is drawn */
#define REACH     22.0 /* px of the screen: how near is on a handle, for fingers, too */
#define STEP      8    /* px of the screen, one press of an arrow */
#define LASSO_GAP 3.0  /* px of the screen from point to point */
#define FIRST     0.5  /* share of the sides of what the first key makes */

static const GdkRGBA shade = { 0, 0, 0, 0.5f };

/* The sides that a drag moves; the middle of all is the region itself. */
typedef struct
{
  gboolean left, top, right, bottom;
} Sides;

typedef enum
{
  IDLE,
  DRAWING,
  MOVING,
  RESIZING,
} Doing;

struct _EspRegionTool
{
  GObject parent_instance;

  EspImageView *view;
  GtkGesture *drag;
  GtkEventController *motion, *keys;

  EspRegion *region, *before; /* `before`: as it was when the gesture began */
  GArray *points;             /* of EspRegionPoint: a lasso that is being drawn */
  Doing doing;
  Sides sides;
  double start[2]; /* px of the view */

  GskRenderNode *lasso_node; /* drawn last, and of what */
  graphene_rect_t lasso_place;

  guint active : 1;
  guint lasso : 1;
};

G_DEFINE_FINAL_TYPE (EspRegionTool, esp_region_tool, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_REGION,
  PROP_LASSO,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- The region ------------------------------------------------------------------------------- */

static void
redraw (EspRegionTool *self)
{
  g_clear_pointer (&self->lasso_node, gsk_render_node_unref);
  gtk_widget_queue_draw (GTK_WIDGET (self->view));
}

/* Takes it over; one that has nothing of the image, or too little, is none. */
static void
take (EspRegionTool *self, EspRegion *region)
{
  int width, height;

  esp_image_view_get_size (self->view, &width, &height);
  if (region != NULL && !esp_region_fit (region, width, height, NULL))
    g_clear_pointer (&region, esp_region_free);
  esp_region_free (self->region);
  self->region = region;
  redraw (self);
}

/* Until the hand rests only the size is told: what comes and goes with a region would move the
 * image away under it. */
static void
tell (EspRegionTool *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REGION]);
  if (self->doing == IDLE)
    g_signal_emit (self, signals[CHANGED], 0);
}

/* `from` in another place and size; the points of a lasso follow. */
static EspRegion *
place_in (const EspRegion *from, int x, int y, int width, int height)
{
  EspRegion *region = esp_region_copy (from);

  for (guint i = 0; region->points != NULL && i < region->points->len; i++)
    {
      EspRegionPoint *point = &g_array_index (region->points, EspRegionPoint, i);

      point->x = x + (point->x - from->x) * width / from->width;
      point->y = y + (point->y - from->y) * height / from->height;
    }
  region->x = x;
  region->y = y;
  region->width = width;
  region->height = height;
  return region;
}

static void
move_from (EspRegionTool *self, const EspRegion *from, double dx, double dy)
{
  int width, height;

  esp_image_view_get_size (self->view, &width, &height);
  take (self, place_in (from, CLAMP ((int) lround (from->x + dx), 0, MAX (width - from->width, 0)),
                        CLAMP ((int) lround (from->y + dy), 0, MAX (height - from->height, 0)),
                        from->width, from->height));
}

/* The sides that move stay on their side of those that do not. */
static void
resize_from (EspRegionTool *self, const EspRegion *from, Sides sides, double dx, double dy)
{
  const int least = ESP_REGION_MIN_SIDE;
  int left = from->x, top = from->y;
  int right = from->x + from->width, bottom = from->y + from->height;
  int width, height;

  esp_image_view_get_size (self->view, &width, &height);
  if (sides.left)
    left = CLAMP ((int) lround (left + dx), 0, MAX (right - least, 0));
  if (sides.right)
    right = CLAMP ((int) lround (right + dx), MIN (left + least, width), width);
  if (sides.top)
    top = CLAMP ((int) lround (top + dy), 0, MAX (bottom - least, 0));
  if (sides.bottom)
    bottom = CLAMP ((int) lround (bottom + dy), MIN (top + least, height), height);
  take (self, place_in (from, left, top, right - left, bottom - top));
}

/* --- The hand --------------------------------------------------------------------------------- */

/* The region as a rectangle of the view. */
static gboolean
get_box (EspRegionTool *self, graphene_rect_t *box)
{
  double left, top, right, bottom;

  if (self->region == NULL
      || !esp_image_view_from_image (self->view, self->region->x, self->region->y, &left, &top)
      || !esp_image_view_from_image (self->view, self->region->x + self->region->width,
                                     self->region->y + self->region->height, &right, &bottom))
    return FALSE;
  graphene_rect_init (box, (float) left, (float) top, (float) (right - left),
                      (float) (bottom - top));
  return TRUE;
}

/* Which way a place is for: a handle of a corner or a side, the region, or (FALSE) another one. */
static gboolean
find_sides (EspRegionTool *self, double x, double y, Sides *sides)
{
  graphene_rect_t box;
  double left, top, right, bottom;
  /* Of a small region the handles leave the middle free. */
  double reach_x, reach_y;

  *sides = (Sides){ FALSE, FALSE, FALSE, FALSE };
  if (!get_box (self, &box))
    return FALSE;
  left = x - (double) box.origin.x;
  top = y - (double) box.origin.y;
  right = (double) box.size.width - left;
  bottom = (double) box.size.height - top;
  if (MIN (MIN (left, right), MIN (top, bottom)) < -REACH / 2)
    return FALSE;
  reach_x = MIN (REACH / 2, (double) box.size.width / 4);
  reach_y = MIN (REACH / 2, (double) box.size.height / 4);
  sides->left = left < reach_x;
  sides->right = right < reach_x;
  sides->top = top < reach_y;
  sides->bottom = bottom < reach_y;
  return TRUE;
}

static gboolean
has_sides (const Sides *sides)
{
  return sides->left || sides->top || sides->right || sides->bottom;
}

static void
set_cursor (EspRegionTool *self, double x, double y)
{
  const char *name = "crosshair";
  Sides sides;

  if (find_sides (self, x, y, &sides))
    name = !has_sides (&sides)                                          ? "move"
           : (sides.left && sides.top) || (sides.right && sides.bottom) ? "nwse-resize"
           : (sides.left && sides.bottom) || (sides.right && sides.top) ? "nesw-resize"
           : sides.left || sides.right                                  ? "ew-resize"
                                                                        : "ns-resize";
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self->view), name);
}

static void
on_motion (EspRegionTool *self, double x, double y)
{
  if (self->doing == IDLE)
    set_cursor (self, x, y);
}

static void
add_point (EspRegionTool *self, double x, double y)
{
  EspRegionPoint point;
  int width, height;

  if (self->points->len >= ESP_REGION_MAX_POINTS
      || !esp_image_view_to_image (self->view, x, y, &point.x, &point.y))
    return;
  esp_image_view_get_size (self->view, &width, &height);
  point.x = CLAMP (point.x, 0, width);
  point.y = CLAMP (point.y, 0, height);
  if (self->points->len > 0)
    {
      const EspRegionPoint *last
          = &g_array_index (self->points, EspRegionPoint, self->points->len - 1);
      const double gap = LASSO_GAP / esp_image_view_get_zoom (self->view);

      if (hypot (point.x - last->x, point.y - last->y) < gap)
        return;
    }
  g_array_append_val (self->points, point);
}

/* Of movements between two frames only the last is told; a lasso goes through all of them. */
static void
add_history (EspRegionTool *self)
{
  GtkNative *native = gtk_widget_get_native (GTK_WIDGET (self->view));
  GdkEvent *event = gtk_gesture_get_last_event (
      self->drag, gtk_gesture_single_get_current_sequence (GTK_GESTURE_SINGLE (self->drag)));
  g_autofree GdkTimeCoord *history = NULL;
  double native_x, native_y;
  guint n = 0;

  if (event == NULL || native == NULL || gdk_event_get_event_type (event) != GDK_MOTION_NOTIFY)
    return;
  history = gdk_event_get_history (event, &n);
  gtk_native_get_surface_transform (native, &native_x, &native_y);
  for (guint i = 0; i < n; i++)
    {
      double x, y;

      if ((history[i].flags & GDK_AXIS_FLAG_X) != 0 && (history[i].flags & GDK_AXIS_FLAG_Y) != 0
          && gtk_widget_translate_coordinates (GTK_WIDGET (native), GTK_WIDGET (self->view),
                                               history[i].axes[GDK_AXIS_X] - native_x,
                                               history[i].axes[GDK_AXIS_Y] - native_y, &x, &y))
        add_point (self, x, y);
    }
}

static void
draw_to (EspRegionTool *self, double x, double y)
{
  double x0, y0, x1, y1;

  if (self->lasso)
    {
      add_history (self);
      add_point (self, x, y);
      if (self->points->len >= 3)
        take (self, esp_region_new_lasso ((EspRegionPoint *) (void *) self->points->data,
                                          self->points->len));
      return;
    }
  if (!esp_image_view_to_image (self->view, self->start[0], self->start[1], &x0, &y0)
      || !esp_image_view_to_image (self->view, x, y, &x1, &y1))
    return;
  take (self, esp_region_new ((int) lround (MIN (x0, x1)), (int) lround (MIN (y0, y1)),
                              (int) lround (fabs (x1 - x0)), (int) lround (fabs (y1 - y0))));
}

static void
on_drag_begin (EspRegionTool *self, double x, double y, GtkGesture *gesture)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
  self->start[0] = x;
  self->start[1] = y;
  g_clear_pointer (&self->before, esp_region_free);
  self->before = esp_region_copy (self->region);
  g_array_set_size (self->points, 0);
  self->doing = IDLE;
}

static void
begin_doing (EspRegionTool *self)
{
  if (!find_sides (self, self->start[0], self->start[1], &self->sides))
    {
      self->doing = DRAWING;
      if (self->lasso)
        add_point (self, self->start[0], self->start[1]);
    }
  else
    self->doing = has_sides (&self->sides) ? RESIZING : MOVING;
}

static void
on_drag_update (EspRegionTool *self, double dx, double dy, GtkGesture *gesture)
{
  const double zoom = esp_image_view_get_zoom (self->view)
                      / gtk_widget_get_scale_factor (GTK_WIDGET (self->view));

  if (self->doing == IDLE)
    {
      if (!gtk_drag_check_threshold (GTK_WIDGET (self->view), 0, 0, (int) dx, (int) dy))
        return;
      gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
      begin_doing (self);
    }
  if (self->doing == DRAWING)
    draw_to (self, self->start[0] + dx, self->start[1] + dy);
  else if (self->doing == MOVING)
    move_from (self, self->before, dx / zoom, dy / zoom);
  else
    resize_from (self, self->before, self->sides, dx / zoom, dy / zoom);
  tell (self);
}

static void
on_drag_end (EspRegionTool *self, double dx, double dy)
{
  if (self->doing == IDLE)
    return;
  /* What was too small to be meant leaves the one before. */
  if (self->region == NULL && self->before != NULL)
    take (self, esp_region_copy (self->before));
  self->doing = IDLE;
  g_array_set_size (self->points, 0);
  redraw (self);
  tell (self);
}

/* Two fingers: what the first of them did is taken back. */
static void
on_cancel (EspRegionTool *self)
{
  if (self->doing == IDLE)
    return;
  self->doing = IDLE;
  take (self, esp_region_copy (self->before));
  tell (self);
}

/* --- The keyboard ----------------------------------------------------------------------------- */

static gboolean
on_key_pressed (EspRegionTool *self, guint key, guint code, GdkModifierType state)
{
  const gboolean left = key == GDK_KEY_Left || key == GDK_KEY_KP_Left;
  const gboolean right = key == GDK_KEY_Right || key == GDK_KEY_KP_Right;
  const gboolean up = key == GDK_KEY_Up || key == GDK_KEY_KP_Up;
  const gboolean down = key == GDK_KEY_Down || key == GDK_KEY_KP_Down;
  const double step = MAX (1, round (STEP / esp_image_view_get_zoom (self->view)));
  const Sides corner = { FALSE, FALSE, TRUE, TRUE };
  g_autoptr (EspRegion) from = NULL;
  int width, height;

  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0
      || !(left || right || up || down || key == GDK_KEY_space))
    return GDK_EVENT_PROPAGATE;
  esp_image_view_get_size (self->view, &width, &height);
  if (width == 0 || height == 0)
    return GDK_EVENT_PROPAGATE;
  from = esp_region_copy (self->region);
  if (from == NULL)
    take (self, esp_region_new ((int) (width * (1 - FIRST) / 2), (int) (height * (1 - FIRST) / 2),
                                (int) (width * FIRST), (int) (height * FIRST)));
  else if (key != GDK_KEY_space && (state & GDK_SHIFT_MASK) != 0)
    resize_from (self, from, corner, (right - left) * step, (down - up) * step);
  else if (key != GDK_KEY_space)
    move_from (self, from, (right - left) * step, (down - up) * step);
  tell (self);
  return GDK_EVENT_STOP;
}

/* --- What it is ------------------------------------------------------------------------------- */

gboolean
esp_region_tool_get_active (EspRegionTool *self)
{
  g_return_val_if_fail (ESP_IS_REGION_TOOL (self), FALSE);

  return self->active;
}

void
esp_region_tool_set_active (EspRegionTool *self, gboolean active)
{
  g_return_if_fail (ESP_IS_REGION_TOOL (self));

  if (self->active == (active ? 1 : 0))
    return;
  self->active = active ? 1 : 0;
  self->doing = IDLE;
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (self->drag),
                                              active ? GTK_PHASE_CAPTURE : GTK_PHASE_NONE);
  gtk_event_controller_set_propagation_phase (self->motion,
                                              active ? GTK_PHASE_TARGET : GTK_PHASE_NONE);
  gtk_event_controller_set_propagation_phase (self->keys,
                                              active ? GTK_PHASE_CAPTURE : GTK_PHASE_NONE);
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self->view), active ? "crosshair" : NULL);
  redraw (self);
}

const EspRegion *
esp_region_tool_get_region (EspRegionTool *self)
{
  g_return_val_if_fail (ESP_IS_REGION_TOOL (self), NULL);

  return self->region;
}

void
esp_region_tool_set_region (EspRegionTool *self, const EspRegion *region)
{
  g_return_if_fail (ESP_IS_REGION_TOOL (self));

  if (esp_region_equal (self->region, region))
    return;
  esp_region_free (self->region);
  self->region = esp_region_copy (region);
  redraw (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REGION]);
}

gboolean
esp_region_tool_get_lasso (EspRegionTool *self)
{
  g_return_val_if_fail (ESP_IS_REGION_TOOL (self), FALSE);

  return self->lasso;
}

void
esp_region_tool_set_lasso (EspRegionTool *self, gboolean lasso)
{
  g_return_if_fail (ESP_IS_REGION_TOOL (self));

  if (self->lasso == (lasso ? 1 : 0))
    return;
  self->lasso = lasso ? 1 : 0;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LASSO]);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static void
append_frame (GtkSnapshot *snapshot, const graphene_rect_t *box, float grow, const GdkRGBA *color)
{
  const GdkRGBA colors[4] = { *color, *color, *color, *color };
  const float lines[4] = { 1, 1, 1, 1 };
  graphene_rect_t rect = *box;
  GskRoundedRect frame;

  graphene_rect_inset (&rect, -grow, -grow);
  gsk_rounded_rect_init_from_rect (&frame, &rect, 0);
  gtk_snapshot_append_border (snapshot, &frame, lines, colors);
}

static void
append_handle (GtkSnapshot *snapshot, float x, float y)
{
  const float size = (float) HANDLE;

  gtk_snapshot_append_color (
      snapshot, &(GdkRGBA){ 0, 0, 0, 0.85f },
      &GRAPHENE_RECT_INIT (x - size / 2 - 1, y - size / 2 - 1, size + 2, size + 2));
  gtk_snapshot_append_color (snapshot, &(GdkRGBA){ 1, 1, 1, 1 },
                             &GRAPHENE_RECT_INIT (x - size / 2, y - size / 2, size, size));
}

static void
append_handles (GtkSnapshot *snapshot, const graphene_rect_t *box)
{
  for (int row = 0; row < 3; row++)
    for (int column = 0; column < 3; column++)
      if (row != 1 || column != 1)
        append_handle (snapshot, box->origin.x + box->size.width * (float) column / 2,
                       box->origin.y + box->size.height * (float) row / 2);
}

/* All of the image but the box. */
static void
shade_around (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *box)
{
  const float right = place->origin.x + place->size.width;
  const float bottom = place->origin.y + place->size.height;
  const float box_right = box->origin.x + box->size.width;
  const float box_bottom = box->origin.y + box->size.height;

  gtk_snapshot_append_color (snapshot, &shade,
                             &GRAPHENE_RECT_INIT (place->origin.x, place->origin.y,
                                                  place->size.width,
                                                  box->origin.y - place->origin.y));
  gtk_snapshot_append_color (
      snapshot, &shade,
      &GRAPHENE_RECT_INIT (place->origin.x, box_bottom, place->size.width, bottom - box_bottom));
  gtk_snapshot_append_color (snapshot, &shade,
                             &GRAPHENE_RECT_INIT (place->origin.x, box->origin.y,
                                                  box->origin.x - place->origin.x,
                                                  box->size.height));
  gtk_snapshot_append_color (
      snapshot, &shade,
      &GRAPHENE_RECT_INIT (box_right, box->origin.y, right - box_right, box->size.height));
}

static void
trace (EspRegionTool *self, cairo_t *cr)
{
  for (guint i = 0; i < self->region->points->len; i++)
    {
      const EspRegionPoint *point = &g_array_index (self->region->points, EspRegionPoint, i);
      double x, y;

      if (esp_image_view_from_image (self->view, point->x, point->y, &x, &y))
        cairo_line_to (cr, x, y);
    }
  cairo_close_path (cr);
}

/* Around and on a lasso: the only curve here, drawn once for a place. */
static GskRenderNode *
draw_lasso (EspRegionTool *self, const graphene_rect_t *place)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  graphene_rect_t seen;
  cairo_t *cr;

  graphene_rect_init (&seen, 0, 0, (float) gtk_widget_get_width (GTK_WIDGET (self->view)),
                      (float) gtk_widget_get_height (GTK_WIDGET (self->view)));
  if (!graphene_rect_intersection (&seen, place, &seen))
    seen = GRAPHENE_RECT_INIT (0, 0, 1, 1);
  cr = gtk_snapshot_append_cairo (snapshot, &seen);
  cairo_set_fill_rule (cr, CAIRO_FILL_RULE_EVEN_ODD);
  cairo_rectangle (cr, (double) place->origin.x, (double) place->origin.y,
                   (double) place->size.width, (double) place->size.height);
  cairo_new_sub_path (cr);
  trace (self, cr);
  gdk_cairo_set_source_rgba (cr, &shade);
  cairo_fill (cr);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  trace (self, cr);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.85);
  cairo_set_line_width (cr, 3);
  cairo_stroke_preserve (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
  cairo_destroy (cr);
  return gtk_snapshot_free_to_node (snapshot);
}

void
esp_region_tool_snapshot (EspRegionTool *self, GtkSnapshot *snapshot, const graphene_rect_t *place)
{
  const gboolean lasso = self->region != NULL && self->region->points != NULL;
  graphene_rect_t box;

  if (!get_box (self, &box))
    return;
  if (lasso)
    {
      if (self->lasso_node == NULL || !graphene_rect_equal (&self->lasso_place, place))
        {
          g_clear_pointer (&self->lasso_node, gsk_render_node_unref);
          self->lasso_node = draw_lasso (self, place);
          self->lasso_place = *place;
        }
      if (self->lasso_node != NULL)
        gtk_snapshot_append_node (snapshot, self->lasso_node);
    }
  else
    {
      shade_around (snapshot, place, &box);
      append_frame (snapshot, &box, 1, &(GdkRGBA){ 0, 0, 0, 0.85f });
      append_frame (snapshot, &box, 0, &(GdkRGBA){ 1, 1, 1, 1 });
    }
  if (self->active && (!lasso || self->doing != DRAWING))
    append_handles (snapshot, &box);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_region_tool_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspRegionTool *self = ESP_REGION_TOOL (object);

  switch (prop_id)
    {
    case PROP_REGION:
      g_value_set_boxed (value, self->region);
      break;
    case PROP_LASSO:
      g_value_set_boolean (value, self->lasso);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_region_tool_set_property (GObject *object, guint prop_id, const GValue *value,
                              GParamSpec *pspec)
{
  EspRegionTool *self = ESP_REGION_TOOL (object);

  switch (prop_id)
    {
    case PROP_REGION:
      esp_region_tool_set_region (self, g_value_get_boxed (value));
      break;
    case PROP_LASSO:
      esp_region_tool_set_lasso (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_region_tool_dispose (GObject *object)
{
  EspRegionTool *self = ESP_REGION_TOOL (object);

  if (self->view != NULL)
    {
      gtk_widget_remove_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (self->drag));
      gtk_widget_remove_controller (GTK_WIDGET (self->view), self->motion);
      gtk_widget_remove_controller (GTK_WIDGET (self->view), self->keys);
    }
  g_clear_object (&self->view);
  g_clear_pointer (&self->region, esp_region_free);
  g_clear_pointer (&self->before, esp_region_free);
  g_clear_pointer (&self->points, g_array_unref);
  g_clear_pointer (&self->lasso_node, gsk_render_node_unref);

  G_OBJECT_CLASS (esp_region_tool_parent_class)->dispose (object);
}

static void
esp_region_tool_class_init (EspRegionToolClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = esp_region_tool_get_property;
  object_class->set_property = esp_region_tool_set_property;
  object_class->dispose = esp_region_tool_dispose;

  properties[PROP_REGION] = g_param_spec_boxed ("region", NULL, NULL, ESP_TYPE_REGION, flags);
  properties[PROP_LASSO] = g_param_spec_boolean ("lasso", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_REGION_TOOL, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_region_tool_init (EspRegionTool *self)
{
  self->points = g_array_new (FALSE, FALSE, sizeof (EspRegionPoint));
}

EspRegionTool *
esp_region_tool_new (EspImageView *view)
{
  EspRegionTool *self;

  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (view), NULL);

  self = g_object_new (ESP_TYPE_REGION_TOOL, NULL);
  self->view = g_object_ref (view);
  self->drag = gtk_gesture_drag_new ();
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (self->drag), GDK_BUTTON_PRIMARY);
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (self->drag), GTK_PHASE_NONE);
  g_signal_connect_swapped (self->drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect_swapped (self->drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect_swapped (self->drag, "drag-end", G_CALLBACK (on_drag_end), self);
  g_signal_connect_swapped (self->drag, "cancel", G_CALLBACK (on_cancel), self);
  gtk_widget_add_controller (GTK_WIDGET (view), GTK_EVENT_CONTROLLER (self->drag));

  self->motion = gtk_event_controller_motion_new ();
  gtk_event_controller_set_propagation_phase (self->motion, GTK_PHASE_NONE);
  g_signal_connect_swapped (self->motion, "motion", G_CALLBACK (on_motion), self);
  gtk_widget_add_controller (GTK_WIDGET (view), self->motion);

  self->keys = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (self->keys, GTK_PHASE_NONE);
  g_signal_connect_swapped (self->keys, "key-pressed", G_CALLBACK (on_key_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (view), self->keys);
  return self;
}
