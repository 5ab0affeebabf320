/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-file-private.h: picture files from the disk into memory, not looked into. */
#pragma once

#include "esp-picture-kind.h"
#include "esp-picture.h"

G_BEGIN_DECLS

/* The file as sealed memory (esp-sealed-memory.h) of *size bytes, which the caller closes; -1 with
 * ESP_IMAGE_ERROR or G_IO_ERROR_CANCELLED unless it is regular, of 1…ESP_PICTURE_MAX_FILE_SIZE
 * bytes and begins as one of the known kinds does: a large file that is none is refused at once. */
int _esp_picture_file_seal (const char *path, const char *name, EspPictureKind *kind, gsize *size,
                            GCancellable *cancellable, GError **error);

/* The same as bytes. */
GBytes *_esp_picture_file_read (const char *path, const char *name, GCancellable *cancellable,
                                GError **error);

G_END_DECLS
