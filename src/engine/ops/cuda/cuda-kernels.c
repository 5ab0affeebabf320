/* SPDX-License-Identifier: MIT */
/* cuda-kernels.c: see cuda-kernels.h.
 *
 * A folder of kernels has an index, kernels.json (kernels/install-kernels.py), and a fat binary for
 * each module that it names. Both come from outside of the engine, so nothing in them is believed:
 * names are ours, sizes are bounded, and what a card is to run has the hash that the index says.
 */
#define _GNU_SOURCE /* readlink */
#include "ops/cuda/cuda-kernels.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cuda-sources.h" /* ESP_CUDA_SOURCES, the hash of kernels/; made by the build */
#include "files/json-file.h"
#include "files/sha256.h"

#define INDEX  "kernels.json"
#define ENGINE "/" ESP_LIBEXECDIR "/espalier/espalier-engine"
#define FOLDER "/espalier/cuda"

enum
{
  FORMAT = 1,
  INDEX_BYTES_MAX = 1 << 16,
  BINARY_BYTES_MAX = 1 << 28,
};

bool
esp_cuda_kernels_are_chosen (void)
{
  const char *chosen = getenv ("ESPALIER_CUDA_KERNELS");

  return chosen != NULL && *chosen != '\0';
}

/* Where kernels are installed beside this engine, wherever its prefix was moved to. */
static void
find_folder (char *folder, size_t size)
{
  char self[PATH_MAX];
  ssize_t length = readlink ("/proc/self/exe", self, sizeof self - 1);
  const size_t tail = strlen (ENGINE);

  if (esp_cuda_kernels_are_chosen ())
    snprintf (folder, size, "%s", getenv ("ESPALIER_CUDA_KERNELS"));
  else if (ESP_LIBEXECDIR[0] != '/' && ESP_LIBDIR[0] != '/' && length > (ssize_t) tail
           && memcmp (self + length - tail, ENGINE, tail) == 0)
    snprintf (folder, size, "%.*s/" ESP_LIBDIR FOLDER, (int) (length - (ssize_t) tail), self);
  else if (ESP_LIBDIR[0] == '/')
    snprintf (folder, size, "%s", ESP_LIBDIR FOLDER);
  else
    snprintf (folder, size, "%s", ESP_PREFIX "/" ESP_LIBDIR FOLDER);
}

static EspStatus
refuse (EspError *error, const char *folder, const char *why)
{
  return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "the CUDA kernels in %s cannot be used: %s",
                        folder, why);
}

/* *data is fresh memory of `bytes` bytes, which the file must have. */
static bool
read_binary (const char *path, size_t bytes, void **data)
{
  FILE *file = fopen (path, "rbe");
  bool whole = false;

  *data = NULL;
  if (file == NULL)
    return false;
  *data = malloc (bytes);
  if (*data != NULL)
    whole = fread (*data, 1, bytes, file) == bytes && fgetc (file) == EOF && !ferror (file);
  fclose (file);
  return whole;
}

static bool
has_hash (const void *data, size_t bytes, const char *expected)
{
  char hex[ESP_SHA256_HEX_SIZE];
  EspSha256 sha;

  esp_sha256_init (&sha);
  esp_sha256_update (&sha, data, bytes);
  esp_sha256_finish (&sha, hex);
  return strcmp (hex, expected) == 0;
}

/* Module `m` as the index has it; one that it does not name stays empty: it is for other cards. */
static EspStatus
read_module (CudaKernels *kernels, int m, const char *folder, const json_t *modules,
             EspError *error)
{
  const char *name = esp_cuda_images[m].name, *hash = NULL;
  const json_t *module = json_object_get (modules, name);
  char path[PATH_MAX], why[128];
  int64_t bytes = 0;

  if (module == NULL)
    return ESP_OK;
  snprintf (why, sizeof why, "%s.fatbin is damaged or missing", name);
  if (!json_is_object (module)
      || esp_json_get_int (module, INDEX, "bytes", true, 1, BINARY_BYTES_MAX, 0, &bytes, NULL)
             != ESP_OK
      || esp_json_get_string (module, INDEX, "sha256", true, NULL, &hash, NULL) != ESP_OK
      || snprintf (path, sizeof path, "%s/%s.fatbin", folder, name) >= (int) sizeof path
      || !read_binary (path, (size_t) bytes, &kernels->files[m])
      || !has_hash (kernels->files[m], (size_t) bytes, hash))
    return refuse (error, folder, why);
  kernels->images[m].data = kernels->files[m];
  kernels->images[m].bytes = (size_t) bytes;
  return ESP_OK;
}

/* What the index says of all of them. */
static EspStatus
read_index (CudaKernels *kernels, const char *folder, const json_t *index, EspError *error)
{
  const json_t *modules = json_object_get (index, "modules");
  const char *sources = NULL, *architectures = NULL;
  int64_t format = 0;

  if (esp_json_get_int (index, INDEX, "format", true, 0, INT_MAX, 0, &format, NULL) != ESP_OK
      || esp_json_get_string (index, INDEX, "sources", true, NULL, &sources, NULL) != ESP_OK
      || esp_json_get_string (index, INDEX, "architectures", true, NULL, &architectures, NULL)
             != ESP_OK
      || !json_is_object (modules))
    return refuse (error, folder, INDEX " is not understood");
  if (format != FORMAT || strcmp (sources, ESP_CUDA_SOURCES) != 0)
    return refuse (error, folder, "they belong to another version of the engine; update both");
  snprintf (kernels->architectures, sizeof kernels->architectures, "%s", architectures);
  for (int m = 0; m < CUDA_MODULE_COUNT; m++)
    if (read_module (kernels, m, folder, modules, error) != ESP_OK)
      return ESP_ERROR_UNSUPPORTED;
  if (kernels->images[CUDA_MODULE_ROWS].bytes == 0)
    return refuse (error, folder, INDEX " names none");
  return ESP_OK;
}

static EspStatus
read_folder (CudaKernels *kernels, const char *folder, EspError *error)
{
  char path[PATH_MAX];
  json_t *index = NULL;
  EspStatus status;

  if (snprintf (path, sizeof path, "%s/" INDEX, folder) >= (int) sizeof path)
    return refuse (error, "a folder", "its name is too long");
  if (access (path, F_OK) != 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "no CUDA kernels are installed: in Flatpak they are the extension "
                          "Engine.CUDA (looked in %s)",
                          folder);
  if (esp_json_read_object (path, INDEX_BYTES_MAX, &index, NULL) != ESP_OK)
    return refuse (error, folder, INDEX " is not understood");
  status = read_index (kernels, folder, index, error);
  json_decref (index);
  return status;
}

EspStatus
esp_cuda_kernels_load (CudaKernels *kernels, EspError *error)
{
  char folder[PATH_MAX];

  *kernels = (CudaKernels){ 0 };
  memcpy (kernels->images, esp_cuda_images, sizeof kernels->images);
  if (esp_cuda_has_kernels && !esp_cuda_kernels_are_chosen ())
    {
      snprintf (kernels->architectures, sizeof kernels->architectures, "%s",
                esp_cuda_architectures);
      return ESP_OK;
    }
  for (int m = 0; m < CUDA_MODULE_COUNT; m++)
    kernels->images[m] = (CudaImage){ .name = esp_cuda_images[m].name, .data = "" };
  find_folder (folder, sizeof folder);
  return read_folder (kernels, folder, error);
}

void
esp_cuda_kernels_clear (CudaKernels *kernels)
{
  for (int m = 0; m < CUDA_MODULE_COUNT; m++)
    free (kernels->files[m]);
  *kernels = (CudaKernels){ 0 };
}
