/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void
write_all (int fd, const uint8_t *data, size_t size)
{
  while (size > 0)
    {
      ssize_t written = write (fd, data, size);

      PROMISE (written > 0);
      data += written;
      size -= (size_t) written;
    }
}

const char *
fuzz_file (const uint8_t *before, size_t before_size, const uint8_t *data, size_t size,
           int *descriptor)
{
  static char paths[4][64];
  static unsigned next;
  char *path = paths[next++ % 4];

  *descriptor = memfd_create ("fuzz", MFD_CLOEXEC);
  PROMISE (*descriptor >= 0);
  write_all (*descriptor, before, before_size);
  write_all (*descriptor, data, size);
  snprintf (path, sizeof paths[0], "/proc/self/fd/%d", *descriptor);
  return path;
}

/* --- A folder ------------------------------------------------------------------------------- */

static char folder[64];
static const char *const names[] = {
  "tokenizer.json",          "spiece.model",     "vocab.json",          "merges.txt",
  "tokenizer_config.json",   "espalier.json",    "adapter_config.json", "adapter_model.safetensors",
  "special_tokens_map.json", "added_tokens.json"
};

static void
remove_folder (void)
{
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    fuzz_folder_file (names[i], NULL, 0);
  rmdir (folder);
}

const char *
fuzz_folder (void)
{
  if (folder[0] == '\0')
    {
      snprintf (folder, sizeof folder, "%s/espalier-fuzz-XXXXXX",
                access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
      PROMISE (mkdtemp (folder) != NULL);
      atexit (remove_folder);
    }
  return folder;
}

void
fuzz_folder_file (const char *name, const uint8_t *data, size_t size)
{
  char path[128];
  FILE *file;

  snprintf (path, sizeof path, "%s/%s", fuzz_folder (), name);
  if (data == NULL)
    {
      unlink (path);
      return;
    }
  file = fopen (path, "wb");
  PROMISE (file != NULL);
  PROMISE (size == 0 || fwrite (data, 1, size, file) == size);
  PROMISE (fclose (file) == 0);
}

/* --- Weights -------------------------------------------------------------------------------- */

static void
read_tensor (const EspWeight *weight)
{
  float numbers[256];
  int block = esp_dtype_block (weight->dtype);

  esp_find_non_finite (weight->dtype, weight->data, weight->count);
  if (weight->count >= block)
    {
      esp_weight_to_f32 (weight, 0, block, numbers);
      esp_weight_to_f32 (weight, weight->count - block, block, numbers);
    }
  PROMISE (weight->scale == weight->scale && weight->scale >= 0);
}

void
fuzz_weights (const char *path)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  if (esp_weights_open_file (path, &weights, &error) != ESP_OK)
    {
      PROMISE (weights == NULL && strstr (error.message, path) != NULL);
      return;
    }
  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    {
      const EspWeight *weight = esp_weights_at (weights, i), *found = NULL;
      int64_t product = 1;
      bool empty = false;

      PROMISE (esp_weights_find (weights, weight->name) == weight);
      PROMISE (
          esp_weights_require (weights, weight->name, weight->dims, weight->shape, &found, &error)
          == ESP_OK);
      for (int j = 0; j < weight->dims; j++)
        empty = empty || weight->shape[j] == 0;
      for (int j = 0; j < weight->dims && !empty; j++)
        product *= weight->shape[j];
      PROMISE ((empty ? 0 : product) == weight->count);
      read_tensor (weight);
    }
  esp_weights_close (weights);
}
