/* SPDX-License-Identifier: MIT */
/* attention-90.cu: flash attention of heads of 128 columns in bf16 on sm_90a; what attention.cu
 * does by mma.sync, by wgmma and the copy engine.
 *
 * A block has 128 queries of one head and three warpgroups. The first one copies: a single thread
 * keeps two tiles of k and two of v on their way. The other two have 64 queries each and take turns
 * (the scheme of FlashAttention-3, arXiv 2407.08608): while one's products run, the other turns
 * scores into weights. A warpgroup's products of one turn are the next tile's scores and the last
 * tile's weighted sum, so that its weights, too, are computed while products run.
 *
 * Compiled to nothing for other architectures.
 */
#include "ops/cuda/kernels/hopper.cuh"

#include "ops/cuda/kernels/attention-90.h"

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

#define LOG2_E 1.4426950408889634f

enum
{
  SLAB = CUDA_ATTENTION_90_TILE / 2, /* bytes of 64 columns of a tile: 128 rows of 128 bytes */
  ATOM = 1024,                       /* of 8 rows of a slab */
  BUFFERS = CUDA_ATTENTION_90_BUFFERS,
  REGISTERS_COPYING = 24,
  REGISTERS_COMPUTING = 240,
  /* Named barriers: turn of the first and the second computing warpgroup. */
  TURN = 1,
};

/* `full`: a tile has arrived; `empty`: all warps that compute are through with it. */
typedef struct Pipe
{
  uint64_t full[BUFFERS], empty[BUFFERS];
} Pipe;

typedef struct Stage
{
  unsigned char q[CUDA_ATTENTION_90_TILE];
  unsigned char k[BUFFERS][CUDA_ATTENTION_90_TILE];
  unsigned char v[BUFFERS][CUDA_ATTENTION_90_TILE];
  uint64_t q_full;
  Pipe k_pipe, v_pipe;
} Stage;

static_assert (sizeof (Stage) <= CUDA_ATTENTION_90_SHARED, "the caller asks for enough");

/* The number of a tile says which buffer it is in and how often that was filled before. */
ESP_DEVICE int
buffer_of (int tile)
{
  return tile % BUFFERS;
}

ESP_DEVICE unsigned
parity_of (int tile)
{
  return tile / BUFFERS & 1;
}

/* --- Copying -----------------------------------------------------------------------------------
 */

ESP_DEVICE void
copy_tile (unsigned char *to, const CudaTensorMap *map, int row, uint64_t *full)
{
  const int column = static_cast<int> (blockIdx.y) * CUDA_ATTENTION_90_DIM;

  esp_mbarrier_expect (full, CUDA_ATTENTION_90_TILE);
  esp_tensor_copy (to, map, column, row, full);
  esp_tensor_copy (to + SLAB, map, column + 64, row, full);
}

/* Waits until the tile's place is free. */
ESP_DEVICE void
wait_for_place (Pipe *pipe, int tile)
{
  esp_mbarrier_wait_briefly (&pipe->empty[buffer_of (tile)], parity_of (tile) ^ 1);
}

ESP_DEVICE void
copy_next (unsigned char (*buffers)[CUDA_ATTENTION_90_TILE], Pipe *pipe, const CudaTensorMap *map,
           int tile)
{
  const int buffer = buffer_of (tile);

  wait_for_place (pipe, tile);
  copy_tile (buffers[buffer], map, tile * CUDA_ATTENTION_90_KEYS, &pipe->full[buffer]);
}

/* In the order in which they are used: scores are one tile ahead of sums. */
ESP_DEVICE void
copy_all (const CudaAttention90 &a, Stage *stage, int tiles)
{
  copy_tile (stage->q, &a.q, static_cast<int> (blockIdx.x) * CUDA_ATTENTION_90_QUERIES,
             &stage->q_full);
  for (int tile = 0; tile <= tiles; tile++)
    {
      if (tile < tiles)
        copy_next (stage->k, &stage->k_pipe, &a.k, tile);
      if (tile > 0)
        copy_next (stage->v, &stage->v_pipe, &a.v, tile - 1);
    }
  /* Sees to it that all ends. */
  for (int tile = tiles; tile < tiles + BUFFERS; tile++)
    {
      wait_for_place (&stage->k_pipe, tile);
      wait_for_place (&stage->v_pipe, tile);
    }
}

/* --- Computing ---------------------------------------------------------------------------------
 */

ESP_DEVICE void
let_go (Pipe *pipe, int tile)
{
  if (threadIdx.x % 32 == 0)
    esp_mbarrier_arrive (&pipe->empty[buffer_of (tile)]);
}

/* s = q·kᵀ, begun. `q` describes the warpgroup's 64 rows. */
ESP_DEVICE void
begin_scores (float s[64], uint64_t q, Stage *stage, int tile)
{
  const uint64_t k = esp_wgmma_operand (stage->k[buffer_of (tile)], 16, ATOM);

#pragma unroll
  for (int d = 0; d < 8; d++)
    {
      const unsigned further = d / 4 * SLAB + d % 4 * 32;

      esp_wgmma_bf16_128 (s, esp_wgmma_further (q, further), esp_wgmma_further (k, further), d > 0);
    }
  esp_wgmma_commit ();
}

/* out += weights·v, begun. */
ESP_DEVICE void
begin_sums (float out[64], const uint32_t weights[8][4], Stage *stage, int tile)
{
  const uint64_t v = esp_wgmma_operand (stage->v[buffer_of (tile)], SLAB, ATOM);

#pragma unroll
  for (int n = 0; n < 8; n++)
    esp_wgmma_bf16_128_left (out, weights[n], esp_wgmma_further (v, n * 2 * ATOM), true);
  esp_wgmma_commit ();
}

/* Scores → weights 2^(factor·score - largest), in place; `fade` is what everything summed so far is
 * to be multiplied by. Four lanes share a row; a thread has two rows. */
ESP_DEVICE void
weigh (float factor, int keys, float s[64], float largest[2], float total[2], float fade[2])
{
  if (keys < CUDA_ATTENTION_90_KEYS)
#pragma unroll
    for (int i = 0; i < 64; i++)
      if (i / 4 * 8 + static_cast<int> (threadIdx.x) % 4 * 2 + i % 2 >= keys)
        s[i] = -INFINITY;
#pragma unroll
  for (int half = 0; half < 2; half++)
    {
      float most = -INFINITY, sum = 0;

#pragma unroll
      for (int j = 0; j < 16; j++)
        most = fmaxf (most, fmaxf (s[4 * j + 2 * half], s[4 * j + 2 * half + 1]));
      most = fmaxf (most, __shfl_xor_sync (0xffffffffu, most, 1));
      most = fmaxf (most, __shfl_xor_sync (0xffffffffu, most, 2));
      most = fmaxf (largest[half], most * factor);
      /* A row that has seen nothing but minus infinity: any finite number keeps NaN away. */
      most = most == -INFINITY ? -1e30f : most;
      fade[half] = esp_exp2 (largest[half] - most);
      largest[half] = most;
#pragma unroll
      for (int j = 0; j < 16; j++)
#pragma unroll
        for (int i = 0; i < 2; i++)
          {
            float *weight = &s[4 * j + 2 * half + i];

            *weight = esp_exp2 (fmaf (*weight, factor, -most));
            sum += *weight;
          }
      total[half] = total[half] * fade[half] + sum;
    }
}

ESP_DEVICE void
pack_weights (const float s[64], uint32_t weights[8][4])
{
#pragma unroll
  for (int n = 0; n < 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++)
      weights[n][i] = esp_pack_bf16 (s[8 * n + 2 * i], s[8 * n + 2 * i + 1]);
}

ESP_DEVICE void
store (const CudaAttention90 &a, int group, const float out[64], const float total[2])
{
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;

#pragma unroll
  for (int half = 0; half < 2; half++)
    {
      const int64_t query = static_cast<int64_t> (blockIdx.x) * CUDA_ATTENTION_90_QUERIES
                            + group * 64 + warp * 16 + half * 8 + lane / 4;
      const int64_t place = query * a.out.stride
                            + static_cast<int64_t> (blockIdx.y) * CUDA_ATTENTION_90_DIM
                            + lane % 4 * 2;
      float sum = total[half], share;

      sum += __shfl_xor_sync (0xffffffffu, sum, 1);
      sum += __shfl_xor_sync (0xffffffffu, sum, 2);
      share = sum > 0 ? 1 / sum : 0;
      if (query >= a.queries)
        continue;
#pragma unroll
      for (int j = 0; j < 16; j++)
        {
          const float x = out[4 * j + 2 * half] * share, y = out[4 * j + 2 * half + 1] * share;

          if (a.out.type == CUDA_F32)
            *reinterpret_cast<float2 *> (reinterpret_cast<float *> (a.out.data) + place + j * 8)
                = make_float2 (x, y);
          else
            *reinterpret_cast<uint32_t *> (reinterpret_cast<uint16_t *> (a.out.data) + place
                                           + j * 8)
                = esp_pack_bf16 (x, y);
        }
    }
}

/* `group` 0 or 1: which of the warpgroups that compute. Turns: each waits for its own and then
 * hands it to the other; the second one gives the first its first turn, and no turn that nobody
 * takes. */
ESP_DEVICE void
compute (const CudaAttention90 &a, Stage *stage, int group, int tiles)
{
  const float factor = a.scale * LOG2_E;
  const uint64_t q = esp_wgmma_operand (stage->q + group * 8 * ATOM, 16, ATOM);
  float s[64], out[64], largest[2] = { -INFINITY, -INFINITY }, total[2] = { 0, 0 }, fade[2];
  uint32_t weights[8][4];

#pragma unroll
  for (int i = 0; i < 64; i++)
    s[i] = out[i] = 0;
  if (group == 1)
    esp_barrier_arrive (TURN, 256);
  esp_mbarrier_wait (&stage->q_full, 0);
  esp_mbarrier_wait (&stage->k_pipe.full[0], 0);
  esp_barrier (TURN + group, 256);
  esp_wgmma_fence ();
  begin_scores (s, q, stage, 0);
  if (group == 0 || tiles > 1)
    esp_barrier_arrive (TURN + (group ^ 1), 256);
  esp_wgmma_wait<0> ();
  esp_wgmma_settled<64> (s);
  let_go (&stage->k_pipe, 0);
  weigh (factor, a.keys, s, largest, total, fade);
  pack_weights (s, weights);
  for (int tile = 1; tile < tiles; tile++)
    {
      esp_mbarrier_wait (&stage->k_pipe.full[buffer_of (tile)], parity_of (tile));
      esp_barrier (TURN + group, 256);
      esp_wgmma_fence ();
      begin_scores (s, q, stage, tile);
      esp_mbarrier_wait (&stage->v_pipe.full[buffer_of (tile - 1)], parity_of (tile - 1));
      esp_wgmma_fence ();
      begin_sums (out, weights, stage, tile - 1);
      if (group == 0 || tile + 1 < tiles)
        esp_barrier_arrive (TURN + (group ^ 1), 256);
      esp_wgmma_wait<1> ();
      esp_wgmma_settled<64> (s);
      let_go (&stage->k_pipe, tile);
      weigh (factor, a.keys - tile * CUDA_ATTENTION_90_KEYS, s, largest, total, fade);
      /* Never so, but the end of a stretch that ptxas orders as it likes: without it all of weigh()
       * goes behind the wait, where no products run beside it. */
      while (total[0] + total[1] < 0)
        total[0] *= -2;
      esp_wgmma_wait<0> ();
      esp_wgmma_settled<64> (out);
      let_go (&stage->v_pipe, tile - 1);
#pragma unroll
      for (int i = 0; i < 64; i++)
        out[i] *= fade[i / 2 % 2];
      pack_weights (s, weights);
    }
  esp_mbarrier_wait (&stage->v_pipe.full[buffer_of (tiles - 1)], parity_of (tiles - 1));
  esp_wgmma_fence ();
  begin_sums (out, weights, stage, tiles - 1);
  esp_wgmma_wait<0> ();
  esp_wgmma_settled<64> (out);
  let_go (&stage->v_pipe, tiles - 1);
  store (a, group, out, total);
}

#endif

ESP_KERNEL_RESIDENT (attention_90, CudaAttention90, CUDA_ATTENTION_90_THREADS, 1)
{
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  ESP_SHARED (Stage, stage);
  const int tiles = (a.keys + CUDA_ATTENTION_90_KEYS - 1) / CUDA_ATTENTION_90_KEYS;
  /* As a number that the compiler sees to be the same in all of a warp: products in a branch that
   * may split a warp would run one by one. */
  const int group = __shfl_sync (0xffffffffu, static_cast<int> (threadIdx.x) / 128, 0);

  if (esp_shared_address (stage) % ATOM != 0)
    __trap (); /* what swizzled operands rely on */
  if (threadIdx.x == 0)
    {
      esp_mbarrier_init (&stage->q_full, 1);
      for (int i = 0; i < BUFFERS; i++)
        {
          esp_mbarrier_init (&stage->k_pipe.full[i], 1);
          esp_mbarrier_init (&stage->v_pipe.full[i], 1);
          /* One lane of each of the eight warps that compute. */
          esp_mbarrier_init (&stage->k_pipe.empty[i], 8);
          esp_mbarrier_init (&stage->v_pipe.empty[i], 8);
        }
      esp_mbarrier_init_done ();
    }
  __syncthreads ();
  if (group == 0)
    {
      esp_registers_release<REGISTERS_COPYING> ();
      if (threadIdx.x == 0)
        copy_all (a, stage, tiles);
    }
  else
    {
      esp_registers_take<REGISTERS_COMPUTING> ();
      compute (a, stage, group - 1, tiles);
    }
#endif
}
