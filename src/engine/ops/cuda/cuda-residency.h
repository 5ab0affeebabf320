/* SPDX-License-Identifier: MIT */
/* cuda-residency.h: which weights stay on the card and which arrive each time. */
#pragma once

#include "ops/cuda/cuda-device.h"

/* Fills in linear's home or host and its parts' data, for a layer of `prepared->bytes` bytes whose
 * parts follow each other, each 256-aligned: in its stage's place if a stage has it, else in memory
 * of its own. Returns a host pointer that the parts must be written to if the layer comes and goes,
 * else NULL (they are to be copied to `home`); a sticky error when memory is out. */
void *esp_cuda_residency_place (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared);

/* Undoes it. */
void esp_cuda_residency_remove (CudaDevice *cuda, CudaLinear *prepared);

/* The stage of `prepared` runs now if it was not begun: for layers that are used out of turn. */
void esp_cuda_residency_want (CudaDevice *cuda, const CudaLinear *prepared);

/* Sends resident stages away until at least `bytes` could be allocated. False if none is left or
 * while work is being recorded. */
bool esp_cuda_residency_make_room (CudaDevice *cuda, size_t bytes);

/* cuda-weights.c: bytes of a layer's parts, each 256-aligned; and where they lie from now on, one
 * after another (0: away). */
size_t esp_cuda_linear_bytes (const EspLinear *linear);
void esp_cuda_linear_place (CudaLinear *prepared, CUdeviceptr data);

void esp_cuda_residency_free (CudaDevice *cuda);
