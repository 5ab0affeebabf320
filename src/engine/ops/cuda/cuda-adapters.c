/* SPDX-License-Identifier: MIT */
/* cuda-adapters.c: linear layers with adapters (LoRA) on the card. */
#include "ops/cuda/cuda-linear.h"

void
esp_cuda_adapted_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                         const EspEpilogue *epilogue, EspTensor y)
{
  (void) x, (void) linear, (void) epilogue, (void) y;
  esp_device_fail (&cuda->base, ESP_ERROR_UNSUPPORTED, "linear with adapters: not there yet");
}
