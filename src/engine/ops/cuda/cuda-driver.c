/* SPDX-License-Identifier: MIT */
/* cuda-driver.c: finds the driver's library and its functions. */
#define _GNU_SOURCE /* RTLD_NODELETE: the driver's own threads outlive a device */
#include "ops/cuda/cuda-driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libcuda.so.1"

/* What ESPALIER_CUDA_DRIVER says where no card is to be used: in tests of the processor. */
#define NONE "none"

/* What our binaries need: those of nvcc 13 run on drivers for CUDA 13 on, their PTX too
 * (CUDA Compatibility, minor version compatibility). */
#define OLDEST_DRIVER 13000

/* A function pointer out of an object pointer, which C leaves to POSIX: dlsym(3). */
static void
find (void *library, const char *symbol, void *function, size_t size)
{
  void *address = dlsym (library, symbol);

  memcpy (function, &address, size);
}

/* The first function that is not there, or NULL. */
static const char *
find_all (EspCudaDriver *cu)
{
#define FIND(name, symbol, arguments)                                                              \
  find (cu->library, symbol, &cu->name, sizeof cu->name);                                          \
  if (cu->name == NULL)                                                                            \
    return symbol;
#define FIND_IF_THERE(name, symbol, arguments)                                                     \
  find (cu->library, symbol, &cu->name, sizeof cu->name);
  ESP_CUDA_FUNCTIONS (FIND)
  ESP_CUDA_OPTIONAL_FUNCTIONS (FIND_IF_THERE)
#undef FIND
#undef FIND_IF_THERE
  return NULL;
}

static EspStatus
start (EspCudaDriver *cu, EspError *error)
{
  char text[256];
  CUresult result = cu->init (0);
  int count = 0;

  if (result == CUDA_SUCCESS)
    result = cu->driver_version (&cu->version);
  if (result == CUDA_SUCCESS)
    result = cu->device_count (&count);
  if (result == CUDA_ERROR_NO_DEVICE || (result == CUDA_SUCCESS && count == 0))
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "the NVIDIA driver has no card");
  if (result != CUDA_SUCCESS)
    {
      esp_cuda_driver_describe (cu, result, text, sizeof text);
      return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "the NVIDIA driver does not start: %s",
                            text);
    }
  if (cu->version < OLDEST_DRIVER)
    return esp_error_set (
        error, ESP_ERROR_UNSUPPORTED,
        "the NVIDIA driver is too old: it serves CUDA %d.%d, and %d.%d is needed; "
        "update it",
        cu->version / 1000, cu->version % 1000 / 10, OLDEST_DRIVER / 1000,
        OLDEST_DRIVER % 1000 / 10);
  return ESP_OK;
}

EspStatus
esp_cuda_driver_open (EspCudaDriver **driver, EspError *error)
{
  const char *path = getenv ("ESPALIER_CUDA_DRIVER"), *missing;
  EspCudaDriver *cu = calloc (1, sizeof *cu);
  EspStatus status;

  *driver = NULL;
  if (cu == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the NVIDIA driver");
  if (path == NULL || *path == '\0')
    path = LIBRARY;
  if (strcmp (path, NONE) == 0)
    {
      free (cu);
      return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "no NVIDIA driver is wanted: ESPALIER_CUDA_DRIVER is \"" NONE "\"");
    }
  cu->library = dlopen (path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (cu->library == NULL)
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED, "no NVIDIA driver was found (%s)", path);
  else if ((missing = find_all (cu)) != NULL)
    status
        = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                         "the NVIDIA driver %s is too old: it has no %s; update it", path, missing);
  else
    status = start (cu, error);
  if (cu->library != NULL)
    {
      int (*computes) (void) = NULL;

      find (cu->library, "cuemu_computes", &computes, sizeof computes);
      cu->emulated = dlsym (cu->library, "cuemu_has_kernels") != NULL;
      cu->idle = computes != NULL && !computes ();
    }
  if (status != ESP_OK)
    {
      esp_cuda_driver_close (cu);
      return status;
    }
  *driver = cu;
  return ESP_OK;
}

void
esp_cuda_driver_close (EspCudaDriver *driver)
{
  if (driver == NULL)
    return;
  if (driver->library != NULL)
    dlclose (driver->library);
  free (driver);
}

void
esp_cuda_driver_describe (const EspCudaDriver *driver, CUresult result, char *text, size_t size)
{
  const char *name = NULL, *words = NULL;

  driver->error_name (result, &name);
  driver->error_string (result, &words);
  if (name == NULL)
    snprintf (text, size, "CUDA error %d", result);
  else
    snprintf (text, size, "%s (%s)", name, words != NULL ? words : "no description");
}
