/* SPDX-License-Identifier: MIT */
/* cpu-matrix.h: linear layers in bf16 on the processor's matrix unit, with our own packing and
 * blocking; where there is one it takes the place of oneDNN for them (docs/speed-log.md). */
#pragma once

#include "ops/cpu/cpu-device.h"

/* Elements of the packed form of `out` outputs of `in` inputs. */
int64_t esp_cpu_matrix_packed_count (int64_t in, int64_t out);

/* Packs rows [first, first + count) of a weight [out, in] of any float type. `first` of the packed
 * form starts a panel. */
void esp_cpu_matrix_pack (CpuDevice *cpu, const EspWeight *weight, int64_t in, int64_t first,
                          int64_t count, uint16_t *packed);

/* Ranges of rows of one view, taken as one matrix: row r is the view's row starts[r / rows] + r %
 * rows. */
typedef struct CpuRanges
{
  EspTensor view;
  int64_t count, rows; /* ranges, rows of each */
  const int64_t *starts;
} CpuRanges;

/* Rows of x in left tiles: what esp_cpu_matrix_multiply wants. Scratch memory, valid until the next
 * call; NULL with a sticky error. */
const uint16_t *esp_cpu_matrix_rows (CpuDevice *cpu, const CpuRanges *x);

/* y = the epilogue of (rows·packed + bias); y has the packed outputs' columns, bias and
 * epilogue->gate start at the first of them. Every row's result depends on that row alone. */
void esp_cpu_matrix_multiply (CpuDevice *cpu, const uint16_t *rows, int64_t in,
                              const uint16_t *packed, const float *bias,
                              const EspEpilogue *epilogue, const CpuRanges *y);
