/* SPDX-License-Identifier: MIT */
/* cuda-device.h: the CUDA device's own state, shared by the sources in this folder and its tests.
 *
 * Every operation is put into one stream, `compute`, and returns at once; weights that do not stay
 * on the card arrive through a second one, `copy`. Nothing allocates on the card while steps run:
 * scratch is sized when a stage runs for the first time.
 */
#pragma once

#include "ops/cuda/cuda-driver.h"
#include "ops/cuda/cuda-kernels.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/kernels/tensor.h"
#include "ops/ops.h"

/* Memory on the card that operations need while they run: kept, reused and only ever grown. One
 * slot for each purpose, because an operation may use several at once. */
typedef enum
{
  CUDA_SCRATCH_OPERAND, /* x in the type that the product wants */
  CUDA_SCRATCH_WEIGHT,  /* a weight widened for one call */
  CUDA_SCRATCH_RESULT,  /* a product before its epilogue; split sums */
  CUDA_SCRATCH_SCALES,  /* per-row or per-tensor scales of activations */
  CUDA_SCRATCH_ATTENTION,
  CUDA_SCRATCH_ADAPTER,
  CUDA_SCRATCH_IMAGE,
  CUDA_SCRATCH_SUMS, /* of norms and distances */
  CUDA_SCRATCH_COUNT
} CudaScratchSlot;

typedef struct CudaAdapters CudaAdapters; /* cuda-adapters.c */
typedef struct CudaBlas CudaBlas;         /* cuda-blas.c */
typedef struct CudaFunction CudaFunction;
typedef struct CudaMemory CudaMemory;         /* cuda-memory.c */
typedef struct CudaLedger CudaLedger;         /* cuda-memory.c */
typedef struct CudaRecordings CudaRecordings; /* cuda-recordings.c */
typedef struct CudaResidency CudaResidency;   /* cuda-residency.c */

typedef struct CudaDevice
{
  EspDevice base; /* first: an EspDevice * is a CudaDevice * */
  EspCudaDriver *cu;
  int card; /* the driver's number of it */
  CUdevice ordinal;
  CUcontext context;
  CUstream compute, copy;
  int capability; /* 10·major + minor: 75, 80, 86, 89, 90, 100, 103, 120 */
  int multiprocessors;
  size_t shared_limit; /* dynamic shared memory that a block may have, bytes */
  size_t vram_limit;   /* bytes that we may hold at most; 0: what is free */
  bool split;          /* compute is f32, and products may be of two bf16 for each number, good to
                          1e-5: the autoencoder beside a transformer in bf16 */
  bool fp8;            /* linear layers multiply fp8 where that is good enough (--dtype fp8) */
  bool plain;          /* never use wgmma or TMA: ESPALIER_CUDA_PLAIN, to compare */
  unsigned distrusted; /* ways that may not be taken (cuda-check.h) */
  bool lost;           /* its context is of no use any more, and goes with the device */
  CudaKernels kernels;
  CUmodule modules[CUDA_MODULE_COUNT];
  CudaFunction *functions;
  int function_count;
  struct
  {
    CUdeviceptr data;
    size_t bytes;
  } scratch[CUDA_SCRATCH_COUNT];
  CudaMemory *memory; /* released blocks that wait for their next use; pinned staging memory */
  CudaLedger *ledger; /* the devices on this card that answer for their memory together */
  CudaRecordings *recordings;
  CudaResidency *residency;
  CudaAdapters *adapters;
  int joined; /* equal ranges that the rows of this product are; what is chosen by their number goes
                 by one of them (cuda-batch.c). 0 and 1: one */
  CudaBlas *blas;
  EspCudaBlas blas_choice;
} CudaDevice;

/* --- cuda-device.c --------------------------------------------------------------------------- */

/* The stream's work is wanted from this thread now: makes the context current. Every row of the
 * table begins with it; false (nothing to do) after a sticky error. */
bool esp_cuda_enter (CudaDevice *cuda);

/* True if `result` is success; else a sticky error that names `what` ("copying weights to the
 * card") and what the driver says; ESP_ERROR_MEMORY for out of memory. */
bool esp_cuda_ok (CudaDevice *cuda, CUresult result, const char *what);

/* The checks that rows of the table begin with: true if all is well (no error yet, context
 * current); else a sticky ESP_ERROR_ARGUMENT. A view is usable if its type is one of the device's.
 */
bool esp_cuda_check_view (CudaDevice *cuda, const char *operation, const char *argument,
                          const EspTensor *view);
bool esp_cuda_check_same (CudaDevice *cuda, const char *operation, const EspTensor *a,
                          const EspTensor *b);

/* A view as kernels have it. */
CudaView esp_cuda_view (const EspTensor *tensor);

/* The table's synchronize: waits for all that was asked for so far. */
void esp_cuda_synchronize (EspDevice *device);

/* --- cuda-memory.c --------------------------------------------------------------------------- */

/* At least `bytes` bytes on the card, 256-aligned, valid until the slot is asked for again; 0 with
 * a sticky error when memory is out. Growing forgets all recordings. */
CUdeviceptr esp_cuda_scratch (CudaDevice *cuda, CudaScratchSlot slot, size_t bytes);

/* How a kernel is launched (cuda-device.c): blocks, threads of each, dynamic shared memory in
 * bytes. */
typedef struct CudaGrid
{
  unsigned x, y, z, threads;
  size_t shared;
} CudaGrid;

/* Launches `kernel` of a module, whose one parameter is the structure `arguments`, in the compute
 * stream. A grid with a zero does nothing. `kernel` is a string literal. */
void esp_cuda_launch (CudaDevice *cuda, CudaModule module, const char *kernel, CudaGrid grid,
                      const void *arguments, size_t bytes);

/* The table's allocate and release; on the card, 256-aligned. When memory is out, weights that
 * could arrive each time instead are sent away first (cuda-residency.c). */
void *esp_cuda_allocate (EspDevice *device, size_t bytes);
void esp_cuda_release (EspDevice *device, void *block, size_t bytes);

/* Host memory → the card, through the pinned staging buffer, in the compute stream; the source may
 * be reused when it returns. */
void esp_cuda_copy_in (CudaDevice *cuda, CUdeviceptr to, const void *from, size_t bytes);
/* The card → host memory; waits. */
void esp_cuda_copy_out (CudaDevice *cuda, void *to, CUdeviceptr from, size_t bytes);

/* Writes the device into a ledger: that of `sibling`, or a new one for NULL. False with a sticky
 * error. leave undoes it. */
bool esp_cuda_ledger_join (CudaDevice *cuda, CudaDevice *sibling);
void esp_cuda_ledger_leave (CudaDevice *cuda);

/* What may still be allocated: of the limit, or of what the driver says is free, with the released
 * blocks that are kept. */
size_t esp_cuda_free_memory (EspDevice *device);
/* The table's free_memory: that, and what weights would give up that can come back. */
size_t esp_cuda_room (EspDevice *device);

/* The same for what lives long, weights: straight from and to the driver, in multiples of 256
 * bytes. take: 0, without an error, if there is no room; resident stages stay. give waits until
 * nothing uses it. */
CUdeviceptr esp_cuda_memory_take (CudaDevice *cuda, size_t bytes);
void esp_cuda_memory_give (CudaDevice *cuda, CUdeviceptr data, size_t bytes);

/* Gives released blocks that were kept back to the driver. */
void esp_cuda_memory_trim (CudaDevice *cuda);
/* The staging memory's next stretch, once it is free, at most CUDA_STAGING_BYTES; and the mark that
 * it is free again when `stream` has come so far. NULL with a sticky error. */
#define CUDA_STAGING_BYTES ((size_t) 8 << 20)
void *esp_cuda_staging_next (CudaDevice *cuda);
void esp_cuda_staging_used (CudaDevice *cuda, CUstream stream);
/* Frees everything that cuda-memory.c holds, scratch too. For the end. */
void esp_cuda_memory_clear (CudaDevice *cuda);

/* --- cuda-weights.c: a layer's weights on the card ------------------------------------------- */

/* A part of a linear layer, or a convolution, as it lies on the card. */
typedef struct CudaMatrix
{
  EspDType dtype; /* as stored: the file's own format, or bf16/f16/f32 */
  int64_t out, in;
  float scale;        /* EspWeight.scale; 1 if none */
  CUdeviceptr data;   /* packed rows as in the file. While the layer is away: 0 */
  bool row_scales;    /* E4M3 that was made of a wider format (cuda-fp8.c) */
  CUdeviceptr scales; /* then: f32 of each row, those of the layer's parts one after another */
} CudaMatrix;

typedef struct CudaLinear
{
  CudaMatrix part[ESP_LINEAR_MAX_PARTS];
  int parts;
  CUdeviceptr bias; /* f32 [out], 0 if no part has one; always on the card */
  size_t bytes;     /* of all parts' data, each 256-aligned, and of their scales */
  CUdeviceptr home; /* where they lie while the layer stays on the card, else 0 */
  void *host;       /* pinned copy while it comes and goes, else NULL */
  int stage;        /* which brings it; -1: none */
} CudaLinear;

/* EspLinear.prepared as such, with its data where it is now, ready to be read in the compute
 * stream; NULL with a sticky error. */
const CudaLinear *esp_cuda_linear_on_card (CudaDevice *cuda, const EspLinear *linear);

/* --- The table's rows, by source ---------------------------------------------------------------
 */

/* cuda-weights.c, cuda-residency.c */
void esp_cuda_prepare_linear (EspDevice *device, EspLinear *linear);
void esp_cuda_release_linear (EspDevice *device, EspLinear *linear);
void esp_cuda_plan_stages (EspDevice *device, const EspLayerGroup *stages, int count,
                           size_t buffers);
void esp_cuda_begin_stage (EspDevice *device, int index);

/* cuda-recordings.c */
bool esp_cuda_replay (EspDevice *device, const void *owner, uint64_t key);
void esp_cuda_recorded (EspDevice *device);
void esp_cuda_forget (EspDevice *device, const void *owner); /* NULL: all */
/* Are operations being recorded, not run? Then nothing may wait, and memory that is let go must
 * stay until the recording is gone. */
bool esp_cuda_is_recording (const CudaDevice *cuda);
void esp_cuda_recordings_free (CudaDevice *cuda);

/* cuda-linear.c, cuda-adapters.c */
/* What is kept of adapters has to be looked at anew: esp_cuda_forget (device, NULL) calls it. */
void esp_cuda_adapters_stale (CudaDevice *cuda);
void esp_cuda_adapters_free (CudaDevice *cuda);
void esp_cuda_blas_free (CudaDevice *cuda);
void esp_cuda_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                      const EspEpilogue *epilogue, EspTensor y);
void esp_cuda_linear_heads (EspDevice *device, EspTensor x, const EspLinear *linear,
                            const EspHeadNorm *norm, EspTensor y);

/* cuda-batch.c */
void esp_cuda_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                            const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch);
void esp_cuda_linear_heads_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                                  const EspHeadNorm *norm, EspTensor y);

/* cuda-attention.c */
void esp_cuda_attention (EspDevice *device, const EspAttention *attention);

/* cuda-attention-wide.c: true if it was for it (and done, or a sticky error). */
bool esp_cuda_wide_attention (CudaDevice *cuda, const EspAttention *attention);

/* cuda-rows.c */
void esp_cuda_upload (EspDevice *device, const float *host, EspTensor y);
void esp_cuda_download (EspDevice *device, EspTensor x, float *host);
void esp_cuda_gather_rows (EspDevice *device, const EspWeight *table, const int32_t *ids,
                           EspTensor y);
void esp_cuda_layer_norm (EspDevice *device, EspTensor x, const float *weight, const float *bias,
                          float eps, EspTensor y);
void esp_cuda_modulated_norm (EspDevice *device, EspTensor x, const float *shift,
                              const float *scale, float eps, EspTensor y);
void esp_cuda_rms_norm (EspDevice *device, EspTensor x, const float *weight, float eps,
                        EspTensor y);
void esp_cuda_head_norm_rope (EspDevice *device, EspTensor x, int64_t head_dim, const float *weight,
                              float eps, const float *cosine, const float *sine, EspTensor y);
void esp_cuda_activate (EspDevice *device, EspTensor x, EspActivation activation, EspTensor y);
void esp_cuda_multiply (EspDevice *device, EspTensor a, EspTensor b, EspTensor y);
void esp_cuda_scale_add (EspDevice *device, float a, EspTensor x, float b, EspTensor y);
void esp_cuda_distance (EspDevice *device, EspTensor x, EspTensor y, double sums[2]);

/* cuda-images.c, cuda-convolution.c */
void esp_cuda_prepare_conv (EspDevice *device, EspConv *conv);
void esp_cuda_release_conv (EspDevice *device, EspConv *conv);
void esp_cuda_conv2d (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv,
                      const EspGroupNorm *norm, bool accumulate, EspTensor y);
void esp_cuda_group_moments (EspDevice *device, EspTensor x, int64_t groups, float *moments);
void esp_cuda_group_norm (EspDevice *device, EspTensor x, int64_t groups, const float *moments,
                          const float *weight, const float *bias, float eps, bool silu,
                          EspTensor y);
void esp_cuda_copy_window (EspDevice *device, EspTensor x, EspGrid grid, int64_t batch_index,
                           int64_t top, int64_t left, EspGrid window, EspTensor y);
