/* SPDX-License-Identifier: MIT */
/* cuda-cards.c: what cards there are, and which of them can be used. */
#include "ops/cuda/cuda-cards.h"

#include <stdio.h>
#include <string.h>

#include "ops/cuda/cuda-check.h"
#include "ops/cuda/cuda-device.h"

enum
{
  OLDEST_CAPABILITY = 75, /* the kernels are compiled for sm_75 and later: CUDA 13 knows no older */
  OLDEST_BF16 = 80,       /* bf16 products (PTX ISA, mma.sync) */
  OLDEST_FP8 = 89,        /* e4m3 products */
  COMPUTE_MODE_PROHIBITED = 2, /* CU_COMPUTEMODE_PROHIBITED */
};

/* What the driver says about memory needs a context; a card that gives none cannot be used. */
static CUresult
ask_memory (const EspCudaDriver *cu, CUdevice device, EspCudaCard *card)
{
  CUcontext context;
  size_t total;
  CUresult result = cu->context_retain (&context, device);

  if (result != CUDA_SUCCESS)
    return result;
  result = cu->context_set (context);
  if (result == CUDA_SUCCESS)
    result = cu->memory_info (&card->free, &total);
  cu->context_set (NULL);
  cu->context_release (device);
  return result;
}

static void
refuse_for (const EspCudaDriver *cu, EspCudaCard *card, const char *what, CUresult result)
{
  char text[96];

  esp_cuda_driver_describe (cu, result, text, sizeof text);
  snprintf (card->reason, sizeof card->reason, "%s failed: %s", what, text);
}

/* Why no card can be used at all, or "". */
static void
check_kernels (const EspCudaDriver *cu, char *reason, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  CudaKernels kernels;

  /* An emulated card brings its own. */
  if (esp_cuda_kernels_load (&kernels, &error) == ESP_OK
      || (cu->emulated && !esp_cuda_kernels_are_chosen ()))
    error.message[0] = '\0';
  esp_cuda_kernels_clear (&kernels);
  snprintf (reason, size, "%s", error.message);
}

static void
describe_card (const EspCudaDriver *cu, int ordinal, const char *no_kernels, EspCudaCard *card)
{
  CUdevice device;
  int major = 0, minor = 0, mode = 0;
  CUresult result;

  *card = (EspCudaCard){ .ordinal = ordinal, .name = "NVIDIA card", .driver = cu->version };
  result = cu->device_get (&device, ordinal);
  if (result == CUDA_SUCCESS)
    result = cu->device_name (card->name, (int) sizeof card->name, device);
  if (result == CUDA_SUCCESS)
    result = cu->device_memory (&card->memory, device);
  if (result == CUDA_SUCCESS)
    result = cu->device_attribute (&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
  if (result == CUDA_SUCCESS)
    result = cu->device_attribute (&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
  if (result == CUDA_SUCCESS)
    result = cu->device_attribute (&mode, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, device);
  if (result != CUDA_SUCCESS)
    {
      refuse_for (cu, card, "asking it what it is", result);
      return;
    }
  card->capability = 10 * major + minor;
  card->bf16 = card->capability >= OLDEST_BF16;
  card->fp8 = card->capability >= OLDEST_FP8;
  if (no_kernels[0] != '\0')
    snprintf (card->reason, sizeof card->reason, "%s", no_kernels);
  else if (card->capability < OLDEST_CAPABILITY)
    snprintf (card->reason, sizeof card->reason,
              "its compute capability %d.%d is too old: %d.%d or newer is needed", major, minor,
              OLDEST_CAPABILITY / 10, OLDEST_CAPABILITY % 10);
  else if (mode == COMPUTE_MODE_PROHIBITED)
    snprintf (card->reason, sizeof card->reason, "its compute mode forbids programs");
  else if ((result = ask_memory (cu, device, card)) != CUDA_SUCCESS)
    refuse_for (cu, card, "taking it", result);
  else
    {
      card->usable = true;
      esp_cuda_check_words (card, card->caveat, sizeof card->caveat);
    }
}

int
esp_cuda_cards (EspCudaCard *cards, int capacity, EspError *error)
{
  EspCudaDriver *driver;
  EspCudaCard unwanted;
  char no_kernels[sizeof unwanted.reason];
  int count = 0;

  if (esp_cuda_driver_open (&driver, error) != ESP_OK)
    {
      /* No card is no fault; the line that says so stays. */
      if (error != NULL && error->status == ESP_ERROR_UNSUPPORTED)
        error->status = ESP_OK;
      return 0;
    }
  if (driver->device_count (&count) != CUDA_SUCCESS)
    count = 0;
  check_kernels (driver, no_kernels, sizeof no_kernels);
  for (int i = 0; i < count; i++)
    describe_card (driver, i, no_kernels, i < capacity ? &cards[i] : &unwanted);
  esp_cuda_driver_close (driver);
  return count;
}

EspStatus
esp_cuda_choose_card (const EspCudaDriver *driver, int ordinal, EspCudaCard *card, EspError *error)
{
  EspCudaCard seen = { 0 }, best = { 0 };
  char no_kernels[sizeof seen.reason];
  int count = 0;

  if (driver->device_count (&count) != CUDA_SUCCESS || count <= 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "the NVIDIA driver has no card");
  if (ordinal >= count)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "cuda:%d: there %s only %d NVIDIA card%s",
                          ordinal, count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
  check_kernels (driver, no_kernels, sizeof no_kernels);
  for (int i = ordinal < 0 ? 0 : ordinal; i < (ordinal < 0 ? count : ordinal + 1); i++)
    {
      describe_card (driver, i, no_kernels, &seen);
      if (seen.usable && (!best.usable || seen.free > best.free))
        best = seen;
    }
  if (!best.usable)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "%s cannot be used: %s", seen.name,
                          seen.reason);
  *card = best;
  return ESP_OK;
}

void
esp_cuda_describe_kernels (char *text, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  CudaKernels kernels;
  size_t bytes = 0;

  if (esp_cuda_kernels_load (&kernels, &error) == ESP_OK)
    {
      for (int i = 0; i < CUDA_MODULE_COUNT; i++)
        bytes += kernels.images[i].bytes;
      snprintf (text, size, "%s; %.1f MB", kernels.architectures, (double) bytes / 1e6);
    }
  else
    snprintf (text, size, "none: %s", error.message);
  esp_cuda_kernels_clear (&kernels);
}
