/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-file-private.h: a file gets its new contents whole, or keeps the old ones. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  const void *data;
  gsize size;
} EspPiece;

typedef enum
{
  ESP_REPLACE_SYNC = 0,
  ESP_REPLACE_NO_SYNC = 1 << 0, /* for files that need not survive a power cut */
  ESP_REPLACE_NAMED = 1 << 1,   /* as if the file system had no nameless files; for tests */
} EspReplaceFlags;

/* Writes the pieces one after the other as the contents of `path`.
 *
 * They go to a nameless file in the same folder (O_TMPFILE) that gets its name when all is on the
 * disk; so an error, a signal or a crash leaves the old file and nothing else. File systems without
 * nameless files get a hidden temporary one, removed on every error. An existing file keeps its
 * mode (and its owner where the user may set it); a symbolic link stays one and its target is
 * replaced. A character device is written to as it is. Folders, FIFOs and files that are
 * write-protected are refused. Errors are ESP_IMAGE_ERROR_WRITE, naming the file, or
 * G_IO_ERROR_CANCELLED. */
gboolean _esp_file_replace (const char *path, const EspPiece *pieces, guint n_pieces,
                            EspReplaceFlags flags, GCancellable *cancellable, GError **error);

G_END_DECLS
