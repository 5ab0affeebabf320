/* SPDX-License-Identifier: MIT */
#include "files/model-hash.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/tensor-file.h"

/* Has these bytes read, and no others: touching them would read megabytes around them, of a file
 * that nobody has used yet half of it. */
static void
fetch (const void *data, size_t bytes)
{
  uintptr_t page = (uintptr_t) sysconf (_SC_PAGESIZE), begin = (uintptr_t) data / page * page;

  madvise ((void *) begin, (uintptr_t) data + bytes - begin, MADV_WILLNEED);
}

static void
hash_samples (EspSha256 *sha, const EspTensorFile *file)
{
  const size_t sample = ESP_MODEL_HASH_SAMPLE;
  const size_t size = file->data_bytes;
  const size_t last = size < sample ? size : sample;

  for (size_t at = 0; at < size; at += ESP_MODEL_HASH_STRIDE)
    fetch (file->data + at, size - at < sample ? size - at : sample);
  fetch (file->data + size - last, last);
  for (size_t at = 0; at < size; at += ESP_MODEL_HASH_STRIDE)
    esp_sha256_update (sha, file->data + at, size - at < sample ? size - at : sample);
  esp_sha256_update (sha, file->data + size - last, last);
}

static void
hash_file (EspSha256 *sha, const EspTensorFile *file, bool all)
{
  const char *slash = strrchr (file->path, '/');
  const char *name = slash != NULL ? slash + 1 : file->path;
  uint8_t size[8];

  for (int i = 0; i < 8; i++)
    size[i] = (uint8_t) ((uint64_t) file->size >> (8 * i));
  esp_sha256_update (sha, name, strlen (name) + 1);
  esp_sha256_update (sha, size, sizeof size);
  esp_sha256_update (sha, file->map, (size_t) (file->data - file->map));
  if (all)
    esp_sha256_update (sha, file->data, file->data_bytes);
  else
    hash_samples (sha, file);
}

EspStatus
esp_model_hash (EspWeights *const *components, int count, char hex[ESP_SHA256_HEX_SIZE],
                EspError *error)
{
  EspSha256 sha;
  uint64_t total = 0;

  for (int i = 0; i < count; i++)
    {
      if (components[i] == NULL)
        return esp_error_set (error, ESP_ERROR_ARGUMENT,
                              "model hash: component %d of %d is not open", i + 1, count);
      for (int j = 0; j < esp_weights_file_count (components[i]); j++)
        total += esp_weights_file (components[i], j)->data_bytes;
    }

  esp_sha256_init (&sha);
  for (int i = 0; i < count; i++)
    for (int j = 0; j < esp_weights_file_count (components[i]); j++)
      hash_file (&sha, esp_weights_file (components[i], j), total <= ESP_MODEL_HASH_ALL);
  esp_sha256_finish (&sha, hex);
  return ESP_OK;
}
