/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-motion-refine.c: a motion to hundredths of a value, by least squares over all values that
 * look alike (B. D. Lucas, T. Kanade, 1981; slopes of both pictures averaged as S. Benhimane and
 * E. Malis do, 2004; weights by J. W. Tukey).
 *
 * What a value may differ by grows with how steep the picture is there: a rest of misalignment and
 * other resampling show at edges, noise everywhere. Without that the few edges of a picture that is
 * nearly empty would be taken for changes. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>
#include <string.h>

#include "esp-motion-private.h"
#include "esp-rows-private.h"
#include "esp-sizes-private.h"

#define COARSE  8.0 /* σ of what is taken away, in those of what is left */
#define MARGIN  4.0 /* values from all edges */
#define CUT_OFF 4.5 /* standard deviations, where weights end */

#define UNKNOWNS 5 /* shift x, y; scale; gain, offset */
#define SUMS     (UNKNOWNS * (UNKNOWNS + 1) / 2 + UNKNOWNS)
#define LANES    8

/* Slopes (levels a value) below and above which differences are noise and misalignment. */
#define STEEP 1.0

/* Bounds of what a value may differ by: levels; values of misalignment. */
#define MIN_NOISE 0.15
#define MIN_SLACK 0.03
#define MAX_SLACK 1.0

#define SAMPLES 40000

/* Enough, in values at the corners. */
#define STILL 0.003

typedef struct
{
  const EspPlane *a, *b;
  const EspTiles *tiles; /* or NULL */
  EspPlane *moved;
  EspMotion motion;
  double gain, offset;
  double noise, slack;
  double unit; /* scale is solved for at this distance from the centre */
  int common[4];
  int grain;
  double (*sums)[SUMS]; /* of each piece */
} Refining;

EspPlane *
_esp_plane_band (const EspPlane *luma, double fine, GCancellable *cancellable, GError **error)
{
  static const float factors[] = { 1, -1 };
  g_autoptr (EspPlane) near = _esp_plane_new (luma->width, luma->height, error);
  g_autoptr (EspPlane) far = near ? _esp_plane_new (luma->width, luma->height, error) : NULL;

  if (far == NULL || !_esp_plane_gaussian (luma, fine, near, cancellable, error)
      || !_esp_plane_gaussian (luma, COARSE * fine, far, cancellable, error)
      || !_esp_plane_sum ((EspPlane *[]){ near, far }, factors, 2, near, cancellable, error))
    return NULL;
  return g_steal_pointer (&near);
}

static gboolean
is_agreeing (const Refining *self, int x, int y)
{
  const EspTiles *tiles = self->tiles;

  return tiles == NULL
         || tiles->agrees[MIN (y / tiles->side, tiles->down - 1) * tiles->across
                          + MIN (x / tiles->side, tiles->across - 1)]
                == ESP_TILE_AGREES;
}

/* ---- how much values differ that should not */

static float
get_slope (const EspPlane *plane, gsize at)
{
  const float *v = plane->values + at;
  const float dx = 0.5f * (v[1] - v[-1]), dy = 0.5f * (v[plane->width] - v[-plane->width]);

  return sqrtf (dx * dx + dy * dy);
}

static void
measure_spread (Refining *self)
{
  const int *common = self->common;
  const double area = (double) (common[2] - common[0]) * (common[3] - common[1]);
  const int step = MAX (1, (int) sqrt (area / SAMPLES));
  g_autofree EspSizes *noise = _esp_sizes_new (32);
  g_autofree EspSizes *slack = _esp_sizes_new (4);

  for (int y = common[1]; y < common[3]; y += step)
    for (int x = common[0]; x < common[2]; x += step)
      {
        const gsize at = (gsize) y * (gsize) self->a->width + (gsize) x;
        const double slope = get_slope (self->a, at);
        const double rest
            = fabs (self->moved->values[at] - self->gain * self->a->values[at] - self->offset);

        if (!is_agreeing (self, x, y))
          continue;
        if (slope < STEEP)
          _esp_sizes_add (noise, rest);
        else
          _esp_sizes_add (slack, rest / slope);
      }
  self->noise = MAX (MIN_NOISE, _esp_sizes_get_spread (noise));
  self->slack
      = slack->n > 0 ? CLAMP (_esp_sizes_get_spread (slack), MIN_SLACK, MAX_SLACK) : MAX_SLACK;
}

/* ---- sums of the normal equations */

typedef struct
{
  float sums[SUMS][LANES];
} Lanes;

/* A row from x = `from` on, `n` × LANES values. */
static void
add_row (const Refining *self, int y, int from, int n, const float *weights, Lanes *lanes)
{
  const int width = self->a->width;
  const gsize at = (gsize) y * (gsize) width + (gsize) from;
  const float *a = self->a->values + at, *b = self->moved->values + at;
  const float gain = (float) self->gain, offset = (float) self->offset;
  const float noise2 = (float) (self->noise * self->noise);
  const float slack2 = (float) (self->slack * self->slack);
  const float unit = (float) (1 / self->unit);
  const float from_x = ((float) from + 0.5f - (float) width / 2) * unit;
  const float from_y = ((float) y + 0.5f - (float) self->a->height / 2) * unit;

  for (int k = 0; k < n; k++)
    for (int l = 0; l < LANES; l++)
      {
        const int i = k * LANES + l;
        const float ax = 0.5f * (a[i + 1] - a[i - 1]), ay = 0.5f * (a[i + width] - a[i - width]);
        const float bx = 0.5f * (b[i + 1] - b[i - 1]), by = 0.5f * (b[i + width] - b[i - width]);
        const float rest = b[i] - gain * a[i] - offset;
        const float variance = noise2 + slack2 * (ax * ax + ay * ay);
        const float far = rest * rest / (variance * (float) (CUT_OFF * CUT_OFF));
        const float left = far < 1 ? 1 - far : 0;
        const float w = weights[i] * left * left / variance;
        const float gx = 0.5f * (gain * ax + bx), gy = 0.5f * (gain * ay + by);
        const float row[UNKNOWNS + 1] = {
          gx, gy, gx * (from_x + (float) i * unit) + gy * from_y, -a[i], -1, -rest,
        };
        int s = 0;

        for (int p = 0; p < UNKNOWNS; p++)
          for (int q = p; q <= UNKNOWNS; q++)
            lanes->sums[s++][l] += w * row[p] * row[q];
      }
}

static void
add_rows (int begin, int end, gpointer data)
{
  const Refining *self = data;
  const int from = self->common[0], n = (self->common[2] - from) / LANES, n_used = n * LANES;
  double *sums = self->sums[begin / self->grain];
  g_autofree float *weights = g_new0 (float, n_used);

  for (int y = MAX (begin, self->common[1]); y < MIN (end, self->common[3]); y++)
    {
      Lanes lanes;

      memset (&lanes, 0, sizeof lanes);
      for (int i = 0; i < n_used; i++)
        weights[i] = is_agreeing (self, from + i, y) ? 1 : 0;
      add_row (self, y, from, n, weights, &lanes);
      for (int s = 0; s < SUMS; s++)
        for (int l = 0; l < LANES; l++)
          sums[s] += (double) lanes.sums[s][l];
    }
}

/* ---- solving */

/* m x = v for a symmetric positive m, by Cholesky's way; `m` is used up. FALSE: it is none. */
static gboolean
solve (double m[UNKNOWNS][UNKNOWNS], double v[UNKNOWNS])
{
  for (int j = 0; j < UNKNOWNS; j++)
    {
      for (int k = 0; k < j; k++)
        m[j][j] -= m[j][k] * m[j][k];
      if (m[j][j] <= 0)
        return FALSE;
      m[j][j] = sqrt (m[j][j]);
      for (int i = j + 1; i < UNKNOWNS; i++)
        {
          for (int k = 0; k < j; k++)
            m[i][j] -= m[i][k] * m[j][k];
          m[i][j] /= m[j][j];
        }
    }
  for (int i = 0; i < UNKNOWNS; i++)
    {
      for (int k = 0; k < i; k++)
        v[i] -= m[i][k] * v[k];
      v[i] /= m[i][i];
    }
  for (int i = UNKNOWNS - 1; i >= 0; i--)
    {
      for (int k = i + 1; k < UNKNOWNS; k++)
        v[i] -= m[k][i] * v[k];
      v[i] /= m[i][i];
    }
  return TRUE;
}

/* One step; what the picture says nothing about (along stripes) stays where it is probable before
 * one looks: not moved. `change`: of the motion, in values at the corners. */
static gboolean
take_step (Refining *self, int n_pieces, double *change)
{
  /* Information: 1 / variance. A value at its corners may move by 2 %, gains differ by 20 %. */
  const double moves = 0.02 * 2 * self->unit;
  const double prior[UNKNOWNS] = {
    1 / (moves * moves), 1 / (moves * moves), 1 / (moves * moves), 1 / 0.04, 1.0,
  };
  const double at[UNKNOWNS] = {
    self->motion.x, self->motion.y, self->motion.k * self->unit, self->gain - 1, self->offset,
  };
  double sums[SUMS] = { 0 }, m[UNKNOWNS][UNKNOWNS], v[UNKNOWNS];
  int s = 0;

  for (int i = 0; i < n_pieces; i++)
    for (s = 0; s < SUMS; s++)
      sums[s] += self->sums[i][s];
  s = 0;
  for (int p = 0; p < UNKNOWNS; p++)
    {
      for (int q = p; q < UNKNOWNS; q++)
        m[p][q] = m[q][p] = sums[s++];
      v[p] = sums[s++] - prior[p] * at[p];
      m[p][p] += prior[p];
    }
  if (!solve (m, v))
    return FALSE;
  self->motion.x += v[0];
  self->motion.y += v[1];
  self->motion.k += v[2] / self->unit;
  self->gain = CLAMP (self->gain + v[3], 0.2, 5);
  self->offset += v[4];
  *change = fabs (v[0]) + fabs (v[1]) + fabs (v[2]);
  return TRUE;
}

gboolean
_esp_motion_refine (const EspPlane *a, const EspPlane *b, const EspTiles *tiles, int n_steps,
                    EspMotion *motion, EspPlane *moved, GCancellable *cancellable, GError **error)
{
  const int grain = _esp_rows_get_grain (a->width);
  const int n_pieces = (a->height + grain - 1) / grain;
  g_autofree double (*sums)[SUMS] = g_malloc_n (n_pieces, sizeof *sums);
  Refining self = {
    .a = a,
    .b = b,
    .tiles = tiles,
    .moved = moved,
    .motion = *motion,
    .gain = 1,
    .grain = grain,
  };
  double change = G_MAXDOUBLE;

  self.unit = hypot (a->width, a->height) / 2;
  self.sums = sums;
  for (int i = 0; i <= n_steps; i++)
    {
      const EspPlaneMap map = _esp_motion_map (&self.motion, a->width, a->height);

      if (!_esp_plane_move (b, &map, moved, cancellable, error))
        return FALSE;
      if (i == n_steps || change < STILL
          || !_esp_motion_common (&self.motion, a->width, a->height, MARGIN, self.common)
          || self.common[2] - self.common[0] < LANES)
        break;
      measure_spread (&self);
      memset (sums, 0, (gsize) n_pieces * sizeof *sums);
      if (!_esp_rows_run (a->height, grain, add_rows, &self, cancellable, error))
        return FALSE;
      if (!take_step (&self, n_pieces, &change))
        break;
    }
  *motion = self.motion;
  return TRUE;
}
