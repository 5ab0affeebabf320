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
 * nothing is allocated for it. One that became shorter meanwhile is, too. */
EspStatus esp_regular_file_read (const char *path, size_t max_bytes, char **bytes, size_t *length,
                                 EspError *error);

/* Reads exactly `length` bytes from `offset` on of a file that esp_regular_file_open() opened; a
 * file that ends earlier is ESP_ERROR_FORMAT. `path` is only for the message. */
EspStatus esp_regular_file_read_at (int descriptor, const char *path, uint64_t offset, void *buffer,
                                    size_t length, EspError *error);
