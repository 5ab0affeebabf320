/* SPDX-License-Identifier: MIT */
/* blocks.h: arguments of the kernels in blocks.cu, which widen weights; C for the callers, C++ for
 * the kernels. */
#pragma once

#include "ops/cuda/kernels/tensor.h"

/* name, elements of a block, its bytes: every format of files/number-format.h that a weight may
 * have. The layouts of the block formats are ggml's:
 * https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h */
#define CUDA_FORMATS(F)                                                                            \
  F (F32, 1, 4)                                                                                    \
  F (F16, 1, 2)                                                                                    \
  F (BF16, 1, 2)                                                                                   \
  F (F8_E4M3, 1, 1)                                                                                \
  F (F8_E5M2, 1, 1)                                                                                \
  F (Q4_0, 32, 18)                                                                                 \
  F (Q4_1, 32, 20)                                                                                 \
  F (Q5_0, 32, 22)                                                                                 \
  F (Q5_1, 32, 24)                                                                                 \
  F (Q8_0, 32, 34)                                                                                 \
  F (Q2_K, 256, 84)                                                                                \
  F (Q3_K, 256, 110)                                                                               \
  F (Q4_K, 256, 144)                                                                               \
  F (Q5_K, 256, 176)                                                                               \
  F (Q6_K, 256, 210)                                                                               \
  F (IQ4_NL, 32, 18)                                                                               \
  F (IQ4_XS, 256, 136)

enum
{
  WIDEN_THREADS = 256,
};

/* f32 as the sum of two bf16: their products, but for that of both low parts, are one product of
 * three times the depth. */
enum
{
  CUDA_SPLIT_NONE,
  CUDA_SPLIT_X, /* high, low, high */
  CUDA_SPLIT_W, /* high, high, low */
};

/* widen_NAME: rows of one format → f32, bf16 or f16, times `scale`. One thread makes eight numbers.
 * Also what makes operands of activations, which are rows of f32, bf16 or f16. */
typedef struct CudaWiden
{
  uint64_t source;       /* 16-aligned for the block formats; else aligned to an element */
  uint64_t target;       /* 16-aligned */
  int64_t source_stride; /* bytes from row to row */
  int64_t target_stride; /* elements from row to row, a multiple of 8; zeros behind cols */
  int32_t rows, cols;
  int32_t target_type;
  float scale;
  int32_t split; /* CUDA_SPLIT_…: the target is bf16, in three parts of target_stride/3 */
} CudaWiden;

/* Formats whose numbers are bytes times a scale for each 32 of them, plus, if `affine`, a number.
 */
#define CUDA_BYTE_FORMATS(F)                                                                       \
  F (Q4_0, false)                                                                                  \
  F (Q4_1, true)                                                                                   \
  F (Q5_0, false)                                                                                  \
  F (Q5_1, true)                                                                                   \
  F (Q8_0, false)                                                                                  \
  F (Q4_K, true)                                                                                   \
  F (Q5_K, true)                                                                                   \
  F (IQ4_NL, false)                                                                                \
  F (IQ4_XS, false)

enum
{
  BYTES_GROUP = 32,
};

/* bytes_NAME: rows of a format → rows of signed bytes and two f32 for each group of 32: what a byte
 * is to be multiplied by, and what is to be added. bytes_of_rows: rows of f32, bf16 or f16 → the
 * same, 127 for the largest of each group; its second number is the sum of the group's numbers. */
typedef struct CudaBytes
{
  uint64_t source;
  int64_t source_stride; /* bytes; bytes_of_rows: elements */
  uint64_t target;       /* 16-aligned, rows of cols bytes */
  uint64_t groups;       /* f32 [cols/32, group_stride, 2] */
  int64_t group_stride;  /* rows, an even number */
  int32_t rows, cols;    /* cols a multiple of 32 */
  int32_t source_type;   /* bytes_of_rows */
  float scale;
  /* Bytes of x count from the middle of what its group holds, which is its second number then; that
   * of W is the sum of the group's numbers. Not for affine formats. */
  int32_t one_sided;
} CudaBytes;
