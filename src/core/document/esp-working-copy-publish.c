/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-working-copy-publish.c: brings the person's file up to date.
 *
 * The order: write a temporary file beside the person's and flush it; write down what it is; put it
 * in the person's file's place; flush the folder; write down that this is done. A crash between any
 * two of these leaves the old or the new file, and the next process knows either for ours. */
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

/* --- The state as one file -------------------------------------------------------------------- */

/* Writes all that is stored to `to`, which is at `path`. */
static gboolean
write_snapshot (EspWorkingCopy *self, int to, const char *path, gint64 *version, GError **error)
{
  EspFileIdentity now;

  *version = -1;
  if (self->prepared || self->place->in_library)
    return _esp_working_copy_open_source (self, error)
           && _esp_snapshot_write (self->source, to, path, version, error);

  /* Nothing was changed: the person's file is the state. */
  if (!_esp_file_identity_read_fd (self->fd, &now, error))
    return FALSE;
  if (self->state.published.exists && !_esp_file_identity_equal (&now, &self->state.published))
    {
      /* Written into since: it is not the state any more, and there is no other. */
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG, "");
      return FALSE;
    }
  return _esp_file_copy (self->fd, to, now.size, NULL, error)
         && _esp_snapshot_stamp (to, FALSE, error) && _esp_file_sync (to, error);
}

/* --- Putting it in place ---------------------------------------------------------------------- */

/* Where it is to go. For esp_working_copy_publish () these are the working copy's own. */
typedef struct
{
  EspWorkingFolder *place;
  EspWorkingState *state;
  const EspFileIdentity *expected; /* NULL: whatever is there */
  gint64 version;
} Target;

/* A log that another program left beside the person's file: SQLite would apply it to ours. What it
 * holds was taken along when the document was opened, or the person is asked. */
static gboolean
drop_logs (EspWorkingCopy *self, Target *target, GError **error)
{
  const char *path = target->place->path;

  if (target->expected != NULL
      && (_esp_working_copy_has_strange_log (self)
          || !_esp_file_identity_is_at (target->expected, path)))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG, "");
      return FALSE;
    }
  if (_esp_snapshot_drop_logs (path))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, g_strerror (EACCES));
  return FALSE;
}

/* The name is written down before there is such a file: a crash that leaves gigabytes beside the
 * person's file leaves word of them, too. */
static int
make_temporary (Target *target, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (target->place->path);
  int fd = -1, code = EEXIST;

  for (int attempt = 0; fd < 0 && code == EEXIST && attempt < 100; attempt++)
    {
      g_autofree char *name
          = g_strdup_printf (".espalier-%08x%08x", g_random_int (), g_random_int ());

      g_free (target->state->temporary);
      target->state->temporary = g_build_filename (folder, name, NULL);
      target->state->has_pending = FALSE;
      if (!_esp_working_folder_save_state (target->place, target->state, error))
        return -1;
      fd = open (target->state->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                 0600);
      code = errno;
    }
  if (fd < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                           g_strerror (code));
      g_clear_pointer (&target->state->temporary, g_free);
    }
  return fd;
}

static gboolean
put_beside (EspWorkingCopy *self, Target *target, gboolean *tried, GError **error)
{
  EspWorkingState *state = target->state;
  const char *path = target->place->path;
  g_autoptr (GError) local = NULL;
  gboolean ok;
  int fd;

  fd = make_temporary (target, &local);
  /* A folder that is closed to us need not mean that the file is. */
  *tried = fd >= 0
           || (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)
               && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_READ_ONLY)
               && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED));
  if (fd < 0)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  ok = write_snapshot (self, fd, state->temporary, &target->version, error);
  if (ok)
    {
      _esp_file_copy_manners (fd, path);
      ok = _esp_file_sync (fd, error) && _esp_file_identity_read_fd (fd, &state->pending, error);
    }
  close (fd);
  state->has_pending = ok;
  ok = ok && _esp_working_folder_save_state (target->place, state, error)
       && drop_logs (self, target, error)
       && _esp_file_put_in_place (state->temporary, path, target->expected, error);
  if (!ok)
    {
      /* What was exchanged and could not be put back is someone else's. */
      if (!state->has_pending || _esp_file_identity_is_at (&state->pending, state->temporary)
          || target->expected == NULL)
        g_unlink (state->temporary);
      return FALSE;
    }
  _esp_file_sync_folder (path);
  return TRUE;
}

/* For a file that may be written in a folder that may not. */
static gboolean
write_over (EspWorkingCopy *self, Target *target, GError **error)
{
  EspWorkingState *state = target->state;
  g_autofree char *part = g_build_filename (target->place->folder, "publish.part", NULL);
  const int fd = open (part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  gboolean ok;

  if (fd < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                           g_strerror (errno));
      return FALSE;
    }
  ok = write_snapshot (self, fd, part, &target->version, error)
       && _esp_file_identity_read_fd (fd, &state->pending, error);
  ok = ok && drop_logs (self, target, error);
  if (ok)
    {
      state->has_pending = state->direct = TRUE;
      ok = _esp_working_folder_save_state (target->place, state, error)
           && _esp_file_write_over (fd, target->place->path, state->pending.size, error)
           && _esp_file_identity_read (target->place->path, &state->pending, error);
    }
  if (!ok && state->direct)
    {
      /* The file may be half written: it is ours to mend. */
      EspFileIdentity now;

      if (_esp_file_identity_read (target->place->path, &now, NULL))
        state->published = now;
    }
  close (fd);
  g_unlink (part);
  return ok;
}

static gboolean
send (EspWorkingCopy *self, Target *target, GError **error)
{
  g_autofree char *part = g_build_filename (target->place->folder, "publish.part", NULL);
  const int fd = open (part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  g_autoptr (GFile) file = g_file_new_for_path (part);
  g_autoptr (GFileInputStream) input = NULL;
  g_autoptr (GFileOutputStream) output = NULL;
  EspFileIdentity now;
  gboolean ok;

  if (fd < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                           g_strerror (errno));
      return FALSE;
    }
  ok = write_snapshot (self, fd, part, &target->version, error);
  close (fd);
  if (ok && target->expected != NULL)
    {
      ok = _esp_file_identity_read_remote (target->place->file, &now, NULL, error);
      if (ok && !_esp_file_identity_equal (&now, target->expected))
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG, "");
          ok = FALSE;
        }
    }
  if (ok)
    input = g_file_read (file, NULL, error);
  if (input != NULL)
    output = g_file_replace (target->place->file, NULL, FALSE, G_FILE_CREATE_NONE, NULL, error);
  ok = output != NULL
       && g_output_stream_splice (G_OUTPUT_STREAM (output), G_INPUT_STREAM (input),
                                  G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE
                                      | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                  NULL, error)
              >= 0
       && _esp_file_identity_read_remote (target->place->file, &target->state->pending, NULL,
                                          error);
  g_unlink (part);
  return ok;
}

static gboolean
put (EspWorkingCopy *self, Target *target, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean ok, tried = TRUE;

  if (target->place->path == NULL)
    ok = send (self, target, &local);
  else
    {
      ok = put_beside (self, target, &tried, &local);
      if (!ok && !tried)
        {
          g_debug ("%s: written over (%s)", target->place->path, local->message);
          g_clear_error (&local);
          ok = write_over (self, target, &local);
        }
    }
  if (ok)
    target->state->published = target->state->pending;
  target->state->has_pending = target->state->direct = FALSE;
  g_clear_pointer (&target->state->temporary, g_free);
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&local));
  return ok;
}

gboolean
_esp_working_copy_is_ours (EspWorkingCopy *self)
{
  struct stat status;

  return stat (self->place->path, &status) == 0
         && (guint64) status.st_ino == self->state.published.inode
         && (guint64) status.st_dev == self->state.published.device;
}

gboolean
_esp_working_copy_fail_replaced (EspWorkingCopy *self, GError **error)
{
  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT,
               _ ("“%s” was moved, deleted or replaced by another program"), self->place->name);
  return FALSE;
}

void
_esp_working_copy_drop_empty_log (EspWorkingCopy *self)
{
  g_autofree char *log = g_strconcat (self->place->path, "-wal", NULL);
  struct stat status;

  if (!_esp_working_copy_is_ours (self) && stat (log, &status) == 0 && status.st_size == 0)
    _esp_snapshot_drop_logs (self->place->path);
}

static gboolean
publish_in_place (EspWorkingCopy *self, GError **error)
{
  GError *local = NULL;

  if (!_esp_working_copy_is_ours (self))
    return _esp_working_copy_fail_replaced (self, error);
  if (_esp_working_copy_open_source (self, &local)
      && _esp_snapshot_source_settle (self->source, &local))
    return TRUE;
  return _esp_working_copy_fail (self, local, error);
}

gboolean
esp_working_copy_publish (EspWorkingCopy *self, gboolean overwrite, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  const gint64 begin = g_get_monotonic_time ();
  GError *local = NULL;
  EspFileIdentity expected;
  Target target;
  gboolean ok;

  g_return_val_if_fail (self != NULL, FALSE);

  locker = g_mutex_locker_new (&self->mutex); /* NOLINT(clang-analyzer-deadcode.DeadStores) */
  if (self->access != ESP_DOCUMENT_WRITABLE)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY,
                   _ ("“%s” cannot be changed"), self->place->name);
      return FALSE;
    }
  if (self->place->in_library)
    return publish_in_place (self, error);
  if (!self->prepared
      && (!overwrite || _esp_file_identity_is_at (&self->state.published, self->place->path)))
    return TRUE;

  if (!self->prepared) /* written over what it is being made from */
    _esp_working_copy_end_ahead (self, FALSE);
  expected = self->state.published;
  target = (Target){ self->place, &self->state, overwrite ? NULL : &expected, -1 };
  ok = put (self, &target, &local);
  if (ok && !self->prepared)
    {
      /* What was read so far was written over what someone else had put there. */
      close (self->fd);
      self->fd = open (self->place->path, O_RDONLY | O_CLOEXEC);
      _esp_working_folder_clear (self->place);
    }
  else if (ok)
    {
      self->recovered = FALSE;
      self->published_version = target.version;
      /* If this fails the document counts as unsaved after a crash, which does no harm. */
      if (!_esp_working_copy_note_published (self, &local))
        g_clear_error (&local);
    }
  else if (!_esp_working_folder_save_state (self->place, &self->state, NULL))
    g_debug ("%s: the state could not be stored", self->place->name);
  self->publish_time = g_get_monotonic_time () - begin;
  return ok || _esp_working_copy_fail (self, local, error);
}

/* --- Another file ----------------------------------------------------------------------------- */

static gboolean
fail_busy (EspWorkingFolder *place, GError **error)
{
  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
               _ ("“%s” is open in another process"), place->name);
  return FALSE;
}

/* Forgets the old place, all connections to which are closed. */
static void
leave (EspWorkingCopy *self)
{
  _esp_working_copy_end_ahead (self, FALSE);
  g_clear_pointer (&self->source, _esp_snapshot_source_free);
  self->published_version = -1;
  if (self->place->lock >= 0)
    {
      /* What someone else has put there meanwhile is theirs. */
      if (self->place->in_library && self->access == ESP_DOCUMENT_WRITABLE
          && _esp_working_copy_is_ours (self))
        {
          g_autofree char *log = g_strconcat (self->place->path, "-wal", NULL);
          g_autofree char *index = g_strconcat (self->place->path, "-shm", NULL);

          g_unlink (self->place->path);
          g_unlink (log);
          g_unlink (index);
        }
      else if (self->place->in_library)
        _esp_working_copy_drop_empty_log (self);
      else
        _esp_working_folder_clear (self->place);
    }
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* What the new place needs besides the published file: that file, open, or a working database if it
 * is out of SQLite's reach. */
static gboolean
settle_in (EspWorkingCopy *self, EspWorkingFolder *place, int *fd, GError **error)
{
  gint64 version;
  gboolean ok;

  if (place->path != NULL && place->in_library)
    return TRUE;
  *fd = place->path != NULL ? open (place->path, O_RDONLY | O_CLOEXEC)
                            : open (place->database, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (*fd < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno),
                           g_strerror (errno));
      return FALSE;
    }
  if (place->path != NULL)
    return TRUE;
  ok = write_snapshot (self, *fd, place->database, &version, error)
       && _esp_snapshot_stamp (*fd, TRUE, error) && _esp_file_sync (*fd, error);
  close (*fd);
  *fd = -1;
  return ok;
}

/* A crash may have left a log of the document that is replaced. It goes into that document, so that
 * the new one does not get it, and the old one is whole should it have to stay. */
static gboolean
make_way (EspWorkingFolder *place, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (g_file_test (place->path, G_FILE_TEST_EXISTS)
      && !_esp_snapshot_make_whole (place->path, &local)
      && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_INVALID_DATA))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  _esp_snapshot_drop_logs (place->path);
  return TRUE;
}

gboolean
esp_working_copy_move (EspWorkingCopy *self, GFile *file, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  g_autoptr (EspWorkingFolder) place = NULL;
  EspWorkingState state = { 0 };
  GError *local = NULL;
  Target target;
  int fd = -1;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  place = _esp_working_folder_new (file, error);
  if (place == NULL)
    return FALSE;
  if (strcmp (place->folder, self->place->folder) == 0 || g_file_equal (file, self->place->file))
    return self->access != ESP_DOCUMENT_IN_USE ? esp_working_copy_publish (self, TRUE, error)
                                               : fail_busy (place, error);

  locker = g_mutex_locker_new (&self->mutex); /* NOLINT(clang-analyzer-deadcode.DeadStores) */
  if (!_esp_working_folder_lock (place, NULL, &local))
    {
      if (local == NULL)
        return fail_busy (place, error);
      g_propagate_error (error, local);
      return FALSE;
    }
  /* Unsaved work that a crash left for a file that is now replaced. */
  if (!place->in_library)
    _esp_working_folder_clear (place);
  target = (Target){ place, &state, NULL, -1 };
  if ((place->in_library && !make_way (place, &local)) || !put (self, &target, &local)
      || !settle_in (self, place, &fd, &local))
    {
      _esp_working_folder_clear (place);
      _esp_working_state_clear (&state);
      return _esp_working_copy_fail (self, local, error);
    }
  leave (self);
  _esp_working_folder_free (self->place);
  self->place = g_steal_pointer (&place);
  _esp_working_state_clear (&self->state);
  self->state = state;
  self->fd = fd;
  self->access = ESP_DOCUMENT_WRITABLE;
  self->recovered = self->view_only = FALSE;
  self->prepared = self->place->path == NULL;
  if (self->prepared && !_esp_working_copy_note_published (self, &local))
    g_clear_error (&local);
  else if (!self->prepared)
    _esp_working_folder_clear (self->place); /* the state that put () left */
  return TRUE;
}
