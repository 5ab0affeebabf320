/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-plane.c: memory of planes, and how they come from pictures and go to other sizes. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-plane-private.h"

#include <math.h>
#include <string.h>

#include "esp-picture-refusal.h"
#include "esp-rows-private.h"

#define LOBES 3 /* of Lanczos */

EspPlane *
_esp_plane_new (int width, int height, GError **error)
{
  EspPlane *plane;
  float *values = NULL;

  g_assert (width > 0 && height > 0);

  if ((gint64) width * height <= ESP_PICTURE_MAX_PIXELS)
    values = g_try_malloc_n ((gsize) width * (gsize) height, sizeof (float));
  if (values == NULL)
    {
      esp_picture_refuse_room (width, height, error);
      return NULL;
    }
  plane = g_new (EspPlane, 1);
  *plane = (EspPlane){ values, width, height };
  return plane;
}

void
_esp_plane_free (EspPlane *plane)
{
  g_free (plane->values);
  g_free (plane);
}

void
_esp_planes_clear (EspPlane *planes[3])
{
  for (guint c = 0; c < 3; c++)
    g_clear_pointer (&planes[c], _esp_plane_free);
}

/* ---- places */

EspPlaneMap
_esp_plane_map_stretch (int from_width, int from_height, int to_width, int to_height)
{
  return (EspPlaneMap){ 0, 0, (double) to_width / from_width, (double) to_height / from_height };
}

EspPlaneMap
_esp_plane_map_registered (const EspRegistration *registration, int source_width, int source_height,
                           int width, int height, int result_width, int result_height)
{
  const double scale = registration->scale;
  const double x = source_width / 2.0 * (1 - scale) + registration->shift_x;
  const double y = source_height / 2.0 * (1 - scale) + registration->shift_y;

  return (EspPlaneMap){
    x * result_width / source_width,
    y * result_height / source_height,
    scale * result_width / width,
    scale * result_height / height,
  };
}

/* ---- taps */

static double
lanczos (double x)
{
  const double t = G_PI * x;

  if (fabs (x) < 1e-9)
    return 1;
  if (fabs (x) >= LOBES)
    return 0;
  return LOBES * sin (t) * sin (t / LOBES) / (t * t);
}

static EspTaps *
new_taps (int n_out, int n_in, int most)
{
  EspTaps *taps = g_new (EspTaps, 1);

  taps->n_out = n_out;
  taps->n_taps = MIN (n_in, most);
  taps->first = g_new (int, n_out);
  taps->weights = g_new0 (float, (gsize) n_out *(gsize) taps->n_taps);
  return taps;
}

/* The weights `w` of `n` inputs from `begin` on; what lies beyond the edge is its outermost value.
 */
static void
set_taps (EspTaps *taps, int k, int n_in, int begin, const double *w, int n)
{
  const int first = CLAMP (begin, 0, n_in - taps->n_taps);
  float *weights = taps->weights + (gsize) k * (gsize) taps->n_taps;
  double sum = 0;

  for (int i = 0; i < n; i++)
    sum += w[i];
  for (int i = 0; i < n; i++)
    weights[CLAMP (begin + i - first, 0, taps->n_taps - 1)] += (float) (w[i] / sum);
  taps->first[k] = first;
}

/* Far beyond the edges it is all the same. */
static double
get_place (double origin, double step, int k)
{
  return CLAMP (origin + step * (k + 0.5), -1e6, 1e6);
}

EspTaps *
_esp_taps_new (int n_out, int n_in, double origin, double step)
{
  const double wide = MAX (step, 1.0);
  const int most = (int) ceil (2 * LOBES * wide) + 1;
  g_autofree double *w = g_new (double, most);
  EspTaps *taps = new_taps (n_out, n_in, most);

  for (int k = 0; k < n_out; k++)
    {
      const double at = get_place (origin, step, k);
      const int begin = (int) ceil (at - LOBES * wide - 0.5);

      for (int i = 0; i < most; i++)
        w[i] = lanczos ((begin + i + 0.5 - at) / wide);
      set_taps (taps, k, n_in, begin, w, most);
    }
  return taps;
}

/* The polynomial through six values (Lagrange's). Where there is no finer structure than about five
 * values it puts everything where it belongs to a thousandth; Lanczos is off by up to two
 * hundredths, which a motion would have to make good. */
static EspTaps *
new_smooth_taps (int n_out, int n_in, double origin, double step)
{
  double w[6];
  EspTaps *taps = new_taps (n_out, n_in, G_N_ELEMENTS (w));

  for (int k = 0; k < n_out; k++)
    {
      const double at = get_place (origin, step, k);
      const int begin = (int) floor (at - 0.5) - 2;

      for (int i = 0; i < 6; i++)
        {
          w[i] = 1;
          for (int j = 0; j < 6; j++)
            if (j != i)
              w[i] *= (at - (begin + j + 0.5)) / (i - j);
        }
      set_taps (taps, k, n_in, begin, w, G_N_ELEMENTS (w));
    }
  return taps;
}

void
_esp_taps_free (EspTaps *taps)
{
  g_free (taps->first);
  g_free (taps->weights);
  g_free (taps);
}

/* ---- resampling: rows first, then columns; a piece makes the rows it needs itself */

typedef struct
{
  const EspPlane *in;
  EspPlane *out;
  const EspTaps *across, *down;
} Resampling;

static void
resample_row (const float *in, const EspTaps *taps, float *out)
{
  const int n = taps->n_taps;

  for (int k = 0; k < taps->n_out; k++)
    {
      const float *from = in + taps->first[k], *w = taps->weights + (gsize) k * (gsize) n;
      float sum = 0;

      for (int i = 0; i < n; i++)
        sum += w[i] * from[i];
      out[k] = sum;
    }
}

static void
resample_rows (int begin, int end, gpointer data)
{
  const Resampling *self = data;
  const int width = self->out->width, n = self->down->n_taps;
  const int top = self->down->first[begin], bottom = self->down->first[end - 1] + n;
  g_autofree float *rows = g_new (float, (gsize) width *(gsize) (bottom - top));

  for (int y = top; y < bottom; y++)
    resample_row (self->in->values + (gsize) y * (gsize) self->in->width, self->across,
                  rows + (gsize) (y - top) * (gsize) width);
  for (int y = begin; y < end; y++)
    {
      const float *from = rows + (gsize) (self->down->first[y] - top) * (gsize) width;
      const float *w = self->down->weights + (gsize) y * (gsize) n;
      float *restrict to = self->out->values + (gsize) y * (gsize) width;

      memset (to, 0, sizeof (float) * (gsize) width);
      for (int i = 0; i < n; i++)
        for (int x = 0; x < width; x++)
          to[x] += w[i] * from[(gsize) i * (gsize) width + x];
    }
}

static gboolean
resample (const EspPlane *plane, EspPlane *out, const EspTaps *across, const EspTaps *down,
          GCancellable *cancellable, GError **error)
{
  return _esp_rows_run (out->height, _esp_rows_get_grain (out->width), resample_rows,
                        &(Resampling){ plane, out, across, down }, cancellable, error);
}

gboolean
_esp_plane_resample (const EspPlane *plane, const EspPlaneMap *map, EspPlane *out,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr (EspTaps) across = _esp_taps_new (out->width, plane->width, map->x, map->step_x);
  g_autoptr (EspTaps) down = _esp_taps_new (out->height, plane->height, map->y, map->step_y);

  g_assert (plane != out && map->step_x > 0 && map->step_y > 0);
  return resample (plane, out, across, down, cancellable, error);
}

gboolean
_esp_plane_move (const EspPlane *plane, const EspPlaneMap *map, EspPlane *out,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr (EspTaps) across = new_smooth_taps (out->width, plane->width, map->x, map->step_x);
  g_autoptr (EspTaps) down = new_smooth_taps (out->height, plane->height, map->y, map->step_y);

  g_assert (plane != out && map->step_x > 0 && map->step_y > 0);
  return resample (plane, out, across, down, cancellable, error);
}

/* ---- from pictures */

typedef struct
{
  const EspPicture *picture;
  EspPlane *const *planes;
  int across, down; /* px that one value is the mean of */
} Loading;

static void
load_plain_row (const guint8 *restrict from, int n, float *restrict r, float *restrict g,
                float *restrict b)
{
  for (int x = 0; x < n; x++)
    {
      r[x] = from[3 * x];
      g[x] = from[3 * x + 1];
      b[x] = from[3 * x + 2];
    }
}

/* At most 65535 / 255 = 257 rows fit, far more than the largest picture over the smallest plane in
 * use needs; 32 bits hold any. */
static void
add_row (const guint8 *restrict from, gsize n, guint32 *restrict sums)
{
  for (gsize i = 0; i < n; i++)
    sums[i] += from[i];
}

static void
load_rows (int begin, int end, gpointer data)
{
  const Loading *self = data;
  const int width = self->planes[0]->width, across = self->across, down = self->down;
  const gsize stride = (gsize) self->picture->width * 3, n = (gsize) width * (gsize) across * 3;
  g_autofree guint32 *sums = g_new (guint32, n);
  const float factor = 1.0f / (float) (across * down);

  for (int y = begin; y < end; y++)
    {
      const guint8 *from = self->picture->pixels + (gsize) y * (gsize) down * stride;
      float *to[3];

      for (guint c = 0; c < 3; c++)
        to[c] = self->planes[c]->values + (gsize) y * (gsize) width;
      if (across == 1 && down == 1)
        {
          load_plain_row (from, width, to[0], to[1], to[2]);
          continue;
        }
      memset (sums, 0, n * sizeof *sums);
      for (int k = 0; k < down; k++)
        add_row (from + (gsize) k * stride, n, sums);
      for (int x = 0; x < width; x++)
        for (guint c = 0; c < 3; c++)
          {
            const guint32 *sum = sums + (gsize) x * (gsize) across * 3 + c;
            guint32 all = 0;

            for (int k = 0; k < across; k++)
              all += sum[3 * k];
            to[c][x] = (float) all * factor;
          }
    }
}

gboolean
_esp_planes_load (EspPicture *picture, int width, int height, EspPlane *planes[3],
                  GCancellable *cancellable, GError **error)
{
  const int across = MAX (1, picture->width / width), down = MAX (1, picture->height / height);
  const EspPlaneMap map = {
    0,
    0,
    (double) picture->width / across / width,
    (double) picture->height / down / height,
  };
  EspPlane *read[3] = { NULL };
  Loading self = { picture, read, across, down };
  gboolean ok = TRUE;

  planes[0] = planes[1] = planes[2] = NULL;
  for (guint c = 0; c < 3 && ok; c++)
    ok = (read[c] = _esp_plane_new (picture->width / across, picture->height / down, error))
         != NULL;
  ok = ok
       && _esp_rows_run (read[0]->height, _esp_rows_get_grain (picture->width * down), load_rows,
                         &self, cancellable, error);
  for (guint c = 0; c < 3 && ok; c++)
    if (read[c]->width == width && read[c]->height == height && picture->width % across == 0
        && picture->height % down == 0)
      planes[c] = g_steal_pointer (&read[c]);
    else
      ok = (planes[c] = _esp_plane_new (width, height, error)) != NULL
           && _esp_plane_resample (read[c], &map, planes[c], cancellable, error);
  _esp_planes_clear (read);
  if (!ok)
    _esp_planes_clear (planes);
  return ok;
}
