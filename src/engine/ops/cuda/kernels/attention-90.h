/* SPDX-License-Identifier: MIT */
/* attention-90.h: parameters of the kernel in attention-90.cu. */
#pragma once

#include "ops/cuda/kernels/tensor.h"

enum
{
  CUDA_ATTENTION_90_QUERIES = 128, /* of a block: 64 for each of two warpgroups */
  CUDA_ATTENTION_90_KEYS = 128,    /* of a tile */
  CUDA_ATTENTION_90_DIM = 128,
  CUDA_ATTENTION_90_BUFFERS = 2, /* of tiles of k, and of v */
  CUDA_ATTENTION_90_THREADS = 384,
  CUDA_ATTENTION_90_TILE = 128 * 128 * 2, /* bytes of a tile of q, k or v */
  CUDA_ATTENTION_90_SHARED = (1 + 2 * CUDA_ATTENTION_90_BUFFERS) * CUDA_ATTENTION_90_TILE + 128,
};

/* The maps are of bf16 [rows, heads·128] in boxes of 128 rows of 64 columns, swizzled over 128
 * bytes. Grid: x over tiles of queries, y over heads. */
typedef struct CudaAttention90
{
  CudaTensorMap q, k, v;
  CudaView out;
  int32_t queries, keys;
  float scale; /* > 0 */
} CudaAttention90;
