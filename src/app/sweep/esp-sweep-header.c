/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-header.c: see esp-sweep-header.h. (A GtkLabel that may wrap and be cut off asks for
 * less than it needs when it is short.) */
#include "esp-sweep-header.h"

#include <math.h>

#define MAX_LINES 3

struct _EspSweepHeader
{
  GtkWidget parent_instance;

  GtkOrientation orientation;
  char *text, *name;
  PangoLayout *layout; /* or NULL: to be made */
};

G_DEFINE_FINAL_TYPE (EspSweepHeader, esp_sweep_header, GTK_TYPE_WIDGET)

/* `width` in pixels; -1: on one line. */
static PangoLayout *
ensure_layout (EspSweepHeader *self, int width)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  if (self->layout == NULL)
    {
      self->layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), self->text);
      pango_layout_set_wrap (self->layout, PANGO_WRAP_WORD_CHAR);
      pango_layout_set_ellipsize (self->layout, PANGO_ELLIPSIZE_END);
      pango_layout_set_height (self->layout, -MAX_LINES);
      /* As the language of the window goes, not that of the text. */
      pango_layout_set_auto_dir (self->layout, FALSE);
      if (self->orientation == GTK_ORIENTATION_HORIZONTAL)
        pango_layout_set_alignment (self->layout, PANGO_ALIGN_CENTER);
      else
        pango_layout_set_alignment (self->layout, rtl ? PANGO_ALIGN_LEFT : PANGO_ALIGN_RIGHT);
    }
  pango_layout_set_width (self->layout, width < 0 ? -1 : width * PANGO_SCALE);
  return self->layout;
}

void
esp_sweep_header_set_text (EspSweepHeader *self, const char *text, const char *name)
{
  g_return_if_fail (ESP_IS_SWEEP_HEADER (self));
  g_return_if_fail (text != NULL && name != NULL);

  if (!g_str_equal (self->name, name))
    {
      g_free (self->name);
      self->name = g_strdup (name);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                      -1);
    }
  if (g_str_equal (self->text, text))
    return;
  g_free (self->text);
  self->text = g_strdup (text);
  g_clear_object (&self->layout);
  /* Its size is its grid's business: nobody has to be asked again. */
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

const char *
esp_sweep_header_get_text (EspSweepHeader *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_HEADER (self), NULL);
  return self->text;
}

int
esp_sweep_header_get_natural_width (EspSweepHeader *self)
{
  int width;

  g_return_val_if_fail (ESP_IS_SWEEP_HEADER (self), 0);

  pango_layout_get_pixel_size (ensure_layout (self, -1), &width, NULL);
  return width + 2 * ESP_SWEEP_HEADER_PADDING;
}

int
esp_sweep_header_get_height_for_width (EspSweepHeader *self, int width)
{
  int height;

  g_return_val_if_fail (ESP_IS_SWEEP_HEADER (self), 0);

  pango_layout_get_pixel_size (ensure_layout (self, MAX (width - 2 * ESP_SWEEP_HEADER_PADDING, 1)),
                               NULL, &height);
  return height + 2 * ESP_SWEEP_HEADER_PADDING;
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_sweep_header_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspSweepHeader *self = ESP_SWEEP_HEADER (widget);
  int width = gtk_widget_get_width (widget) - 2 * ESP_SWEEP_HEADER_PADDING;
  PangoLayout *layout = ensure_layout (self, MAX (width, 1));
  GdkRGBA color;
  int height;
  double room;

  pango_layout_get_pixel_size (layout, NULL, &height);
  room = gtk_widget_get_height (widget) - 2 * ESP_SWEEP_HEADER_PADDING - height;
  gtk_style_context_get_color (gtk_widget_get_style_context (widget), &color);
  gtk_snapshot_push_clip (snapshot,
                          &GRAPHENE_RECT_INIT (0, 0, (float) gtk_widget_get_width (widget),
                                               (float) gtk_widget_get_height (widget)));
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (
      snapshot,
      &GRAPHENE_POINT_INIT (
          ESP_SWEEP_HEADER_PADDING,
          (float) (ESP_SWEEP_HEADER_PADDING
                   + MAX (self->orientation == GTK_ORIENTATION_HORIZONTAL ? room : floor (room / 2),
                          0))));
  gtk_snapshot_append_layout (snapshot, layout, &color);
  gtk_snapshot_restore (snapshot);
  gtk_snapshot_pop (snapshot);
}

static void
esp_sweep_header_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (esp_sweep_header_parent_class)->css_changed (widget, change);
  g_clear_object (&ESP_SWEEP_HEADER (widget)->layout);
  gtk_widget_queue_draw (widget);
}

static void
esp_sweep_header_direction_changed (GtkWidget *widget, GtkTextDirection previous)
{
  GTK_WIDGET_CLASS (esp_sweep_header_parent_class)->direction_changed (widget, previous);
  g_clear_object (&ESP_SWEEP_HEADER (widget)->layout);
  gtk_widget_queue_draw (widget);
}

static gboolean
esp_sweep_header_query_tooltip (GtkWidget *widget, int x, int y, gboolean keyboard,
                                GtkTooltip *tooltip)
{
  EspSweepHeader *self = ESP_SWEEP_HEADER (widget);

  if (self->layout == NULL || !pango_layout_is_ellipsized (self->layout))
    return FALSE;
  gtk_tooltip_set_text (tooltip, self->text);
  return TRUE;
}

static void
esp_sweep_header_finalize (GObject *object)
{
  EspSweepHeader *self = ESP_SWEEP_HEADER (object);

  g_clear_object (&self->layout);
  g_free (self->text);
  g_free (self->name);
  G_OBJECT_CLASS (esp_sweep_header_parent_class)->finalize (object);
}

static void
esp_sweep_header_class_init (EspSweepHeaderClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = esp_sweep_header_finalize;
  widget_class->snapshot = esp_sweep_header_snapshot;
  widget_class->css_changed = esp_sweep_header_css_changed;
  widget_class->direction_changed = esp_sweep_header_direction_changed;
  widget_class->query_tooltip = esp_sweep_header_query_tooltip;
  gtk_widget_class_set_css_name (widget_class, "sweepheader");
}

static void
esp_sweep_header_init (EspSweepHeader *self)
{
  self->text = g_strdup ("");
  self->name = g_strdup ("");
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
}

GtkWidget *
esp_sweep_header_new (GtkOrientation orientation)
{
  gboolean column = orientation == GTK_ORIENTATION_HORIZONTAL;
  EspSweepHeader *self = g_object_new (
      ESP_TYPE_SWEEP_HEADER, "accessible-role",
      column ? GTK_ACCESSIBLE_ROLE_COLUMN_HEADER : GTK_ACCESSIBLE_ROLE_ROW_HEADER, NULL);

  self->orientation = orientation;
  return GTK_WIDGET (self);
}
