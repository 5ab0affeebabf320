/* SPDX-License-Identifier: MIT */
/* cuda-linear.c: linear layers on the card: which way each goes. */
#include "ops/cuda/cuda-linear.h"

void
esp_cuda_plain_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                       const EspEpilogue *epilogue, EspTensor y)
{
  (void) x, (void) linear, (void) epilogue, (void) y;
  esp_device_fail (&cuda->base, ESP_ERROR_UNSUPPORTED, "linear: not there yet");
}

void
esp_cuda_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                 const EspEpilogue *epilogue, EspTensor y)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  CudaDevice *cuda = (CudaDevice *) device;

  if (!esp_cuda_enter (cuda))
    return;
  epilogue = epilogue != NULL ? epilogue : &plain;
  if (linear->adapter_count > 0)
    esp_cuda_adapted_linear (cuda, x, linear, epilogue, y);
  else
    esp_cuda_plain_linear (cuda, x, linear, epilogue, y);
}

void
esp_cuda_linear_heads (EspDevice *device, EspTensor x, const EspLinear *linear,
                       const EspHeadNorm *norm, EspTensor y)
{
  EspTensor q = esp_tensor_cols (y, 0, norm->columns);
  EspTensor k = esp_tensor_cols (y, norm->columns, norm->columns);

  esp_cuda_linear (device, x, linear, NULL, y);
  esp_cuda_head_norm_rope (device, q, norm->head_dim, norm->weight_q, norm->eps, norm->cosine,
                           norm->sine, q);
  esp_cuda_head_norm_rope (device, k, norm->head_dim, norm->weight_k, norm->eps, norm->cosine,
                           norm->sine, k);
}
