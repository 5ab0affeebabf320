/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-file-copy.c: whole files, copied fast and put in place safely. */
#define G_LOG_DOMAIN "esp-document"
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* copy_file_range (), renameat2 (), fallocate () */
#endif

#include "esp-file-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK     (1 << 20)
#define BEGINNING 4096

static gboolean
fail (GError **error, int code)
{
  g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (code), g_strerror (code));
  return FALSE;
}

gboolean
_esp_file_write (int fd, const void *data, gsize length, gint64 offset, GError **error)
{
  const guint8 *bytes = data;

  while (length > 0)
    {
      const ssize_t n = pwrite (fd, bytes, length, (off_t) offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return fail (error, n < 0 ? errno : ENOSPC);
      bytes += n;
      offset += n;
      length -= (gsize) n;
    }
  return TRUE;
}

gboolean
_esp_file_copy_range (int from, int to, gint64 begin, gint64 end, GCancellable *cancellable,
                      GError **error)
{
  g_autofree guint8 *buffer = NULL;
  gboolean in_kernel = TRUE;

  while (begin < end)
    {
      off_t from_offset = (off_t) begin, to_offset = (off_t) begin;
      const gsize length = (gsize) MIN (end - begin, in_kernel ? 64 * CHUNK : CHUNK);
      ssize_t n;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (in_kernel)
        {
          n = copy_file_range (from, &from_offset, to, &to_offset, length, 0);
          if (n > 0)
            begin += n;
          else if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
            return fail (error, errno);
          else if (n == 0 || errno != EINTR)
            in_kernel = FALSE;
          continue;
        }
      if (buffer == NULL)
        buffer = g_malloc (CHUNK);
      n = pread (from, buffer, length, from_offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0) /* shorter than it was: someone is cutting it */
        return fail (error, n < 0 ? errno : EIO);
      if (!_esp_file_write (to, buffer, (gsize) n, begin, error))
        return FALSE;
      begin += n;
    }
  return TRUE;
}

gboolean
_esp_file_clone (int from, int to, gint64 size)
{
  struct stat status;

  if (ioctl (to, FICLONE, from) != 0)
    return FALSE;
  if (fstat (to, &status) == 0 && status.st_size == size)
    return TRUE;
  /* Someone is writing into it. If this fails, so will what is done instead. */
  if (ftruncate (to, 0) != 0)
    g_debug ("A clone cannot be cut: %s", g_strerror (errno));
  return FALSE;
}

gboolean
_esp_file_copy (int from, int to, gint64 size, GCancellable *cancellable, GError **error)
{
  return _esp_file_clone (from, to, size)
         || _esp_file_copy_range (from, to, 0, size, cancellable, error);
}

gboolean
_esp_file_sync (int fd, GError **error)
{
  int result;

  do
    result = fsync (fd);
  while (result != 0 && errno == EINTR);
  /* FUSE file systems without it say so. */
  return result == 0 || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP
         || fail (error, errno);
}

void
_esp_file_sync_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  const int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (fsync (fd) != 0)
    g_debug ("%s: %s", folder, g_strerror (errno));
  close (fd);
}

int
_esp_file_make_beside (const char *path, char **temporary, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *template = g_build_filename (folder, ".espalier-XXXXXX", NULL);
  const int fd = g_mkstemp_full (template, O_RDWR | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      fail (error, errno);
      return -1;
    }
  *temporary = g_steal_pointer (&template);
  return fd;
}

/* There is no other way to ask, and umask () is not for programs with threads. */
static mode_t
usual_mode (void)
{
  g_autofree char *text = NULL;
  const char *line;
  guint64 mask = 022;

  if (g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    {
      line = strstr (text, "\nUmask:");
      if (line != NULL)
        mask = g_ascii_strtoull (line + strlen ("\nUmask:"), NULL, 8);
    }
  return (mode_t) (0666 & ~mask);
}

static void
copy_attributes (int fd, const char *path)
{
  char names[4096], value[16384];
  const ssize_t length = listxattr (path, names, sizeof names);

  for (ssize_t i = 0; i < length; i += (ssize_t) strlen (names + i) + 1)
    {
      const ssize_t n = getxattr (path, names + i, value, sizeof value);

      if (n >= 0 && fsetxattr (fd, names + i, value, (gsize) n, 0) != 0)
        g_debug ("%s: %s: %s", path, names + i, g_strerror (errno));
    }
}

void
_esp_file_copy_manners (int fd, const char *path)
{
  struct stat status;

  if (stat (path, &status) != 0)
    {
      if (fchmod (fd, usual_mode ()) != 0)
        g_debug ("%s: %s", path, g_strerror (errno));
      return;
    }
  if (fchown (fd, status.st_uid, status.st_gid) != 0 && fchown (fd, (uid_t) -1, status.st_gid) != 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  if (fchmod (fd, status.st_mode & 0777) != 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  copy_attributes (fd, path);
}

static gboolean
fail_replaced (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG, "another file is in the place");
  return FALSE;
}

/* Whether `path` is on the file system of the document portal. That one swaps two files where it is
 * asked to, forgets the one that had the name before, and leaves it beside the other, hidden, for
 * good: each save would leave a copy of the document. */
static gboolean
is_of_document_portal (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *mounts = NULL;
  g_autofree char *device = NULL;
  g_auto (GStrv) lines = NULL;
  struct stat status;

  if (stat (folder, &status) != 0
      || !g_file_get_contents ("/proc/self/mountinfo", &mounts, NULL, NULL))
    return FALSE;
  device = g_strdup_printf (" %u:%u ", major (status.st_dev), minor (status.st_dev));
  lines = g_strsplit (mounts, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    if (strstr (lines[i], device) != NULL && strstr (lines[i], " - fuse.portal ") != NULL)
      return TRUE;
  return FALSE;
}

gboolean
_esp_file_put_in_place (const char *temporary, const char *path, const EspFileIdentity *expected,
                        GError **error)
{
  if (expected != NULL)
    {
      const unsigned how = expected->exists ? RENAME_EXCHANGE : RENAME_NOREPLACE;

      if (!_esp_file_identity_is_at (expected, path))
        return fail_replaced (error);
      if (expected->exists && is_of_document_portal (path))
        return g_rename (temporary, path) == 0 || fail (error, errno);
      if (renameat2 (AT_FDCWD, temporary, AT_FDCWD, path, how) == 0)
        {
          if (!expected->exists)
            return TRUE;
          /* What was there is at hand still: was it what it should have been? */
          if (_esp_file_identity_is_at (expected, temporary))
            {
              g_unlink (temporary);
              return TRUE;
            }
          if (renameat2 (AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE) != 0)
            g_warning ("%s: the other file stays as %s", path, temporary);
          return fail_replaced (error);
        }
      if (errno == EEXIST || errno == ENOENT)
        return fail_replaced (error);
      if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return fail (error, errno);
    }
  return g_rename (temporary, path) == 0 || fail (error, errno);
}

static gboolean
reserve_space (int fd, gint64 size, GError **error)
{
  struct statvfs space;
  struct stat status;

  if (fallocate (fd, FALLOC_FL_KEEP_SIZE, 0, (off_t) size) == 0)
    return TRUE;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
    return fail (error, errno);
  if (fstatvfs (fd, &space) == 0 && fstat (fd, &status) == 0 && space.f_blocks > 0
      && (gint64) (space.f_bavail * space.f_frsize) < size - (gint64) status.st_size)
    return fail (error, ENOSPC);
  return TRUE;
}

gboolean
_esp_file_write_over (int from, const char *path, gint64 size, GError **error)
{
  const int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  const gint64 beginning = MIN (size, BEGINNING);
  gboolean ok;

  if (fd < 0)
    return fail (error, errno);
  ok = reserve_space (fd, size, error)
       && _esp_file_copy_range (from, fd, beginning, size, NULL, error);
  if (ok && ftruncate (fd, (off_t) size) != 0)
    ok = fail (error, errno);
  ok = ok && _esp_file_sync (fd, error)
       && _esp_file_copy_range (from, fd, 0, beginning, NULL, error) && _esp_file_sync (fd, error);
  if (close (fd) != 0 && ok)
    ok = fail (error, errno);
  return ok;
}
