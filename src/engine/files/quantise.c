/* SPDX-License-Identifier: MIT */
#include "files/quantise.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))

#if defined(__x86_64__)
#define HAVE_AVX2_BUILD 1
#define AVX2            __attribute__ ((target ("avx2")))
#else
#define HAVE_AVX2_BUILD 0
#define AVX2
#endif

INLINE uint32_t
bits_of (float number)
{
  uint32_t bits;

  memcpy (&bits, &number, sizeof bits);
  return bits;
}

INLINE float
number_of (uint32_t bits)
{
  float number;

  memcpy (&number, &bits, sizeof number);
  return number;
}

/* --- Floats -------------------------------------------------------------------------------- */

/* Below 2^-14 the sum with 1/2 has its last bit where binary16's subnormals have theirs. */
INLINE uint16_t
to_half (float number)
{
  uint32_t bits = bits_of (number), magnitude = bits & 0x7FFFFFFF, half;

  if (magnitude > 0x7F800000)
    half = 0x7E00;
  else if (magnitude >= 0x477FF000)
    half = 0x7C00;
  else if (magnitude < 0x38800000)
    half = bits_of (number_of (magnitude) + 0.5f) - bits_of (0.5f);
  else
    half = (magnitude - (112u << 23) + 0xFFF + ((magnitude >> 13) & 1)) >> 13;
  return (uint16_t) ((bits >> 16 & 0x8000) | half);
}

INLINE float
from_half (uint16_t half)
{
  float number;

  esp_to_f32 (ESP_F16, &half, &number, 1);
  return number;
}

/* As above, with three bits of mantissa: subnormals are multiples of 2^-9, the last bit of numbers
 * around 2^14. */
INLINE uint8_t
to_f8_e4m3 (float number)
{
  uint32_t bits = bits_of (number), magnitude = bits & 0x7FFFFFFF, code;

  if (magnitude > 0x7F800000)
    code = 0x7F;
  else if (magnitude >= 0x43E00000) /* 448 */
    code = 0x7E;
  else if (magnitude < 0x3C800000) /* 2^-6 */
    code = bits_of (number_of (magnitude) + 0x1p14f) - bits_of (0x1p14f);
  else
    code = (magnitude - (120u << 23) + 0x7FFFF + ((magnitude >> 20) & 1)) >> 20;
  return (uint8_t) ((bits >> 24 & 0x80) | code);
}

static void
quantise_f32 (const float *source, void *destination, int64_t count)
{
  memcpy (destination, source, (size_t) count * sizeof *source);
}

static void
quantise_f16 (const float *source, void *destination, int64_t count)
{
  for (int64_t i = 0; i < count; i++)
    {
      uint16_t half = to_half (source[i]);

      memcpy ((char *) destination + 2 * i, &half, sizeof half);
    }
}

static void
quantise_bf16 (const float *source, void *destination, int64_t count)
{
  esp_f32_to_bf16 (source, destination, count);
}

static void
quantise_f8_e4m3 (const float *source, void *destination, int64_t count)
{
  uint8_t *out = destination;

  for (int64_t i = 0; i < count; i++)
    out[i] = to_f8_e4m3 (source[i]);
}

/* --- Q8_0 ---------------------------------------------------------------------------------- */

INLINE void
quantise_block_q8_0 (const float *source, uint8_t *block)
{
  float most = 0, scale, inverse;
  uint16_t half;

  for (int i = 0; i < 32; i++)
    most = fabsf (source[i]) > most ? fabsf (source[i]) : most;
  scale = most / 127;
  inverse = scale != 0 ? 1 / scale : 0;
  half = to_half (scale);
  memcpy (block, &half, sizeof half);
  for (int i = 0; i < 32; i++)
    {
      float wanted = source[i] * inverse, size = fabsf (wanted);
      int whole = (int) size;

      /* Halves go away from zero. */
      whole += 2 * (size - (float) whole) >= 1;
      block[2 + i] = (uint8_t) (int8_t) (wanted < 0 ? -whole : whole);
    }
}

/* --- Q4_K ---------------------------------------------------------------------------------- */

#define GROUP   32
#define GROUPS  8
#define LEVELS  15 /* the largest of four bits */
#define SCALES  63 /* the largest of six bits */
#define TRIES   24
#define NEAREST 12582912.0f /* adding and taking it away rounds a small number to a whole one */

typedef float f32x8 __attribute__ ((vector_size (32)));
typedef int32_t i32x8 __attribute__ ((vector_size (32)));

#define LANES 8
#define PARTS (GROUP / LANES)

/* A group's numbers, or their levels. */
typedef struct
{
  f32x8 part[PARTS];
} Numbers;

/* x is about scale · q - minimum, q from 0 to 15. */
typedef struct
{
  float scale, minimum; /* both ≥ 0 */
} Fit;

INLINE float
sum (const f32x8 *numbers)
{
  float total = 0;

  for (int i = 0; i < LANES; i++)
    total += (*numbers)[i];
  return total;
}

INLINE void
choose_levels (const Numbers *x, float inverse, float minimum, Numbers *q)
{
  for (int i = 0; i < PARTS; i++)
    {
      f32x8 level = (x->part[i] + minimum) * inverse, most = { 0 };
      i32x8 above;

      most += LEVELS;
      level = (f32x8) ((i32x8) (level > 0.0f) & (i32x8) level);
      above = (i32x8) (level > most);
      level = (f32x8) ((above & (i32x8) most) | (~above & (i32x8) level));
      q->part[i] = (level + NEAREST) - NEAREST;
    }
}

INLINE float
squared_error (const Numbers *x, const Numbers *q, Fit fit)
{
  f32x8 error = { 0 };

  for (int i = 0; i < PARTS; i++)
    {
      f32x8 off = fit.scale * q->part[i] - fit.minimum - x->part[i];

      error += off * off;
    }
  return sum (&error);
}

/* The scale and minimum that come nearest to x with these levels. */
INLINE Fit
least_squares (const Numbers *x, const Numbers *q)
{
  f32x8 q_lanes = { 0 }, qq_lanes = { 0 }, x_lanes = { 0 }, qx_lanes = { 0 };
  float sum_q, sum_qq, sum_x, sum_qx, determinant;
  Fit fit = { 0, 0 };

  for (int i = 0; i < PARTS; i++)
    {
      q_lanes += q->part[i];
      qq_lanes += q->part[i] * q->part[i];
      x_lanes += x->part[i];
      qx_lanes += q->part[i] * x->part[i];
    }
  sum_q = sum (&q_lanes);
  sum_qq = sum (&qq_lanes);
  sum_x = sum (&x_lanes);
  sum_qx = sum (&qx_lanes);
  determinant = GROUP * sum_qq - sum_q * sum_q;
  if (determinant > 0)
    {
      fit.scale = (GROUP * sum_qx - sum_q * sum_x) / determinant;
      fit.minimum = (sum_q * sum_qx - sum_qq * sum_x) / determinant;
    }
  if (determinant <= 0 || fit.minimum < 0)
    {
      fit.minimum = 0;
      fit.scale = sum_qq > 0 ? sum_qx / sum_qq : 0;
    }
  fit.scale = fit.scale > 0 ? fit.scale : 0;
  return fit;
}

/* Starts from the range of x and from ranges a little smaller and larger. */
INLINE Fit
fit_group (const Numbers *x)
{
  float least = 0, most = x->part[0][0], best_error;
  Numbers q;
  Fit best;

  for (int i = 0; i < GROUP; i++)
    {
      float number = x->part[i / LANES][i % LANES];

      least = number < least ? number : least;
      most = number > most ? number : most;
    }
  best = (Fit){ (most - least) / LEVELS, -least };
  if (!(most > least) || !isfinite (1 / best.scale))
    return (Fit){ 0, -least };
  choose_levels (x, 1 / best.scale, best.minimum, &q);
  best_error = squared_error (x, &q, best);
  for (int try = 0; try < TRIES; try++)
    {
      float inverse = ((float) LEVELS - 1.2f + 0.1f * (float) try) / (most - least), error;
      Fit fit;

      choose_levels (x, inverse, -least, &q);
      fit = least_squares (x, &q);
      error = squared_error (x, &q, fit);
      if (error < best_error)
        {
          best_error = error;
          best = fit;
        }
    }
  return best;
}

/* Among the six-bit neighbours of scale and minimum, those with the smallest error. */
INLINE void
settle_group (const Numbers *x, Fit wanted, float step, float minimum_step, int *scale,
              int *minimum, Numbers *q)
{
  int near_scale = step > 0 ? (int) (wanted.scale / step + 0.5f) : 0;
  int near_minimum = minimum_step > 0 ? (int) (wanted.minimum / minimum_step + 0.5f) : 0;
  float best_error = INFINITY;

  *scale = *minimum = 0;
  for (int s = near_scale - 1; s <= near_scale + 1; s++)
    for (int m = near_minimum - 1; m <= near_minimum + 1; m++)
      {
        Fit fit = { step * (float) s, minimum_step * (float) m };
        float inverse = fit.scale > 0 ? 1 / fit.scale : 0, error;

        if (s < 0 || s > SCALES || m < 0 || m > SCALES || !isfinite (inverse))
          continue;
        choose_levels (x, inverse, fit.minimum, q);
        error = squared_error (x, q, fit);
        if (error < best_error)
          {
            best_error = error;
            *scale = s;
            *minimum = m;
          }
      }
  choose_levels (x, step * (float) *scale > 0 ? 1 / (step * (float) *scale) : 0,
                 minimum_step * (float) *minimum, q);
}

/* Six bits each, in the order that block-formats.c reads. */
INLINE void
pack_scales (const int *scale, const int *minimum, uint8_t *packed)
{
  for (int group = 0; group < 4; group++)
    {
      packed[group] = (uint8_t) (scale[group] | (scale[group + 4] >> 4) << 6);
      packed[group + 4] = (uint8_t) (minimum[group] | (minimum[group + 4] >> 4) << 6);
      packed[group + 8] = (uint8_t) ((scale[group + 4] & 0xF) | (minimum[group + 4] & 0xF) << 4);
    }
}

INLINE void
quantise_block_q4_k (const float *source, uint8_t *block)
{
  Numbers x[GROUPS], q[GROUPS];
  Fit fit[GROUPS];
  int scale[GROUPS], minimum[GROUPS];
  float most_scale = 0, most_minimum = 0, levels[GROUPS][GROUP];
  uint16_t step, minimum_step;

  memcpy (x, source, sizeof x);
  for (int group = 0; group < GROUPS; group++)
    {
      fit[group] = fit_group (&x[group]);
      most_scale = fit[group].scale > most_scale ? fit[group].scale : most_scale;
      most_minimum = fit[group].minimum > most_minimum ? fit[group].minimum : most_minimum;
    }
  step = to_half (most_scale / SCALES);
  minimum_step = to_half (most_minimum / SCALES);
  for (int group = 0; group < GROUPS; group++)
    settle_group (&x[group], fit[group], from_half (step), from_half (minimum_step), &scale[group],
                  &minimum[group], &q[group]);
  memcpy (levels, q, sizeof levels);
  memcpy (block, &step, sizeof step);
  memcpy (block + 2, &minimum_step, sizeof minimum_step);
  pack_scales (scale, minimum, block + 4);
  for (int group = 0; group < GROUPS; group += 2)
    for (int i = 0; i < GROUP; i++)
      block[16 + GROUP * (group / 2) + i]
          = (uint8_t) ((int) levels[group][i] | (int) levels[group + 1][i] << 4);
}

/* --- The table ------------------------------------------------------------------------------ */

#define BLOCKS(name, function, elements, bytes, target)                                            \
  target static void name (const float *source, void *destination, int64_t count)                  \
  {                                                                                                \
    uint8_t *block = destination;                                                                  \
                                                                                                   \
    for (int64_t i = 0; i < count; i += elements, block += bytes)                                  \
      function (source + i, block);                                                                \
  }

BLOCKS (quantise_q8_0_base, quantise_block_q8_0, 32, 34, )
BLOCKS (quantise_q4_k_base, quantise_block_q4_k, 256, 144, )
#if HAVE_AVX2_BUILD
BLOCKS (quantise_q8_0_avx2, quantise_block_q8_0, 32, 34, AVX2)
BLOCKS (quantise_q4_k_avx2, quantise_block_q4_k, 256, 144, AVX2)
#else
#define quantise_q8_0_avx2 quantise_q8_0_base
#define quantise_q4_k_avx2 quantise_q4_k_base
#endif

typedef void (*Quantise) (const float *source, void *destination, int64_t count);

/* [1] where the processor has AVX2. */
static const Quantise quantisers[ESP_DTYPE_COUNT][2] = {
  [ESP_F32] = { quantise_f32, quantise_f32 },
  [ESP_F16] = { quantise_f16, quantise_f16 },
  [ESP_BF16] = { quantise_bf16, quantise_bf16 },
  [ESP_F8_E4M3] = { quantise_f8_e4m3, quantise_f8_e4m3 },
  [ESP_Q8_0] = { quantise_q8_0_base, quantise_q8_0_avx2 },
  [ESP_Q4_K] = { quantise_q4_k_base, quantise_q4_k_avx2 },
};

_Bool
esp_can_quantise (EspDType dtype)
{
  return quantisers[dtype][0] != NULL;
}

void
esp_quantise (EspDType dtype, const float *source, void *destination, int64_t count)
{
#if HAVE_AVX2_BUILD
  quantisers[dtype][__builtin_cpu_supports ("avx2") ? 1 : 0](source, destination, count);
#else
  quantisers[dtype][0](source, destination, count);
#endif
}
