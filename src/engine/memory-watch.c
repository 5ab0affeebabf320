/* SPDX-License-Identifier: MIT */
#include "memory-watch.h"

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
