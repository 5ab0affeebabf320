/* SPDX-License-Identifier: MIT */
/* attention.h: parameters of the kernels in attention.cu. */
#pragma once

#include "ops/cuda/kernels/tensor.h"

enum
{
  /* Flash attention on the matrix unit: 4 warps of 32 queries each. */
  CUDA_ATTENTION_QUERIES = 128,
  CUDA_ATTENTION_THREADS = 128,
  /* Plain f32: 64 queries × 64 keys, each thread 4 × 4 of them. */
  CUDA_ATTENTION_PLAIN_QUERIES = 64,
  CUDA_ATTENTION_PLAIN_KEYS = 64,
  CUDA_ATTENTION_PLAIN_THREADS = 256,
  CUDA_ATTENTION_PLAIN_DEPTH = 32,    /* of a head's columns, while scores are summed */
  CUDA_ATTENTION_PLAIN_PITCH = 68,    /* numbers from one line of 64 to the next: 4 banks further */
  CUDA_ATTENTION_PLAIN_VALUES = 2048, /* of v at a time */
};

/* Grid: x over tiles of queries, y over heads; the plain kernels have z over slices of a head's
 * columns as well. */
typedef struct CudaAttention
{
  CudaView q, k, v, out;
  uint64_t relative_bias; /* f32 [heads, q.rows + k.rows - 1] or 0 */
  int32_t head_dim;
  int32_t causal;
  float scale; /* > 0 on the matrix unit */
} CudaAttention;
