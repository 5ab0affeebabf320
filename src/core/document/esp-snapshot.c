/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-snapshot.c: all that is committed in a database, as one file.
 *
 * The database file alone is the state while its log is empty, and it stays as it is as long as
 * someone reads it so: SQLite moves nothing from the log into it under a reader. So: empty the log,
 * begin to read, see that the log is still empty, and copy the file by the fastest means there is.
 * Only if a writer is quicker each time, SQLite's own slower copying is used. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-file-copy.h"

#define BUSY_MS  10000
#define ATTEMPTS 3

/* The header of a database (https://www.sqlite.org/fileformat2.html, 1.3). */
#define HEADER_BYTES     100
#define HEADER_WRITE     18 /* 1: a file by itself, 2: with a log */
#define HEADER_READ      19
#define HEADER_CHANGES   24
#define HEADER_VALID_FOR 92 /* the value of HEADER_CHANGES for which the size is right */

/* What a document is made of may be named in any bytes. */
static gboolean
fail (EspSnapshotSource *self, GError **error)
{
  const int code = sqlite3_extended_errcode (self->connection) & 0xff;
  g_autofree char *message = g_utf8_make_valid (sqlite3_errmsg (self->connection), -1);
  GIOErrorEnum kind = G_IO_ERROR_FAILED;

  if (code == SQLITE_FULL)
    kind = G_IO_ERROR_NO_SPACE;
  else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    kind = G_IO_ERROR_INVALID_DATA;
  g_set_error_literal (error, G_IO_ERROR, (int) kind, message);
  return FALSE;
}

static gboolean
exec (EspSnapshotSource *self, const char *sql, GError **error)
{
  return sqlite3_exec (self->connection, sql, NULL, NULL, NULL) == SQLITE_OK || fail (self, error);
}

EspSnapshotSource *
_esp_snapshot_source_new (const char *path, GError **error)
{
  g_autoptr (EspSnapshotSource) self = g_new0 (EspSnapshotSource, 1);

  self->path = g_strdup (path);
  self->fd = open (path, O_RDONLY | O_CLOEXEC);
  if (self->fd < 0)
    {
      const int code = errno;

      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                           g_strerror (code));
      return NULL;
    }
  if (sqlite3_open_v2 (path, &self->connection,
                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL)
      != SQLITE_OK)
    {
      fail (self, error);
      return NULL;
    }
  sqlite3_busy_timeout (self->connection, BUSY_MS);
  sqlite3_db_config (self->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (self->connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  /* Before the log is emptied, what was in it must be in the database. */
  if (!exec (self, "PRAGMA synchronous = FULL", error))
    return NULL;
  return g_steal_pointer (&self);
}

void
_esp_snapshot_source_free (EspSnapshotSource *self)
{
  if (self == NULL)
    return;
  sqlite3_close_v2 (self->connection);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->path);
  g_free (self);
}

gboolean
_esp_snapshot_source_settle (EspSnapshotSource *self, GError **error)
{
  const int code
      = sqlite3_wal_checkpoint_v2 (self->connection, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

  /* Busy: the log stays, and the state is as good. */
  return code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED || fail (self, error);
}

gint64
_esp_snapshot_source_get_version (EspSnapshotSource *self)
{
  sqlite3_stmt *statement = NULL;
  gint64 version = -1;

  if (sqlite3_prepare_v2 (self->connection, "PRAGMA data_version", -1, &statement, NULL)
          == SQLITE_OK
      && sqlite3_step (statement) == SQLITE_ROW)
    version = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  return version;
}

static gboolean
is_log_empty (EspSnapshotSource *self)
{
  g_autofree char *path = g_strconcat (self->path, "-wal", NULL);
  struct stat status;

  return stat (path, &status) != 0 ? errno == ENOENT : status.st_size == 0;
}

static gboolean
has_side_file (const char *path, const char *suffix)
{
  g_autofree char *name = g_strconcat (path, suffix, NULL);
  struct stat status;

  return stat (name, &status) == 0 && status.st_size > 0;
}

gboolean
_esp_snapshot_make_whole (const char *path, GError **error)
{
  EspSnapshotSource *source;
  gboolean ok;

  if (!has_side_file (path, "-wal") && !has_side_file (path, "-journal"))
    return TRUE;
  source = _esp_snapshot_source_new (path, error);
  if (source == NULL)
    return FALSE;
  /* Reading undoes what a journal tells of. */
  ok = exec (source, "SELECT count(*) FROM sqlite_schema", error)
       && _esp_snapshot_source_settle (source, error);
  _esp_snapshot_source_free (source);
  if (ok && (has_side_file (path, "-wal") || has_side_file (path, "-journal")))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, g_strerror (EBUSY));
      ok = FALSE;
    }
  return ok;
}

gboolean
_esp_snapshot_drop_logs (const char *path)
{
  const char *const suffixes[] = { "-wal", "-shm", "-journal" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = g_strconcat (path, suffixes[i], NULL);

      if (unlink (name) != 0 && errno != ENOENT)
        g_debug ("%s: %s", name, g_strerror (errno));
    }
  return !has_side_file (path, "-wal") && !has_side_file (path, "-journal");
}

static gboolean
begin (EspSnapshotSource *self, gboolean *in_file, GError **error)
{
  for (int attempt = 0; attempt < ATTEMPTS; attempt++)
    {
      if (attempt > 0 && !exec (self, "ROLLBACK", error))
        return FALSE;
      if (!_esp_snapshot_source_settle (self, error) || !exec (self, "BEGIN", error)
          || !exec (self, "SELECT count(*) FROM sqlite_schema", error))
        return FALSE;
      *in_file = is_log_empty (self);
      if (*in_file)
        break;
    }
  return TRUE;
}

static gboolean
copy_pages (EspSnapshotSource *self, const char *path, GError **error)
{
  sqlite3 *target = NULL;
  sqlite3_backup *backup;
  gboolean ok = FALSE;

  if (sqlite3_open_v2 (path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)
          == SQLITE_OK
      && sqlite3_exec (target, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
                       NULL)
             == SQLITE_OK)
    {
      backup = sqlite3_backup_init (target, "main", self->connection, "main");
      if (backup != NULL)
        {
          const int code = sqlite3_backup_step (backup, -1);

          ok = sqlite3_backup_finish (backup) == SQLITE_OK && code == SQLITE_DONE;
        }
    }
  if (!ok)
    {
      g_autofree char *message = g_utf8_make_valid (sqlite3_errmsg (target), -1);

      g_set_error_literal (error, G_IO_ERROR,
                           (sqlite3_errcode (target) & 0xff) == SQLITE_FULL ? G_IO_ERROR_NO_SPACE
                                                                            : G_IO_ERROR_FAILED,
                           message);
    }
  sqlite3_close_v2 (target);
  return ok;
}

gboolean
_esp_snapshot_write (EspSnapshotSource *self, int to, const char *path, gint64 *version,
                     GError **error)
{
  gboolean in_file = FALSE;
  struct stat status;
  gboolean ok = begin (self, &in_file, error);

  if (ok)
    {
      *version = _esp_snapshot_source_get_version (self);
      if (!in_file)
        ok = copy_pages (self, path, error);
      else if (fstat (self->fd, &status) != 0)
        {
          g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                               g_strerror (errno));
          ok = FALSE;
        }
      else
        ok = _esp_file_copy (self->fd, to, (gint64) status.st_size, NULL, error);
    }
  if (!sqlite3_get_autocommit (self->connection))
    sqlite3_exec (self->connection, "ROLLBACK", NULL, NULL, NULL);
  return ok && _esp_snapshot_stamp (to, FALSE, error) && _esp_file_sync (to, error);
}

gboolean
_esp_snapshot_stamp (int fd, gboolean with_log, GError **error)
{
  const guint32 stamp = GUINT32_TO_BE (g_random_int ());
  guint8 header[HEADER_BYTES];

  if (pread (fd, header, sizeof header, 0) != (ssize_t) sizeof header)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "no database");
      return FALSE;
    }
  header[HEADER_WRITE] = header[HEADER_READ] = with_log ? 2 : 1;
  /* The size in the header counts only if these were the same. */
  if (memcmp (header + HEADER_CHANGES, header + HEADER_VALID_FOR, sizeof stamp) == 0)
    {
      memcpy (header + HEADER_CHANGES, &stamp, sizeof stamp);
      memcpy (header + HEADER_VALID_FOR, &stamp, sizeof stamp);
    }
  else
    memcpy (header + HEADER_CHANGES, &stamp, sizeof stamp);
  return _esp_file_write (fd, header, sizeof header, 0, error);
}
