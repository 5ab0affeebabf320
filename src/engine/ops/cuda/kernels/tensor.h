/* SPDX-License-Identifier: MIT */
/* tensor.h: views as kernels' parameters have them; C for the callers, C++ for the kernels. */
#pragma once

#include <stdint.h>

/* Types of elements in memory on the card. */
enum
{
  CUDA_F32,
  CUDA_BF16,
  CUDA_F16,
};

/* rows × cols elements; row r begins `stride` elements after row r - 1. */
typedef struct CudaView
{
  uint64_t data; /* device pointer */
  int64_t rows, cols, stride;
  int32_t type;
} CudaView;

/* What cuTensorMapEncodeTiled() makes: a tensor as the copy engine of sm_90 sees it. */
typedef struct CudaTensorMap
{
  uint64_t opaque[16];
} __attribute__ ((aligned (64))) CudaTensorMap;
