/* SPDX-License-Identifier: MIT */
/* winograd.c: the three transforms of F(4×4, 3×3), channel by channel in vectors.
 *
 * A tile is 4 × 4 pixels of the result, made from 6 × 6 of the input by 36 products a pair of
 * channels where the direct sum has 144. The interpolation points are 0, ±3/4, ±3/2 and infinity:
 * their squares are exact, and the error is half that of the usual 0, ±1, ±2 (6e-7 of the result
 * at 512 channels, tools/reference/winograd.py), so the results count as f32.
 */
#include "ops/cpu/kernels/parts.h"
#include "ops/cpu/kernels/vector.h"

#define A  0.75f
#define B  1.5f
#define AA 0.5625f
#define BB 2.25f

enum
{
  SIDE = ESP_WINOGRAD_SIDE,
  MADE = ESP_WINOGRAD_TILE,
};

/* Six values of one line, in place. */
static inline __attribute__ ((always_inline)) void
input_line (vfloat *d)
{
  vfloat even_a = d[4] - d[2] * BB, odd_a = (d[3] - d[1] * BB) * A;
  vfloat even_b = d[4] - d[2] * AA, odd_b = (d[3] - d[1] * AA) * B;

  d[0] = d[4] + (d[0] * (AA * BB) - d[2] * (AA + BB));
  d[5] = d[5] + (d[1] * (AA * BB) - d[3] * (AA + BB));
  d[1] = even_a + odd_a;
  d[2] = even_a - odd_a;
  d[3] = even_b + odd_b;
  d[4] = even_b - odd_b;
}

void
ESP_KERNEL (esp_winograd_input) (const float *x, int64_t row_step, int64_t pixel_step,
                                 int64_t channels, float *v, int64_t point_step)
{
  for (int64_t c = 0; c < channels; c += VN)
    {
      vfloat lines[SIDE][SIDE];

#pragma GCC unroll 6
      for (int col = 0; col < SIDE; col++)
        {
          vfloat d[SIDE];

#pragma GCC unroll 6
          for (int row = 0; row < SIDE; row++)
            d[row] = vload (x + row * row_step + col * pixel_step + c);
          input_line (d);
#pragma GCC unroll 6
          for (int row = 0; row < SIDE; row++)
            lines[row][col] = d[row];
        }
#pragma GCC unroll 6
      for (int row = 0; row < SIDE; row++)
        {
          vfloat d[SIDE];

#pragma GCC unroll 6
          for (int col = 0; col < SIDE; col++)
            d[col] = lines[row][col];
          input_line (d);
#pragma GCC unroll 6
          for (int col = 0; col < SIDE; col++)
            vstore (v + (row * SIDE + col) * point_step + c, d[col]);
        }
    }
}

static inline __attribute__ ((always_inline)) void
output_line (const vfloat *m, vfloat *y)
{
  vfloat sum_a = m[1] + m[2], difference_a = (m[1] - m[2]) * A;
  vfloat sum_b = m[3] + m[4], difference_b = (m[3] - m[4]) * B;

  y[0] = m[0] + (sum_a + sum_b);
  y[1] = difference_a + difference_b;
  y[2] = sum_a * AA + sum_b * BB;
  y[3] = m[5] + (difference_a * AA + difference_b * BB);
}

void
ESP_KERNEL (esp_winograd_output) (const float *m, int64_t point_step, const float *bias,
                                  bool accumulate, int64_t channels, int rows, int cols, float *y,
                                  int64_t row_step, int64_t pixel_step)
{
  for (int64_t c = 0; c < channels; c += VN)
    {
      vfloat lines[MADE][SIDE];
      int64_t left = channels - c;
      vfloat add = left >= VN ? vload (bias + c) : vload_part (bias + c, left);

#pragma GCC unroll 6
      for (int col = 0; col < SIDE; col++)
        {
          vfloat points[SIDE], made[MADE];

#pragma GCC unroll 6
          for (int row = 0; row < SIDE; row++)
            points[row] = vload (m + (row * SIDE + col) * point_step + c);
          output_line (points, made);
#pragma GCC unroll 4
          for (int row = 0; row < MADE; row++)
            lines[row][col] = made[row];
        }
      for (int row = 0; row < rows; row++)
        {
          vfloat made[MADE];
          float *pixel = y + row * row_step + c;

          output_line (lines[row], made);
#pragma GCC unroll 4
          for (int col = 0; col < MADE; col++, pixel += pixel_step)
            if (col < cols)
              {
                vfloat t = made[col] + add;

                if (accumulate)
                  t += left >= VN ? vload (pixel) : vload_part (pixel, left);
                if (left >= VN)
                  vstore (pixel, t);
                else
                  vstore_part (pixel, t, left);
              }
        }
    }
}

static inline __attribute__ ((always_inline)) void
weight_line (const vfloat *g, vfloat *u)
{
  const float at_a = 1.0f / (2 * AA * (AA - BB)), at_b = 1.0f / (2 * BB * (BB - AA));
  vfloat even_a = g[0] + g[2] * AA, odd_a = g[1] * A;
  vfloat even_b = g[0] + g[2] * BB, odd_b = g[1] * B;

  u[0] = g[0] * (1.0f / (AA * BB));
  u[1] = (even_a + odd_a) * at_a;
  u[2] = (even_a - odd_a) * at_a;
  u[3] = (even_b + odd_b) * at_b;
  u[4] = (even_b - odd_b) * at_b;
  u[5] = g[2];
}

void
ESP_KERNEL (esp_winograd_weights) (const float *w, int64_t in, float *u, int64_t point_step)
{
  const int64_t lanes = 2 * VN;

  for (int64_t i = 0; i < in; i++, w += 9 * lanes, u += lanes)
    for (int64_t lane = 0; lane < lanes; lane += VN)
      {
        vfloat lines[SIDE][3];

#pragma GCC unroll 3
        for (int col = 0; col < 3; col++)
          {
            vfloat g[3], points[SIDE];

#pragma GCC unroll 3
            for (int row = 0; row < 3; row++)
              g[row] = vload (w + (row * 3 + col) * lanes + lane);
            weight_line (g, points);
#pragma GCC unroll 6
            for (int row = 0; row < SIDE; row++)
              lines[row][col] = points[row];
          }
#pragma GCC unroll 6
        for (int row = 0; row < SIDE; row++)
          {
            vfloat points[SIDE];

            weight_line (lines[row], points);
#pragma GCC unroll 6
            for (int col = 0; col < SIDE; col++)
              vstore (u + (row * SIDE + col) * point_step + lane, points[col]);
          }
      }
}
