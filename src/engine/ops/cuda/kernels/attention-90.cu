/* SPDX-License-Identifier: MIT */
#include "ops/cuda/kernels/language.cuh"
#include "ops/cuda/kernels/tensor.h"
