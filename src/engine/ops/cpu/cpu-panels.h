/* SPDX-License-Identifier: MIT */
/* cpu-panels.h: linear layers of many rows, for every number format and kind of operand.
 *
 * Weights stay as they are in the mapped file. A task makes a block of y, as large as its sums fit
 * half of the second cache; it goes along the depth in slabs and brings each panel of the weight's
 * slab from the file's numbers into operands (cpu-operands.h) while they are on their way through
 * the caches, and multiplies all the block's rows by it. The epilogue runs on the block while it is
 * warm. Small layers of float numbers keep their panels (esp_cpu_keep_panels).
 */
#pragma once

#include "ops/cpu/cpu-device.h"
#include "ops/cpu/kernels/panels.h"

/* What prepare_linear makes of a layer. */
typedef struct CpuLinear
{
  float *bias; /* [out], all parts; NULL if no part has one */
  size_t bias_bytes;
  bool checked[ESP_LINEAR_MAX_PARTS]; /* its numbers are known to be finite */
  bool keeping_tried;
  uint32_t *kept; /* panels of all parts one after another, or NULL */
  size_t kept_bytes;
} CpuLinear;

/* Ranges of rows of one view, taken as one matrix: row r is the view's row starts[r / rows] + r %
 * rows. */
typedef struct CpuRanges
{
  EspTensor view;
  int64_t count, rows; /* ranges, rows of each */
  const int64_t *starts;
} CpuRanges;

/* Below this many rows bytes gain nothing, for making panels is most of the work then: block
 * formats are multiplied as float ones are, which is more exact. So go the modulations of all
 * steps, on which everything else depends. */
#define ESP_CPU_BYTES_ROWS 64

/* The kernels that multiply `rows` rows (of one range) by a weight of this format. */
const EspPanelKernels *esp_cpu_panels_for (const CpuDevice *cpu, const EspLinear *linear,
                                           EspDType dtype, int64_t rows);

/* y = the epilogue of (x·Wᵀ + bias) for all rows at once. Every row's result depends on that row
 * alone. */
void esp_cpu_panels_linear (CpuDevice *cpu, const CpuRanges *x, const EspLinear *linear,
                            const EspEpilogue *epilogue, const CpuRanges *y);

/* Makes the layer's panels, once, if it is small, of float numbers, and the device's budget allows.
 * Large layers gain nothing from it: the work on their rows outweighs the making. */
void esp_cpu_keep_panels (CpuDevice *cpu, const EspLinear *linear);
