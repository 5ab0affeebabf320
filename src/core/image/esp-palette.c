/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-palette.c: colour quantisation for GIF. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-palette-private.h"

#include <string.h>

#define BITS 5
#define SIDE (1 << BITS)
#define BINS (SIDE * SIDE * SIDE)

/* The pixels of one cell of the colour cube. */
typedef struct
{
  guint64 n;
  guint64 sum[3];
} Bin;

/* A box of cells, bounds inclusive, and what is in it. */
typedef struct
{
  int low[3];
  int high[3];
  guint64 n;
  double spread[3]; /* sum of squared distances from the mean, by channel, in cells */
  double mean[3];
} Box;

static guint
bin_of (const guint8 *pixel)
{
  return (guint) (pixel[0] >> (8 - BITS)) << (2 * BITS) | (guint) (pixel[1] >> (8 - BITS)) << BITS
         | (guint) (pixel[2] >> (8 - BITS));
}

static Bin *
count (EspPicture *picture)
{
  Bin *bins = g_new0 (Bin, BINS);
  const gsize n = (gsize) picture->width * (gsize) picture->height;
  const guint8 *p = picture->pixels;

  for (gsize i = 0; i < n; i++, p += 3)
    {
      Bin *bin = &bins[bin_of (p)];

      bin->n++;
      for (int c = 0; c < 3; c++)
        bin->sum[c] += p[c];
    }
  return bins;
}

/* Tightens the box around its pixels and measures them. */
static void
measure (Box *box, const Bin *bins)
{
  int low[3] = { SIDE, SIDE, SIDE }, high[3] = { -1, -1, -1 };
  double sum[3] = { 0 }, squares[3] = { 0 };

  box->n = 0;
  for (int r = box->low[0]; r <= box->high[0]; r++)
    for (int g = box->low[1]; g <= box->high[1]; g++)
      for (int b = box->low[2]; b <= box->high[2]; b++)
        {
          const int at[3] = { r, g, b };
          const guint64 n = bins[(r * SIDE + g) * SIDE + b].n;

          if (n == 0)
            continue;
          box->n += n;
          for (int c = 0; c < 3; c++)
            {
              low[c] = MIN (low[c], at[c]);
              high[c] = MAX (high[c], at[c]);
              sum[c] += (double) n * at[c];
              squares[c] += (double) n * at[c] * at[c];
            }
        }
  for (int c = 0; c < 3 && box->n > 0; c++)
    {
      box->low[c] = low[c];
      box->high[c] = high[c];
      box->mean[c] = sum[c] / (double) box->n;
      box->spread[c] = squares[c] - sum[c] * box->mean[c];
    }
}

/* The channel along which the box varies most, weighed as the eye does. */
static int
longest (const Box *box, double *spread)
{
  static const double weights[3] = { 0.9, 1.2, 0.7 };
  int best = -1;

  *spread = 0;
  for (int c = 0; c < 3; c++)
    if (box->high[c] > box->low[c] && box->spread[c] * weights[c] > *spread)
      {
        best = c;
        *spread = box->spread[c] * weights[c];
      }
  return best;
}

static gboolean
split_one (Box *boxes, guint n, const Bin *bins)
{
  guint widest = 0;
  int channel = -1, cut;
  double most = 0;

  for (guint i = 0; i < n; i++)
    {
      double spread;
      const int along = longest (&boxes[i], &spread);

      if (along >= 0 && spread > most)
        {
          most = spread;
          widest = i;
          channel = along;
        }
    }
  if (channel < 0)
    return FALSE;
  cut = CLAMP ((int) boxes[widest].mean[channel], boxes[widest].low[channel],
               boxes[widest].high[channel] - 1);
  boxes[n] = boxes[widest];
  boxes[widest].high[channel] = cut;
  boxes[n].low[channel] = cut + 1;
  measure (&boxes[widest], bins);
  measure (&boxes[n], bins);
  return TRUE;
}

/* The mean of the pixels in the box, which is finer than its cells. */
static void
take_color (const Box *box, const Bin *bins, guint8 *color)
{
  guint64 n = 0, sum[3] = { 0 };

  for (int r = box->low[0]; r <= box->high[0]; r++)
    for (int g = box->low[1]; g <= box->high[1]; g++)
      for (int b = box->low[2]; b <= box->high[2]; b++)
        {
          const Bin *bin = &bins[(r * SIDE + g) * SIDE + b];

          n += bin->n;
          for (int c = 0; c < 3; c++)
            sum[c] += bin->sum[c];
        }
  for (int c = 0; c < 3; c++)
    color[c] = (guint8) (n > 0 ? (sum[c] + n / 2) / n : 0);
}

void
_esp_palette_choose (EspPalette *self, EspPicture *picture)
{
  g_autofree Bin *bins = count (picture);
  g_autofree Box *boxes = g_new0 (Box, G_N_ELEMENTS (self->colors));

  for (int c = 0; c < 3; c++)
    boxes[0].high[c] = SIDE - 1;
  measure (&boxes[0], bins);
  for (self->n = 1; self->n < G_N_ELEMENTS (self->colors); self->n++)
    if (!split_one (boxes, self->n, bins))
      break;
  memset (self->colors, 0, sizeof self->colors);
  for (guint i = 0; i < self->n; i++)
    take_color (&boxes[i], bins, self->colors[i]);
}

/* ---- mapping */

/* The nearest colour for each cell of a finer cube, looked up when first needed. */
#define CACHE_BITS 6
#define UNKNOWN    0xffff

static guint
nearest (const EspPalette *self, int r, int g, int b)
{
  guint best = 0;
  int least = G_MAXINT;

  for (guint i = 0; i < self->n; i++)
    {
      const int dr = r - self->colors[i][0];
      const int dg = g - self->colors[i][1];
      const int db = b - self->colors[i][2];
      const int distance = 3 * dr * dr + 4 * dg * dg + 2 * db * db;

      if (distance < least)
        {
          least = distance;
          best = i;
        }
    }
  return best;
}

static guint
look_up (const EspPalette *self, guint16 *cache, const int *color)
{
  const int shift = 8 - CACHE_BITS;
  const int half = 1 << (shift - 1);
  guint16 *known = &cache[(color[0] >> shift) << (2 * CACHE_BITS)
                          | (color[1] >> shift) << CACHE_BITS | color[2] >> shift];

  if (*known == UNKNOWN)
    *known = (guint16) nearest (self, (color[0] >> shift << shift) + half,
                                (color[1] >> shift << shift) + half,
                                (color[2] >> shift << shift) + half);
  return *known;
}

/* `here` and `below` are the errors to be added to this row and the next, in sixteenths, with one
 * place more on either side. */
static void
map_row (const EspPalette *self, guint16 *cache, const guint8 *in, guint8 *out, int width,
         gboolean leftwards, int *here, int *below)
{
  const int step = leftwards ? -1 : 1;

  for (int i = 0, x = leftwards ? width - 1 : 0; i < width; i++, x += step)
    {
      int *now = here + (x + 1) * 3;
      int *next = below + (x + 1) * 3;
      int color[3];

      for (int c = 0; c < 3; c++)
        color[c] = CLAMP (in[x * 3 + c] + (now[c] + 8) / 16, 0, 255);
      out[x] = (guint8) look_up (self, cache, color);
      for (int c = 0; c < 3; c++)
        {
          const int error = color[c] - self->colors[out[x]][c];

          now[step * 3 + c] += error * 7;
          next[-step * 3 + c] += error * 3;
          next[c] += error * 5;
          next[step * 3 + c] += error;
        }
    }
}

gboolean
_esp_palette_map (const EspPalette *self, EspPicture *picture, guint8 *indices,
                  GCancellable *cancellable, GError **error)
{
  const gsize width = (gsize) picture->width;
  const gsize row_errors = (width + 2) * 3;
  const gsize n_cache = (gsize) 1 << (3 * CACHE_BITS);
  g_autofree guint16 *cache = g_new (guint16, n_cache);
  g_autofree int *errors = g_new0 (int, row_errors * 2);

  memset (cache, 0xff, n_cache * sizeof *cache);
  for (gsize y = 0; y < (gsize) picture->height; y++)
    {
      int *here = errors + (y & 1) * row_errors;
      int *below = errors + (~y & 1) * row_errors;

      if (y % 64 == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      memset (below, 0, row_errors * sizeof *below);
      map_row (self, cache, picture->pixels + y * width * 3, indices + y * width, picture->width,
               (y & 1) != 0, here, below);
    }
  return TRUE;
}
