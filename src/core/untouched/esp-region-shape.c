/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-region-shape.c: regions as masks. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>
#include <string.h>

#include "esp-compose-private.h"

/* Where a side of the lasso crosses the middle of a row of pixels. */
typedef struct
{
  double x;
  int turn; /* +1 downwards, −1 upwards */
} Crossing;

static int
compare_crossings (gconstpointer a, gconstpointer b)
{
  const double x = ((const Crossing *) a)->x, y = ((const Crossing *) b)->x;

  return (x > y) - (x < y);
}

static void
find_crossings (const GArray *points, double y, GArray *crossings)
{
  g_array_set_size (crossings, 0);
  for (guint i = 0; i < points->len; i++)
    {
      const EspRegionPoint *p = &g_array_index (points, EspRegionPoint, i);
      const EspRegionPoint *q = &g_array_index (points, EspRegionPoint, (i + 1) % points->len);

      if ((p->y <= y) != (q->y <= y))
        {
          const Crossing crossing
              = { p->x + (y - p->y) / (q->y - p->y) * (q->x - p->x), q->y > p->y ? 1 : -1 };

          g_array_append_val (crossings, crossing);
        }
    }
  g_array_sort (crossings, compare_crossings);
}

static void
fill_row (EspMask *mask, int y, double from, double to)
{
  /* Pixels whose middle is within. */
  const int first = (int) CLAMP (ceil (from - 0.5), 0, mask->width);
  const int end = (int) CLAMP (ceil (to - 0.5), first, mask->width);

  memset (mask->values + (gsize) y * (gsize) mask->width + first, 255, (gsize) (end - first));
}

EspMask *
_esp_region_to_mask (const EspRegion *region, int width, int height, GError **error)
{
  EspMask *mask = esp_mask_new (width, height, error);
  const int top = CLAMP (region->y, 0, height);
  const int bottom = (int) CLAMP ((gint64) region->y + region->height, top, height);
  g_autoptr (GArray) crossings = g_array_new (FALSE, FALSE, sizeof (Crossing));

  for (int y = top; mask != NULL && y < bottom; y++)
    {
      int winding = 0;

      if (region->points == NULL)
        {
          fill_row (mask, y, region->x, (double) region->x + region->width);
          continue;
        }
      /* A lasso that crosses itself holds all that it goes around. */
      find_crossings (region->points, y + 0.5, crossings);
      for (guint i = 0; i + 1 < crossings->len; i++)
        {
          winding += g_array_index (crossings, Crossing, i).turn;
          if (winding != 0)
            fill_row (mask, y, g_array_index (crossings, Crossing, i).x,
                      g_array_index (crossings, Crossing, i + 1).x);
        }
    }
  return mask;
}
