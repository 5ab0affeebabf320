/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-change-global.c: edits of the picture as a whole. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>

#include "esp-change-private.h"

/* Models that mean to leave a picture alone stay far within these (docs/drift.md); edits that mean
 * all of it do not. */
#define GAIN_LEAST   0.85
#define GAIN_MOST    1.15
#define TINT_MOST    20.0 /* levels, in a channel and between two */
#define DETAIL_LEAST 0.3  /* blurred, in squares, painted */
#define LUMA_MOST    3.5  /* levels: the usual error outside of what changed, over some places */
#define CHROMA_MOST  2.6
#define CHANGED_MOST 0.55 /* of the picture */

/* A veil: black is lifted, and contrast less. */
#define VEIL_BLACK 14.0 /* levels */
#define VEIL_GAIN  0.95

/* Many small changes everywhere: snow, rain. */
#define TILES        8
#define TILE_CHANGED 0.01
#define TILES_MOST   0.8
#define TILES_SHARE  0.04

/* Colours that all became others by one rule. */
#define RECOLOURED_MOST  0.80
#define RECOLOURED_SHARE 0.15

#define SMOOTH 1.6 /* places that errors are averaged over */

static double
count_share (const EspMask *found, int left, int top, int right, int bottom)
{
  gsize n = 0;

  for (int y = top; y < bottom; y++)
    for (int x = left; x < right; x++)
      n += found->values[(gsize) y * (gsize) found->width + (gsize) x] != 0;
  return (double) n / MAX (1.0, (double) (right - left) * (bottom - top));
}

/* The share of tiles in which something changed. */
static double
count_tiles (const EspMask *found, const EspSpan *covered)
{
  const int width = covered->right - covered->left, height = covered->bottom - covered->top;
  int n = 0;

  for (int v = 0; v < TILES; v++)
    for (int u = 0; u < TILES; u++)
      n += count_share (found, covered->left + width * u / TILES, covered->top + height * v / TILES,
                        covered->left + width * (u + 1) / TILES,
                        covered->top + height * (v + 1) / TILES)
           > TILE_CHANGED;
  return (double) n / (TILES * TILES);
}

static gboolean
colours_are_others (const EspResidual *self)
{
  double least = INFINITY, most = -INFINITY;
  int veiled = 0;

  for (int c = 0; c < 3; c++)
    {
      const double gain = self->fits[c].terms[0];

      g_debug ("channel %d: gain %.3f, offset %.1f, tint %.1f", c, gain, self->fits[c].terms[1],
               self->tints[c]);
      if (gain < GAIN_LEAST || gain > GAIN_MOST || fabs (self->tints[c]) > TINT_MOST)
        return TRUE;
      veiled += gain < VEIL_GAIN && self->fits[c].terms[1] > VEIL_BLACK;
      least = MIN (least, self->tints[c]);
      most = MAX (most, self->tints[c]);
    }
  return most - least > TINT_MOST || veiled == 3;
}

/* Only clear structures tell: noise and codecs take faint ones. */
#define CLEAR       6.0f /* levels */
#define CLEAR_LEAST 200  /* places */

/* How strong structures are in what did not change, 1: as in the source; the median of all. */
static double
measure_detail (const EspResidual *self, const EspMask *found)
{
  const float *before = self->structures[0]->values, *after = self->structures[1]->values;
  g_autoptr (GArray) ratios = g_array_new (FALSE, FALSE, sizeof (float));

  for (int y = self->covered.top; y < self->covered.bottom; y += 2)
    for (int x = self->covered.left; x < self->covered.right; x++)
      {
        const gsize at = (gsize) y * (gsize) found->width + (gsize) x;
        const float ratio = after[at] / before[at];

        if (fabsf (before[at]) >= CLEAR && found->values[at] == 0)
          g_array_append_val (ratios, ratio);
      }
  if (ratios->len < CLEAR_LEAST)
    return 1;
  return _esp_select_float ((float *) (gpointer) ratios->data, (int) ratios->len,
                            (int) ratios->len / 2);
}

/* The median of the errors outside of what was found, averaged over some places; NAN on failure. */
static double
measure_usual (const EspResidual *self, int channel, const EspMask *found,
               GCancellable *cancellable, GError **error)
{
  const EspPlane *plane = self->error[channel];
  g_autoptr (EspPlane) smooth = _esp_plane_new (plane->width, plane->height, error);
  g_autofree float *errors = NULL;
  int n = 0;
  const int step = MAX (1, (int) sqrt ((double) plane->width * plane->height / 30000));

  if (smooth == NULL || !_esp_plane_gaussian (plane, SMOOTH, smooth, cancellable, error))
    return NAN;
  errors = g_new (float, (gsize) (plane->width / step + 1) * (gsize) (plane->height / step + 1));
  for (int y = self->covered.top; y < self->covered.bottom; y += step)
    for (int x = self->covered.left; x < self->covered.right; x += step)
      {
        const gsize at = (gsize) y * (gsize) plane->width + (gsize) x;

        if (found->values[at] == 0)
          errors[n++] = fabsf (smooth->values[at]);
      }
  return n > 0 ? _esp_select_float (errors, n, n / 2) : 0;
}

gboolean
_esp_change_is_global (const EspResidual *residual, const EspMask *found, gboolean *global,
                       GCancellable *cancellable, GError **error)
{
  const EspSpan *covered = &residual->covered;
  const double changed
      = count_share (found, covered->left, covered->top, covered->right, covered->bottom);
  const double detail = measure_detail (residual, found);
  double usual[3];

  g_debug ("changed %.3f in %.2f of the tiles, detail %.2f, recoloured %.2f", changed,
           count_tiles (found, covered), detail, residual->recoloured);
  *global = TRUE;
  if (colours_are_others (residual) || detail < DETAIL_LEAST || changed > CHANGED_MOST
      || (changed > TILES_SHARE && count_tiles (found, covered) > TILES_MOST)
      || (changed > RECOLOURED_SHARE && residual->recoloured > RECOLOURED_MOST))
    return TRUE;
  for (int c = 0; c < 3; c++)
    {
      usual[c] = measure_usual (residual, c, found, cancellable, error);
      if (isnan (usual[c]))
        return FALSE;
    }
  g_debug ("usual errors: %.2f %.2f %.2f", usual[0], usual[1], usual[2]);
  *global = usual[0] > LUMA_MOST || usual[1] > CHROMA_MOST || usual[2] > CHROMA_MOST;
  return TRUE;
}
