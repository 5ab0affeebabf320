/* SPDX-License-Identifier: MIT */
/* images.cu: group norms, windows and convolutions of channels-last f32 images. */
#include "ops/cuda/kernels/language.cuh"

#include "ops/cuda/kernels/images.h"

#include "ops/cuda/kernels/convolution.cuh"

/* --- Group norms -------------------------------------------------------------------------------
 */

ESP_KERNEL (image_norm_channels, CudaNormChannels, CUDA_IMAGE_THREADS)
{
  const int channel = static_cast<int> (blockIdx.x) * CUDA_IMAGE_THREADS + threadIdx.x;
  const int group = channel / a.per_group, place = a.first * a.per_group + channel;

  if (group >= a.groups)
    return;
  reinterpret_cast<float *> (a.mean)[place] = a.moments[2 * group];
  reinterpret_cast<float *> (a.factor)[place] = reinterpret_cast<const float *> (a.weight)[place]
                                                / sqrtf (a.moments[2 * group + 1] + a.eps);
  reinterpret_cast<float *> (a.shift)[place] = reinterpret_cast<const float *> (a.bias)[place];
}

ESP_KERNEL (image_group_norm_4, CudaGroupNorm, CUDA_IMAGE_THREADS)
{
  const int64_t step = static_cast<int64_t> (gridDim.x) * CUDA_IMAGE_THREADS;
  int64_t i = static_cast<int64_t> (blockIdx.x) * CUDA_IMAGE_THREADS + threadIdx.x;
  const int turn = static_cast<int> (step % a.per_row);
  int column = static_cast<int> (i % a.per_row);

  for (; i < a.count; i += step)
    {
      const float4 x = reinterpret_cast<const float4 *> (a.x)[i];

      reinterpret_cast<float4 *> (a.y)[i]
          = norm_four (x, reinterpret_cast<const float4 *> (a.mean)[column],
                       reinterpret_cast<const float4 *> (a.factor)[column],
                       reinterpret_cast<const float4 *> (a.shift)[column], a.silu);
      column += turn;
      column -= column >= a.per_row ? a.per_row : 0;
    }
}

ESP_KERNEL (image_group_norm_1, CudaGroupNorm, CUDA_IMAGE_THREADS)
{
  const int64_t step = static_cast<int64_t> (gridDim.x) * CUDA_IMAGE_THREADS;

  for (int64_t i = static_cast<int64_t> (blockIdx.x) * CUDA_IMAGE_THREADS + threadIdx.x;
       i < a.count; i += step)
    {
      const int c = static_cast<int> (i % a.per_row);

      reinterpret_cast<float *> (a.y)[i] = norm_one (
          reinterpret_cast<const float *> (a.x)[i], reinterpret_cast<const float *> (a.mean)[c],
          reinterpret_cast<const float *> (a.factor)[c],
          reinterpret_cast<const float *> (a.shift)[c], a.silu);
    }
}

/* Sums are of what numbers differ from their group's first one: where all are near a number far
 * from 0, their squares would leave nothing of the variance. In f64, because of means that are near
 * 0. */
ESP_DEVICE float
group_pivot (const CudaSums &a, int column)
{
  return reinterpret_cast<const float *> (a.x)[column / a.per_group * a.per_group];
}

/* Sums of a part's rows. Threads lie along a row's vectors, several rows at once where a row has
 * few; each adds up in f64, then rows are joined in their order: the result is the same on every
 * card. */
template <int WIDTH>
ESP_DEVICE void
sum_rows (const CudaSums &a)
{
  ESP_SHARED (double, joined);
  const int vectors = a.cols / WIDTH, first = static_cast<int> (blockIdx.y) * CUDA_IMAGE_THREADS;
  const int across = vectors - first < CUDA_IMAGE_THREADS ? vectors - first : CUDA_IMAGE_THREADS;
  const int at_once = CUDA_IMAGE_THREADS / across;
  const int row = static_cast<int> (threadIdx.x) / across;
  const int column = static_cast<int> (threadIdx.x) % across;
  const int64_t from = a.rows * blockIdx.x / a.parts, to = a.rows * (blockIdx.x + 1) / a.parts;
  double sum[WIDTH], square[WIDTH];
  float pivot[WIDTH];

#pragma unroll
  for (int i = 0; i < WIDTH; i++)
    {
      sum[i] = square[i] = 0;
      pivot[i] = group_pivot (a, (first + column) * WIDTH + i);
    }
  if (row < at_once)
#pragma unroll 4
    for (int64_t r = from + row; r < to; r += at_once)
      {
        const float *x
            = reinterpret_cast<const float *> (a.x) + r * a.cols + (first + column) * WIDTH;
        float value[WIDTH];

        if (WIDTH == 4)
          {
            const float4 four = *reinterpret_cast<const float4 *> (x);

            value[0] = four.x;
            value[1 % WIDTH] = four.y;
            value[2 % WIDTH] = four.z;
            value[3 % WIDTH] = four.w;
          }
        else
          value[0] = *x;
#pragma unroll
        for (int i = 0; i < WIDTH; i++)
          {
            const double wide = static_cast<double> (value[i]) - static_cast<double> (pivot[i]);

            sum[i] += wide;
            square[i] = fma (wide, wide, square[i]);
          }
      }
#pragma unroll
  for (int i = 0; i < WIDTH; i++)
    {
      joined[threadIdx.x * WIDTH * 2 + i * 2] = sum[i];
      joined[threadIdx.x * WIDTH * 2 + i * 2 + 1] = square[i];
    }
  __syncthreads ();
  /* One thread a number: number i of the stretch is the sum over rows. */
  for (int i = threadIdx.x; i < across * WIDTH * 2; i += CUDA_IMAGE_THREADS)
    {
      double total = 0;

      for (int r = 0; r < at_once; r++)
        total += joined[r * across * WIDTH * 2 + i];
      reinterpret_cast<double *> (
          a.sums)[(static_cast<int64_t> (blockIdx.x) * a.cols + first * WIDTH) * 2 + i]
          = total;
    }
}

ESP_KERNEL (image_sums_4, CudaSums, CUDA_IMAGE_THREADS)
{
  sum_rows<4> (a);
}

ESP_KERNEL (image_sums_1, CudaSums, CUDA_IMAGE_THREADS)
{
  sum_rows<1> (a);
}

ESP_KERNEL (image_moments, CudaSums, CUDA_IMAGE_THREADS)
{
  ESP_SHARED (double, joined);
  const double *sums = reinterpret_cast<const double *> (a.sums);
  const double count = static_cast<double> (a.rows) * a.per_group;
  const int64_t group = blockIdx.x;
  double sum = 0, square = 0;

  for (int64_t i = threadIdx.x; i < int64_t{ a.parts } * a.per_group; i += CUDA_IMAGE_THREADS)
    {
      const int64_t place = i / a.per_group * a.cols + group * a.per_group + i % a.per_group;

      sum += sums[2 * place];
      square += sums[2 * place + 1];
    }
  joined[2 * threadIdx.x] = sum;
  joined[2 * threadIdx.x + 1] = square;
  for (unsigned half = CUDA_IMAGE_THREADS / 2; half > 0; half /= 2)
    {
      __syncthreads ();
      if (threadIdx.x < half)
        {
          joined[2 * threadIdx.x] += joined[2 * (threadIdx.x + half)];
          joined[2 * threadIdx.x + 1] += joined[2 * (threadIdx.x + half) + 1];
        }
    }
  if (threadIdx.x == 0)
    {
      const double pivot = group_pivot (a, static_cast<int> (group) * a.per_group);
      const double mean = joined[0] / count, variance = joined[1] / count - mean * mean;
      float *result = reinterpret_cast<float *> (a.result) + 2 * group;

      result[0] = static_cast<float> (pivot + mean);
      /* NaN stays NaN. */
      result[1] = variance < 0 ? 0 : static_cast<float> (variance);
    }
}

/* --- Windows -----------------------------------------------------------------------------------
 */

template <class Vector>
ESP_DEVICE void
copy_lines (const CudaWindowCopy &a)
{
  for (int64_t line = blockIdx.y; line < a.lines; line += gridDim.y)
    for (int64_t i = static_cast<int64_t> (blockIdx.x) * CUDA_IMAGE_THREADS + threadIdx.x;
         i < a.count; i += static_cast<int64_t> (gridDim.x) * CUDA_IMAGE_THREADS)
      reinterpret_cast<Vector *> (a.to)[line * a.to_step + i]
          = reinterpret_cast<const Vector *> (a.from)[line * a.from_step + i];
}

ESP_KERNEL (image_copy_4, CudaWindowCopy, CUDA_IMAGE_THREADS)
{
  copy_lines<float4> (a);
}

ESP_KERNEL (image_copy_1, CudaWindowCopy, CUDA_IMAGE_THREADS)
{
  copy_lines<float> (a);
}

/* --- Attention of one wide head ----------------------------------------------------------------
 */

/* Of all threads; `shared` has a place for each warp. */
ESP_DEVICE float
block_max (float value, float *shared)
{
  float most;

  value = esp_warp_max (value);
  if (threadIdx.x % 32 == 0)
    shared[threadIdx.x / 32] = value;
  __syncthreads ();
  most = shared[0];
  for (int warp = 1; warp < CUDA_IMAGE_THREADS / 32; warp++)
    most = fmaxf (most, shared[warp]);
  return most;
}

ESP_DEVICE float
block_sum (float value, float *shared)
{
  float sum = 0;

  value = esp_warp_sum (value);
  if (threadIdx.x % 32 == 0)
    shared[threadIdx.x / 32] = value;
  __syncthreads ();
  for (int warp = 0; warp < CUDA_IMAGE_THREADS / 32; warp++)
    sum += shared[warp];
  return sum;
}

/* A thread comes back to its own columns only. NaN is no maximum, but makes the sum NaN. */
ESP_KERNEL (image_softmax, CudaSoftmax, CUDA_IMAGE_THREADS)
{
  __shared__ float shared[2][CUDA_IMAGE_THREADS / 32];
  float *row = reinterpret_cast<float *> (a.scores) + static_cast<int64_t> (blockIdx.x) * a.cols;
  float most = -INFINITY, sum = 0;

  for (int64_t col = threadIdx.x; col < a.cols; col += CUDA_IMAGE_THREADS)
    most = fmaxf (most, row[col]);
  most = block_max (most, shared[0]);
  for (int64_t col = threadIdx.x; col < a.cols; col += CUDA_IMAGE_THREADS)
    {
      const float weight = expf ((row[col] - most) * a.scale);

      row[col] = weight;
      sum += weight;
    }
  sum = 1.0f / block_sum (sum, shared[1]);
  for (int64_t col = threadIdx.x; col < a.cols; col += CUDA_IMAGE_THREADS)
    row[col] *= sum;
}

ESP_KERNEL (image_transpose, CudaTranspose, CUDA_IMAGE_THREADS)
{
  constexpr int TILE = CUDA_TRANSPOSE_TILE, STEP = CUDA_IMAGE_THREADS / TILE;
  __shared__ float tile[TILE][TILE + 1];
  const float *from = reinterpret_cast<const float *> (a.from);
  float *to = reinterpret_cast<float *> (a.to);
  const int across = threadIdx.x % TILE, down = threadIdx.x / TILE;
  const int row = blockIdx.x * TILE, col = blockIdx.y * TILE;

  for (int i = down; i < TILE; i += STEP)
    if (row + i < a.rows && col + across < a.cols)
      tile[i][across] = from[static_cast<int64_t> (row + i) * a.from_stride + col + across];
  __syncthreads ();
  for (int i = down; i < TILE; i += STEP)
    if (col + i < a.cols && row + across < a.rows)
      to[static_cast<int64_t> (col + i) * a.rows + row + across] = tile[across][i];
}

ESP_KERNEL (image_gather, CudaTranspose, CUDA_IMAGE_THREADS)
{
  constexpr int TILE = CUDA_TRANSPOSE_TILE, STEP = CUDA_IMAGE_THREADS / TILE;
  const int col = blockIdx.y * TILE + threadIdx.x % TILE;

  for (int i = threadIdx.x / TILE; i < TILE; i += STEP)
    {
      const int64_t row = static_cast<int64_t> (blockIdx.x) * TILE + i;

      if (row < a.rows && col < a.cols)
        reinterpret_cast<float *> (a.to)[row * a.cols + col]
            = reinterpret_cast<const float *> (a.from)[row * a.from_stride + col];
    }
}
