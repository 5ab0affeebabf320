/* SPDX-License-Identifier: MIT */
/* finish.cuh: epilogues of all products, four columns of a row at a time. */
#pragma once

#include "ops/cuda/kernels/formats.cuh"
#include "ops/cuda/kernels/matrix.h"

/* e^x to about 1e-6 of it. */
ESP_DEVICE float
finish_exp (float x)
{
  return esp_exp2 (x * 1.44269504088896341f);
}

/* a/b to two units in the last place; 0 for b beyond 2^126. */
ESP_DEVICE float
finish_divide (float a, float b)
{
#ifdef __CUDACC__
  return __fdividef (a, b);
#else
  return a / b;
#endif
}

/* The tanh of GELU by an exponential: 0.5·(1 + tanh u) = 1/(1 + e^(-2u)). */
ESP_DEVICE float
activated (int activation, float x)
{
  switch (activation)
    {
    case CUDA_ACTIVATION_SILU:
      return finish_divide (x, 1 + finish_exp (-x));
    case CUDA_ACTIVATION_GELU_TANH: /* √(2/π)·2 */
      return finish_divide (x, 1 + finish_exp (-1.59576912160573f * (x + 0.044715f * x * x * x)));
    case CUDA_ACTIVATION_GELU_ERF:
      return 0.5f * x * (1 + erff (x * 0.70710678118654752f));
    case CUDA_ACTIVATION_QUICK_GELU:
      return finish_divide (x, 1 + finish_exp (-1.702f * x));
    default:
      return x;
    }
}

ESP_DEVICE float
finish_get (const CudaFinish &f, int64_t at)
{
  if (f.y_type == CUDA_F32)
    return reinterpret_cast<const float *> (f.y)[at];
  if (f.y_type == CUDA_BF16)
    return bf16_number (reinterpret_cast<const uint16_t *> (f.y)[at]);
  return half_number (reinterpret_cast<const uint16_t *> (f.y)[at]);
}

ESP_DEVICE void
finish_put (const CudaFinish &f, int64_t at, float value)
{
  if (f.y_type == CUDA_F32)
    reinterpret_cast<float *> (f.y)[at] = value;
  else
    reinterpret_cast<uint16_t *> (f.y)[at] = narrow_bits (f.y_type, value);
}

/* y (+)= value, of which the first `count` columns exist. */
ESP_DEVICE void
finish_store (const CudaFinish &f, const float value[4], int row, int col, int count)
{
  const int64_t at = row * f.y_stride + col;

  if (!f.vector || count < 4)
    {
      for (int i = 0; i < 4; i++)
        if (i < count)
          finish_put (f, at + i, f.accumulate ? finish_get (f, at + i) + value[i] : value[i]);
    }
  else if (f.y_type == CUDA_F32)
    {
      float4 *target = reinterpret_cast<float4 *> (reinterpret_cast<float *> (f.y) + at);
      float4 old = f.accumulate ? *target : make_float4 (0, 0, 0, 0);

      *target
          = make_float4 (old.x + value[0], old.y + value[1], old.z + value[2], old.w + value[3]);
    }
  else
    {
      uint2 *target = reinterpret_cast<uint2 *> (reinterpret_cast<uint16_t *> (f.y) + at);
      float sum[4] = { value[0], value[1], value[2], value[3] };

      if (f.accumulate)
        for (int i = 0; i < 4; i++)
          sum[i] += finish_get (f, at + i);
      *target = make_uint2 (narrow_pair (f.y_type, sum[0], sum[1]),
                            narrow_pair (f.y_type, sum[2], sum[3]));
    }
}

/* Norm and rotation of four columns of a head, whose other columns are in the neighbouring lanes:
 * all lanes of the warp come here. */
ESP_DEVICE void
finish_head (const CudaFinish &f, float value[4], int row, int column)
{
  const int in_head = column % f.head_dim;
  const float *weight
      = reinterpret_cast<const float *> (column < f.head_columns ? f.weight_q : f.weight_k);
  float sum = 0, inverse;

  for (int i = 0; i < 4; i++)
    sum += value[i] * value[i];
  for (int step = f.head_dim / 8; step > 0; step /= 2)
    sum += __shfl_xor_sync (0xffffffffu, sum, step);
  if (column >= 2 * f.head_columns)
    return;
  inverse = 1.0f / sqrtf (sum / (float) f.head_dim + f.eps);
  for (int i = 0; i < 4; i++)
    value[i] *= inverse * weight[in_head + i];
  if (f.cosine == 0)
    return;
  for (int i = 0; i < 4; i += 2)
    {
      const int64_t at = (int64_t) row * (f.head_dim / 2) + (in_head + i) / 2;
      const float c = reinterpret_cast<const float *> (f.cosine)[at];
      const float s = reinterpret_cast<const float *> (f.sine)[at];
      const float even = value[i], odd = value[i + 1];

      value[i] = even * c - odd * s;
      value[i + 1] = odd * c + even * s;
    }
}

/* Scales and bias of columns [col, col + 4) of a row, of which `count` exist. */
ESP_DEVICE void
finish_begin (const CudaFinish &f, float value[4], int row, int col, int count)
{
  const float by = f.row_scale != 0 && count > 0
                       ? f.scale * reinterpret_cast<const float *> (f.row_scale)[row]
                       : f.scale;

  for (int i = 0; i < 4; i++)
    {
      const bool there = i < count;

      value[i] *= by;
      if (f.column_scale != 0 && there)
        value[i] *= reinterpret_cast<const float *> (f.column_scale)[col + i];
      if (f.bias != 0 && there)
        value[i] += reinterpret_cast<const float *> (f.bias)[col + i];
    }
}

/* What follows bias and heads. */
ESP_DEVICE void
finish_end (const CudaFinish &f, float value[4], int row, int col, int count)
{
  if (f.activation != CUDA_ACTIVATION_NONE)
    for (int i = 0; i < 4; i++)
      value[i] = activated (f.activation, value[i]);
  if (f.gate != 0)
    for (int i = 0; i < 4; i++)
      if (i < count)
        value[i] *= reinterpret_cast<const float *> (f.gate)[col + i];
  if (count > 0)
    finish_store (f, value, row, col, count);
}

/* Columns [col, col + 4) of a row of sums, col a multiple of 4, become y. Lanes of a warp come
 * together, those whose row or column does not exist too. */
ESP_DEVICE void
finish_four (const CudaFinish &f, float value[4], int row, int col, int m, int n)
{
  const int count = row < m ? n - col : 0;

  finish_begin (f, value, row, col, count);
  if (f.head_dim != 0)
    finish_head (f, value, row < m ? row : 0, f.first_column + (col < n ? col : 0));
  finish_end (f, value, row, col, count);
}

/* The same for one column. */
ESP_DEVICE void
finish_one (const CudaFinish &f, float value, int row, int col)
{
  const int64_t at = row * f.y_stride + col;

  value *= f.scale;
  if (f.row_scale != 0)
    value *= reinterpret_cast<const float *> (f.row_scale)[row];
  if (f.column_scale != 0)
    value *= reinterpret_cast<const float *> (f.column_scale)[col];
  if (f.bias != 0)
    value += reinterpret_cast<const float *> (f.bias)[col];
  value = activated (f.activation, value);
  if (f.gate != 0)
    value *= reinterpret_cast<const float *> (f.gate)[col];
  finish_put (f, at, f.accumulate ? finish_get (f, at) + value : value);
}

/* The block's tile of a product: groups of TILE_GROUP rows of tiles, column by column, so that
 * blocks that run together share most of what they read. */
ESP_DEVICE void
tile_of_block (unsigned index, int tiles_m, int tiles_n, int *tile_m, int *tile_n)
{
  const int group = (int) (index / (unsigned) (TILE_GROUP * tiles_n));
  const int first = group * TILE_GROUP;
  const int rows = tiles_m - first < TILE_GROUP ? tiles_m - first : TILE_GROUP;
  const int within = (int) (index % (unsigned) (TILE_GROUP * tiles_n));

  *tile_m = first + within % rows;
  *tile_n = within / rows;
}
