/* SPDX-License-Identifier: MIT */
#include "worker/model-cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
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

static uint64_t
file_signature (const struct stat *status)
{
  uint64_t hash = mix (FNV_OFFSET, &status->st_ino, sizeof status->st_ino);

  hash = mix (hash, &status->st_size, sizeof status->st_size);
  return mix (hash, &status->st_mtim, sizeof status->st_mtim);
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
          uint64_t inner = file_signature (&status);

          hash = mix (hash, &inner, sizeof inner);
        }

      sum += hash;
    }

  closedir (entries);
  return sum;
}

/* Of a file or a folder; 0 of none. */
static uint64_t
signature_of (const char *path)
{
  int entries_left = ENTRIES_TO_LOOK;
  struct stat status;
  int folder;

  if (path == NULL || stat (path, &status) != 0)
    return 0;
  if (!S_ISDIR (status.st_mode))
    return file_signature (&status);
  folder = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return folder >= 0 ? folder_signature (folder, FOLDER_DEPTH, &entries_left) : 0;
}

/* Of what was asked for, and of what an open model found for it. */
static uint64_t
sources_signature (const EspModelParts *parts, const EspModel *model)
{
  const uint64_t asked_for = signature_of (parts->path);
  uint64_t hash = mix (FNV_OFFSET, &asked_for, sizeof asked_for);

  for (int i = 0; esp_model_source (model, i) != NULL; i++)
    {
      uint64_t source = signature_of (esp_model_source (model, i));

      hash = mix (hash, &source, sizeof source);
    }
  return hash;
}

/* All that `parts` say as one malloc'd text; NULL when out of memory. */
static char *
name_parts (const EspModelParts *parts)
{
  const char *const texts[] = { parts->path, parts->transformer, parts->clip,       parts->t5,
                                parts->vae,  parts->tokenizer,   parts->tokenizer_2 };
  const size_t count = sizeof texts / sizeof *texts;
  size_t size = 1, used = 0;
  char *name;

  for (size_t i = 0; i < count; i++)
    size += (texts[i] != NULL ? strlen (texts[i]) : 0) + 2;
  name = malloc (size);
  for (size_t i = 0; name != NULL && i < count; i++)
    used += (size_t) sprintf (name + used, "%s%s\n", texts[i] != NULL ? "=" : "",
                              texts[i] != NULL ? texts[i] : "");
  return name;
}

EspStatus
esp_model_cache_get (EspModelCache *cache, const EspModelParts *parts, EspModel **model,
                     EspError *error)
{
  char *name = name_parts (parts);
  EspStatus status;

  if (name == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "model: out of memory");
  if (cache->model != NULL && strcmp (cache->name, name) == 0
      && cache->signature == sources_signature (parts, cache->model))
    {
      free (name);
      *model = cache->model;
      return ESP_OK;
    }

  /* First close, then open: two of the big models may not fit into memory together. */
  esp_model_cache_clear (cache);
  status = esp_model_open_parts (parts, &cache->model, error);
  if (status != ESP_OK)
    {
      cache->model = NULL;
      free (name);
      return status;
    }

  cache->signature = sources_signature (parts, cache->model);
  cache->name = name;
  *model = cache->model;
  return ESP_OK;
}

void
esp_model_cache_clear (EspModelCache *cache)
{
  esp_model_close (cache->model);
  free (cache->name);
  *cache = (EspModelCache) ESP_MODEL_CACHE_INIT;
}
