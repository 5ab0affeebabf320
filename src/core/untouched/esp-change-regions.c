/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-change-regions.c: connected places. */
#define G_LOG_DOMAIN "esp-untouched"

#include <string.h>

#include "esp-change-private.h"

typedef struct
{
  int width, height;
  int *stack; /* of places; what was taken off stays below `n_seen` as the region's list */
  int n;
  guint8 *seen;
} Flood;

static gboolean
flood_init (Flood *self, int width, int height, GError **error)
{
  const gsize n = (gsize) width * (gsize) height;

  *self = (Flood){ width, height, g_try_new (int, n), 0, g_try_new0 (guint8, n) };
  if (self->stack != NULL && self->seen != NULL)
    return TRUE;
  esp_mask_refuse_room (width, height, error);
  return FALSE;
}

static void
flood_clear (Flood *self)
{
  g_free (self->stack);
  g_free (self->seen);
}

typedef gboolean (*IsInFunc) (int at, gconstpointer data);

static void
visit (Flood *self, int at, IsInFunc is_in, gconstpointer data)
{
  if (self->seen[at] || !is_in (at, data))
    return;
  self->seen[at] = TRUE;
  self->stack[self->n++] = at;
}

/* Lists in `stack` all places connected (by sides and corners) with the first one there. */
static void
flood_region (Flood *self, int start, IsInFunc is_in, gconstpointer data)
{
  self->n = 0;
  visit (self, start, is_in, data);
  for (int i = 0; i < self->n; i++)
    {
      const int x = self->stack[i] % self->width, y = self->stack[i] / self->width;

      for (int v = MAX (y - 1, 0); v <= MIN (y + 1, self->height - 1); v++)
        for (int u = MAX (x - 1, 0); u <= MIN (x + 1, self->width - 1); u++)
          visit (self, v * self->width + u, is_in, data);
    }
}

/* --- Growing ---------------------------------------------------------------------------------- */

typedef struct
{
  const float *strength;
  float low;
} Above;

static gboolean
is_above (int at, gconstpointer data)
{
  const Above *self = data;

  return self->strength[at] > self->low;
}

static gboolean
touches (const EspMask *known, int at)
{
  const int x = at % known->width, y = at / known->width;

  for (int v = MAX (y - 2, 0); v <= MIN (y + 2, known->height - 1); v++)
    for (int u = MAX (x - 2, 0); u <= MIN (x + 2, known->width - 1); u++)
      if (known->values[(gsize) v * (gsize) known->width + (gsize) u] != 0)
        return TRUE;
  return FALSE;
}

gboolean
_esp_regions_grow (const EspPlane *strength, double high, double next, double low, double crumb,
                   const EspMask *known, EspMask *mask, GError **error)
{
  const int n = strength->width * strength->height;
  const Above above = { strength->values, (float) low };
  Flood flood;

  if (!flood_init (&flood, strength->width, strength->height, error))
    {
      flood_clear (&flood);
      return FALSE;
    }
  for (int at = 0; at < n; at++)
    {
      gboolean near = FALSE;
      double peak = 0, needed;

      if (flood.seen[at] || !is_above (at, &above))
        continue;
      flood_region (&flood, at, is_above, &above);
      for (int i = 0; i < flood.n; i++)
        peak = MAX (peak, strength->values[flood.stack[i]]);
      if (peak <= MIN (high, next))
        continue;
      for (int i = 0; i < flood.n && known != NULL && !near; i++)
        near = touches (known, flood.stack[i]);
      needed = near ? next : high;
      if (peak <= needed || flood.n * (peak / high) * (peak / high) <= (near ? crumb / 4 : crumb))
        continue;
      for (int i = 0; i < flood.n; i++)
        mask->values[flood.stack[i]] = 255;
    }
  flood_clear (&flood);
  return TRUE;
}

/* --- Holes ------------------------------------------------------------------------------------ */

static gboolean
is_free (int at, gconstpointer data)
{
  return ((const guint8 *) data)[at] == 0;
}

gboolean
_esp_regions_fill (EspMask *mask, gsize largest, GError **error)
{
  const int n = mask->width * mask->height;
  Flood flood;

  if (!flood_init (&flood, mask->width, mask->height, error))
    {
      flood_clear (&flood);
      return FALSE;
    }
  for (int at = 0; at < n; at++)
    {
      if (flood.seen[at] || mask->values[at] != 0)
        continue;
      flood_region (&flood, at, is_free, mask->values);
      if ((gsize) flood.n < largest)
        for (int i = 0; i < flood.n; i++)
          mask->values[flood.stack[i]] = 255;
    }
  flood_clear (&flood);
  return TRUE;
}
