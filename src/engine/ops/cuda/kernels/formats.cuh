/* SPDX-License-Identifier: MIT */
/* formats.cuh: the numbers of every format, in the kernels' language: eight at a time, to the last
 * bit what files/number-format.c makes of them.
 *
 * Products are rounded before sums (the _rn functions are never fused), as there.
 */
#pragma once

#include "ops/cuda/kernels/blocks.h"
#include "ops/cuda/kernels/language.cuh"

/* A member function of a kernel's structure. */
#ifdef __CUDACC__
#define ESP_MEMBER __device__ __forceinline__
#else
#define ESP_MEMBER inline
#endif

enum
{
#define FORMAT_NAME(name, elements, bytes) FORMAT_##name,
  CUDA_FORMATS (FORMAT_NAME)
#undef FORMAT_NAME
};

template <int format> struct Format;

#define FORMAT_SIZES(name, elements, size)                                                         \
  template <> struct Format<FORMAT_##name>                                                         \
  {                                                                                                \
    static constexpr int block = elements, bytes = size;                                           \
  };
CUDA_FORMATS (FORMAT_SIZES)
#undef FORMAT_SIZES

/* --- Single numbers ----------------------------------------------------------------------------
 */

#ifdef __CUDACC__

ESP_DEVICE float
half_number (uint16_t bits)
{
  return __half2float (__ushort_as_half (bits));
}

/* To nearest even; what is too large becomes the largest, and NaN stays NaN (fminf would hide it).
 */
ESP_DEVICE uint16_t
half_bits (float value)
{
  const float held = value > 65504.0f ? 65504.0f : value < -65504.0f ? -65504.0f : value;

  return __half_as_ushort (__float2half_rn (held));
}

ESP_DEVICE uint16_t
bf16_bits (float value)
{
  return __bfloat16_as_ushort (__float2bfloat16_rn (value));
}

ESP_DEVICE float
bits_number (uint32_t bits)
{
  return __uint_as_float (bits);
}

/* Rounded on its own, never part of a fused operation. */
ESP_DEVICE float
times (float a, float b)
{
  return __fmul_rn (a, b);
}

ESP_DEVICE float
plus (float a, float b)
{
  return __fadd_rn (a, b);
}

#else /* the processor; built without contraction */

ESP_DEVICE float
bits_number (uint32_t bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

ESP_DEVICE uint32_t
number_bits (float value)
{
  uint32_t bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

ESP_DEVICE float
half_number (uint16_t half)
{
  uint32_t value = ((half & 0x7FFFu) << 13) + ((127u - 15u) << 23);

  if ((half & 0x7C00) == 0x7C00)
    value += (127u - 15u) << 23;
  else if ((half & 0x7C00) == 0)
    value = number_bits (bits_number (value + (1u << 23)) - 0x1p-14f);
  return bits_number (value | (half & 0x8000u) << 16);
}

ESP_DEVICE uint16_t
half_bits (float value)
{
  uint32_t bits = number_bits (value), sign = bits >> 16 & 0x8000u, size = bits & 0x7FFFFFFFu;

  if (size > 0x7F800000u)
    return (uint16_t) (sign | 0x7FFF);
  if (size >= 0x477FF000u) /* 65520: would round to infinity */
    return (uint16_t) (sign | 0x7BFF);
  if (size < 0x38800000u) /* below 2^-14: steps of 2^-24 */
    return (uint16_t) (sign | (number_bits (bits_number (size) + 0.5f) - number_bits (0.5f)));
  size += 0xFFFu + (size >> 13 & 1);
  return (uint16_t) (sign | ((size - ((127u - 15u) << 23)) >> 13));
}

ESP_DEVICE uint16_t
bf16_bits (float value)
{
  uint32_t bits = number_bits (value);

  if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
    return 0x7FFF;
  return (uint16_t) ((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

ESP_DEVICE float
times (float a, float b)
{
  return a * b;
}

ESP_DEVICE float
plus (float a, float b)
{
  return a + b;
}

#endif

ESP_DEVICE float
bf16_number (uint16_t bits)
{
  return bits_number ((uint32_t) bits << 16);
}

/* E4M3 without infinities; subnormals are m·2^-9. */
ESP_DEVICE float
e4m3_number (uint8_t byte)
{
  uint32_t size = byte & 0x7Fu, sign = (uint32_t) (byte & 0x80) << 24;
  float value;

  if (size == 0x7F)
    return bits_number (sign | 0x7FC00000u);
  if (size < 8)
    value = (float) size * 0x1p-9f;
  else
    value = bits_number ((size << 20) + ((127u - 7u) << 23));
  return sign != 0 ? -value : value;
}

/* E5M2 is the upper half of binary16. */
ESP_DEVICE float
e5m2_number (uint8_t byte)
{
  return half_number ((uint16_t) (byte << 8));
}

/* To nearest even; what is too large becomes 448, the largest. */
ESP_DEVICE uint8_t
e4m3_bits (float value)
{
#ifdef __CUDACC__
  return (uint8_t) __nv_cvt_float_to_fp8 (value, __NV_SATFINITE, __NV_E4M3);
#else
  const uint32_t bits = number_bits (value), sign = bits >> 24 & 0x80u;
  uint32_t size = bits & 0x7FFFFFFFu;

  if (size > 0x7F800000u)
    return (uint8_t) (sign | 0x7F);
  if (size >= 0x43E00000u) /* 448 */
    return (uint8_t) (sign | 0x7E);
  if (size < 0x3C800000u) /* below 2^-6: steps of 2^-9 */
    return (uint8_t) (sign | (number_bits (bits_number (size) + 0x1p14f) - number_bits (0x1p14f)));
  size += 0x7FFFFu + (size >> 20 & 1);
  return (uint8_t) (sign | ((size - ((127u - 7u) << 23)) >> 20));
#endif
}

/* A value rounded to a type of memory. */
ESP_DEVICE float
rounded_to (int type, float value)
{
  if (type == CUDA_BF16)
    return bf16_number (bf16_bits (value));
  if (type == CUDA_F16)
    return half_number (half_bits (value));
  return value;
}

ESP_DEVICE uint16_t
narrow_bits (int type, float value)
{
  return type == CUDA_BF16 ? bf16_bits (value) : half_bits (value);
}

ESP_DEVICE uint32_t
narrow_pair (int type, float low, float high)
{
  return (uint32_t) narrow_bits (type, low) | (uint32_t) narrow_bits (type, high) << 16;
}

/* --- Eight numbers of a block ------------------------------------------------------------------
 */

/* Eight bytes at p, of which no more than `alignment` is promised (a multiple of 2, or 1). */
template <int alignment>
ESP_DEVICE void
eight_bytes (const uint8_t *p, uint32_t bytes[2])
{
  if constexpr (alignment % 8 == 0)
    {
      const uint2 both = *reinterpret_cast<const uint2 *> (p);

      bytes[0] = both.x;
      bytes[1] = both.y;
    }
  else if constexpr (alignment % 4 == 0)
    {
      bytes[0] = reinterpret_cast<const uint32_t *> (p)[0];
      bytes[1] = reinterpret_cast<const uint32_t *> (p)[1];
    }
  else
    {
      const uint16_t *halves = reinterpret_cast<const uint16_t *> (p);

      bytes[0] = (uint32_t) halves[0] | (uint32_t) halves[1] << 16;
      bytes[1] = (uint32_t) halves[2] | (uint32_t) halves[3] << 16;
    }
}

ESP_DEVICE int
byte_of (const uint32_t bytes[2], int i)
{
  return (int) (bytes[i / 4] >> (i % 4 * 8) & 0xFF);
}

ESP_DEVICE float
half_at (const uint8_t *p)
{
  return half_number (*reinterpret_cast<const uint16_t *> (p));
}

/* The numbers that IQ4_NL and IQ4_XS look up, part of the formats; four in a word. */
ESP_DEVICE int
nonlinear (int index)
{
  const uint32_t words[4] = { 0xBFAD9881u, 0xF6EADDCFu, 0x26190D01u, 0x71594535u };
  const uint32_t word
      = index < 8 ? (index < 4 ? words[0] : words[1]) : (index < 12 ? words[2] : words[3]);

  return (int) (int8_t) (word >> (index % 4 * 8) & 0xFF);
}

/* The 6-bit scale and minimum of group g of Q4_K and Q5_K, packed into twelve bytes. */
ESP_DEVICE void
scale_and_minimum (const uint8_t *packed, int g, int *scale, int *minimum)
{
  if (g < 4)
    {
      *scale = packed[g] & 0x3F;
      *minimum = packed[g + 4] & 0x3F;
    }
  else
    {
      *scale = (packed[g + 4] & 0xF) | (packed[g - 4] >> 6) << 4;
      *minimum = packed[g + 4] >> 4 | (packed[g] >> 6) << 4;
    }
}

/* Eight numbers are integers times `by`, plus `add`. */
typedef struct Group
{
  int number[8];
  float by, add;
  bool affine; /* add counts */
} Group;

/* Elements [8·i, 8·i + 8) of a block. `i` is below block/8. */
template <int format>
ESP_DEVICE void
block_group (const uint8_t *block, int i, Group *group)
{
  constexpr int bytes = Format<format>::bytes;
  constexpr int alignment = bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : 2;
  uint32_t low[2], high[2];

  group->add = 0;
  group->affine = false;
  if constexpr (format == FORMAT_Q8_0)
    {
      eight_bytes<2> (block + 2 + 8 * i, low);
      group->by = half_at (block);
      for (int k = 0; k < 8; k++)
        group->number[k] = (int8_t) byte_of (low, k);
    }
  else if constexpr (Format<format>::block == 32)
    {
      constexpr bool fifth = format == FORMAT_Q5_0 || format == FORMAT_Q5_1;
      constexpr bool affine = format == FORMAT_Q4_1 || format == FORMAT_Q5_1;
      constexpr int at = affine ? 4 : 2, numbers = at + (fifth ? 4 : 0);
      constexpr int offset = affine ? 0 : fifth ? 16 : 8;
      const uint16_t *word = reinterpret_cast<const uint16_t *> (block + at);
      const uint32_t bits = fifth ? (uint32_t) word[0] | (uint32_t) word[1] << 16 : 0;

      eight_bytes<alignment == 8 ? 8 : alignment> (block + numbers + 8 * (i % 2), low);
      group->by = half_at (block);
      group->affine = affine;
      if constexpr (affine)
        group->add = half_at (block + 2);
      for (int k = 0; k < 8; k++)
        {
          int number = byte_of (low, k) >> (i / 2 * 4) & 0xF;

          if constexpr (format == FORMAT_IQ4_NL)
            group->number[k] = nonlinear (number);
          else
            group->number[k] = (number | (int) (bits >> (8 * i + k) & 1) << 4) - offset;
        }
    }
  else if constexpr (format == FORMAT_Q4_K || format == FORMAT_Q5_K)
    {
      const int g = i / 4;
      int scale, minimum;

      eight_bytes<8> (block + (format == FORMAT_Q4_K ? 16 : 48) + g / 2 * 32 + i % 4 * 8, low);
      if constexpr (format == FORMAT_Q5_K)
        eight_bytes<8> (block + 16 + i % 4 * 8, high);
      scale_and_minimum (block + 4, g, &scale, &minimum);
      group->by = times (half_at (block), (float) scale);
      group->add = -times (half_at (block + 2), (float) minimum);
      group->affine = true;
      for (int k = 0; k < 8; k++)
        {
          group->number[k] = byte_of (low, k) >> (g % 2 * 4) & 0xF;
          if constexpr (format == FORMAT_Q5_K)
            group->number[k] |= (byte_of (high, k) >> g & 1) << 4;
        }
    }
  else if constexpr (format == FORMAT_Q2_K)
    {
      const int part = i / 4, both = block[i / 2];

      eight_bytes<4> (block + 16 + part / 4 * 32 + i % 4 * 8, low);
      group->by = times (half_at (block + 80), (float) (both & 0xF));
      group->add = -times (half_at (block + 82), (float) (both >> 4));
      group->affine = true;
      for (int k = 0; k < 8; k++)
        group->number[k] = byte_of (low, k) >> (part % 4 * 2) & 3;
    }
  else if constexpr (format == FORMAT_Q3_K)
    {
      const uint8_t *scales = block + 96;
      const int part = i / 4, g = i / 2;
      const int four = g < 8 ? scales[g] & 0xF : scales[g - 8] >> 4;
      const int six = four | (scales[8 + g % 4] >> (2 * (g / 4)) & 3) << 4;

      eight_bytes<2> (block + i % 4 * 8, high);
      eight_bytes<2> (block + 32 + part / 4 * 32 + i % 4 * 8, low);
      group->by = times (half_at (block + 108), (float) (six - 32));
      for (int k = 0; k < 8; k++)
        group->number[k]
            = (byte_of (low, k) >> (part % 4 * 2) & 3) + (byte_of (high, k) >> part & 1) * 4 - 4;
    }
  else if constexpr (format == FORMAT_Q6_K)
    {
      const int part = i / 4;

      eight_bytes<2> (block + part / 4 * 64 + part % 2 * 32 + i % 4 * 8, low);
      eight_bytes<2> (block + 128 + part / 4 * 32 + i % 4 * 8, high);
      group->by = times (half_at (block + 208), (float) (int8_t) block[192 + i / 2]);
      for (int k = 0; k < 8; k++)
        group->number[k] = (byte_of (low, k) >> (part % 4 / 2 * 4) & 0xF)
                           + (byte_of (high, k) >> (part % 4 * 2) & 3) * 16 - 32;
    }
  else if constexpr (format == FORMAT_IQ4_XS)
    {
      const int g = i / 4, both = block[2] | block[3] << 8;
      const int six = (block[4 + g / 2] >> (g % 2 * 4) & 0xF) | (both >> (2 * g) & 3) << 4;

      eight_bytes<8> (block + 8 + 16 * g + 8 * (i % 2), low);
      group->by = times (half_at (block), (float) (six - 32));
      for (int k = 0; k < 8; k++)
        group->number[k] = nonlinear (byte_of (low, k) >> (i % 4 / 2 * 4) & 0xF);
    }
}

/* One number of a format without blocks. */
template <int format>
ESP_DEVICE float
number_at (const uint8_t *row, int64_t i)
{
  if constexpr (format == FORMAT_F32)
    return reinterpret_cast<const float *> (row)[i];
  else if constexpr (format == FORMAT_F16)
    return half_number (reinterpret_cast<const uint16_t *> (row)[i]);
  else if constexpr (format == FORMAT_BF16)
    return bf16_number (reinterpret_cast<const uint16_t *> (row)[i]);
  else if constexpr (format == FORMAT_F8_E4M3)
    return e4m3_number (row[i]);
  else
    return e5m2_number (row[i]);
}

/* Elements [first, first + 8) of a row of `cols` elements; first is a multiple of 8. Zeros behind
 * its end. `whole`: all rows begin at an address that 8 elements may be read from at once. */
template <int format>
ESP_DEVICE void
widen_eight (const uint8_t *row, int64_t first, int64_t cols, bool whole, float out[8])
{
  if constexpr (Format<format>::block > 1)
    {
      Group group;

      if (first >= cols)
        {
          for (int k = 0; k < 8; k++)
            out[k] = 0;
          return;
        }
      block_group<format> (row + first / Format<format>::block * Format<format>::bytes,
                           (int) (first % Format<format>::block / 8), &group);
      for (int k = 0; k < 8; k++)
        {
          float product = times (group.by, (float) group.number[k]);

          out[k] = group.affine ? plus (product, group.add) : product;
        }
    }
  else if (whole && first + 8 <= cols)
    {
      constexpr int bytes = Format<format>::bytes;
      uint4 words[2] = {};
      uint8_t copy[32];

      if constexpr (bytes == 1)
        {
          const uint2 half = *reinterpret_cast<const uint2 *> (row + first);

          words[0].x = half.x;
          words[0].y = half.y;
        }
      else
        {
          words[0] = *reinterpret_cast<const uint4 *> (row + first * bytes);
          if constexpr (bytes == 4)
            words[1] = *reinterpret_cast<const uint4 *> (row + first * bytes + 16);
        }
      memcpy (copy, words, sizeof copy);
      for (int k = 0; k < 8; k++)
        if constexpr (bytes == 4)
          {
            uint32_t bits;

            memcpy (&bits, copy + 4 * k, 4);
            out[k] = bits_number (bits);
          }
        else if constexpr (bytes == 2)
          {
            uint16_t bits = (uint16_t) (copy[2 * k] | copy[2 * k + 1] << 8);

            out[k] = format == FORMAT_F16 ? half_number (bits) : bf16_number (bits);
          }
        else
          out[k] = number_at<format> (copy, k);
    }
  else
    for (int k = 0; k < 8; k++)
      out[k] = first + k < cols ? number_at<format> (row, first + k) : 0;
}
