/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-file-copy.h: whole files, copied fast and put in place safely. Everything blocks.
 * Errors are G_IO_ERROR with the system's words; the caller says which document is meant. */
#pragma once

#include "esp-file-identity.h"

G_BEGIN_DECLS

/* Copies `size` bytes from the beginning of `from` to that of the empty file `to`: by sharing the
 * blocks where the file system can, else inside the kernel, else by reading and writing. */
gboolean _esp_file_copy (int from, int to, gint64 size, GCancellable *cancellable, GError **error);

/* The two of which it consists: sharing all blocks, if that can be done; copying some bytes. */
gboolean _esp_file_clone (int from, int to, gint64 size);
gboolean _esp_file_copy_range (int from, int to, gint64 begin, gint64 end,
                               GCancellable *cancellable, GError **error);

/* All of `length` bytes at `offset`. */
gboolean _esp_file_write (int fd, const void *data, gsize length, gint64 offset, GError **error);

gboolean _esp_file_sync (int fd, GError **error);

/* The entries of the folder that `path` is in are on the disk. File systems that cannot are
 * tolerated. */
void _esp_file_sync_folder (const char *path);

/* A new empty file beside `path`, hidden, for us alone. */
int _esp_file_make_beside (const char *path, char **temporary, GError **error);

/* Gives the new file the mode, owner and extended attributes of the file at `path`, as far as
 * possible; without one, those that new files have. */
void _esp_file_copy_manners (int fd, const char *path);

/* Puts `temporary` in the place of `path` in one step. With `expected` that fails with
 * G_IO_ERROR_WRONG_ETAG, and nothing is changed, if another file than that one is there. */
gboolean _esp_file_put_in_place (const char *temporary, const char *path,
                                 const EspFileIdentity *expected, GError **error);

/* For a file whose folder is closed to us (the document portal): makes sure of the space, then
 * writes all but the beginning, then the beginning, so that it shows whether all was written. */
gboolean _esp_file_write_over (int from, const char *path, gint64 size, GError **error);

G_END_DECLS
