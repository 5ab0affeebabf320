/* SPDX-License-Identifier: MIT */
#include "model/preview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Keeps channels that the picture hardly exercises near zero. Relative to the mean of the diagonal.
 */
#define RIDGE 1e-3

void
esp_preview_clear (EspPreviewMap *map)
{
  free (map->weights);
  *map = (EspPreviewMap){ 0 };
}

/* The mean colour of the factor × factor pixels of latent (y, x). */
static void
mean_colour (const float *pixels, int64_t stride, int64_t factor, int64_t y, int64_t x,
             double *colour)
{
  colour[0] = colour[1] = colour[2] = 0;
  for (int64_t v = 0; v < factor; v++)
    for (int64_t u = 0; u < factor; u++)
      for (int c = 0; c < 3; c++)
        colour[c] += (double) pixels[((y * factor + v) * stride + x * factor + u) * 3 + c];
  for (int c = 0; c < 3; c++)
    colour[c] /= (double) (factor * factor);
}

/* Solves (A + ridge) w = b for three right-hand sides by Cholesky; A is n×n (lower part used), b
 * n×3 in place. Returns 0 when A is not positive definite. */
static int
solve (double *a, int64_t n, double *b)
{
  double mean = 0;

  for (int64_t i = 0; i < n; i++)
    mean += a[i * n + i] / (double) n;
  for (int64_t i = 0; i < n; i++)
    a[i * n + i] += RIDGE * mean;

  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++)
      {
        double sum = a[i * n + j];

        for (int64_t k = 0; k < j; k++)
          sum -= a[i * n + k] * a[j * n + k];
        if (i == j && !(sum > 0))
          return 0;
        a[i * n + j] = i == j ? sqrt (sum) : sum / a[j * n + j];
      }
  for (int c = 0; c < 3; c++)
    {
      for (int64_t i = 0; i < n; i++)
        {
          for (int64_t k = 0; k < i; k++)
            b[i * 3 + c] -= a[i * n + k] * b[k * 3 + c];
          b[i * 3 + c] /= a[i * n + i];
        }
      for (int64_t i = n - 1; i >= 0; i--)
        {
          for (int64_t k = i + 1; k < n; k++)
            b[i * 3 + c] -= a[k * n + i] * b[k * 3 + c];
          b[i * 3 + c] /= a[i * n + i];
        }
    }
  return 1;
}

void
esp_preview_fit (EspPreviewMap *map, const float *latents, EspLatentSize size, int64_t factor,
                 const float *pixels)
{
  int64_t n = size.channels + 1, stride = size.width * factor;
  double *a = calloc ((size_t) (n * n), sizeof *a);
  double *b = calloc ((size_t) (n * 3), sizeof *b);
  double *row = malloc ((size_t) n * sizeof *row);

  esp_preview_clear (map);
  if (a != NULL && b != NULL && row != NULL)
    {
      for (int64_t y = 0; y < size.height; y++)
        for (int64_t x = 0; x < size.width; x++)
          {
            const float *z = latents + (y * size.width + x) * size.channels;
            double colour[3];

            mean_colour (pixels, stride, factor, y, x, colour);
            for (int64_t i = 0; i < n; i++)
              row[i] = i < size.channels ? (double) z[i] : 1.0;
            for (int64_t i = 0; i < n; i++)
              {
                for (int64_t j = 0; j <= i; j++)
                  a[i * n + j] += row[i] * row[j];
                for (int c = 0; c < 3; c++)
                  b[i * 3 + c] += row[i] * colour[c];
              }
          }
      if (solve (a, n, b))
        {
          map->channels = size.channels;
          map->weights = b;
          b = NULL;
        }
    }
  free (a);
  free (b);
  free (row);
}

void
esp_preview_render (const EspPreviewMap *map, const float *latents, EspLatentSize size,
                    EspImage *image)
{
  image->width = (int) size.width;
  image->height = (int) size.height;
  for (int64_t p = 0; p < size.height * size.width; p++)
    for (int c = 0; c < 3; c++)
      {
        const float *z = latents + p * size.channels;
        double value = map->weights[size.channels * 3 + c];

        for (int64_t i = 0; i < size.channels; i++)
          value += (double) z[i] * map->weights[i * 3 + c];
        value = (value + 1) * 127.5 + 0.5;
        image->pixels[p * 3 + c] = (uint8_t) (value < 0 ? 0 : value > 255 ? 255 : value);
      }
}
