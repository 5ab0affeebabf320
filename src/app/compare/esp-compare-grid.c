/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-grid.c: see esp-compare-grid.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-grid.h"

#define GAP 6 /* px between two cells */

struct _EspCompareGrid
{
  GtkWidget parent_instance;

  EspFrameSize frame;
};

G_DEFINE_FINAL_TYPE (EspCompareGrid, esp_compare_grid, GTK_TYPE_WIDGET)

guint
esp_compare_grid_count_columns (guint n, EspFrameSize frame, int width, int height, int extra)
{
  guint best = 1;
  double best_scale = 0;

  g_return_val_if_fail (n > 0 && frame.width > 0 && frame.height > 0, 1);

  for (guint columns = 1; columns <= n; columns++)
    {
      const guint rows = (n + columns - 1) / columns;
      const double cell_width = (width - (double) GAP * (columns - 1)) / columns;
      const double cell_height = (height - (double) GAP * (rows - 1)) / rows - extra;
      const double scale = MIN (cell_width / frame.width, cell_height / frame.height);

      if (scale > best_scale * 1.001)
        {
          best_scale = scale;
          best = columns;
        }
    }
  return best;
}

static guint
count_children (EspCompareGrid *self)
{
  guint n = 0;

  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n += gtk_widget_should_layout (child);
  return n;
}

/* The height of what is not image, the same in every cell. */
static int
measure_extra (EspCompareGrid *self)
{
  GtkWidget *first = gtk_widget_get_first_child (GTK_WIDGET (self));
  int minimum = 0;

  while (first != NULL && !gtk_widget_should_layout (first))
    first = gtk_widget_get_next_sibling (first);
  if (first != NULL)
    gtk_widget_measure (first, GTK_ORIENTATION_VERTICAL, -1, &minimum, NULL, NULL, NULL);
  return minimum;
}

static void
esp_compare_grid_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                          int *natural, int *minimum_baseline, int *natural_baseline)
{
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      int child_minimum, child_natural;

      if (!gtk_widget_should_layout (child))
        continue;
      gtk_widget_measure (child, orientation, -1, &child_minimum, &child_natural, NULL, NULL);
      *minimum = MAX (*minimum, child_minimum);
      *natural = MAX (*natural, child_natural);
    }
}

static void
esp_compare_grid_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspCompareGrid *self = ESP_COMPARE_GRID (widget);
  const gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  const guint n = count_children (self);
  guint columns, rows, i = 0;

  if (n == 0)
    return;
  columns = esp_compare_grid_count_columns (n, self->frame, width, height, measure_extra (self));
  rows = (n + columns - 1) / columns;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      const guint row = i / columns, column = i % columns;
      GtkAllocation cell = { 0 };
      int minimum_width, minimum_height;

      if (!gtk_widget_should_layout (child))
        continue;
      i++;

      /* Rounded at both edges, so that no pixel is left over. */
      cell.x = (int) ((gint64) (width + GAP) * column / columns);
      cell.y = (int) ((gint64) (height + GAP) * row / rows);
      cell.width = (int) ((gint64) (width + GAP) * (column + 1) / columns) - GAP - cell.x;
      cell.height = (int) ((gint64) (height + GAP) * (row + 1) / rows) - GAP - cell.y;
      if (rtl)
        cell.x = width - cell.x - cell.width;
      gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &minimum_width, NULL, NULL, NULL);
      cell.width = MAX (cell.width, minimum_width);
      gtk_widget_measure (child, GTK_ORIENTATION_VERTICAL, cell.width, &minimum_height, NULL, NULL,
                          NULL);
      cell.height = MAX (cell.height, minimum_height);
      gtk_widget_size_allocate (child, &cell, -1);
    }
}

void
esp_compare_grid_add (EspCompareGrid *self, GtkWidget *child)
{
  g_return_if_fail (ESP_IS_COMPARE_GRID (self));

  gtk_widget_set_parent (child, GTK_WIDGET (self));
}

void
esp_compare_grid_clear (EspCompareGrid *self)
{
  GtkWidget *child;

  g_return_if_fail (ESP_IS_COMPARE_GRID (self));

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
}

void
esp_compare_grid_set_frame (EspCompareGrid *self, EspFrameSize frame)
{
  g_return_if_fail (ESP_IS_COMPARE_GRID (self));

  self->frame = frame;
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

static void
esp_compare_grid_dispose (GObject *object)
{
  esp_compare_grid_clear (ESP_COMPARE_GRID (object));

  G_OBJECT_CLASS (esp_compare_grid_parent_class)->dispose (object);
}

static void
esp_compare_grid_class_init (EspCompareGridClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = esp_compare_grid_dispose;
  widget_class->measure = esp_compare_grid_measure;
  widget_class->size_allocate = esp_compare_grid_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "comparegrid");
}

static void
esp_compare_grid_init (EspCompareGrid *self)
{
  self->frame = (EspFrameSize){ 1, 1 };
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

GtkWidget *
esp_compare_grid_new (void)
{
  return g_object_new (ESP_TYPE_COMPARE_GRID, NULL);
}
