/* SPDX-License-Identifier: MIT */
/* cuda-images.h: what cuda-images.c has for cuda-convolution.c. */
#pragma once

#include "ops/cuda/cuda-device.h"

/* What a group norm does to each channel, on the card: y = (x - mean[c])·factor[c] + shift[c]. Lies
 * in CUDA_SCRATCH_SUMS, valid until that is used again. mean 0 with a sticky error. */
typedef struct CudaChannelNorm
{
  CUdeviceptr mean, factor, shift;
} CudaChannelNorm;

CudaChannelNorm esp_cuda_channel_norm (CudaDevice *cuda, const char *operation, int64_t channels,
                                       int64_t groups, const float *moments, const float *weight,
                                       const float *bias, float eps);
