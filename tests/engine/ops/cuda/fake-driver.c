/* SPDX-License-Identifier: MIT */
/* fake-driver.c: drivers that cannot be used, for test-driver. Compiled once for each KIND; with
 * fake-functions.c a library has all functions, without only these. */
#include "ops/cuda/cuda-driver.h"

enum
{
  UNWILLING,    /* does not start */
  NAMELESS,     /* the same, with an error that it has no name for */
  OUT_OF_DATE,  /* is for an older CUDA than our binaries need */
  CARDLESS,     /* says so when it starts */
  WITHOUT_CARD, /* starts, and then counts no cards */
  BARE,         /* has only the functions below */
};

#define NAMED 999 /* CUDA_ERROR_UNKNOWN */

#define FUNCTION(name, symbol, arguments)                                                          \
  CUresult fake_##name arguments __asm__(symbol);                                                  \
  CUresult fake_##name arguments

FUNCTION (init, "cuInit", (unsigned flags))
{
  switch (KIND)
    {
    case UNWILLING:
      return NAMED;
    case NAMELESS:
      return 12345;
    case CARDLESS:
      return CUDA_ERROR_NO_DEVICE;
    default:
      return CUDA_SUCCESS;
    }
}

FUNCTION (driver_version, "cuDriverGetVersion", (int *version))
{
  const int kind = KIND;

  *version = kind == OUT_OF_DATE ? 12040 : 13000;
  return CUDA_SUCCESS;
}

FUNCTION (device_count, "cuDeviceGetCount", (int *count))
{
  const int kind = KIND;

  *count = kind == WITHOUT_CARD ? 0 : 1;
  return CUDA_SUCCESS;
}

FUNCTION (error_name, "cuGetErrorName", (CUresult error, const char **name))
{
  *name = error == NAMED ? "CUDA_ERROR_UNKNOWN" : NULL;
  return error == NAMED ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

FUNCTION (error_string, "cuGetErrorString", (CUresult error, const char **text))
{
  *text = error == NAMED ? "unknown error" : NULL;
  return error == NAMED ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
