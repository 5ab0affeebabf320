/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-motion-colour.c: how the colours of a result differ from those of its source where both show
 * the same: a line through each channel, and the mean difference. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>
#include <string.h>

#include "esp-motion-private.h"
#include "esp-sizes-private.h"

/* Structure finer than this (σ, values) is lost in results and would flatten the lines. */
#define SMOOTH 2.0

#define MARGIN  6.0
#define SAMPLES 100000
#define ROUNDS  12
#define CUT_OFF 4.0

#define MIN_SPREAD 0.4 /* levels */

/* So many of these from black and white, values are not cut off, where no line is known yet. */
#define SHY 5.0

#define ENOUGH 500 /* samples to measure by */

/* Models change the contrast by a few percent; of a channel that has one value, the line is level.
 * In levels of spread that weigh as much as the knowledge that gains are near 1. */
#define PRIOR_SPREAD 1.0

typedef struct
{
  guint n;
  guint n_textured;      /* the first ones */
  float *source, *moved; /* n */
} Samples;

/* Values that the line takes beyond black or white say nothing about it: they were cut off there.
 * Chosen by the source, which has no noise to choose by. */
static gboolean
is_cut_off (double expected, double spread)
{
  return expected < 1.5 * spread || expected > 255 - 1.5 * spread;
}

/* ---- where the differences are most crowded: a first offset that half the picture cannot sway */

static double
find_crowd (const Samples *samples)
{
  guint bins[511 + 8] = { 0 };
  guint best = 0, sum = 0;
  int at = 0;

  for (guint i = 0; i < samples->n; i++)
    if (!is_cut_off (samples->source[i], SHY))
      bins[4 + CLAMP ((int) lrintf (samples->moved[i] - samples->source[i]), -255, 255) + 255]++;
  for (int i = 0; i < 8; i++)
    sum += bins[i];
  for (int i = 4; i < 4 + 511; i++)
    {
      sum += bins[i + 4];
      if (sum > best)
        {
          best = sum;
          at = i;
        }
      sum -= bins[i - 4];
    }
  return at - 4 - 255;
}

static double
get_spread (const Samples *samples, double gain, double offset)
{
  g_autofree EspSizes *rests = _esp_sizes_new (64);
  /* An empty ground has no noise, and there may be much of it. */
  const guint n = samples->n_textured >= ENOUGH ? samples->n_textured : samples->n;

  for (guint i = 0; i < n; i++)
    {
      const double expected = gain * samples->source[i] + offset;

      if (!is_cut_off (expected, MIN_SPREAD))
        _esp_sizes_add (rests, fabs (samples->moved[i] - expected));
    }
  return MAX (MIN_SPREAD, _esp_sizes_get_spread (rests));
}

/* The line of one channel, and which samples lie near it. */
static void
fit_line (const Samples *samples, guint8 *near, double *gain, double *offset, double *tint)
{
  double spread;
  gboolean any = FALSE;

  *gain = 1;
  *offset = find_crowd (samples);
  /* Half of them may be changed: not their spread, but what is usual. */
  spread = CLAMP (get_spread (samples, *gain, *offset), 1, 6);
  for (guint round = 0; round < ROUNDS; round++)
    {
      double w = 0, a = 0, b = 0, aa = 0, ab = 0;

      for (guint i = 0; i < samples->n; i++)
        {
          const double source = samples->source[i], moved = samples->moved[i];
          const double expected = *gain * source + *offset;
          const double far = (moved - expected) / (CUT_OFF * spread);
          const double left = 1 - far * far;
          const gboolean used = left > 0 && !is_cut_off (expected, spread);

          near[i] = fabs (moved - CLAMP (expected, 0, 255)) < CUT_OFF * spread;
          if (!used)
            continue;
          w += left * left;
          a += left * left * source;
          b += left * left * moved;
          aa += left * left * source * source;
          ab += left * left * source * moved;
        }
      any = w > 0;
      if (!any)
        break;
      a /= w;
      b /= w;
      aa = MAX (aa / w - a * a, 0) + PRIOR_SPREAD * PRIOR_SPREAD;
      ab = ab / w - a * b + PRIOR_SPREAD * PRIOR_SPREAD;
      *gain = CLAMP (ab / aa, 0.2, 5);
      *offset = b - *gain * a;
      *tint = b - a;
      if (round > 1)
        spread = MIN (spread, get_spread (samples, *gain, *offset));
    }
  if (!any)
    *tint = *offset; /* all black or all white */
}

/* Adds the samples of all tiles of one kind; returns how many were looked at. */
static guint
collect (EspPlane *const source[3], EspPlane *const moved[3], const EspTiles *tiles, EspTile kind,
         double tile_scale, const int common[4], int step, Samples samples[3])
{
  const int width = source[0]->width;
  guint n = 0;

  for (int y = common[1]; y < common[3]; y += step)
    for (int x = common[0]; x < common[2]; x += step)
      {
        const int i = MIN ((int) (x * tile_scale) / tiles->side, tiles->across - 1);
        const int j = MIN ((int) (y * tile_scale) / tiles->side, tiles->down - 1);
        const gsize at = (gsize) y * (gsize) width + (gsize) x;

        n++;
        if (tiles->agrees[j * tiles->across + i] != kind)
          continue;
        for (guint c = 0; c < 3; c++)
          {
            samples[c].source[samples[c].n] = source[c]->values[at];
            samples[c].moved[samples[c].n++] = moved[c]->values[at];
          }
      }
  return n;
}

static guint
collect_all (EspPlane *const source[3], EspPlane *const moved[3], const EspTiles *tiles,
             double tile_scale, const int common[4], Samples samples[3])
{
  const int width = common[2] - common[0], height = common[3] - common[1];
  const int step = MAX (1, (int) ceil (sqrt ((double) width * height / SAMPLES)));
  const gsize max = (gsize) (width / step + 1) * (gsize) (height / step + 1);
  guint n;

  for (guint c = 0; c < 3; c++)
    samples[c] = (Samples){ 0, 0, g_new (float, max), g_new (float, max) };
  n = collect (source, moved, tiles, ESP_TILE_AGREES, tile_scale, common, step, samples);
  for (guint c = 0; c < 3; c++)
    samples[c].n_textured = samples[c].n;
  (void) collect (source, moved, tiles, ESP_TILE_FLAT, tile_scale, common, step, samples);
  return n;
}

gboolean
_esp_motion_fit_colours (EspPlane *const source[3], EspPlane *const moved[3],
                         const EspMotion *motion, const EspTiles *tiles, double tile_scale,
                         EspRegistration *registration, GCancellable *cancellable, GError **error)
{
  Samples samples[3] = { { 0 } };
  guint8 *near[3] = { NULL };
  int common[4];
  guint n_agreeing = 0, n;

  for (guint c = 0; c < 3; c++)
    if (!_esp_plane_gaussian (source[c], SMOOTH, source[c], cancellable, error)
        || !_esp_plane_gaussian (moved[c], SMOOTH, moved[c], cancellable, error))
      return FALSE;
  registration->agreeing = 0;
  if (!_esp_motion_common (motion, source[0]->width, source[0]->height, MARGIN, common)
      && !_esp_motion_common (motion, source[0]->width, source[0]->height, 0, common))
    return TRUE;
  n = collect_all (source, moved, tiles, tile_scale, common, samples);
  if (samples[0].n > 0)
    for (guint c = 0; c < 3; c++)
      {
        near[c] = g_new (guint8, samples[c].n);
        fit_line (&samples[c], near[c], &registration->gain[c], &registration->offset[c],
                  &registration->tint[c]);
      }
  for (guint i = 0; i < samples[0].n; i++)
    n_agreeing += near[0][i] && near[1][i] && near[2][i] ? 1 : 0;
  registration->agreeing = n > 0 ? (double) n_agreeing / n : 0;
  for (guint c = 0; c < 3; c++)
    {
      g_free (samples[c].source);
      g_free (samples[c].moved);
      g_free (near[c]);
    }
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}
