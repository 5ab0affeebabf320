/* SPDX-License-Identifier: MIT */
/* fuzz.h: what the fuzz targets of the engine share. */
#pragma once

#include "files/weights.h"
#include "fuzz-target.h"

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
