/* SPDX-License-Identifier: MIT */
/* rows.cu: norms, rotations, element by element.
 *
 * All of them are bound by memory: a thread moves groups of eight columns, 16 bytes of bf16 or
 * twice 16 of f32, and reads nothing twice. Which thread does which columns depends on their number
 * alone, never on alignment: a row's result is the same wherever it lies.
 */
#include "ops/cuda/kernels/finish.cuh"
#include "ops/cuda/kernels/rows.h"

/* --- Groups of eight columns -------------------------------------------------------------------
 */

ESP_DEVICE float
number_of (const CudaRows &view, int64_t at)
{
  if (view.type == CUDA_F32)
    return reinterpret_cast<const float *> (view.data)[at];
  if (view.type == CUDA_BF16)
    return bf16_number (reinterpret_cast<const uint16_t *> (view.data)[at]);
  return half_number (reinterpret_cast<const uint16_t *> (view.data)[at]);
}

ESP_DEVICE void
pair_of (int type, uint32_t pair, float *low, float *high)
{
  if (type == CUDA_BF16)
    {
      *low = bf16_number ((uint16_t) (pair & 0xffffu));
      *high = bf16_number ((uint16_t) (pair >> 16));
    }
  else
    {
      *low = half_number ((uint16_t) (pair & 0xffffu));
      *high = half_number ((uint16_t) (pair >> 16));
    }
}

/* Columns [col, col + 8) of a row; zeros from `cols` on. */
ESP_DEVICE void
load_group (const CudaRows &view, uint32_t row, uint32_t col, uint32_t cols,
            float value[ROWS_GROUP])
{
  const int64_t at = row * view.stride + col;

  if (!view.vector || col + ROWS_GROUP > cols)
    {
      for (uint32_t i = 0; i < ROWS_GROUP; i++)
        value[i] = col + i < cols ? number_of (view, at + i) : 0.0f;
    }
  else if (view.type == CUDA_F32)
    {
      const float4 *from
          = reinterpret_cast<const float4 *> (reinterpret_cast<const float *> (view.data) + at);
      const float4 low = from[0], high = from[1];

      value[0] = low.x;
      value[1] = low.y;
      value[2] = low.z;
      value[3] = low.w;
      value[4] = high.x;
      value[5] = high.y;
      value[6] = high.z;
      value[7] = high.w;
    }
  else
    {
      const uint4 bits
          = *reinterpret_cast<const uint4 *> (reinterpret_cast<const uint16_t *> (view.data) + at);

      pair_of (view.type, bits.x, &value[0], &value[1]);
      pair_of (view.type, bits.y, &value[2], &value[3]);
      pair_of (view.type, bits.z, &value[4], &value[5]);
      pair_of (view.type, bits.w, &value[6], &value[7]);
    }
}

ESP_DEVICE void
store_group (const CudaRows &view, uint32_t row, uint32_t col, uint32_t cols,
             const float value[ROWS_GROUP])
{
  const int64_t at = row * view.stride + col;

  if (!view.vector || col + ROWS_GROUP > cols)
    {
      for (uint32_t i = 0; i < ROWS_GROUP; i++)
        if (col + i < cols && view.type == CUDA_F32)
          reinterpret_cast<float *> (view.data)[at + i] = value[i];
        else if (col + i < cols)
          reinterpret_cast<uint16_t *> (view.data)[at + i] = narrow_bits (view.type, value[i]);
    }
  else if (view.type == CUDA_F32)
    {
      float4 *to = reinterpret_cast<float4 *> (reinterpret_cast<float *> (view.data) + at);

      to[0] = make_float4 (value[0], value[1], value[2], value[3]);
      to[1] = make_float4 (value[4], value[5], value[6], value[7]);
    }
  else
    *reinterpret_cast<uint4 *> (reinterpret_cast<uint16_t *> (view.data) + at) = make_uint4 (
        narrow_pair (view.type, value[0], value[1]), narrow_pair (view.type, value[2], value[3]),
        narrow_pair (view.type, value[4], value[5]), narrow_pair (view.type, value[6], value[7]));
}

/* Numbers [col, col + 8) of a vector of f32; `otherwise` where there is none. */
ESP_DEVICE void
load_vector (uint64_t data, bool vector, uint32_t col, uint32_t cols, float otherwise,
             float value[ROWS_GROUP])
{
  const CudaRows view = { data, 0, CUDA_F32, vector };

  if (data != 0)
    load_group (view, 0, col, cols, value);
  else
    for (int i = 0; i < ROWS_GROUP; i++)
      value[i] = otherwise;
}

/* --- Element by element ------------------------------------------------------------------------
 */

/* This thread's group; false if it has none. */
ESP_DEVICE bool
group_of_thread (const CudaElements &a, uint32_t *row, uint32_t *col)
{
  const uint32_t index = blockIdx.x * ROWS_ELEMENT_THREADS + threadIdx.x;

  *row = index / a.groups;
  *col = index % a.groups * ROWS_GROUP;
  return *row < a.rows;
}

ESP_KERNEL (rows_activate, CudaElements, ROWS_ELEMENT_THREADS)
{
  uint32_t row, col;
  float value[ROWS_GROUP];

  if (!group_of_thread (a, &row, &col))
    return;
  load_group (a.a, row, col, a.cols, value);
  for (int i = 0; i < ROWS_GROUP; i++)
    value[i] = activated (a.activation, value[i]);
  store_group (a.y, row, col, a.cols, value);
}

ESP_KERNEL (rows_multiply, CudaElements, ROWS_ELEMENT_THREADS)
{
  uint32_t row, col;
  float value[ROWS_GROUP], other[ROWS_GROUP];

  if (!group_of_thread (a, &row, &col))
    return;
  load_group (a.a, row, col, a.cols, value);
  load_group (a.b, row, col, a.cols, other);
  for (int i = 0; i < ROWS_GROUP; i++)
    value[i] *= other[i];
  store_group (a.y, row, col, a.cols, value);
}

ESP_KERNEL (rows_scale_add, CudaElements, ROWS_ELEMENT_THREADS)
{
  uint32_t row, col;
  float value[ROWS_GROUP], old[ROWS_GROUP];

  if (!group_of_thread (a, &row, &col))
    return;
  load_group (a.a, row, col, a.cols, value);
  for (int i = 0; i < ROWS_GROUP; i++)
    value[i] *= a.factor_a;
  if (a.factor_y != 0)
    {
      load_group (a.y, row, col, a.cols, old);
      for (int i = 0; i < ROWS_GROUP; i++)
        value[i] += a.factor_y * old[i];
    }
  store_group (a.y, row, col, a.cols, value);
}

/* --- Norms -------------------------------------------------------------------------------------
 */

/* The sum over all threads of a block of ROWS_NORM_THREADS, the same in each. `shared` has a place
 * for each warp and is not touched by the next call before all have read it. */
ESP_DEVICE float
norm_sum (float value, float *shared)
{
  float sum = 0;

  value = esp_warp_sum (value);
  if (threadIdx.x % 32 == 0)
    shared[threadIdx.x / 32] = value;
  __syncthreads ();
  for (int warp = 0; warp < ROWS_NORM_THREADS / 32; warp++)
    sum += shared[warp];
  return sum;
}

ESP_DEVICE void
finish_norm (const CudaNorm &a, uint32_t row, uint32_t col, float mean, float factor,
             float value[ROWS_GROUP])
{
  float scale[ROWS_GROUP], shift[ROWS_GROUP];

  load_vector (a.scale, a.vector, col, a.cols, 1.0f - a.scale_offset, scale);
  load_vector (a.shift, a.vector, col, a.cols, 0.0f, shift);
  for (int i = 0; i < ROWS_GROUP; i++)
    value[i] = (value[i] - mean) * factor * (a.scale_offset + scale[i]) + shift[i];
  store_group (a.y, row, col, a.cols, value);
}

ESP_KERNEL (rows_norm, CudaNorm, ROWS_NORM_THREADS)
{
  __shared__ float shared[2][ROWS_NORM_THREADS / 32];
  const uint32_t row = blockIdx.x;
  float value[ROWS_NORM_HELD][ROWS_GROUP];
  float sum = 0, mean = 0, factor;

#pragma unroll
  for (int g = 0; g < ROWS_NORM_HELD; g++)
    {
      const uint32_t col = (g * ROWS_NORM_THREADS + threadIdx.x) * ROWS_GROUP;

      load_group (a.x, row, col, a.cols, value[g]);
      for (int i = 0; i < ROWS_GROUP; i++)
        sum += value[g][i];
    }
  if (!a.rms)
    mean = norm_sum (sum, shared[0]) / (float) a.cols;
  sum = 0;
#pragma unroll
  for (int g = 0; g < ROWS_NORM_HELD; g++)
    {
      const uint32_t col = (g * ROWS_NORM_THREADS + threadIdx.x) * ROWS_GROUP;

      for (int i = 0; i < ROWS_GROUP; i++)
        if (col + i < a.cols)
          sum += (value[g][i] - mean) * (value[g][i] - mean);
    }
  factor = 1.0f / sqrtf (norm_sum (sum, shared[1]) / (float) a.cols + a.eps);
#pragma unroll
  for (int g = 0; g < ROWS_NORM_HELD; g++)
    {
      const uint32_t col = (g * ROWS_NORM_THREADS + threadIdx.x) * ROWS_GROUP;

      if (col < a.cols)
        finish_norm (a, row, col, mean, factor, value[g]);
    }
}

ESP_KERNEL (rows_norm_wide, CudaNorm, ROWS_NORM_THREADS)
{
  __shared__ float shared[2][ROWS_NORM_THREADS / 32];
  const uint32_t row = blockIdx.x, step = ROWS_NORM_THREADS * ROWS_GROUP;
  float value[ROWS_GROUP], sum = 0, mean = 0, factor;

  if (!a.rms)
    {
      for (uint32_t col = threadIdx.x * ROWS_GROUP; col < a.cols; col += step)
        {
          load_group (a.x, row, col, a.cols, value);
          for (int i = 0; i < ROWS_GROUP; i++)
            sum += value[i];
        }
      mean = norm_sum (sum, shared[0]) / (float) a.cols;
    }
  sum = 0;
  for (uint32_t col = threadIdx.x * ROWS_GROUP; col < a.cols; col += step)
    {
      load_group (a.x, row, col, a.cols, value);
      for (uint32_t i = 0; i < ROWS_GROUP; i++)
        if (col + i < a.cols)
          sum += (value[i] - mean) * (value[i] - mean);
    }
  factor = 1.0f / sqrtf (norm_sum (sum, shared[1]) / (float) a.cols + a.eps);
  for (uint32_t col = threadIdx.x * ROWS_GROUP; col < a.cols; col += step)
    {
      load_group (a.x, row, col, a.cols, value);
      finish_norm (a, row, col, mean, factor, value);
    }
}

/* --- Heads -------------------------------------------------------------------------------------
 */

/* Rotates the four pairs of a group that begins at `first` of its head. */
ESP_DEVICE void
rotate_group (const CudaHeads &a, uint32_t row, uint32_t first, float value[ROWS_GROUP])
{
  const int64_t at = (int64_t) row * (a.head_dim / 2) + first / 2;

  for (uint32_t i = 0; i < ROWS_GROUP / 2; i++)
    if (first + 2 * i < a.head_dim)
      {
        const float c = reinterpret_cast<const float *> (a.cosine)[at + i];
        const float s = reinterpret_cast<const float *> (a.sine)[at + i];
        const float even = value[2 * i], odd = value[2 * i + 1];

        value[2 * i] = even * c - odd * s;
        value[2 * i + 1] = odd * c + even * s;
      }
}

/* Whole warps stay together: lanes whose head does not exist do the last one's sums and write
 * nothing. A lane's groups are those of its number, plus `lanes`, and so on. */
ESP_KERNEL (rows_heads, CudaHeads, ROWS_HEAD_THREADS)
{
  const uint32_t per_block = ROWS_HEAD_THREADS / a.lanes, lane = threadIdx.x % a.lanes;
  const uint32_t index = blockIdx.x * per_block + threadIdx.x / a.lanes;
  const bool there = index < a.rows * a.heads;
  const uint32_t head = there ? index : a.rows * a.heads - 1;
  const uint32_t row = head / a.heads, start = head % a.heads * a.head_dim;
  const uint32_t step = a.lanes * ROWS_GROUP, end = start + a.head_dim;
  float value[ROWS_GROUP], weight[ROWS_GROUP], sum = 0, factor;

  for (uint32_t first = lane * ROWS_GROUP; first < a.head_dim; first += step)
    {
      load_group (a.x, row, start + first, end, value);
      for (int i = 0; i < ROWS_GROUP; i++)
        sum += value[i] * value[i];
    }
  for (uint32_t by = a.lanes / 2; by > 0; by /= 2)
    sum += __shfl_xor_sync (0xffffffffu, sum, by);
  factor = 1.0f / sqrtf (sum / (float) a.head_dim + a.eps);
  for (uint32_t first = lane * ROWS_GROUP; there && first < a.head_dim; first += step)
    {
      if (step < a.head_dim) /* else it is still there */
        load_group (a.x, row, start + first, end, value);
      load_vector (a.weight, false, first, a.head_dim, 1.0f, weight);
      for (int i = 0; i < ROWS_GROUP; i++)
        value[i] *= factor * weight[i];
      if (a.cosine != 0)
        rotate_group (a, row, first, value);
      store_group (a.y, row, start + first, end, value);
    }
}

/* --- Distances ---------------------------------------------------------------------------------
 */

ESP_KERNEL (rows_distance, CudaDistance, ROWS_DISTANCE_THREADS)
{
  __shared__ double shared[2][ROWS_DISTANCE_THREADS];
  double away = 0, size = 0;

  for (uint32_t index = blockIdx.x * ROWS_DISTANCE_THREADS + threadIdx.x; index / a.groups < a.rows;
       index += gridDim.x * ROWS_DISTANCE_THREADS)
    {
      const uint32_t row = index / a.groups, col = index % a.groups * ROWS_GROUP;
      float x[ROWS_GROUP], y[ROWS_GROUP];

      load_group (a.x, row, col, a.cols, x);
      load_group (a.y, row, col, a.cols, y);
      for (int i = 0; i < ROWS_GROUP; i++)
        {
          away += (double) fabsf (x[i] - y[i]);
          size += (double) fabsf (y[i]);
        }
    }
  shared[0][threadIdx.x] = away;
  shared[1][threadIdx.x] = size;
  for (uint32_t half = ROWS_DISTANCE_THREADS / 2; half > 0; half /= 2)
    {
      __syncthreads ();
      if (threadIdx.x < half)
        for (int s = 0; s < 2; s++)
          shared[s][threadIdx.x] += shared[s][threadIdx.x + half];
    }
  if (threadIdx.x < 2)
    reinterpret_cast<double *> (a.sums)[2 * blockIdx.x + threadIdx.x] = shared[threadIdx.x][0];
}
