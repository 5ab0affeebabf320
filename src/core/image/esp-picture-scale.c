/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-scale.c: separable Lanczos resampling, in the encoded values as photo viewers do. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-scale.h"

#include <math.h>

#define LOBES 3.0

/* What one place of the result takes from the source: `n` weights from `first` on, sum 1. */
typedef struct
{
  int first;
  int n;
} Span;

typedef struct
{
  Span *spans;
  float *weights; /* `room` for each place */
  int room;
} Filter;

static double
lanczos (double x)
{
  if (x == 0)
    return 1;
  if (fabs (x) >= LOBES)
    return 0;
  return LOBES * sin (G_PI * x) * sin (G_PI * x / LOBES) / (G_PI * G_PI * x * x);
}

static void
filter_clear (Filter *self)
{
  g_free (self->spans);
  g_free (self->weights);
}

static void
filter_init (Filter *self, int from, int to)
{
  const double scale = (double) from / to;
  const double stretch = MAX (scale, 1); /* a smaller result looks at more of the source */
  const double reach = LOBES * stretch;

  self->room = (int) ceil (2 * reach) + 1;
  self->spans = g_new0 (Span, to);
  self->weights = g_new0 (float, (gsize) to *(gsize) self->room);
  for (int i = 0; i < to; i++)
    {
      const double middle = (i + 0.5) * scale;
      const int first = MAX ((int) floor (middle - reach + 0.5), 0);
      const int last = MIN ((int) floor (middle + reach - 0.5), from - 1);
      float *weights = self->weights + (gsize) i * (gsize) self->room;
      double sum = 0;

      self->spans[i].first = first;
      self->spans[i].n = MIN (last - first + 1, self->room);
      for (int k = 0; k < self->spans[i].n; k++)
        sum += lanczos ((first + k + 0.5 - middle) / stretch);
      for (int k = 0; k < self->spans[i].n; k++)
        weights[k] = (float) (lanczos ((first + k + 0.5 - middle) / stretch) / sum);
    }
}

static void
scale_row (const Filter *filter, const guint8 *in, float *out, int width)
{
  for (int x = 0; x < width; x++, out += 3)
    {
      const Span *span = &filter->spans[x];
      const float *weights = filter->weights + (gsize) x * (gsize) filter->room;
      const guint8 *p = in + (gsize) span->first * 3;
      float r = 0, g = 0, b = 0;

      for (int k = 0; k < span->n; k++, p += 3)
        {
          r += weights[k] * (float) p[0];
          g += weights[k] * (float) p[1];
          b += weights[k] * (float) p[2];
        }
      out[0] = r;
      out[1] = g;
      out[2] = b;
    }
}

/* Rows already narrowed or widened are kept in a ring, as many as one row of the result needs. */
static gboolean
scale_rows (EspPicture *picture, EspPicture *out, const Filter *across, const Filter *down,
            GCancellable *cancellable, GError **error)
{
  const gsize samples = (gsize) out->width * 3;
  g_autofree float *ring = g_new (float, samples *(gsize) down->room);
  g_autofree float *sum = g_new0 (float, samples);
  int done = 0; /* rows of the source */

  for (int y = 0; y < out->height; y++)
    {
      const Span *span = &down->spans[y];
      const float *weights = down->weights + (gsize) y * (gsize) down->room;
      guint8 *row = out->pixels + (gsize) y * samples;

      if (y % 16 == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      for (done = MAX (done, span->first); done < span->first + span->n; done++)
        scale_row (across, picture->pixels + (gsize) done * (gsize) picture->width * 3,
                   ring + (gsize) (done % down->room) * samples, out->width);

      for (gsize i = 0; i < samples; i++)
        sum[i] = 0.5f;
      for (int k = 0; k < span->n; k++)
        {
          const float *from = ring + (gsize) ((span->first + k) % down->room) * samples;

          for (gsize i = 0; i < samples; i++)
            /* The row was filled above; the analyser cannot follow the ring. */
            /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
            sum[i] += weights[k] * from[i];
        }
      for (gsize i = 0; i < samples; i++)
        row[i] = (guint8) CLAMP (sum[i], 0.0f, 255.0f);
    }
  return TRUE;
}

EspPicture *
esp_picture_scale (EspPicture *picture, int width, int height, GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (EspPicture) out = NULL;
  Filter across, down;
  gboolean ok;

  g_return_val_if_fail (picture != NULL && width >= 1 && height >= 1, NULL);

  if (width == picture->width && height == picture->height)
    return esp_picture_ref (picture);
  out = esp_picture_new (width, height, error);
  if (out == NULL)
    return NULL;
  filter_init (&across, picture->width, width);
  filter_init (&down, picture->height, height);
  ok = scale_rows (picture, out, &across, &down, cancellable, error);
  filter_clear (&across);
  filter_clear (&down);
  return ok ? g_steal_pointer (&out) : NULL;
}

void
esp_picture_fit (int width, int height, int box_width, int box_height, int *fit_width,
                 int *fit_height)
{
  const double scale = MIN (MIN ((double) box_width / width, (double) box_height / height), 1.0);

  g_return_if_fail (width >= 1 && height >= 1 && box_width >= 1 && box_height >= 1);

  *fit_width = CLAMP ((int) lround (width * scale), 1, box_width);
  *fit_height = CLAMP ((int) lround (height * scale), 1, box_height);
}
