/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-motion-tiles.c: where two planes agree, tile by tile, whatever their contrast. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>

#include "esp-motion-private.h"
#include "esp-rows-private.h"

#define MIN_SIDE 8
#define MAX_SIDE 24

/* Root mean square, levels: with less there is nothing to be seen in a tile. */
#define FLAT 0.5

/* Correlation of tiles that show the same. */
#define AGREES 0.6
#define SURELY 0.85

typedef struct
{
  const EspPlane *a, *b;
  EspTiles *tiles;
  int common[4];
  double *scores; /* of each tile; < 0: flat */
} Comparing;

void
_esp_tiles_clear (EspTiles *tiles)
{
  g_clear_pointer (&tiles->agrees, g_free);
}

double
_esp_motion_distance (const EspMotion *a, const EspMotion *b, int width, int height)
{
  const double k = fabs (a->k - b->k);

  return hypot (fabs (a->x - b->x) + k * width / 2, fabs (a->y - b->y) + k * height / 2);
}

EspPlaneMap
_esp_motion_map (const EspMotion *motion, int width, int height)
{
  return (EspPlaneMap){
    motion->x - motion->k * width / 2,
    motion->y - motion->k * height / 2,
    1 + motion->k,
    1 + motion->k,
  };
}

gboolean
_esp_motion_common (const EspMotion *motion, int width, int height, double margin, int common[4])
{
  const EspPlaneMap map = _esp_motion_map (motion, width, height);

  common[0] = (int) ceil (MAX (margin, (margin - map.x) / map.step_x - 0.5));
  common[1] = (int) ceil (MAX (margin, (margin - map.y) / map.step_y - 0.5));
  common[2] = (int) floor (MIN (width - margin, (width - margin - map.x) / map.step_x + 0.5));
  common[3] = (int) floor (MIN (height - margin, (height - margin - map.y) / map.step_y + 0.5));
  return common[0] < common[2] && common[1] < common[3];
}

static double
compare_tile (const Comparing *self, int left, int top, int right, int bottom)
{
  const int x0 = MAX (left, self->common[0]), x1 = MIN (right, self->common[2]);
  const int y0 = MAX (top, self->common[1]), y1 = MIN (bottom, self->common[3]);
  double aa = 0, bb = 0, ab = 0, floor2;

  /* Half of it at least. */
  if (x1 <= x0 || y1 <= y0 || 2 * (x1 - x0) * (y1 - y0) < (right - left) * (bottom - top))
    return -1;
  for (int y = y0; y < y1; y++)
    {
      const float *a = self->a->values + (gsize) y * (gsize) self->a->width;
      const float *b = self->b->values + (gsize) y * (gsize) self->a->width;

      for (int x = x0; x < x1; x++)
        {
          aa += (double) a[x] * a[x];
          bb += (double) b[x] * b[x];
          ab += (double) a[x] * b[x];
        }
    }
  floor2 = FLAT * FLAT * (x1 - x0) * (y1 - y0);
  if (MAX (aa, bb) < floor2)
    return -1;
  return MAX (ab, 0) / sqrt (MAX (aa, floor2 / 4) * MAX (bb, floor2 / 4));
}

static void
compare_rows (int begin, int end, gpointer data)
{
  const Comparing *self = data;
  const EspTiles *tiles = self->tiles;
  const int side = tiles->side;

  for (int j = begin; j < end; j++)
    for (int i = 0; i < tiles->across; i++)
      {
        const int right = i + 1 < tiles->across ? (i + 1) * side : self->a->width;
        const int bottom = j + 1 < tiles->down ? (j + 1) * side : self->a->height;

        self->scores[j * tiles->across + i]
            = compare_tile (self, i * side, j * side, right, bottom);
      }
}

gboolean
_esp_tiles_compare (const EspPlane *a, const EspPlane *moved, const EspMotion *motion,
                    EspTiles *tiles, GCancellable *cancellable, GError **error)
{
  g_autofree double *scores = NULL;
  Comparing self = { a, moved, tiles, { 0 }, NULL };
  gsize n;

  _esp_tiles_clear (tiles);
  *tiles = (EspTiles){ 0 };
  tiles->side = CLAMP (MIN (a->width, a->height) / 8, MIN_SIDE, MAX_SIDE);
  tiles->across = MAX (1, a->width / tiles->side);
  tiles->down = MAX (1, a->height / tiles->side);
  n = (gsize) tiles->across * (gsize) tiles->down;
  tiles->agrees = g_new0 (guint8, n);
  self.scores = scores = g_new (double, n);
  if (!_esp_motion_common (motion, a->width, a->height, 2, self.common))
    return TRUE;
  if (!_esp_rows_run (tiles->down, 1, compare_rows, &self, cancellable, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      if (scores[i] < 0)
        {
          tiles->agrees[i] = ESP_TILE_FLAT;
          continue;
        }
      tiles->agrees[i] = scores[i] >= AGREES ? ESP_TILE_AGREES : ESP_TILE_DIFFERS;
      tiles->n_textured++;
      tiles->n_agreeing += scores[i] >= AGREES ? 1 : 0;
      tiles->n_surely += scores[i] >= SURELY ? 1 : 0;
      tiles->score += scores[i];
    }
  return TRUE;
}
