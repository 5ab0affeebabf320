/* SPDX-License-Identifier: MIT */
/* cuda-attention.c: which of the attention kernels is launched, and how. */
#include "ops/cuda/cuda-device.h"

#include "ops/cuda/cuda-check.h"
#include "ops/cuda/cuda-hopper.h"
#include "ops/cuda/kernels/attention-90.h"
#include "ops/cuda/kernels/attention.h"

/* Shared memory in which two blocks of 128 queries and 64 keys of 128 columns fit. */
#define WIDE_TILES_SHARED ((size_t) 128 << 10)

/* Blocks along a grid's y that every card takes (CUDA C++ Programming Guide, Technical
 * Specifications per Compute Capability). */
#define GRID_Y_MAX 65535

/* Rows that the copy engine can number, whole tiles of them. */
#define ROWS_90_MAX (INT32_MAX - 256)

static bool
check_shapes (CudaDevice *cuda, const EspAttention *a)
{
  const int64_t cols = a->heads * a->head_dim;

  if (!esp_cuda_check_view (cuda, "attention", "q", &a->q)
      || !esp_cuda_check_view (cuda, "attention", "k", &a->k)
      || !esp_cuda_check_view (cuda, "attention", "v", &a->v)
      || !esp_cuda_check_view (cuda, "attention", "out", &a->out))
    return false;
  if (a->heads > 0 && a->heads <= GRID_Y_MAX && a->head_dim > 0 && a->head_dim <= INT32_MAX
      && a->q.cols == cols && a->k.cols == cols && a->v.cols == cols && a->out.cols == cols
      && a->q.rows == a->out.rows && a->k.rows == a->v.rows && a->k.rows > 0
      && (!a->causal || a->q.rows == a->k.rows))
    return true;
  esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT,
                   "attention: %lld × %lld queries and %lld × %lld keys do not fit %lld heads of "
                   "%lld%s",
                   (long long) a->q.rows, (long long) a->q.cols, (long long) a->k.rows,
                   (long long) a->k.cols, (long long) a->heads, (long long) a->head_dim,
                   a->causal ? ", causal" : "");
  return false;
}

/* Rows of 16-bit numbers that can be copied 16 bytes at a time. */
static bool
copies_in_chunks (const EspTensor *view, EspDType type)
{
  return view->dtype == type && (uintptr_t) view->data % 16 == 0 && view->stride % 8 == 0;
}

/* Can a pair of neighbouring numbers be stored at once? */
static bool
stores_pairs (const EspTensor *view)
{
  return view->stride % 2 == 0 && (uintptr_t) view->data % (view->dtype == ESP_F32 ? 8 : 4) == 0;
}

/* The matrix unit's kernel for this attention and its tiles' keys; NULL if there is none. */
static const char *
matrix_kernel (const CudaDevice *cuda, const EspAttention *a, int *keys)
{
  const EspDType type = cuda->base.compute;
  const bool bf16 = type == ESP_BF16, biased = a->relative_bias != NULL;

  *keys = 64;
  if ((type != ESP_BF16 && type != ESP_F16) || a->precise || !(a->scale > 0)
      || (biased && a->head_dim != 64) || !copies_in_chunks (&a->q, type)
      || !copies_in_chunks (&a->k, type) || !copies_in_chunks (&a->v, type)
      || !(a->out.dtype == ESP_F32 || a->out.dtype == type) || !stores_pairs (&a->out))
    return NULL;
  switch (a->head_dim)
    {
    case 32:
      return bf16 ? "attention_bf16_32" : "attention_f16_32";
    case 64:
      if (biased)
        {
          *keys = 32;
          return bf16 ? "attention_bf16_64_biased" : "attention_f16_64_biased";
        }
      return bf16 ? "attention_bf16_64" : "attention_f16_64";
    case 128:
      if (cuda->shared_limit >= WIDE_TILES_SHARED && cuda->capability < 90)
        return bf16 ? "attention_bf16_128" : "attention_f16_128";
      *keys = 32;
      return bf16 ? "attention_bf16_128_narrow" : "attention_f16_128_narrow";
    default:
      return NULL;
    }
}

/* For the same attentions as attention_bf16_128. */
static void
launch_hopper (CudaDevice *cuda, const EspAttention *a, const CudaAttention *views)
{
  CudaAttention90 arguments = {
    .out = views->out,
    .queries = (int32_t) a->q.rows,
    .keys = (int32_t) a->k.rows,
    .scale = a->scale,
  };

  if (!esp_cuda_tensor_map (cuda, &views->q, false, CUDA_ATTENTION_90_QUERIES, &arguments.q)
      || !esp_cuda_tensor_map (cuda, &views->k, false, CUDA_ATTENTION_90_KEYS, &arguments.k)
      || !esp_cuda_tensor_map (cuda, &views->v, false, CUDA_ATTENTION_90_KEYS, &arguments.v))
    return;
  esp_cuda_launch (
      cuda, CUDA_MODULE_ATTENTION_90, "attention_90",
      (CudaGrid){
          .x = (unsigned) ((a->q.rows + CUDA_ATTENTION_90_QUERIES - 1) / CUDA_ATTENTION_90_QUERIES),
          .y = (unsigned) a->heads,
          .z = 1,
          .threads = CUDA_ATTENTION_90_THREADS,
          .shared = CUDA_ATTENTION_90_SHARED,
      },
      &arguments, sizeof arguments);
}

static void
launch_plain (CudaDevice *cuda, const EspAttention *a, const CudaAttention *arguments)
{
  const int columns = a->head_dim <= 64 ? 64 : a->head_dim <= 128 ? 128 : 512;
  const CudaGrid grid = {
    .x = (unsigned) ((a->q.rows + CUDA_ATTENTION_PLAIN_QUERIES - 1) / CUDA_ATTENTION_PLAIN_QUERIES),
    .y = (unsigned) a->heads,
    .z = (unsigned) ((a->head_dim + columns - 1) / columns),
    .threads = CUDA_ATTENTION_PLAIN_THREADS,
    .shared
    = sizeof (float)
      * (CUDA_ATTENTION_PLAIN_PITCH * (2 * CUDA_ATTENTION_PLAIN_DEPTH + CUDA_ATTENTION_PLAIN_KEYS)
         + CUDA_ATTENTION_PLAIN_VALUES),
  };

  esp_cuda_launch (cuda, CUDA_MODULE_ATTENTION,
                   columns == 64    ? "attention_plain_64"
                   : columns == 128 ? "attention_plain_128"
                                    : "attention_plain_512",
                   grid, arguments, sizeof *arguments);
}

void
esp_cuda_attention (EspDevice *device, const EspAttention *attention)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaAttention arguments;
  const char *kernel;
  int keys;

  if (!check_shapes (cuda, attention) || attention->q.rows == 0)
    return;
  arguments = (CudaAttention){
    .q = esp_cuda_view (&attention->q),
    .k = esp_cuda_view (&attention->k),
    .v = esp_cuda_view (&attention->v),
    .out = esp_cuda_view (&attention->out),
    .relative_bias = (uintptr_t) attention->relative_bias,
    .head_dim = (int32_t) attention->head_dim,
    .causal = attention->causal,
    .scale = attention->scale,
  };
  if (esp_cuda_wide_attention (cuda, attention))
    return;
  kernel = matrix_kernel (cuda, attention, &keys);
  if (kernel == NULL)
    {
      launch_plain (cuda, attention, &arguments);
      return;
    }
  if (attention->head_dim == CUDA_ATTENTION_90_DIM && cuda->base.compute == ESP_BF16
      && !attention->causal && attention->q.rows <= ROWS_90_MAX && attention->k.rows <= ROWS_90_MAX
      && esp_cuda_is_hopper (cuda) && esp_cuda_trusts (cuda, CUDA_WAY_WGMMA_ATTENTION))
    {
      launch_hopper (cuda, attention, &arguments);
      return;
    }
  if (!esp_cuda_trusts (cuda, CUDA_WAY_ATTENTION))
    {
      launch_plain (cuda, attention, &arguments);
      return;
    }
  esp_cuda_launch (
      cuda, CUDA_MODULE_ATTENTION, kernel,
      (CudaGrid){
          .x
          = (unsigned) ((attention->q.rows + CUDA_ATTENTION_QUERIES - 1) / CUDA_ATTENTION_QUERIES),
          .y = (unsigned) attention->heads,
          .z = 1,
          .threads = CUDA_ATTENTION_THREADS,
          .shared = (size_t) (CUDA_ATTENTION_QUERIES + 2 * keys) * (size_t) attention->head_dim * 2,
      },
      &arguments, sizeof arguments);
}
