/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-file.c: replacing files safely. */
#define G_LOG_DOMAIN "esp-image"
#define _GNU_SOURCE  /* O_TMPFILE */

#include "esp-file-private.h"
#include "esp-picture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINKS 40

typedef struct
{
  const char *name; /* as shown to the user */
  char *target;     /* where the links lead */
  char *folder;     /* of the target */
  char *temporary;  /* a name that exists on the disk and has to go, or NULL */
  int fd;
  gboolean exists;
  struct stat old;
} Replacement;

static gboolean
fail (const Replacement *self, int code, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, _ ("“%s” cannot be written: %s"),
               self->name, g_strerror (code));
  return FALSE;
}

static gboolean
fail_with (const Replacement *self, const char *reason, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, _ ("“%s” cannot be written: %s"),
               self->name, reason);
  return FALSE;
}

/* Follows symbolic links by hand: unlike realpath () this also finds the target of a link that
 * points at a file yet to be made. */
static gboolean
follow_links (Replacement *self, const char *path, GError **error)
{
  self->target = g_strdup (path);
  for (int i = 0; i < MAX_LINKS; i++)
    {
      g_autofree char *link = g_file_read_link (self->target, NULL);
      g_autofree char *folder = NULL;

      if (link == NULL)
        return TRUE;
      folder = g_path_get_dirname (self->target);
      g_free (self->target);
      self->target = g_path_is_absolute (link) ? g_steal_pointer (&link)
                                               : g_build_filename (folder, link, NULL);
    }
  return fail (self, ELOOP, error);
}

static gboolean
examine (Replacement *self, const char *path, GError **error)
{
  const gsize length = strlen (path);

  if (length == 0 || path[length - 1] == '/')
    return fail (self, length == 0 ? ENOENT : EISDIR, error);
  if (!follow_links (self, path, error))
    return FALSE;

  self->folder = g_path_get_dirname (self->target);
  self->exists = stat (self->target, &self->old) == 0;
  if (!self->exists)
    return errno == ENOENT ? TRUE : fail (self, errno, error);
  if (S_ISDIR (self->old.st_mode))
    return fail_with (self, _ ("it is a folder"), error);
  if (!S_ISREG (self->old.st_mode) && !S_ISCHR (self->old.st_mode))
    return fail_with (self, _ ("it is not a regular file"), error);
  if (faccessat (AT_FDCWD, self->target, W_OK, AT_EACCESS) != 0)
    return fail (self, errno, error);
  return TRUE;
}

static char *
temporary_name (const Replacement *self)
{
  return g_strdup_printf ("%s/.espalier-%08x%08x.tmp", self->folder, g_random_int (),
                          g_random_int ());
}

static void
open_named (Replacement *self)
{
  for (int i = 0; i < 100 && self->fd < 0; i++)
    {
      g_autofree char *temporary = temporary_name (self);

      self->fd = open (temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
      if (self->fd >= 0)
        self->temporary = g_steal_pointer (&temporary);
      else if (errno != EEXIST)
        return;
    }
}

static gboolean
open_target (Replacement *self, EspReplaceFlags flags, GError **error)
{
  if (self->exists && S_ISCHR (self->old.st_mode))
    self->fd = open (self->target, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  else if (flags & ESP_REPLACE_NAMED)
    open_named (self);
  else
    {
      self->fd = open (self->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
      /* EISDIR and EINVAL come from kernels and file systems that do not know O_TMPFILE. */
      if (self->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        open_named (self);
    }
  return self->fd >= 0 ? TRUE : fail (self, errno, error);
}

/* write () until all is out; returns 0 or an errno value. */
static int
write_piece (int fd, const EspPiece *piece, GCancellable *cancellable)
{
  const char *data = piece->data;
  gsize left = piece->size;

  while (left > 0)
    {
      const ssize_t n = write (fd, data, MIN (left, (gsize) 4 << 20));

      if (g_cancellable_is_cancelled (cancellable))
        return ECANCELED;
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return n == 0 ? ENOSPC : errno;
      data += n;
      left -= (gsize) n;
    }
  return 0;
}

/* A file size limit makes write () raise SIGXFSZ, which would end the program; with the signal
 * blocked write () says EFBIG, and the signal that is left pending is taken back. */
static int
write_pieces (int fd, const EspPiece *pieces, guint n_pieces, GCancellable *cancellable)
{
  const struct timespec now = { 0, 0 };
  sigset_t limit, old;
  int code = 0;

  sigemptyset (&limit);
  sigaddset (&limit, SIGXFSZ);
  pthread_sigmask (SIG_BLOCK, &limit, &old);
  for (guint i = 0; i < n_pieces && code == 0; i++)
    code = write_piece (fd, &pieces[i], cancellable);
  if (code == EFBIG && !sigismember (&old, SIGXFSZ))
    sigtimedwait (&limit, NULL, &now);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  return code;
}

/* Gives the finished file its name. linkat () cannot replace a file, so where there is one the new
 * file first gets a temporary name and is renamed in the next call. */
static gboolean
put_in_place (Replacement *self, GError **error)
{
  if (self->temporary == NULL)
    {
      g_autofree char *self_link = g_strdup_printf ("/proc/self/fd/%d", self->fd);
      int result = linkat (AT_FDCWD, self_link, AT_FDCWD, self->target, AT_SYMLINK_FOLLOW);

      if (result == 0)
        return TRUE;
      for (int i = 0; i < 100 && result != 0 && errno == EEXIST; i++)
        {
          g_autofree char *temporary = temporary_name (self);
          result = linkat (AT_FDCWD, self_link, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW);
          if (result == 0)
            self->temporary = g_steal_pointer (&temporary);
        }
      if (result != 0)
        return fail (self, errno, error);
    }
  if (rename (self->temporary, self->target) != 0)
    return fail (self, errno, error);
  g_clear_pointer (&self->temporary, g_free);
  return TRUE;
}

static void
sync_folder (const Replacement *self)
{
  const int fd = open (self->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  /* The new name reaches the disk sooner this way; where it cannot be done nothing is lost now. */
  if (fd >= 0)
    {
      (void) fsync (fd);
      close (fd);
    }
}

static gboolean
write_and_place (Replacement *self, const EspPiece *pieces, guint n_pieces, EspReplaceFlags flags,
                 GCancellable *cancellable, GError **error)
{
  int code;

  if (!open_target (self, flags, error))
    return FALSE;
  code = write_pieces (self->fd, pieces, n_pieces, cancellable);
  if (code == ECANCELED)
    return !g_cancellable_set_error_if_cancelled (cancellable, error);
  if (code != 0)
    return fail (self, code, error);
  if (self->exists && S_ISCHR (self->old.st_mode))
    return TRUE;

  if (self->exists)
    {
      /* The owner first: changing it clears set-id bits. Only root may give files away. */
      if (fchown (self->fd, self->old.st_uid, self->old.st_gid) != 0)
        g_debug ("%s: owner not kept: %s", self->name, g_strerror (errno));
      if (fchmod (self->fd, self->old.st_mode & 07777) != 0)
        return fail (self, errno, error);
    }
  if (!(flags & ESP_REPLACE_NO_SYNC) && fsync (self->fd) != 0)
    return fail (self, errno, error);
  if (!put_in_place (self, error))
    return FALSE;
  if (!(flags & ESP_REPLACE_NO_SYNC))
    sync_folder (self);
  return TRUE;
}

gboolean
_esp_file_replace (const char *path, const EspPiece *pieces, guint n_pieces, EspReplaceFlags flags,
                   GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  Replacement self = { .name = name, .fd = -1 };
  gboolean ok = examine (&self, path, error)
                && write_and_place (&self, pieces, n_pieces, flags, cancellable, error);

  if (self.temporary != NULL)
    unlink (self.temporary);
  if (self.fd >= 0)
    close (self.fd);
  g_free (self.temporary);
  g_free (self.folder);
  g_free (self.target);
  return ok;
}
