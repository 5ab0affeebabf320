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
uint16_t
esp_f32_to_f16 (float number)
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
      uint16_t half = esp_f32_to_f16 (source[i]);

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
  half = esp_f32_to_f16 (scale);
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
#define LEVELS  15.0f /* the largest of four bits */
#define SCALES  63.0f /* the largest of six bits */
#define TRIES   24
#define NEAREST 12582912.0f /* adding and taking it away rounds a small number to a whole one */

/* One lane for each of a block's groups: what is done to one is done to all. */
typedef float f32x8 __attribute__ ((vector_size (4 * GROUPS)));
typedef int32_t i32x8 __attribute__ ((vector_size (4 * GROUPS)));

/* `a` where the mask is set, else `b`. */
#define CHOOSE(mask, a, b) ((f32x8) (((mask) & (i32x8) (a)) | (~(mask) & (i32x8) (b))))

/* Number i of every group, or its level. */
typedef struct
{
  f32x8 at[GROUP];
} Groups;

/* x is about scale · q - minimum, q from 0 to 15. */
typedef struct
{
  f32x8 scale, minimum; /* both ≥ 0 */
} Fits;

INLINE void
choose_levels (const Groups *x, const f32x8 *inverse, const f32x8 *minimum, Groups *q)
{
  const f32x8 most = (f32x8){ 0 } + LEVELS;

  for (int i = 0; i < GROUP; i++)
    {
      f32x8 level = (x->at[i] + *minimum) * *inverse;

      level = (f32x8) ((i32x8) (level > 0.0f) & (i32x8) level);
      level = CHOOSE ((i32x8) (level > most), most, level);
      q->at[i] = (level + NEAREST) - NEAREST;
    }
}

INLINE void
measure_error (const Groups *x, const Groups *q, const Fits *fit, f32x8 *error)
{
  f32x8 sum = { 0 };

  for (int i = 0; i < GROUP; i++)
    {
      f32x8 off = fit->scale * q->at[i] - fit->minimum - x->at[i];

      sum += off * off;
    }
  *error = sum;
}

/* The scales and minimums that come nearest to x with these levels. */
INLINE void
least_squares (const Groups *x, const f32x8 *sum_x, const Groups *q, Fits *fit)
{
  f32x8 sum_q = { 0 }, sum_qq = { 0 }, sum_qx = { 0 }, determinant, scale, minimum;
  i32x8 through_zero;

  for (int i = 0; i < GROUP; i++)
    {
      sum_q += q->at[i];
      sum_qq += q->at[i] * q->at[i];
      sum_qx += q->at[i] * x->at[i];
    }
  determinant = (float) GROUP * sum_qq - sum_q * sum_q;
  scale = ((float) GROUP * sum_qx - sum_q * *sum_x) / determinant;
  minimum = (sum_q * sum_qx - sum_qq * *sum_x) / determinant;
  through_zero = ~((i32x8) (determinant > 0.0f) & (i32x8) (minimum >= 0.0f));
  scale = CHOOSE (through_zero, sum_qx / sum_qq, scale);
  /* Also takes away what a division by zero gave. */
  fit->scale = (f32x8) ((i32x8) (scale > 0.0f) & (i32x8) scale);
  fit->minimum = (f32x8) (~through_zero & (i32x8) minimum);
}

/* Starts from the range of x and from ranges a little smaller and larger. */
INLINE void
fit_groups (const Groups *x, Fits *best)
{
  f32x8 least = { 0 }, most = x->at[0], sum_x = { 0 }, range, minimum, inverse, best_error, error;
  i32x8 flat;
  Groups q;
  Fits fit;

  for (int i = 0; i < GROUP; i++)
    {
      least = CHOOSE ((i32x8) (x->at[i] < least), x->at[i], least);
      most = CHOOSE ((i32x8) (x->at[i] > most), x->at[i], most);
      sum_x += x->at[i];
    }
  range = most - least;
  minimum = -least;
  inverse = LEVELS / range;
  flat = ~((i32x8) (range > 0.0f) & (i32x8) (inverse < INFINITY));
  best->scale = (f32x8) (~flat & (i32x8) (range / LEVELS));
  best->minimum = minimum;
  inverse = (f32x8) (~flat & (i32x8) inverse);
  choose_levels (x, &inverse, &minimum, &q);
  measure_error (x, &q, best, &best_error);
  for (int try = 0; try < TRIES; try++)
    {
      i32x8 better;

      inverse = (f32x8) (~flat & (i32x8) ((LEVELS - 1.2f + 0.1f * (float) try) / range));
      choose_levels (x, &inverse, &minimum, &q);
      least_squares (x, &sum_x, &q, &fit);
      measure_error (x, &q, &fit, &error);
      better = (i32x8) (error < best_error) & ~flat;
      best_error = CHOOSE (better, error, best_error);
      best->scale = CHOOSE (better, fit.scale, best->scale);
      best->minimum = CHOOSE (better, fit.minimum, best->minimum);
    }
}

/* Among the six-bit neighbours of each scale and minimum, those with the smallest error. */
INLINE void
settle_groups (const Groups *x, const Fits *wanted, float step, float minimum_step, Fits *chosen,
               Groups *q)
{
  const float to_step = step > 0 ? 1 / step : 0;
  const float to_minimum = minimum_step > 0 ? 1 / minimum_step : 0;
  f32x8 near_scale = (wanted->scale * to_step + NEAREST) - NEAREST;
  f32x8 near_minimum = (wanted->minimum * to_minimum + NEAREST) - NEAREST;
  f32x8 best_error = (f32x8){ 0 } + INFINITY, error, inverse;
  Fits fit;

  *chosen = (Fits){ { 0 }, { 0 } };
  for (int side = 0; side < 9; side++)
    {
      const int row = side / 3 - 1, column = side % 3 - 1;
      f32x8 scale = near_scale + (float) row;
      f32x8 minimum = near_minimum + (float) column;
      i32x8 better = (i32x8) (scale >= 0.0f) & (i32x8) (scale <= SCALES) & (i32x8) (minimum >= 0.0f)
                     & (i32x8) (minimum <= SCALES);

      fit.scale = scale * step;
      fit.minimum = minimum * minimum_step;
      inverse = 1.0f / fit.scale;
      inverse = (f32x8) ((i32x8) (inverse < INFINITY) & (i32x8) inverse);
      choose_levels (x, &inverse, &fit.minimum, q);
      measure_error (x, q, &fit, &error);
      better &= (i32x8) (error < best_error);
      best_error = CHOOSE (better, error, best_error);
      chosen->scale = CHOOSE (better, scale, chosen->scale);
      chosen->minimum = CHOOSE (better, minimum, chosen->minimum);
    }
  inverse = 1.0f / (chosen->scale * step);
  inverse = (f32x8) ((i32x8) (inverse < INFINITY) & (i32x8) inverse);
  fit.minimum = chosen->minimum * minimum_step;
  choose_levels (x, &inverse, &fit.minimum, q);
}

/* Six bits each, in the order that block-formats.c reads. */
INLINE void
pack_scales (const Fits *chosen, uint8_t *packed)
{
  for (int group = 0; group < 4; group++)
    {
      int scale = (int) chosen->scale[group], minimum = (int) chosen->minimum[group];
      int high_scale = (int) chosen->scale[group + 4];
      int high_minimum = (int) chosen->minimum[group + 4];

      packed[group] = (uint8_t) (scale | (high_scale >> 4) << 6);
      packed[group + 4] = (uint8_t) (minimum | (high_minimum >> 4) << 6);
      packed[group + 8] = (uint8_t) ((high_scale & 0xF) | (high_minimum & 0xF) << 4);
    }
}

INLINE float
largest (const f32x8 *numbers)
{
  float most = 0;

  for (int i = 0; i < GROUPS; i++)
    most = (*numbers)[i] > most ? (*numbers)[i] : most;
  return most;
}

INLINE void
quantise_block_q4_k (const float *source, uint8_t *block)
{
  Groups x, q;
  Fits fit, chosen;
  uint16_t step, minimum_step;

  for (int i = 0; i < GROUP; i++)
    for (int group = 0; group < GROUPS; group++)
      x.at[i][group] = source[GROUP * group + i];
  fit_groups (&x, &fit);
  step = esp_f32_to_f16 (largest (&fit.scale) / SCALES);
  minimum_step = esp_f32_to_f16 (largest (&fit.minimum) / SCALES);
  settle_groups (&x, &fit, from_half (step), from_half (minimum_step), &chosen, &q);
  memcpy (block, &step, sizeof step);
  memcpy (block + 2, &minimum_step, sizeof minimum_step);
  pack_scales (&chosen, block + 4);
  for (int i = 0; i < GROUP; i++)
    for (int group = 0; group < GROUPS; group += 2)
      block[16 + GROUP * (group / 2) + i]
          = (uint8_t) ((int) q.at[i][group] | (int) q.at[i][group + 1] << 4);
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
