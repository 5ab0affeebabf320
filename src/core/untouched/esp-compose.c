/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compose.c: see esp-compose-private.h. Only what the mask shows is resampled: for each piece
 * of rows the columns between its first and last place, along the rows first and then down them. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-compose-private.h"

#include <string.h>

#include "esp-rows-private.h"

#define GRAIN 32 /* rows: what two pieces both resample is little then */

typedef struct
{
  EspPicture *result;
  EspPicture *out; /* begins as a copy of the source */
  EspMask *weights;
  EspCrop box;
  const EspTaps *across, *down; /* from the result to the box */
  float factor[3], term[3];     /* result's colours → source's */
} Composing;

/* The columns of the box, from the first to the last, that rows `begin` to `end` of it show. */
static gboolean
find_columns (const Composing *self, int begin, int end, int *first, int *last)
{
  int left = self->box.width, right = -1;

  for (int y = begin; y < end; y++)
    {
      const guint8 *row = self->weights->values
                          + (gsize) (self->box.y + y) * (gsize) self->weights->width
                          + (gsize) self->box.x;
      int x = 0, x_end = self->box.width - 1;

      while (x < left && row[x] == 0)
        x++;
      left = MIN (left, x);
      while (x_end > right && row[x_end] == 0)
        x_end--;
      right = MAX (right, x_end);
    }
  *first = left;
  *last = right;
  return left <= right;
}

/* One row of the result, for columns first … last of the box. */
static void
resample_across (const Composing *self, int row, int first, int last, float *out)
{
  const guint8 *in = self->result->pixels + (gsize) row * (gsize) self->result->width * 3;
  const int n = self->across->n_taps;

  for (int x = first; x <= last; x++, out += 3)
    {
      const guint8 *from = in + (gsize) self->across->first[x] * 3;
      const float *weights = self->across->weights + (gsize) x * (gsize) n;
      float r = 0, g = 0, b = 0;

      for (int k = 0; k < n; k++, from += 3)
        {
          r += weights[k] * (float) from[0];
          g += weights[k] * (float) from[1];
          b += weights[k] * (float) from[2];
        }
      out[0] = r;
      out[1] = g;
      out[2] = b;
    }
}

static void
blend_row (const Composing *self, const guint8 *weights, const float *restrict made, int n,
           guint8 *restrict out)
{
  for (int x = 0; x < n; x++)
    {
      const float weight = (float) weights[x] * (1.0f / 255.0f);

      if (weights[x] == 0)
        continue;
      for (int c = 0; c < 3; c++)
        {
          const float old = out[3 * x + c];
          const float fresh = CLAMP (made[3 * x + c] * self->factor[c] + self->term[c], 0, 255);

          out[3 * x + c] = (guint8) (old + weight * (fresh - old) + 0.5f);
        }
    }
}

static void
compose_rows (int begin, int end, gpointer data)
{
  const Composing *self = data;
  const int n_taps = self->down->n_taps;
  const int top = self->down->first[begin], bottom = self->down->first[end - 1] + n_taps;
  g_autofree float *rows = NULL, *made = NULL;
  int first, last;
  gsize n;

  if (!find_columns (self, begin, end, &first, &last))
    return;
  n = (gsize) (last - first + 1) * 3;
  rows = g_new (float, n *(gsize) (bottom - top));
  made = g_new (float, n);
  for (int y = top; y < bottom; y++)
    resample_across (self, y, first, last, rows + (gsize) (y - top) * n);

  for (int y = begin; y < end; y++)
    {
      const gsize at
          = (gsize) (self->box.y + y) * (gsize) self->out->width + (gsize) (self->box.x + first);
      const float *from = rows + (gsize) (self->down->first[y] - top) * n;
      const float *weights = self->down->weights + (gsize) y * (gsize) n_taps;

      memset (made, 0, n * sizeof *made);
      for (int k = 0; k < n_taps; k++)
        for (gsize i = 0; i < n; i++)
          made[i] += weights[k] * from[(gsize) k * n + i];
      blend_row (self, self->weights->values + at, made, last - first + 1,
                 self->out->pixels + 3 * at);
    }
}

EspPicture *
_esp_picture_cut (EspPicture *picture, int x, int y, int width, int height, GError **error)
{
  EspPicture *cut;

  if (x == 0 && y == 0 && width == picture->width && height == picture->height)
    return esp_picture_ref (picture);
  cut = esp_picture_new (width, height, error);
  for (int row = 0; cut != NULL && row < height; row++)
    memcpy (cut->pixels + (gsize) row * (gsize) width * 3,
            picture->pixels + ((gsize) (y + row) * (gsize) picture->width + (gsize) x) * 3,
            (gsize) width * 3);
  return cut;
}

/* --- A copy, on all cores --------------------------------------------------------------------- */

typedef struct
{
  const EspPicture *from;
  EspPicture *to;
} Copying;

static void
copy_rows (int begin, int end, gpointer data)
{
  const Copying *self = data;
  const gsize stride = (gsize) self->to->width * 3;

  memcpy (self->to->pixels + (gsize) begin * stride, self->from->pixels + (gsize) begin * stride,
          (gsize) (end - begin) * stride);
}

EspPicture *
_esp_compose (EspPicture *source, EspPicture *result, const EspCrop *box, const EspPlaneMap *map,
              const EspRegistration *registration, EspMask *weights, GCancellable *cancellable,
              GError **error)
{
  g_autoptr (EspPicture) out = esp_picture_new (source->width, source->height, error);
  g_autoptr (EspTaps) across = _esp_taps_new (box->width, result->width, map->x, map->step_x);
  g_autoptr (EspTaps) down = _esp_taps_new (box->height, result->height, map->y, map->step_y);
  Composing self = { result, out, weights, *box, across, down, { 0 }, { 0 } };
  Copying copying = { source, out };

  g_assert (weights->width == source->width && weights->height == source->height);

  if (out == NULL)
    return NULL;
  for (int c = 0; c < 3; c++)
    {
      self.factor[c] = (float) (1 / registration->gain[c]);
      self.term[c] = (float) (-registration->offset[c] / registration->gain[c]);
    }
  if (!_esp_rows_run (source->height, GRAIN, copy_rows, &copying, cancellable, error)
      || !_esp_rows_run (box->height, GRAIN, compose_rows, &self, cancellable, error))
    return NULL;
  return g_steal_pointer (&out);
}
