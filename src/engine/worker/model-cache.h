/* SPDX-License-Identifier: MIT */
/* model-cache.h: the one model that stays open between jobs. */
#pragma once

#include <stdint.h>

#include "espalier-engine.h"
#include "status.h"

typedef struct EspModelCache
{
  EspModel *model;
  char *name;         /* of all that it was asked for by */
  uint64_t signature; /* of its files when it was opened */
} EspModelCache;

#define ESP_MODEL_CACHE_INIT                                                                       \
  {                                                                                                \
    NULL, NULL, 0                                                                                  \
  }

/* Gives the open model of `parts`, lent until the next call. It is opened when another one was
 * open, or when one of its files, or a file in its folder, was added, removed or changed (size,
 * time or inode) since. Errors: those of esp_model_open_parts(); nothing is open then. */
EspStatus esp_model_cache_get (EspModelCache *cache, const EspModelParts *parts, EspModel **model,
                               EspError *error);

void esp_model_cache_clear (EspModelCache *cache);
