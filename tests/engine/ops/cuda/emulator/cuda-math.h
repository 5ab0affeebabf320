/* SPDX-License-Identifier: MIT */
/* cuda-math.h: CUDA's names for arithmetic. The fast ones are exact here: the card's own error is
 * below what tests allow. */
#pragma once

/* The C library has functions of these names behind its own. */
#define __expf(x)    expf (x)
#define __exp10f(x)  powf (10.0f, x)
#define __logf(x)    logf (x)
#define __log2f(x)   log2f (x)
#define __sinf(x)    sinf (x)
#define __cosf(x)    cosf (x)
#define __tanhf(x)   tanhf (x)
#define __powf(x, y) powf (x, y)

#define CUEMU_ONE(name, value)                                                                     \
  static inline float name (float x)                                                               \
  {                                                                                                \
    return value;                                                                                  \
  }
#define CUEMU_TWO(name, value)                                                                     \
  static inline float name (float x, float y)                                                      \
  {                                                                                                \
    return value;                                                                                  \
  }
CUEMU_ONE (rsqrtf, 1.0f / sqrtf (x))
CUEMU_ONE (__frcp_rn, 1.0f / x)
CUEMU_ONE (__fsqrt_rn, sqrtf (x))
CUEMU_ONE (__frsqrt_rn, 1.0f / sqrtf (x))
CUEMU_ONE (__saturatef, x > 0 ? (x < 1 ? x : 1) : 0)
CUEMU_TWO (__fdividef, x / y)
CUEMU_TWO (__fdiv_rn, x / y)
CUEMU_TWO (__fmul_rn, x *y)
CUEMU_TWO (__fadd_rn, x + y)
CUEMU_TWO (__fsub_rn, x - y)
#undef CUEMU_ONE
#undef CUEMU_TWO

static inline float
__fmaf_rn (float x, float y, float z)
{
  return fmaf (x, y, z);
}

/* Conversions that name their rounding: to nearest even, down, towards zero. They saturate. */
namespace cuemu
{

template <class T>
static inline T
saturate (double x, double least, double most)
{
  return x != x ? T (0) : x < least ? T (least) : x > most ? T (most) : T (x);
}

}

static inline int
__float2int_rn (float x)
{
  return cuemu::saturate<int> (rintf (x), INT_MIN, INT_MAX);
}

static inline int
__float2int_rz (float x)
{
  return cuemu::saturate<int> (truncf (x), INT_MIN, INT_MAX);
}

static inline int
__float2int_rd (float x)
{
  return cuemu::saturate<int> (floorf (x), INT_MIN, INT_MAX);
}

static inline unsigned
__float2uint_rn (float x)
{
  return cuemu::saturate<unsigned> (rintf (x), 0, UINT_MAX);
}

static inline float
__int2float_rn (int x)
{
  return float (x);
}

static inline float
__uint2float_rn (unsigned x)
{
  return float (x);
}

#define CUEMU_MIN_MAX(Type)                                                                        \
  static inline Type min (Type a, Type b)                                                          \
  {                                                                                                \
    return b < a ? b : a;                                                                          \
  }                                                                                                \
  static inline Type max (Type a, Type b)                                                          \
  {                                                                                                \
    return a < b ? b : a;                                                                          \
  }
CUEMU_MIN_MAX (int)
CUEMU_MIN_MAX (unsigned)
CUEMU_MIN_MAX (long)
CUEMU_MIN_MAX (unsigned long)
CUEMU_MIN_MAX (long long)
CUEMU_MIN_MAX (unsigned long long)
#undef CUEMU_MIN_MAX

static inline float
min (float a, float b)
{
  return fminf (a, b);
}

static inline float
max (float a, float b)
{
  return fmaxf (a, b);
}

/* --- Bits and bytes ---------------------------------------------------------------------------*/

static inline int
__popc (unsigned x)
{
  return __builtin_popcount (x);
}

static inline int
__ffs (int x)
{
  return __builtin_ffs (x);
}

static inline int
__clz (int x)
{
  return x == 0 ? 32 : __builtin_clz (x);
}

static inline unsigned
__umulhi (unsigned a, unsigned b)
{
  return unsigned (uint64_t (a) * b >> 32);
}

static inline unsigned
__funnelshift_r (unsigned low, unsigned high, unsigned by)
{
  return unsigned ((uint64_t (high) << 32 | low) >> (by & 31));
}

static inline unsigned
__funnelshift_l (unsigned low, unsigned high, unsigned by)
{
  return unsigned ((uint64_t (high) << 32 | low) << (by & 31) >> 32);
}

static inline unsigned
__byte_perm (unsigned low, unsigned high, unsigned selector)
{
  const uint64_t bytes = uint64_t (high) << 32 | low;
  unsigned result = 0;

  for (int i = 0; i < 4; i++)
    {
      const unsigned which = selector >> 4 * i;
      unsigned byte = unsigned (bytes >> 8 * (which & 7)) & 0xff;
      if (which & 8) /* the sign of that byte, eight times */
        byte = byte & 0x80 ? 0xff : 0;
      result |= byte << 8 * i;
    }
  return result;
}

/* The sum of four products of bytes, and c. */
static inline int
__dp4a (int a, int b, int c)
{
  for (int i = 0; i < 4; i++)
    c += int (int8_t (a >> 8 * i)) * int8_t (b >> 8 * i);
  return c;
}

static inline unsigned
__dp4a (unsigned a, unsigned b, unsigned c)
{
  for (int i = 0; i < 4; i++)
    c += (a >> 8 * i & 0xff) * (b >> 8 * i & 0xff);
  return c;
}

namespace cuemu
{

template <class Each>
static inline unsigned
by_bytes (unsigned a, unsigned b, Each each)
{
  unsigned result = 0;

  for (int i = 0; i < 4; i++)
    result |= unsigned (uint8_t (each (uint8_t (a >> 8 * i), uint8_t (b >> 8 * i)))) << 8 * i;
  return result;
}

}

static inline unsigned
__vadd4 (unsigned a, unsigned b)
{
  return cuemu::by_bytes (a, b, [] (unsigned x, unsigned y) { return x + y; });
}

static inline unsigned
__vsub4 (unsigned a, unsigned b)
{
  return cuemu::by_bytes (a, b, [] (unsigned x, unsigned y) { return x - y; });
}

static inline unsigned
__vsubss4 (unsigned a, unsigned b)
{
  return cuemu::by_bytes (a, b, [] (unsigned x, unsigned y) {
    const int difference = int (int8_t (x)) - int8_t (y);
    return difference < -128 ? -128 : difference > 127 ? 127 : difference;
  });
}

/* --- Loads and stores that name a cache -------------------------------------------------------*/

namespace cuemu
{

template <class T>
static inline void
check_aligned (const T *p)
{
  if (reinterpret_cast<uintptr_t> (p) % sizeof (T) != 0)
    fail ("%zu bytes at %p are not aligned", sizeof (T), static_cast<const void *> (p));
}

}

#define CUEMU_LOAD(name)                                                                           \
  template <class T> static inline T name (const T *p)                                             \
  {                                                                                                \
    cuemu::check_aligned (p);                                                                      \
    return *p;                                                                                     \
  }
CUEMU_LOAD (__ldg)
CUEMU_LOAD (__ldca)
CUEMU_LOAD (__ldcg)
CUEMU_LOAD (__ldcs)
CUEMU_LOAD (__ldlu)
CUEMU_LOAD (__ldcv)
#undef CUEMU_LOAD

#define CUEMU_STORE(name)                                                                          \
  template <class T> static inline void name (T *p, typename cuemu::Same<T>::type value)           \
  {                                                                                                \
    cuemu::check_aligned (p);                                                                      \
    *p = value;                                                                                    \
  }
CUEMU_STORE (__stwb)
CUEMU_STORE (__stcg)
CUEMU_STORE (__stcs)
CUEMU_STORE (__stwt)
#undef CUEMU_STORE
