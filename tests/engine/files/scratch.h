/* SPDX-License-Identifier: MIT */
/* scratch.h: a temporary folder with files that a test makes, hostile ones above all. */
#pragma once

#include <stddef.h>

/* Makes the folder (in $TMPDIR or /tmp) and gives its path. Ends the test program on failure. */
const char *scratch_open (void);

/* Removes the folder and what is in it, two levels deep. */
void scratch_close (void);

/* The path of `name` in the folder. The newest eight results are valid. */
const char *scratch_path (const char *name);

/* Writes `length` bytes to the file `name`; gives its path as scratch_path() does. */
const char *scratch_write (const char *name, const void *bytes, size_t length);
const char *scratch_write_text (const char *name, const char *text);

/* Writes a safetensors file: the right header length, `header` as it is, then `data_bytes` bytes
 * 0, 1, 2, … */
const char *scratch_write_safetensors (const char *name, const char *header, size_t data_bytes);

/* How many directory entries the folder has. */
int scratch_count_files (void);
