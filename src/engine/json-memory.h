/* SPDX-License-Identifier: MIT */
/* json-memory.h: knowing that memory was out while jansson worked.
 *
 * It does not always tell: its parser leaves a letter out of a string, or calls a file broken that
 * is not (2.14, lex_save ()), and an object that could not take a value is found without it later.
 * From the first call of esp_json_load () in the process on its failures are those of
 * memory-watch.h. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "memory-watch.h"

/* As json_loadb (). NULL with *no_memory set: memory was out, and nothing is known of the text. The
 * caller owns what is returned. */
json_t *esp_json_load (const char *bytes, size_t length, size_t flags, json_error_t *problem,
                       bool *no_memory);

/* Returns `value` (whose reference it takes), or NULL if allocations have failed since
 * esp_memory_failures () returned `failures`. */
json_t *esp_json_whole (json_t *value, unsigned failures);
