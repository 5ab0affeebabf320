/* SPDX-License-Identifier: MIT */
/* rows.c: norms over one row, two passes over data that the first pass has brought into cache. */
#include "ops/cpu/kernels/parts.h"
#include "ops/cpu/kernels/vector.h"

#include <math.h>

/* Σ (x - centre)^power for power 1 (with centre 0) or 2; four sums side by side keep the adders
 * busy and the rounding error of long rows small. */
static inline float
row_sum (const float *x, int64_t n, float centre, bool squares)
{
  vfloat sums[4] = { { 0 } };
  int64_t i = 0;

  for (; i + 4 * VN <= n; i += 4 * VN)
    for (int lane = 0; lane < 4; lane++)
      {
        vfloat v = vload (x + i + lane * VN) - vset (centre);
        sums[lane] += squares ? v * v : v;
      }
  for (; i + VN <= n; i += VN)
    {
      vfloat v = vload (x + i) - vset (centre);
      sums[0] += squares ? v * v : v;
    }
  float total = vsum ((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < n; i++)
    {
      float v = x[i] - centre;
      total += squares ? v * v : v;
    }
  return total;
}

void
ESP_KERNEL (esp_norm_row) (const float *x, int64_t n, const float *scale, float scale_offset,
                           const float *shift, float eps, float *y)
{
  float mean = row_sum (x, n, 0.0f, false) / (float) n;
  float variance = row_sum (x, n, mean, true) / (float) n;
  float factor = 1.0f / sqrtf (variance + eps);

  for (int64_t i = 0; i < n; i += VN)
    {
      int64_t left = n - i;
      bool whole = left >= VN;
      vfloat v = ((whole ? vload (x + i) : vload_part (x + i, left)) - mean) * factor;

      if (scale != NULL)
        v *= (whole ? vload (scale + i) : vload_part (scale + i, left)) + scale_offset;
      if (shift != NULL)
        v += whole ? vload (shift + i) : vload_part (shift + i, left);
      if (whole)
        vstore (y + i, v);
      else
        vstore_part (y + i, v, left);
    }
}

void
ESP_KERNEL (esp_rms_row) (const float *x, int64_t n, const float *weight, float eps, float *y)
{
  float factor = 1.0f / sqrtf (row_sum (x, n, 0.0f, true) / (float) n + eps);
  int64_t i = 0;

  for (; i + VN <= n; i += VN)
    vstore (y + i, vload (x + i) * factor * vload (weight + i));
  for (; i < n; i++)
    y[i] = x[i] * factor * weight[i];
}

/* Elements 2i and 2i+1 exchanged. */
static inline vfloat
swapped_pairs (vfloat v)
{
#if VN == 16
  return __builtin_shufflevector (v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#elif VN == 8
  return __builtin_shufflevector (v, v, 1, 0, 3, 2, 5, 4, 7, 6);
#else
  return __builtin_shufflevector (v, v, 1, 0, 3, 2);
#endif
}

void
ESP_KERNEL (esp_head_norm_row) (const float *x, int64_t heads, int64_t head_dim,
                                const float *weight, float eps, const float *cosine,
                                const float *sine, float *y)
{
  for (int64_t head = 0; head < heads; head++, x += head_dim, y += head_dim)
    {
      float factor = 1.0f / sqrtf (row_sum (x, head_dim, 0.0f, true) / (float) head_dim + eps);
      int64_t i = 0;

      for (; i + VN <= head_dim; i += VN)
        {
          vfloat v = vload (x + i) * factor * vload (weight + i);
          if (cosine != NULL)
            v = v * vload (cosine + i) + swapped_pairs (v) * vload (sine + i);
          vstore (y + i, v);
        }
      if (i < head_dim)
        {
          int64_t left = head_dim - i;
          vfloat v = vload_part (x + i, left) * factor * vload_part (weight + i, left);
          if (cosine != NULL)
            v = v * vload_part (cosine + i, left) + swapped_pairs (v) * vload_part (sine + i, left);
          vstore_part (y + i, v, left);
        }
    }
}
