/* SPDX-License-Identifier: MIT */
/* cuda-fp8.h: weights that are kept in E4M3 though their file has them in a wider format. */
#pragma once

#include "ops/cuda/cuda-device.h"

/* Is this part of the layer? Those that the device multiplies in fp8 and that take more than 8 bits
 * for a number in the file. */
bool esp_cuda_keeps_fp8 (const CudaDevice *cuda, const EspLinear *linear, int part);

/* Rows [first, first + rows) of a matrix with `in` columns → E4M3 and a scale for each, which makes
 * its largest number 448; the weight's own scale is in it. They are finite. By several threads. */
void esp_cuda_fp8_rows (const EspWeight *weight, int64_t in, int64_t first, int64_t rows,
                        uint8_t *to, float *scales);
