/* SPDX-License-Identifier: MIT */
/* cuda-trials.h: one way of computing, tried on a card. */
#pragma once

#include "ops/cuda/cuda-check.h"

typedef enum
{
  CUDA_TRIAL_GOOD,
  CUDA_TRIAL_WRONG,  /* it gave other numbers */
  CUDA_TRIAL_FAILED, /* it could not be done, or took too long */
  CUDA_TRIAL_LOST,   /* and the card's context is of no use any more */
  CUDA_TRIAL_STUCK,  /* it does not end */
} CudaVerdict;

/* Has `way` compute what is known. `why`: what the driver said; "" if nothing. Leaves no error. */
CudaVerdict esp_cuda_try (CudaDevice *cuda, CudaWay way, char *why, size_t size);
