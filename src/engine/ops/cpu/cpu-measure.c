/* SPDX-License-Identifier: MIT */
/* cpu-measure.c: what a processor's feature bits do not say. */
#define _POSIX_C_SOURCE 200809L
#include "ops/cpu/cpu-device.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum
{
  DEPTH = 128,
  ROWS_MAX = 16,
  COLS_MAX = 64,
  TIMES = 20, /* products at a stretch: 20 microseconds or so */
  RUNS = 16,  /* stretches, of which the fastest counts */
};

/* Seconds for some products in the first cache. */
static double
seconds_of (const EspPanelKernels *kernels)
{
  static const uint32_t zeros[DEPTH * COLS_MAX];
  const EspStrips strips = { .words = zeros };
  const EspPanel panel = { .words = zeros };
  float sums[ROWS_MAX * COLS_MAX];
  struct timespec start, end;

  clock_gettime (CLOCK_MONOTONIC, &start);
  for (int i = 0; i < TIMES; i++)
    kernels->multiply (kernels->strips, DEPTH, &strips, &panel, false, sums, kernels->cols);
  clock_gettime (CLOCK_MONOTONIC, &end);
  return (double) (end.tv_sec - start.tv_sec) + (double) (end.tv_nsec - start.tv_nsec) * 1e-9;
}

bool
esp_cpu_is_slow (const EspPanelKernels *kernels, const EspPanelKernels *others)
{
  static _Atomic (const EspPanelKernels *) known;
  static atomic_bool slow;
  double best[2] = { 1e9, 1e9 };

  if (atomic_load (&known) == kernels)
    return atomic_load (&slow);
  for (int run = 0; run < RUNS; run++)
    for (int i = 0; i < 2; i++)
      {
        double took = seconds_of (i == 0 ? kernels : others);

        best[i] = took < best[i] ? took : best[i];
      }
  best[0] /= kernels->rows * kernels->cols * kernels->strips;
  best[1] /= others->rows * others->cols * others->strips;
  atomic_store (&slow, best[0] > ESP_CPU_SLOW * best[1]);
  atomic_store (&known, kernels);
  return atomic_load (&slow);
}
