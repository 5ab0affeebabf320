/* SPDX-License-Identifier: MIT */
/* vector.h: the widest f32 vector of the level being compiled, in the compilers' vector style.
 *
 * Included only by this folder's sources. ESP_KERNEL (f) gives f the level's suffix, so that the
 * same source can be linked several times.
 */
#pragma once

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ESP_KERNEL_JOIN_(a, b) a##_##b
#define ESP_KERNEL_JOIN(a, b)  ESP_KERNEL_JOIN_ (a, b)
#define ESP_KERNEL(f)          ESP_KERNEL_JOIN (f, ESP_KERNEL_LEVEL)

#if defined(__AVX512F__)
#define VBYTES 64
#elif defined(__AVX2__)
#define VBYTES 32
#else
#define VBYTES 16
#endif
#define VN (VBYTES / 4)

typedef float vfloat __attribute__ ((vector_size (VBYTES)));
typedef int32_t vint __attribute__ ((vector_size (VBYTES)));
typedef float vfloat_memory __attribute__ ((vector_size (VBYTES), aligned (4), may_alias));

static inline vfloat
vload (const float *p)
{
  return *(const vfloat_memory *) p;
}

static inline void
vstore (float *p, vfloat v)
{
  *(vfloat_memory *) p = v;
}

/* The first n < VN elements, zeros behind them. */
static inline vfloat
vload_part (const float *p, int64_t n)
{
  float part[VN] = { 0 };

  memcpy (part, p, (size_t) n * sizeof *p);
  return vload (part);
}

static inline void
vstore_part (float *p, vfloat v, int64_t n)
{
  float part[VN];

  vstore (part, v);
  memcpy (p, part, (size_t) n * sizeof *p);
}

/* x - 0 and not x + 0: that would turn -0 into 0. */
static inline vfloat
vset (float x)
{
  return x - (vfloat){ 0 };
}

static inline vint
vset_int (int32_t x)
{
  return x + (vint){ 0 };
}

/* a where the mask is all ones, b where it is zero. */
static inline vfloat
vselect (vint mask, vfloat a, vfloat b)
{
  return (vfloat) ((mask & (vint) a) | (~mask & (vint) b));
}

static inline vfloat
vmax (vfloat a, vfloat b)
{
#if defined(__AVX512F__)
  return (vfloat) _mm512_max_ps ((__m512) a, (__m512) b);
#elif defined(__AVX2__)
  return (vfloat) _mm256_max_ps ((__m256) a, (__m256) b);
#elif defined(__x86_64__)
  return (vfloat) _mm_max_ps ((__m128) a, (__m128) b);
#else
  return vselect (a > b, a, b);
#endif
}

static inline vfloat
vmin (vfloat a, vfloat b)
{
#if defined(__AVX512F__)
  return (vfloat) _mm512_min_ps ((__m512) a, (__m512) b);
#elif defined(__AVX2__)
  return (vfloat) _mm256_min_ps ((__m256) a, (__m256) b);
#elif defined(__x86_64__)
  return (vfloat) _mm_min_ps ((__m128) a, (__m128) b);
#else
  return vselect (a < b, a, b);
#endif
}

/* The sum of all elements, in a fixed order: halves onto each other. */
static inline float
vsum (vfloat v)
{
  float part[VN];

  vstore (part, v);
  for (int half = VN / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++)
      part[i] += part[i + half];
  return part[0];
}

static inline float
vlargest (vfloat v)
{
  float part[VN];

  vstore (part, v);
  for (int half = VN / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++)
      part[i] = part[i] > part[i + half] ? part[i] : part[i + half];
  return part[0];
}

/* e^x with a relative error below 3e-7 (test-ops measures it), 0 below -87.33, where the result
 * would be denormal, and e^88.72 above that. NaN stays NaN.
 *
 * x = n·ln 2 + r with |r| ≤ ln 2/2 (Cody and Waite: ln 2 in two parts, the first with few bits so
 * that n times it is exact); e^r by its Taylor series to r⁷, whose remainder there is 5e-9; 2ⁿ by
 * adding n to the exponent. Adding 1.5·2²³ rounds to an integer,
 * which then stands in the low bits. */
static inline vfloat
vexp (vfloat x)
{
  const vfloat magic = vset (12582912.0f);
  vfloat clamped = vmin (vset (88.72f), vmax (vset (-87.33f), x)); /* NaN comes through */
  vfloat shifted = clamped * 1.44269504f + magic;
  vfloat n = shifted - magic;
  vfloat r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vfloat p = vset (1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * (r * r) + r;
  p = p + 1.0f;
  vint scaled = (vint) p + ((vint) shifted << 23);
  return (vfloat) (scaled & ~(x < vset (-87.33f)));
}

/* x/(1 + e^-argument). */
static inline vfloat
vsigmoid_times (vfloat x, vfloat argument)
{
  return x / (1.0f + vexp (-argument));
}
