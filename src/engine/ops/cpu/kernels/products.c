/* SPDX-License-Identifier: MIT */
/* products.c: dot products, the register tile of matrix products, and what softmax needs. */
#include "ops/cpu/kernels/parts.h"
#include "ops/cpu/kernels/vector.h"

#include <math.h>

float
ESP_KERNEL (esp_dot) (const float *x, const float *w, int64_t n)
{
  vfloat sums[4] = { { 0 } };
  int64_t i = 0;

  for (; i + 4 * VN <= n; i += 4 * VN)
    for (int lane = 0; lane < 4; lane++)
      sums[lane] += vload (x + i + lane * VN) * vload (w + i + lane * VN);
  for (; i + VN <= n; i += VN)
    sums[0] += vload (x + i) * vload (w + i);
  if (i < n)
    sums[1] += vload_part (x + i, n - i) * vload_part (w + i, n - i);
  return vsum ((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

float
ESP_KERNEL (esp_dot_bf16) (const float *x, const uint16_t *w, int64_t n)
{
  enum
  {
    STRETCH = 256
  };
  float wide[STRETCH], sum = 0;

  for (int64_t i = 0; i < n; i += STRETCH)
    {
      int64_t count = n - i < STRETCH ? n - i : STRETCH;

      ESP_KERNEL (esp_widen_bf16) (w + i, count, wide);
      sum += ESP_KERNEL (esp_dot) (x + i, wide, count);
    }
  return sum;
}

/* Accumulators, two vectors of b and one broadcast fill the registers: 32 with AVX-512, else 16. */
#define TILE_VECTORS 2
#define TILE_COLS    (TILE_VECTORS * VN)

/* How much of what is needed next is asked for in each step of the depth. */
#define NEXT_FLOATS 4

/* Always inlined with a constant number of rows, so that the accumulators stay in registers. */
static inline __attribute__ ((always_inline)) void
tile_of (const int rows, int64_t k, const float *a, int64_t lda, const float *b, const float *next,
         bool accumulate, float *c, int64_t ldc)
{
  vfloat sums[ESP_TILE_ROWS][TILE_VECTORS];

#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
    {
      sums[r][0] = (vfloat){ 0 };
      sums[r][1] = (vfloat){ 0 };
    }
  for (int64_t i = 0; i < k; i++)
    {
      vfloat b0 = vload (b + i * TILE_COLS), b1 = vload (b + i * TILE_COLS + VN);

      __builtin_prefetch (next + i * NEXT_FLOATS);
#pragma GCC unroll 16
      for (int r = 0; r < rows; r++)
        {
          vfloat factor = vset (a[r * lda + i]);
          sums[r][0] += factor * b0;
          sums[r][1] += factor * b1;
        }
    }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
    {
      float *row = c + r * ldc;
      if (accumulate)
        {
          sums[r][0] += vload (row);
          sums[r][1] += vload (row + VN);
        }
      vstore (row, sums[r][0]);
      vstore (row + VN, sums[r][1]);
    }
}

void
ESP_KERNEL (esp_tile) (int rows, int64_t k, const float *a, int64_t lda, const float *b,
                       const float *next, bool accumulate, float *c, int64_t ldc)
{
  if (rows == ESP_TILE_ROWS)
    {
      tile_of (ESP_TILE_ROWS, k, a, lda, b, next, accumulate, c, ldc);
      return;
    }
  for (; rows >= 4; rows -= 4, a += 4 * lda, c += 4 * ldc)
    tile_of (4, k, a, lda, b, next, accumulate, c, ldc);
  for (; rows > 0; rows--, a += lda, c += ldc)
    tile_of (1, k, a, lda, b, next, accumulate, c, ldc);
}

void
ESP_KERNEL (esp_pack_transposed) (const float *x, int64_t stride, int64_t count, int64_t depth,
                                  float *panel)
{
  if (count < TILE_COLS)
    memset (panel, 0, (size_t) (depth * TILE_COLS) * sizeof *panel);
  for (int64_t j = 0; j < count; j++)
    for (int64_t d = 0; d < depth; d++)
      panel[d * TILE_COLS + j] = x[j * stride + d];
}

float
ESP_KERNEL (esp_softmax_piece) (float *s, int64_t n, float scale, const float *bias, float *maximum,
                                float *sum)
{
  vfloat largest = vset (*maximum), total = { 0 };
  int64_t i = 0, whole = n - n % VN;
  float peak, factor;

  for (; i < whole; i += VN)
    {
      vfloat v = vload (s + i) * scale;
      if (bias != NULL)
        v += vload (bias + i);
      vstore (s + i, v);
      largest = vmax (largest, v);
    }
  peak = vlargest (largest);
  for (; i < n; i++)
    {
      s[i] = s[i] * scale + (bias != NULL ? bias[i] : 0.0f);
      peak = s[i] > peak ? s[i] : peak;
    }
  factor = *maximum == peak ? 1.0f : expf (*maximum - peak);
  for (i = 0; i < whole; i += VN)
    {
      vfloat v = vexp (vload (s + i) - peak);
      vstore (s + i, v);
      total += v;
    }
  *sum = *sum * factor + vsum (total);
  if (i < n)
    {
      float part[VN];
      vstore (part, vexp (vload_part (s + i, n - i) - peak));
      memcpy (s + i, part, (size_t) (n - i) * sizeof *s);
      for (int64_t j = 0; j < n - i; j++)
        *sum += part[j];
    }
  *maximum = peak;
  return factor;
}
