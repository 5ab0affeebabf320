/* SPDX-License-Identifier: MIT */
/* cuda-residency.h: which weights stay on the card and which arrive each time.
 *
 * Layers that a plan's stages list are placed stage by stage, each in one piece. A resident stage
 * stays on the card. One that streams has a place, of a few that are as large as the largest stage,
 * and always the same one, so that recordings may name it; it is copied there ahead of its turn,
 * from pinned memory or, where there is not enough of that, from the mapped file. A layer of no
 * stage stays too, or, when memory is out, is copied from the file each time that it is used.
 */
#pragma once

#include "ops/cuda/cuda-device.h"

enum
{
  CUDA_PLACES_MAX = 3
};

/* The layers of one stage, in one piece: offset[i] is where linears[i] begins. */
typedef struct CudaStage
{
  const EspLinear **linears;
  CudaLinear **prepared; /* NULL while a layer is not */
  size_t *offset;
  int count, prepared_count;
  size_t bytes;
  bool resident;
  CUdeviceptr home; /* of a resident one that has memory */
  char *host;       /* pinned memory of one that streams; NULL: it comes from the file */
  bool unpinned;    /* it is to come from the file: others get what may be pinned */
  int place;        /* of one that streams */
} CudaStage;

/* Where stages that stream come to lie. */
typedef struct CudaPlace
{
  CUdeviceptr data;
  int stage;     /* whose weights are there or on their way; -1: none's */
  bool read;     /* `empty` has been recorded since they came */
  CUevent full;  /* in the copy stream: they have arrived */
  CUevent empty; /* in the compute stream: they have been used */
} CudaPlace;

/* A layer of no stage. */
typedef struct CudaLoose
{
  const EspLinear *linear;
  CudaLinear *prepared;
} CudaLoose;

struct CudaResidency
{
  const EspLayerGroup *groups; /* as they were given, to know them again */
  CudaStage *stages;
  int count;
  size_t largest;   /* stage, bytes */
  size_t buffers;   /* as planned, besides the weights */
  size_t spare;     /* not planned for: scratch, and what others need */
  double copy_rate; /* bytes per second, measured; 0: not yet */
  bool wants_file;  /* pinned memory is short */
  size_t pinned;    /* of stages that stream, bytes */
  size_t pinned_most;
  double file_bytes, file_seconds; /* read from the mapped file while steps ran */
  CudaPlace places[CUDA_PLACES_MAX];
  int place_count;
  size_t place_bytes;
  int current;   /* stage that was begun last; -1: none */
  int just_left; /* place of the one before it, which operations may still read; -1: none */
  CudaLoose *loose;
  int loose_count, loose_capacity;
  const CudaLinear *in_use; /* the loose layer that was wanted last */
  CUdeviceptr transient;    /* where loose layers without a home are copied */
  size_t transient_bytes;
};

/* --- cuda-residency.c ------------------------------------------------------------------------ */

/* Finds a place for a layer of `prepared->bytes` bytes whose parts follow each other, each
 * 256-aligned. Returns pinned memory that the parts are to be written to; or NULL: then they are to
 * be copied to prepared->home if that is not 0, and else stay in the file. A sticky error when
 * memory is out. */
void *esp_cuda_residency_place (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared);

/* Undoes it. */
void esp_cuda_residency_remove (CudaDevice *cuda, CudaLinear *prepared);

/* The layer is read by what is launched next: brings what is not there. */
void esp_cuda_residency_want (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared);

/* Sends weights away so that about `bytes` can be allocated; false if nothing could go, or while
 * work is being recorded. */
bool esp_cuda_residency_make_room (CudaDevice *cuda, size_t bytes);

/* Bytes that esp_cuda_residency_make_room () can get altogether. */
size_t esp_cuda_residency_yields (const CudaDevice *cuda);

/* Of the stages that stream, those that have no room in so many bytes of pinned memory (0: there is
 * no limit) come from the file: evenly spread, so that there is computing beside each. Before their
 * layers are prepared. */
void esp_cuda_residency_limit_pinned (CudaDevice *cuda, size_t bytes);

void esp_cuda_residency_free (CudaDevice *cuda);

/* --- cuda-streaming.c: places and copies ----------------------------------------------------- */

/* Makes up to `wanted` places if there are none; false if there is no room for even one, without an
 * error for that. */
bool esp_cuda_places_make (CudaDevice *cuda, int wanted);
void esp_cuda_places_free (CudaDevice *cuda);

/* Gives a stage that streams from now on the place that suits its neighbours best, and tells its
 * layers where they are. */
void esp_cuda_places_assign (CudaDevice *cuda, int stage);

/* What is in the stage's place is not what it should be any more: waits until nothing reads or
 * writes it. */
void esp_cuda_places_invalidate (CudaDevice *cuda, int stage);

/* --- cuda-memory.c --------------------------------------------------------------------------- */

/* Bytes that all devices on this card held together at most. */
size_t esp_cuda_memory_peak (const CudaDevice *cuda);

/* --- cuda-weights.c -------------------------------------------------------------------------- */

/* Bytes of a layer's parts, each 256-aligned, as they are kept on the card; and where they lie from
 * now on, one after another (0: away). */
size_t esp_cuda_linear_bytes (const CudaDevice *cuda, const EspLinear *linear);
void esp_cuda_linear_place (CudaLinear *prepared, CUdeviceptr data);

/* A layer's parts from the mapped file to the card, in `stream`. They have been checked. */
bool esp_cuda_linear_copy (CudaDevice *cuda, const EspLinear *linear, CUdeviceptr to,
                           CUstream stream);
