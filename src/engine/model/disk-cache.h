/* SPDX-License-Identifier: MIT */
/* disk-cache.h: what was computed for an edit, kept from one process to the next.
 *
 * Each piece of work is a file of its own in one folder of the user's, named by a digest of
 * everything that its content follows from (model/work-cache.h). A file carries the digest of its
 * bytes: one that is damaged, or is none of ours, is a miss and is removed. Nothing here is an
 * error: a folder that cannot be made or written, or a full disk, means that nothing is kept.
 * Several processes may use the same folder. The folder is the user's alone (0700): who reads it
 * could tell which prompts were used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files/sha256.h"

typedef struct EspDiskCache
{
  char *folder;   /* NULL: nothing is kept */
  uint64_t limit; /* bytes of all files; those used longest ago go first */
} EspDiskCache;

/* One piece of memory of an entry. */
typedef struct EspDiskPiece
{
  void *data;
  size_t bytes;
} EspDiskPiece;

/* Fills the pieces from the entry `digest`; false if there is none of just that size, and then
 * what the pieces hold is not defined. */
bool esp_disk_cache_read (const EspDiskCache *cache, const char digest[ESP_SHA256_HEX_SIZE],
                          const EspDiskPiece *pieces, int count);

/* Keeps them under `digest`, if that is possible, and removes what is above the limit. */
void esp_disk_cache_write (const EspDiskCache *cache, const char digest[ESP_SHA256_HEX_SIZE],
                           const EspDiskPiece *pieces, int count);
