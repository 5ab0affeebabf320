/* SPDX-License-Identifier: MIT */
/* cuda-adapters.c: linear layers with adapters (LoRA) on the card: two narrow products beside the
 * wide one.
 *
 * The layer itself runs as it would without them. All `down` halves are one product, which gives as
 * many numbers for each row as all ranks together; each `up` half is then added to what the layer
 * gave. An activation waits until all is added.
 *
 * The halves, in the type that products read, stay on the card in a list, found by the layer's list
 * of adapters. Nothing tells us when an adapter goes: that is why everything is stale after
 * esp_cuda_adapters_stale() until its bytes were found to be the same, and what is stale still when
 * memory for new ones is wanted is freed. They come through the copy stream, so that it may happen
 * while the compute stream is being recorded.
 */
#include "ops/cuda/cuda-linear.h"

#include <stdlib.h>
#include <string.h>

#include "files/quantise.h"

/* One adapter's up half, and where its ranks begin among all. */
typedef struct KeptUp
{
  CudaRows rows;
  int64_t column, first;
} KeptUp;

typedef struct KeptAdapters
{
  struct KeptAdapters *next;
  const EspAdapter *list; /* never looked into without `copy` having been compared */
  int count;
  EspAdapter *copy;
  uint64_t content; /* of all halves' bytes */
  int64_t in;
  CudaNumbers numbers;
  bool stale;
  CUdeviceptr data;
  size_t bytes;
  CudaRows down; /* all of them, below each other */
  KeptUp *up;
} KeptAdapters;

struct CudaAdapters
{
  KeptAdapters *first;
};

static void
free_kept (CudaDevice *cuda, KeptAdapters *kept)
{
  if (kept == NULL)
    return;
  if (kept->data != 0)
    esp_cuda_memory_give (cuda, kept->data, kept->bytes);
  free (kept->copy);
  free (kept->up);
  free (kept);
}

void
esp_cuda_adapters_stale (CudaDevice *cuda)
{
  if (cuda->adapters != NULL)
    for (KeptAdapters *kept = cuda->adapters->first; kept != NULL; kept = kept->next)
      kept->stale = true;
}

void
esp_cuda_adapters_free (CudaDevice *cuda)
{
  if (cuda->adapters == NULL)
    return;
  for (KeptAdapters *kept = cuda->adapters->first, *next; kept != NULL; kept = next)
    {
      next = kept->next;
      free_kept (cuda, kept);
    }
  free (cuda->adapters);
  cuda->adapters = NULL;
}

static void
free_stale (CudaDevice *cuda)
{
  KeptAdapters **at = &cuda->adapters->first;

  while (*at != NULL)
    {
      KeptAdapters *kept = *at;

      if (!kept->stale)
        at = &kept->next;
      else
        {
          *at = kept->next;
          free_kept (cuda, kept);
        }
    }
}

/* --- What is kept ------------------------------------------------------------------------------
 */

/* FNV-1a over words. */
static uint64_t
content_of_weight (const EspWeight *weight, uint64_t hash)
{
  const char *data = weight->data;
  const size_t bytes = esp_dtype_bytes (weight->dtype, weight->count);

  for (size_t i = 0; i < bytes; i += sizeof hash)
    {
      uint64_t word = 0;

      memcpy (&word, data + i, bytes - i < sizeof word ? bytes - i : sizeof word);
      hash = (hash ^ word) * 0x100000001b3u;
      hash ^= hash >> 29;
    }
  return hash;
}

static uint64_t
content_of (const EspAdapter *list, int count)
{
  uint64_t hash = 0xcbf29ce484222325u;

  for (int i = 0; i < count; i++)
    hash = content_of_weight (list[i].up, content_of_weight (list[i].down, hash));
  return hash;
}

/* Does this adapter take the products of the one before it? It was cut into ranges of outputs. */
static bool
shares_down (const EspAdapter *list, int i)
{
  return i > 0 && list[i].down == list[i - 1].down && list[i].strength == list[i - 1].strength;
}

/* What is too large stays as large as it can be. */
static uint16_t
half_of (float value)
{
  return esp_f32_to_f16 (value > 65504 ? 65504 : value < -65504 ? -65504 : value);
}

/* f32 rows → rows of the numbers, padded with zeros. */
static void
narrow_rows (const float *from, int64_t rows, int64_t cols, CudaNumbers numbers, int64_t padded,
             void *to)
{
  for (int64_t r = 0; r < rows; r++, from += cols)
    if (numbers == CUDA_NUMBERS_F32)
      memcpy ((float *) to + r * padded, from, (size_t) cols * sizeof *from);
    else if (numbers == CUDA_NUMBERS_BF16)
      esp_f32_to_bf16 (from, (uint16_t *) to + r * padded, cols);
    else
      for (int64_t c = 0; c < cols; c++)
        ((uint16_t *) to)[r * padded + c] = half_of (from[c]);
}

static int64_t
padded_to (int64_t n, int64_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* Where every half goes, as if the memory began at 0. */
static void
lay_out (KeptAdapters *kept)
{
  const int64_t size = (int64_t) esp_cuda_numbers_size (kept->numbers);
  size_t at;

  kept->down = (CudaRows){ .k = padded_to (kept->in, 8), .scale = 1 };
  kept->down.stride = kept->down.k * size;
  for (int i = 0; i < kept->count; i++)
    {
      const EspAdapter *adapter = &kept->copy[i];
      const int64_t rank = adapter->down->count / kept->in;

      if (shares_down (kept->copy, i))
        kept->up[i].column = kept->up[i - 1].column;
      else
        {
          /* Its products begin where a product can read them from. */
          kept->up[i].column = kept->down.rows;
          kept->down.rows += padded_to (rank, 8);
        }
      kept->up[i].first = adapter->first;
      kept->up[i].rows = (CudaRows){ .rows = adapter->out, .k = padded_to (rank, 8), .scale = 1 };
      kept->up[i].rows.stride = kept->up[i].rows.k * size;
    }
  at = (size_t) padded_to (kept->down.rows * kept->down.stride, 256);
  for (int i = 0; i < kept->count; i++)
    {
      kept->up[i].rows.data = at;
      at += (size_t) padded_to (kept->up[i].rows.rows * kept->up[i].rows.stride, 256);
    }
  kept->bytes = at;
}

/* All halves as they will lie on the card; malloc'd. */
static char *
make_image (const KeptAdapters *kept)
{
  const int64_t size = (int64_t) esp_cuda_numbers_size (kept->numbers);
  char *image = calloc (1, kept->bytes);

  for (int i = 0; i < kept->count && image != NULL; i++)
    {
      const EspAdapter *adapter = &kept->copy[i];
      const int64_t rank = adapter->down->count / kept->in;
      const int64_t most
          = adapter->down->count > adapter->up->count ? adapter->down->count : adapter->up->count;
      float *numbers = malloc ((size_t) most * sizeof *numbers);

      if (numbers == NULL)
        {
          free (image);
          return NULL;
        }
      if (!shares_down (kept->copy, i))
        {
          esp_weight_to_f32 (adapter->down, 0, adapter->down->count, numbers);
          narrow_rows (numbers, rank, kept->in, kept->numbers, kept->down.k,
                       image + kept->up[i].column * kept->down.k * size);
        }
      esp_weight_to_f32 (adapter->up, 0, adapter->up->count, numbers);
      narrow_rows (numbers, adapter->out, rank, kept->numbers, kept->up[i].rows.k,
                   image + kept->up[i].rows.data);
      free (numbers);
    }
  return image;
}

static bool
send_image (CudaDevice *cuda, KeptAdapters *kept)
{
  char *image = make_image (kept);
  bool sent = image != NULL;

  if (!sent)
    esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for a LoRA");
  else
    kept->data = esp_cuda_memory_take (cuda, kept->bytes);
  if (sent && kept->data == 0)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "no room for a LoRA on the card");
      sent = false;
    }
  sent
      = sent
        && esp_cuda_ok (cuda, cuda->cu->copy_to_device (kept->data, image, kept->bytes, cuda->copy),
                        "copying a LoRA to the card")
        && esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->copy),
                        "copying a LoRA to the card");
  free (image);
  kept->down.data = kept->data;
  for (int i = 0; i < kept->count; i++)
    kept->up[i].rows.data += kept->data;
  return sent;
}

static KeptAdapters *
keep (CudaDevice *cuda, const EspLinear *linear, CudaNumbers numbers)
{
  KeptAdapters *kept = calloc (1, sizeof *kept);

  if (kept != NULL)
    {
      *kept = (KeptAdapters){ .list = linear->adapters,
                              .count = linear->adapter_count,
                              .in = linear->in,
                              .numbers = numbers,
                              .copy = malloc ((size_t) linear->adapter_count * sizeof *kept->copy),
                              .up = calloc ((size_t) linear->adapter_count, sizeof *kept->up),
                              .content = content_of (linear->adapters, linear->adapter_count) };
      if (kept->copy != NULL && kept->up != NULL)
        {
          memcpy (kept->copy, linear->adapters,
                  (size_t) linear->adapter_count * sizeof *kept->copy);
          lay_out (kept);
          if (send_image (cuda, kept))
            {
              kept->next = cuda->adapters->first;
              cuda->adapters->first = kept;
              return kept;
            }
        }
    }
  esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for a LoRA");
  free_kept (cuda, kept);
  return NULL;
}

static bool
same_adapters (const KeptAdapters *kept, const EspLinear *linear, CudaNumbers numbers)
{
  if (kept->list != linear->adapters || kept->count != linear->adapter_count
      || kept->in != linear->in || kept->numbers != numbers)
    return false;
  for (int i = 0; i < kept->count; i++)
    {
      const EspAdapter *a = &kept->copy[i], *b = &linear->adapters[i];

      if (a->down != b->down || a->up != b->up || a->strength != b->strength || a->first != b->first
          || a->out != b->out)
        return false;
    }
  return true;
}

/* The layer's adapters on the card; NULL with a sticky error. */
static const KeptAdapters *
find_kept (CudaDevice *cuda, const EspLinear *linear, CudaNumbers numbers)
{
  if (cuda->adapters == NULL)
    cuda->adapters = calloc (1, sizeof *cuda->adapters);
  if (cuda->adapters == NULL)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for a LoRA");
      return NULL;
    }
  for (KeptAdapters *kept = cuda->adapters->first; kept != NULL; kept = kept->next)
    if (same_adapters (kept, linear, numbers))
      {
        if (kept->stale && kept->content != content_of (linear->adapters, linear->adapter_count))
          continue;
        kept->stale = false;
        return kept;
      }
  /* Nothing that was recorded since they became stale can name them. */
  if (!esp_cuda_is_recording (cuda))
    free_stale (cuda);
  return keep (cuda, linear, numbers);
}

/* --- Adding them -------------------------------------------------------------------------------
 */

/* y += gate · strength·up·(down·x) for all adapters. */
static void
add_adapters (CudaDevice *cuda, const EspTensor *x, const EspLinear *linear, const float *gate,
              const EspTensor *y)
{
  const CudaNumbers numbers = cuda->base.compute == ESP_F32 || linear->precise ? CUDA_NUMBERS_F32
                              : cuda->base.compute == ESP_F16                  ? CUDA_NUMBERS_F16
                                                                               : CUDA_NUMBERS_BF16;
  const KeptAdapters *kept = find_kept (cuda, linear, numbers);
  const int64_t size = (int64_t) esp_cuda_numbers_size (numbers);
  const CudaView out = esp_cuda_view (y);
  const uint64_t out_size = out.type == CUDA_F32 ? 4 : 2;
  CUdeviceptr narrow;
  CudaRows rows;

  if (kept == NULL)
    return;
  rows = esp_cuda_operand_rows (cuda, x, numbers);
  narrow
      = esp_cuda_scratch (cuda, CUDA_SCRATCH_ADAPTER, (size_t) (x->rows * kept->down.rows * size));
  if (rows.data == 0 || narrow == 0)
    return;
  esp_cuda_product (cuda, numbers, &rows, &kept->down,
                    &(CudaFinish){ .y = narrow,
                                   .y_stride = kept->down.rows,
                                   .y_type = numbers == CUDA_NUMBERS_F32   ? CUDA_F32
                                             : numbers == CUDA_NUMBERS_F16 ? CUDA_F16
                                                                           : CUDA_BF16,
                                   .vector = true });
  for (int i = 0; i < kept->count && cuda->base.error.status == ESP_OK; i++)
    {
      const KeptUp *up = &kept->up[i];
      CudaRows own = { .data = narrow + (CUdeviceptr) (up->column * size),
                       .stride = kept->down.rows * size,
                       .rows = x->rows,
                       .k = up->rows.k,
                       .scale = kept->copy[i].strength };
      CudaFinish finish = { .y = out.data + (uint64_t) up->first * out_size,
                            .y_stride = out.stride,
                            .y_type = out.type,
                            .accumulate = true };

      finish.vector = finish.y % (4 * out_size) == 0 && out.stride % 4 == 0;
      if (gate != NULL)
        finish.gate = (uint64_t) (uintptr_t) (gate + up->first);
      esp_cuda_product (cuda, numbers, &own, &up->rows, &finish);
    }
}

/* An activation between the adapters and a gate or a sum, which no model here has: through f32. */
static void
apart (CudaDevice *cuda, EspTensor x, const EspLinear *linear, const EspEpilogue *epilogue,
       EspTensor y)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  const int64_t stride = (y.cols + 3) / 4 * 4;
  const CUdeviceptr data
      = esp_cuda_scratch (cuda, CUDA_SCRATCH_SUMS, (size_t) (y.rows * stride) * sizeof (float));
  const EspTensor t = { (void *) (uintptr_t) data, ESP_F32, y.rows, y.cols, stride };
  const CudaView out = esp_cuda_view (&y);
  const CudaFinish finish = { .y = out.data,
                              .y_stride = out.stride,
                              .y_type = out.type,
                              .scale = 1,
                              .activation = (int32_t) epilogue->activation,
                              .gate = (uint64_t) (uintptr_t) epilogue->gate,
                              .accumulate = epilogue->accumulate };

  if (data == 0)
    return;
  esp_cuda_plain_linear (cuda, x, linear, &plain, NULL, t);
  add_adapters (cuda, &x, linear, NULL, &t);
  esp_cuda_finish_sums (cuda, data, stride, y.rows, y.cols, &finish);
}

void
esp_cuda_adapted_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                         const EspEpilogue *epilogue, EspTensor y)
{
  const bool active = epilogue->activation != ESP_ACTIVATION_NONE;
  EspEpilogue before = *epilogue;

  if (x.rows == 0)
    return;
  if (active && (epilogue->gate != NULL || epilogue->accumulate))
    {
      apart (cuda, x, linear, epilogue, y);
      return;
    }
  before.activation = ESP_ACTIVATION_NONE;
  esp_cuda_plain_linear (cuda, x, linear, &before, NULL, y);
  add_adapters (cuda, &x, linear, epilogue->gate, &y);
  if (active)
    esp_cuda_activate (&cuda->base, y, epilogue->activation, y);
}
