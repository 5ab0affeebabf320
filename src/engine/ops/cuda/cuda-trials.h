/* SPDX-License-Identifier: MIT */
/* cuda-trials.h: one way of computing, tried on a card. */
#pragma once

#include "ops/cuda/cuda-check.h"
#include "ops/cuda/cuda-linear.h"

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

/* --- The sources of trials among themselves --- */

enum
{
  CUDA_TRIAL_LARGEST = 3 /* of the operands */
};

/* One way's trial. */
typedef struct CudaTrial
{
  CudaDevice *cuda;
  CUdeviceptr memory;
  size_t used;
  CUevent done;
  bool late;
  char why[128];
} CudaTrial;

/* Operand `which`, a whole number up to CUDA_TRIAL_LARGEST without its sign. */
int esp_cuda_trial_number (unsigned which, int row, int col);

/* The compute type's. */
CudaNumbers esp_cuda_trial_numbers (const CudaDevice *cuda);

/* `bytes` bytes of the trial's memory, filled with `from`; 0 with a sticky error. Whole numbers as
 * such of a format. */
CUdeviceptr esp_cuda_trial_put (CudaTrial *trial, const void *from, size_t bytes);
CUdeviceptr esp_cuda_trial_rows (CudaTrial *trial, const int8_t *values, int64_t count,
                                 CudaNumbers numbers);

/* Waits for what was launched, but not for ever. */
CudaVerdict esp_cuda_trial_wait (CudaTrial *trial);

/* After a sticky error, which goes: can the card still be asked for anything? */
CudaVerdict esp_cuda_trial_error (CudaTrial *trial);

CudaVerdict esp_cuda_try_attention (CudaTrial *trial);
CudaVerdict esp_cuda_try_wgmma_attention (CudaTrial *trial);
