/* SPDX-License-Identifier: MIT */
/* cpu-primitive.h: oneDNN primitives, made once for each shape and kept by the device.
 *
 * Making one takes a fraction of a millisecond, which is longer than most of them run on the demo
 * model; layers of equal shape share one.
 */
#pragma once

#include "ops/cpu/cpu-device.h"

typedef struct CpuConvolution
{
  EspGrid grid, out_grid;
  int64_t in, out;
  int64_t kernel, stride, pad_top, pad_left, pad_bottom, pad_right;
  bool accumulate;
} CpuConvolution;

#define CPU_PRIMITIVE_KEY 16

struct CpuPrimitive
{
  int64_t key[CPU_PRIMITIVE_KEY];
  dnnl_primitive_t primitive;
  CpuLayout weights; /* the layout that it wants its weights in */
  dnnl_memory_t x, y, bias, library;
  size_t library_bytes;
};

/* A primitive for the shape, from the cache or new. NULL with a sticky error. Owned by the device
 * and valid until the next of these calls. */
CpuPrimitive *esp_cpu_convolution (CpuDevice *cpu, const CpuConvolution *convolution);

/* Runs it. bias may be NULL if it was made without. */
void esp_cpu_primitive_run (CpuDevice *cpu, CpuPrimitive *primitive, const void *x,
                            dnnl_memory_t weights, const float *bias, void *y);

/* Copies weights from one layout to another (both buffers are the caller's). */
void esp_cpu_reorder (CpuDevice *cpu, CpuLayoutRef from, const void *source, CpuLayoutRef to,
                      void *destination);

/* Wraps `data` (not owned); NULL with a sticky error. Free with dnnl_memory_destroy. */
dnnl_memory_t esp_cpu_memory (CpuDevice *cpu, CpuLayoutRef layout, void *data);

/* Drops the whole cache. */
void esp_cpu_primitives_clear (CpuDevice *cpu);
