/* SPDX-License-Identifier: MIT */
/* cuda-no-kernels.c: what is built in where kernels are in files, or were not compiled: no binary
 * that a card could run. */
#include "ops/cuda/cuda-kernels.h"

const bool esp_cuda_has_kernels = false;
const char esp_cuda_architectures[] = "";

const CudaImage esp_cuda_images[CUDA_MODULE_COUNT] = {
  [CUDA_MODULE_ROWS] = { "rows", "", 0 },
  [CUDA_MODULE_BLOCKS] = { "blocks", "", 0 },
  [CUDA_MODULE_MATRIX] = { "matrix", "", 0 },
  [CUDA_MODULE_MATRIX_90] = { "matrix-90", "", 0 },
  [CUDA_MODULE_ATTENTION] = { "attention", "", 0 },
  [CUDA_MODULE_ATTENTION_90] = { "attention-90", "", 0 },
  [CUDA_MODULE_IMAGES] = { "images", "", 0 },
};
