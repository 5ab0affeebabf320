/* SPDX-License-Identifier: MIT */
/* cuda-hopper.h: what callers of kernels for sm_90a need (kernels/hopper.cuh). */
#pragma once

#include "ops/cuda/cuda-device.h"

/* Could kernels with wgmma and the copy engine be launched? Not on other cards, later ones neither
 * (PTX ISA: what is for sm_90a runs on nothing else), by a build without them, or when the plain
 * ones were asked for. Whether they may: esp_cuda_trusts(). */
bool esp_cuda_is_hopper (const CudaDevice *cuda);

/* Describes `view` for the copy engine in boxes of `rows` rows (256 at most) of 128 bytes, swizzled
 * over those: bf16, f16, or bytes if `bytes`, whose sizes the view then gives. Its data and rows
 * must begin at multiples of 16 bytes. False with a sticky error. */
bool esp_cuda_tensor_map (CudaDevice *cuda, const CudaView *view, bool bytes, int rows,
                          CudaTensorMap *map);
