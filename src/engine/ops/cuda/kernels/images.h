/* SPDX-License-Identifier: MIT */
/* images.h: parameters of the kernels in images.cu. Images are f32, channels last, contiguous. */
#pragma once

#include "ops/cuda/kernels/tensor.h"

enum
{
  CUDA_IMAGE_THREADS = 256,
  CUDA_TRANSPOSE_TILE = 32,

  CUDA_NORM_GROUPS = 64, /* whose moments travel as parameters of one launch */
  CUDA_SUM_PARTS = 512,  /* at most; of rows, each summed by one block */
  CUDA_SUM_ROWS = 32,    /* at least, in each part */

  /* Convolution in plain f32: 128 pixels × 64 outputs, 16 channels at a time. */
  CUDA_CONV_PIXELS = 128,
  CUDA_CONV_OUTPUTS = 64,
  CUDA_CONV_DEPTH = 16,
  CUDA_CONV_PITCH = CUDA_CONV_PIXELS + 4,

  /* On the matrix unit: 8 × 16 pixels × 64 or 32 outputs. */
  CUDA_CONV_ROWS = 8,
  CUDA_CONV_COLS = 16,
  CUDA_CONV_NARROW = 32,
  CUDA_CONV_WEIGHT_BYTES = 8192, /* of tiles of weights, some on their way */
  CUDA_CONV_PIXEL_BYTES = 80,    /* 16 channels' upper halves, lower halves, and 16 bytes that keep
                                    eight neighbours in different banks */
};

/* image_norm_channels: mean[c], factor[c] = weight[c]/√(variance + eps) and shift[c] = bias[c],
 * where vectors of 4 can be read, for the channels of groups [first, first + groups). One thread a
 * channel. */
typedef struct CudaNormChannels
{
  float moments[2 * CUDA_NORM_GROUPS];
  int32_t first, groups, per_group;
  float eps;
  uint64_t weight, bias, mean, factor, shift; /* f32 [channels] */
} CudaNormChannels;

/* image_group_norm_*: y = (x - mean[c])·factor[c] + shift[c], then SiLU if `silu`. `count` vectors
 * of 4 or 1 numbers, `per_row` of them in a row. */
typedef struct CudaGroupNorm
{
  uint64_t x, y;
  uint64_t mean, factor, shift;
  int64_t count;
  int32_t per_row, silu;
} CudaGroupNorm;

/* image_sums_*: grid x over parts of the rows, y over stretches of 256 vectors of a row; each
 * channel's sum and sum of squares, of the differences from its group's first number, in the part:
 * sums[(part·cols + c)·2 + {0, 1}]. image_moments: grid x over groups; result[2·g] mean, [2·g + 1]
 * variance. */
typedef struct CudaSums
{
  uint64_t x;
  uint64_t sums;   /* f64 */
  uint64_t result; /* f32 */
  int64_t rows;
  int32_t cols, parts, per_group;
} CudaSums;

/* image_copy_*: `lines` stretches of `count` vectors of 4 or 1 numbers. Grid x over a line's
 * vectors, y over lines. */
typedef struct CudaWindowCopy
{
  uint64_t from, to;
  int64_t from_step, to_step; /* vectors from one line to the next */
  int64_t lines, count;
} CudaWindowCopy;

/* image_softmax: each row of f32 scores, times `scale`, becomes its softmax, in place. One block a
 * row. */
typedef struct CudaSoftmax
{
  uint64_t scores;
  int64_t cols; /* and from one row to the next */
  float scale;
} CudaSoftmax;

/* image_transpose: [rows, cols] f32 → [cols, rows]; image_gather: the same rows one after another.
 * Grid x over tiles of rows, y over tiles of columns. */
typedef struct CudaTranspose
{
  uint64_t from, to;
  int64_t from_stride;
  int32_t rows, cols;
} CudaTranspose;

/* image_weights_plain: [out][in][taps] → [tap][in][padded out]. image_weights_split: the same → for
 * each `block` outputs, for each 16 channels, for each tap: [block][16] upper halves as bf16 and,
 * unless `exact`, [block][16] lower ones, as image_convolve_* reads them. One thread a number of
 * the result, but for the lower halves. */
typedef struct CudaConvWeights
{
  uint64_t from, to;
  int32_t in, out, taps, block, exact;
  int32_t padded_in, padded_out;
} CudaConvWeights;

/* A convolution. Sizes of x are before doubling. */
typedef struct CudaConvolution
{
  uint64_t x, y, weights, bias;
  uint64_t mean, factor, shift; /* f32 [in]; mean 0: no norm */
  int64_t batch;
  int32_t height, width, in, out_height, out_width, out, padded_out;
  int32_t kernel, stride, pad_top, pad_left;
  int32_t doubled, silu, accumulate;
} CudaConvolution;
