/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-brush.c: see esp-brush.h. */
#define G_LOG_DOMAIN "espalier-mask"

#include "esp-brush.h"

#include <math.h>

#define STEP      8   /* px of the screen, one press of an arrow */
#define FAST      8   /* times that with Shift */
#define SIZE_STEP 1.2 /* times, one press of a bracket */
#define LIGHTEST  0.2 /* share of the size of a pen that is hardly pressed */
#define HARDER    0.1
#define DOT       2.0f /* px of the screen: the middle */

struct _EspBrush
{
  GObject parent_instance;

  EspImageView *view; /* owns the controllers; outlives the brush */
  GtkGesture *drag;
  GtkEventController *motion, *keys;

  double size, hardness;
  double x, y;     /* px of the image */
  double start[2]; /* of the gesture, px of the view */
  double radius;   /* of the stroke under way */

  guint active : 1;
  guint erasing : 1;
  guint present : 1;     /* (x, y) means something */
  guint by_keyboard : 1; /* it is where the keyboard has brought it */
  guint painting : 1;
  guint stroke_erases : 1;
  guint held : 1; /* Space */
};

G_DEFINE_FINAL_TYPE (EspBrush, esp_brush, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ERASING,
  PROP_SIZE,
  PROP_HARDNESS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  STROKE,
  STROKE_ENDED,
  MOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
redraw (EspBrush *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self->view));
}

/* --- Strokes ---------------------------------------------------------------------------------- */

static void
stroke_to (EspBrush *self, double x, double y, double radius)
{
  g_signal_emit (self, signals[STROKE], 0, self->x, self->y, x, y, radius,
                 (gboolean) self->stroke_erases);
  self->x = x;
  self->y = y;
  self->radius = radius;
}

static void
begin_stroke (EspBrush *self, double x, double y, double radius, gboolean opposite)
{
  self->painting = TRUE;
  self->stroke_erases = (self->erasing != 0) != (opposite != 0);
  self->present = TRUE;
  self->x = x;
  self->y = y;
  stroke_to (self, x, y, radius);
  redraw (self);
}

static void
end_stroke (EspBrush *self)
{
  self->held = FALSE;
  if (!self->painting)
    return;
  self->painting = FALSE;
  g_signal_emit (self, signals[STROKE_ENDED], 0);
  redraw (self);
}

/* --- The hand --------------------------------------------------------------------------------- */

/* By the pressure, where the device tells one. */
static double
get_radius (EspBrush *self, GdkEvent *event)
{
  double pressure;

  if (event != NULL && gdk_event_get_device_tool (event) != NULL
      && gdk_event_get_axis (event, GDK_AXIS_PRESSURE, &pressure))
    return MAX (self->size / 2 * (LIGHTEST + (1 - LIGHTEST) * CLAMP (pressure, 0, 1)), 0.5);
  return self->size / 2;
}

static gboolean
is_opposite (GdkEvent *event)
{
  GdkDeviceTool *tool = event != NULL ? gdk_event_get_device_tool (event) : NULL;

  return event != NULL
         && ((gdk_event_get_modifier_state (event) & GDK_CONTROL_MASK) != 0
             || (tool != NULL
                 && gdk_device_tool_get_tool_type (tool) == GDK_DEVICE_TOOL_TYPE_ERASER));
}

static gboolean
is_finger (GdkEvent *event)
{
  return event != NULL && gdk_event_get_event_type (event) >= GDK_TOUCH_BEGIN
         && gdk_event_get_event_type (event) <= GDK_TOUCH_CANCEL;
}

static GdkEvent *
get_event (GtkGesture *gesture)
{
  return gtk_gesture_get_last_event (
      gesture, gtk_gesture_single_get_current_sequence (GTK_GESTURE_SINGLE (gesture)));
}

static void
begin_at (EspBrush *self, double x, double y, GdkEvent *event)
{
  double image_x, image_y;

  if (esp_image_view_to_image (self->view, x, y, &image_x, &image_y))
    begin_stroke (self, image_x, image_y, get_radius (self, event), is_opposite (event));
}

/* A finger may be the first of two: it paints once it has moved, or is lifted in its place. */
static void
on_drag_begin (EspBrush *self, double x, double y, GtkGesture *gesture)
{
  GdkEvent *event = get_event (gesture);

  end_stroke (self); /* the keyboard's */
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
  self->by_keyboard = FALSE;
  self->start[0] = x;
  self->start[1] = y;
  if (is_finger (event))
    return;
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  begin_at (self, x, y, event);
}

static void
on_drag_update (EspBrush *self, double dx, double dy, GtkGesture *gesture)
{
  GdkEvent *event = get_event (gesture);
  double x, y;

  if (!self->painting)
    {
      if (!gtk_drag_check_threshold (GTK_WIDGET (self->view), 0, 0, (int) dx, (int) dy))
        return;
      gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
      begin_at (self, self->start[0], self->start[1], event);
    }
  if (self->painting
      && esp_image_view_to_image (self->view, self->start[0] + dx, self->start[1] + dy, &x, &y))
    {
      stroke_to (self, x, y, get_radius (self, event));
      redraw (self);
    }
}

static void
on_drag_end (EspBrush *self, double dx, double dy, GtkGesture *gesture)
{
  GdkEvent *event = get_event (gesture);

  if (!self->painting && event != NULL && gdk_event_get_event_type (event) == GDK_TOUCH_END)
    begin_at (self, self->start[0], self->start[1], event);
  end_stroke (self);
}

/* It was something else (two fingers), or it was taken away. */
static void
on_cancel (EspBrush *self)
{
  end_stroke (self);
}

static void
on_motion (EspBrush *self, double x, double y)
{
  double image_x, image_y;

  if (self->painting || !esp_image_view_to_image (self->view, x, y, &image_x, &image_y))
    return;
  if (self->by_keyboard && fabs (image_x - self->x) < 0.01 && fabs (image_y - self->y) < 0.01)
    return;
  self->by_keyboard = FALSE;
  self->present = TRUE;
  self->x = image_x;
  self->y = image_y;
  redraw (self);
}

static void
on_leave (EspBrush *self)
{
  if (self->painting || self->by_keyboard)
    return;
  self->present = FALSE;
  redraw (self);
}

/* --- The keyboard ----------------------------------------------------------------------------- */

/* Shows the place, in the middle if it was not to be seen. */
static void
reveal (EspBrush *self)
{
  GtkWidget *view = GTK_WIDGET (self->view);
  int width, height;
  double x, y;

  if (!esp_image_view_from_image (self->view, self->x, self->y, &x, &y)
      || (x >= 0 && y >= 0 && x <= gtk_widget_get_width (view)
          && y <= gtk_widget_get_height (view)))
    return;
  esp_image_view_get_size (self->view, &width, &height);
  esp_image_view_set_viewport (self->view, esp_image_view_get_fit (self->view),
                               esp_image_view_get_zoom (self->view), self->x / width,
                               self->y / height);
}

/* Where the keyboard begins: where the brush is, else in the middle of what is seen. */
static gboolean
call (EspBrush *self)
{
  int width, height;
  double x, y;

  esp_image_view_get_size (self->view, &width, &height);
  if (width == 0 || height == 0)
    return FALSE;
  if (!self->present)
    {
      esp_image_view_get_middle (self->view, &x, &y);
      self->x = x * width;
      self->y = y * height;
    }
  self->present = TRUE;
  self->by_keyboard = TRUE;
  return TRUE;
}

static void
move (EspBrush *self, int dx, int dy, gboolean fast)
{
  const double zoom = esp_image_view_get_zoom (self->view);
  const double step = MAX (1, STEP / zoom) * (fast ? FAST : 1);
  int width, height;
  double x, y;

  if (!call (self))
    return;
  esp_image_view_get_size (self->view, &width, &height);
  x = CLAMP (self->x + dx * step, 0, width);
  y = CLAMP (self->y + dy * step, 0, height);
  if (self->painting)
    stroke_to (self, x, y, self->size / 2);
  self->x = x;
  self->y = y;
  reveal (self);
  redraw (self);
  g_signal_emit (self, signals[MOVED], 0);
}

static void
begin_here (EspBrush *self)
{
  if (!self->painting && call (self))
    begin_stroke (self, self->x, self->y, self->size / 2, FALSE);
  g_signal_emit (self, signals[MOVED], 0);
}

static gboolean
is_arrow (guint key, int *dx, int *dy)
{
  *dx = key == GDK_KEY_Left || key == GDK_KEY_KP_Left     ? -1
        : key == GDK_KEY_Right || key == GDK_KEY_KP_Right ? 1
                                                          : 0;
  *dy = key == GDK_KEY_Up || key == GDK_KEY_KP_Up       ? -1
        : key == GDK_KEY_Down || key == GDK_KEY_KP_Down ? 1
                                                        : 0;
  return *dx != 0 || *dy != 0;
}

/* Told also where it is so already. */
static void
choose (EspBrush *self, gboolean erasing)
{
  if (self->erasing == (erasing ? 1 : 0))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERASING]);
  else
    esp_brush_set_erasing (self, erasing);
}

gboolean
esp_brush_press_key (EspBrush *self, guint key, GdkModifierType state)
{
  g_return_val_if_fail (ESP_IS_BRUSH (self), FALSE);

  if (!self->active || (state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0)
    return FALSE;
  switch (key)
    {
    case GDK_KEY_b:
    case GDK_KEY_B:
      choose (self, FALSE);
      return TRUE;
    case GDK_KEY_e:
    case GDK_KEY_E:
      choose (self, TRUE);
      return TRUE;
    case GDK_KEY_bracketleft:
      esp_brush_set_size (self, esp_brush_next_size (self->size, FALSE));
      return TRUE;
    case GDK_KEY_bracketright:
      esp_brush_set_size (self, esp_brush_next_size (self->size, TRUE));
      return TRUE;
    case GDK_KEY_braceleft:
      esp_brush_set_hardness (self, self->hardness - HARDER);
      return TRUE;
    case GDK_KEY_braceright:
      esp_brush_set_hardness (self, self->hardness + HARDER);
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
on_key_pressed (EspBrush *self, guint key, guint code, GdkModifierType state)
{
  int dx, dy;

  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0)
    return GDK_EVENT_PROPAGATE;
  if (is_arrow (key, &dx, &dy))
    {
      move (self, dx, dy, (state & GDK_SHIFT_MASK) != 0);
      return GDK_EVENT_STOP;
    }
  if (key == GDK_KEY_space || key == GDK_KEY_KP_Space)
    {
      if (!self->held && self->painting) /* Return began it */
        end_stroke (self);
      else if (!self->held)
        {
          self->held = TRUE;
          begin_here (self);
        }
      return GDK_EVENT_STOP;
    }
  if (key == GDK_KEY_Return || key == GDK_KEY_KP_Enter)
    {
      if (self->painting)
        {
          end_stroke (self);
          g_signal_emit (self, signals[MOVED], 0);
        }
      else
        begin_here (self);
      return GDK_EVENT_STOP;
    }
  return GDK_EVENT_PROPAGATE;
}

static void
on_key_released (EspBrush *self, guint key, guint code, GdkModifierType state)
{
  if (self->held && (key == GDK_KEY_space || key == GDK_KEY_KP_Space))
    {
      end_stroke (self);
      g_signal_emit (self, signals[MOVED], 0);
    }
}

/* --- What it is ------------------------------------------------------------------------------- */

gboolean
esp_brush_get_active (EspBrush *self)
{
  g_return_val_if_fail (ESP_IS_BRUSH (self), FALSE);

  return self->active;
}

void
esp_brush_set_active (EspBrush *self, gboolean active)
{
  g_return_if_fail (ESP_IS_BRUSH (self));

  if (self->active == (active ? 1 : 0))
    return;
  end_stroke (self);
  self->active = active ? 1 : 0;
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (self->drag),
                                              active ? GTK_PHASE_CAPTURE : GTK_PHASE_NONE);
  gtk_event_controller_set_propagation_phase (self->motion,
                                              active ? GTK_PHASE_TARGET : GTK_PHASE_NONE);
  gtk_event_controller_set_propagation_phase (self->keys,
                                              active ? GTK_PHASE_CAPTURE : GTK_PHASE_NONE);
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self->view), active ? "crosshair" : NULL);
  redraw (self);
}

void
esp_brush_put_away (EspBrush *self)
{
  g_return_if_fail (ESP_IS_BRUSH (self));

  end_stroke (self);
  self->present = self->by_keyboard = FALSE;
  redraw (self);
}

gboolean
esp_brush_get_erasing (EspBrush *self)
{
  g_return_val_if_fail (ESP_IS_BRUSH (self), FALSE);

  return self->erasing;
}

void
esp_brush_set_erasing (EspBrush *self, gboolean erasing)
{
  g_return_if_fail (ESP_IS_BRUSH (self));

  if (self->erasing == (erasing ? 1 : 0))
    return;
  self->erasing = erasing ? 1 : 0;
  redraw (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERASING]);
}

double
esp_brush_get_size (EspBrush *self)
{
  g_return_val_if_fail (ESP_IS_BRUSH (self), 1);

  return self->size;
}

void
esp_brush_set_size (EspBrush *self, double size)
{
  g_return_if_fail (ESP_IS_BRUSH (self));

  size = CLAMP (size, ESP_BRUSH_MIN_SIZE, ESP_BRUSH_MAX_SIZE);
  if (self->size == size)
    return;
  self->size = size;
  redraw (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SIZE]);
}

double
esp_brush_get_hardness (EspBrush *self)
{
  g_return_val_if_fail (ESP_IS_BRUSH (self), 1);

  return self->hardness;
}

void
esp_brush_set_hardness (EspBrush *self, double hardness)
{
  g_return_if_fail (ESP_IS_BRUSH (self));

  hardness = CLAMP (hardness, 0, 1);
  if (self->hardness == hardness)
    return;
  self->hardness = hardness;
  redraw (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HARDNESS]);
}

double
esp_brush_next_size (double size, gboolean larger)
{
  const double next = larger ? MAX (round (size * SIZE_STEP), size + 1)
                             : MIN (round (size / SIZE_STEP), size - 1);

  return CLAMP (next, ESP_BRUSH_MIN_SIZE, ESP_BRUSH_MAX_SIZE);
}

gboolean
esp_brush_is_painting (EspBrush *self)
{
  g_return_val_if_fail (ESP_IS_BRUSH (self), FALSE);

  return self->painting;
}

gboolean
esp_brush_get_place (EspBrush *self, double *x, double *y)
{
  g_return_val_if_fail (ESP_IS_BRUSH (self), FALSE);

  *x = self->x;
  *y = self->y;
  return self->present;
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static void
append_ring (GtkSnapshot *snapshot, double x, double y, double radius, const GdkRGBA *color,
             float line)
{
  const GdkRGBA colors[4] = { *color, *color, *color, *color };
  const float lines[4] = { line, line, line, line };
  GskRoundedRect ring;

  gsk_rounded_rect_init_from_rect (&ring,
                                   &GRAPHENE_RECT_INIT ((float) (x - radius), (float) (y - radius),
                                                        (float) radius * 2, (float) radius * 2),
                                   (float) radius);
  gtk_snapshot_append_border (snapshot, &ring, lines, colors);
}

void
esp_brush_snapshot (EspBrush *self, GtkSnapshot *snapshot)
{
  const GdkRGBA white = { 1, 1, 1, 1 }, black = { 0, 0, 0, 0.85f };
  const double density = gtk_widget_get_scale_factor (GTK_WIDGET (self->view));
  const double size = self->painting ? self->radius * 2 : self->size;
  double x, y, radius;

  if (!self->active || !self->present
      || !esp_image_view_from_image (self->view, self->x, self->y, &x, &y))
    return;
  radius = MAX (size / 2 * esp_image_view_get_zoom (self->view) / density, 2);
  /* White in black: one of them is seen on any picture. */
  append_ring (snapshot, x, y, radius + 1.5, &black, 3);
  append_ring (snapshot, x, y, radius + 0.5, &white, 1);
  if (self->hardness < 0.95 && radius * self->hardness > 3)
    append_ring (snapshot, x, y, radius * self->hardness, &(GdkRGBA){ 1, 1, 1, 0.6f }, 1);
  if (radius < 8 && !self->by_keyboard)
    return;
  gtk_snapshot_append_color (
      snapshot, &black, &GRAPHENE_RECT_INIT ((float) x - DOT, (float) y - DOT, 2 * DOT, 2 * DOT));
  gtk_snapshot_append_color (
      snapshot, &white, &GRAPHENE_RECT_INIT ((float) x - DOT / 2, (float) y - DOT / 2, DOT, DOT));
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_brush_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspBrush *self = ESP_BRUSH (object);

  switch (prop_id)
    {
    case PROP_ERASING:
      g_value_set_boolean (value, self->erasing);
      break;
    case PROP_SIZE:
      g_value_set_double (value, self->size);
      break;
    case PROP_HARDNESS:
      g_value_set_double (value, self->hardness);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_brush_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  EspBrush *self = ESP_BRUSH (object);

  switch (prop_id)
    {
    case PROP_ERASING:
      esp_brush_set_erasing (self, g_value_get_boolean (value));
      break;
    case PROP_SIZE:
      esp_brush_set_size (self, g_value_get_double (value));
      break;
    case PROP_HARDNESS:
      esp_brush_set_hardness (self, g_value_get_double (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_brush_dispose (GObject *object)
{
  EspBrush *self = ESP_BRUSH (object);

  if (self->view != NULL)
    {
      gtk_widget_remove_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (self->drag));
      gtk_widget_remove_controller (GTK_WIDGET (self->view), self->motion);
      gtk_widget_remove_controller (GTK_WIDGET (self->view), self->keys);
    }
  g_clear_object (&self->view);

  G_OBJECT_CLASS (esp_brush_parent_class)->dispose (object);
}

static void
esp_brush_class_init (EspBrushClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = esp_brush_get_property;
  object_class->set_property = esp_brush_set_property;
  object_class->dispose = esp_brush_dispose;

  properties[PROP_ERASING] = g_param_spec_boolean ("erasing", NULL, NULL, FALSE, flags);
  properties[PROP_SIZE] = g_param_spec_double ("size", NULL, NULL, ESP_BRUSH_MIN_SIZE,
                                               ESP_BRUSH_MAX_SIZE, ESP_BRUSH_MIN_SIZE, flags);
  properties[PROP_HARDNESS] = g_param_spec_double ("hardness", NULL, NULL, 0, 1, 1, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[STROKE] = g_signal_new ("stroke", ESP_TYPE_BRUSH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 6, G_TYPE_DOUBLE, G_TYPE_DOUBLE, G_TYPE_DOUBLE,
                                  G_TYPE_DOUBLE, G_TYPE_DOUBLE, G_TYPE_BOOLEAN);
  signals[STROKE_ENDED] = g_signal_new ("stroke-ended", ESP_TYPE_BRUSH, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 0);
  signals[MOVED] = g_signal_new ("moved", ESP_TYPE_BRUSH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
esp_brush_init (EspBrush *self)
{
  self->size = 40;
  self->hardness = 0.8;
}

EspBrush *
esp_brush_new (EspImageView *view)
{
  EspBrush *self;

  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (view), NULL);

  self = g_object_new (ESP_TYPE_BRUSH, NULL);
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
  g_signal_connect_swapped (self->motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (self->motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (self->motion, "leave", G_CALLBACK (on_leave), self);
  gtk_widget_add_controller (GTK_WIDGET (view), self->motion);

  self->keys = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (self->keys, GTK_PHASE_NONE);
  g_signal_connect_swapped (self->keys, "key-pressed", G_CALLBACK (on_key_pressed), self);
  g_signal_connect_swapped (self->keys, "key-released", G_CALLBACK (on_key_released), self);
  gtk_widget_add_controller (GTK_WIDGET (view), self->keys);
  return self;
}
