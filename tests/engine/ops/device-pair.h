/* SPDX-License-Identifier: MIT */
/* device-pair.h: the same data on a device under test and on the reference, and their comparison.
 */
#pragma once

#include "ops/ops.h"

typedef struct DevicePair
{
  EspDevice *tested, *reference;
  char label[64]; /* for messages: "avx2 bf16" */
} DevicePair;

/* A view on each device, inside storage of rows · stride whose gaps hold a sentinel. */
typedef struct TensorPair
{
  EspTensor tested, reference;
} TensorPair;

/* False, with nothing open, when this machine cannot run the level (NULL: the processor's best one;
 * "cuda": the NVIDIA card). */
bool pair_open (DevicePair *pair, const char *level, EspCompute compute, int threads,
                size_t weight_budget);
void pair_close (DevicePair *pair);

/* Repeatable numbers: roughly normal, times `scale`. Freed by the caller. */
float *random_values (int64_t count, uint64_t seed, float scale);

/* A pair of views holding the same random numbers. */
TensorPair tensor_pair (DevicePair *pair, EspDType dtype, int64_t rows, int64_t cols,
                        int64_t stride, uint64_t seed, float scale);
/* The same with the caller's numbers [rows, cols]. */
TensorPair tensor_pair_of (DevicePair *pair, EspDType dtype, int64_t rows, int64_t cols,
                           int64_t stride, const float *values);
void tensor_pair_free (DevicePair *pair, TensorPair *tensors);

/* A weight of random numbers in f32, f16, bf16 or a block format (of about the scale); the data is
 * one allocation, freed by weight_clear. */
EspWeight random_weight (EspDType dtype, int dims, const int64_t *shape, uint64_t seed,
                         float scale);
void weight_clear (EspWeight *weight);

/* True if relative L2 difference and the largest difference over the reference's root mean square
 * are below `tolerance` and 40 times that, neither device failed and no gap was written; else
 * prints what is wrong, with `what` and the label. */
bool pair_agrees (DevicePair *pair, const TensorPair *tensors, double tolerance, const char *what);
