/* SPDX-License-Identifier: MIT */
/* The devices that a model is used on: which one a request gets, and another one where that fails.
 */
#include <stdio.h>
#include <string.h>

#include "model/edit-state.h"
#include "ops/cuda/cuda.h"

void
esp_model_drop_devices (EspModel *model)
{
  /* What was computed is that of the device and its number format. */
  esp_work_cache_clear (&model->work);
  if (model->device != NULL)
    esp_flux_release (model->flux, model->device);
  if (model->vae_device != NULL)
    esp_vae_release (model->vae, model->vae_device);
  if (model->vae_device != model->device)
    esp_device_free (model->vae_device);
  esp_device_free (model->device);
  model->device = model->vae_device = NULL;
  model->encode_rate = 0;
}

void
esp_model_forget_failure (EspModel *model)
{
  model->device->error = (EspError) ESP_ERROR_INIT;
  model->vae_device->error = (EspError) ESP_ERROR_INIT;
}

void
esp_model_set_devices (EspModel *model, EspDevice *device, EspDevice *vae_device)
{
  esp_model_drop_devices (model);
  model->device = device;
  model->vae_device = vae_device;
  model->devices_given = true;
}

static const EspCompute compute_of[] = {
  [ESP_DTYPE_AUTO] = ESP_COMPUTE_AUTO,
  [ESP_DTYPE_F32] = ESP_COMPUTE_F32,
  [ESP_DTYPE_BF16] = ESP_COMPUTE_BF16,
  [ESP_DTYPE_FP8] = ESP_COMPUTE_BF16,
};

static const EspCudaBlas blas_of[] = {
  [ESP_BLAS_AUTO] = ESP_CUDA_BLAS_AUTO,
  [ESP_BLAS_OWN] = ESP_CUDA_BLAS_OWN,
  [ESP_BLAS_CUBLASLT] = ESP_CUDA_BLAS_CUBLASLT,
};

static EspStatus
open_cpu (EspModel *model, const EspDeviceWish *wish, EspError *error)
{
  EspStatus status
      = esp_cpu_device_new (compute_of[wish->dtype], wish->threads, 0, &model->device, error);

  if (status == ESP_OK && model->device->compute != ESP_F32)
    return esp_cpu_device_new (ESP_COMPUTE_F32, wish->threads, 0, &model->vae_device, error);
  model->vae_device = model->device;
  return status;
}

static EspStatus
open_card (EspModel *model, const EspDeviceWish *wish, EspError *error)
{
  EspCudaOptions options = { .ordinal = wish->choice == ESP_DEVICE_CUDA ? wish->card : -1,
                             .compute = compute_of[wish->dtype],
                             .blas = blas_of[wish->blas],
                             .fp8 = wish->dtype == ESP_DTYPE_FP8,
                             .vram = wish->vram };
  EspStatus status = esp_cuda_device_new (&options, &model->device, error);

  if (status == ESP_OK && model->device->compute != ESP_F32)
    return esp_cuda_sibling_new (model->device, ESP_COMPUTE_F32, &model->vae_device, error);
  model->vae_device = model->device;
  return status;
}

static bool
is_same_wish (const EspDeviceWish *a, const EspDeviceWish *b)
{
  return a->choice == b->choice && a->card == b->card && a->vram == b->vram && a->blas == b->blas
         && a->dtype == b->dtype && a->threads == b->threads;
}

/* Opens what is wished. A card is tried where one is wished or none excluded. */
static EspStatus
open_devices (EspModel *model, const EspDeviceWish *wish, EspError *error)
{
  EspError why = ESP_ERROR_INIT;
  EspStatus status;

  model->notice[0] = '\0';
  if (wish->choice != ESP_DEVICE_CPU)
    {
      status = open_card (model, wish, &why);
      if (status == ESP_OK)
        {
          snprintf (model->notice, sizeof model->notice, "%.*s", (int) sizeof model->notice - 1,
                    model->device->caveat);
          return ESP_OK;
        }
      /* A card that does not compute what it should is as good as none. */
      if (wish->choice == ESP_DEVICE_CUDA && status != ESP_ERROR_DEVICE)
        return esp_error_set (error, status, "%s", why.message);
      esp_model_drop_devices (model);
      /* That a computer has no card is nothing to tell. */
      if (status != ESP_ERROR_UNSUPPORTED)
        snprintf (model->notice, sizeof model->notice,
                  "the graphics card is not used: %.160s; computed on the processor", why.message);
    }
  if (wish->dtype == ESP_DTYPE_FP8)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "dtype: fp8 needs a graphics card from sm_89 on (GeForce RTX 40, H100), "
                          "and this edit would run on the processor; use auto, bf16 or f32");
  return open_cpu (model, wish, error);
}

EspStatus
esp_model_use_device (EspModel *model, const EspEditRequest *request, EspError *error)
{
  const EspDeviceWish wish = { .choice = request->device,
                               .card = request->card,
                               .vram = request->vram,
                               .blas = request->blas,
                               .dtype = request->dtype,
                               .threads = request->threads };
  EspStatus status;

  if (model->devices_given || (model->device != NULL && is_same_wish (&model->wish, &wish)))
    {
      esp_model_forget_failure (model);
      return ESP_OK;
    }
  esp_model_drop_devices (model);
  model->wish = wish;
  status = open_devices (model, &wish, error);
  if (status != ESP_OK)
    esp_model_drop_devices (model);
  return status;
}

bool
esp_model_step_down (EspModel *model, const EspEditRequest *request, EspStatus status,
                     EspError *error)
{
  EspDeviceWish processor = model->wish;
  char reason[160];

  if (model->devices_given || model->device == NULL || !esp_device_is_cuda (model->device)
      || (status != ESP_ERROR_MEMORY && status != ESP_ERROR_DEVICE)
      || request->dtype == ESP_DTYPE_FP8)
    return false;
  snprintf (reason, sizeof reason, "%.*s", (int) sizeof reason - 1, error->message);
  esp_model_drop_devices (model);
  *error = (EspError) ESP_ERROR_INIT;
  processor.choice = ESP_DEVICE_CPU;
  if (open_devices (model, &processor, error) != ESP_OK)
    {
      esp_model_drop_devices (model);
      return false;
    }
  /* The next request that wants the card tries it again. */
  model->wish = processor;
  snprintf (model->notice, sizeof model->notice,
            "the graphics card could not do it (%s); computed on the processor", reason);
  return true;
}

EspStatus
esp_usual_device_new (EspDevice **device, EspError *error)
{
  const EspCudaOptions options = { .ordinal = -1 };

  if (esp_cuda_device_new (&options, device, error) == ESP_OK)
    return ESP_OK;
  *error = (EspError) ESP_ERROR_INIT;
  return esp_cpu_device_new (ESP_COMPUTE_AUTO, 0, 0, device, error);
}

/* --- The autoencoder's memory --------------------------------------------------------------------
 */

/* No tile can be made for less. */
#define SMALLEST_VAE_MEMORY ((size_t) 64 << 20)

size_t
esp_edits_vae_memory (const EspModel *model, const EspEditRequest *request)
{
  EspDevice *device = model->vae_device;
  size_t memory = request->vae_memory > 0 ? request->vae_memory : ESP_VAE_MEMORY;
  size_t free = esp_device_is_cuda (device) && device->ops->free_memory != NULL
                    ? device->ops->free_memory (device)
                    : 0;

  /* In halves, so that a few bytes more or less make no other tiles and so no other rounding. */
  while (free > 0 && memory > free - free / 4 && memory / 2 >= SMALLEST_VAE_MEMORY)
    memory /= 2;
  return memory;
}

bool
esp_edits_take_smaller_tiles (EspEdits *e, EspStatus status)
{
  if (status != ESP_ERROR_MEMORY || !esp_device_is_cuda (e->model->vae_device)
      || e->vae_limits.never_tile || e->vae_limits.memory / 4 < SMALLEST_VAE_MEMORY)
    return false;
  e->vae_limits.memory /= 4;
  e->smaller_tiles = true;
  esp_model_forget_failure (e->model);
  return true;
}

/* --- What there is -------------------------------------------------------------------------------
 */

static void
list_cpu (EspDeviceInfo *info)
{
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;

  *info = (EspDeviceInfo){ .id = "cpu" };
  if (esp_cpu_device_new (ESP_COMPUTE_AUTO, 0, 0, &device, &error) == ESP_OK)
    {
      info->usable = true;
      info->bf16 = device->compute == ESP_BF16;
      info->threads = device->threads;
      snprintf (info->description, sizeof info->description, "%s", device->description);
      esp_device_free (device);
    }
  else
    snprintf (info->description, sizeof info->description, "%.*s",
              (int) sizeof info->description - 1, error.message);
}

static void
list_card (EspDeviceInfo *info, const EspCudaCard *card)
{
  static const char *const ids[ESP_CUDA_DEVICES_MAX]
      = { "cuda:0", "cuda:1", "cuda:2",  "cuda:3",  "cuda:4",  "cuda:5",  "cuda:6",  "cuda:7",
          "cuda:8", "cuda:9", "cuda:10", "cuda:11", "cuda:12", "cuda:13", "cuda:14", "cuda:15" };

  *info = (EspDeviceInfo){ .id = ids[card->ordinal],
                           .usable = card->usable,
                           .bf16 = card->bf16,
                           .fp8 = card->fp8,
                           .memory = card->memory,
                           .free = card->free,
                           .capability = card->capability,
                           .driver = card->driver };
  snprintf (info->name, sizeof info->name, "%s", card->name);
  if (card->usable)
    snprintf (info->description, sizeof info->description,
              "%s, %.1f of %.1f GB free, sm_%d, driver for CUDA %d.%d%s%s", card->name,
              (double) card->free / 1e9, (double) card->memory / 1e9, card->capability,
              card->driver / 1000, card->driver % 1000 / 10, card->caveat[0] != '\0' ? "; " : "",
              card->caveat);
  else
    snprintf (info->description, sizeof info->description, "%.60s: %.90s", card->name,
              card->reason);
}

int
esp_list_devices (EspDeviceInfo *devices, int capacity)
{
  EspCudaCard cards[ESP_CUDA_DEVICES_MAX];
  EspError error = ESP_ERROR_INIT;
  int count = esp_cuda_cards (cards, ESP_CUDA_DEVICES_MAX, &error);
  EspDeviceInfo info;
  int written = 0;

  list_cpu (&info);
  if (written < capacity)
    devices[written++] = info;
  for (int i = 0; i < count && i < ESP_CUDA_DEVICES_MAX && written < capacity; i++)
    list_card (&devices[written++], &cards[i]);
  if (count == 0 && written < capacity)
    {
      info = (EspDeviceInfo){ .id = "cuda" };
      snprintf (info.description, sizeof info.description, "%.*s",
                (int) sizeof info.description - 1, error.message);
      devices[written++] = info;
    }
  return 1 + (count > 0 ? count : 1);
}

void
esp_describe_kernels (char *text, size_t size)
{
  esp_cuda_describe_kernels (text, size);
}
