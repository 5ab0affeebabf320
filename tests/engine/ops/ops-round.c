/* SPDX-License-Identifier: MIT */
/* ops-round.c: see ops-round.h. */
#include "ops-round.h"

#include <stdlib.h>

#include "ops/cpu/cpu-device.h"
#include "ops/cuda/cuda.h"

DevicePair pair;

static const char *round_level;
static EspCompute round_compute;

bool
round_open (const char *level, EspCompute compute, size_t weight_budget)
{
  round_level = level;
  round_compute = compute;
  return pair_open (&pair, level, compute, 0, weight_budget);
}

void
round_close (void)
{
  pair_close (&pair);
}

bool
narrow_round (void)
{
  return pair.tested->compute != ESP_F32;
}

bool
on_card (void)
{
  return esp_device_is_cuda (pair.tested);
}

bool
onednn_had_kernels (void)
{
  return ((const CpuDevice *) pair.tested)->library_references == 0;
}

void
open_alike (DevicePair *other, int threads)
{
  if (!pair_open (other, round_level, round_compute, threads, 0))
    abort ();
}

EspTensor
tensor_of (EspDevice *device, int64_t rows, int64_t cols)
{
  EspTensor tensor = esp_tensor_new (device, ESP_F32, rows, cols);
  float *values = random_values (rows * cols, 77, 1);

  device->ops->upload (device, values, tensor);
  free (values);
  return tensor;
}
