/* SPDX-License-Identifier: MIT */
/* fuzz.h: what the fuzz targets share. Each target is one file with one LLVMFuzzerTestOneInput();
 * fuzz-replay.c runs the kept inputs (tests/data/fuzz/TARGET) through it without libFuzzer.
 *
 * With libFuzzer, which comes with clang:
 *
 *     CC=clang meson setup _build-fuzz -Dfuzzers=true -Db_sanitize=address,undefined
 *       -Db_lundef=false --buildtype=debugoptimized
 *     ninja -C _build-fuzz tests/engine/fuzz/fuzz-gguf
 *     _build-fuzz/tests/engine/fuzz/fuzz-gguf -max_total_time=600 -rss_limit_mb=512 NEW
 *       tests/data/fuzz/gguf
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "files/weights.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Ends the program where a promise is broken: that is what a fuzzer looks for. */
#define PROMISE(condition)                                                                         \
  do                                                                                               \
    if (!(condition))                                                                              \
      abort ();                                                                                    \
  while (0)

/* A file of these bytes, in memory alone. Gives its path (newest four results are valid) and a
 * descriptor to close. */
const char *fuzz_file (const uint8_t *before, size_t before_size, const uint8_t *data, size_t size,
                       int *descriptor);

/* A folder for files that must lie side by side; made once, removed at the end. */
const char *fuzz_folder (void);
/* Writes `name` into it, or removes it where `data` is NULL. */
void fuzz_folder_file (const char *name, const uint8_t *data, size_t size);

/* Opens a weights file and reads all that opened: every view must lie within the map. */
void fuzz_weights (const char *path);
