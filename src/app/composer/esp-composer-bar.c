/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-bar.c: two groups of buttons, beside or below each other. */
#include "esp-composer-bar.h"

#define SPACING 6

/* Below this the first group would be cut to nothing. */
#define COMFORTABLE_START 300

struct _EspComposerBar
{
  GtkWidget parent_instance;

  GtkWidget *start;
  GtkWidget *end;
};

G_DEFINE_FINAL_TYPE (EspComposerBar, esp_composer_bar, GTK_TYPE_WIDGET)

static void
measure (GtkWidget *child, GtkOrientation orientation, int for_size, int *minimum, int *natural)
{
  gtk_widget_measure (child, orientation, for_size, minimum, natural, NULL, NULL);
}

static gboolean
fits_one_row (EspComposerBar *self, int width)
{
  int start_minimum, start_natural, end_minimum, end_natural;

  measure (self->start, GTK_ORIENTATION_HORIZONTAL, -1, &start_minimum, &start_natural);
  measure (self->end, GTK_ORIENTATION_HORIZONTAL, -1, &end_minimum, &end_natural);

  return width
         >= MAX (start_minimum, MIN (start_natural, COMFORTABLE_START)) + SPACING + end_natural;
}

static GtkSizeRequestMode
esp_composer_bar_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
esp_composer_bar_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                          int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspComposerBar *self = ESP_COMPOSER_BAR (widget);
  int start_minimum, start_natural, end_minimum, end_natural;

  measure (self->start, orientation, -1, &start_minimum, &start_natural);
  measure (self->end, orientation, -1, &end_minimum, &end_natural);
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = MAX (start_minimum, end_minimum);
      *natural = start_natural + SPACING + end_natural;
    }
  else if (for_size >= 0 && !fits_one_row (self, for_size))
    {
      *minimum = start_minimum + SPACING + end_minimum;
      *natural = start_natural + SPACING + end_natural;
    }
  else
    {
      *minimum = MAX (start_minimum, end_minimum);
      *natural = MAX (start_natural, end_natural);
    }
}

static void
allocate (GtkWidget *child, int x, int y, int width, int height)
{
  gtk_widget_size_allocate (child, &(GtkAllocation){ x, y, width, height }, -1);
}

static void
esp_composer_bar_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspComposerBar *self = ESP_COMPOSER_BAR (widget);
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  int minimum, natural, end_width;

  if (!fits_one_row (self, width))
    {
      measure (self->start, GTK_ORIENTATION_VERTICAL, -1, &minimum, &natural);
      allocate (self->start, 0, 0, width, minimum);
      allocate (self->end, 0, minimum + SPACING, width, height - minimum - SPACING);
      return;
    }

  measure (self->end, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &end_width);
  allocate (self->start, rtl ? end_width + SPACING : 0, 0, width - end_width - SPACING, height);
  allocate (self->end, rtl ? 0 : width - end_width, 0, end_width, height);
}

static void
esp_composer_bar_dispose (GObject *object)
{
  EspComposerBar *self = ESP_COMPOSER_BAR (object);

  g_clear_pointer (&self->start, gtk_widget_unparent);
  g_clear_pointer (&self->end, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_composer_bar_parent_class)->dispose (object);
}

static void
esp_composer_bar_class_init (EspComposerBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_composer_bar_dispose;
  widget_class->get_request_mode = esp_composer_bar_get_request_mode;
  widget_class->measure = esp_composer_bar_measure;
  widget_class->size_allocate = esp_composer_bar_size_allocate;
}

static void
esp_composer_bar_init (EspComposerBar *self)
{
}

GtkWidget *
esp_composer_bar_new (GtkWidget *start, GtkWidget *end)
{
  EspComposerBar *self;

  g_return_val_if_fail (GTK_IS_WIDGET (start), NULL);
  g_return_val_if_fail (GTK_IS_WIDGET (end), NULL);

  self = g_object_new (ESP_TYPE_COMPOSER_BAR, NULL);
  self->start = start;
  self->end = end;
  gtk_widget_set_parent (start, GTK_WIDGET (self));
  gtk_widget_set_parent (end, GTK_WIDGET (self));

  return GTK_WIDGET (self);
}
