/* SPDX-License-Identifier: MIT */
/* fake-functions.c: every function of the driver's table, but for those that fake-driver.c has:
 * none is ever called. */
#include "ops/cuda/cuda-driver.h"

#define FUNCTION(name, symbol, arguments)                                                          \
  CUresult fake_##name arguments __asm__(symbol);                                                  \
  __attribute__ ((weak)) CUresult fake_##name arguments                                            \
  {                                                                                                \
    return CUDA_ERROR_INVALID_VALUE;                                                               \
  }

ESP_CUDA_FUNCTIONS (FUNCTION)
