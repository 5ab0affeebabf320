/* SPDX-License-Identifier: MIT */
/* cuda-memory.c: memory on the card, and the pinned memory that copies go through.
 *
 * The driver's own allocation and release wait for the card, and mapping a gigabyte takes longer
 * than most operations on it. So blocks that callers release are kept for the next caller that
 * wants as many bytes, and are given back when memory is short. All operations run in one stream,
 * so a block may be used again at once.
 */
#include "ops/cuda/cuda-device.h"

#include <stdlib.h>
#include <string.h>

#include "ops/cuda/cuda-residency.h"

enum
{
  ALIGNMENT = 256,
  STAGING_PARTS = 4, /* one is filled while the others are copied */
  KEPT_MAX = 96,     /* released blocks, more are given back */
};

/* No tensor is as large as a TiB: a size beyond that is a mistake. */
#define BLOCK_MAX ((size_t) 1 << 40)

/* Scratch is given a little more than asked, so that slightly longer prompts do not start over. */
#define SCRATCH_SPARE_MAX ((size_t) 32 << 20)

typedef struct Block
{
  CUdeviceptr data;
  size_t bytes;
} Block;

struct CudaMemory
{
  Block kept[KEPT_MAX];
  int kept_count;
  size_t kept_bytes;
  Block dying[2 * CUDA_SCRATCH_COUNT]; /* outgrown while they were being recorded */
  int dying_count;
  unsigned char *staging;
  CUevent staged[STAGING_PARTS];
  bool used[STAGING_PARTS];
  int part; /* of the staging memory, in use */
};

/* Two devices of one worker at most: one for the transformer and one for the autoencoder; and room
 * for a test's. */
enum
{
  LEDGER_DEVICES = 8
};

struct CudaLedger
{
  CudaDevice *devices[LEDGER_DEVICES];
  int count;
  size_t peak; /* bytes that they held together at most */
};

/* --- Devices that share a card -----------------------------------------------------------------
 */

bool
esp_cuda_ledger_join (CudaDevice *cuda, CudaDevice *sibling)
{
  CudaLedger *ledger = sibling != NULL ? sibling->ledger : calloc (1, sizeof *ledger);

  if (ledger == NULL || ledger->count == LEDGER_DEVICES)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY,
                       ledger == NULL ? "out of memory for the card's memory"
                                      : "too many devices on one card");
      return false;
    }
  ledger->devices[ledger->count++] = cuda;
  cuda->ledger = ledger;
  return true;
}

void
esp_cuda_ledger_leave (CudaDevice *cuda)
{
  CudaLedger *ledger = cuda->ledger;

  if (ledger == NULL)
    return;
  for (int i = 0; i < ledger->count; i++)
    if (ledger->devices[i] == cuda)
      ledger->devices[i] = ledger->devices[--ledger->count];
  if (ledger->count == 0)
    free (ledger);
  cuda->ledger = NULL;
}

/* What a device holds, with the blocks that it keeps. */
static size_t
held (const CudaDevice *cuda)
{
  return cuda->base.allocated + (cuda->memory != NULL ? cuda->memory->kept_bytes : 0);
}

static size_t
held_together (const CudaDevice *cuda)
{
  size_t bytes = 0;

  for (int i = 0; i < cuda->ledger->count; i++)
    bytes += held (cuda->ledger->devices[i]);
  return bytes;
}

static CudaMemory *
memory_of (CudaDevice *cuda)
{
  if (cuda->memory == NULL)
    cuda->memory = calloc (1, sizeof *cuda->memory);
  if (cuda->memory == NULL)
    esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for the card's memory");
  return cuda->memory;
}

static size_t
rounded (size_t bytes)
{
  return bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* --- From and to the driver --------------------------------------------------------------------
 */

static void
count_peak (CudaDevice *cuda)
{
  const size_t together = held_together (cuda);

  if (held (cuda) > cuda->base.peak)
    cuda->base.peak = held (cuda);
  if (together > cuda->ledger->peak)
    cuda->ledger->peak = together;
}

size_t
esp_cuda_memory_peak (const CudaDevice *cuda)
{
  return cuda->ledger->peak;
}

/* 0 if there is no room or the limit forbids it. */
static CUdeviceptr
from_driver (CudaDevice *cuda, size_t bytes)
{
  CUdeviceptr data = 0;
  CUresult result;

  if (cuda->vram_limit > 0 && held_together (cuda) + bytes > cuda->vram_limit)
    return 0;
  result = cuda->cu->memory_allocate (&data, bytes);
  if (result == CUDA_SUCCESS)
    return data;
  if (result != CUDA_ERROR_OUT_OF_MEMORY)
    esp_cuda_ok (cuda, result, "allocating memory");
  return 0;
}

/* After an error too: a device that failed must still let go of its memory. */
static void
to_driver (CudaDevice *cuda, CUdeviceptr data)
{
  cuda->cu->context_set (cuda->context);
  cuda->cu->stream_synchronize (cuda->compute);
  cuda->cu->memory_free (data);
}

void
esp_cuda_memory_trim (CudaDevice *cuda)
{
  CudaMemory *memory = cuda->memory;

  if (memory == NULL || esp_cuda_is_recording (cuda))
    return;
  for (int i = 0; i < memory->kept_count; i++)
    to_driver (cuda, memory->kept[i].data);
  memory->kept_count = 0;
  memory->kept_bytes = 0;
  for (int i = 0; i < memory->dying_count; i++)
    {
      to_driver (cuda, memory->dying[i].data);
      cuda->base.allocated -= memory->dying[i].bytes;
    }
  memory->dying_count = 0;
}

static CUdeviceptr
take_or_trim (CudaDevice *cuda, size_t bytes)
{
  CUdeviceptr data = from_driver (cuda, bytes);

  if (data != 0 || cuda->base.error.status != ESP_OK)
    return data;
  for (int i = 0; i < cuda->ledger->count; i++)
    esp_cuda_memory_trim (cuda->ledger->devices[i]);
  return from_driver (cuda, bytes);
}

CUdeviceptr
esp_cuda_memory_take (CudaDevice *cuda, size_t bytes)
{
  CUdeviceptr data;

  if (bytes >= BLOCK_MAX || !esp_cuda_enter (cuda))
    return 0;
  data = take_or_trim (cuda, rounded (bytes));
  if (data != 0)
    {
      cuda->base.allocated += rounded (bytes);
      count_peak (cuda);
    }
  return data;
}

void
esp_cuda_memory_give (CudaDevice *cuda, CUdeviceptr data, size_t bytes)
{
  if (data == 0)
    return;
  to_driver (cuda, data);
  cuda->base.allocated -= rounded (bytes);
}

/* --- The table's rows --------------------------------------------------------------------------
 */

static CUdeviceptr
take_kept (CudaMemory *memory, size_t bytes)
{
  for (int i = memory->kept_count; i-- > 0;)
    if (memory->kept[i].bytes == bytes)
      {
        CUdeviceptr data = memory->kept[i].data;

        memory->kept[i] = memory->kept[--memory->kept_count];
        memory->kept_bytes -= bytes;
        return data;
      }
  return 0;
}

/* `size` is rounded. Weights are sent away for it if need be; 0 with a sticky error if that does
 * not help. */
static CUdeviceptr
allocate_block (CudaDevice *cuda, size_t size)
{
  CudaMemory *memory = memory_of (cuda);
  CUdeviceptr data;

  if (memory == NULL)
    return 0;
  data = take_kept (memory, size);
  if (data == 0)
    data = take_or_trim (cuda, size);
  /* One after another: the first that helps may not be enough. */
  for (int i = 0; i < cuda->ledger->count && data == 0 && cuda->base.error.status == ESP_OK; i++)
    if (esp_cuda_residency_make_room (cuda->ledger->devices[i], size))
      data = take_or_trim (cuda, size);
  if (data == 0)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY,
                       "out of memory on the card: %zu bytes wanted, %zu bytes held", size,
                       cuda->base.allocated);
      return 0;
    }
  cuda->base.allocated += size;
  count_peak (cuda);
  return data;
}

void *
esp_cuda_allocate (EspDevice *device, size_t bytes)
{
  CudaDevice *cuda = (CudaDevice *) device;

  if (!esp_cuda_enter (cuda))
    return NULL;
  if (bytes >= BLOCK_MAX)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY,
                       "out of memory on the card: %zu bytes wanted, %zu bytes held", bytes,
                       device->allocated);
      return NULL;
    }
  return (void *) (uintptr_t) allocate_block (cuda, rounded (bytes));
}

void
esp_cuda_release (EspDevice *device, void *block, size_t bytes)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaMemory *memory = cuda->memory;
  CUdeviceptr data = (uintptr_t) block;
  size_t size = rounded (bytes);

  if (data == 0)
    return;
  device->allocated -= size;
  /* What is recorded may not wait; then it is kept whatever happened. */
  if (memory != NULL && memory->kept_count < KEPT_MAX
      && (device->error.status == ESP_OK || esp_cuda_is_recording (cuda)))
    {
      memory->kept[memory->kept_count++] = (Block){ data, size };
      memory->kept_bytes += size;
    }
  else
    to_driver (cuda, data);
}

size_t
esp_cuda_free_memory (EspDevice *device)
{
  CudaDevice *cuda = (CudaDevice *) device;
  size_t available = 0, total = 0, kept = 0, used;

  if (!esp_cuda_enter (cuda)
      || !esp_cuda_ok (cuda, cuda->cu->memory_info (&available, &total), "asking for free memory"))
    return 0;
  for (int i = 0; i < cuda->ledger->count; i++)
    if (cuda->ledger->devices[i]->memory != NULL)
      kept += cuda->ledger->devices[i]->memory->kept_bytes;
  available += kept;
  used = held_together (cuda) - kept;
  if (cuda->vram_limit > 0 && available + used > cuda->vram_limit)
    available = cuda->vram_limit > used ? cuda->vram_limit - used : 0;
  return available;
}

size_t
esp_cuda_room (EspDevice *device)
{
  CudaDevice *cuda = (CudaDevice *) device;
  size_t room = esp_cuda_free_memory (device);

  for (int i = 0; i < cuda->ledger->count; i++)
    room += esp_cuda_residency_yields (cuda->ledger->devices[i]);
  return room;
}

CUdeviceptr
esp_cuda_scratch (CudaDevice *cuda, CudaScratchSlot slot, size_t bytes)
{
  CudaMemory *memory;
  CUdeviceptr old = cuda->scratch[slot].data;
  size_t old_bytes = cuda->scratch[slot].bytes, spare = bytes / 8;

  if (cuda->base.error.status != ESP_OK)
    return 0;
  if (old != 0 && bytes <= old_bytes)
    return old;
  memory = memory_of (cuda);
  if (memory == NULL || !esp_cuda_enter (cuda))
    return 0;
  if (bytes >= BLOCK_MAX)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory on the card: %zu bytes wanted",
                       bytes);
      return 0;
    }
  esp_cuda_forget (&cuda->base, NULL);
  cuda->scratch[slot].data = 0;
  cuda->scratch[slot].bytes = 0;
  if (old != 0 && !esp_cuda_is_recording (cuda))
    esp_cuda_memory_give (cuda, old, old_bytes);
  else if (old != 0 && memory->dying_count < (int) (sizeof memory->dying / sizeof *memory->dying))
    memory->dying[memory->dying_count++] = (Block){ old, old_bytes };
  bytes = rounded (bytes + (spare < SCRATCH_SPARE_MAX ? spare : SCRATCH_SPARE_MAX));
  cuda->scratch[slot].data = allocate_block (cuda, bytes);
  cuda->scratch[slot].bytes = cuda->scratch[slot].data != 0 ? bytes : 0;
  return cuda->scratch[slot].data;
}

void
esp_cuda_memory_clear (CudaDevice *cuda)
{
  for (int slot = 0; slot < CUDA_SCRATCH_COUNT; slot++)
    {
      esp_cuda_memory_give (cuda, cuda->scratch[slot].data, cuda->scratch[slot].bytes);
      cuda->scratch[slot].data = 0;
      cuda->scratch[slot].bytes = 0;
    }
  if (cuda->memory == NULL)
    return;
  esp_cuda_memory_trim (cuda);
  for (int part = 0; part < STAGING_PARTS; part++)
    if (cuda->memory->staged[part] != NULL)
      cuda->cu->event_destroy (cuda->memory->staged[part]);
  if (cuda->memory->staging != NULL)
    cuda->cu->host_free (cuda->memory->staging);
  free (cuda->memory);
  cuda->memory = NULL;
}

/* --- Copies ------------------------------------------------------------------------------------
 */

static bool
has_staging (CudaDevice *cuda)
{
  CudaMemory *memory = memory_of (cuda);
  void *pinned = NULL;

  if (memory == NULL)
    return false;
  if (memory->staging != NULL)
    return true;
  for (int part = 0; part < STAGING_PARTS; part++)
    if (memory->staged[part] == NULL
        && !esp_cuda_ok (cuda,
                         cuda->cu->event_create (&memory->staged[part], CU_EVENT_DISABLE_TIMING),
                         "making an event"))
      return false;
  if (!esp_cuda_ok (cuda,
                    cuda->cu->host_allocate (&pinned, STAGING_PARTS * CUDA_STAGING_BYTES,
                                             CU_MEMHOSTALLOC_PORTABLE),
                    "allocating pinned memory"))
    return false;
  memory->staging = pinned;
  return true;
}

void *
esp_cuda_staging_next (CudaDevice *cuda)
{
  CudaMemory *memory;

  if (!esp_cuda_enter (cuda) || !has_staging (cuda))
    return NULL;
  if (esp_cuda_is_recording (cuda))
    {
      /* A replay would copy whatever the staging memory holds then. */
      esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT,
                       "host memory is copied between replay and recorded");
      return NULL;
    }
  memory = cuda->memory;
  memory->part = (memory->part + 1) % STAGING_PARTS;
  if (memory->used[memory->part]
      && !esp_cuda_ok (cuda, cuda->cu->event_synchronize (memory->staged[memory->part]),
                       "waiting for a copy"))
    return NULL;
  memory->used[memory->part] = false;
  return memory->staging + (size_t) memory->part * CUDA_STAGING_BYTES;
}

void
esp_cuda_staging_used (CudaDevice *cuda, CUstream stream)
{
  CudaMemory *memory = cuda->memory;

  memory->used[memory->part] = esp_cuda_ok (
      cuda, cuda->cu->event_record (memory->staged[memory->part], stream), "marking a copy");
}

void
esp_cuda_copy_in (CudaDevice *cuda, CUdeviceptr to, const void *from, size_t bytes)
{
  for (size_t done = 0; done < bytes;)
    {
      size_t n = bytes - done < CUDA_STAGING_BYTES ? bytes - done : CUDA_STAGING_BYTES;
      void *staging = esp_cuda_staging_next (cuda);

      if (staging == NULL)
        return;
      memcpy (staging, (const char *) from + done, n);
      if (!esp_cuda_ok (cuda, cuda->cu->copy_to_device (to + done, staging, n, cuda->compute),
                        "copying to the card"))
        return;
      esp_cuda_staging_used (cuda, cuda->compute);
      done += n;
    }
}

void
esp_cuda_copy_out (CudaDevice *cuda, void *to, CUdeviceptr from, size_t bytes)
{
  void *staging[STAGING_PARTS];
  size_t group = STAGING_PARTS * CUDA_STAGING_BYTES;

  for (size_t done = 0; done < bytes; done += group)
    {
      size_t left = bytes - done < group ? bytes - done : group;

      for (int part = 0; (size_t) part * CUDA_STAGING_BYTES < left; part++)
        {
          size_t at = (size_t) part * CUDA_STAGING_BYTES;
          size_t n = left - at < CUDA_STAGING_BYTES ? left - at : CUDA_STAGING_BYTES;

          staging[part] = esp_cuda_staging_next (cuda);
          if (staging[part] == NULL
              || !esp_cuda_ok (
                  cuda, cuda->cu->copy_to_host (staging[part], from + done + at, n, cuda->compute),
                  "copying from the card"))
            return;
        }
      if (!esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->compute), "computing"))
        return;
      for (int part = 0; (size_t) part * CUDA_STAGING_BYTES < left; part++)
        {
          size_t at = (size_t) part * CUDA_STAGING_BYTES;
          size_t n = left - at < CUDA_STAGING_BYTES ? left - at : CUDA_STAGING_BYTES;

          memcpy ((char *) to + done + at, staging[part], n);
        }
    }
}
