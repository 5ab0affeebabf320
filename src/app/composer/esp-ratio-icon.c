/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-ratio-icon.c: a little rectangle in the shape of a picture, or what stands for a size that
 * has no ratio of its own. */
#include "esp-ratio-icon.h"

#include <math.h>

#define SIZE 24
#define AREA 200.0 /* square pixels, so that none looks larger than the others */

struct _EspRatioIcon
{
  GtkWidget parent_instance;

  EspRatioIconKind kind;
  double ratio;
};

G_DEFINE_FINAL_TYPE (EspRatioIcon, esp_ratio_icon, GTK_TYPE_WIDGET)

static void
esp_ratio_icon_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                        int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = *natural = SIZE;
}

static void
append_corners (GtkSnapshot *snapshot, const graphene_rect_t *rect, const GdkRGBA *color)
{
  float x[2] = { rect->origin.x, rect->origin.x + rect->size.width - 5 };
  float y[2] = { rect->origin.y, rect->origin.y + rect->size.height - 5 };

  for (int i = 0; i < 4; i++)
    {
      float left = x[i % 2], top = y[i / 2];

      gtk_snapshot_append_color (
          snapshot, color, &GRAPHENE_RECT_INIT (left, i / 2 == 0 ? rect->origin.y : top + 3, 5, 2));
      gtk_snapshot_append_color (
          snapshot, color, &GRAPHENE_RECT_INIT (i % 2 == 0 ? rect->origin.x : left + 3, top, 2, 5));
    }
}

static void
append_outline (GtkSnapshot *snapshot, const graphene_rect_t *rect, const GdkRGBA *color)
{
  GskRoundedRect outline;

  gsk_rounded_rect_init_from_rect (&outline, rect, 2);
  gtk_snapshot_append_border (snapshot, &outline, (float[4]){ 2, 2, 2, 2 },
                              (GdkRGBA[4]){ *color, *color, *color, *color });
}

/* The picture of before, whole, in the frame of the one to be made. */
static void
append_match (GtkSnapshot *snapshot, const graphene_rect_t *rect, const GdkRGBA *color)
{
  append_outline (snapshot, rect, color);
  gtk_snapshot_append_color (snapshot, color,
                             &GRAPHENE_RECT_INIT (rect->origin.x + 4, rect->origin.y + 4,
                                                  rect->size.width - 8, rect->size.height - 8));
}

/* Two sliders, one for each side. */
static void
append_custom (GtkSnapshot *snapshot, const graphene_rect_t *rect, const GdkRGBA *color)
{
  for (int i = 0; i < 2; i++)
    {
      float x = rect->origin.x, y = rect->origin.y + (i == 0 ? 3 : rect->size.height - 5);
      float knob = x + (i == 0 ? 2 : rect->size.width - 6);

      gtk_snapshot_append_color (snapshot, color, &GRAPHENE_RECT_INIT (x, y, rect->size.width, 2));
      gtk_snapshot_append_color (snapshot, color, &GRAPHENE_RECT_INIT (knob, y - 2, 4, 6));
    }
}

static void
esp_ratio_icon_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspRatioIcon *self = ESP_RATIO_ICON (widget);
  double ratio = self->ratio > 0 ? self->ratio : 1;
  float width = (float) CLAMP (round (sqrt (AREA * ratio)), 8, SIZE - 2);
  float height = (float) CLAMP (round (sqrt (AREA / ratio)), 8, SIZE - 2);
  graphene_rect_t rect;
  GdkRGBA color;

  rect = GRAPHENE_RECT_INIT (floorf (((float) gtk_widget_get_width (widget) - width) / 2),
                             floorf (((float) gtk_widget_get_height (widget) - height) / 2), width,
                             height);
  gtk_style_context_get_color (gtk_widget_get_style_context (widget), &color);
  switch (self->kind)
    {
    case ESP_RATIO_ICON_AUTO:
      append_corners (snapshot, &rect, &color);
      break;
    case ESP_RATIO_ICON_MATCH:
      append_match (snapshot, &rect, &color);
      break;
    case ESP_RATIO_ICON_CUSTOM:
      append_custom (snapshot, &rect, &color);
      break;
    case ESP_RATIO_ICON_RATIO:
    default:
      append_outline (snapshot, &rect, &color);
      break;
    }
}

static void
esp_ratio_icon_class_init (EspRatioIconClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->measure = esp_ratio_icon_measure;
  widget_class->snapshot = esp_ratio_icon_snapshot;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
esp_ratio_icon_init (EspRatioIcon *self)
{
}

GtkWidget *
esp_ratio_icon_new (EspRatioIconKind kind, double ratio)
{
  EspRatioIcon *self = g_object_new (ESP_TYPE_RATIO_ICON, NULL);

  self->kind = kind;
  self->ratio = ratio;

  return GTK_WIDGET (self);
}
