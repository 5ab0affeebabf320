/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-divider.c: the dividing line as a widget: drawn, dragged, turned, moved by keys. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-divider.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define HIT      22   /* px from the line that take the pointer */
#define RADIUS   16   /* px, of the handle */
#define LINE     2    /* px, its light part */
#define EDGE     1    /* px, dark, on both sides of it */
#define STEP     0.01 /* of the way, a key */
#define PAGE     0.1
#define SNAP     4.0  /* degrees: this near to a multiple of 45 the pointer means that */
#define UPRIGHT  0.92 /* of the normal's part: the line is nearly upright */
#define SIDEWAYS 0.1  /* less than this of a key's direction moves nothing */

struct _EspCompareDivider
{
  GtkWidget parent_instance;

  EspImageView *view; /* weak */
  double position, angle;
  double start_position; /* of a drag */
  double pivot_x, pivot_y;
  guint turning : 1; /* the drag turns it */
  guint hovered : 1;
};

G_DEFINE_FINAL_TYPE (EspCompareDivider, esp_compare_divider, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_POSITION,
  PROP_ANGLE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

/* What is seen of the frame. */
static gboolean
get_area (EspCompareDivider *self, graphene_rect_t *area)
{
  graphene_rect_t place, own;

  graphene_rect_init (&own, 0, 0, (float) gtk_widget_get_width (GTK_WIDGET (self)),
                      (float) gtk_widget_get_height (GTK_WIDGET (self)));
  if (self->view == NULL)
    return FALSE;
  esp_image_view_get_place (self->view, &place);
  return graphene_rect_intersection (&place, &own, area) && area->size.width > 0
         && area->size.height > 0;
}

static gboolean
is_rtl (EspCompareDivider *self)
{
  return gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
}

EspCompareLine
esp_compare_divider_get_line (EspCompareDivider *self)
{
  graphene_rect_t area = GRAPHENE_RECT_INIT (0, 0, 1, 1);

  g_return_val_if_fail (ESP_IS_COMPARE_DIVIDER (self), ((EspCompareLine){ 0 }));

  get_area (self, &area);
  return esp_compare_line_place (&area, self->position, self->angle, is_rtl (self));
}

/* --- Values ----------------------------------------------------------------------------------- */

static void
update_accessible (EspCompareDivider *self)
{
  g_autofree char *text = NULL, *name = NULL;

  if (self->angle == 0)
    text = g_strdup_printf (_ ("%.0f %%"), self->position * 100);
  else
    /* Translators: the line between two images: how far it is, and how it is turned. */
    text = g_strdup_printf (_ ("%.0f %%, turned by %.0f°"), self->position * 100, self->angle);
  /* Translators: a line between two images; %s is where it is, as in "50 %" */
  name = g_strdup_printf (_ ("Dividing line: %s"), text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_NOW,
                                  self->position * 100, GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, text,
                                  /* GTK 4.8 tells nobody of values but of its own widgets' */
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static void
changed (EspCompareDivider *self, int prop)
{
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  if (self->view != NULL)
    gtk_widget_queue_draw (GTK_WIDGET (self->view));
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

double
esp_compare_divider_get_position (EspCompareDivider *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_DIVIDER (self), 0.5);

  return self->position;
}

void
esp_compare_divider_set_position (EspCompareDivider *self, double position)
{
  g_return_if_fail (ESP_IS_COMPARE_DIVIDER (self));

  position = CLAMP (position, 0, 1);
  if (position == self->position)
    return;
  self->position = position;
  changed (self, PROP_POSITION);
}

double
esp_compare_divider_get_angle (EspCompareDivider *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_DIVIDER (self), 0);

  return self->angle;
}

/* Half a turn gives the same line with the sides exchanged; that is the swap button's. */
void
esp_compare_divider_set_angle (EspCompareDivider *self, double degrees)
{
  g_return_if_fail (ESP_IS_COMPARE_DIVIDER (self));
  g_return_if_fail (isfinite (degrees));

  degrees = remainder (degrees, 180);
  if (degrees <= -90)
    degrees += 180;
  if (degrees == self->angle)
    return;
  self->angle = degrees;
  changed (self, PROP_ANGLE);
}

/* Turns it about a point, which it goes through then. */
static void
turn_about (EspCompareDivider *self, double degrees, double x, double y)
{
  graphene_rect_t area;
  EspCompareLine line;
  double reach;

  esp_compare_divider_set_angle (self, degrees);
  if (!get_area (self, &area))
    return;
  line = esp_compare_divider_get_line (self);
  reach = (fabs (line.normal_x) * area.size.width + fabs (line.normal_y) * area.size.height) / 2;
  x -= area.origin.x + area.size.width / 2;
  y -= area.origin.y + area.size.height / 2;
  esp_compare_divider_set_position (self,
                                    ((x * line.normal_x + y * line.normal_y) / reach + 1) / 2);
}

void
esp_compare_divider_turn (EspCompareDivider *self, double degrees)
{
  EspCompareLine line;

  g_return_if_fail (ESP_IS_COMPARE_DIVIDER (self));

  line = esp_compare_divider_get_line (self);
  turn_about (self, self->angle + degrees, line.x, line.y);
}

void
esp_compare_divider_reset (EspCompareDivider *self)
{
  esp_compare_divider_set_angle (self, 0);
  esp_compare_divider_set_position (self, 0.5);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static void
append_centred (GtkSnapshot *snapshot, double width, double height, const GdkRGBA *color)
{
  gtk_snapshot_append_color (snapshot, color,
                             &GRAPHENE_RECT_INIT ((float) (-width / 2), (float) (-height / 2),
                                                  (float) width, (float) height));
}

static void
append_disc (GtkSnapshot *snapshot, double radius, const GdkRGBA *color)
{
  GskRoundedRect disc;

  gsk_rounded_rect_init_from_rect (&disc,
                                   &GRAPHENE_RECT_INIT ((float) -radius, (float) -radius,
                                                        (float) radius * 2, (float) radius * 2),
                                   (float) radius);
  gtk_snapshot_push_rounded_clip (snapshot, &disc);
  gtk_snapshot_append_color (snapshot, color, &disc.bounds);
  gtk_snapshot_pop (snapshot);
}

/* Two arrow heads that point away from the line. */
static void
append_arrows (GtkSnapshot *snapshot, const GdkRGBA *color)
{
  const double tip = RADIUS - 5, base = 4, half = 5;
  cairo_t *cr = gtk_snapshot_append_cairo (
      snapshot, &GRAPHENE_RECT_INIT (-RADIUS, -RADIUS, RADIUS * 2, RADIUS * 2));

  gdk_cairo_set_source_rgba (cr, color);
  for (int side = -1; side <= 1; side += 2)
    {
      cairo_move_to (cr, side * tip, 0);
      cairo_line_to (cr, side * base, -half);
      cairo_line_to (cr, side * base, half);
      cairo_close_path (cr);
    }
  cairo_fill (cr);
  cairo_destroy (cr);
}

static void
esp_compare_divider_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  static const GdkRGBA light = { 1, 1, 1, 1 }, dark = { 0, 0, 0, 0.6f }, ink = { 0, 0, 0, 0.8f };
  EspCompareDivider *self = ESP_COMPARE_DIVIDER (widget);
  const gboolean focused
      = (gtk_widget_get_state_flags (widget) & GTK_STATE_FLAG_FOCUS_VISIBLE) != 0;
  EspCompareLine line;
  graphene_rect_t area;
  GdkRGBA accent;

  if (!get_area (self, &area))
    return;
  line = esp_compare_divider_get_line (self);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot,
                          &GRAPHENE_POINT_INIT ((float) round (line.x), (float) round (line.y)));
  gtk_snapshot_rotate (snapshot, (float) (atan2 (line.normal_y, line.normal_x) * 180 / G_PI));
  append_centred (snapshot, LINE + 2 * EDGE, line.length, &dark);
  append_centred (snapshot, LINE, line.length, &light);
  if (focused
      && gtk_style_context_lookup_color (gtk_widget_get_style_context (widget), "accent_color",
                                         &accent))
    append_disc (snapshot, RADIUS + 5, &accent);
  append_disc (snapshot, RADIUS + 2, &dark);
  append_disc (snapshot, self->hovered ? RADIUS + 1 : RADIUS, &light);
  append_arrows (snapshot, &ink);
  gtk_snapshot_restore (snapshot);
}

/* Whether the keyboard is on it is drawn here, of which the style knows nothing. */
static void
esp_compare_divider_state_flags_changed (GtkWidget *widget, GtkStateFlags before)
{
  GTK_WIDGET_CLASS (esp_compare_divider_parent_class)->state_flags_changed (widget, before);
  gtk_widget_queue_draw (widget);
}

/* --- The pointer ------------------------------------------------------------------------------ */

static double
get_distance (EspCompareDivider *self, double x, double y)
{
  const EspCompareLine line = esp_compare_divider_get_line (self);

  return fabs ((x - line.x) * line.normal_x + (y - line.y) * line.normal_y);
}

static gboolean
esp_compare_divider_contains (GtkWidget *widget, double x, double y)
{
  EspCompareDivider *self = ESP_COMPARE_DIVIDER (widget);
  graphene_rect_t area;

  if (!get_area (self, &area))
    return FALSE;
  graphene_rect_inset (&area, -HIT, -HIT);
  return graphene_rect_contains_point (&area, &GRAPHENE_POINT_INIT ((float) x, (float) y))
         && get_distance (self, x, y) <= HIT;
}

static void
update_cursor (EspCompareDivider *self)
{
  const EspCompareLine line = esp_compare_divider_get_line (self);
  const char *cursor = "move";

  if (fabs (line.normal_x) > UPRIGHT)
    cursor = "col-resize";
  else if (fabs (line.normal_y) > UPRIGHT)
    cursor = "row-resize";
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), cursor);
}

static void
on_enter (EspCompareDivider *self)
{
  self->hovered = TRUE;
  update_cursor (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_leave (EspCompareDivider *self)
{
  self->hovered = FALSE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_drag_begin (EspCompareDivider *self, double x, double y, GtkGesture *gesture)
{
  const GdkModifierType state
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (gesture));

  const EspCompareLine line = esp_compare_divider_get_line (self);

  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->start_position = self->position;
  self->pivot_x = line.x;
  self->pivot_y = line.y;
  self->turning = (state & GDK_SHIFT_MASK) != 0
                  || gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture))
                         == GDK_BUTTON_SECONDARY;
}

/* The line goes through the pointer. */
static void
turn_to (EspCompareDivider *self, double x, double y)
{
  const double dx = (x - self->pivot_x) * (is_rtl (self) ? -1 : 1), dy = y - self->pivot_y;
  double degrees, nearest;

  if (hypot (dx, dy) < HIT)
    return;
  degrees = atan2 (dy, dx) * 180 / G_PI - 90;
  nearest = round (degrees / 45) * 45;
  turn_about (self, fabs (degrees - nearest) < SNAP ? nearest : degrees, self->pivot_x,
              self->pivot_y);
}

static void
on_drag_update (EspCompareDivider *self, double dx, double dy, GtkGesture *gesture)
{
  const EspCompareLine line = esp_compare_divider_get_line (self);
  graphene_rect_t area;
  double x, y, way;

  if (!get_area (self, &area))
    return;
  if (self->turning && gtk_gesture_drag_get_start_point (GTK_GESTURE_DRAG (gesture), &x, &y))
    {
      turn_to (self, x + dx, y + dy);
      return;
    }
  way = fabs (line.normal_x) * area.size.width + fabs (line.normal_y) * area.size.height;
  esp_compare_divider_set_position (self, self->start_position
                                              + (dx * line.normal_x + dy * line.normal_y) / way);
}

static void
on_drag_end (EspCompareDivider *self)
{
  update_cursor (self);
}

/* --- Keys ------------------------------------------------------------------------------------- */

/* The way that a key points to; where that is along the line, up and right are more. */
static gboolean
move (GtkWidget *widget, GVariant *args, gpointer data)
{
  EspCompareDivider *self = ESP_COMPARE_DIVIDER (widget);
  const EspCompareLine line = esp_compare_divider_get_line (self);
  int x, y;
  double step, way;

  g_variant_get (args, "(iid)", &x, &y, &step);
  way = x * line.normal_x + y * line.normal_y;
  if (fabs (way) < SIDEWAYS)
    way = x - y;
  esp_compare_divider_set_position (self, self->position + (way > 0 ? step : -step));
  return GDK_EVENT_STOP;
}

static gboolean
turn (GtkWidget *widget, GVariant *args, gpointer data)
{
  esp_compare_divider_turn (ESP_COMPARE_DIVIDER (widget), g_variant_get_double (args));
  return GDK_EVENT_STOP;
}

static gboolean
go_to (GtkWidget *widget, GVariant *args, gpointer data)
{
  esp_compare_divider_set_position (ESP_COMPARE_DIVIDER (widget), g_variant_get_double (args));
  return GDK_EVENT_STOP;
}

static gboolean
page (GtkWidget *widget, GVariant *args, gpointer data)
{
  EspCompareDivider *self = ESP_COMPARE_DIVIDER (widget);

  esp_compare_divider_set_position (self, self->position + g_variant_get_double (args));
  return GDK_EVENT_STOP;
}

static gboolean
reset (GtkWidget *widget, GVariant *args, gpointer data)
{
  esp_compare_divider_reset (ESP_COMPARE_DIVIDER (widget));
  return GDK_EVENT_STOP;
}

static void
add_arrow (GtkWidgetClass *class, guint key, guint keypad_key, int x, int y)
{
  const double turned = (x + y) * ESP_COMPARE_DIVIDER_TURN;

  gtk_widget_class_add_binding (class, key, 0, move, "(iid)", x, y, STEP);
  gtk_widget_class_add_binding (class, keypad_key, 0, move, "(iid)", x, y, STEP);
  gtk_widget_class_add_binding (class, key, GDK_CONTROL_MASK, move, "(iid)", x, y, PAGE);
  gtk_widget_class_add_binding (class, key, GDK_SHIFT_MASK, turn, "d", turned);
  gtk_widget_class_add_binding (class, keypad_key, GDK_SHIFT_MASK, turn, "d", turned);
}

static void
add_bindings (GtkWidgetClass *class)
{
  add_arrow (class, GDK_KEY_Left, GDK_KEY_KP_Left, -1, 0);
  add_arrow (class, GDK_KEY_Right, GDK_KEY_KP_Right, 1, 0);
  add_arrow (class, GDK_KEY_Up, GDK_KEY_KP_Up, 0, -1);
  add_arrow (class, GDK_KEY_Down, GDK_KEY_KP_Down, 0, 1);
  gtk_widget_class_add_binding (class, GDK_KEY_Home, 0, go_to, "d", 0.0);
  gtk_widget_class_add_binding (class, GDK_KEY_End, 0, go_to, "d", 1.0);
  gtk_widget_class_add_binding (class, GDK_KEY_Page_Up, 0, page, "d", -PAGE);
  gtk_widget_class_add_binding (class, GDK_KEY_Page_Down, 0, page, "d", PAGE);
  gtk_widget_class_add_binding (class, GDK_KEY_bracketleft, 0, turn, "d",
                                -ESP_COMPARE_DIVIDER_TURN);
  gtk_widget_class_add_binding (class, GDK_KEY_bracketright, 0, turn, "d",
                                ESP_COMPARE_DIVIDER_TURN);
  gtk_widget_class_add_binding (class, GDK_KEY_r, 0, reset, NULL);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_compare_divider_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspCompareDivider *self = ESP_COMPARE_DIVIDER (object);

  switch (prop_id)
    {
    case PROP_POSITION:
      g_value_set_double (value, self->position);
      break;
    case PROP_ANGLE:
      g_value_set_double (value, self->angle);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_compare_divider_set_property (GObject *object, guint prop_id, const GValue *value,
                                  GParamSpec *pspec)
{
  EspCompareDivider *self = ESP_COMPARE_DIVIDER (object);

  switch (prop_id)
    {
    case PROP_POSITION:
      esp_compare_divider_set_position (self, g_value_get_double (value));
      break;
    case PROP_ANGLE:
      esp_compare_divider_set_angle (self, g_value_get_double (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_compare_divider_dispose (GObject *object)
{
  g_clear_weak_pointer (&ESP_COMPARE_DIVIDER (object)->view);

  G_OBJECT_CLASS (esp_compare_divider_parent_class)->dispose (object);
}

static void
esp_compare_divider_class_init (EspCompareDividerClass *class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_compare_divider_dispose;
  object_class->get_property = esp_compare_divider_get_property;
  object_class->set_property = esp_compare_divider_set_property;
  widget_class->snapshot = esp_compare_divider_snapshot;
  widget_class->state_flags_changed = esp_compare_divider_state_flags_changed;
  widget_class->contains = esp_compare_divider_contains;
  properties[PROP_POSITION] = g_param_spec_double ("position", NULL, NULL, 0, 1, 0.5, flags);
  properties[PROP_ANGLE]
      = g_param_spec_double ("angle", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  add_bindings (widget_class);

  gtk_widget_class_set_css_name (widget_class, "comparedivider");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_SLIDER);
}

static void
esp_compare_divider_init (EspCompareDivider *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *drag = gtk_gesture_drag_new ();

  self->position = 0.5;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_MIN, 0.0,
                                  GTK_ACCESSIBLE_PROPERTY_VALUE_MAX, 100.0, -1);
  update_accessible (self);

  g_signal_connect_swapped (motion, "enter", G_CALLBACK (on_enter), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (on_leave), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (drag), 0);
  g_signal_connect_swapped (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect_swapped (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect_swapped (drag, "drag-end", G_CALLBACK (on_drag_end), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drag));
}

GtkWidget *
esp_compare_divider_new (EspImageView *view)
{
  EspCompareDivider *self;

  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (view), NULL);

  self = g_object_new (ESP_TYPE_COMPARE_DIVIDER, NULL);
  g_set_weak_pointer (&self->view, view);
  g_signal_connect_object (view, "viewport-changed", G_CALLBACK (gtk_widget_queue_draw), self,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
