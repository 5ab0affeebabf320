/* SPDX-License-Identifier: MIT */
/* atomic-file.h: replacing a file as a whole or not at all.
 *
 *     EspAtomicFile file;
 *     status = esp_atomic_file_open (path, &file, error);
 *     if (status == ESP_OK)
 *       status = esp_atomic_file_write (&file, bytes, length, error);   as often as needed
 *     return esp_atomic_file_finish (&file, status, error);
 *
 * The bytes go to a hidden temporary file in the same folder. On failure the old file is untouched
 * and the temporary one is gone.
 */
#pragma once

#include <stddef.h>

#include "status.h"

typedef struct EspAtomicFile
{
  char *path;      /* what is replaced: the caller's path with symbolic links followed */
  char *temporary; /* NULL when there is nothing to finish */
  int descriptor;
  /* Whether finishing waits until the disk has the bytes, so that a power cut leaves the old file
   * or the new one. True after opening; the caller may clear it for what lives only as long as two
   * processes. */
  bool durable;
} EspAtomicFile;

/* Begins to write what will become `path`. An existing `path` keeps its permissions and must be a
 * regular file (nobody wants a device renamed over). On failure ESP_ERROR_FILE or
 * ESP_ERROR_MEMORY, and *file may still be given to finish. */
EspStatus esp_atomic_file_open (const char *path, EspAtomicFile *file, EspError *error);

/* Appends `length` bytes. ESP_ERROR_FILE when the disk is full, for example. */
EspStatus esp_atomic_file_write (EspAtomicFile *file, const void *bytes, size_t length,
                                 EspError *error);

/* With ESP_OK as `status` puts the file in its place, by a rename, after an fsync where it is
 * durable; otherwise, or where that fails, removes the temporary file. Frees what *file holds;
 * gives `status` back or the new failure. */
EspStatus esp_atomic_file_finish (EspAtomicFile *file, EspStatus status, EspError *error);
