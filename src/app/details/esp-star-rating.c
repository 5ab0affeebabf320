/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-star-rating.c: a slider of five stars. */
#define G_LOG_DOMAIN "espalier-details"

#include "esp-star-rating.h"

#include <glib/gi18n-lib.h>

#include "esp-node.h"

#define N_STARS ESP_NODE_MAX_STARS

struct _EspStarRating
{
  GtkWidget parent_instance;

  GtkWidget *stars[N_STARS];
  int value;
  int hovered; /* what a click would give; -1 nothing */
};

G_DEFINE_FINAL_TYPE (EspStarRating, esp_star_rating, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_VALUE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  RATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
update_stars (EspStarRating *self)
{
  const int shown = self->hovered >= 0 ? self->hovered : self->value;

  for (int i = 0; i < N_STARS; i++)
    {
      gtk_image_set_from_icon_name (GTK_IMAGE (self->stars[i]),
                                    i < shown ? "starred-symbolic" : "non-starred-symbolic");
      if (i < shown)
        gtk_widget_remove_css_class (self->stars[i], "dim-label");
      else
        gtk_widget_add_css_class (self->stars[i], "dim-label");
    }
}

static void
update_accessible (EspStarRating *self)
{
  g_autofree char *text = NULL;

  if (self->value == 0)
    text = g_strdup (_ ("No stars"));
  else
    text = g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "%d star", "%d stars", (gulong) self->value), self->value);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_NOW,
                                  (double) self->value, GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, text,
                                  /* GTK 4.8 tells nobody of values but of its own widgets' */
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
}

int
esp_star_rating_get_value (EspStarRating *self)
{
  g_return_val_if_fail (ESP_IS_STAR_RATING (self), 0);

  return self->value;
}

void
esp_star_rating_set_value (EspStarRating *self, int value)
{
  g_return_if_fail (ESP_IS_STAR_RATING (self));

  value = CLAMP (value, 0, N_STARS);
  if (self->value == value)
    return;
  self->value = value;
  update_stars (self);
  update_accessible (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALUE]);
}

static void
rate (EspStarRating *self, int value)
{
  const int old = self->value;

  esp_star_rating_set_value (self, value);
  if (self->value != old)
    g_signal_emit (self, signals[RATED], 0);
}

/* --- Pointer and keys ------------------------------------------------------------------------- */

/* The number of stars up to the one at `x`; 0 before the first one's outer edge. */
static int
get_star_at (EspStarRating *self, double x)
{
  const double width = gtk_widget_get_width (GTK_WIDGET (self));
  const gboolean mirrored = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  const double along = mirrored ? width - x : x;

  return CLAMP ((int) (along / MAX (width, 1) * N_STARS) + 1, 1, N_STARS);
}

static void
on_pressed (EspStarRating *self, int n_press, double x, double y, GtkGesture *gesture)
{
  const int value = get_star_at (self, x);

  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->hovered = -1;
  rate (self, value == self->value ? 0 : value); /* again takes them away */
  update_stars (self);
}

static void
on_motion (EspStarRating *self, double x, double y)
{
  self->hovered = get_star_at (self, x);
  update_stars (self);
}

static void
on_leave (EspStarRating *self)
{
  self->hovered = -1;
  update_stars (self);
}

static gboolean
step_value (GtkWidget *widget, GVariant *args, gpointer data)
{
  EspStarRating *self = ESP_STAR_RATING (widget);

  rate (self, self->value + g_variant_get_int32 (args));
  return GDK_EVENT_STOP;
}

static gboolean
step_sideways (GtkWidget *widget, GVariant *args, gpointer data)
{
  EspStarRating *self = ESP_STAR_RATING (widget);
  const gboolean mirrored = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  const int step = g_variant_get_int32 (args);

  rate (self, self->value + (mirrored ? -step : step));
  return GDK_EVENT_STOP;
}

static gboolean
set_value_by_key (GtkWidget *widget, GVariant *args, gpointer data)
{
  rate (ESP_STAR_RATING (widget), g_variant_get_int32 (args));
  return GDK_EVENT_STOP;
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_star_rating_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_VALUE)
    g_value_set_int (value, ESP_STAR_RATING (object)->value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_star_rating_set_property (GObject *object, guint prop_id, const GValue *value,
                              GParamSpec *pspec)
{
  if (prop_id == PROP_VALUE)
    esp_star_rating_set_value (ESP_STAR_RATING (object), g_value_get_int (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_star_rating_dispose (GObject *object)
{
  EspStarRating *self = ESP_STAR_RATING (object);

  for (int i = 0; i < N_STARS; i++)
    g_clear_pointer (&self->stars[i], gtk_widget_unparent);

  G_OBJECT_CLASS (esp_star_rating_parent_class)->dispose (object);
}

static void
esp_star_rating_class_init (EspStarRatingClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_star_rating_dispose;
  object_class->get_property = esp_star_rating_get_property;
  object_class->set_property = esp_star_rating_set_property;

  properties[PROP_VALUE]
      = g_param_spec_int ("value", NULL, NULL, 0, N_STARS, 0,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[RATED] = g_signal_new ("rated", ESP_TYPE_STAR_RATING, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);

  gtk_widget_class_add_binding (widget_class, GDK_KEY_Up, 0, step_value, "i", 1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Down, 0, step_value, "i", -1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_plus, 0, step_value, "i", 1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_minus, 0, step_value, "i", -1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Right, 0, step_sideways, "i", 1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Left, 0, step_sideways, "i", -1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Home, 0, set_value_by_key, "i", 0);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_End, 0, set_value_by_key, "i", N_STARS);
  for (int i = 0; i <= N_STARS; i++)
    {
      gtk_widget_class_add_binding (widget_class, GDK_KEY_0 + (guint) i, 0, set_value_by_key, "i",
                                    i);
      gtk_widget_class_add_binding (widget_class, GDK_KEY_KP_0 + (guint) i, 0, set_value_by_key,
                                    "i", i);
    }

  gtk_widget_class_set_css_name (widget_class, "star-rating");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_SLIDER);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
}

static void
esp_star_rating_init (EspStarRating *self)
{
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *motion = gtk_event_controller_motion_new ();

  self->hovered = -1;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  for (int i = 0; i < N_STARS; i++)
    {
      self->stars[i] = g_object_new (GTK_TYPE_IMAGE, "accessible-role",
                                     GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
      gtk_widget_set_parent (self->stars[i], GTK_WIDGET (self));
    }
  g_signal_connect_swapped (click, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (on_leave), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_MIN, 0.0,
                                  GTK_ACCESSIBLE_PROPERTY_VALUE_MAX, (double) N_STARS, -1);
  update_stars (self);
  update_accessible (self);
}

GtkWidget *
esp_star_rating_new (void)
{
  return g_object_new (ESP_TYPE_STAR_RATING, NULL);
}
