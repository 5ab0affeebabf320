/* SPDX-License-Identifier: MIT */
#include "files/number-format.h"

#include <string.h>

#include "files/block-formats.h"

/* The loops below are written once with the compilers' vector types and compiled twice on x86-64:
 * for the baseline (SSE2) and for AVX2, chosen at run time. Elsewhere there is one build. */
#define LANES 8

typedef uint8_t u8x8 __attribute__ ((vector_size (8)));
typedef uint16_t u16x8 __attribute__ ((vector_size (16)));
typedef uint32_t u32x8 __attribute__ ((vector_size (32)));
typedef float f32x8 __attribute__ ((vector_size (32)));

#define INLINE static inline __attribute__ ((always_inline))

#if defined(__x86_64__)
#define HAVE_AVX2_BUILD 1
#define AVX2            __attribute__ ((target ("avx2")))
#else
#define HAVE_AVX2_BUILD 0
#endif

/* --- Widening ---------------------------------------------------------------------------- */

INLINE void
widen_bf16_lanes (const uint8_t *source, float *destination)
{
  u16x8 half;
  u32x8 wide;

  memcpy (&half, source, sizeof half);
  wide = __builtin_convertvector(half, u32x8) << 16;
  memcpy (destination, &wide, sizeof wide);
}

/* IEEE 754 binary16 → binary32 in integers: shift the exponent and mantissa into place, then add
 * the difference of the biases (127 - 15). Infinities and NaNs need that difference twice, to reach
 * exponent 255. A subnormal m·2^-24 becomes 2^-14·(1 + m/1024), from which 2^-14 is subtracted:
 * exact, and free of f32 subnormals, so it also holds when the processor flushes those to zero. */
INLINE void
widen_f16_lanes (const uint8_t *source, float *destination)
{
  u16x8 half;
  u32x8 bits, sign, exponent, value, small;
  f32x8 smallest_normal = { 0 };
  f32x8 difference;

  memcpy (&half, source, sizeof half);
  bits = __builtin_convertvector(half, u32x8);
  sign = (bits & 0x8000) << 16;
  value = (bits & 0x7FFF) << 13;
  exponent = value & (0x7C00u << 13);
  value += (127u - 15u) << 23;

  u32x8 is_special = (u32x8) (exponent == (0x7C00u << 13));
  u32x8 is_small = (u32x8) (exponent == 0);

  smallest_normal += 0x1p-14f;
  small = value + (1u << 23);
  difference = (f32x8) small - smallest_normal;
  value += is_special & ((127u - 15u) << 23);
  value = (value & ~is_small) | ((u32x8) difference & is_small);
  value |= sign;
  memcpy (destination, &value, sizeof value);
}

/* E4M3 without infinities: exponent 15 is a number like the others, but for 0x7F and 0xFF, the two
 * NaNs. The subnormals m·2^-9 as above. */
INLINE void
widen_f8_e4m3_lanes (const uint8_t *source, float *destination)
{
  u8x8 byte;
  u32x8 bits, value, small;
  f32x8 smallest_normal = { 0 };
  f32x8 difference;

  memcpy (&byte, source, sizeof byte);
  bits = __builtin_convertvector(byte, u32x8);
  value = ((bits & 0x7F) << 20) + ((127u - 7u) << 23);

  u32x8 is_nan = (u32x8) ((bits & 0x7F) == 0x7F);
  u32x8 is_small = (u32x8) ((bits & 0x78) == 0);

  smallest_normal += 0x1p-6f;
  small = value + (1u << 23);
  difference = (f32x8) small - smallest_normal;
  value = (value & ~is_small) | ((u32x8) difference & is_small);
  value |= is_nan & 0x7FC00000;
  value |= (bits & 0x80) << 24;
  memcpy (destination, &value, sizeof value);
}

/* E5M2 is the upper half of binary16. */
INLINE void
widen_f8_e5m2_lanes (const uint8_t *source, float *destination)
{
  u8x8 byte;
  u16x8 half;

  memcpy (&byte, source, sizeof byte);
  half = __builtin_convertvector(byte, u16x8) << 8;
  widen_f16_lanes ((const uint8_t *) &half, destination);
}

typedef void (*WidenLanes) (const uint8_t *source, float *destination);

/* The tail goes through the same lanes with padding, so that there is one formula only. */
INLINE void
widen_all (const void *source, float *destination, int64_t count, int64_t bytes_each,
           WidenLanes lanes)
{
  const uint8_t *in = source;
  int64_t i = 0;

  for (; i + LANES <= count; i += LANES)
    lanes (in + bytes_each * i, destination + i);

  if (i < count)
    {
      uint8_t last_in[2 * LANES] = { 0 };
      float last_out[LANES];
      size_t left = (size_t) (count - i);

      memcpy (last_in, in + bytes_each * i, (size_t) bytes_each * left);
      lanes (last_in, last_out);
      memcpy (destination + i, last_out, sizeof (float) * left);
    }
}

static void
widen_bf16_base (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 2, widen_bf16_lanes);
}

static void
widen_f16_base (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 2, widen_f16_lanes);
}

static void
widen_f8_e4m3_base (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 1, widen_f8_e4m3_lanes);
}

static void
widen_f8_e5m2_base (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 1, widen_f8_e5m2_lanes);
}

static void
widen_f32 (const void *source, float *destination, int64_t count)
{
  memmove (destination, source, sizeof (float) * (size_t) count);
}

static void
widen_i32 (const void *source, float *destination, int64_t count)
{
  const uint8_t *in = source;

  for (int64_t i = 0; i < count; i++)
    {
      int32_t value;

      memcpy (&value, in + 4 * i, sizeof value);
      destination[i] = (float) value;
    }
}

/* --- Narrowing --------------------------------------------------------------------------- */

/* Adding 0x7FFF and the lowest kept bit before cutting rounds to nearest, ties to even; the carry
 * may run into the exponent, up to infinity, as it should. A NaN is cut and made quiet, for its set
 * bits may all lie in the half that is dropped. */
INLINE void
narrow_lanes (const float *source, uint16_t *destination)
{
  u32x8 bits, rounded, quiet, is_nan;
  u16x8 half;

  memcpy (&bits, source, sizeof bits);
  rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  quiet = (bits >> 16) | 0x40;
  is_nan = (u32x8) ((bits & 0x7FFFFFFF) > 0x7F800000);
  rounded = (rounded & ~is_nan) | (quiet & is_nan);
  half = __builtin_convertvector(rounded, u16x8);
  memcpy (destination, &half, sizeof half);
}

INLINE void
narrow_all (const float *source, uint16_t *destination, int64_t count)
{
  int64_t i = 0;

  for (; i + LANES <= count; i += LANES)
    narrow_lanes (source + i, destination + i);

  if (i < count)
    {
      float last_in[LANES] = { 0 };
      uint16_t last_out[LANES];
      size_t left = (size_t) (count - i);

      memcpy (last_in, source + i, sizeof (float) * left);
      narrow_lanes (last_in, last_out);
      memcpy (destination + i, last_out, sizeof (uint16_t) * left);
    }
}

static void
narrow_base (const float *source, uint16_t *destination, int64_t count)
{
  narrow_all (source, destination, count);
}

/* --- Looking for NaN and infinity -------------------------------------------------------- */

/* 32-bit words of a block that is searched as a whole before anyone asks which element it was. */
#define BLOCK_WORDS 64

static int64_t
find_in_16 (const uint8_t *source, int64_t from, int64_t to, uint16_t exponent)
{
  for (int64_t i = from; i < to; i++)
    {
      uint16_t value;

      memcpy (&value, source + 2 * i, sizeof value);
      if ((value & exponent) == exponent)
        return i;
    }
  return -1;
}

static int64_t
find_in_32 (const uint8_t *source, int64_t from, int64_t to)
{
  for (int64_t i = from; i < to; i++)
    {
      uint32_t value;

      memcpy (&value, source + 4 * i, sizeof value);
      if ((value & 0x7F800000) == 0x7F800000)
        return i;
    }
  return -1;
}

/* An exponent of all ones is NaN or infinity in each of these three formats. */
INLINE int64_t
find_16_all (const void *source, int64_t count, uint16_t exponent)
{
  const uint8_t *in = source;
  const int64_t block = 2 * BLOCK_WORDS;
  int64_t i = 0;

  for (; i + block <= count; i += block)
    {
      u16x8 found = { 0 };
      uint64_t halves[2];

      for (int64_t j = 0; j < block; j += LANES)
        {
          u16x8 value;

          memcpy (&value, in + 2 * (i + j), sizeof value);
          found |= (u16x8) ((value & exponent) == exponent);
        }
      memcpy (halves, &found, sizeof halves);
      if ((halves[0] | halves[1]) != 0)
        return find_in_16 (in, i, i + block, exponent);
    }
  return find_in_16 (in, i, count, exponent);
}

INLINE int64_t
find_32_all (const void *source, int64_t count)
{
  const uint8_t *in = source;
  const int64_t block = BLOCK_WORDS;
  int64_t i = 0;

  for (; i + block <= count; i += block)
    {
      u32x8 found = { 0 };
      uint64_t quarters[4];

      for (int64_t j = 0; j < block; j += LANES)
        {
          u32x8 value;

          memcpy (&value, in + 4 * (i + j), sizeof value);
          found |= (u32x8) ((value & 0x7F800000) == 0x7F800000);
        }
      memcpy (quarters, &found, sizeof quarters);
      if ((quarters[0] | quarters[1] | quarters[2] | quarters[3]) != 0)
        return find_in_32 (in, i, i + block);
    }
  return find_in_32 (in, i, count);
}

/* `mask` of an eight-bit number all set: NaN in E4M3 (0x7F), NaN or infinity in E5M2 (0x7C). */
INLINE int64_t
find_8_all (const void *source, int64_t count, uint8_t mask)
{
  const uint8_t *in = source;
  const int64_t block = 4 * BLOCK_WORDS;

  for (int64_t i = 0; i < count; i += block)
    {
      int64_t length = count - i < block ? count - i : block;
      uint8_t found = 0;

      for (int64_t j = 0; j < length; j++)
        found |= (uint8_t) - ((in[i + j] & mask) == mask);
      for (int64_t j = 0; found != 0 && j < length; j++)
        if ((in[i + j] & mask) == mask)
          return i + j;
    }
  return -1;
}

static int64_t
find_f8_e4m3_base (const void *source, int64_t count)
{
  return find_8_all (source, count, 0x7F);
}

static int64_t
find_f8_e5m2_base (const void *source, int64_t count)
{
  return find_8_all (source, count, 0x7C);
}

static int64_t
find_f16_base (const void *source, int64_t count)
{
  return find_16_all (source, count, 0x7C00);
}

static int64_t
find_bf16_base (const void *source, int64_t count)
{
  return find_16_all (source, count, 0x7F80);
}

static int64_t
find_f32_base (const void *source, int64_t count)
{
  return find_32_all (source, count);
}

static int64_t
find_nothing (const void *source, int64_t count)
{
  (void) source;
  (void) count;
  return -1;
}

/* --- The AVX2 build of the loops above --------------------------------------------------- */

#if HAVE_AVX2_BUILD
AVX2 static void
widen_bf16_avx2 (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 2, widen_bf16_lanes);
}

AVX2 static void
widen_f16_avx2 (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 2, widen_f16_lanes);
}

AVX2 static void
widen_f8_e4m3_avx2 (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 1, widen_f8_e4m3_lanes);
}

AVX2 static void
widen_f8_e5m2_avx2 (const void *source, float *destination, int64_t count)
{
  widen_all (source, destination, count, 1, widen_f8_e5m2_lanes);
}

AVX2 static int64_t
find_f8_e4m3_avx2 (const void *source, int64_t count)
{
  return find_8_all (source, count, 0x7F);
}

AVX2 static int64_t
find_f8_e5m2_avx2 (const void *source, int64_t count)
{
  return find_8_all (source, count, 0x7C);
}

AVX2 static void
narrow_avx2 (const float *source, uint16_t *destination, int64_t count)
{
  narrow_all (source, destination, count);
}

AVX2 static int64_t
find_f16_avx2 (const void *source, int64_t count)
{
  return find_16_all (source, count, 0x7C00);
}

AVX2 static int64_t
find_bf16_avx2 (const void *source, int64_t count)
{
  return find_16_all (source, count, 0x7F80);
}

AVX2 static int64_t
find_f32_avx2 (const void *source, int64_t count)
{
  return find_32_all (source, count);
}

static int
wide_build (void)
{
  return __builtin_cpu_supports ("avx2") ? 1 : 0;
}
#else
#define widen_bf16_avx2    widen_bf16_base
#define widen_f16_avx2     widen_f16_base
#define widen_f8_e4m3_avx2 widen_f8_e4m3_base
#define widen_f8_e5m2_avx2 widen_f8_e5m2_base
#define find_f8_e4m3_avx2  find_f8_e4m3_base
#define find_f8_e5m2_avx2  find_f8_e5m2_base
#define narrow_avx2        narrow_base
#define find_f16_avx2      find_f16_base
#define find_bf16_avx2     find_bf16_base
#define find_f32_avx2      find_f32_base

static int
wide_build (void)
{
  return 0;
}
#endif

/* --- The table --------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  int block;    /* elements that lie together */
  size_t bytes; /* of a block */
  /* [0] for the baseline, [1] where wide_build() says so. */
  void (*widen[2]) (const void *source, float *destination, int64_t count);
  int64_t (*find_non_finite[2]) (const void *source, int64_t count);
} Format;

#define BLOCK_ROW(name, elements, bytes, first, second)                                            \
  [ESP_##name] = { #name,                                                                          \
                   elements,                                                                       \
                   bytes,                                                                          \
                   { esp_widen_##name##_base, esp_widen_##name##_avx2 },                           \
                   { esp_find_##name, esp_find_##name } },

static const Format formats[ESP_DTYPE_COUNT] = {
  [ESP_F32] = { "F32", 1, 4, { widen_f32, widen_f32 }, { find_f32_base, find_f32_avx2 } },
  [ESP_F16] = { "F16", 1, 2, { widen_f16_base, widen_f16_avx2 }, { find_f16_base, find_f16_avx2 } },
  [ESP_BF16]
  = { "BF16", 1, 2, { widen_bf16_base, widen_bf16_avx2 }, { find_bf16_base, find_bf16_avx2 } },
  [ESP_I32] = { "I32", 1, 4, { widen_i32, widen_i32 }, { find_nothing, find_nothing } },
  [ESP_F8_E4M3] = { "F8_E4M3",
                    1,
                    1,
                    { widen_f8_e4m3_base, widen_f8_e4m3_avx2 },
                    { find_f8_e4m3_base, find_f8_e4m3_avx2 } },
  [ESP_F8_E5M2] = { "F8_E5M2",
                    1,
                    1,
                    { widen_f8_e5m2_base, widen_f8_e5m2_avx2 },
                    { find_f8_e5m2_base, find_f8_e5m2_avx2 } },
  ESP_BLOCK_FORMATS (BLOCK_ROW)
};

const char *
esp_dtype_name (EspDType dtype)
{
  return formats[dtype].name;
}

_Bool
esp_dtype_from_name (const char *name, size_t length, EspDType *dtype)
{
  for (int i = 0; i < ESP_DTYPE_COUNT; i++)
    if (strlen (formats[i].name) == length && memcmp (formats[i].name, name, length) == 0)
      {
        *dtype = (EspDType) i;
        return 1;
      }
  return 0;
}

int
esp_dtype_block (EspDType dtype)
{
  return formats[dtype].block;
}

size_t
esp_dtype_bytes (EspDType dtype, int64_t count)
{
  return formats[dtype].bytes * (size_t) (count / formats[dtype].block);
}

void
esp_to_f32 (EspDType dtype, const void *source, float *destination, int64_t count)
{
  if (count > 0)
    formats[dtype].widen[wide_build ()](source, destination, count);
}

void
esp_f32_to_bf16 (const float *source, uint16_t *destination, int64_t count)
{
  if (wide_build ())
    narrow_avx2 (source, destination, count);
  else
    narrow_base (source, destination, count);
}

int64_t
esp_find_non_finite (EspDType dtype, const void *source, int64_t count)
{
  return formats[dtype].find_non_finite[wide_build ()](source, count);
}
