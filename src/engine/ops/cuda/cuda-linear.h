/* SPDX-License-Identifier: MIT */
/* cuda-linear.h: the sources of the card's matrix products among themselves. */
#pragma once

#include "ops/cuda/cuda-device.h"

/* A product without adapters; rows and columns have been checked. epilogue is not NULL. */
void esp_cuda_plain_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                            const EspEpilogue *epilogue, EspTensor y);

/* The same with linear->adapters, of which there is at least one. */
void esp_cuda_adapted_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                              const EspEpilogue *epilogue, EspTensor y);
