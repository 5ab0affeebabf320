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

#define MOST     448.0f /* the largest number of E4M3 (OCP 8-bit Floating Point Specification, 1.0) */
#define SMALLEST 1e-30f /* of a row's largest number; one below is zeros */

bool
esp_cuda_keeps_fp8 (const CudaDevice *cuda, const EspLinear *linear, int part)
{
  const EspDType dtype = linear->weight[part]->dtype;

  return (dtype == ESP_F32 || dtype == ESP_BF16 || dtype == ESP_F16 || dtype == ESP_Q8_0)
         && linear->in % 16 == 0 && esp_cuda_multiplies_fp8 (cuda, linear);
}

/* The same 32 bits. Loops over them are such as compilers make vectors of. */
typedef union Numbers
{
  float f[PIECE];
  int32_t bits[PIECE];
} Numbers;

/* The largest of so many numbers, without their signs, and `most`: their order is that of their
 * bits. */
static int32_t
largest (const Numbers *numbers, int count, int32_t most)
{
#pragma omp simd reduction(max : most)
  for (int i = 0; i < count; i++)
    {
      const int32_t size = numbers->bits[i] & INT32_MAX;

      most = size > most ? size : most;
    }
  return most;
}

/* Numbers times `by`, which then are 448 at most → E4M3, to the nearest, halves to even. Normal
 * ones lose 20 bits of their fraction, and 120 of the difference between the exponents' middles;
 * those below 2^-6 are multiples of 2^-9, to which adding 2^14 rounds them. */
static void
narrow (Numbers *numbers, float by, int count, uint8_t *to)
{
  const int32_t first_normal = 0x3c800000; /* 2^-6 */
  Numbers low;

#pragma omp simd
  for (int i = 0; i < count; i++)
    {
      const float x = numbers->f[i] * by, above = x < MOST ? x : MOST;

      /* Rounding may have brought the largest a little further. */
      numbers->f[i] = above > -MOST ? above : -MOST;
    }
#pragma omp simd
  for (int i = 0; i < count; i++)
    low.f[i] = fabsf (numbers->f[i]) + 0x1p14f;
#pragma omp simd
  for (int i = 0; i < count; i++)
    {
      const int32_t bits = numbers->bits[i], size = bits & INT32_MAX;
      const int32_t wide = ((size + 0x7ffff + (size >> 20 & 1)) >> 20) - (120 << 3);
      const int32_t small = low.bits[i] & 15;

      low.bits[i] = (size < first_normal ? small : wide) | (bits >> 24 & 0x80);
    }
#pragma omp simd
  for (int i = 0; i < count; i++)
    to[i] = (uint8_t) low.bits[i];
}

static void
narrow_row (const EspWeight *weight, int64_t in, int64_t row, uint8_t *to, float *scale)
{
  Numbers numbers;
  int32_t bits = 0;
  float most;

  for (int64_t at = 0; at < in; at += PIECE)
    {
      const int count = (int) (in - at < PIECE ? in - at : PIECE);

      esp_weight_to_f32 (weight, row * in + at, count, numbers.f);
      bits = largest (&numbers, count, bits);
    }
  memcpy (&most, &bits, sizeof most);
  if (!(most > SMALLEST))
    {
      memset (to, 0, (size_t) in);
      *scale = 0;
      return;
    }
  *scale = most / MOST;
  for (int64_t at = 0; at < in; at += PIECE)
    {
      const int count = (int) (in - at < PIECE ? in - at : PIECE);

      esp_weight_to_f32 (weight, row * in + at, count, numbers.f);
      narrow (&numbers, MOST / most, count, to + at);
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
