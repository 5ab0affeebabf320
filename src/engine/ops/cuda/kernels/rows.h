/* SPDX-License-Identifier: MIT */
/* rows.h: arguments of the kernels in rows.cu; C for the callers, C++ for the kernels. */
#pragma once

#include "ops/cuda/kernels/tensor.h"

enum
{
  ROWS_GROUP = 8, /* columns that one thread does at once: 16 bytes of 16-bit numbers */
  ROWS_ELEMENT_THREADS = 256,
  ROWS_NORM_THREADS = 128,
  ROWS_NORM_HELD = 4, /* groups of a row that a thread keeps in registers: 4096 columns */
  ROWS_HEAD_THREADS = 256,
  ROWS_DISTANCE_THREADS = 256,
  ROWS_DISTANCE_BLOCKS = 256, /* at most; each gives two sums */
};

/* A view whose groups are all 16-aligned may be read and written as such. */
typedef struct CudaRows
{
  uint64_t data;
  int64_t stride; /* elements */
  int32_t type;
  int32_t vector;
} CudaRows;

/* rows_activate: y = activation (a); rows_multiply: y = a·b; rows_scale_add: y = factor_a·a +
 * factor_y·y, where y is not read if factor_y is 0. One thread for each group of columns. */
typedef struct CudaElements
{
  CudaRows a, b, y;
  uint32_t rows, cols, groups; /* groups of a row */
  int32_t activation;
  float factor_a, factor_y;
} CudaElements;

/* rows_norm: y = (scale_offset + scale)·(x - mean)/√(var + eps) + shift, or, for `rms`, without the
 * mean. One block for each row. rows_norm_wide: the same for rows that are too long for registers.
 */
typedef struct CudaNorm
{
  CudaRows x, y;
  uint32_t cols;
  uint64_t scale, shift; /* f32 [cols], 0 = none: 1 - scale_offset and 0 */
  int32_t vector;        /* both are 16-aligned */
  int32_t rms;
  float scale_offset, eps;
} CudaNorm;

/* rows_heads: RMS norm of each head, then rotation of its pairs. `lanes` lanes of a warp, a power
 * of 2, share a head. */
typedef struct CudaHeads
{
  CudaRows x, y;
  uint32_t rows, heads, head_dim, lanes;
  uint64_t weight;       /* f32 [head_dim] */
  uint64_t cosine, sine; /* f32 [rows, head_dim/2], or 0 */
  float eps;
} CudaHeads;

/* rows_distance: Σ|x - y| and Σ|y| of a block's groups, in f64, into sums[2·block]. */
typedef struct CudaDistance
{
  CudaRows x, y;
  uint32_t rows, cols, groups;
  uint64_t sums;
} CudaDistance;
