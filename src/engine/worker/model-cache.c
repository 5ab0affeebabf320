/* SPDX-License-Identifier: MIT */
#include "worker/model-cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A model folder has a few dozen files in sub-folders one level down. Links that lead in circles or
 * to a whole disk end here. */
#define FOLDER_DEPTH    2
#define ENTRIES_TO_LOOK 10000

/* FNV-1a, 64 bit (Fowler, Noll and Vo; draft-eastlake-fnv): only to notice a change. */
#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME  0x100000001b3u

static uint64_t
mix (uint64_t hash, const void *data, size_t size)
{
  const unsigned char *bytes = data;

  for (size_t i = 0; i < size; i++)
    hash = (hash ^ bytes[i]) * FNV_PRIME;

  return hash;
}

/* The sum of the entries' hashes: readdir() promises no order. Takes `folder` over. */
static uint64_t
folder_signature (int folder, int depth, int *entries_left)
{
  DIR *entries = fdopendir (folder);
  uint64_t sum = 0;

  if (entries == NULL)
    {
      close (folder);
      return 0;
    }

  for (struct dirent *entry = readdir (entries); entry != NULL && (*entries_left)-- > 0;
       entry = readdir (entries))
    {
      struct stat status;
      uint64_t hash;

      if (entry->d_name[0] == '.' || fstatat (folder, entry->d_name, &status, 0) != 0)
        continue;

      hash = mix (FNV_OFFSET, entry->d_name, strlen (entry->d_name));
      if (S_ISDIR (status.st_mode) && depth > 1)
        {
          int below = openat (folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
          uint64_t inner = below >= 0 ? folder_signature (below, depth - 1, entries_left) : 0;

          hash = mix (hash, &inner, sizeof inner);
        }
      else if (S_ISREG (status.st_mode))
        {
          hash = mix (hash, &status.st_ino, sizeof status.st_ino);
          hash = mix (hash, &status.st_size, sizeof status.st_size);
          hash = mix (hash, &status.st_mtim, sizeof status.st_mtim);
        }

      sum += hash;
    }

  closedir (entries);
  return sum;
}

static uint64_t
signature_of (const char *path)
{
  int entries_left = ENTRIES_TO_LOOK;
  int folder = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return folder >= 0 ? folder_signature (folder, FOLDER_DEPTH, &entries_left) : 0;
}

EspStatus
esp_model_cache_get (EspModelCache *cache, const char *path, EspModel **model, EspError *error)
{
  uint64_t signature = signature_of (path);
  EspStatus status;

  if (cache->model != NULL && cache->signature == signature && strcmp (cache->path, path) == 0)
    {
      *model = cache->model;
      return ESP_OK;
    }

  /* First close, then open: two of the big models may not fit into memory together. */
  esp_model_cache_clear (cache);
  status = esp_model_open (path, &cache->model, error);
  if (status != ESP_OK)
    {
      cache->model = NULL;
      return status;
    }

  cache->signature = signature;
  cache->path = strdup (path);
  if (cache->path == NULL)
    {
      esp_model_cache_clear (cache);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
    }

  *model = cache->model;
  return ESP_OK;
}

void
esp_model_cache_clear (EspModelCache *cache)
{
  esp_model_close (cache->model);
  free (cache->path);
  *cache = (EspModelCache) ESP_MODEL_CACHE_INIT;
}
