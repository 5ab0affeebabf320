/* SPDX-License-Identifier: MIT */
/* One block after the other, each by a function that is inlined into two loops: one built for the
 * baseline and one for AVX2. Products are rounded before sums, as in the gguf package: this file is
 * built without contraction to fused operations. */
#include "files/block-formats.h"

#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))

#if defined(__x86_64__)
#define AVX2 __attribute__ ((target ("avx2")))
#else
#define AVX2
#endif

/* binary16 → binary32; see widen_f16_lanes() of number-format.c. */
INLINE float
half_at (const uint8_t *bytes)
{
  uint32_t half = (uint32_t) bytes[0] | (uint32_t) bytes[1] << 8;
  uint32_t sign = (half & 0x8000) << 16;
  uint32_t value = ((half & 0x7FFF) << 13) + ((127u - 15u) << 23);
  float number;

  if ((half & 0x7C00) == 0x7C00)
    value += (127u - 15u) << 23;
  else if ((half & 0x7C00) == 0)
    {
      value += 1u << 23;
      memcpy (&number, &value, sizeof number);
      number -= 0x1p-14f;
      memcpy (&value, &number, sizeof value);
    }
  value |= sign;
  memcpy (&number, &value, sizeof number);
  return number;
}

/* --- Blocks of 32 ------------------------------------------------------------------------- */

/* Sixteen bytes: the lower halves are elements 0 to 15, the upper ones 16 to 31. */
INLINE void
nibbles (const uint8_t *bytes, uint8_t numbers[32])
{
  for (int i = 0; i < 16; i++)
    {
      numbers[i] = bytes[i] & 0xF;
      numbers[16 + i] = bytes[i] >> 4;
    }
}

/* The fifth bits of 32 elements, in one little-endian word. */
INLINE void
add_fifth_bits (const uint8_t *bytes, uint8_t numbers[32])
{
  for (int i = 0; i < 32; i++)
    numbers[i] |= (uint8_t) ((bytes[i / 8] >> (i % 8) & 1) << 4);
}

INLINE void
scale_32 (const uint8_t *numbers, int offset, float scale, float *out)
{
  for (int i = 0; i < 32; i++)
    out[i] = scale * (float) ((int) numbers[i] - offset);
}

INLINE void
affine_32 (const uint8_t *numbers, float scale, float add, float *out)
{
  for (int i = 0; i < 32; i++)
    {
      float product = scale * (float) numbers[i];

      out[i] = product + add;
    }
}

INLINE void
widen_Q4_0 (const uint8_t *block, float *out)
{
  uint8_t numbers[32];

  nibbles (block + 2, numbers);
  scale_32 (numbers, 8, half_at (block), out);
}

INLINE void
widen_Q4_1 (const uint8_t *block, float *out)
{
  uint8_t numbers[32];

  nibbles (block + 4, numbers);
  affine_32 (numbers, half_at (block), half_at (block + 2), out);
}

INLINE void
widen_Q5_0 (const uint8_t *block, float *out)
{
  uint8_t numbers[32];

  nibbles (block + 6, numbers);
  add_fifth_bits (block + 2, numbers);
  scale_32 (numbers, 16, half_at (block), out);
}

INLINE void
widen_Q5_1 (const uint8_t *block, float *out)
{
  uint8_t numbers[32];

  nibbles (block + 8, numbers);
  add_fifth_bits (block + 4, numbers);
  affine_32 (numbers, half_at (block), half_at (block + 2), out);
}

INLINE void
widen_Q8_0 (const uint8_t *block, float *out)
{
  float scale = half_at (block);

  for (int i = 0; i < 32; i++)
    out[i] = scale * (float) (int8_t) block[2 + i];
}

/* The sixteen numbers of IQ4_NL and IQ4_XS: part of the formats. */
static const int8_t nonlinear[16]
    = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

INLINE void
look_up_32 (const uint8_t *bytes, float scale, float *out)
{
  uint8_t numbers[32];

  nibbles (bytes, numbers);
  for (int i = 0; i < 32; i++)
    out[i] = scale * (float) nonlinear[numbers[i]];
}

INLINE void
widen_IQ4_NL (const uint8_t *block, float *out)
{
  look_up_32 (block + 2, half_at (block), out);
}

/* --- Blocks of 256 ------------------------------------------------------------------------ */

/* Bits [2·s, 2·s + 2) of each of 32 bytes. */
INLINE void
pairs (const uint8_t *bytes, int s, uint8_t numbers[32])
{
  for (int i = 0; i < 32; i++)
    numbers[i] = bytes[i] >> (2 * s) & 3;
}

/* Sixteen groups of 16 elements, each with a 4-bit scale and a 4-bit minimum. */
INLINE void
widen_Q2_K (const uint8_t *block, float *out)
{
  const uint8_t *scales = block, *bytes = block + 16;
  float scale = half_at (block + 80), minimum = half_at (block + 82);

  for (int part = 0; part < 8; part++)
    {
      uint8_t numbers[32];

      pairs (bytes + part / 4 * 32, part % 4, numbers);
      for (int half = 0; half < 2; half++)
        {
          uint8_t both = scales[2 * part + half];
          float by = scale * (float) (both & 0xF), less = minimum * (float) (both >> 4);

          for (int i = 0; i < 16; i++)
            {
              float product = by * (float) numbers[16 * half + i];

              out[32 * part + 16 * half + i] = product - less;
            }
        }
    }
}

/* Sixteen groups of 16 elements with signed 6-bit scales; a set bit of `high` means "not -4". */
INLINE void
widen_Q3_K (const uint8_t *block, float *out)
{
  const uint8_t *high = block, *bytes = block + 32, *scales = block + 96;
  float scale = half_at (block + 108);

  for (int part = 0; part < 8; part++)
    {
      uint8_t numbers[32];

      pairs (bytes + part / 4 * 32, part % 4, numbers);
      for (int i = 0; i < 32; i++)
        numbers[i] |= (uint8_t) ((high[i] >> part & 1) << 2);
      for (int half = 0; half < 2; half++)
        {
          int group = 2 * part + half;
          int low = group < 8 ? scales[group] & 0xF : scales[group - 8] >> 4;
          int bits = low | (scales[8 + group % 4] >> (2 * (group / 4)) & 3) << 4;
          float by = scale * (float) (bits - 32);

          for (int i = 0; i < 16; i++)
            out[16 * group + i] = by * (float) ((int) numbers[16 * half + i] - 4);
        }
    }
}

/* The eight 6-bit scales and minimums of Q4_K and Q5_K, packed into twelve bytes. */
INLINE void
scale_and_minimum (const uint8_t *packed, int group, int *scale, int *minimum)
{
  if (group < 4)
    {
      *scale = packed[group] & 0x3F;
      *minimum = packed[group + 4] & 0x3F;
    }
  else
    {
      *scale = (packed[group + 4] & 0xF) | (packed[group - 4] >> 6) << 4;
      *minimum = packed[group + 4] >> 4 | (packed[group] >> 6) << 4;
    }
}

INLINE void
affine_group (const uint8_t *block, const uint8_t *numbers, int group, float *out)
{
  int scale, minimum;

  scale_and_minimum (block + 4, group, &scale, &minimum);
  affine_32 (numbers, half_at (block) * (float) scale, -(half_at (block + 2) * (float) minimum),
             out);
}

INLINE void
widen_Q4_K (const uint8_t *block, float *out)
{
  for (int group = 0; group < 8; group++)
    {
      const uint8_t *bytes = block + 16 + group / 2 * 32;
      uint8_t numbers[32];

      for (int i = 0; i < 32; i++)
        numbers[i] = bytes[i] >> (group % 2 * 4) & 0xF;
      affine_group (block, numbers, group, out + 32 * group);
    }
}

INLINE void
widen_Q5_K (const uint8_t *block, float *out)
{
  const uint8_t *high = block + 16;

  for (int group = 0; group < 8; group++)
    {
      const uint8_t *bytes = block + 48 + group / 2 * 32;
      uint8_t numbers[32];

      for (int i = 0; i < 32; i++)
        numbers[i] = (uint8_t) ((bytes[i] >> (group % 2 * 4) & 0xF) | (high[i] >> group & 1) << 4);
      affine_group (block, numbers, group, out + 32 * group);
    }
}

/* Sixteen groups of 16 elements with signed 8-bit scales; four bits here, two bits there. */
INLINE void
widen_Q6_K (const uint8_t *block, float *out)
{
  const uint8_t *scales = block + 192;
  float scale = half_at (block + 208);

  for (int part = 0; part < 8; part++)
    {
      const uint8_t *low = block + part / 4 * 64 + part % 2 * 32;
      uint8_t numbers[32];

      pairs (block + 128 + part / 4 * 32, part % 4, numbers);
      for (int i = 0; i < 32; i++)
        numbers[i] = (uint8_t) (numbers[i] << 4 | (low[i] >> (part % 4 / 2 * 4) & 0xF));
      for (int half = 0; half < 2; half++)
        {
          float by = scale * (float) (int8_t) scales[2 * part + half];

          for (int i = 0; i < 16; i++)
            out[32 * part + 16 * half + i] = by * (float) ((int) numbers[16 * half + i] - 32);
        }
    }
}

INLINE void
widen_IQ4_XS (const uint8_t *block, float *out)
{
  const uint8_t *low = block + 4, *bytes = block + 8;
  int high = block[2] | block[3] << 8;
  float scale = half_at (block);

  for (int group = 0; group < 8; group++)
    {
      int bits = (low[group / 2] >> (group % 2 * 4) & 0xF) | (high >> (2 * group) & 3) << 4;

      look_up_32 (bytes + 16 * group, scale * (float) (bits - 32), out + 32 * group);
    }
}

/* --- The loops ---------------------------------------------------------------------------- */

INLINE int
not_finite (const uint8_t *half)
{
  return (half[1] & 0x7C) == 0x7C;
}

#define LOOPS(name, elements, bytes, first, second)                                                \
  void esp_widen_##name##_base (const void *source, float *destination, int64_t count)             \
  {                                                                                                \
    const uint8_t *block = source;                                                                 \
                                                                                                   \
    for (int64_t i = 0; i < count; i += elements, block += bytes)                                  \
      widen_##name (block, destination + i);                                                       \
  }                                                                                                \
                                                                                                   \
  AVX2 void esp_widen_##name##_avx2 (const void *source, float *destination, int64_t count)        \
  {                                                                                                \
    const uint8_t *block = source;                                                                 \
                                                                                                   \
    for (int64_t i = 0; i < count; i += elements, block += bytes)                                  \
      widen_##name (block, destination + i);                                                       \
  }                                                                                                \
                                                                                                   \
  int64_t esp_find_##name (const void *source, int64_t count)                                      \
  {                                                                                                \
    const uint8_t *block = source;                                                                 \
                                                                                                   \
    for (int64_t i = 0; i < count; i += elements, block += bytes)                                  \
      if (not_finite (block + first) || not_finite (block + second))                               \
        return i;                                                                                  \
    return -1;                                                                                     \
  }

ESP_BLOCK_FORMATS (LOOPS)
