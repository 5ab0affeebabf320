/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-phase.c: see esp-phase-private.h. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-phase-private.h"

#include <fftw3.h>
#include <math.h>

/* Finer structure than about this (cycles a value, one σ) is noise and codecs. */
#define CUT_OFF 0.12

/* Of the mean amplitude: weaker frequencies count less. */
#define FLOOR 1e-3

struct _EspPhase
{
  int width, height;
  int bins; /* of a row's spectrum */
  float *window_x, *window_y;
  float *pass_x, *pass_y; /* what is left of a frequency */
  fftwf_plan forward, back;
};

/* FFTW may be asked by several threads to transform, but not to plan. */
static GMutex planning;

static float *
new_window (int n)
{
  float *window = g_new (float, n);

  for (int i = 0; i < n; i++)
    window[i] = (float) (0.5 - 0.5 * cos (2 * G_PI * (i + 0.5) / n));
  return window;
}

static float *
new_pass (int n, int bins)
{
  float *pass = g_new (float, bins);

  for (int i = 0; i < bins; i++)
    {
      const double f = (double) (i <= n / 2 ? i : i - n) / n;

      pass[i] = (float) exp (-f * f / (2 * CUT_OFF * CUT_OFF));
    }
  return pass;
}

EspPhase *
_esp_phase_new (int width, int height)
{
  EspPhase *self = g_new0 (EspPhase, 1);
  float *plane;
  fftwf_complex *spectrum;

  self->width = width;
  self->height = height;
  self->bins = width / 2 + 1;
  self->window_x = new_window (width);
  self->window_y = new_window (height);
  self->pass_x = new_pass (width, self->bins);
  self->pass_y = new_pass (height, height);
  plane = fftwf_alloc_real ((gsize) width * (gsize) height);
  spectrum = fftwf_alloc_complex ((gsize) self->bins * (gsize) height);
  g_mutex_lock (&planning);
  self->forward = fftwf_plan_dft_r2c_2d (height, width, plane, spectrum, FFTW_ESTIMATE);
  self->back = fftwf_plan_dft_c2r_2d (height, width, spectrum, plane, FFTW_ESTIMATE);
  g_mutex_unlock (&planning);
  fftwf_free (plane);
  fftwf_free (spectrum);
  return self;
}

void
_esp_phase_free (EspPhase *self)
{
  g_mutex_lock (&planning);
  fftwf_destroy_plan (self->forward);
  fftwf_destroy_plan (self->back);
  g_mutex_unlock (&planning);
  g_free (self->window_x);
  g_free (self->window_y);
  g_free (self->pass_x);
  g_free (self->pass_y);
  g_free (self);
}

/* The spectrum of a picture that fades out towards its edges. FALSE where it is flat. */
static gboolean
transform (const EspPhase *self, const float *from, int stride, double flat, float *plane,
           fftwf_complex *spectrum)
{
  const double n = (double) self->width * self->height;
  double sum = 0, squares = 0;
  float mean;

  for (int y = 0; y < self->height; y++)
    for (int x = 0; x < self->width; x++)
      {
        const double value = from[(gsize) y * (gsize) stride + (gsize) x];

        sum += value;
        squares += value * value;
      }
  mean = (float) (sum / n);
  if (squares / n - (double) mean * mean < flat * flat)
    return FALSE;
  for (int y = 0; y < self->height; y++)
    for (int x = 0; x < self->width; x++)
      plane[(gsize) y * (gsize) self->width + (gsize) x]
          = (from[(gsize) y * (gsize) stride + (gsize) x] - mean) * self->window_x[x]
            * self->window_y[y];
  fftwf_execute_dft_r2c (self->forward, plane, spectrum);
  return TRUE;
}

/* b · conj (a), nearly without amplitudes, into `a`. */
static void
cross (const EspPhase *self, fftwf_complex *a, const fftwf_complex *b)
{
  const gsize n = (gsize) self->bins * (gsize) self->height;
  double mean = 0;

  for (gsize i = 0; i < n; i++)
    {
      const float re = b[i][0] * a[i][0] + b[i][1] * a[i][1];
      const float im = b[i][1] * a[i][0] - b[i][0] * a[i][1];

      a[i][0] = re;
      a[i][1] = im;
      mean += sqrtf (re * re + im * im);
    }
  mean /= (double) n;
  for (int y = 0; y < self->height; y++)
    for (int x = 0; x < self->bins; x++)
      {
        float *c = a[(gsize) y * (gsize) self->bins + (gsize) x];
        const float size = sqrtf (c[0] * c[0] + c[1] * c[1]);
        const float factor
            = self->pass_y[y] * self->pass_x[x] / (size + (float) (FLOOR * mean) + 1e-20f);

        c[0] *= factor;
        c[1] *= factor;
      }
}

/* The top of the parabola through three neighbours, from the middle one. */
static double
vertex (double before, double at, double after)
{
  const double bend = before - 2 * at + after;

  return bend < 0 ? CLAMP (0.5 * (before - after) / bend, -0.5, 0.5) : 0;
}

static void
insert_peak (EspPhasePeak *peaks, guint *n, EspPhasePeak peak)
{
  guint i;

  if (*n == ESP_PHASE_PEAKS && peaks[*n - 1].strength >= peak.strength)
    return;
  if (*n < ESP_PHASE_PEAKS)
    ++*n;
  for (i = *n - 1; i > 0 && peaks[i - 1].strength < peak.strength; i--)
    peaks[i] = peaks[i - 1];
  peaks[i] = peak;
}

static guint
find_peaks (const EspPhase *self, const float *plane, EspPhasePeak *peaks)
{
  const int w = self->width, h = self->height;
  double squares = 0, spread;
  guint n = 0;

  for (gsize i = 0; i < (gsize) w * (gsize) h; i++)
    squares += (double) plane[i] * plane[i]; /* the mean is 0: so is the lowest frequency */
  spread = sqrt (squares / ((double) w * h)) + 1e-20;
  for (int y = 0; y < h; y++)
    {
      const float *row = plane + (gsize) y * (gsize) w;
      const float *above = plane + (gsize) ((y + h - 1) % h) * (gsize) w;
      const float *below = plane + (gsize) ((y + 1) % h) * (gsize) w;

      for (int x = 0; x < w; x++)
        {
          const int left = (x + w - 1) % w, right = (x + 1) % w;
          const float at = row[x];

          if (at < 3 * spread || at < row[left] || at <= row[right] || at < above[x]
              || at <= below[x] || at < above[left] || at < above[right] || at < below[left]
              || at < below[right])
            continue;
          insert_peak (peaks, &n,
                       (EspPhasePeak){
                           (x > w / 2 ? x - w : x) + vertex (row[left], at, row[right]),
                           (y > h / 2 ? y - h : y) + vertex (above[x], at, below[x]),
                           at / spread,
                       });
        }
    }
  return n;
}

guint
_esp_phase_correlate (const EspPhase *self, const float *a, const float *b, int stride, double flat,
                      EspPhasePeak peaks[ESP_PHASE_PEAKS])
{
  float *plane = fftwf_alloc_real ((gsize) self->width * (gsize) self->height);
  fftwf_complex *of_a = fftwf_alloc_complex ((gsize) self->bins * (gsize) self->height);
  fftwf_complex *of_b = fftwf_alloc_complex ((gsize) self->bins * (gsize) self->height);
  guint n = 0;

  if (transform (self, a, stride, flat, plane, of_a)
      && transform (self, b, stride, flat, plane, of_b))
    {
      cross (self, of_a, (const fftwf_complex *) of_b);
      of_a[0][0] = of_a[0][1] = 0;
      fftwf_execute_dft_c2r (self->back, of_a, plane);
      n = find_peaks (self, plane, peaks);
    }
  fftwf_free (plane);
  fftwf_free (of_a);
  fftwf_free (of_b);
  return n;
}
