/* SPDX-License-Identifier: MIT */
/* lanczos.c: Pillow's 8-bit resampling, arithmetic kept step for step, loops laid out for vectors.
 *
 * Both passes are sums of byte × 32-bit fixed-point products. The horizontal pass repeats each
 * coefficient once per channel, so that a run of interleaved bytes meets a run of coefficients; the
 * vertical pass walks whole rows. Neither changes the order-independent integer sums.
 */
#include "model/lanczos.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS       3
#define LANCZOS_A      3.0
#define PRECISION_BITS 22 /* Pillow: 32 − 8 bits of the sample − 2 for the overshoot */
#define TAP_GROUP      8 /* taps are padded to this many, so that inner loops have a fixed length */
#define BAND_BYTES     ((size_t) 64 << 20) /* aim for the memory between the passes */

/* The hot loops need 32-bit multiplication in vectors, which baseline x86-64 lacks. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)          \
    && !defined(__SANITIZE_ADDRESS__)
#define FAST_ON_THIS_PROCESSOR                                                                     \
  __attribute__ ((target_clones ("arch=skylake-avx512", "avx2", "default")))
#else
#define FAST_ON_THIS_PROCESSOR
#endif

/* For each output position: which inputs it reads and with what weights. */
typedef struct
{
  int *first;      /* [positions] first input index */
  int *count;      /* [positions] how many inputs */
  int32_t *weight; /* [positions, taps], zero beyond count */
  int taps;        /* row length of weight, a multiple of TAP_GROUP */
} Kernel;

static void
kernel_clear (Kernel *kernel)
{
  free (kernel->first);
  free (kernel->count);
  free (kernel->weight);
  *kernel = (Kernel){ 0 };
}

static double
sinc (double x)
{
  if (x == 0.0)
    return 1.0;
  x *= M_PI;
  return sin (x) / x;
}

static double
lanczos (double x)
{
  return x >= -LANCZOS_A && x < LANCZOS_A ? sinc (x) * sinc (x / LANCZOS_A) : 0.0;
}

/* Computes one row of weights in double, normalises and rounds them half away from zero. */
static void
fill_position (Kernel *kernel, int position, int input, double scale, double *row)
{
  double filter_scale = scale < 1.0 ? 1.0 : scale;
  double support = LANCZOS_A * filter_scale;
  double center = (position + 0.5) * scale;
  int first = (int) (center - support + 0.5);
  int end = (int) (center + support + 0.5);
  if (first < 0)
    first = 0;
  if (end > input)
    end = input;

  double inverse = 1.0 / filter_scale;
  double sum = 0.0;
  for (int i = 0; i < end - first; i++)
    {
      row[i] = lanczos ((i + first - center + 0.5) * inverse);
      sum += row[i];
    }
  int32_t *weight = kernel->weight + (size_t) position * (size_t) kernel->taps;
  for (int i = 0; i < end - first; i++)
    {
      double value = sum != 0.0 ? row[i] / sum : row[i];
      double fixed = value * (double) (1 << PRECISION_BITS);
      weight[i] = (int32_t) (fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  kernel->first[position] = first;
  kernel->count[position] = end - first;
}

/* Returns false when memory is out. */
static bool
kernel_build (Kernel *kernel, int input, int output)
{
  double scale = (double) input / (double) output;
  double support = LANCZOS_A * (scale < 1.0 ? 1.0 : scale);
  int taps = (int) ceil (support) * 2 + 1;
  kernel->taps = (taps + TAP_GROUP - 1) / TAP_GROUP * TAP_GROUP;
  kernel->first = malloc ((size_t) output * sizeof *kernel->first);
  kernel->count = malloc ((size_t) output * sizeof *kernel->count);
  kernel->weight = calloc ((size_t) output * (size_t) kernel->taps, sizeof *kernel->weight);
  double *row = malloc ((size_t) taps * sizeof *row);
  bool ok = kernel->first && kernel->count && kernel->weight && row;
  for (int position = 0; ok && position < output; position++)
    fill_position (kernel, position, input, scale, row);
  free (row);
  if (!ok)
    kernel_clear (kernel);
  return ok;
}

static inline uint8_t
clip_fixed (int32_t value)
{
  int32_t shifted = value >> PRECISION_BITS;
  return (uint8_t) (shifted < 0 ? 0 : shifted > 255 ? 255 : shifted);
}

/* One row. `padded` holds the source row followed by 3·taps readable bytes; `tripled` has each
 * weight once per channel, [positions, 3·taps]. */
FAST_ON_THIS_PROCESSOR static void
resample_row (const Kernel *kernel, const int32_t *tripled, const uint8_t *padded, int positions,
              uint8_t *destination)
{
  enum
  {
    LANES = CHANNELS * TAP_GROUP
  };
  for (int x = 0; x < positions; x++)
    {
      const uint8_t *pixel = padded + (size_t) kernel->first[x] * CHANNELS;
      const int32_t *weight = tripled + (size_t) x * (size_t) kernel->taps * CHANNELS;
      int groups = (kernel->count[x] + TAP_GROUP - 1) / TAP_GROUP;
      int32_t lane[LANES] = { 0 };
      for (int group = 0; group < groups; group++)
        {
          for (int i = 0; i < LANES; i++)
            lane[i] += pixel[i] * weight[i]; /* NOLINT: both are filled by the caller */
          pixel += LANES;
          weight += LANES;
        }
      for (int c = 0; c < CHANNELS; c++)
        {
          int32_t sum = 1 << (PRECISION_BITS - 1);
          for (int i = 0; i < TAP_GROUP; i++)
            sum += lane[i * CHANNELS + c];
          destination[x * CHANNELS + c] = clip_fixed (sum);
        }
    }
}

/* One output row of `bytes` bytes from `count` input rows that lie `bytes` apart. */
FAST_ON_THIS_PROCESSOR static void
resample_column (const uint8_t *rows, const int32_t *weight, int count, size_t bytes,
                 uint8_t *destination)
{
  enum
  {
    CHUNK = 512
  };
  for (size_t start = 0; start < bytes; start += CHUNK)
    {
      int32_t sum[CHUNK];
      size_t length = bytes - start < CHUNK ? bytes - start : CHUNK;
      for (size_t i = 0; i < CHUNK; i++)
        sum[i] = 1 << (PRECISION_BITS - 1);
      for (int tap = 0; tap < count; tap++)
        {
          const uint8_t *row = rows + (size_t) tap * bytes + start;
          int32_t factor = weight[tap];
          for (size_t i = 0; i < length; i++)
            sum[i] += row[i] * factor;
        }
      for (size_t i = 0; i < length; i++)
        destination[start + i] = clip_fixed (sum[i]);
    }
}

/* The horizontal pass over source rows first … first + count − 1; `scratch` has one padded row per
 * thread. */
static bool
resample_rows (const EspImage *source, const Kernel *kernel, const int32_t *tripled, int first,
               int count, int width, uint8_t *destination)
{
  size_t source_bytes = (size_t) source->width * CHANNELS;
  size_t row_bytes = (size_t) width * CHANNELS;
  bool ok = true;
#pragma omp parallel reduction(&& : ok)
  {
    uint8_t *padded = calloc (source_bytes + (size_t) kernel->taps * CHANNELS, 1);
    ok = padded != NULL;
#pragma omp for
    for (int row = 0; row < count; row++)
      if (padded)
        {
          memcpy (padded, source->pixels + (size_t) (first + row) * source_bytes, source_bytes);
          resample_row (kernel, tripled, padded, width, destination + (size_t) row * row_bytes);
        }
    free (padded);
  }
  return ok;
}

static void
resample_columns (const Kernel *kernel, const uint8_t *rows, int rows_first, int begin, int end,
                  size_t row_bytes, uint8_t *destination)
{
#pragma omp parallel for
  for (int y = begin; y < end; y++)
    resample_column (rows + (size_t) (kernel->first[y] - rows_first) * row_bytes,
                     kernel->weight + (size_t) y * (size_t) kernel->taps, kernel->count[y],
                     row_bytes, destination + (size_t) (y - begin) * row_bytes);
}

static int32_t *
triple_weights (const Kernel *kernel, int positions)
{
  size_t count = (size_t) positions * (size_t) kernel->taps;
  int32_t *tripled = malloc (count * CHANNELS * sizeof *tripled);
  for (size_t i = 0; tripled && i < count; i++)
    for (int c = 0; c < CHANNELS; c++)
      tripled[i * CHANNELS + (size_t) c] = kernel->weight[i];
  return tripled;
}

/* Both passes, in bands of output rows, so that the rows between the passes stay near BAND_BYTES.
 */
static bool
resample_across_down (const EspImage *source, const Kernel *across, const Kernel *down,
                      const int32_t *tripled, EspImage *result)
{
  size_t row_bytes = (size_t) result->width * CHANNELS;
  bool ok = true;
  for (int begin = 0, end; ok && begin < result->height; begin = end)
    {
      int first = down->first[begin], last = first + down->count[begin];
      for (end = begin + 1; end < result->height; end++)
        {
          int needed = down->first[end] + down->count[end];
          if ((size_t) (needed - first) * row_bytes > BAND_BYTES)
            break;
          last = needed;
        }
      uint8_t *rows = malloc ((size_t) (last - first) * row_bytes);
      ok = rows
           && resample_rows (source, across, tripled, first, last - first, result->width, rows);
      if (ok)
        resample_columns (down, rows, first, begin, end, row_bytes,
                          result->pixels + (size_t) begin * row_bytes);
      free (rows);
    }
  return ok;
}

/* The same with the passes swapped. */
static bool
resample_down_across (const EspImage *source, const Kernel *across, const Kernel *down,
                      const int32_t *tripled, EspImage *result)
{
  size_t source_bytes = (size_t) source->width * CHANNELS;
  size_t row_bytes = (size_t) result->width * CHANNELS;
  int band = (int) (BAND_BYTES / source_bytes) + 1;
  bool ok = true;
  for (int begin = 0; ok && begin < result->height; begin += band)
    {
      int end = result->height - begin < band ? result->height : begin + band;
      EspImage rows
          = { malloc ((size_t) (end - begin) * source_bytes), source->width, end - begin };
      ok = rows.pixels != NULL;
      if (ok)
        {
          resample_columns (down, source->pixels, 0, begin, end, source_bytes, rows.pixels);
          ok = resample_rows (&rows, across, tripled, 0, rows.height, result->width,
                              result->pixels + (size_t) begin * row_bytes);
        }
      free (rows.pixels);
    }
  return ok;
}

/* Pillow 13's choice of the first pass, found by comparing its results for thousands of sizes:
 * vertical where that drops more than twice as many rows as the other pass drops columns. */
static bool
starts_with_vertical_pass (const EspImage *source, int width, int height)
{
  return height < source->height && source->height - height > 2 * ((int64_t) source->width - width);
}

EspStatus
esp_lanczos_resize (const EspImage *source, int width, int height, EspImage *result,
                    EspError *error)
{
  *result = (EspImage){ 0 };
  if (!source->pixels || source->width < 1 || source->height < 1 || width < 1 || height < 1)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "cannot resize a picture of %d × %d pixels to %d × %d", source->width,
                          source->height, width, height);

  size_t row_bytes = (size_t) width * CHANNELS;
  Kernel across = { 0 }, down = { 0 };
  int32_t *tripled = NULL;
  EspImage target = { malloc (row_bytes * (size_t) height), width, height };
  bool ok = target.pixels != NULL;
  bool resize_across = width != source->width, resize_down = height != source->height;
  if (ok && resize_across)
    {
      ok = kernel_build (&across, source->width, width);
      tripled = ok ? triple_weights (&across, width) : NULL;
      ok = tripled != NULL;
    }
  if (ok && resize_down)
    ok = kernel_build (&down, source->height, height);

  if (ok && resize_across && resize_down && starts_with_vertical_pass (source, width, height))
    ok = resample_down_across (source, &across, &down, tripled, &target);
  else if (ok && resize_across && resize_down)
    ok = resample_across_down (source, &across, &down, tripled, &target);
  else if (ok && resize_across)
    ok = resample_rows (source, &across, tripled, 0, height, width, target.pixels);
  else if (ok && resize_down)
    resample_columns (&down, source->pixels, 0, 0, height, row_bytes, target.pixels);
  else if (ok)
    memcpy (target.pixels, source->pixels, row_bytes * (size_t) height);

  kernel_clear (&across);
  kernel_clear (&down);
  free (tripled);
  if (!ok)
    {
      free (target.pixels);
      return esp_error_set (error, ESP_ERROR_MEMORY,
                            "not enough memory to resize a picture of %d × %d pixels to %d × %d",
                            source->width, source->height, width, height);
    }
  *result = target;
  return ESP_OK;
}
