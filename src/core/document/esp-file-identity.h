/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-file-identity.h: which file stands at a path, so that a change by someone else is noticed. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Two looks at a file show the same one if all that stat() tells is the same (cheap), or if its
 * size and print are: a copy that was restored, or a file that was only touched, is no other. */
typedef struct
{
  gboolean exists;
  guint64 device, inode;
  gint64 size;
  gint64 modified;  /* ns */
  char print[17];   /* hexadecimal, of the first and the last 4 KiB; "" if unknown */
  char version[65]; /* files without a local path: hash of their etag; otherwise "" */
} EspFileIdentity;

/* A missing file is no error; one that cannot be looked at is (G_IO_ERROR). */
gboolean _esp_file_identity_read (const char *path, EspFileIdentity *identity, GError **error);
gboolean _esp_file_identity_read_fd (int fd, EspFileIdentity *identity, GError **error);
gboolean _esp_file_identity_read_remote (GFile *file, EspFileIdentity *identity,
                                         GCancellable *cancellable, GError **error);

/* Does the file at `path` look like `known`? Reads no more than it must. */
gboolean _esp_file_identity_is_at (const EspFileIdentity *known, const char *path);

gboolean _esp_file_identity_equal (const EspFileIdentity *a, const EspFileIdentity *b);

void _esp_file_identity_store (const EspFileIdentity *identity, GKeyFile *state, const char *group);
gboolean _esp_file_identity_restore (EspFileIdentity *identity, GKeyFile *state, const char *group);

G_END_DECLS
