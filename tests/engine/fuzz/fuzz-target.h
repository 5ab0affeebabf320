/* SPDX-License-Identifier: MIT */
/* fuzz-target.h: what every fuzz target is. Each is one file with one LLVMFuzzerTestOneInput();
 * fuzz-replay.c runs the kept inputs (tests/data/fuzz/TARGET) through it without libFuzzer.
 * `./dev fuzz` builds and runs them; docs/testing.md has the list. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's interface (https://llvm.org/docs/LibFuzzer.html). The first is called once, before
 * all inputs; a target may do without it. */
int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Ends the program where a promise is broken, and says which: that is what a fuzzer looks for. */
#define PROMISE(condition)                                                                         \
  do                                                                                               \
    if (!(condition))                                                                              \
      {                                                                                            \
        fprintf (stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition);           \
        abort ();                                                                                  \
      }                                                                                            \
  while (0)
