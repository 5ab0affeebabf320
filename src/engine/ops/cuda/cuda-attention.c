/* SPDX-License-Identifier: MIT */
/* cuda-attention.c: which of the attention kernels is launched, and how. */
#include "ops/cuda/cuda-device.h"

void
esp_cuda_attention (EspDevice *device, const EspAttention *attention)
{
  (void) attention;
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "attention: not there yet");
}
