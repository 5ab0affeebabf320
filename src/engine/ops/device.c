/* SPDX-License-Identifier: MIT */
/* device.c: what every device shares: its sticky error, its end, and tensors. */
#include "ops/ops.h"

#include <stdarg.h>
#include <stdio.h>

void
esp_device_free (EspDevice *device)
{
  if (device != NULL)
    device->ops->destroy (device);
}

EspStatus
esp_device_check (const EspDevice *device, EspError *error)
{
  if (error != NULL && device->error.status != ESP_OK)
    *error = device->error;
  return device->error.status;
}

void
esp_device_fail (EspDevice *device, EspStatus status, const char *format, ...)
{
  char message[ESP_ERROR_MESSAGE_MAX];
  va_list arguments;

  if (device->error.status != ESP_OK)
    return;
  va_start (arguments, format);
  vsnprintf (message, sizeof message, format, arguments);
  va_end (arguments);
  esp_error_set (&device->error, status, "%s", message);
}

EspTensor
esp_tensor_new (EspDevice *device, EspDType dtype, int64_t rows, int64_t cols)
{
  EspTensor tensor = { NULL, dtype, rows, cols, cols };
  int64_t count;

  if (device->error.status != ESP_OK)
    return tensor;
  if (rows < 0 || cols < 0 || (dtype != ESP_F32 && dtype != ESP_BF16 && dtype != ESP_F16)
      || __builtin_mul_overflow (rows, cols, &count) || count > INT64_MAX / 8)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "tensor of %lld rows × %lld columns is not possible", (long long) rows,
                       (long long) cols);
      return tensor;
    }
  tensor.data = device->ops->allocate (device, esp_dtype_bytes (dtype, count));
  return tensor;
}

void
esp_tensor_free (EspDevice *device, EspTensor *tensor)
{
  device->ops->release (device, tensor->data,
                        esp_dtype_bytes (tensor->dtype, tensor->rows * tensor->cols));
  *tensor = (EspTensor){ 0 };
}

bool
esp_device_check_linear (EspDevice *device, const EspLinear *linear)
{
  int64_t out = 0;
  bool fits = linear->parts > 0 && linear->parts <= ESP_LINEAR_MAX_PARTS && linear->in > 0;

  for (int i = 0; fits && i < linear->parts; i++)
    {
      const EspWeight *weight = linear->weight[i], *bias = linear->bias[i];

      fits = weight != NULL && weight->count % linear->in == 0 && weight->dtype != ESP_I32
             && linear->in % esp_dtype_block (weight->dtype) == 0
             && (bias == NULL || bias->count == weight->count / linear->in);
      out += fits ? weight->count / linear->in : 0;
    }
  if (fits && out == linear->out && out > 0)
    return true;
  esp_device_fail (
      device, ESP_ERROR_ARGUMENT, "prepare_linear: the parts of %s do not make %lld × %lld",
      linear->parts > 0 && linear->weight[0] != NULL ? linear->weight[0]->name : "a layer",
      (long long) linear->out, (long long) linear->in);
  return false;
}

void
esp_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                  const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch)
{
  if (device->ops->linear_batch != NULL && batch->count > 1)
    {
      device->ops->linear_batch (device, x, linear, epilogue, y, batch);
      return;
    }
  for (int64_t i = 0; i < batch->count; i++)
    device->ops->linear (device, esp_tensor_rows (x, batch->x[i], batch->rows), linear, epilogue,
                         esp_tensor_rows (y, batch->y[i], batch->rows));
}
