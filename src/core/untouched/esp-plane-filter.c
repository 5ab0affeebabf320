/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-plane-filter.c: planes smoothed, halved, differentiated and added up. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>
#include <string.h>

#include "esp-plane-private.h"
#include "esp-rows-private.h"

/* A Gaussian ends where it has sunk below 0.3 %. */
#define REACH 3.4

/* Wider ones are made at half the size. */
#define MAX_SIGMA 6.0

/* What halving and bringing back spreads by itself, values²: a box of two, and the rest by Lanczos,
 * which spreads hardly. */
#define HALVING_VARIANCE 0.25

/* The place of a value beyond the edges, in the mirror. */
static inline int
mirror (int i, int n)
{
  while (i < 0 || i >= n)
    i = i < 0 ? -1 - i : 2 * n - 1 - i;
  return i;
}

/* ---- Gaussian */

typedef struct
{
  const EspPlane *in;
  EspPlane *out;
  int reach;
  const float *weights; /* reach + 1: the middle one first */
} Smoothing;

/* Weighted sums of pairs on both sides: to = w[0] in[0] + Σ w[k] (in[−k] + in[k]). */
static void
smooth_row (const float *row, int width, const Smoothing *self, float *padded, float *restrict to)
{
  const int reach = self->reach;
  const float *middle = padded + reach;

  memcpy (padded + reach, row, sizeof (float) * (gsize) width);
  for (int i = 1; i <= reach; i++)
    {
      padded[reach - i] = row[mirror (-i, width)];
      padded[reach + width - 1 + i] = row[mirror (width - 1 + i, width)];
    }
  for (int x = 0; x < width; x++)
    to[x] = self->weights[0] * middle[x];
  for (int i = 1; i <= reach; i++)
    {
      const float w = self->weights[i], *before = middle - i, *after = middle + i;

      for (int x = 0; x < width; x++)
        to[x] += w * (before[x] + after[x]);
    }
}

static void
smooth_rows (int begin, int end, gpointer data)
{
  const Smoothing *self = data;
  const int width = self->in->width;
  g_autofree float *padded = g_new (float, width + 2 * self->reach);

  for (int y = begin; y < end; y++)
    smooth_row (self->in->values + (gsize) y * (gsize) width, width, self, padded,
                self->out->values + (gsize) y * (gsize) width);
}

static void
smooth_columns (int begin, int end, gpointer data)
{
  const Smoothing *self = data;
  const int width = self->in->width, height = self->in->height;
  const float *in = self->in->values;

  for (int y = begin; y < end; y++)
    {
      const float *middle = in + (gsize) y * (gsize) width;
      float *restrict to = self->out->values + (gsize) y * (gsize) width;

      for (int x = 0; x < width; x++)
        to[x] = self->weights[0] * middle[x];
      for (int i = 1; i <= self->reach; i++)
        {
          const float w = self->weights[i];
          const float *above = in + (gsize) mirror (y - i, height) * (gsize) width;
          const float *below = in + (gsize) mirror (y + i, height) * (gsize) width;

          for (int x = 0; x < width; x++)
            to[x] += w * (above[x] + below[x]);
        }
    }
}

static gboolean
smooth (const EspPlane *plane, double sigma, EspPlane *out, GCancellable *cancellable,
        GError **error)
{
  const int reach = MAX (1, (int) ceil (REACH * sigma));
  const int grain = _esp_rows_get_grain (plane->width);
  g_autofree float *weights = g_new (float, reach + 1);
  g_autoptr (EspPlane) between = _esp_plane_new (plane->width, plane->height, error);
  double sum = 1;

  if (between == NULL)
    return FALSE;
  for (int i = 1; i <= reach; i++)
    sum += 2 * exp (-0.5 * i * i / (sigma * sigma));
  for (int i = 0; i <= reach; i++)
    weights[i] = (float) (exp (-0.5 * i * i / (sigma * sigma)) / sum);
  return _esp_rows_run (plane->height, grain, smooth_rows,
                        &(Smoothing){ plane, between, reach, weights }, cancellable, error)
         && _esp_rows_run (plane->height, grain, smooth_columns,
                           &(Smoothing){ between, out, reach, weights }, cancellable, error);
}

gboolean
_esp_plane_gaussian (const EspPlane *plane, double sigma, EspPlane *out, GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (EspPlane) half = NULL;
  EspPlaneMap map;

  g_assert (plane->width == out->width && plane->height == out->height && sigma >= 0);

  if (sigma < 1e-3)
    {
      if (out != plane)
        memcpy (out->values, plane->values,
                sizeof (float) * (gsize) plane->width * (gsize) plane->height);
      return TRUE;
    }
  if (sigma <= MAX_SIGMA || MIN (plane->width, plane->height) < 4)
    return smooth (plane, sigma, out, cancellable, error);
  half = _esp_plane_halve (plane, cancellable, error);
  map = (EspPlaneMap){ 0, 0, 0.5, 0.5 };
  return half != NULL
         && _esp_plane_gaussian (half, sqrt (sigma * sigma - HALVING_VARIANCE) / 2, half,
                                 cancellable, error)
         && _esp_plane_resample (half, &map, out, cancellable, error);
}

/* ---- halving */

typedef struct
{
  const EspPlane *in;
  EspPlane *out;
} Halving;

static void
halve_rows (int begin, int end, gpointer data)
{
  const Halving *self = data;
  const int width = self->in->width, whole = width / 2;

  for (int y = begin; y < end; y++)
    {
      const float *a = self->in->values + (gsize) (2 * y) * (gsize) width;
      const float *b = 2 * y + 1 < self->in->height ? a + width : a;
      float *restrict to = self->out->values + (gsize) y * (gsize) self->out->width;

      for (int x = 0; x < whole; x++)
        to[x] = 0.25f * (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1]);
      if (whole < self->out->width)
        to[whole] = 0.5f * (a[width - 1] + b[width - 1]);
    }
}

EspPlane *
_esp_plane_halve (const EspPlane *plane, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPlane) out
      = _esp_plane_new ((plane->width + 1) / 2, (plane->height + 1) / 2, error);

  if (out == NULL
      || !_esp_rows_run (out->height, _esp_rows_get_grain (plane->width), halve_rows,
                         &(Halving){ plane, out }, cancellable, error))
    return NULL;
  return g_steal_pointer (&out);
}

/* ---- gradient */

typedef struct
{
  const EspPlane *in;
  EspPlane *dx, *dy;
} Slopes;

static void
slope_rows (int begin, int end, gpointer data)
{
  const Slopes *self = data;
  const int width = self->in->width, height = self->in->height;

  for (int y = begin; y < end; y++)
    {
      const float *row = self->in->values + (gsize) y * (gsize) width;
      const float *above = y > 0 ? row - width : row;
      const float *below = y + 1 < height ? row + width : row;
      float *restrict dx = self->dx->values + (gsize) y * (gsize) width;
      float *restrict dy = self->dy->values + (gsize) y * (gsize) width;

      for (int x = 1; x < width - 1; x++)
        dx[x] = 0.5f * (row[x + 1] - row[x - 1]);
      dx[0] = 0.5f * (row[MIN (1, width - 1)] - row[0]);
      dx[width - 1] = 0.5f * (row[width - 1] - row[MAX (width - 2, 0)]);
      for (int x = 0; x < width; x++)
        dy[x] = 0.5f * (below[x] - above[x]);
    }
}

gboolean
_esp_plane_gradient (const EspPlane *plane, EspPlane *dx, EspPlane *dy, GCancellable *cancellable,
                     GError **error)
{
  g_assert (plane != dx && plane != dy && dx != dy);
  return _esp_rows_run (plane->height, _esp_rows_get_grain (plane->width), slope_rows,
                        &(Slopes){ plane, dx, dy }, cancellable, error);
}

/* ---- sums */

typedef struct
{
  EspPlane *const *planes;
  const float *factors;
  guint n;
  EspPlane *out;
} Summing;

static void
sum_rows (int begin, int end, gpointer data)
{
  const Summing *self = data;
  const gsize width = (gsize) self->out->width;
  g_autofree float *sum = g_new (float, width);

  for (int y = begin; y < end; y++)
    {
      memset (sum, 0, sizeof (float) * width);
      for (guint k = 0; k < self->n; k++)
        {
          const float *from = self->planes[k]->values + (gsize) y * width;
          const float factor = self->factors[k];

          for (gsize x = 0; x < width; x++)
            sum[x] += factor * from[x];
        }
      memcpy (self->out->values + (gsize) y * width, sum, sizeof (float) * width);
    }
}

gboolean
_esp_plane_sum (EspPlane *const *planes, const float *factors, guint n, EspPlane *out,
                GCancellable *cancellable, GError **error)
{
  return _esp_rows_run (out->height, _esp_rows_get_grain (out->width), sum_rows,
                        &(Summing){ planes, factors, n, out }, cancellable, error);
}

gboolean
_esp_plane_luma (EspPlane *const rgb[3], EspPlane *out, GCancellable *cancellable, GError **error)
{
  static const float factors[] = { 0.299f, 0.587f, 0.114f };

  return _esp_plane_sum (rgb, factors, G_N_ELEMENTS (factors), out, cancellable, error);
}
