/* SPDX-License-Identifier: MIT */
/* images.c: group normalisation over channels-last pixels. */
#include "ops/cpu/kernels/parts.h"
#include "ops/cpu/kernels/vector.h"

static inline void
normalise_pixels (const float *x, int64_t x_step, int64_t pixels, int64_t n, const float *mean,
                  const float *factor, const float *bias, bool silu, float *y, int64_t y_step)
{
  for (int64_t pixel = 0; pixel < pixels; pixel++, x += x_step, y += y_step)
    {
      int64_t i = 0;
      for (; i + VN <= n; i += VN)
        {
          vfloat v = (vload (x + i) - vload (mean + i)) * vload (factor + i) + vload (bias + i);
          vstore (y + i, silu ? vsigmoid_times (v, v) : v);
        }
      if (i < n)
        {
          int64_t left = n - i;
          vfloat v = (vload_part (x + i, left) - vload_part (mean + i, left))
                         * vload_part (factor + i, left)
                     + vload_part (bias + i, left);
          vstore_part (y + i, silu ? vsigmoid_times (v, v) : v, left);
        }
    }
}

void
ESP_KERNEL (esp_group_norm) (const float *x, int64_t x_step, int64_t pixels, int64_t n,
                             const float *mean, const float *factor, const float *bias, bool silu,
                             float *y, int64_t y_step)
{
  if (silu)
    normalise_pixels (x, x_step, pixels, n, mean, factor, bias, true, y, y_step);
  else
    normalise_pixels (x, x_step, pixels, n, mean, factor, bias, false, y, y_step);
}

/* Half a vector of floats widens to one vector of doubles. */
#define HALF (VN / 2)
typedef float vhalf __attribute__ ((vector_size (VBYTES / 2), aligned (4), may_alias));
typedef double vdouble __attribute__ ((vector_size (VBYTES)));
typedef double vdouble_memory __attribute__ ((vector_size (VBYTES), aligned (8), may_alias));

void
ESP_KERNEL (esp_channel_sums) (const float *x, int64_t pixels, int64_t n, const float *shift,
                               double *sum, double *square)
{
  int64_t whole = n - n % HALF;

  for (int64_t c = 0; c < whole; c += HALF)
    {
      vdouble base = __builtin_convertvector(*(const vhalf *) (shift + c), vdouble);
      vdouble s = *(vdouble_memory *) (sum + c), q = *(vdouble_memory *) (square + c);

      for (int64_t pixel = 0; pixel < pixels; pixel++)
        {
          vdouble v = __builtin_convertvector(*(const vhalf *) (x + pixel * n + c), vdouble) - base;
          s += v;
          q += v * v;
        }
      *(vdouble_memory *) (sum + c) = s;
      *(vdouble_memory *) (square + c) = q;
    }
  for (int64_t c = whole; c < n; c++)
    for (int64_t pixel = 0; pixel < pixels; pixel++)
      {
        double v = (double) x[pixel * n + c] - shift[c];
        sum[c] += v;
        square[c] += v * v;
      }
}
