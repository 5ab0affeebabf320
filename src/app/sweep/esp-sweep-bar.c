/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-bar.c: see esp-sweep-bar.h. Its children are those of its template. */
#include "esp-sweep-bar.h"

#define SPACING    6
#define LEAST_ROOM 200 /* px for the first one beside the second */

struct _EspSweepBar
{
  GtkWidget parent_instance;
};

G_DEFINE_FINAL_TYPE (EspSweepBar, esp_sweep_bar, GTK_TYPE_WIDGET)

static int
measure (GtkWidget *child, GtkOrientation orientation, gboolean natural)
{
  int least, most;

  gtk_widget_measure (child, orientation, -1, &least, &most, NULL, NULL);
  return natural ? most : least;
}

static gboolean
is_wide (GtkWidget *first, GtkWidget *second, int width)
{
  int room = MIN (LEAST_ROOM, measure (first, GTK_ORIENTATION_HORIZONTAL, TRUE));

  return width >= room + SPACING + measure (second, GTK_ORIENTATION_HORIZONTAL, TRUE);
}

static GtkSizeRequestMode
esp_sweep_bar_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
esp_sweep_bar_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                       int *natural, int *minimum_baseline, int *natural_baseline)
{
  GtkWidget *first = gtk_widget_get_first_child (widget);
  GtkWidget *second = gtk_widget_get_last_child (widget);

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = MAX (measure (first, orientation, FALSE), measure (second, orientation, FALSE));
      *natural = measure (first, orientation, TRUE) + SPACING + measure (second, orientation, TRUE);
    }
  else if (for_size < 0 || is_wide (first, second, for_size))
    *minimum = *natural
        = MAX (measure (first, orientation, TRUE), measure (second, orientation, TRUE));
  else
    *minimum = *natural
        = measure (first, orientation, TRUE) + SPACING + measure (second, orientation, TRUE);
}

static void
allocate (GtkWidget *child, int x, int y, int width, int height)
{
  gtk_widget_allocate (child, width, height, -1,
                       gsk_transform_translate (NULL, &GRAPHENE_POINT_INIT ((float) x, (float) y)));
}

static void
esp_sweep_bar_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  GtkWidget *first = gtk_widget_get_first_child (widget);
  GtkWidget *second = gtk_widget_get_last_child (widget);
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  int second_width = measure (second, GTK_ORIENTATION_HORIZONTAL, TRUE);
  int first_height = measure (first, GTK_ORIENTATION_VERTICAL, TRUE);

  if (is_wide (first, second, width))
    {
      int room = width - second_width - SPACING;

      allocate (first, rtl ? second_width + SPACING : 0, 0, room, height);
      allocate (second, rtl ? 0 : room + SPACING, 0, second_width, height);
      return;
    }
  allocate (first, 0, 0, width, first_height);
  allocate (second, 0, first_height + SPACING, width, height - first_height - SPACING);
}

static void
esp_sweep_bar_dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (esp_sweep_bar_parent_class)->dispose (object);
}

static void
esp_sweep_bar_class_init (EspSweepBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_sweep_bar_dispose;
  widget_class->get_request_mode = esp_sweep_bar_get_request_mode;
  widget_class->measure = esp_sweep_bar_measure;
  widget_class->size_allocate = esp_sweep_bar_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "sweepbar");
}

static void
esp_sweep_bar_init (EspSweepBar *self)
{
}
