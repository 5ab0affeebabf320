/* SPDX-License-Identifier: MIT */
#include "model/work-cache.h"

#include <stdlib.h>
#include <string.h>

struct EspWorkEntry
{
  EspWorkEntry *newer, *older;
  char digest[ESP_SHA256_HEX_SIZE];
  void *work;
  size_t bytes;
  EspWorkFree destroy;
  int holds;
};

static void
unlink_entry (EspWorkCache *cache, EspWorkEntry *entry)
{
  *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
  *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void
push_newest (EspWorkCache *cache, EspWorkEntry *entry)
{
  entry->newer = NULL;
  entry->older = cache->newest;
  *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
  cache->newest = entry;
}

static void
drop (EspWorkCache *cache, EspWorkEntry *entry)
{
  unlink_entry (cache, entry);
  cache->bytes -= entry->bytes;
  entry->destroy (entry->work);
  free (entry);
}

static void
shrink (EspWorkCache *cache)
{
  EspWorkEntry *next;

  for (EspWorkEntry *entry = cache->oldest; entry != NULL && cache->bytes > cache->limit;
       entry = next)
    {
      next = entry->newer;
      if (entry->holds == 0)
        drop (cache, entry);
    }
}

void
esp_work_cache_set_limit (EspWorkCache *cache, size_t limit)
{
  cache->limit = limit;
  shrink (cache);
}

void *
esp_work_cache_find (EspWorkCache *cache, const char digest[ESP_SHA256_HEX_SIZE])
{
  for (EspWorkEntry *entry = cache->newest; entry != NULL; entry = entry->older)
    if (strcmp (entry->digest, digest) == 0)
      {
        unlink_entry (cache, entry);
        push_newest (cache, entry);
        entry->holds++;
        return entry->work;
      }
  return NULL;
}

bool
esp_work_cache_add (EspWorkCache *cache, const char digest[ESP_SHA256_HEX_SIZE], void *work,
                    size_t bytes, EspWorkFree destroy)
{
  EspWorkEntry *entry = calloc (1, sizeof *entry);

  if (entry == NULL)
    return false;
  memcpy (entry->digest, digest, sizeof entry->digest);
  entry->work = work;
  entry->bytes = bytes;
  entry->destroy = destroy;
  entry->holds = 1;
  push_newest (cache, entry);
  cache->bytes += bytes;
  shrink (cache);
  return true;
}

void
esp_work_cache_release (EspWorkCache *cache, const void *work)
{
  for (EspWorkEntry *entry = cache->newest; work != NULL && entry != NULL; entry = entry->older)
    if (entry->work == work)
      {
        entry->holds--;
        break;
      }
  shrink (cache);
}

void
esp_work_cache_clear (EspWorkCache *cache)
{
  while (cache->newest != NULL)
    drop (cache, cache->newest);
}
