/* SPDX-License-Identifier: MIT */
/* memory-watch.h: knowing that memory was out where nobody could say so.
 *
 * What looks for files takes one that it cannot name for one that is not there, and passes over
 * those whose errors it does not tell. So such failures are counted, thread by thread: what was
 * found or built between two calls of esp_memory_failures () that return the same is whole. */
#pragma once

/* How many allocations have failed in this thread: those that esp_memory_noted () was told of,
 * every error of the kind ESP_ERROR_MEMORY, and jansson's (json-memory.h). */
unsigned esp_memory_failures (void);

/* Returns `memory`; NULL is counted. */
void *esp_memory_noted (void *memory);

/* The same for what a call returned that fails for other reasons, too: NULL is counted where errno
 * is ENOMEM. */
void *esp_memory_noted_call (void *result);
