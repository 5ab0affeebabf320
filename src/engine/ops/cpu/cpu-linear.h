/* SPDX-License-Identifier: MIT */
/* cpu-linear.h: what the ways of doing a linear layer share. */
#pragma once

#include "ops/cpu/cpu-panels.h"

/* The sticky error that names file, tensor and the first index that is NaN or infinite. */
void esp_cpu_report_non_finite (CpuDevice *cpu, const EspWeight *weight);

/* A few rows of x, cpu-vector.c: dot products with the file's numbers as they lie. */
void esp_cpu_vector_linear (CpuDevice *cpu, const EspTensor *x, const EspLinear *linear,
                            const EspEpilogue *epilogue, const EspTensor *y);
