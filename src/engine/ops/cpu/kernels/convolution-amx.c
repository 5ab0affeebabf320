/* SPDX-License-Identifier: MIT */
/* convolution-amx.c: convolution.h on Intel's matrix unit. */
#include "ops/cpu/kernels/convolution.h"
#include "ops/cpu/kernels/matrix.h"

#include <immintrin.h>

enum
{
  STRIP_SUMS = ESP_CONVOLUTION_STRIP * ESP_CONVOLUTION_CHANNELS,
  ROW_BYTES = ESP_CONVOLUTION_CHANNELS * 4,
  LOW = ESP_CONVOLUTION_CHANNELS, /* where a pixel's low parts are */
};

static void
begin (void)
{
  esp_matrix_amx.begin ();
}

static void
end (void)
{
  esp_matrix_amx.end ();
}

static inline __m512
widened (__m512bh halves, int upper)
{
  __m512i bits = (__m512i) halves;
  __m256i part = upper ? _mm512_extracti64x4_epi64 (bits, 1) : _mm512_castsi512_si256 (bits);

  return _mm512_castsi512_ps (_mm512_slli_epi32 (_mm512_cvtepu16_epi32 (part), 16));
}

static void
split (const float *x, int64_t pixels, uint16_t *plane)
{
  for (int64_t i = 0; i < pixels; i++, x += 32, plane += ESP_CONVOLUTION_PIXEL)
    {
      __m512 a = _mm512_loadu_ps (x), b = _mm512_loadu_ps (x + 16);
      __m512bh high = _mm512_cvtne2ps_pbh (b, a);
      __m512bh low = _mm512_cvtne2ps_pbh (_mm512_sub_ps (b, widened (high, 1)),
                                          _mm512_sub_ps (a, widened (high, 0)));

      _mm512_storeu_si512 (plane, (__m512i) high);
      _mm512_storeu_si512 (plane + LOW, (__m512i) low);
    }
}

/* Tiles 0 … 3 are sums, 4 and 5 pixels, 6 and 7 weights. */
#define MULTIPLY_ALL()                                                                             \
  do                                                                                               \
    {                                                                                              \
      _tile_dpbf16ps (0, 4, 6);                                                                    \
      _tile_dpbf16ps (1, 4, 7);                                                                    \
      _tile_dpbf16ps (2, 5, 6);                                                                    \
      _tile_dpbf16ps (3, 5, 7);                                                                    \
    }                                                                                              \
  while (0)

static inline __attribute__ ((always_inline)) void
multiply_pair (const EspConvolutionPiece *piece, const uint16_t *upper, const uint16_t *lower,
               const bool split_weights, bool accumulate, float *sums)
{
  const size_t step = (size_t) piece->pixel_step * sizeof *upper;
  const uint16_t *weights = piece->weights;
  float *below = sums + STRIP_SUMS;

  if (accumulate)
    {
      _tile_loadd (0, sums, ROW_BYTES);
      _tile_loadd (1, sums + 16, ROW_BYTES);
      _tile_loadd (2, below, ROW_BYTES);
      _tile_loadd (3, below + 16, ROW_BYTES);
    }
  else
    {
      _tile_zero (0);
      _tile_zero (1);
      _tile_zero (2);
      _tile_zero (3);
    }
  for (int tap = 0; tap < piece->taps; tap++)
    {
      const uint16_t *a = upper + piece->tap[tap], *b = lower + piece->tap[tap];

      _tile_loadd (4, a, step);
      _tile_loadd (6, weights, 64);
      _tile_loadd (7, weights + ESP_MATRIX_TILE, 64);
      _tile_loadd (5, b, step);
      MULTIPLY_ALL ();
      if (split_weights)
        {
          _tile_loadd (6, weights + 2 * ESP_MATRIX_TILE, 64);
          _tile_loadd (7, weights + 3 * ESP_MATRIX_TILE, 64);
          MULTIPLY_ALL ();
          _tile_loadd (6, weights, 64);
          _tile_loadd (7, weights + ESP_MATRIX_TILE, 64);
        }
      _tile_loadd (4, a + LOW, step);
      _tile_loadd (5, b + LOW, step);
      MULTIPLY_ALL ();
      weights += (split_weights ? 4 : 2) * ESP_MATRIX_TILE;
    }
  _tile_stored (0, sums, ROW_BYTES);
  _tile_stored (1, sums + 16, ROW_BYTES);
  _tile_stored (2, below, ROW_BYTES);
  _tile_stored (3, below + 16, ROW_BYTES);
}

static void
multiply (const EspConvolutionPiece *piece, bool accumulate, float *sums)
{
  for (int64_t i = 0; i < piece->strips; i += 2, sums += 2 * STRIP_SUMS)
    {
      const uint16_t *upper = piece->plane + piece->strip[i];
      const uint16_t *lower = piece->plane + piece->strip[i + 1];

      if (piece->split_weights)
        multiply_pair (piece, upper, lower, true, accumulate, sums);
      else
        multiply_pair (piece, upper, lower, false, accumulate, sums);
    }
}

static void
finish (const float *sums, int64_t pixels, const float *bias, bool accumulate, int64_t n, float *y,
        int64_t y_step)
{
  const __mmask32 mask = n >= 32 ? ~(__mmask32) 0 : (__mmask32) ((1ull << n) - 1);
  const __mmask16 masks[2] = { (__mmask16) mask, (__mmask16) (mask >> 16) };

  for (int half = 0; half < 2; half++)
    {
      __m512 add = _mm512_maskz_loadu_ps (masks[half], bias + 16 * half);

      if (masks[half] != 0)
        for (int64_t i = 0; i < pixels; i++)
          {
            float *out = y + i * y_step + 16 * half;
            __m512 t = _mm512_add_ps (
                _mm512_loadu_ps (sums + i * ESP_CONVOLUTION_CHANNELS + 16 * half), add);

            if (accumulate)
              t = _mm512_add_ps (t, _mm512_maskz_loadu_ps (masks[half], out));
            _mm512_mask_storeu_ps (out, masks[half], t);
          }
    }
}

const EspConvolutionKernels esp_convolution_amx = {
  .begin = begin,
  .end = end,
  .split = split,
  .multiply = multiply,
  .finish = finish,
};
