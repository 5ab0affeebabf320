/* SPDX-License-Identifier: MIT */
/* cpu-attention.h: the two ways of doing attention. */
#pragma once

#include "ops/cpu/cpu-device.h"

/* bf16 products on the matrix unit; the arguments have been checked, cpu->matrix is not NULL. */
void esp_cpu_attention_matrix (CpuDevice *cpu, const EspAttention *attention);
