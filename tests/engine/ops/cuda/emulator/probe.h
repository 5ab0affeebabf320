/* SPDX-License-Identifier: MIT */
/* probe.h: kernels that the emulator itself is tested with; some are wrong on purpose. */
#pragma once

#include <stdint.h>

/* x and y are device pointers to `count` numbers of 32 bits. */
typedef struct Probe
{
  uint64_t x, y;
  int32_t count, which;
} Probe;
