/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-snapshot.h: all that is committed in a database, as one file that needs no other. */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* A connection of its own to a database that others write through theirs. */
typedef struct
{
  sqlite3 *connection;
  char *path;
  int fd; /* of the database. Kept open: closing one drops the locks of the whole process */
} EspSnapshotSource;

EspSnapshotSource *_esp_snapshot_source_new (const char *path,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* After all other connections of this process to the database were closed. */
void _esp_snapshot_source_free (EspSnapshotSource *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspSnapshotSource, _esp_snapshot_source_free)

/* Moves what the log holds into the database, as far as others let it. */
gboolean _esp_snapshot_source_settle (EspSnapshotSource *self, GError **error);

/* Makes one file of the database at `path`, which nobody in this process has open: it may be moved
 * then. G_IO_ERROR_INVALID_DATA: it is damaged; G_IO_ERROR_BUSY: another process reads it. */
gboolean _esp_snapshot_make_whole (const char *path, GError **error);

/* Removes what SQLite would take for the log or journal of another file at `path`: before that is
 * put there. FALSE: there still is one. */
gboolean _esp_snapshot_drop_logs (const char *path);

/* Changes whenever someone else commits; -1 upon an error. */
gint64 _esp_snapshot_source_get_version (EspSnapshotSource *self);

/* Writes the present state to the empty file `to`, which is at `path`, and flushes it. Writers go
 * on meanwhile. `version` is that of the state. */
gboolean _esp_snapshot_write (EspSnapshotSource *self, int to, const char *path, gint64 *version,
                              GError **error);

/* Marks a database file that nobody has open as one that needs no log, or as one that has one, and
 * gives it a number by which it is told from all other states of the document. */
gboolean _esp_snapshot_stamp (int fd, gboolean with_log, GError **error);

G_END_DECLS
