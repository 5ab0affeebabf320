/* SPDX-License-Identifier: MIT */
/* cuda-kernels.h: the kernels' binaries: built into the engine, or in files of an installation of
 * their own, the extension of a Flatpak for one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

/* Each is one file of kernels, kernels/NAME.cu, compiled for all architectures. Loaded onto a card
 * when the first of its kernels is wanted. */
typedef enum
{
  CUDA_MODULE_ROWS,         /* norms, rotation, element by element, gather */
  CUDA_MODULE_BLOCKS,       /* every number format of weights → bf16, f16, f32 */
  CUDA_MODULE_MATRIX,       /* products: f32, bf16, f16, bytes, fp8 by mma.sync; few rows */
  CUDA_MODULE_MATRIX_90,    /* products by wgmma and TMA */
  CUDA_MODULE_ATTENTION,    /* flash attention by mma.sync, and for any head in plain f32 */
  CUDA_MODULE_ATTENTION_90, /* flash attention by wgmma */
  CUDA_MODULE_IMAGES,       /* convolutions, group norms, windows */
  CUDA_MODULE_COUNT
} CudaModule;

typedef struct CudaImage
{
  const char *name; /* "rows" */
  const void *data; /* fat binary; what the build without nvcc has is no binary at all */
  size_t bytes;
} CudaImage;

/* Those that are built in, made by the build. */
extern const CudaImage esp_cuda_images[CUDA_MODULE_COUNT];
extern const bool esp_cuda_has_kernels;     /* false: none is built in */
extern const char esp_cuda_architectures[]; /* "sm_75, sm_80, …, PTX"; "" if none is built in */

typedef struct CudaKernels
{
  CudaImage images[CUDA_MODULE_COUNT];
  char architectures[128];
  void *files[CUDA_MODULE_COUNT]; /* what was read, NULL for what is built in */
} CudaKernels;

/* The kernels that this engine runs: those in the folder $ESPALIER_CUDA_KERNELS if it is set; else
 * those built in; else those in lib/espalier/cuda of the engine's own prefix. Files are checked:
 * they must have been made of the very sources that this engine was, and be whole. ESP_OK, or
 * ESP_ERROR_UNSUPPORTED with one line for people. Clear *kernels in either case. */
EspStatus esp_cuda_kernels_load (CudaKernels *kernels, EspError *error);
void esp_cuda_kernels_clear (CudaKernels *kernels);

/* Were kernels asked for by name, $ESPALIER_CUDA_KERNELS? */
bool esp_cuda_kernels_are_chosen (void);
