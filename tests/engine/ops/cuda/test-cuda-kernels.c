/* SPDX-License-Identifier: MIT */
/* test-cuda-kernels.c: kernels in files: found, believed only if they fit, and given to the card.
 *
 *     test-cuda-kernels FOLDER      a folder that may be written to
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cuda-sources.h"
#include "files/sha256.h"
#include "ops/cuda/cuda-device.h"
#include "ops/cuda/cuda.h"

static char folder[512];

static void
write_file (const char *name, const char *text)
{
  char path[1024];
  FILE *file;

  snprintf (path, sizeof path, "%s/%s", folder, name);
  file = fopen (path, "w");
  if (file == NULL || fputs (text, file) < 0 || fclose (file) != 0)
    abort ();
}

static void
forget_file (const char *name)
{
  char path[1024];

  snprintf (path, sizeof path, "%s/%s", folder, name);
  unlink (path);
}

static const char *
hash_of (const char *text)
{
  static char hex[ESP_SHA256_HEX_SIZE];
  EspSha256 sha;

  esp_sha256_init (&sha);
  esp_sha256_update (&sha, text, strlen (text));
  esp_sha256_finish (&sha, hex);
  return hex;
}

static void
write_index (const char *sources, const char *modules)
{
  char text[2048];

  snprintf (text, sizeof text,
            "{ \"format\": 1, \"sources\": \"%s\", \"version\": \"1\", \"architectures\": \"sm_89, "
            "PTX 80\", \"modules\": %s }",
            sources, modules);
  write_file ("kernels.json", text);
}

/* As the build installs them: two modules, for cards that need no others. */
static void
write_good (void)
{
  char modules[512], rows[ESP_SHA256_HEX_SIZE];

  memcpy (rows, hash_of ("rows of kernels"), sizeof rows);
  snprintf (modules, sizeof modules,
            "{ \"rows\": { \"bytes\": 15, \"sha256\": \"%s\" }, \"matrix\": { \"bytes\": 6, "
            "\"sha256\": \"%s\" }, \"of-later-times\": 7 }",
            rows, hash_of ("matrix"));
  write_file ("rows.fatbin", "rows of kernels");
  write_file ("matrix.fatbin", "matrix");
  write_index (ESP_CUDA_SOURCES, modules);
}

static void
refused (const char *part)
{
  CudaKernels kernels;
  EspError error = ESP_ERROR_INIT;
  char text[160];

  CHECK_STATUS (esp_cuda_kernels_load (&kernels, &error), ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, part);
  CHECK_MESSAGE (error, folder);
  esp_cuda_kernels_clear (&kernels);
  esp_cuda_describe_kernels (text, sizeof text);
  CHECK (strncmp (text, "none: ", 6) == 0);
}

static void
whole_files_are_taken (void)
{
  CudaKernels kernels;
  EspError error = ESP_ERROR_INIT;
  char text[160];

  write_good ();
  CHECK_STATUS (esp_cuda_kernels_load (&kernels, &error), ESP_OK, error);
  CHECK (kernels.images[CUDA_MODULE_ROWS].bytes == 15
         && memcmp (kernels.images[CUDA_MODULE_ROWS].data, "rows of kernels", 15) == 0);
  CHECK (kernels.images[CUDA_MODULE_MATRIX].bytes == 6
         && memcmp (kernels.images[CUDA_MODULE_MATRIX].data, "matrix", 6) == 0);
  CHECK (kernels.images[CUDA_MODULE_IMAGES].bytes == 0);
  CHECK (strcmp (kernels.images[CUDA_MODULE_IMAGES].name, "images") == 0);
  esp_cuda_kernels_clear (&kernels);
  esp_cuda_describe_kernels (text, sizeof text);
  CHECK (strcmp (text, "sm_89, PTX 80; 0.0 MB") == 0);
}

static void
that_there_are_none_is_said_in_one_line (void)
{
  write_good ();
  forget_file ("kernels.json");
  refused ("no CUDA kernels are installed");
  refused ("Engine.CUDA");
}

static void
those_of_other_sources_are_refused (void)
{
  write_good ();
  write_index (hash_of ("other sources"), "{ }");
  refused ("another version");
}

static void
damaged_files_are_refused_by_name (void)
{
  write_good ();
  write_file ("rows.fatbin", "rows of kernelz");
  refused ("rows.fatbin");
  write_good ();
  write_file ("matrix.fatbin", "matri");
  refused ("matrix.fatbin");
  write_file ("matrix.fatbin", "matrix and more");
  refused ("matrix.fatbin");
  forget_file ("matrix.fatbin");
  refused ("matrix.fatbin");
}

static void
an_index_is_not_believed (void)
{
  const char *const bad_modules[] = {
    "[]",
    "{ \"rows\": 3 }",
    "{ \"rows\": { \"bytes\": 15 } }",
    "{ \"rows\": { \"bytes\": -1, \"sha256\": \"\" } }",
    "{ \"rows\": { \"bytes\": 4611686018427387904, \"sha256\": \"\" } }",
    "{ }",
  };

  write_good ();
  for (size_t i = 0; i < sizeof bad_modules / sizeof *bad_modules; i++)
    {
      write_index (ESP_CUDA_SOURCES, bad_modules[i]);
      refused ("cannot be used");
    }
  write_file ("kernels.json", "{");
  refused ("kernels.json is not understood");
  write_file ("kernels.json", "{ \"format\": 2 }");
  refused ("kernels.json is not understood");
}

/* What is in files reaches the card, and nothing runs that does not fit. */
static void
a_card_computes_with_them_or_says_why_not (void)
{
  const EspCudaOptions options = { .compute = ESP_COMPUTE_F32 };
  const float numbers[] = { 1, 2, 3, 4 };
  float doubled[4] = { 0 };
  EspCudaCard card;
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;
  EspTensor x = { .dtype = ESP_F32, .rows = 1, .cols = 4, .stride = 4 };

  write_good ();
  CHECK (esp_cuda_cards (&card, 1, &error) == 1 && card.usable);
  CHECK_STATUS (esp_cuda_device_new (&options, &device, &error), ESP_OK, error);
  x.data = device->ops->allocate (device, sizeof numbers);
  device->ops->upload (device, numbers, x);
  device->ops->scale_add (device, 1, x, 1, x);
  device->ops->download (device, x, doubled);
  CHECK_STATUS (esp_device_check (device, &error), ESP_OK, error);
  for (int i = 0; i < 4; i++)
    CHECK (doubled[i] == 2 * numbers[i]);
  device->ops->release (device, x.data, sizeof numbers);
  esp_device_free (device);

  write_index (hash_of ("other sources"), "{ }");
  CHECK (esp_cuda_cards (&card, 1, &error) == 1 && !card.usable);
  CHECK (strstr (card.reason, "cannot be used") != NULL);
  CHECK_STATUS (esp_cuda_device_new (&options, &device, &error), ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "cannot be used");
  CHECK (device == NULL);
}

int
main (int argc, char **argv)
{
  snprintf (folder, sizeof folder, "%s", argc > 1 ? argv[1] : "cuda-kernels");
  mkdir (folder, 0777);
  setenv ("ESPALIER_CUDA_KERNELS", folder, 1);
  CASE (whole_files_are_taken);
  CASE (that_there_are_none_is_said_in_one_line);
  CASE (those_of_other_sources_are_refused);
  CASE (damaged_files_are_refused_by_name);
  CASE (an_index_is_not_believed);
  CASE (a_card_computes_with_them_or_says_why_not);
  return check_done ();
}
