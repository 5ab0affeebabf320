/* SPDX-License-Identifier: MIT */
/* cuda-fp8.c: rows of weights → E4M3, each with a scale, once and for all while they are prepared.
 *
 * What quantise_rows (kernels/matrix.cu) does to activations, on the processor: weights come
 * through its cache on their way to pinned memory anyway, and those that stream stay narrow there,
 * too.
 */
#include "ops/cuda/cuda-fp8.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "ops/cuda/cuda-linear.h"

enum
{
  PIECE = 1024, /* numbers of a row at a time; whole blocks of every format */
  THREADS = 8,
};

#define MOST 448.0f /* the largest number of E4M3 (OCP 8-bit Floating Point Specification, 1.0) */

bool
esp_cuda_keeps_fp8 (const CudaDevice *cuda, const EspLinear *linear, int part)
{
  const EspDType dtype = linear->weight[part]->dtype;

  return (dtype == ESP_F32 || dtype == ESP_BF16 || dtype == ESP_F16 || dtype == ESP_Q8_0)
         && linear->in % 16 == 0 && esp_cuda_multiplies_fp8 (cuda, linear);
}

/* |x| ≤ 448 → E4M3, to the nearest, halves to even. Normal numbers lose 20 bits of their fraction,
 * and 120 of the difference between the exponents' middles; those below 2^-6 are multiples of 2^-9,
 * to which adding 2^14 rounds them. */
static inline uint8_t
narrow (float x)
{
  const float size = fabsf (x), low = size + 0x1p14f;
  uint32_t bits, sign, lowest, wide;

  memcpy (&sign, &x, sizeof sign);
  memcpy (&bits, &size, sizeof bits);
  memcpy (&lowest, &low, sizeof lowest);
  wide = ((bits + 0x7ffffu + (bits >> 20 & 1)) >> 20) - (120u << 3);
  return (uint8_t) ((size < 0x1p-6f ? lowest & 15 : wide) | (sign >> 31 << 7));
}

/* Rounding may bring the largest a little above 448. */
static void
narrow_piece (const float *from, float by, uint8_t *to, int64_t count)
{
#pragma omp simd
  for (int64_t i = 0; i < count; i++)
    {
      const float x = from[i] * by;

      to[i] = narrow (x > MOST ? MOST : x < -MOST ? -MOST : x);
    }
}

static void
narrow_row (const EspWeight *weight, int64_t in, int64_t row, uint8_t *to, float *scale)
{
  float numbers[PIECE], most = 0, by;

  for (int64_t at = 0; at < in; at += PIECE)
    {
      const int64_t count = in - at < PIECE ? in - at : PIECE;

      esp_weight_to_f32 (weight, row * in + at, count, numbers);
      for (int64_t i = 0; i < count; i++)
        most = fabsf (numbers[i]) > most ? fabsf (numbers[i]) : most;
    }
  /* So small a row is zeros. */
  by = most > 1e-30f ? MOST / most : 0;
  *scale = most > 1e-30f ? most / MOST : 0;
  for (int64_t at = 0; at < in; at += PIECE)
    {
      const int64_t count = in - at < PIECE ? in - at : PIECE;

      esp_weight_to_f32 (weight, row * in + at, count, numbers);
      narrow_piece (numbers, by, to + at, count);
    }
}

void
esp_cuda_fp8_rows (const EspWeight *weight, int64_t in, int64_t first, int64_t rows, uint8_t *to,
                   float *scales)
{
  const int most = omp_get_max_threads () < THREADS ? omp_get_max_threads () : THREADS;

#pragma omp parallel for num_threads(rows < most ? (int) rows : most) schedule(static) if (rows > 8)
  for (int64_t row = 0; row < rows; row++)
    narrow_row (weight, in, first + row, to + row * in, &scales[row]);
}
