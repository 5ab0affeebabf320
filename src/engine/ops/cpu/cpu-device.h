/* SPDX-License-Identifier: MIT */
/* cpu-device.h: the CPU device's own state, shared by the sources in this folder and its tests. */
#pragma once

#include "ops/cpu/cpu-onednn.h"
#include "ops/cpu/kernels/kernels.h"
#include "ops/cpu/kernels/matrix.h"
#include "ops/cpu/kernels/panels.h"
#include "ops/ops.h"

/* Memory that operations need while they run: kept, reused and only ever grown. One slot for each
 * purpose, because an operation may use several at once. */
typedef enum
{
  SCRATCH_OPERAND,   /* x in the type that the product wants */
  SCRATCH_WEIGHT,    /* a weight converted for one call */
  SCRATCH_PACKED,    /* the same, packed */
  SCRATCH_RESULT,    /* a product before its epilogue */
  SCRATCH_LIBRARY,   /* oneDNN's own */
  SCRATCH_THREADS,   /* a stretch for each thread */
  SCRATCH_ATTENTION, /* packed keys and values */
  SCRATCH_ADAPTER,   /* what an adapter's first product gives, or a layer before its epilogue */
  SCRATCH_NORM,      /* a convolution's input norm for each channel */
  SCRATCH_COUNT
} CpuScratchSlot;

typedef struct CpuScratch
{
  void *data;
  size_t bytes;
} CpuScratch;

typedef struct CpuPrimitive CpuPrimitive; /* cpu-primitive.h */

typedef struct CpuDevice
{
  EspDevice base; /* first: an EspDevice * is a CpuDevice * */
  const EspKernels *kernels;
  const EspMatrixKernels *matrix; /* NULL: no matrix unit */
  /* Linear layers' kernels for weights of float formats, of block formats, and for layers that are
   * precise. In bf16 the first are f32 where the processor multiplies no bf16 or is slower in it.
   */
  const EspPanelKernels *float_panels, *block_panels, *precise_panels;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  size_t weight_budget, weight_used;
  CpuScratch scratch[SCRATCH_COUNT];
  CpuPrimitive **primitives;
  int primitive_count;
  int library_references; /* primitives for which oneDNN had only its reference code: should be 0 */
} CpuDevice;

/* The level that multiplies pairs of bf16 in the vector unit even where f32 is faster. */
#define ESP_CPU_PAIRS_LEVEL "avx512bf16"

/* Like esp_cpu_device_new, with the kernels of one level ("baseline", "avx2", "avxvnni", "avx512",
 * "avx512bf16", "amx", "dotprod"; NULL: the best) even where the processor could do more.
 * ESP_ERROR_UNSUPPORTED if it cannot run them. oneDNN still chooses for itself. For tests and
 * benchmarks. */
EspStatus esp_cpu_device_new_level (const char *level, EspCompute compute, int threads,
                                    size_t weight_budget, EspDevice **device, EspError *error);

/* --- cpu-device.c --- */

/* At least `bytes` bytes, 64-aligned, valid until the slot is asked for again; NULL with a sticky
 * error when memory is out. */
void *esp_cpu_scratch (CpuDevice *cpu, CpuScratchSlot slot, size_t bytes);

/* The table's allocate and release. */
void *esp_cpu_allocate (EspDevice *device, size_t bytes);
void esp_cpu_release (EspDevice *device, void *memory, size_t bytes);

/* How many threads a piece of work of `elements` simple steps is worth. */
int esp_cpu_team (const CpuDevice *cpu, int64_t elements);

/* True, or a sticky ESP_ERROR_ARGUMENT naming `operation` when the view is not possible. */
bool esp_cpu_check_view (CpuDevice *cpu, const char *operation, const char *argument,
                         const EspTensor *view);
/* True, or a sticky ESP_ERROR_ARGUMENT naming `operation` when the shapes differ. */
bool esp_cpu_check_same (CpuDevice *cpu, const char *operation, const EspTensor *a,
                         const EspTensor *b);

/* --- cpu-topology.c: what the machine is --- */

int esp_cpu_usable_threads (void);       /* of the affinity mask */
size_t esp_cpu_free_memory (void);       /* bytes that can be had without swapping; 0 if unknown */
bool esp_cpu_has_bf16 (void);            /* multiplies bf16 natively */
const char *esp_cpu_instructions (void); /* for people; static */
void esp_cpu_model_name (char *name, size_t size);
/* The best table, or the one called `level`; NULL if there is none that this processor runs. */
const EspKernels *esp_cpu_kernels (const char *level);
/* The best kernels of linear layers for these operands; NULL if no such level has any. */
const EspPanelKernels *esp_cpu_panels (const char *level, EspOperand operand);
/* The matrix unit's kernels if there is one, the system lets us use it and the level is "amx" or
 * NULL; else NULL. */
const EspMatrixKernels *esp_cpu_matrix (const char *level);

/* --- cpu-measure.c --- */

/* Kernels are slow if others take less than 1/1.3 of their time for the same product: processors
 * have either a whole unit for an instruction or a fraction of one, so that noise decides nothing.
 */
#define ESP_CPU_SLOW 1.3
/* Measured once in the life of the process for one pair of tables, in a millisecond. */
bool esp_cpu_is_slow (const EspPanelKernels *kernels, const EspPanelKernels *others);

/* --- Rows of views as f32, cpu-rows.c --- */

/* Columns [col, col + n) of a row as f32: in place, or widened into `buffer`. */
const float *esp_cpu_row (const CpuDevice *cpu, const EspTensor *x, int64_t row, int64_t col,
                          int64_t n, float *buffer);
/* Where to write them: the row itself or `buffer`; esp_cpu_row_done then narrows that. */
float *esp_cpu_row_out (const EspTensor *y, int64_t row, int64_t col, float *buffer);
void esp_cpu_row_done (const CpuDevice *cpu, const EspTensor *y, int64_t row, int64_t col,
                       int64_t n, const float *buffer);

/* A group norm's mean and weight/√(variance + eps) for each channel, cpu-images.c. */
void esp_cpu_norm_channels (int64_t channels, int64_t per_group, const float *moments,
                            const float *weight, float eps, float *mean, float *factor);

/* --- The table's rows, by source --- */

void esp_cpu_prepare_linear (EspDevice *device, EspLinear *linear);
void esp_cpu_release_linear (EspDevice *device, EspLinear *linear);
void esp_cpu_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                     const EspEpilogue *epilogue, EspTensor y);
void esp_cpu_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                           const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch);
/* The same with the layer's adapters, cpu-adapters.c: these are what the table has. */
void esp_cpu_adapted_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                             const EspEpilogue *epilogue, EspTensor y);
void esp_cpu_adapted_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                                   const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch);
void esp_cpu_prepare_conv (EspDevice *device, EspConv *conv);
void esp_cpu_release_conv (EspDevice *device, EspConv *conv);
void esp_cpu_conv2d (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv,
                     const EspGroupNorm *norm, bool accumulate, EspTensor y);
void esp_cpu_attention (EspDevice *device, const EspAttention *attention);

void esp_cpu_upload (EspDevice *device, const float *host, EspTensor y);
void esp_cpu_download (EspDevice *device, EspTensor x, float *host);
void esp_cpu_gather_rows (EspDevice *device, const EspWeight *table, const int32_t *ids,
                          EspTensor y);
void esp_cpu_layer_norm (EspDevice *device, EspTensor x, const float *weight, const float *bias,
                         float eps, EspTensor y);
void esp_cpu_modulated_norm (EspDevice *device, EspTensor x, const float *shift, const float *scale,
                             float eps, EspTensor y);
void esp_cpu_rms_norm (EspDevice *device, EspTensor x, const float *weight, float eps, EspTensor y);
void esp_cpu_head_norm_rope (EspDevice *device, EspTensor x, int64_t head_dim, const float *weight,
                             float eps, const float *cosine, const float *sine, EspTensor y);
void esp_cpu_activate (EspDevice *device, EspTensor x, EspActivation activation, EspTensor y);
void esp_cpu_multiply (EspDevice *device, EspTensor a, EspTensor b, EspTensor y);
void esp_cpu_scale_add (EspDevice *device, float a, EspTensor x, float b, EspTensor y);
void esp_cpu_distance (EspDevice *device, EspTensor x, EspTensor y, double sums[2]);

void esp_cpu_group_moments (EspDevice *device, EspTensor x, int64_t groups, float *moments);
void esp_cpu_group_norm (EspDevice *device, EspTensor x, int64_t groups, const float *moments,
                         const float *weight, const float *bias, float eps, bool silu, EspTensor y);
void esp_cpu_copy_window (EspDevice *device, EspTensor x, EspGrid grid, int64_t batch_index,
                          int64_t top, int64_t left, EspGrid window, EspTensor y);
