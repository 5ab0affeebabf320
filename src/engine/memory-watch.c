/* SPDX-License-Identifier: MIT */
#include "memory-watch.h"

#include <errno.h>
#include <stddef.h>

static _Thread_local unsigned failures;

unsigned
esp_memory_failures (void)
{
  return failures;
}

void *
esp_memory_noted (void *memory)
{
  if (memory == NULL)
    failures++;
  return memory;
}

void *
esp_memory_noted_call (void *result)
{
  if (result == NULL && errno == ENOMEM)
    failures++;
  return result;
}
