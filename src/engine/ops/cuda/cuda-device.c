/* SPDX-License-Identifier: MIT */
/* cuda-device.c: opening and closing a card, launching kernels, and the table of operations. */
#include "ops/cuda/cuda-device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cuda/cuda-cards.h"
#include "ops/cuda/cuda-check.h"
#include "ops/cuda/cuda-residency.h"
#include "ops/cuda/cuda.h"

/* Dynamic shared memory that every kernel may have without being asked for (CUDA C++ Programming
 * Guide, Technical Specifications per Compute Capability). */
#define SHARED_WITHOUT_ASKING ((size_t) 48 << 10)

struct CudaFunction
{
  CudaModule module;
  const char *name; /* the caller's literal */
  CUfunction function;
  size_t shared; /* what it may have, so far */
};

/* --- Errors and checks -------------------------------------------------------------------------
 */

bool
esp_cuda_ok (CudaDevice *cuda, CUresult result, const char *what)
{
  char text[256];

  if (result == CUDA_SUCCESS)
    return true;
  esp_cuda_driver_describe (cuda->cu, result, text, sizeof text);
  esp_device_fail (&cuda->base,
                   result == CUDA_ERROR_OUT_OF_MEMORY ? ESP_ERROR_MEMORY : ESP_ERROR_DEVICE,
                   "%s: %s failed: %s", cuda->base.description, what, text);
  return false;
}

bool
esp_cuda_enter (CudaDevice *cuda)
{
  return cuda->base.error.status == ESP_OK
         && esp_cuda_ok (cuda, cuda->cu->context_set (cuda->context), "taking the card");
}

bool
esp_cuda_check_view (CudaDevice *cuda, const char *operation, const char *argument,
                     const EspTensor *view)
{
  if (!esp_cuda_enter (cuda))
    return false;
  if ((view->dtype == ESP_F32 || view->dtype == ESP_BF16 || view->dtype == ESP_F16)
      && view->rows >= 0 && view->cols >= 0 && view->stride >= view->cols
      && (view->data != NULL || view->rows == 0 || view->cols == 0))
    return true;
  esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT,
                   "%s: %s is no usable view (%lld × %lld, stride %lld, %s)", operation, argument,
                   (long long) view->rows, (long long) view->cols, (long long) view->stride,
                   view->data == NULL ? "no memory" : esp_dtype_name (view->dtype));
  return false;
}

bool
esp_cuda_check_same (CudaDevice *cuda, const char *operation, const EspTensor *a,
                     const EspTensor *b)
{
  if (!esp_cuda_check_view (cuda, operation, "x", a)
      || !esp_cuda_check_view (cuda, operation, "y", b))
    return false;
  if (a->rows == b->rows && a->cols == b->cols)
    return true;
  esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT, "%s: %lld × %lld and %lld × %lld do not match",
                   operation, (long long) a->rows, (long long) a->cols, (long long) b->rows,
                   (long long) b->cols);
  return false;
}

CudaView
esp_cuda_view (const EspTensor *tensor)
{
  return (CudaView){ .data = (uintptr_t) tensor->data,
                     .rows = tensor->rows,
                     .cols = tensor->cols,
                     .stride = tensor->stride,
                     .type = tensor->dtype == ESP_F32    ? CUDA_F32
                             : tensor->dtype == ESP_BF16 ? CUDA_BF16
                                                         : CUDA_F16 };
}

void
esp_cuda_synchronize (EspDevice *device)
{
  CudaDevice *cuda = (CudaDevice *) device;

  if (esp_cuda_enter (cuda))
    esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->compute), "computing");
}

/* --- Kernels -----------------------------------------------------------------------------------
 */

static CUmodule
module_of (CudaDevice *cuda, CudaModule module)
{
  char what[64];

  if (cuda->modules[module] == NULL)
    {
      snprintf (what, sizeof what, "loading its %s kernels", cuda->kernels.images[module].name);
      esp_cuda_ok (
          cuda, cuda->cu->module_load (&cuda->modules[module], cuda->kernels.images[module].data),
          what);
    }
  return cuda->modules[module];
}

/* The kernel under this name, found by the literal's address, or by its text the first time that
 * this address is seen. NULL with a sticky error. */
static CudaFunction *
function_of (CudaDevice *cuda, CudaModule module, const char *kernel)
{
  CudaFunction *functions, *found = NULL;
  CUmodule loaded;
  char what[128];

  for (int i = 0; i < cuda->function_count; i++)
    if (cuda->functions[i].name == kernel && cuda->functions[i].module == module)
      return &cuda->functions[i];
  loaded = module_of (cuda, module);
  if (loaded == NULL)
    return NULL;
  functions = realloc (cuda->functions, sizeof *functions * (size_t) (cuda->function_count + 1));
  if (functions == NULL)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for a list of kernels");
      return NULL;
    }
  cuda->functions = functions;
  found = &functions[cuda->function_count];
  *found = (CudaFunction){ .module = module, .name = kernel, .shared = SHARED_WITHOUT_ASKING };
  snprintf (what, sizeof what, "finding the kernel %s", kernel);
  if (!esp_cuda_ok (cuda, cuda->cu->module_function (&found->function, loaded, kernel), what))
    return NULL;
  cuda->function_count++;
  return found;
}

void
esp_cuda_launch (CudaDevice *cuda, CudaModule module, const char *kernel, CudaGrid grid,
                 const void *arguments, size_t bytes)
{
  CudaFunction *function;
  void *parameters[] = { (void *) (uintptr_t) arguments };
  char what[128];

  (void) bytes; /* the driver knows how large the parameter is */
  if (cuda->base.error.status != ESP_OK || grid.x == 0 || grid.y == 0 || grid.z == 0
      || grid.threads == 0)
    return;
  function = function_of (cuda, module, kernel);
  if (function == NULL)
    return;
  snprintf (what, sizeof what, "the kernel %s (%u × %u × %u blocks of %u, %zu bytes)", kernel,
            grid.x, grid.y, grid.z, grid.threads, grid.shared);
  if (grid.shared > function->shared)
    {
      if (!esp_cuda_ok (cuda,
                        cuda->cu->function_set (function->function,
                                                CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                                (int) grid.shared),
                        what))
        return;
      function->shared = grid.shared;
    }
  esp_cuda_ok (cuda,
               cuda->cu->launch (function->function, grid.x, grid.y, grid.z, grid.threads, 1, 1,
                                 (unsigned) grid.shared, cuda->compute, parameters, NULL),
               what);
}

/* --- Opening and closing -----------------------------------------------------------------------
 */

static void
destroy (EspDevice *device)
{
  CudaDevice *cuda = (CudaDevice *) device;
  EspCudaDriver *cu = cuda->cu;

  if (cuda->context != NULL)
    {
      cu->context_set (cuda->context);
      cu->context_synchronize ();
      esp_cuda_recordings_free (cuda);
      esp_cuda_adapters_free (cuda);
      esp_cuda_blas_free (cuda);
      esp_cuda_residency_free (cuda);
      esp_cuda_memory_clear (cuda);
      for (int i = 0; i < CUDA_MODULE_COUNT; i++)
        if (cuda->modules[i] != NULL)
          cu->module_unload (cuda->modules[i]);
      if (cuda->compute != NULL)
        cu->stream_destroy (cuda->compute);
      if (cuda->copy != NULL)
        cu->stream_destroy (cuda->copy);
      cu->context_set (NULL);
      cu->context_release (cuda->ordinal);
      if (cuda->lost)
        cu->context_reset (cuda->ordinal);
    }
  esp_cuda_ledger_leave (cuda);
  free (cuda->functions);
  esp_cuda_kernels_clear (&cuda->kernels);
  esp_cuda_driver_close (cu);
  free (cuda);
}

static const EspOps cuda_ops = {
  .name = "cuda",
  .destroy = destroy,
  .allocate = esp_cuda_allocate,
  .release = esp_cuda_release,
  .upload = esp_cuda_upload,
  .download = esp_cuda_download,
  .synchronize = esp_cuda_synchronize,
  .free_memory = esp_cuda_room,
  .prepare_linear = esp_cuda_prepare_linear,
  .release_linear = esp_cuda_release_linear,
  .prepare_conv = esp_cuda_prepare_conv,
  .release_conv = esp_cuda_release_conv,
  .gather_rows = esp_cuda_gather_rows,
  .linear = esp_cuda_linear,
  .linear_batch = esp_cuda_linear_batch,
  .linear_heads = esp_cuda_linear_heads_batch,
  .attention = esp_cuda_attention,
  .layer_norm = esp_cuda_layer_norm,
  .modulated_norm = esp_cuda_modulated_norm,
  .rms_norm = esp_cuda_rms_norm,
  .head_norm_rope = esp_cuda_head_norm_rope,
  .activate = esp_cuda_activate,
  .multiply = esp_cuda_multiply,
  .scale_add = esp_cuda_scale_add,
  .distance = esp_cuda_distance,
  .conv2d = esp_cuda_conv2d,
  .group_moments = esp_cuda_group_moments,
  .group_norm = esp_cuda_group_norm,
  .copy_window = esp_cuda_copy_window,
  .plan_stages = esp_cuda_plan_stages,
  .begin_stage = esp_cuda_begin_stage,
  .replay = esp_cuda_replay,
  .recorded = esp_cuda_recorded,
  .forget = esp_cuda_forget,
};

bool
esp_device_is_cuda (const EspDevice *device)
{
  return device != NULL && device->ops == &cuda_ops;
}

static EspDType
compute_type (const EspCudaCard *card, EspCompute compute)
{
  if (compute == ESP_COMPUTE_F32)
    return ESP_F32;
  return card->bf16 ? ESP_BF16 : ESP_F16;
}

/* Context, streams and what the card can do; false with a sticky error. */
/* Rows for each multiprocessor, up to which joining them gains: with 128 × 256 tiles and 3072
 * columns 15 rounds, the last of which costs 3 % at the most where half of it is empty. */
#define BATCH_ROWS 160

static bool
take_card (CudaDevice *cuda, const EspCudaCard *card)
{
  EspCudaDriver *cu = cuda->cu;
  int shared = 0;
  bool good
      = esp_cuda_ok (cuda, cu->device_get (&cuda->ordinal, card->ordinal), "finding the card")
        && esp_cuda_ok (cuda, cu->context_retain (&cuda->context, cuda->ordinal), "taking the card")
        && esp_cuda_enter (cuda)
        && esp_cuda_ok (cuda, cu->stream_create (&cuda->compute, CU_STREAM_NON_BLOCKING),
                        "making a stream")
        && esp_cuda_ok (cuda, cu->stream_create (&cuda->copy, CU_STREAM_NON_BLOCKING),
                        "making a stream")
        && esp_cuda_ok (cuda,
                        cu->device_attribute (&cuda->multiprocessors,
                                              CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
                                              cuda->ordinal),
                        "asking for its processors")
        && esp_cuda_ok (cuda,
                        cu->device_attribute (&shared,
                                              CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
                                              cuda->ordinal),
                        "asking for its shared memory");

  cuda->shared_limit = (size_t) shared;
  cuda->base.batch_rows = (int64_t) BATCH_ROWS * cuda->multiprocessors;
  return good;
}

/* The card is there: can it be used? Frees `cuda` if not. */
static EspStatus
check_card (CudaDevice *cuda, const EspCudaCard *card, bool *again, EspError *error)
{
  const CudaCheck check = esp_cuda_check (cuda, card);
  const EspStatus status = esp_device_check (&cuda->base, error);

  *again = check == CUDA_CHECK_LOST;
  cuda->lost = *again;
  if (check == CUDA_CHECK_PASSED)
    return ESP_OK;
  /* One that is stuck is left as it is until the process ends. */
  if (check == CUDA_CHECK_STUCK)
    cuda->cu->context_set (NULL);
  else
    destroy (&cuda->base);
  return status;
}

/* Opens `card`, taking the driver over, also when it fails. `again`: it did, but would not now. */
static EspStatus
open_card (EspCudaDriver *driver, const EspCudaCard *card, const EspCudaOptions *options,
           CudaDevice *sibling, EspDevice **device, bool *again, EspError *error)
{
  const char *plain = getenv ("ESPALIER_CUDA_PLAIN");
  CudaDevice *cuda = calloc (1, sizeof *cuda);
  EspStatus status;

  if (cuda == NULL || (options->fp8 && !card->fp8))
    {
      esp_cuda_driver_close (driver);
      if (cuda == NULL)
        return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the CUDA device");
      free (cuda);
      return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "dtype: %s (sm_%d) does not multiply fp8, which takes sm_89 or newer; "
                            "use auto or bf16",
                            card->name, card->capability);
    }
  cuda->base.ops = &cuda_ops;
  cuda->base.compute = compute_type (card, options->compute);
  cuda->base.threads = 1;
  cuda->cu = driver;
  cuda->card = card->ordinal;
  cuda->capability = card->capability;
  cuda->vram_limit = options->vram;
  cuda->blas_choice = options->blas;
  cuda->fp8 = options->fp8 && cuda->base.compute != ESP_F32;
  cuda->split
      = sibling != NULL && sibling->base.compute == ESP_BF16 && cuda->base.compute == ESP_F32;
  cuda->plain = plain != NULL && *plain != '\0' && strcmp (plain, "0") != 0;
  snprintf (cuda->base.description, sizeof cuda->base.description,
            "%s, %.0f GB, sm_%d, CUDA %d.%d, %s", card->name,
            (double) card->memory / (double) (1 << 30), card->capability, card->driver / 1000,
            card->driver % 1000 / 10,
            cuda->fp8                        ? "fp8"
            : cuda->base.compute == ESP_F32  ? "f32"
            : cuda->base.compute == ESP_BF16 ? "bf16"
                                             : "f16");
  /* An emulated card brings its own. */
  status = esp_cuda_kernels_load (&cuda->kernels, error);
  if (status != ESP_OK && (!driver->emulated || esp_cuda_kernels_are_chosen ()))
    {
      destroy (&cuda->base);
      return status;
    }
  if (!esp_cuda_ledger_join (cuda, sibling) || !take_card (cuda, card))
    {
      status = esp_device_check (&cuda->base, error);
      destroy (&cuda->base);
      return status;
    }
  status = check_card (cuda, card, again, error);
  if (status == ESP_OK && !*again)
    *device = &cuda->base;
  return status;
}

/* The driver's card, as it says it is now. */
static EspStatus
open_once (const EspCudaOptions *options, CudaDevice *sibling, EspDevice **device, bool *again,
           EspError *error)
{
  EspCudaDriver *driver = NULL;
  EspCudaCard card;
  EspStatus status;

  *device = NULL;
  *again = false;
  status = esp_cuda_driver_open (&driver, error);
  if (status != ESP_OK)
    return status;
  status = esp_cuda_choose_card (driver, options->ordinal, &card, error);
  if (status == ESP_OK && esp_cuda_check_is_stuck (&card, error))
    status = ESP_ERROR_DEVICE;
  if (status == ESP_OK)
    return open_card (driver, &card, options, sibling, device, again, error);
  esp_cuda_driver_close (driver);
  return status;
}

static EspStatus
open_chosen (const EspCudaOptions *options, CudaDevice *sibling, EspDevice **device,
             EspError *error)
{
  bool again = true;
  EspStatus status = ESP_OK;

  /* Each time with one way less. */
  for (int i = 0; again && i <= CUDA_WAY_COUNT; i++)
    status = open_once (options, sibling, device, &again, error);
  return status;
}

EspStatus
esp_cuda_device_new (const EspCudaOptions *options, EspDevice **device, EspError *error)
{
  return open_chosen (options, NULL, device, error);
}

EspStatus
esp_cuda_sibling_new (EspDevice *device, EspCompute compute, EspDevice **sibling, EspError *error)
{
  CudaDevice *cuda = (CudaDevice *) device;
  EspCudaOptions options = { .ordinal = cuda->card,
                             .compute = compute,
                             .blas = cuda->blas_choice,
                             .fp8 = cuda->fp8,
                             .vram = cuda->vram_limit };

  return open_chosen (&options, cuda, sibling, error);
}
