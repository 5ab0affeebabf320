/* SPDX-License-Identifier: MIT */
/* work-cache.h: what was computed for one edit and serves the next ones as it is: encoded prompts,
 * encoded references, modulations.
 *
 * An entry is found by a digest of everything that its content follows from, so that an edit gives
 * the same bytes with and without it. Entries that someone holds stay; of the rest those used
 * longest ago go when all together are larger than the limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "files/sha256.h"

typedef struct EspWorkEntry EspWorkEntry;

typedef struct EspWorkCache
{
  EspWorkEntry *newest, *oldest;
  size_t bytes, limit; /* of all entries; held ones may take it above the limit */
} EspWorkCache;

typedef void (*EspWorkFree) (void *work);

/* Sets the limit and drops what is above it. 0: nothing is kept longer than it is held. */
void esp_work_cache_set_limit (EspWorkCache *cache, size_t limit);

/* The entry with this digest, held until esp_work_release(), or NULL. */
void *esp_work_cache_find (EspWorkCache *cache, const char digest[ESP_SHA256_HEX_SIZE]);

/* Takes `work` over, which takes about `bytes` bytes, and holds it. No such entry may be there.
 * False when memory is out; `work` is still the caller's then. */
bool esp_work_cache_add (EspWorkCache *cache, const char digest[ESP_SHA256_HEX_SIZE], void *work,
                         size_t bytes, EspWorkFree destroy);

/* Ends one hold; NULL is allowed. */
void esp_work_cache_release (EspWorkCache *cache, const void *work);

/* Drops all entries. Nobody may hold one. */
void esp_work_cache_clear (EspWorkCache *cache);
