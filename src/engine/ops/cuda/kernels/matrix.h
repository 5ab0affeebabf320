/* SPDX-License-Identifier: MIT */
/* matrix.h: arguments of the kernels in matrix.cu and matrix-90.cu: products x·Wᵀ and what happens
 * to them on their way to y. C for the callers, C++ for the kernels.
 */
#pragma once

#include "ops/cuda/kernels/tensor.h"

/* EspActivation's values. */
enum
{
  CUDA_ACTIVATION_NONE,
  CUDA_ACTIVATION_SILU,
  CUDA_ACTIVATION_GELU_TANH,
  CUDA_ACTIVATION_GELU_ERF,
  CUDA_ACTIVATION_QUICK_GELU,
};

/* From a sum to y: t = activation (sum·scale·row_scale + bias), t *= gate, y = accumulate ? y + t :
 * t. With head_dim: columns of queries and keys are normalised per head and rotated instead
 * (ops.h, EspHeadNorm). All pointers are device pointers, 0 if there is none, and begin at the
 * product's first column but for those of heads. */
typedef struct CudaFinish
{
  uint64_t y;
  int64_t y_stride; /* elements */
  uint64_t bias, gate;
  uint64_t row_scale;    /* f32 of each row of x */
  uint64_t column_scale; /* f32 of each row of W */
  float scale;
  int32_t y_type;
  int32_t activation;
  int32_t accumulate;
  int32_t vector; /* four columns of y may be read and written at once */
  /* Heads */
  int32_t head_dim;     /* 32, 64, 128; 0: none */
  int32_t head_columns; /* of the queries, and of the keys */
  int32_t first_column; /* of this product in the layer, a multiple of head_dim */
  float eps;
  uint64_t weight_q, weight_k, cosine, sine;
} CudaFinish;

/* y [m, n] = finish (A [m, k] · B [n, k]ᵀ). Rows of A and B are 16-aligned and k a multiple of 16
 * bytes, but for the f32 kernels, which take everything. */
typedef struct CudaProduct
{
  uint64_t a, b;
  int64_t a_stride, b_stride;  /* bytes from row to row */
  int32_t m, n, k;             /* k in elements */
  int32_t b_wrap;              /* bytes: rows of B are repeated from there on; 0: they are not */
  int32_t splits;              /* blocks that share a tile, each with a range of k */
  int32_t split_tiles;         /* tiles of k in such a range */
  uint64_t a_groups, b_groups; /* products of bytes: their groups (CudaBytes) */
  int64_t a_group_stride, b_group_stride;
  uint64_t partial;       /* splits > 1: f32 [splits, m, partial_stride] */
  int64_t partial_stride; /* elements, a multiple of 4 */
  CudaFinish finish;
} CudaProduct;

/* The same by the copy engine and wgmma (matrix-90.cu): what the kernel reads of `product` are its
 * sizes and its finish. */
typedef struct CudaProduct90
{
  CudaTensorMap a, b; /* boxes of 128 bytes × MATRIX_90_ROWS, and × the tile's columns */
  CudaProduct product;
} CudaProduct90;

/* The last step of a product that was split: sums [splits, m, stride] → y. */
typedef struct CudaSumSplits
{
  uint64_t partial;
  int64_t stride;
  int32_t m, n, splits;
  CudaFinish finish;
} CudaSumSplits;

/* A few rows of x [rows ≤ VECTOR_ROWS] times W of any format: dot products. */
typedef struct CudaVector
{
  uint64_t x;
  int64_t x_stride; /* elements */
  int32_t x_type;
  int32_t type; /* operands are rounded to it */
  uint64_t w;
  int64_t w_stride; /* bytes */
  float w_scale;
  int32_t rows, n, k;
  CudaFinish finish;
} CudaVector;

/* Rows of a view → rows of E4M3, each with the scale that makes its largest number 448. */
typedef struct CudaQuantise
{
  uint64_t source;       /* f32, bf16 or f16 */
  int64_t source_stride; /* elements */
  int32_t source_type;
  int32_t rows, cols;
  uint64_t target;       /* 16-aligned */
  int64_t target_stride; /* bytes, a multiple of 16; zeros behind cols */
  uint64_t scales;       /* f32 [rows]: what a byte is to be multiplied by */
} CudaQuantise;

enum
{
  FINISH_COLUMNS = 4, /* of y that one thread does */
  VECTOR_ROWS = 8,
  VECTOR_COLUMNS = 4, /* of y that a warp does */
  VECTOR_THREADS = 256,
  SUM_THREADS = 256,
  QUANTISE_THREADS = 256,
  MATRIX_F32_TILE = 64,
  MATRIX_F32_THREADS = 256,
  MATRIX_90_ROWS = 128,
  MATRIX_90_THREADS = 384,
  TILE_GROUP = 8, /* rows of tiles that follow each other: their W stays in the cache */
};
