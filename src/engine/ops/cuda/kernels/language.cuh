/* SPDX-License-Identifier: MIT */
/* language.cuh: the CUDA that our kernels are written in.
 *
 * nvcc compiles it for the card. Without __CUDACC__ the same source is C++ for the processor: the
 * tests' cuda-host.h gives threads, barriers, shuffles and these wrappers a meaning there
 * (tests/engine/ops/cuda). So a kernel uses PTX only through a wrapper that both have. Kernels are
 * C with the little of C++ that a template needs.
 */
#pragma once

#include <stdint.h>

#ifdef __CUDACC__

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#define ESP_DEVICE static __device__ __forceinline__

/* A kernel: its only parameter is a structure, its name the same in the binary. */
#define ESP_KERNEL(name, Arguments, threads)                                                       \
  extern "C" __global__ void __launch_bounds__ (threads) name (const __grid_constant__ Arguments a)

/* The same, with at least so many blocks on a multiprocessor: what registers are rationed for. */
#define ESP_KERNEL_RESIDENT(name, Arguments, threads, blocks)                                      \
  extern "C" __global__ void __launch_bounds__ (threads, blocks)                                   \
      name (const __grid_constant__ Arguments a)

/* All dynamic shared memory of the block, 1024-aligned. */
extern __shared__ __align__ (1024) unsigned char esp_shared_memory[];
#define ESP_SHARED(Type, name) Type *name = reinterpret_cast<Type *> (esp_shared_memory)

/* What the architecture being compiled has. */
#define ESP_HAS_BF16_MMA (__CUDA_ARCH__ >= 800) /* and cp.async */
#define ESP_HAS_FP8_MMA  (__CUDA_ARCH__ >= 890)

ESP_DEVICE uint32_t
esp_shared_address (const void *pointer)
{
  return static_cast<uint32_t> (__cvta_generic_to_shared (pointer));
}

/* 16 bytes from global to shared memory, behind the thread's back; zeros where !valid (the address
 * must be readable nevertheless). Both 16-aligned. Plain loads before sm_80. */
ESP_DEVICE void
esp_copy16 (void *shared, const void *global, bool valid)
{
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(esp_shared_address (shared)),
               "l"(global), "r"(valid ? 16 : 0)
               : "memory");
#else
  *static_cast<int4 *> (shared)
      = valid ? *static_cast<const int4 *> (global) : make_int4 (0, 0, 0, 0);
#endif
}

/* Ends a group of esp_copy16; esp_copy_wait<n> waits until at most n groups are under way (a
 * barrier is needed as well before other threads' copies are seen). */
ESP_DEVICE void
esp_copy_commit (void)
{
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int n>
ESP_DEVICE void
esp_copy_wait (void)
{
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#endif
}

/* Four (two) 8 × 8 matrices of 16-bit values from shared memory: lane l names row l % 8 of matrix
 * l / 8 (16-aligned); it gets, of matrix i, row l / 4, columns 2·(l % 4) and + 1, in r[i]. With
 * _trans each matrix is transposed on the way. */
ESP_DEVICE void
esp_load_matrix_x4 (uint32_t r[4], const void *row)
{
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(esp_shared_address (row))
               : "memory");
}

ESP_DEVICE void
esp_load_matrix_x4_trans (uint32_t r[4], const void *row)
{
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(esp_shared_address (row))
               : "memory");
}

ESP_DEVICE void
esp_load_matrix_x2 (uint32_t r[2], const void *row)
{
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(esp_shared_address (row))
               : "memory");
}

ESP_DEVICE void
esp_load_matrix_x2_trans (uint32_t r[2], const void *row)
{
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(esp_shared_address (row))
               : "memory");
}

/* A barrier for some of the block's warps: `threads` of them (a multiple of 32) meet at barrier
 * `id`, 1 to 15; 0 is __syncthreads (). _arrive counts in without waiting. */
ESP_DEVICE void
esp_barrier (int id, int threads)
{
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

ESP_DEVICE void
esp_barrier_arrive (int id, int threads)
{
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/* c += a·b for one warp, f32 sums: a 16 × 16 row by row, b 16 × 8 column by column. */
ESP_DEVICE void
esp_mma_bf16 (float c[4], const uint32_t a[4], const uint32_t b[2])
{
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
               "{%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else /* not by a card that has none: rather no result than a wrong one */
  __trap ();
#endif
}

ESP_DEVICE void
esp_mma_f16 (float c[4], const uint32_t a[4], const uint32_t b[2])
{
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
               "{%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else /* sm_75 has k = 8: the same fragments, in two halves */
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
               "{%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]));
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
               "{%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[2]), "r"(a[3]), "r"(b[1]));
#endif
}

/* Signed bytes, 32-bit sums: a 16 × 32 row by row, b 32 × 8 column by column; sm_75 on. */
ESP_DEVICE void
esp_mma_s8 (int32_t c[4], const uint32_t a[4], const uint32_t b[2])
{
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
               "{%8,%9}, {%0,%1,%2,%3};"
               : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else /* sm_75 has 8 × 8 with k = 16: the same fragments, in four quarters */
  for (int half = 0; half < 2; half++)
    for (int row = 0; row < 2; row++)
      asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%3}, {%0,%1};"
                   : "+r"(c[2 * row]), "+r"(c[2 * row + 1])
                   : "r"(a[2 * half + row]), "r"(b[half]));
#endif
}

/* fp8 E4M3, f32 sums, the shapes of esp_mma_s8; sm_89 on. */
ESP_DEVICE void
esp_mma_e4m3 (float c[4], const uint32_t a[4], const uint32_t b[2])
{
#if __CUDA_ARCH__ >= 890
  asm volatile("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
               "{%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else /* not by a card that has none: rather no result than a wrong one */
  __trap ();
#endif
}

/* Two numbers as 16-bit ones in a register, the first in the lower half. */
ESP_DEVICE uint32_t
esp_pack_bf16 (float low, float high)
{
  uint32_t pair = 0;

#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
#endif
  return pair;
}

ESP_DEVICE uint32_t
esp_pack_f16 (float low, float high)
{
  uint32_t pair;

#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
#else
  asm("{ .reg .f16 l, h; cvt.rn.f16.f32 l, %1; cvt.rn.f16.f32 h, %2; mov.b32 %0, {l, h}; }"
      : "=r"(pair)
      : "f"(low), "f"(high));
#endif
  return pair;
}

/* 2^x to about 2^-22 of it; 0 for what is less than 2^-126. */
ESP_DEVICE float
esp_exp2 (float x)
{
  float y;

  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

#else /* the processor */

#include "cuda-host.h"

#endif

/* --- The same on both --------------------------------------------------------------------------
 */

ESP_DEVICE float
esp_warp_sum (float value)
{
  for (int step = 16; step > 0; step /= 2)
    value += __shfl_xor_sync (0xffffffffu, value, step);
  return value;
}

ESP_DEVICE float
esp_warp_max (float value)
{
  for (int step = 16; step > 0; step /= 2)
    value = fmaxf (value, __shfl_xor_sync (0xffffffffu, value, step));
  return value;
}
