/* SPDX-License-Identifier: MIT */
/* attention.cu: softmax (scale·q·kᵀ + bias)·v without ever building the matrix of scores.
 *
 * Keys are taken in tiles. Each row keeps the largest score it has seen, the sum of its weights
 * relative to that, and its weighted sum of v; a larger score scales both down (the online softmax
 * of Milakov and Gimelshein, arXiv 1805.02867, tiled as in FlashAttention, arXiv 2205.14135).
 *
 * Two families: on the matrix unit for heads of 32, 64 and 128 columns in bf16 or f16, and plain
 * f32 for any head and any type of view.
 */
#include "ops/cuda/kernels/language.cuh"

#include "ops/cuda/kernels/attention.h"

#define LOG2_E 1.4426950408889634f

/* --- On the matrix unit ------------------------------------------------------------------------
 *
 * A block has 128 queries of one head, a warp 32 of them: two tiles of 16 rows, so that each
 * fragment of k and v that is read from shared memory is used twice. q stays in shared memory;
 * k and v have one buffer each: while scores are computed from k, v arrives, and while the weights
 * multiply v, the next k arrives. Two blocks on a multiprocessor fill each other's gaps.
 *
 * Fragments are as the PTX manual has them for mma.m16n8k16: lane l holds rows l / 4 and l / 4 + 8
 * and columns 2·(l % 4), + 1 of each 16 × 8 result, and a pair of neighbouring results is just
 * what the left operand of the second product looks like.
 */

/* Offset of 16-byte chunk `chunk` of row `row` in a tile of rows of DIM 16-bit numbers: chunks
 * change places from row to row so that the eight rows of one 8 × 8 matrix lie in all 32 banks. */
template <int DIM>
ESP_DEVICE int
chunk_place (int row, int chunk)
{
  const int turn = DIM >= 64 ? row & 7 : row >> 1 & 3;

  return row * DIM * 2 + (chunk ^ turn) * 16;
}

/* Rows [first, first + ROWS) of a head; rows beyond the view's are zeros. */
template <int DIM, int ROWS>
ESP_DEVICE void
fetch_tile (unsigned char *tile, const CudaView &view, int64_t head, int64_t first)
{
  constexpr int chunks = DIM / 8, step = CUDA_ATTENTION_THREADS / chunks;
  const int row = static_cast<int> (threadIdx.x) / chunks;
  const int chunk = static_cast<int> (threadIdx.x) % chunks;
  const uint16_t *start = reinterpret_cast<const uint16_t *> (view.data) + head * DIM + chunk * 8;
  const uint16_t *from = start + (first + row) * view.stride;
  const int64_t rows = view.rows - first - row;

#pragma unroll
  for (int i = 0; i < ROWS / step; i++)
    {
      const bool valid = i * step < rows;

      esp_copy16 (tile + chunk_place<DIM> (row + i * step, chunk),
                  valid ? from + i * step * view.stride : start, valid);
    }
}

template <bool bf16>
ESP_DEVICE void
multiply (float c[4], const uint32_t a[4], const uint32_t *b)
{
  if (bf16)
    esp_mma_bf16 (c, a, b);
  else
    esp_mma_f16 (c, a, b);
}

template <bool bf16>
ESP_DEVICE uint32_t
pack (float low, float high)
{
  return bf16 ? esp_pack_bf16 (low, high) : esp_pack_f16 (low, high);
}

/* s = q·kᵀ of the warp's 32 queries. */
template <bool bf16, int DIM, int KEYS>
ESP_DEVICE void
score (const unsigned char *q, const unsigned char *k, float s[2][KEYS / 8][4])
{
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int place_q = chunk_place<DIM> (warp * 32 + (lane & 15), lane >> 4);
  const int place_k = chunk_place<DIM> ((lane & 7) + (lane >> 4) * 8, lane >> 3 & 1);

#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        s[m][n][i] = 0;
#pragma unroll
  for (int d = 0; d < DIM / 16; d++)
    {
      uint32_t left[2][4], right[4];

      /* chunk_place() only ever toggles the bits of the chunk. */
      esp_load_matrix_x4 (left[0], q + (place_q ^ d * 32));
      esp_load_matrix_x4 (left[1], q + (place_q ^ d * 32) + 16 * DIM * 2);
#pragma unroll
      for (int n = 0; n < KEYS / 16; n++)
        {
          esp_load_matrix_x4 (right, k + (place_k ^ d * 32) + n * 16 * DIM * 2);
#pragma unroll
          for (int m = 0; m < 2; m++)
            {
              multiply<bf16> (s[m][2 * n], left[m], right);
              multiply<bf16> (s[m][2 * n + 1], left[m], right + 2);
            }
        }
    }
}

/* out += p·v, with p the scores' weights. */
template <bool bf16, int DIM, int KEYS>
ESP_DEVICE void
gather (const float p[2][KEYS / 8][4], const unsigned char *v, float out[2][DIM / 8][4])
{
  const int lane = threadIdx.x % 32;
  const int place_v = chunk_place<DIM> (lane & 15, lane >> 4);

#pragma unroll
  for (int n = 0; n < KEYS / 16; n++)
    {
      uint32_t left[2][4], right[4];

#pragma unroll
      for (int m = 0; m < 2; m++)
#pragma unroll
        for (int i = 0; i < 4; i++)
          left[m][i]
              = pack<bf16> (p[m][2 * n + i / 2][i % 2 * 2], p[m][2 * n + i / 2][i % 2 * 2 + 1]);
#pragma unroll
      for (int d = 0; d < DIM / 16; d++)
        {
          esp_load_matrix_x4_trans (right, v + (place_v ^ d * 32) + n * 16 * DIM * 2);
#pragma unroll
          for (int m = 0; m < 2; m++)
            {
              multiply<bf16> (out[m][2 * d], left[m], right);
              multiply<bf16> (out[m][2 * d + 1], left[m], right + 2);
            }
        }
    }
}

/* What the scores are beyond q·kᵀ, where that is not the same for all of the tile: T5's bias (from
 * there on scores are in powers of two) and no weight for keys that a query does not see. */
template <int KEYS, bool biased>
ESP_DEVICE void
adjust (const CudaAttention &a, int64_t first_query, int64_t first_key, float s[2][KEYS / 8][4])
{
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const float *bias = reinterpret_cast<const float *> (a.relative_bias)
                      + static_cast<int64_t> (blockIdx.y) * (a.q.rows + a.k.rows - 1);

#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int i = 0; i < 4; i++)
      {
        const int64_t query = first_query + warp * 32 + m * 16 + i / 2 * 8 + lane / 4;
        const int64_t keys = a.causal && query < a.k.rows ? query + 1 : a.k.rows;
        const int64_t real = query < a.q.rows ? query : a.q.rows - 1;

#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
          {
            const int64_t key = first_key + n * 8 + lane % 4 * 2 + i % 2;

            if (key >= keys)
              s[m][n][i] = -INFINITY;
            else if (biased)
              s[m][n][i] = (s[m][n][i] * a.scale + bias[key - real + a.q.rows - 1]) * LOG2_E;
          }
      }
}

/* Turns scores into weights 2^(factor·score - largest) and brings what was summed so far to the
 * same measure. Each thread has a part of its rows' totals; four lanes share a row. */
template <int DIM, int KEYS>
ESP_DEVICE void
weigh (float factor, float s[2][KEYS / 8][4], float largest[2][2], float total[2][2],
       float out[2][DIM / 8][4])
{
#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        float most = s[m][0][2 * half], fade, sum = 0;

#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
          most = fmaxf (most, fmaxf (s[m][n][2 * half], s[m][n][2 * half + 1]));
        most = fmaxf (most, __shfl_xor_sync (0xffffffffu, most, 1));
        most = fmaxf (most, __shfl_xor_sync (0xffffffffu, most, 2));
        most = fmaxf (largest[m][half], most * factor);
        /* A row that has seen nothing but minus infinity: any finite number keeps NaN away. */
        most = most == -INFINITY ? -1e30f : most;
        fade = esp_exp2 (largest[m][half] - most);
        largest[m][half] = most;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
          for (int i = 0; i < 2; i++)
            {
              s[m][n][2 * half + i] = esp_exp2 (fmaf (s[m][n][2 * half + i], factor, -most));
              sum += s[m][n][2 * half + i];
            }
        total[m][half] = total[m][half] * fade + sum;
#pragma unroll
        for (int d = 0; d < DIM / 8; d++)
#pragma unroll
          for (int i = 0; i < 2; i++)
            out[m][d][2 * half + i] *= fade;
      }
}

template <bool bf16, int DIM>
ESP_DEVICE void
store (const CudaAttention &a, int64_t first_query, const float total[2][2],
       const float out[2][DIM / 8][4])
{
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;

#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        const int64_t query = first_query + warp * 32 + m * 16 + half * 8 + lane / 4;
        const int64_t place
            = query * a.out.stride + static_cast<int64_t> (blockIdx.y) * DIM + lane % 4 * 2;
        float sum = total[m][half], share;

        sum += __shfl_xor_sync (0xffffffffu, sum, 1);
        sum += __shfl_xor_sync (0xffffffffu, sum, 2);
        share = sum > 0 ? 1 / sum : 0;
        if (query >= a.q.rows)
          continue;
#pragma unroll
        for (int d = 0; d < DIM / 8; d++)
          {
            const float x = out[m][d][2 * half] * share, y = out[m][d][2 * half + 1] * share;

            if (a.out.type == CUDA_F32)
              *reinterpret_cast<float2 *> (reinterpret_cast<float *> (a.out.data) + place + d * 8)
                  = make_float2 (x, y);
            else
              *reinterpret_cast<uint32_t *> (reinterpret_cast<uint16_t *> (a.out.data) + place
                                             + d * 8)
                  = pack<bf16> (x, y);
          }
      }
}

template <bool bf16, int DIM, int KEYS, bool biased>
ESP_DEVICE void
attend (const CudaAttention &a)
{
  ESP_SHARED (unsigned char, q);
  unsigned char *k = q + CUDA_ATTENTION_QUERIES * DIM * 2, *v = k + KEYS * DIM * 2;
  const int64_t head = blockIdx.y;
  const int64_t first = static_cast<int64_t> (blockIdx.x) * CUDA_ATTENTION_QUERIES;
  const int64_t seen = a.causal && first + CUDA_ATTENTION_QUERIES < a.k.rows
                           ? first + CUDA_ATTENTION_QUERIES
                           : a.k.rows;
  const float factor = biased ? 1 : a.scale * LOG2_E;
  float largest[2][2], total[2][2], out[2][DIM / 8][4], s[2][KEYS / 8][4];

#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int i = 0; i < 4; i++)
      {
        largest[m][i / 2] = -INFINITY;
        total[m][i / 2] = 0;
#pragma unroll
        for (int d = 0; d < DIM / 8; d++)
          out[m][d][i] = 0;
      }
  fetch_tile<DIM, CUDA_ATTENTION_QUERIES> (q, a.q, head, first);
  fetch_tile<DIM, KEYS> (k, a.k, head, 0);
  esp_copy_commit ();
  for (int64_t key = 0; key < seen; key += KEYS)
    {
      /* k has arrived for all, and nobody reads the last v any more. */
      esp_copy_wait<0> ();
      __syncthreads ();
      fetch_tile<DIM, KEYS> (v, a.v, head, key);
      esp_copy_commit ();
      score<bf16, DIM, KEYS> (q, k, s);
      if (biased || key + KEYS > a.k.rows || (a.causal && key + KEYS > first + 1))
        adjust<KEYS, biased> (a, first, key, s);
      esp_copy_wait<0> ();
      __syncthreads ();
      if (key + KEYS < seen)
        fetch_tile<DIM, KEYS> (k, a.k, head, key + KEYS);
      esp_copy_commit ();
      weigh<DIM, KEYS> (factor, s, largest, total, out);
      gather<bf16, DIM, KEYS> (s, v, out);
    }
  store<bf16, DIM> (a, first, total, out);
}

/* For heads of 128, tiles of 64 keys where a multiprocessor has 128 KiB of shared memory for two
 * blocks, else of 32, which take 96; on sm_80 only, since from sm_90 on ptxas finds no registers
 * for the larger ones. What no caller asks for is compiled to nothing. */
#if defined __CUDA_ARCH__ && __CUDA_ARCH__ < 800
#define ATTENTION_RUNS(bf16, dim, keys) (!(bf16) && (dim) * (keys) <= 4096)
#elif defined __CUDA_ARCH__ && __CUDA_ARCH__ >= 900
#define ATTENTION_RUNS(bf16, dim, keys) ((dim) * (keys) <= 4096)
#else
#define ATTENTION_RUNS(bf16, dim, keys) true
#endif

#define ATTENTION(name, bf16, dim, keys, biased)                                                   \
  ESP_KERNEL_RESIDENT (name, CudaAttention, CUDA_ATTENTION_THREADS, 2)                             \
  {                                                                                                \
    if constexpr (ATTENTION_RUNS (bf16, dim, keys))                                                \
      attend<bf16, dim, keys, biased> (a);                                                         \
  }

ATTENTION (attention_f16_128, false, 128, 64, false)
ATTENTION (attention_f16_128_narrow, false, 128, 32, false)
ATTENTION (attention_f16_64, false, 64, 64, false)
ATTENTION (attention_f16_64_biased, false, 64, 32, true)
ATTENTION (attention_f16_32, false, 32, 64, false)
ATTENTION (attention_bf16_128, true, 128, 64, false)
ATTENTION (attention_bf16_128_narrow, true, 128, 32, false)
ATTENTION (attention_bf16_64, true, 64, 64, false)
ATTENTION (attention_bf16_64_biased, true, 64, 32, true)
ATTENTION (attention_bf16_32, true, 32, 64, false)

/* --- Plain f32 ---------------------------------------------------------------------------------
 *
 * 256 threads as 16 × 16. Scores: thread (y, x) has queries 4y … 4y + 3 and keys 4x … 4x + 3;
 * q and k come in slices of 32 columns, turned so that a column's numbers lie side by side. Sums:
 * the same queries and columns 64j + 4x … + 3 of v, which comes a few keys at a time.
 */

ESP_DEVICE float
number_at (const CudaView &view, int64_t index)
{
  if (view.type == CUDA_F32)
    return reinterpret_cast<const float *> (view.data)[index];
  if (view.type == CUDA_BF16)
    return __bfloat162float (reinterpret_cast<const __nv_bfloat16 *> (view.data)[index]);
  return __half2float (reinterpret_cast<const __half *> (view.data)[index]);
}

ESP_DEVICE void
put_number (const CudaView &view, int64_t index, float value)
{
  if (view.type == CUDA_F32)
    reinterpret_cast<float *> (view.data)[index] = value;
  else if (view.type == CUDA_BF16)
    reinterpret_cast<__nv_bfloat16 *> (view.data)[index] = __float2bfloat16 (value);
  else
    reinterpret_cast<__half *> (view.data)[index] = __float2half (value);
}

/* Columns [col, col + 32) of a head's rows [first, first + 64), turned; zeros beyond. A warp reads
 * 8 columns of 4 rows: whole sectors of memory, and all banks. */
ESP_DEVICE void
turn_slice (float *slice, const CudaView &view, int64_t head_dim, int64_t first, int64_t col)
{
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;

#pragma unroll
  for (int i = 0; i < 8; i++)
    {
      const int c = i % 4 * 8 + lane % 8, r = (i / 4 * 8 + warp) * 4 + lane / 8;
      const bool valid = first + r < view.rows && col + c < head_dim;

      slice[c * CUDA_ATTENTION_PLAIN_PITCH + r]
          = valid ? number_at (view, (first + r) * view.stride + blockIdx.y * head_dim + col + c)
                  : 0;
    }
}

ESP_DEVICE void
score_plain (const CudaAttention &a, float *shared, int64_t first_query, int64_t first_key,
             float s[4][4])
{
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
  float *q = shared, *k = q + CUDA_ATTENTION_PLAIN_DEPTH * CUDA_ATTENTION_PLAIN_PITCH;

#pragma unroll
  for (int i = 0; i < 16; i++)
    s[i / 4][i % 4] = 0;
  for (int col = 0; col < a.head_dim; col += CUDA_ATTENTION_PLAIN_DEPTH)
    {
      __syncthreads ();
      turn_slice (q, a.q, a.head_dim, first_query, col);
      turn_slice (k, a.k, a.head_dim, first_key, col);
      __syncthreads ();
#pragma unroll 4
      for (int c = 0; c < CUDA_ATTENTION_PLAIN_DEPTH; c++)
        {
          const float4 l
              = *reinterpret_cast<const float4 *> (q + c * CUDA_ATTENTION_PLAIN_PITCH + y * 4);
          const float4 r
              = *reinterpret_cast<const float4 *> (k + c * CUDA_ATTENTION_PLAIN_PITCH + x * 4);
          const float left[4] = { l.x, l.y, l.z, l.w }, right[4] = { r.x, r.y, r.z, r.w };

#pragma unroll
          for (int i = 0; i < 16; i++)
            s[i / 4][i % 4] = fmaf (left[i / 4], right[i % 4], s[i / 4][i % 4]);
        }
    }
}

/* Scale, bias and mask; then weights, which go to `weights` [key][query]. `fade` is what sums so
 * far are to be multiplied by. */
ESP_DEVICE void
weigh_plain (const CudaAttention &a, int64_t first_query, int64_t first_key, float s[4][4],
             float largest[4], float total[4], float fade[4], float *weights)
{
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
  const float *bias = reinterpret_cast<const float *> (a.relative_bias);

#pragma unroll
  for (int i = 0; i < 4; i++)
    {
      const int64_t query = first_query + y * 4 + i;
      const int64_t keys = a.causal && query < a.k.rows ? query + 1 : a.k.rows;
      float most = -INFINITY, sum = 0;

#pragma unroll
      for (int j = 0; j < 4; j++)
        {
          const int64_t key = first_key + x * 4 + j;

          s[i][j] *= a.scale;
          if (key >= keys)
            s[i][j] = -INFINITY;
          else if (bias != nullptr && query < a.q.rows)
            s[i][j] += bias[blockIdx.y * (a.q.rows + a.k.rows - 1) + key - query + a.q.rows - 1];
          most = fmaxf (most, s[i][j]);
        }
#pragma unroll
      for (int step = 8; step > 0; step /= 2)
        most = fmaxf (most, __shfl_xor_sync (0xffffffffu, most, step));
      most = fmaxf (most, largest[i]);
      most = most == -INFINITY ? -1e30f : most;
      fade[i] = expf (largest[i] - most);
      largest[i] = most;
#pragma unroll
      for (int j = 0; j < 4; j++)
        {
          s[i][j] = expf (s[i][j] - most);
          sum += s[i][j];
        }
#pragma unroll
      for (int step = 8; step > 0; step /= 2)
        sum += __shfl_xor_sync (0xffffffffu, sum, step);
      total[i] = total[i] * fade[i] + sum;
    }
#pragma unroll
  for (int j = 0; j < 4; j++)
    *reinterpret_cast<float4 *> (weights + (x * 4 + j) * CUDA_ATTENTION_PLAIN_PITCH + y * 4)
        = make_float4 (s[0][j], s[1][j], s[2][j], s[3][j]);
}

/* sums += weights·v for keys [first, first + 64) and columns [col, col + COLUMNS) of the head. */
template <int COLUMNS>
ESP_DEVICE void
gather_plain (const CudaAttention &a, int64_t first_key, int64_t col, const float *weights,
              float *values, float sums[4][COLUMNS / 16])
{
  constexpr int at_once = CUDA_ATTENTION_PLAIN_VALUES / COLUMNS;
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;

  for (int key = 0; key < CUDA_ATTENTION_PLAIN_KEYS; key += at_once)
    {
      __syncthreads ();
      for (int i = threadIdx.x; i < CUDA_ATTENTION_PLAIN_VALUES; i += CUDA_ATTENTION_PLAIN_THREADS)
        {
          const int64_t r = first_key + key + i / COLUMNS, c = col + i % COLUMNS;

          values[i] = r < a.v.rows && c < a.head_dim
                          ? number_at (a.v, r * a.v.stride + blockIdx.y * int64_t{ a.head_dim } + c)
                          : 0;
        }
      __syncthreads ();
#pragma unroll 4
      for (int n = 0; n < at_once; n++)
        {
          const float4 w = *reinterpret_cast<const float4 *> (
              weights + (key + n) * CUDA_ATTENTION_PLAIN_PITCH + y * 4);
          const float weight[4] = { w.x, w.y, w.z, w.w };

#pragma unroll
          for (int j = 0; j < COLUMNS / 64; j++)
            {
              const float4 v
                  = *reinterpret_cast<const float4 *> (values + n * COLUMNS + j * 64 + x * 4);
              const float value[4] = { v.x, v.y, v.z, v.w };

#pragma unroll
              for (int i = 0; i < 16; i++)
                sums[i / 4][j * 4 + i % 4]
                    = fmaf (weight[i / 4], value[i % 4], sums[i / 4][j * 4 + i % 4]);
            }
        }
    }
}

template <int COLUMNS>
ESP_DEVICE void
attend_plain (const CudaAttention &a)
{
  ESP_SHARED (float, slices);
  float *weights = slices + 2 * CUDA_ATTENTION_PLAIN_DEPTH * CUDA_ATTENTION_PLAIN_PITCH;
  float *values = weights + CUDA_ATTENTION_PLAIN_KEYS * CUDA_ATTENTION_PLAIN_PITCH;
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
  const int64_t first = static_cast<int64_t> (blockIdx.x) * CUDA_ATTENTION_PLAIN_QUERIES;
  const int64_t col = static_cast<int64_t> (blockIdx.z) * COLUMNS;
  const int64_t end = first + CUDA_ATTENTION_PLAIN_QUERIES;
  const int64_t seen = a.causal && end < a.k.rows ? end : a.k.rows;
  float s[4][4], largest[4], total[4], fade[4], sums[4][COLUMNS / 16];

#pragma unroll
  for (int i = 0; i < 4; i++)
    {
      largest[i] = -INFINITY;
      total[i] = 0;
#pragma unroll
      for (int j = 0; j < COLUMNS / 16; j++)
        sums[i][j] = 0;
    }
  for (int64_t key = 0; key < seen; key += CUDA_ATTENTION_PLAIN_KEYS)
    {
      score_plain (a, slices, first, key, s);
      /* The first barrier of score_plain() has let go of the last tile's weights. */
      weigh_plain (a, first, key, s, largest, total, fade, weights);
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < COLUMNS / 16; j++)
          sums[i][j] *= fade[i];
      gather_plain<COLUMNS> (a, key, col, weights, values, sums);
    }
#pragma unroll
  for (int i = 0; i < 4; i++)
    {
      const float share = total[i] > 0 ? 1 / total[i] : 0;
      const int64_t query = first + y * 4 + i;

#pragma unroll
      for (int j = 0; j < COLUMNS / 16; j++)
        {
          const int64_t c = col + j / 4 * 64 + x * 4 + j % 4;

          if (query < a.q.rows && c < a.head_dim)
            put_number (a.out, query * a.out.stride + blockIdx.y * int64_t{ a.head_dim } + c,
                        sums[i][j] * share);
        }
    }
}

ESP_KERNEL (attention_plain_64, CudaAttention, CUDA_ATTENTION_PLAIN_THREADS)
{
  attend_plain<64> (a);
}

ESP_KERNEL_RESIDENT (attention_plain_128, CudaAttention, CUDA_ATTENTION_PLAIN_THREADS, 1)
{
  attend_plain<128> (a);
}

ESP_KERNEL (attention_plain_512, CudaAttention, CUDA_ATTENTION_PLAIN_THREADS)
{
  attend_plain<512> (a);
}
