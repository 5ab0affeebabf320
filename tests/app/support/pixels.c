/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pixels.c: see pixels.h. */
#include "pixels.h"

#include <math.h>

Pixels *
pixels_take (GtkWidget *window)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (window);
  Pixels *self = g_new0 (Pixels, 1);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  graphene_rect_t bounds;

  /* With its frame, which is outside of what coordinates begin with. */
  g_assert_true (gtk_widget_compute_bounds (window, window, &bounds));
  self->left = (int) roundf (bounds.origin.x);
  self->top = (int) roundf (bounds.origin.y);
  self->width = gdk_paintable_get_intrinsic_width (paintable);
  self->height = gdk_paintable_get_intrinsic_height (paintable);
  self->data = g_malloc_n ((gsize) self->width * 4, (gsize) self->height);
  gdk_paintable_snapshot (paintable, snapshot, self->width, self->height);
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_nonnull (node);
  texture = gsk_renderer_render_texture (
      gtk_native_get_renderer (GTK_NATIVE (window)), node,
      &GRAPHENE_RECT_INIT (0, 0, (float) self->width, (float) self->height));
  gdk_texture_download (texture, self->data, (gsize) self->width * 4);
  return self;
}

void
pixels_free (Pixels *self)
{
  g_free (self->data);
  g_free (self);
}

guint32
pixels_get (const Pixels *self, int x, int y)
{
  const guchar *pixel;

  x -= self->left;
  y -= self->top;
  if (x < 0 || y < 0 || x >= self->width || y >= self->height)
    return 0;
  pixel = self->data + 4 * ((gsize) y * (gsize) self->width + (gsize) x);
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  return (guint32) (pixel[2] << 16 | pixel[1] << 8 | pixel[0]);
#else
  return (guint32) (pixel[1] << 16 | pixel[2] << 8 | pixel[3]);
#endif
}

/* WCAG 2.1, "relative luminance". */
static double
get_luminance (guint32 color)
{
  static const double weights[] = { 0.2126, 0.7152, 0.0722 };
  double sum = 0;

  for (int i = 0; i < 3; i++)
    {
      const double value = (color >> (16 - 8 * i) & 255) / 255.0;

      sum += weights[i] * (value <= 0.03928 ? value / 12.92 : pow ((value + 0.055) / 1.055, 2.4));
    }
  return sum;
}

double
pixels_get_contrast (guint32 one, guint32 other)
{
  const double a = get_luminance (one), b = get_luminance (other);

  return (MAX (a, b) + 0.05) / (MIN (a, b) + 0.05);
}

double
pixels_get_contrast_in (const Pixels *self, const graphene_rect_t *area)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  const int x0 = (int) floorf (area->origin.x),
            x1 = (int) ceilf (area->origin.x + area->size.width);
  const int y0 = (int) floorf (area->origin.y),
            y1 = (int) ceilf (area->origin.y + area->size.height);
  guint32 behind = 0;
  guint most = 0;
  double strongest = 1;
  GHashTableIter iter;
  gpointer color;

  for (int y = y0; y < y1; y++)
    for (int x = x0; x < x1; x++)
      {
        gpointer key = GUINT_TO_POINTER (pixels_get (self, x, y));
        const guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, key)) + 1;

        g_hash_table_insert (counts, key, GUINT_TO_POINTER (count));
        if (count > most)
          {
            most = count;
            behind = GPOINTER_TO_UINT (key);
          }
      }
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &color, NULL))
    strongest = MAX (strongest, pixels_get_contrast (GPOINTER_TO_UINT (color), behind));
  return strongest;
}
