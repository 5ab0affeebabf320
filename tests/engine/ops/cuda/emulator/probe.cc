/* SPDX-License-Identifier: MIT */
/* probe.cc: see probe.h. */
#include "ops/cuda/kernels/language.cuh"

#include "probe.h"

/* y[i] = x[i] + which, or more than there is of it. */
ESP_KERNEL (probe_add, Probe, 256)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;

  if (i < a.count)
    reinterpret_cast<float *> (a.y)[i] = reinterpret_cast<const float *> (a.x)[i] + a.which;
}

/* y[block] = the sum of that block's x, through shared memory; `which` leaves the barriers out. */
ESP_KERNEL (probe_sum, Probe, 256)
{
  ESP_SHARED (float, sums);
  const int t = threadIdx.x;

  sums[t] = reinterpret_cast<const float *> (a.x)[blockIdx.x * blockDim.x + t];
  __syncthreads ();
  for (int step = blockDim.x / 2; step > 0; step /= 2)
    {
      if (t < step)
        sums[t] += sums[t + step];
      if (a.which == 0)
        __syncthreads ();
    }
  if (t == 0)
    reinterpret_cast<float *> (a.y)[blockIdx.x] = sums[0];
}

/* Half of the threads wait at another barrier than the others. */
ESP_KERNEL (probe_diverge, Probe, 256)
{
  if (threadIdx.x < blockDim.x / 2)
    __syncthreads ();
  else
    esp_barrier (1, blockDim.x);
}

/* Lanes that disagree about who takes part. */
ESP_KERNEL (probe_masks, Probe, 32)
{
  __shfl_sync (threadIdx.x < 16 ? 0xffffffffu : 0xffff0000u, 1, 0);
}

/* y = x by 16 bytes through shared memory and asynchronous copies; `which` forgets to wait (1) or
 * waits for all but the last group (2). */
ESP_KERNEL (probe_copy, Probe, 32)
{
  ESP_SHARED (float, tile);
  const float *from = reinterpret_cast<const float *> (a.x);

  for (int half = 0; half < 2; half++)
    {
      const int i = half * 128 + threadIdx.x * 4;
      esp_copy16 (tile + i, from + (i < a.count ? i : 0), i < a.count);
      esp_copy_commit ();
    }
  if (a.which == 0)
    esp_copy_wait<0> ();
  else if (a.which == 2)
    esp_copy_wait<1> ();
  __syncthreads ();
  for (int i = threadIdx.x; i < 256; i += 32)
    reinterpret_cast<float *> (a.y)[i] = tile[i];
}

/* One tile of every matrix instruction: y[16][8] = x[16][depth]·x[8][depth]ᵀ, x in 16-bit words or
 * bytes. */
ESP_KERNEL (probe_matrix, Probe, 32)
{
  ESP_SHARED (unsigned char, tile);
  const int lane = threadIdx.x;
  uint32_t left[4], right[4];
  float sums[4] = {};
  int32_t whole[4] = {};

  /* 24 rows of 32 bytes. */
  for (int i = lane; i < 48; i += 32)
    reinterpret_cast<uint4 *> (tile)[i] = reinterpret_cast<const uint4 *> (a.x)[i];
  __syncwarp ();
  esp_load_matrix_x4 (left, tile + (lane % 16) * 32 + lane / 16 * 16);
  esp_load_matrix_x2 (right, tile + (16 + lane % 8) * 32 + lane / 8 % 2 * 16);
  if (a.which == 0)
    esp_mma_bf16 (sums, left, right);
  else if (a.which == 1)
    esp_mma_f16 (sums, left, right);
  else if (a.which == 2)
    esp_mma_e4m3 (sums, left, right);
  else
    esp_mma_s8 (whole, left, right);
  for (int i = 0; i < 4; i++)
    reinterpret_cast<float *> (a.y)[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2]
        = a.which == 3 ? float (whole[i]) : sums[i];
}

/* Two warps hand work to each other by barriers of their own: y[i] = 3·x[i]. */
ESP_KERNEL (probe_hand_over, Probe, 64)
{
  ESP_SHARED (float, handed);
  const int lane = threadIdx.x % 32;

  if (threadIdx.x < 32)
    {
      handed[lane] = 3 * reinterpret_cast<const float *> (a.x)[lane];
      esp_barrier_arrive (1, 64);
    }
  else
    {
      esp_barrier (1, 64);
      reinterpret_cast<float *> (a.y)[lane] = handed[31 - (31 - lane)];
    }
}

/* Votes, shuffles and atomic counts: y[0] how many of x are positive, y[1] the largest. */
ESP_KERNEL (probe_vote, Probe, 256)
{
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float value = i < a.count ? reinterpret_cast<const float *> (a.x)[i] : -1;
  const unsigned positive = __ballot_sync (0xffffffffu, value > 0);
  const float most = esp_warp_max (value);

  if (threadIdx.x % 32 == 0)
    {
      atomicAdd (reinterpret_cast<float *> (a.y), float (__popc (positive)));
      atomicMax (reinterpret_cast<int *> (a.y) + 1, __float_as_int (most));
    }
}
