/* SPDX-License-Identifier: MIT */
/* cache-folder.h: where this worker keeps encoded prompts and references from process to process.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The folder, which the caller frees: $ESPALIER_CACHE_DIR, or NULL if that is empty; else
 * espalier/engine in $XDG_CACHE_HOME or ~/.cache. *limit: $ESPALIER_CACHE_LIMIT in MiB, or
 * ESP_DISK_CACHE_BYTES. */
char *esp_cache_folder (uint64_t *limit);

/* `folder` (null: nothing is kept), `limit`, `bytes` and `files`, after removing them if `clear`;
 * they are then what was removed. New reference, or NULL when memory is out. */
json_t *esp_cache_json (bool clear);
