/* SPDX-License-Identifier: MIT */
/* cuda-images.c: group norms and windows of images. */
#include "ops/cuda/cuda-device.h"

void
esp_cuda_group_moments (EspDevice *device, EspTensor x, int64_t groups, float *moments)
{
  (void) x, (void) groups, (void) moments;
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "group_moments: not there yet");
}

void
esp_cuda_group_norm (EspDevice *device, EspTensor x, int64_t groups, const float *moments,
                     const float *weight, const float *bias, float eps, bool silu, EspTensor y)
{
  (void) x, (void) groups, (void) moments, (void) weight, (void) bias, (void) eps, (void) silu;
  (void) y;
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "group_norm: not there yet");
}

void
esp_cuda_copy_window (EspDevice *device, EspTensor x, EspGrid grid, int64_t batch_index,
                      int64_t top, int64_t left, EspGrid window, EspTensor y)
{
  (void) x, (void) grid, (void) batch_index, (void) top, (void) left, (void) window, (void) y;
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "copy_window: not there yet");
}
