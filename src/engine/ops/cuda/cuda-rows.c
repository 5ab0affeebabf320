/* SPDX-License-Identifier: MIT */
/* cuda-rows.c: operations on rows and elements. */
#include "ops/cuda/cuda-device.h"

void
esp_cuda_upload (EspDevice *device, const float *host, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_upload: not there yet");
}

void
esp_cuda_download (EspDevice *device, EspTensor x, float *host)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_download: not there yet");
}

void
esp_cuda_gather_rows (EspDevice *device, const EspWeight *table, const int32_t *ids, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_gather_rows: not there yet");
}

void
esp_cuda_layer_norm (EspDevice *device, EspTensor x, const float *weight, const float *bias,
                     float eps, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_layer_norm: not there yet");
}

void
esp_cuda_modulated_norm (EspDevice *device, EspTensor x, const float *shift, const float *scale,
                         float eps, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_modulated_norm: not there yet");
}

void
esp_cuda_rms_norm (EspDevice *device, EspTensor x, const float *weight, float eps, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_rms_norm: not there yet");
}

void
esp_cuda_head_norm_rope (EspDevice *device, EspTensor x, int64_t head_dim, const float *weight,
                         float eps, const float *cosine, const float *sine, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_head_norm_rope: not there yet");
}

void
esp_cuda_activate (EspDevice *device, EspTensor x, EspActivation activation, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_activate: not there yet");
}

void
esp_cuda_multiply (EspDevice *device, EspTensor a, EspTensor b, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_multiply: not there yet");
}

void
esp_cuda_scale_add (EspDevice *device, float a, EspTensor x, float b, EspTensor y)
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_scale_add: not there yet");
}

void
esp_cuda_distance (EspDevice *device, EspTensor x, EspTensor y, double sums[2])
{
  esp_device_fail (device, ESP_ERROR_UNSUPPORTED, "esp_cuda_distance: not there yet");
}
