/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-change-spread.c: robust statistics of what a result does to all of a picture. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>
#include <string.h>

#include "esp-change-private.h"

#define MAD_TO_SIGMA 1.4826 /* of normal errors */
#define Q30_TO_SIGMA 2.5951 /* three tenths of them are within 1 / 2.5951 σ */
#define Q90_TO_SIGMA 0.6080 /* nine tenths: 1.6449 σ */

/* Hoare's selection. */
double
_esp_select_float (float *values, int n, int k)
{
  int left = 0, right = n - 1;

  while (left < right)
    {
      const float pivot = values[left + (right - left) / 2];
      int i = left, j = right;

      while (i <= j)
        {
          while (values[i] < pivot)
            i++;
          while (values[j] > pivot)
            j--;
          if (i <= j)
            {
              const float value = values[i];

              values[i++] = values[j];
              values[j--] = value;
            }
        }
      if (k <= j)
        right = j;
      else if (k >= i)
        left = i;
      else
        break;
    }
  return values[k];
}

static int
compare_samples (gconstpointer a, gconstpointer b)
{
  const float x = ((const EspSpreadSample *) a)->activity;
  const float y = ((const EspSpreadSample *) b)->activity;

  return (x > y) - (x < y);
}

/* --- Spread by activity ----------------------------------------------------------------------- */

#define BIN_LEAST 40 /* samples */

/* Where bins end, of all samples: the strongest edges, where errors grow most, have small ones. */
static const double bin_ends[ESP_SPREAD_BINS]
    = { 0.15, 0.3, 0.45, 0.6, 0.75, 0.85, 0.92, 0.96, 0.98, 0.99, 0.996, 1 };

/* Of the smaller errors, so that a bin of which most changed has the spread of the rest; or, where
 * what changed is left out already, of larger ones too. */
static double
spread_of (float *errors, int n, gboolean tails)
{
  const double inner = Q30_TO_SIGMA * _esp_select_float (errors, n, n * 3 / 10);

  if (!tails)
    return inner;
  return MAX (inner, Q90_TO_SIGMA * _esp_select_float (errors, n, n * 9 / 10));
}

void
_esp_spread_fit (EspSpread *self, EspSpreadSample *samples, int n, gboolean tails, double least)
{
  g_autofree float *errors = g_new (float, n + 1);
  int begin = 0;

  qsort (samples, n, sizeof *samples, compare_samples);
  self->n = 0;
  for (int b = 0; b < ESP_SPREAD_BINS; b++)
    {
      const int end = (int) (n * bin_ends[b]);

      if (end - begin < BIN_LEAST)
        continue;
      for (int i = begin; i < end; i++)
        errors[i - begin] = samples[i].error;
      self->activity[self->n] = samples[(begin + end) / 2].activity;
      self->spread[self->n++] = MAX (spread_of (errors, end - begin, tails), least);
      begin = end;
    }
  if (self->n == 0)
    {
      self->activity[0] = 0;
      self->spread[0] = least;
      self->n = 1;
    }
  /* More activity never means less error: a bin that has more of it than the busier ones has
   * changed parts in it. What the last look could not leave out is believed. */
  for (int b = self->n - 2; b >= 0 && !tails; b--)
    self->spread[b] = MIN (self->spread[b], self->spread[b + 1]);
  for (int b = 1; b < self->n; b++)
    self->spread[b] = MAX (self->spread[b], self->spread[b - 1]);
}

double
_esp_spread_at (const EspSpread *self, double activity)
{
  const int last = self->n - 1;
  int i = 0;
  double t;

  if (activity <= self->activity[0])
    return self->spread[0];
  /* Beyond what was seen errors go on growing as activity does. */
  if (activity >= self->activity[last])
    return self->spread[last] * MAX (1, activity / MAX (self->activity[last], 1e-3));
  while (activity > self->activity[i + 1])
    i++;
  t = (activity - self->activity[i]) / MAX (self->activity[i + 1] - self->activity[i], 1e-9);
  return self->spread[i] + t * (self->spread[i + 1] - self->spread[i]);
}

/* --- Colours ---------------------------------------------------------------------------------- */

#define FIT_SAMPLES 16000
#define FIT_ROUNDS  8
#define FIT_TUKEY   3.0   /* σ beyond which a sample does not count */
#define FIT_LEAST   0.3   /* levels: rounding */
#define CUT_NEAR    6.0   /* levels from black or white, in the result */
#define CUT_SOURCE  4.0   /* … of what is as near as this in the source */
#define CENTRE      128.0 /* so that gain and offset are nearly independent */

/* Solves a · x = b by Gauss's elimination; `a` is positive definite. */
static void
solve (double a[ESP_N_TERMS][ESP_N_TERMS], double b[ESP_N_TERMS], double x[ESP_N_TERMS])
{
  for (int i = 0; i < ESP_N_TERMS; i++)
    for (int j = i + 1; j < ESP_N_TERMS; j++)
      {
        const double factor = a[j][i] / a[i][i];

        for (int k = i; k < ESP_N_TERMS; k++)
          a[j][k] -= factor * a[i][k];
        b[j] -= factor * b[i];
      }
  for (int i = ESP_N_TERMS - 1; i >= 0; i--)
    {
      x[i] = b[i];
      for (int k = i + 1; k < ESP_N_TERMS; k++)
        x[i] -= a[i][k] * x[k];
      x[i] /= a[i][i];
    }
}

static double
predict (const double *terms, const double *sample)
{
  double sum = 0;

  for (int i = 0; i < ESP_N_TERMS; i++)
    sum += terms[i] * sample[i];
  return sum;
}

/* `samples`: n rows of the terms' values, then the result's. */
static void
fit_once (EspColourFit *fit, const double *samples, int n)
{
  /* Towards gain 1 and nothing else, as strongly as a few hundred samples. */
  static const double prior[ESP_N_TERMS] = { 2e4, 1e-3, 1e2, 1e2, 1e2, 1e2 };
  double a[ESP_N_TERMS][ESP_N_TERMS] = { { 0 } }, b[ESP_N_TERMS] = { 0 };

  for (int s = 0; s < n; s++)
    {
      const double *v = samples + (gsize) s * (ESP_N_TERMS + 1);
      const double r = (v[ESP_N_TERMS] - predict (fit->terms, v)) / (FIT_TUKEY * fit->spread);
      const double w = fabs (r) < 1 ? (1 - r * r) * (1 - r * r) : 0;

      if (w == 0)
        continue;
      for (int i = 0; i < ESP_N_TERMS; i++)
        {
          for (int j = 0; j < ESP_N_TERMS; j++)
            a[i][j] += w * v[i] * v[j];
          b[i] += w * v[i] * v[ESP_N_TERMS];
        }
    }
  for (int i = 0; i < ESP_N_TERMS; i++)
    a[i][i] += prior[i];
  b[0] += prior[0];
  solve (a, b, fit->terms);
}

/* The spread of what the fit leaves, by the smaller errors: a good part of the picture may be
 * another. */
static double
measure_fit (const EspColourFit *fit, const double *samples, int n, float *room)
{
  for (int s = 0; s < n; s++)
    {
      const double *v = samples + (gsize) s * (ESP_N_TERMS + 1);

      room[s] = (float) fabs (v[ESP_N_TERMS] - predict (fit->terms, v));
    }
  return MAX (Q30_TO_SIGMA * _esp_select_float (room, n, n * 3 / 10), FIT_LEAST);
}

void
_esp_colour_fit (EspColourFit *fit, const EspPlane *source, const EspPlane *result,
                 EspPlane *const detail[ESP_N_TERMS - 2], const EspSpan *covered)
{
  const gint64 area = (gint64) (covered->right - covered->left) * (covered->bottom - covered->top);
  const int step = MAX (1, (int) sqrt ((double) area / FIT_SAMPLES));
  g_autofree double *samples
      = g_new (double, (gsize) (area / step / step + source->width + source->height + 1)
                           * (ESP_N_TERMS + 1));
  g_autofree float *room = NULL;
  /* What is cut off at black or white says nothing of the gain, and noise takes only a part of it
   * there: by the registration's colours, all that comes near is left out. */
  const double black = fit->terms[1] < CUT_NEAR ? CUT_SOURCE : -1;
  const double white
      = 255 * fit->terms[0] + fit->terms[1] > 255 - CUT_NEAR ? 255 - CUT_SOURCE : 256;
  int n = 0;

  fit->spread = FIT_LEAST;
  for (int y = covered->top; y < covered->bottom; y += step)
    /* Rows begin at different places, so that no lattice of the picture is met alone. */
    for (int x = covered->left + y / step % step; x < covered->right; x += step)
      {
        const gsize at = (gsize) y * (gsize) source->width + (gsize) x;
        double *v = samples + (gsize) n * (ESP_N_TERMS + 1);

        if (result->values[at] < 2 || result->values[at] > 253 || source->values[at] < black
            || source->values[at] > white)
          continue;
        v[0] = source->values[at] - CENTRE;
        v[1] = 1;
        for (int i = 0; i < ESP_N_TERMS - 2; i++)
          v[2 + i] = detail[i]->values[at];
        v[ESP_N_TERMS] = result->values[at] - CENTRE;
        n++;
      }
  if (n < 8 * ESP_N_TERMS)
    return;
  room = g_new (float, n);
  /* Around the middle while it is fitted. */
  fit->terms[1] -= CENTRE * (1 - fit->terms[0]);
  for (int round = 0; round < FIT_ROUNDS; round++)
    {
      fit->spread = measure_fit (fit, samples, n, room);
      fit_once (fit, samples, n);
    }
  fit->spread = measure_fit (fit, samples, n, room);
  fit->terms[1] += CENTRE * (1 - fit->terms[0]);
}
