/* SPDX-License-Identifier: MIT */
#include "json-memory.h"

#include <pthread.h>
#include <stdlib.h>

static void *
allocate (size_t size)
{
  return esp_memory_noted (malloc (size));
}

static void
watch (void)
{
  /* What was allocated before comes from malloc (), too. */
  json_set_alloc_funcs (allocate, free);
}

json_t *
esp_json_load (const char *bytes, size_t length, size_t flags, json_error_t *problem,
               bool *no_memory)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const unsigned failures = esp_memory_failures ();
  json_t *value;

  pthread_once (&once, watch);
  value = esp_json_whole (json_loadb (bytes, length, flags, problem), failures);
  *no_memory = esp_memory_failures () != failures;
  return value;
}

json_t *
esp_json_whole (json_t *value, unsigned failures)
{
  if (esp_memory_failures () == failures)
    return value;
  json_decref (value);
  return NULL;
}
