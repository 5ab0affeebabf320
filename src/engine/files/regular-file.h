/* SPDX-License-Identifier: MIT */
/* regular-file.h: opening and reading files that somebody else wrote.
 *
 * A path may name anything: a folder, a pipe, a device. All of these are refused at once with a
 * message; nothing here waits for a writer that never comes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Opens `path` for reading and gives its descriptor (the caller closes it) and its size in bytes.
 * Anything but a regular file is ESP_ERROR_FILE. */
EspStatus esp_regular_file_open (const char *path, int *descriptor, uint64_t *size,
                                 EspError *error);

/* Reads all of `path` into fresh memory, with a NUL after the last byte that *length does not
 * count; the caller frees *bytes. A file of more than `max_bytes` bytes is ESP_ERROR_FORMAT and
 * nothing is allocated for it. */
EspStatus esp_regular_file_read (const char *path, size_t max_bytes, char **bytes, size_t *length,
                                 EspError *error);
