/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-working-copy.c: takes a document's file, makes the working database, gives both back.
 *
 * How a crash at any moment is survived: the state file (esp-working-folder.h) tells which file of
 * the person the working database had last in full, and which one is being put in place. A file
 * that is neither was made by someone else. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-working-copy-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-file-copy.h"

#define MAGIC "SQLite format 3"

gboolean
_esp_working_copy_fail (EspWorkingCopy *self, GError *cause, GError **error)
{
  const char *name = self->place->name;

  if (cause->domain == ESP_DOCUMENT_ERROR
      || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, cause);
      return FALSE;
    }
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                 _ ("There is no space left for “%s”"), name);
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG))
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT,
                 _ ("“%s” was changed by another program"), name);
  else
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                 _ ("“%s” cannot be stored (%s)"), name, cause->message);
  g_error_free (cause);
  return FALSE;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static gboolean
fail_open (EspWorkingCopy *self, EspDocumentError code, const char *reason, GError **error)
{
  g_set_error (error, ESP_DOCUMENT_ERROR, (int) code, _ ("“%s” cannot be opened (%s)"),
               self->place->name, reason);
  return FALSE;
}

/* Opens the person's file and sees that it is a database at all. */
static gboolean
look_at_file (EspWorkingCopy *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  guint8 header[100] = { 0 };
  ssize_t n;

  self->fd = open (self->place->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (self->fd < 0)
    return fail_open (self, ESP_DOCUMENT_ERROR_OPEN, g_strerror (errno), error);
  n = pread (self->fd, header, sizeof header, 0);
  if (n < 0)
    return fail_open (self, ESP_DOCUMENT_ERROR_OPEN, g_strerror (errno), error);
  if (n < (ssize_t) sizeof header || memcmp (header, MAGIC, sizeof MAGIC) != 0)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
                   n == 0 ? _ ("“%s” is empty") : _ ("“%s” is not an Espalier document"),
                   self->place->name);
      return FALSE;
    }
  if (!_esp_file_identity_read_fd (self->fd, &self->state.published, &local))
    return fail_open (self, ESP_DOCUMENT_ERROR_OPEN, local->message, error);
  return TRUE;
}

/* Someone else's SQLite may have left a log or journal beside the file, without which the file is
 * not the whole truth. */
static char *
dup_side_file (const char *file, const char *suffix)
{
  g_autofree char *path = g_strconcat (file, suffix, NULL);
  struct stat status;

  if (stat (path, &status) == 0 && S_ISREG (status.st_mode) && status.st_size > 0)
    return g_steal_pointer (&path);
  return NULL;
}

static gboolean
has_log (const char *database)
{
  g_autofree char *log = dup_side_file (database, "-wal");
  g_autofree char *journal = dup_side_file (database, "-journal");

  return log != NULL || journal != NULL;
}

/* Which of the files that we know of is the one at the path? Settles `state` accordingly. */
static void
settle_state (EspWorkingCopy *self)
{
  EspWorkingState *state = &self->state;

  /* Before `published` changes: the one that was exchanged may be at the other name still. */
  _esp_working_state_drop_temporary (state);
  if (state->has_pending && self->place->path != NULL
      && _esp_file_identity_is_at (&state->pending, self->place->path))
    state->published = state->pending;
  else if (state->direct && self->place->path != NULL)
    {
      /* The process ended while it wrote into the file. Its beginning is written last. */
      EspFileIdentity now;

      if (_esp_file_identity_read (self->place->path, &now, NULL)
          && now.inode == state->published.inode && now.device == state->published.device)
        state->published = now;
      g_clear_pointer (&state->database, g_free);
    }
  state->has_pending = state->direct = FALSE;
}

/* Did a new document's database not even get its tables? */
static gboolean
is_unfinished (const char *database)
{
  g_autofree char *journal = g_strconcat (database, "-journal", NULL);
  struct stat status;

  return (stat (journal, &status) == 0 && status.st_size > 0)
         || (stat (database, &status) == 0 && status.st_size == 0);
}

/* A crash left a working database. */
static void
recover (EspWorkingCopy *self)
{
  const gboolean known = _esp_working_folder_load_state (self->place, &self->state);
  g_autofree char *now = _esp_working_folder_describe_database (self->place);
  g_autofree char *part = NULL;

  if (known && !self->state.published.exists && is_unfinished (self->place->database))
    {
      _esp_working_folder_clear (self->place);
      _esp_working_state_clear (&self->state);
      return;
    }
  if (known && self->state.database != NULL && self->state.database[0] != '\0'
      && strcmp (self->state.database, now) == 0)
    {
      /* All of it is in the person's file, so that counts, whatever it is now. */
      settle_state (self);
      _esp_working_folder_clear (self->place);
      _esp_working_state_clear (&self->state);
      return;
    }
  if (known && self->state.published.exists && _esp_working_folder_is_view_only (self->place))
    {
      /* What views remembered is no reason to ask the person anything. */
      settle_state (self);
      _esp_working_folder_clear (self->place);
      _esp_working_state_clear (&self->state);
      return;
    }
  settle_state (self);
  part = g_build_filename (self->place->folder, "publish.part", NULL);
  g_unlink (part);
  self->prepared = self->recovered = TRUE;
  g_info ("%s: taken up from where it was left", self->place->name);
}

static void
take (EspWorkingCopy *self, EspDocumentOpenFlags flags)
{
  g_autoptr (GError) local = NULL;

  if ((flags & ESP_DOCUMENT_OPEN_READ_ONLY) != 0)
    {
      self->access = ESP_DOCUMENT_NO_PERMISSION;
      /* Those who only look are in nobody's way, but for what a crash left. */
      if (!self->place->in_library && _esp_working_folder_has_database (self->place)
          && _esp_working_folder_lock (self->place, NULL, NULL))
        recover (self);
      return;
    }
  if (_esp_working_folder_lock (self->place, &self->holder, &local))
    {
      if (!self->place->in_library && _esp_working_folder_has_database (self->place))
        recover (self);
      else if (_esp_working_folder_is_view_only (self->place)) /* of a database that is gone */
        _esp_working_folder_set_view_only (self->place, FALSE, NULL);
    }
  else if (local == NULL)
    self->access = ESP_DOCUMENT_IN_USE;
  else
    {
      /* A full disk or so: one may look, at least. */
      g_warning ("%s: %s", self->place->name, local->message);
      self->access = ESP_DOCUMENT_NO_PERMISSION;
    }
}

/* Files that only GIO reaches are fetched whole. */
static gboolean
fetch (EspWorkingCopy *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *part = NULL;
  g_autoptr (GFile) target = NULL;
  g_autoptr (GError) local = NULL;
  int fd;
  gboolean ok;

  /* Those who only look are in nobody's way, and nobody is in theirs. */
  if (self->place->lock < 0 && !_esp_working_folder_step_aside (self->place, error))
    return FALSE;
  part = g_strconcat (self->place->database, ".part", NULL);
  target = g_file_new_for_path (part);
  if (!_esp_file_identity_read_remote (self->place->file, &self->state.published, cancellable,
                                       &local)
      || !g_file_copy (self->place->file, target,
                       G_FILE_COPY_OVERWRITE | G_FILE_COPY_TARGET_DEFAULT_PERMS
                           | G_FILE_COPY_NO_FALLBACK_FOR_MOVE,
                       cancellable, NULL, NULL, &local))
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      return fail_open (self, ESP_DOCUMENT_ERROR_OPEN, local->message, error);
    }
  fd = open (part, O_RDWR | O_CLOEXEC);
  ok = fd >= 0 && _esp_snapshot_stamp (fd, TRUE, &local) && _esp_file_sync (fd, &local);
  if (fd >= 0)
    close (fd);
  if (!ok || g_rename (part, self->place->database) != 0)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
                   _ ("“%s” is not an Espalier document"), self->place->name);
      g_unlink (part);
      return FALSE;
    }
  self->prepared = TRUE;
  return _esp_working_copy_note_published (self, error);
}

static gboolean
create_new (EspWorkingCopy *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  int fd;

  if (self->access != ESP_DOCUMENT_WRITABLE)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                   _ ("“%s” is open in another process"), self->place->name);
      return FALSE;
    }
  if (self->place->in_library)
    {
      self->draft = g_build_filename (self->place->folder, ESP_WORKING_DRAFT, NULL);
      return TRUE;
    }
  self->prepared = TRUE;
  if (!_esp_working_folder_save_state (self->place, &self->state, error))
    return FALSE;
  fd = open (self->place->database, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                   _ ("“%s” cannot be stored (%s)"), self->place->name, g_strerror (errno));
      return FALSE;
    }
  close (fd);
  return TRUE;
}

/* For a library that is on another file system than the working folder. */
static gboolean
copy_draft (EspWorkingCopy *self, GError **error)
{
  const EspFileIdentity nothing = { .exists = FALSE };
  const int from = open (self->draft, O_RDONLY | O_CLOEXEC);
  g_autofree char *temporary = NULL;
  struct stat status;
  gboolean ok = FALSE;
  int to = -1;

  if (from < 0 || fstat (from, &status) != 0)
    g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                         g_strerror (errno));
  else
    to = _esp_file_make_beside (self->place->path, &temporary, error);
  if (to >= 0)
    {
      ok = _esp_file_copy (from, to, (gint64) status.st_size, NULL, error)
           && _esp_file_sync (to, error);
      close (to);
      ok = ok && _esp_file_put_in_place (temporary, self->place->path, &nothing, error);
      if (!ok)
        g_unlink (temporary);
    }
  if (from >= 0)
    close (from);
  return ok;
}

gboolean
esp_working_copy_place (EspWorkingCopy *self, GError **error)
{
  const EspFileIdentity nothing = { .exists = FALSE };
  GError *local = NULL;
  gboolean ok;

  g_return_val_if_fail (self != NULL, FALSE);

  if (self->draft == NULL)
    return TRUE;
  if (has_log (self->draft))
    {
      /* Only the file is put in place: what is in there would be lost, and the file be damaged. */
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                   _ ("“%s” cannot be stored (%s)"), self->place->name, "its log is not empty");
      return FALSE;
    }
  /* A file that was deleted in a file manager may have left some. */
  if (!g_file_test (self->place->path, G_FILE_TEST_EXISTS))
    _esp_snapshot_drop_logs (self->place->path);
  ok = _esp_file_put_in_place (self->draft, self->place->path, &nothing, &local);
  if (!ok && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG))
    {
      g_clear_error (&local);
      ok = copy_draft (self, &local);
    }
  if (!ok)
    return _esp_working_copy_fail (self, local, error);
  _esp_file_sync_folder (self->place->path);
  _esp_working_folder_clear (self->place);
  g_clear_pointer (&self->draft, g_free);
  return _esp_working_copy_look_in_place (self, error);
}

/* Remembers which file the name of a library document means. */
gboolean
_esp_working_copy_look_in_place (EspWorkingCopy *self, GError **error)
{
  struct stat status;

  if (stat (self->place->path, &status) != 0)
    return fail_open (self, ESP_DOCUMENT_ERROR_OPEN, g_strerror (errno), error);
  self->state.published.exists = TRUE;
  self->state.published.device = (guint64) status.st_dev;
  self->state.published.inode = (guint64) status.st_ino;
  return TRUE;
}

static gboolean
open_existing (EspWorkingCopy *self, gboolean exists, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (self->place->path == NULL)
    return self->prepared || fetch (self, cancellable, error);
  if (!exists && !self->prepared)
    return fail_open (self, ESP_DOCUMENT_ERROR_OPEN, g_strerror (ENOENT), error);
  if (exists && access (self->place->path, W_OK) != 0 && self->access == ESP_DOCUMENT_WRITABLE)
    self->access = ESP_DOCUMENT_NO_PERMISSION;
  if (self->prepared)
    return TRUE;
  if (self->place->in_library)
    {
      /* With a lock of our own nobody here has it open, and a look does not drop their locks. */
      if (self->place->lock >= 0 && !look_at_file (self, error))
        return FALSE;
      if (self->fd >= 0)
        close (self->fd);
      self->fd = -1;
      return _esp_working_copy_look_in_place (self, error);
    }
  if (!look_at_file (self, error))
    return FALSE;
  if (self->place->lock >= 0 && has_log (self->place->path))
    return esp_working_copy_prepare (self, error);
  return TRUE;
}

EspWorkingCopy *
esp_working_copy_open (GFile *file, gboolean create, EspDocumentOpenFlags flags,
                       GCancellable *cancellable, GError **error)
{
  g_autoptr (EspWorkingCopy) self = NULL;
  gboolean exists, ok;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  self = g_new0 (EspWorkingCopy, 1);
  g_mutex_init (&self->mutex);
  self->fd = -1;
  self->access = ESP_DOCUMENT_WRITABLE;
  self->place = _esp_working_folder_new (file, error);
  if (self->place == NULL)
    return NULL;
  exists = self->place->path != NULL ? g_file_test (self->place->path, G_FILE_TEST_EXISTS)
                                     : g_file_query_exists (file, cancellable);
  if (create && exists)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN, _ ("“%s” is there already"),
                   self->place->name);
      return NULL;
    }
  take (self, flags);
  if (self->place->lock >= 0 && self->place->in_library)
    _esp_working_folder_clear (self->place); /* a draft that a crash left */
  if (create && !self->prepared)
    ok = create_new (self, error);
  else
    ok = open_existing (self, exists, cancellable, error);
  if (!ok)
    {
      self->failed = TRUE;
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* --- Closing ---------------------------------------------------------------------------------- */

/* The last connection moves what is in the log into the library's file and removes the log, if it
 * may write, which readers may not: a document in the library is one file when nobody has it open.
 */
static void
fold_log (EspWorkingCopy *self)
{
  g_autofree char *log = g_strconcat (self->place->path, "-wal", NULL);
  g_autoptr (GError) error = NULL;

  if (self->source == NULL && g_file_test (log, G_FILE_TEST_EXISTS)
      && !_esp_working_copy_open_source (self, &error))
    g_debug ("%s: %s", self->place->name, error->message);
  if (self->source != NULL && !_esp_snapshot_source_settle (self->source, &error))
    g_debug ("%s: %s", self->place->name, error->message);
}

void
esp_working_copy_free (EspWorkingCopy *self)
{
  if (self == NULL)
    return;
  _esp_working_copy_end_ahead (self, FALSE);
  if (self->draft != NULL)
    _esp_working_folder_clear (self->place);
  else if (self->place != NULL && self->place->lock >= 0 && self->place->in_library
           && !self->failed)
    fold_log (self);
  if (self->place != NULL && self->place->lock >= 0 && !self->place->in_library)
    {
      /* What could not even be opened is as it was, but for what was only just begun. */
      const gboolean keep = self->prepared && !(self->failed && !self->recovered)
                            && !self->view_only && esp_working_copy_is_dirty (self);

      g_clear_pointer (&self->source, _esp_snapshot_source_free);
      if (!keep)
        _esp_working_folder_clear (self->place);
    }
  if (self->source != NULL && self->place != NULL && self->place->in_library)
    {
      g_clear_pointer (&self->source, _esp_snapshot_source_free);
      _esp_working_copy_drop_empty_log (self);
    }
  g_clear_pointer (&self->source, _esp_snapshot_source_free);
  if (self->fd >= 0)
    close (self->fd);
  _esp_working_state_clear (&self->state);
  g_free (self->draft);
  g_clear_pointer (&self->place, _esp_working_folder_free);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

void
esp_working_copy_clean (void)
{
  _esp_working_folder_clean ();
}

/* --- Getters ---------------------------------------------------------------------------------- */

EspDocumentAccess
esp_working_copy_get_access (EspWorkingCopy *self)
{
  return self->access;
}

GPid
esp_working_copy_get_holder (EspWorkingCopy *self)
{
  return self->access == ESP_DOCUMENT_IN_USE ? self->holder : 0;
}

GFile *
esp_working_copy_get_file (EspWorkingCopy *self)
{
  return self->place->file;
}

const char *
esp_working_copy_get_name (EspWorkingCopy *self)
{
  return self->place->name;
}

gboolean
esp_working_copy_is_in_place (EspWorkingCopy *self)
{
  return self->place->in_library;
}

gboolean
esp_working_copy_is_recovered (EspWorkingCopy *self)
{
  return self->recovered;
}

const char *
esp_working_copy_get_path (EspWorkingCopy *self)
{
  if (self->draft != NULL)
    return self->draft;
  return self->prepared ? self->place->database : self->place->path;
}

gboolean
esp_working_copy_is_immutable (EspWorkingCopy *self)
{
  return !self->prepared && !self->place->in_library;
}

gint64
esp_working_copy_get_size (EspWorkingCopy *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return self->state.published.exists ? self->state.published.size : 0;
}

gint64
esp_working_copy_get_publish_time (EspWorkingCopy *self)
{
  return self->publish_time;
}

gboolean
esp_working_copy_is_file_changed (EspWorkingCopy *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  struct stat status;

  if (self->place->path == NULL)
    return FALSE; /* noticed when it is published: asking may take seconds */
  if (self->place->in_library)
    return stat (self->place->path, &status) != 0
           || (guint64) status.st_ino != self->state.published.inode
           || (guint64) status.st_dev != self->state.published.device;
  return !_esp_file_identity_is_at (&self->state.published, self->place->path)
         || _esp_working_copy_has_strange_log (self);
}

/* --- The working database --------------------------------------------------------------------- */

/* `to` is there already or < 0; it is closed. */
static gboolean
copy_to_part (int from, gint64 size, int to, const char *part, gboolean stamp, GError **error)
{
  const gboolean is_copy = to >= 0;
  gboolean ok;

  if (!is_copy)
    to = open (part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  if (to < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                           g_strerror (errno));
      return FALSE;
    }
  ok = (is_copy || _esp_file_copy (from, to, size, NULL, error))
       && (!stamp || _esp_snapshot_stamp (to, TRUE, error)) && _esp_file_sync (to, error);
  close (to);
  return ok;
}

/* Which in EspWorkingCopy.logs. */
static const char *const log_suffixes[] = { "-wal", "-journal" };

gboolean
_esp_working_copy_has_strange_log (EspWorkingCopy *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (log_suffixes); i++)
    {
      g_autofree char *path = dup_side_file (self->place->path, log_suffixes[i]);

      if (path != NULL && !_esp_file_identity_is_at (&self->logs[i], path))
        return TRUE;
    }
  return FALSE;
}

static gboolean
copy_log (EspWorkingCopy *self, guint i, GError **error)
{
  g_autofree char *path = dup_side_file (self->place->path, log_suffixes[i]);
  g_autofree char *target = g_strconcat (self->place->database, log_suffixes[i], NULL);
  struct stat status;
  gboolean ok;
  int fd;

  g_unlink (target);
  if (path == NULL)
    return TRUE;
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &status) != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                           g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  ok = _esp_file_identity_read_fd (fd, &self->logs[i], error)
       && copy_to_part (fd, (gint64) status.st_size, -1, target, FALSE, error);
  close (fd);
  return ok;
}

gboolean
_esp_working_copy_note_published (EspWorkingCopy *self, GError **error)
{
  g_free (self->state.database);
  self->state.database = _esp_working_folder_describe_database (self->place);
  self->state.has_pending = self->state.direct = FALSE;
  g_clear_pointer (&self->state.temporary, g_free);
  return _esp_working_folder_save_state (self->place, &self->state, error);
}

/* Connections are made by name: none may be made to a file that someone else has put there. The one
 * to publish from is made now, for it must be to this file whatever is there later. */
static gboolean
prepare_in_place (EspWorkingCopy *self, GError **error)
{
  GError *local = NULL;

  if (self->draft != NULL || self->source != NULL)
    return TRUE;
  if (!_esp_working_copy_is_ours (self))
    return _esp_working_copy_fail_replaced (self, error);
  return _esp_working_copy_open_source (self, &local)
         || _esp_working_copy_fail (self, local, error);
}

gboolean
esp_working_copy_prepare (EspWorkingCopy *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  g_autofree char *part = NULL;
  GError *local = NULL;
  EspFileIdentity now;
  gboolean ok, side_files;

  g_return_val_if_fail (self != NULL, FALSE);

  locker = g_mutex_locker_new (&self->mutex); /* NOLINT(clang-analyzer-deadcode.DeadStores) */
  if (self->place->in_library)
    return prepare_in_place (self, error);
  if (self->prepared)
    return TRUE;
  if (self->access == ESP_DOCUMENT_IN_USE || self->place->lock < 0)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY,
                   _ ("“%s” cannot be changed"), self->place->name);
      return FALSE;
    }
  part = g_strconcat (self->place->database, ".part", NULL);
  side_files = has_log (self->place->path);
  ok = copy_to_part (self->fd, self->state.published.size, _esp_working_copy_end_ahead (self, TRUE),
                     part, !side_files, &local);
  if (ok && _esp_file_identity_read_fd (self->fd, &now, &local)
      && !_esp_file_identity_equal (&now, &self->state.published))
    {
      /* Written into while we read it: what was shown so far is not what this copy holds. */
      g_set_error_literal (&local, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG, "");
      ok = FALSE;
    }
  ok = ok && copy_log (self, 0, &local) && copy_log (self, 1, &local);
  /* The state is there before the database: one without the other means no more than it says. */
  g_clear_pointer (&self->state.database, g_free);
  if (ok && !_esp_working_folder_save_state (self->place, &self->state, &local))
    ok = FALSE;
  if (ok && g_rename (part, self->place->database) != 0)
    {
      g_set_error_literal (&local, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                           g_strerror (errno));
      ok = FALSE;
    }
  if (!ok)
    {
      _esp_working_folder_clear (self->place);
      return _esp_working_copy_fail (self, local, error);
    }
  _esp_file_sync_folder (part);
  self->prepared = TRUE;
  close (self->fd);
  self->fd = -1;
  if (side_files) /* there may be more in it than in the file */
    self->recovered = TRUE;
  else if (!_esp_working_copy_note_published (self, &local))
    g_clear_error (&local); /* it counts as unsaved then, which does no harm */
  return TRUE;
}

/* With the mutex. */
gboolean
_esp_working_copy_open_source (EspWorkingCopy *self, GError **error)
{
  if (self->source == NULL)
    {
      self->source = _esp_snapshot_source_new (esp_working_copy_get_path (self), error);
      self->published_version = -1;
    }
  return self->source != NULL;
}

gboolean
esp_working_copy_set_edited (EspWorkingCopy *self, gboolean edited, GError **error)
{
  GError *local = NULL;

  g_return_val_if_fail (self != NULL, FALSE);

  if (self->view_only == !edited || !self->prepared || self->place->in_library)
    return TRUE;
  if (!_esp_working_folder_set_view_only (self->place, !edited, &local) && edited)
    return _esp_working_copy_fail (self, local, error);
  g_clear_error (&local); /* only after a crash does it count as edited then */
  self->view_only = !edited;
  return TRUE;
}

gboolean
esp_working_copy_is_dirty (EspWorkingCopy *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_autofree char *now = NULL;

  if (!self->prepared || self->place->in_library)
    return FALSE;
  if (self->source != NULL && self->published_version >= 0)
    return _esp_snapshot_source_get_version (self->source) != self->published_version;
  now = _esp_working_folder_describe_database (self->place);
  return self->state.database == NULL || self->state.database[0] == '\0'
         || strcmp (self->state.database, now) != 0;
}
