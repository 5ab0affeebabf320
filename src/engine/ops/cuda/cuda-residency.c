/* SPDX-License-Identifier: MIT */
/* cuda-residency.c: which weights stay on the card and which arrive each time. */
#include "ops/cuda/cuda-residency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cuda/cuda.h"

void *
esp_cuda_residency_place (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared)
{
  prepared->home = (uintptr_t) esp_cuda_allocate (&cuda->base, prepared->bytes);
  esp_cuda_linear_place (prepared, prepared->home);
  return NULL;
}

void
esp_cuda_residency_remove (CudaDevice *cuda, CudaLinear *prepared)
{
  esp_cuda_release (&cuda->base, (void *) (uintptr_t) prepared->home, prepared->bytes);
}

void
esp_cuda_residency_want (CudaDevice *cuda, const CudaLinear *prepared)
{
}

bool
esp_cuda_residency_make_room (CudaDevice *cuda, size_t bytes)
{
  return false;
}

void
esp_cuda_residency_free (CudaDevice *cuda)
{
}

void
esp_cuda_plan_stages (EspDevice *device, const EspLayerGroup *stages, int count, size_t buffers)
{
}

void
esp_cuda_begin_stage (EspDevice *device, int index)
{
}

void
esp_cuda_explain (const EspDevice *device, char *text, size_t size)
{
  snprintf (text, size, "all weights stay on the card\n");
}
