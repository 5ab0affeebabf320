/* SPDX-License-Identifier: MIT */
/* cuda-types.h: vectors and short floats as CUDA has them, for the processor. */
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

/* --- Vectors ----------------------------------------------------------------------------------*/

#define CUEMU_VECTORS(Type, name, align2, align4)                                                  \
  struct name##1                                                                                   \
  {                                                                                                \
    Type x;                                                                                        \
  };                                                                                               \
  struct alignas (align2) name##2                                                                  \
  {                                                                                                \
    Type x, y;                                                                                     \
  };                                                                                               \
  struct name##3                                                                                   \
  {                                                                                                \
    Type x, y, z;                                                                                  \
  };                                                                                               \
  struct alignas (align4) name##4                                                                  \
  {                                                                                                \
    Type x, y, z, w;                                                                               \
  };                                                                                               \
  static inline name##2 make_##name##2(Type x, Type y)                                             \
  {                                                                                                \
    return { x, y };                                                                               \
  }                                                                                                \
  static inline name##3 make_##name##3(Type x, Type y, Type z)                                     \
  {                                                                                                \
    return { x, y, z };                                                                            \
  }                                                                                                \
  static inline name##4 make_##name##4(Type x, Type y, Type z, Type w)                             \
  {                                                                                                \
    return { x, y, z, w };                                                                         \
  }

CUEMU_VECTORS (signed char, char, 2, 4)
CUEMU_VECTORS (unsigned char, uchar, 2, 4)
CUEMU_VECTORS (short, short, 4, 8)
CUEMU_VECTORS (unsigned short, ushort, 4, 8)
CUEMU_VECTORS (int, int, 8, 16)
CUEMU_VECTORS (unsigned, uint, 8, 16)
CUEMU_VECTORS (float, float, 8, 16)
CUEMU_VECTORS (long long, longlong, 16, 16)
CUEMU_VECTORS (unsigned long long, ulonglong, 16, 16)
CUEMU_VECTORS (double, double, 16, 16)
#undef CUEMU_VECTORS

/* --- Bits -------------------------------------------------------------------------------------*/

template <class To, class From>
static inline To
cuemu_bits (From from)
{
  static_assert (sizeof (To) == sizeof (From), "of one size");
  To to;
  memcpy (&to, &from, sizeof to);
  return to;
}

static inline unsigned
__float_as_uint (float x)
{
  return cuemu_bits<unsigned> (x);
}

static inline int
__float_as_int (float x)
{
  return cuemu_bits<int> (x);
}

static inline float
__uint_as_float (unsigned x)
{
  return cuemu_bits<float> (x);
}

static inline float
__int_as_float (int x)
{
  return cuemu_bits<float> (x);
}

/* --- bf16 -------------------------------------------------------------------------------------*/

/* To nearest, ties to even; NaN becomes 0x7fff as on the card. */
static inline uint16_t
cuemu_to_bf16 (float x)
{
  const uint32_t bits = cuemu_bits<uint32_t> (x);

  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return 0x7fff;
  return uint16_t ((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

static inline float
cuemu_from_bf16 (uint16_t bits)
{
  return cuemu_bits<float> (uint32_t (bits) << 16);
}

/* --- f16 --------------------------------------------------------------------------------------*/

static inline uint16_t
cuemu_to_f16 (float x)
{
  const uint32_t bits = cuemu_bits<uint32_t> (x), sign = bits >> 16 & 0x8000;
  const uint32_t size = bits & 0x7fffffff;

  if (size > 0x7f800000)
    return 0x7fff;
  if (size >= 0x477ff000) /* 65520 and more round to infinity */
    return uint16_t (sign | 0x7c00);
  if (size < 0x38800000) /* below 2^-14: steps of 2^-24, and the addition rounds */
    {
      const float half = cuemu_bits<float> (size) + 0.5f;
      return uint16_t (sign | (cuemu_bits<uint32_t> (half) - 0x3f000000));
    }
  return uint16_t (sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13));
}

static inline float
cuemu_from_f16 (uint16_t bits)
{
  const uint32_t sign = uint32_t (bits & 0x8000) << 16, size = bits & 0x7fff;

  if (size >= 0x7c00)
    return cuemu_bits<float> (sign | 0x7f800000 | (size & 0x3ff) << 13);
  if (size >= 0x0400)
    return cuemu_bits<float> (sign | ((size << 13) + 0x38000000));
  const float small = float (size) * 0x1p-24f;
  return sign != 0 ? -small : small;
}

/* --- The two as classes -----------------------------------------------------------------------*/

#define CUEMU_SHORT_FLOAT(Name, Pair, Raw, to, from)                                               \
  struct Raw                                                                                       \
  {                                                                                                \
    unsigned short x;                                                                              \
  };                                                                                               \
  struct Name                                                                                      \
  {                                                                                                \
    uint16_t cuemu_value;                                                                          \
    Name () = default;                                                                             \
    Name (float x) : cuemu_value (to (x))                                                          \
    {                                                                                              \
    }                                                                                              \
    Name (Raw raw) : cuemu_value (raw.x)                                                           \
    {                                                                                              \
    }                                                                                              \
    operator float () const                                                                        \
    {                                                                                              \
      return from (cuemu_value);                                                                   \
    }                                                                                              \
    operator Raw () const                                                                          \
    {                                                                                              \
      return { cuemu_value };                                                                      \
    }                                                                                              \
  };                                                                                               \
  struct alignas (4) Pair                                                                          \
  {                                                                                                \
    Name x, y;                                                                                     \
  };                                                                                               \
  static inline Pair make_##Pair (Name x, Name y)                                                  \
  {                                                                                                \
    return { x, y };                                                                               \
  }                                                                                                \
  static inline Name __low2##Pair (Pair pair)                                                      \
  {                                                                                                \
    return pair.x;                                                                                 \
  }                                                                                                \
  static inline float __low2float (Pair pair)                                                      \
  {                                                                                                \
    return pair.x;                                                                                 \
  }                                                                                                \
  static inline float __high2float (Pair pair)                                                     \
  {                                                                                                \
    return pair.y;                                                                                 \
  }                                                                                                \
  static inline Pair __hadd2 (Pair a, Pair b)                                                      \
  {                                                                                                \
    return { float (a.x) + float (b.x), float (a.y) + float (b.y) };                               \
  }                                                                                                \
  static inline Pair __hsub2 (Pair a, Pair b)                                                      \
  {                                                                                                \
    return { float (a.x) - float (b.x), float (a.y) - float (b.y) };                               \
  }                                                                                                \
  static inline Pair __hmul2 (Pair a, Pair b)                                                      \
  {                                                                                                \
    return { float (a.x) * float (b.x), float (a.y) * float (b.y) };                               \
  }                                                                                                \
  /* Products of these fit f64, and so does nearly every sum: rounded once but for rare ties. */   \
  static inline Name __hfma (Name a, Name b, Name c)                                               \
  {                                                                                                \
    return float (double (float (a)) * float (b) + float (c));                                     \
  }                                                                                                \
  static inline Pair __hfma2 (Pair a, Pair b, Pair c)                                              \
  {                                                                                                \
    return { __hfma (a.x, b.x, c.x), __hfma (a.y, b.y, c.y) };                                     \
  }

CUEMU_SHORT_FLOAT (__nv_bfloat16, __nv_bfloat162, __nv_bfloat16_raw, cuemu_to_bf16, cuemu_from_bf16)
CUEMU_SHORT_FLOAT (__half, __half2, __half_raw, cuemu_to_f16, cuemu_from_f16)
#undef CUEMU_SHORT_FLOAT

typedef __half half;
typedef __half2 half2;
typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

#define CUEMU_CONVERSIONS(Name, Pair, from_f32, from_f32_rn, to_f32, pair_from_f32, pair_from_two, \
                          pair_to_f32, pair_of_one, as_ushort, from_ushort)                        \
  static inline Name from_f32 (float x)                                                            \
  {                                                                                                \
    return x;                                                                                      \
  }                                                                                                \
  static inline Name from_f32_rn (float x)                                                         \
  {                                                                                                \
    return x;                                                                                      \
  }                                                                                                \
  static inline float to_f32 (Name x)                                                              \
  {                                                                                                \
    return x;                                                                                      \
  }                                                                                                \
  static inline Pair pair_from_f32 (float x, float y)                                              \
  {                                                                                                \
    return { x, y };                                                                               \
  }                                                                                                \
  static inline Pair pair_from_two (float2 v)                                                      \
  {                                                                                                \
    return { v.x, v.y };                                                                           \
  }                                                                                                \
  static inline float2 pair_to_f32 (Pair p)                                                        \
  {                                                                                                \
    return { p.x, p.y };                                                                           \
  }                                                                                                \
  static inline Pair pair_of_one (float x)                                                         \
  {                                                                                                \
    return { x, x };                                                                               \
  }                                                                                                \
  static inline unsigned short as_ushort (Name x)                                                  \
  {                                                                                                \
    return x.cuemu_value;                                                                          \
  }                                                                                                \
  static inline Name from_ushort (unsigned short bits)                                             \
  {                                                                                                \
    Name x;                                                                                        \
    x.cuemu_value = bits;                                                                          \
    return x;                                                                                      \
  }

CUEMU_CONVERSIONS (__nv_bfloat16, __nv_bfloat162, __float2bfloat16, __float2bfloat16_rn,
                   __bfloat162float, __floats2bfloat162_rn, __float22bfloat162_rn,
                   __bfloat1622float2, __float2bfloat162_rn, __bfloat16_as_ushort,
                   __ushort_as_bfloat16)
CUEMU_CONVERSIONS (__half, __half2, __float2half, __float2half_rn, __half2float, __floats2half2_rn,
                   __float22half2_rn, __half22float2, __float2half2_rn, __half_as_ushort,
                   __ushort_as_half)
#undef CUEMU_CONVERSIONS

/* --- fp8 --------------------------------------------------------------------------------------*/

typedef unsigned char __nv_fp8_storage_t;
typedef unsigned short __nv_fp8x2_storage_t;

enum __nv_saturation_t
{
  __NV_NOSAT,
  __NV_SATFINITE,
};

enum __nv_fp8_interpretation_t
{
  __NV_E4M3,
  __NV_E5M2,
};

/* To nearest, ties to even. `mantissa` bits, `bias` of the exponent, `most` the largest finite
 * number's code, `nan` NaN's. */
static inline uint8_t
cuemu_to_fp8 (float x, int mantissa, int bias, uint32_t most, uint32_t nan, uint32_t beyond)
{
  const uint32_t bits = cuemu_bits<uint32_t> (x), sign = bits >> 24 & 0x80;
  const uint32_t size = bits & 0x7fffffff;
  int exponent;

  if (size > 0x7f800000)
    return uint8_t (nan | (nan == 0x7f ? 0 : sign));
  frexpf (cuemu_bits<float> (size), &exponent);
  const int least = 1 - bias; /* of normal numbers */
  const int step = (exponent - 1 < least ? least : exponent - 1) - mantissa;
  const float steps = size == 0x7f800000 ? 1e9f : rintf (ldexpf (cuemu_bits<float> (size), -step));
  /* Code = steps above the bottom of the exponent's range; a carry moves on by itself. */
  const uint32_t code
      = steps > 1e6f ? 0x1000 : uint32_t (steps) + (uint32_t (step + mantissa - least) << mantissa);
  return uint8_t (sign | (code > most ? beyond : code));
}

static inline __nv_fp8_storage_t
__nv_cvt_float_to_fp8 (float x, __nv_saturation_t saturation, __nv_fp8_interpretation_t kind)
{
  if (kind == __NV_E4M3)
    return cuemu_to_fp8 (x, 3, 7, 0x7e, 0x7f, saturation == __NV_SATFINITE ? 0x7e : 0x7f);
  return cuemu_to_fp8 (x, 2, 15, 0x7b, 0x7f, saturation == __NV_SATFINITE ? 0x7b : 0x7c);
}

static inline __nv_fp8x2_storage_t
__nv_cvt_float2_to_fp8x2 (float2 v, __nv_saturation_t saturation, __nv_fp8_interpretation_t kind)
{
  return __nv_fp8x2_storage_t (__nv_cvt_float_to_fp8 (v.x, saturation, kind)
                               | __nv_cvt_float_to_fp8 (v.y, saturation, kind) << 8);
}

static inline float
cuemu_from_fp8 (uint8_t bits, __nv_fp8_interpretation_t kind)
{
  const uint32_t sign = uint32_t (bits & 0x80) << 24, size = bits & 0x7f;
  float x;

  if (kind == __NV_E5M2)
    return cuemu_from_f16 (uint16_t (bits << 8));
  if (size == 0x7f)
    return cuemu_bits<float> (sign | 0x7fc00000);
  x = size < 8 ? float (size) * 0x1p-9f : ldexpf (float (8 + (size & 7)), int (size >> 3) - 10);
  return sign != 0 ? -x : x;
}

static inline __half_raw
__nv_cvt_fp8_to_halfraw (__nv_fp8_storage_t bits, __nv_fp8_interpretation_t kind)
{
  return { cuemu_to_f16 (cuemu_from_fp8 (bits, kind)) };
}

struct __half2_raw
{
  unsigned short x, y;
};

static inline __half2_raw
__nv_cvt_fp8x2_to_halfraw2 (__nv_fp8x2_storage_t bits, __nv_fp8_interpretation_t kind)
{
  return { __nv_cvt_fp8_to_halfraw (uint8_t (bits), kind).x,
           __nv_cvt_fp8_to_halfraw (uint8_t (bits >> 8), kind).x };
}

#define CUEMU_FP8(Name, kind)                                                                      \
  struct Name                                                                                      \
  {                                                                                                \
    __nv_fp8_storage_t __x;                                                                        \
    Name () = default;                                                                             \
    explicit Name (float x) : __x (__nv_cvt_float_to_fp8 (x, __NV_SATFINITE, kind))                \
    {                                                                                              \
    }                                                                                              \
    explicit operator float () const                                                               \
    {                                                                                              \
      return cuemu_from_fp8 (__x, kind);                                                           \
    }                                                                                              \
  };

CUEMU_FP8 (__nv_fp8_e4m3, __NV_E4M3)
CUEMU_FP8 (__nv_fp8_e5m2, __NV_E5M2)
#undef CUEMU_FP8
