/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-delta-e.c: CIEDE2000 in loops that compilers vectorise: plain floats, no calls, no angles.
 *
 * Hues are kept as directions: of the formula's angles only their cosines and sines are needed, and
 * those of a sum or half of two directions are had without asking for the angles. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-delta-e-private.h"

#include <math.h>
#include <string.h>

/* So many pixels stay in the first cache while they are worked on. */
#define BLOCK 128

/* sRGB (linear) to X/Xn, Y/Yn, Z/Zn. */
#define XR (0.412453 / 0.95047)
#define XG (0.357580 / 0.95047)
#define XB (0.180423 / 0.95047)
#define YR 0.212671
#define YG 0.715160
#define YB 0.072169
#define ZR (0.019334 / 1.08883)
#define ZG (0.119193 / 1.08883)
#define ZB (0.950227 / 1.08883)

/* Where the cube root begins, and the line below it. */
#define THRESHOLD 0.008856f
#define SLOPE     7.787f
#define OFFSET    (16.0f / 116.0f)

#define POW_25_7 6103515625.0f

static inline float
as_float (gint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static inline gint32
as_bits (float value)
{
  gint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static const float *
get_linear (void)
{
  static float table[256];
  static gsize ready = 0;

  if (g_once_init_enter (&ready))
    {
      for (int i = 0; i < 256; i++)
        {
          const double v = i / 255.0;

          table[i] = (float) (v > 0.04045 ? pow ((v + 0.055) / 1.055, 2.4) : v / 12.92);
        }
      g_once_init_leave (&ready, 1);
    }
  return table;
}

/* For t ≥ THRESHOLD: a first guess from the exponent, then Halley twice, which takes the 5 % that
 * it is off to less than the last bit. */
static inline float
cube_root (float t)
{
  float y = as_float ((gint32) ((float) as_bits (t) * (1 / 3.0f)) + 709921077);
  float cube = y * y * y;

  y *= (cube + 2 * t) / (2 * cube + t);
  cube = y * y * y;
  return y * (cube + 2 * t) / (2 * cube + t);
}

static inline float
lightness_of (float t)
{
  const float root = cube_root (MAX (t, THRESHOLD));

  return t > THRESHOLD ? root : SLOPE * t + OFFSET;
}

/* f (s) - f (t) where `difference` is s - t to its last digit: near neutral colours the hue hangs
 * on it, and subtracting the roots would leave noise. */
static inline float
root_difference (float s, float fs, float t, float ft, float difference)
{
  const float least = MIN (s, t), most = MAX (s, t);
  const float by_root = difference / (fs * fs + fs * ft + ft * ft);
  const float near_root = least > THRESHOLD ? by_root : fs - ft;

  return most > THRESHOLD ? near_root : SLOPE * difference;
}

void
_esp_lab_from_srgb (const guint8 *rgb, guint n, EspLabColors colors)
{
  const float *linear = get_linear ();

  for (guint start = 0; start < n; start += BLOCK)
    {
      const guint count = MIN (BLOCK, n - start);
      float red[BLOCK], green[BLOCK], blue[BLOCK];
      float *restrict l = colors.l + start;
      float *restrict a = colors.a + start;
      float *restrict b = colors.b + start;

      for (guint i = 0; i < count; i++, rgb += 3)
        {
          red[i] = linear[rgb[0]];
          green[i] = linear[rgb[1]];
          blue[i] = linear[rgb[2]];
        }
      for (guint i = 0; i < count; i++)
        {
          const float r = red[i] - green[i], g = green[i], s = blue[i] - green[i];
          const float x = (float) XR * r + (float) (XR + XG + XB) * g + (float) XB * s;
          const float y = (float) YR * r + (float) (YR + YG + YB) * g + (float) YB * s;
          const float z = (float) ZR * r + (float) (ZR + ZG + ZB) * g + (float) ZB * s;
          const float xy = (float) (XR - YR) * r + (float) (XR + XG + XB - (YR + YG + YB)) * g
                           + (float) (XB - YB) * s;
          const float yz = (float) (YR - ZR) * r + (float) (YR + YG + YB - (ZR + ZG + ZB)) * g
                           + (float) (YB - ZB) * s;
          const float fx = lightness_of (x), fy = lightness_of (y), fz = lightness_of (z);

          l[i] = 116 * fy - 16;
          a[i] = 500 * root_difference (x, fx, y, fy, xy);
          b[i] = 200 * root_difference (y, fy, z, fz, yz);
        }
    }
}

/* c⁷ / (c⁷ + 25⁷), under a root. */
static inline float
saturation (float c)
{
  const float square = c * c;
  const float seventh = square * square * square * c;

  return sqrtf (seventh / (seventh + POW_25_7));
}

/* Of a direction (cosine, sine) between 180° and 360°: 30° × exp (-((h - 275°) / 25°)²), its double
 * as a sine. */
static inline float
rotation (float cosine, float sine)
{
  /* The direction seen from 275°. */
  const float x = cosine * 0.0871557427f - sine * 0.9961946981f;
  const float y = sine * 0.0871557427f + cosine * 0.9961946981f;
  const float steep = fabsf (y) > x;
  const float q = steep > 0 ? x / MAX (fabsf (y), 1e-6f) : fabsf (y) / MAX (x, 1e-6f);
  const float q2 = q * q;
  const float arc
      = q
        * (0.99997726f
           + q2
                 * (-0.33262347f
                    + q2
                          * (0.19354346f
                             + q2 * (-0.11643287f + q2 * (0.05265332f - q2 * 0.01172120f)))));
  const float angle = (steep > 0 ? 1.57079633f - arc : arc) * (57.2957795f / 25);
  /* 2^p for p ≤ 0: a whole part for the exponent, the rest by its series. */
  const float p = MAX (-angle * angle * 1.44269504f, -100.0f);
  const gint32 whole = (gint32) (p - 1);
  const float f = (p - (float) whole) * 0.693147181f;
  const float series
      = 1
        + f
              * (1
                 + f
                       * (0.5f
                          + f
                                * (0.166666667f
                                   + f
                                         * (0.0416666667f
                                            + f
                                                  * (0.00833333333f
                                                     + f
                                                           * (0.00138888889f
                                                              + f * 0.000198412698f))))));
  const float t = 1.04719755f * series * as_float ((whole + 127) * (1 << 23));
  const float t2 = t * t;

  return t
         * (1
            - t2
                  * (0.166666667f
                     - t2 * (0.00833333333f - t2 * (0.000198412698f - t2 * 0.00000275573192f))));
}

static inline float
delta_e (float l1, float a1, float b1, float l2, float a2, float b2)
{
  /* Chroma, and a* stretched where it is small. */
  const float mean = (sqrtf (a1 * a1 + b1 * b1) + sqrtf (a2 * a2 + b2 * b2)) / 2;
  const float stretch = 1.5f - 0.5f * saturation (mean);
  const float p1 = a1 * stretch, p2 = a2 * stretch;
  const float c1 = sqrtf (p1 * p1 + b1 * b1), c2 = sqrtf (p2 * p2 + b2 * b2);
  const float c = (c1 + c2) / 2, product = c1 * c2;

  /* From the first hue to the second: which way round, and 2 √(C₁C₂) sin (Δh / 2). Of two that are
   * just opposite, the one with the smaller angle comes first. */
  const float dot = p1 * p2 + b1 * b2, cross = p1 * b2 - b1 * p2;
  const float first_below = (b1 < 0) | ((b1 == 0) & (p1 < 0)) ? -1.0f : 1.0f;
  const float way = cross > 0 ? 1.0f : (cross < 0 ? -1.0f : first_below);
  const float near = 1.41421356f * cross / sqrtf (MAX (product + dot, 1e-30f));
  const float far = way * sqrtf (2 * MAX (product - dot, 0.0f));
  const float dh = product > 0 ? (dot >= 0 ? near : far) : 0.0f;

  /* The hue in the middle: the sum of both directions; for obtuse angles what stands upright on
   * their difference, which says the same and is not small. A neutral colour has no direction. */
  const float i1 = c1 > 0 ? 1 / c1 : 0.0f, i2 = c2 > 0 ? 1 / c2 : 0.0f;
  const float u1 = p1 * i1, v1 = b1 * i1, u2 = p2 * i2, v2 = b2 * i2;
  const float u = dot >= 0 ? u1 + u2 : way * (v2 - v1), v = dot >= 0 ? v1 + v2 : way * (u1 - u2);
  const float length = sqrtf (u * u + v * v);
  const float scale = length > 0 ? 1 / length : 0.0f;
  const float x = u * scale, y = v * scale;
  const float x2 = x * x - y * y, y2 = 2 * x * y;
  const float x3 = x * x2 - y * y2, y3 = x * y2 + y * x2;
  const float x4 = x2 * x2 - y2 * y2, y4 = 2 * x2 * y2;
  const float t = 1 - 0.17f * (0.866025404f * x + 0.5f * y) + 0.24f * x2
                  + 0.32f * (0.994521895f * x3 - 0.104528463f * y3)
                  - 0.20f * (0.453990500f * x4 + 0.891006524f * y4);

  const float bright = ((l1 + l2) / 2 - 50) * ((l1 + l2) / 2 - 50);
  const float dl = (l2 - l1) / (1 + 0.015f * bright / sqrtf (20 + bright));
  const float dc = (c2 - c1) / (1 + 0.045f * c);
  const float dhs = dh / (1 + 0.015f * c * t);
  const float turn = y < 0 ? -2 * saturation (c) * rotation (x, y) : 0.0f;

  return sqrtf (MAX (dl * dl + dc * dc + dhs * dhs + turn * dc * dhs, 0.0f));
}

void
_esp_delta_e (EspLabColors before, EspLabColors after, guint n, float *differences)
{
  const float *restrict l1 = before.l;
  const float *restrict a1 = before.a;
  const float *restrict b1 = before.b;
  const float *restrict l2 = after.l;
  const float *restrict a2 = after.a;
  const float *restrict b2 = after.b;
  float *restrict out = differences;

  for (guint i = 0; i < n; i++)
    out[i] = delta_e (l1[i], a1[i], b1[i], l2[i], a2[i], b2[i]);
}

void
_esp_delta_e_from_srgb (const guint8 *before, const guint8 *after, guint n, float *differences)
{
  float lab[6][BLOCK];
  const EspLabColors first = { lab[0], lab[1], lab[2] }, second = { lab[3], lab[4], lab[5] };

  for (guint start = 0; start < n; start += BLOCK)
    {
      const guint count = MIN (BLOCK, n - start);
      const guint8 *one = before + (gsize) start * 3, *other = after + (gsize) start * 3;

      if (memcmp (one, other, (gsize) count * 3) == 0)
        {
          memset (differences + start, 0, count * sizeof *differences);
          continue;
        }
      _esp_lab_from_srgb (one, count, first);
      _esp_lab_from_srgb (other, count, second);
      _esp_delta_e (first, second, count, differences + start);
    }
}
