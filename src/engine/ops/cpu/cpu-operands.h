/* SPDX-License-Identifier: MIT */
/* cpu-operands.h: numbers of weights and of x as operands of products (kernels/panels.h). */
#pragma once

#include "ops/cpu/cpu-panels.h"

/* One thread's memory for making panels. */
typedef struct CpuPacker
{
  const CpuDevice *cpu;
  const EspPanelKernels *kernels;
  char *rows;               /* operands of a panel's outputs, one after another */
  float *scales, *minimums; /* and their groups' */
  float *sums;              /* of each 32 of them */
  float *wide;              /* one output's numbers */
  int8_t *narrow;
} CpuPacker;

/* Bytes that one thread needs for it. */
size_t esp_cpu_packer_bytes (const EspPanelKernels *kernels);
CpuPacker esp_cpu_packer (const CpuDevice *cpu, const EspPanelKernels *kernels, char *memory);

/* Words of a panel of this depth. */
int64_t esp_cpu_panel_words (const EspPanelKernels *kernels, int64_t depth);

/* Numbers [start, start + depth) of outputs [first, first + count) into a panel; depth at most a
 * slab, count at most the panel's columns, `in` numbers an output. What is beyond `in` becomes
 * zero. Panels of signed bytes get scales and minimums too, and sums if not NULL (their memory is
 * the caller's). Returns false if `check` and some number is NaN or infinite. */
bool esp_cpu_pack_panel (const CpuPacker *packer, const EspWeight *weight, int64_t in,
                         int64_t first, int64_t count, int64_t start, int64_t depth, bool check,
                         uint32_t *words, float *scales, float *minimums, float *sums);

/* x as strips in scratch memory, valid until the next call. */
typedef struct CpuStrips
{
  EspStrips strips;
  int64_t rows, depth; /* of x; the depth padded */
  int group;
} CpuStrips;

/* False with a sticky error when memory is out. `group` is of the weights; 0 without. `middles`:
 * signed bytes are counted from the middle of each 32 numbers. */
bool esp_cpu_make_strips (CpuDevice *cpu, const EspPanelKernels *kernels, int group, bool middles,
                          const CpuRanges *x, CpuStrips *strips);
/* From strip `strip` and depth `start` on. */
EspStrips esp_cpu_strips_from (const EspPanelKernels *kernels, const CpuStrips *strips,
                               int64_t strip, int64_t start);

/* Row r of the ranges in the view. */
int64_t esp_cpu_range_row (const CpuRanges *ranges, int64_t r);

/* Whether its numbers are bf16 exactly. */
bool esp_cpu_is_bf16 (const EspWeight *weight);
