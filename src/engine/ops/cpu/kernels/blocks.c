/* SPDX-License-Identifier: MIT */
/* blocks.c: see blocks.h. The layouts are ggml's:
 * https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h */
#include "ops/cpu/kernels/blocks.h"
#include "ops/cpu/kernels/parts.h"
#include "ops/cpu/kernels/vector.h"

static inline float
half_at (const uint8_t *bytes)
{
#if defined(__F16C__)
  return _cvtsh_ss ((unsigned short) (bytes[0] | bytes[1] << 8));
#else
  float number;

  esp_to_f32 (ESP_F16, bytes, &number, 1);
  return number;
#endif
}

typedef uint8_t bytes16 __attribute__ ((vector_size (16)));

static inline bytes16
load_bytes (const void *p)
{
  bytes16 v;

  memcpy (&v, p, sizeof v);
  return v;
}

/* Sixteen bytes: the lower halves are numbers 0 to 15, the upper ones 16 to 31. */
static inline void
nibbles (const uint8_t *bytes, int offset, int8_t *q)
{
  bytes16 both = load_bytes (bytes);
  bytes16 low = (both & 15) - (uint8_t) offset, high = (both >> 4) - (uint8_t) offset;

  memcpy (q, &low, sizeof low);
  memcpy (q + 16, &high, sizeof high);
}

/* The same with the fifth bits of 32 numbers, a byte for eight. */
static inline void
nibbles_and_fifths (const uint8_t *bytes, const uint8_t *fifths, int offset, int8_t *q)
{
  const bytes16 bits = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
  bytes16 both = load_bytes (bytes), four = { fifths[0], fifths[1], fifths[2], fifths[3] };
  bytes16 spread_low
      = __builtin_shufflevector (four, four, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  bytes16 spread_high
      = __builtin_shufflevector (four, four, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  bytes16 low = (bytes16) ((spread_low & bits) == bits) & 16;
  bytes16 high = (bytes16) ((spread_high & bits) == bits) & 16;

  low = ((both & 15) | low) - (uint8_t) offset;
  high = ((both >> 4) | high) - (uint8_t) offset;
  memcpy (q, &low, sizeof low);
  memcpy (q + 16, &high, sizeof high);
}

static void
decode_q4_0 (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 32, block += 18, q += 32)
    {
      *scales++ = half_at (block);
      nibbles (block + 2, 8, q);
    }
}

static void
decode_q4_1 (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 32, block += 20, q += 32)
    {
      *scales++ = half_at (block);
      *minimums++ = half_at (block + 2);
      nibbles (block + 4, 0, q);
    }
}

static void
decode_q5_0 (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 32, block += 22, q += 32)
    {
      *scales++ = half_at (block);
      nibbles_and_fifths (block + 6, block + 2, 16, q);
    }
}

static void
decode_q5_1 (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 32, block += 24, q += 32)
    {
      *scales++ = half_at (block);
      *minimums++ = half_at (block + 2);
      nibbles_and_fifths (block + 8, block + 4, 0, q);
    }
}

static void
decode_q8_0 (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 32, block += 34, q += 32)
    {
      *scales++ = half_at (block);
      memcpy (q, block + 2, 32);
    }
}

/* Two bits each: byte l holds numbers l, l + 32, l + 64 and l + 96. */
static inline void
pairs_of_bits (const uint8_t *bytes, int8_t *q)
{
  for (int l = 0; l < 32; l++)
    {
      q[l] = (int8_t) (bytes[l] & 3);
      q[32 + l] = (int8_t) (bytes[l] >> 2 & 3);
      q[64 + l] = (int8_t) (bytes[l] >> 4 & 3);
      q[96 + l] = (int8_t) (bytes[l] >> 6);
    }
}

static void
decode_q2_k (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 256, block += 84, q += 256, scales += 16, minimums += 16)
    {
      float d = half_at (block + 80), least = half_at (block + 82);

      for (int g = 0; g < 16; g++)
        {
          scales[g] = d * (float) (block[g] & 15);
          minimums[g] = -(least * (float) (block[g] >> 4));
        }
      pairs_of_bits (block + 16, q);
      pairs_of_bits (block + 48, q + 128);
    }
}

static void
decode_q3_k (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 256, block += 110, q += 256, scales += 16)
    {
      const uint8_t *packed = block + 96;
      float d = half_at (block + 108);

      /* Six bits each: four in the first eight bytes, two in the last four. */
      for (int g = 0; g < 16; g++)
        {
          int low = g < 8 ? packed[g] & 15 : packed[g - 8] >> 4;
          int high = packed[8 + g % 4] >> 2 * (g / 4) & 3;

          scales[g] = d * (float) ((low | high << 4) - 32);
        }
      pairs_of_bits (block + 32, q);
      pairs_of_bits (block + 64, q + 128);
      for (int part = 0; part < 8; part++)
        for (int l = 0; l < 32; l++)
          q[32 * part + l] = (int8_t) (q[32 * part + l] + ((block[l] >> part & 1) << 2) - 4);
    }
}

/* Eight scales and eight minimums of six bits in twelve bytes. */
static inline void
six_bits (const uint8_t *packed, float d, float least, float *scales, float *minimums)
{
  for (int g = 0; g < 4; g++)
    {
      scales[g] = d * (float) (packed[g] & 63);
      minimums[g] = -(least * (float) (packed[4 + g] & 63));
      scales[4 + g] = d * (float) ((packed[8 + g] & 15) | packed[g] >> 6 << 4);
      minimums[4 + g] = -(least * (float) (packed[8 + g] >> 4 | packed[4 + g] >> 6 << 4));
    }
}

static void
decode_q4_k (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 256, block += 144, q += 256, scales += 8, minimums += 8)
    {
      six_bits (block + 4, half_at (block), half_at (block + 2), scales, minimums);
      for (int part = 0; part < 4; part++)
        for (int l = 0; l < 32; l++)
          {
            uint8_t byte = block[16 + 32 * part + l];

            q[64 * part + l] = (int8_t) (byte & 15);
            q[64 * part + 32 + l] = (int8_t) (byte >> 4);
          }
    }
}

static void
decode_q5_k (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 256, block += 176, q += 256, scales += 8, minimums += 8)
    {
      six_bits (block + 4, half_at (block), half_at (block + 2), scales, minimums);
      for (int part = 0; part < 4; part++)
        for (int l = 0; l < 32; l++)
          {
            uint8_t byte = block[48 + 32 * part + l], high = block[16 + l] >> 2 * part;

            q[64 * part + l] = (int8_t) ((byte & 15) | (high & 1) << 4);
            q[64 * part + 32 + l] = (int8_t) (byte >> 4 | (high >> 1 & 1) << 4);
          }
    }
}

static void
decode_q6_k (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 256, block += 210, q += 256, scales += 16)
    {
      float d = half_at (block + 208);

      for (int g = 0; g < 16; g++)
        scales[g] = d * (float) (int8_t) block[192 + g];
      for (int half = 0; half < 2; half++)
        for (int l = 0; l < 32; l++)
          {
            uint8_t first = block[64 * half + l], second = block[64 * half + 32 + l];
            uint8_t high = block[128 + 32 * half + l];
            int8_t *out = q + 128 * half + l;

            out[0] = (int8_t) (((first & 15) | (high & 3) << 4) - 32);
            out[32] = (int8_t) (((second & 15) | (high >> 2 & 3) << 4) - 32);
            out[64] = (int8_t) ((first >> 4 | (high >> 4 & 3) << 4) - 32);
            out[96] = (int8_t) ((second >> 4 | (high >> 6) << 4) - 32);
          }
    }
}

/* The values behind the four bits of the IQ4 formats. */
static const int8_t steps[16]
    = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

static inline void
look_up (const uint8_t *bytes, int8_t *q)
{
#if defined(__AVX2__)
  const __m128i table = _mm_loadu_si128 ((const __m128i *) (const void *) steps);
  const __m128i mask = _mm_set1_epi8 (15);
  __m128i both = _mm_loadu_si128 ((const __m128i *) (const void *) bytes);

  _mm_storeu_si128 ((__m128i *) (void *) q, _mm_shuffle_epi8 (table, _mm_and_si128 (both, mask)));
  _mm_storeu_si128 ((__m128i *) (void *) (q + 16),
                    _mm_shuffle_epi8 (table, _mm_and_si128 (_mm_srli_epi16 (both, 4), mask)));
#else
  for (int i = 0; i < 16; i++)
    {
      q[i] = steps[bytes[i] & 15];
      q[16 + i] = steps[bytes[i] >> 4];
    }
#endif
}

static void
decode_iq4_nl (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 32, block += 18, q += 32)
    {
      *scales++ = half_at (block);
      look_up (block + 2, q);
    }
}

static void
decode_iq4_xs (const uint8_t *block, int64_t n, int8_t *q, float *scales, float *minimums)
{
  for (; n > 0; n -= 256, block += 136, q += 256, scales += 8)
    {
      float d = half_at (block);
      int high = block[2] | block[3] << 8;

      for (int g = 0; g < 8; g++)
        {
          int six = (block[4 + g / 2] >> 4 * (g % 2) & 15) | (high >> 2 * g & 3) << 4;

          scales[g] = d * (float) (six - 32);
          look_up (block + 8 + 16 * g, q + 32 * g);
        }
    }
}

const EspDecodeBlocks ESP_KERNEL (esp_decode_blocks)[ESP_DTYPE_COUNT] = {
  [ESP_Q4_0] = decode_q4_0, [ESP_Q4_1] = decode_q4_1,     [ESP_Q5_0] = decode_q5_0,
  [ESP_Q5_1] = decode_q5_1, [ESP_Q8_0] = decode_q8_0,     [ESP_Q2_K] = decode_q2_k,
  [ESP_Q3_K] = decode_q3_k, [ESP_Q4_K] = decode_q4_k,     [ESP_Q5_K] = decode_q5_k,
  [ESP_Q6_K] = decode_q6_k, [ESP_IQ4_NL] = decode_iq4_nl, [ESP_IQ4_XS] = decode_iq4_xs,
};

void
ESP_KERNEL (esp_expand_groups) (const int8_t *q, const float *scales, const float *minimums,
                                int group, int64_t n, float *y)
{
  for (int64_t g = 0; g < n / group; g++, q += group, y += group)
    {
      float scale = scales[g], minimum = minimums != NULL ? minimums[g] : 0.0f;

      if (group == 32)
        for (int i = 0; i < 32; i++)
          y[i] = (float) q[i] * scale + minimum;
      else
        for (int i = 0; i < 16; i++)
          y[i] = (float) q[i] * scale + minimum;
    }
}

/* A byte of E4M3 or E5M2 holds the upper bits of an f32, its exponent's bias aside: shifted into
 * place it is what it should be times a power of two, subnormal numbers included. */
static inline __attribute__ ((always_inline)) void
widen_f8 (const uint8_t *x, int shift, float factor, float scale, int64_t n, float *y)
{
  for (int64_t i = 0; i < n; i++)
    {
      uint32_t bits = (uint32_t) (x[i] & 0x7f) << shift | (uint32_t) (x[i] & 0x80) << 24;
      float number;

      memcpy (&number, &bits, sizeof number);
      y[i] = number * factor * scale;
    }
}

void
ESP_KERNEL (esp_widen_weights) (EspDType dtype, const void *x, float scale, int64_t n, float *y)
{
  switch (dtype)
    {
    case ESP_F8_E4M3:
      widen_f8 (x, 20, 0x1p120f, scale, n, y);
      break;
    case ESP_F8_E5M2:
      widen_f8 (x, 21, 0x1p112f, scale, n, y);
      break;
    default:
      esp_to_f32 (dtype, x, y, n);
      if (scale != 1)
        for (int64_t i = 0; i < n; i++)
          y[i] *= scale;
    }
}
