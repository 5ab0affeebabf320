/* SPDX-License-Identifier: MIT */
/* cuda-convolution.c: convolutions of channels-last images. */
#include "ops/cuda/cuda-device.h"

void
esp_cuda_prepare_conv (EspDevice *device, EspConv *conv)
{
  (void) conv;
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "prepare_conv: not there yet");
}

void
esp_cuda_release_conv (EspDevice *device, EspConv *conv)
{
  (void) device, (void) conv;
}

void
esp_cuda_conv2d (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv,
                 const EspGroupNorm *norm, bool accumulate, EspTensor y)
{
  (void) x, (void) grid, (void) conv, (void) norm, (void) accumulate, (void) y;
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "conv2d: not there yet");
}
