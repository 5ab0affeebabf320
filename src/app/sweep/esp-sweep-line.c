/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-line.c: see esp-sweep-line.h. */
#include "esp-sweep-line.h"

#include <math.h>

struct _EspSweepLine
{
  GtkWidget parent_instance;

  GtkWidget *header;
  GPtrArray *children; /* of GtkWidget, by position from `first` on; held by being children */
  guint first;
  int header_width, width;
  double start;
};

G_DEFINE_FINAL_TYPE (EspSweepLine, esp_sweep_line, GTK_TYPE_WIDGET)

void
esp_sweep_slide (GPtrArray *items, guint *first, guint new_first, guint n, GtkWidget *parent,
                 GtkWidget *before, EspSweepCreate create, gpointer data)
{
  g_autoptr (GPtrArray) spare = g_ptr_array_new ();
  g_autofree GtkWidget **kept = g_new0 (GtkWidget *, n);

  for (guint i = 0; i < items->len; i++)
    {
      guint position = *first + i;

      if (position >= new_first && position - new_first < n)
        kept[position - new_first] = items->pdata[i];
      else
        g_ptr_array_add (spare, items->pdata[i]);
    }
  g_ptr_array_set_size (items, (int) n);
  for (guint i = 0; i < n; i++)
    {
      GtkWidget *item = kept[i];

      if (item == NULL)
        item = spare->len > 0 ? g_ptr_array_steal_index (spare, spare->len - 1) : create (data);
      if (gtk_widget_get_parent (item) == NULL || gtk_widget_get_prev_sibling (item) != before)
        gtk_widget_insert_after (item, parent, before);
      items->pdata[i] = before = item;
    }
  for (guint i = 0; i < spare->len; i++)
    gtk_widget_unparent (spare->pdata[i]);
  *first = new_first;
}

GtkWidget *
esp_sweep_line_get_header (EspSweepLine *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_LINE (self), NULL);
  return self->header;
}

void
esp_sweep_line_set_range (EspSweepLine *self, guint first, guint n, EspSweepCreate create,
                          gpointer data)
{
  g_return_if_fail (ESP_IS_SWEEP_LINE (self));
  esp_sweep_slide (self->children, &self->first, first, n, GTK_WIDGET (self), self->header, create,
                   data);
}

guint
esp_sweep_line_get_n (EspSweepLine *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_LINE (self), 0);
  return self->children->len;
}

GtkWidget *
esp_sweep_line_get_child (EspSweepLine *self, guint position)
{
  g_return_val_if_fail (ESP_IS_SWEEP_LINE (self), NULL);

  if (position < self->first || position - self->first >= self->children->len)
    return NULL;
  return self->children->pdata[position - self->first];
}

void
esp_sweep_line_set_geometry (EspSweepLine *self, int header_width, double start, int width)
{
  g_return_if_fail (ESP_IS_SWEEP_LINE (self));

  if (self->header_width == header_width && self->start == start && self->width == width)
    return;
  self->header_width = header_width;
  self->start = start;
  self->width = width;
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

/* --- The widget ------------------------------------------------------------------------------- */

static gboolean
is_rtl (EspSweepLine *self)
{
  return gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
}

/* `x` is from the start. */
static void
allocate (EspSweepLine *self, GtkWidget *child, double x, int child_width, int width, int height)
{
  double left = is_rtl (self) ? width - x - child_width : x;
  int least;

  /* Asked even where nobody cares: GTK wants to be asked before it is told. */
  gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL, NULL);
  gtk_widget_allocate (child, MAX (child_width, least), height, -1,
                       gsk_transform_translate (NULL, &GRAPHENE_POINT_INIT ((float) left, 0)));
}

static void
esp_sweep_line_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspSweepLine *self = ESP_SWEEP_LINE (widget);

  gtk_widget_set_child_visible (self->header, self->header_width > 0);
  if (self->header_width > 0)
    allocate (self, self->header, 0, self->header_width, width, height);
  for (guint i = 0; i < self->children->len; i++)
    allocate (self, self->children->pdata[i],
              self->header_width + self->start + (double) (self->first + i) * self->width,
              self->width, width, height);
}

static void
esp_sweep_line_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                        int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = *natural = 0;
}

static void
esp_sweep_line_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspSweepLine *self = ESP_SWEEP_LINE (widget);
  float header = (float) self->header_width;
  graphene_rect_t room = GRAPHENE_RECT_INIT (is_rtl (self) ? 0 : header, -1,
                                             (float) gtk_widget_get_width (widget) - header,
                                             (float) gtk_widget_get_height (widget) + 2);

  gtk_snapshot_push_clip (snapshot, &room);
  for (guint i = 0; i < self->children->len; i++)
    gtk_widget_snapshot_child (widget, self->children->pdata[i], snapshot);
  gtk_snapshot_pop (snapshot);
  if (self->header_width > 0)
    gtk_widget_snapshot_child (widget, self->header, snapshot);
}

static void
esp_sweep_line_dispose (GObject *object)
{
  EspSweepLine *self = ESP_SWEEP_LINE (object);
  GtkWidget *child;

  g_ptr_array_set_size (self->children, 0);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  self->header = NULL;
  G_OBJECT_CLASS (esp_sweep_line_parent_class)->dispose (object);
}

static void
esp_sweep_line_finalize (GObject *object)
{
  g_ptr_array_unref (ESP_SWEEP_LINE (object)->children);
  G_OBJECT_CLASS (esp_sweep_line_parent_class)->finalize (object);
}

static void
esp_sweep_line_class_init (EspSweepLineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_sweep_line_dispose;
  object_class->finalize = esp_sweep_line_finalize;
  widget_class->size_allocate = esp_sweep_line_size_allocate;
  widget_class->measure = esp_sweep_line_measure;
  widget_class->snapshot = esp_sweep_line_snapshot;
  gtk_widget_class_set_css_name (widget_class, "sweepline");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_ROW);
}

static void
esp_sweep_line_init (EspSweepLine *self)
{
  self->children = g_ptr_array_new ();
}

GtkWidget *
esp_sweep_line_new (GtkWidget *header)
{
  EspSweepLine *self = g_object_new (ESP_TYPE_SWEEP_LINE, NULL);

  self->header = header;
  gtk_widget_set_parent (header, GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
