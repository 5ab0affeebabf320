/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define MAX_DEPTH 32
#define PIECE     ((gsize) 1 << 20)

static guint64
count (const char *path, guint depth)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;
  guint64 bytes = 0;
  GStatBuf info;

  if (depth > MAX_DEPTH || g_lstat (path, &info) != 0)
    return 0;
  if (S_ISREG (info.st_mode))
    return (guint64) info.st_size;

  dir = S_ISDIR (info.st_mode) ? g_dir_open (path, 0, NULL) : NULL;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      bytes += count (child, depth + 1);
    }

  return bytes;
}

guint64
_esp_tree_count_own_bytes (const char *path)
{
  return count (path, 0);
}

static gboolean
delete_tree (const char *path, guint depth, GError **error)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;
  GStatBuf info;

  if (g_lstat (path, &info) != 0)
    return TRUE;

  dir = S_ISDIR (info.st_mode) && depth < MAX_DEPTH ? g_dir_open (path, 0, NULL) : NULL;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (!delete_tree (child, depth + 1, error))
        return FALSE;
    }

  if (g_remove (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
               _ ("“%s” cannot be removed: %s"), path, g_strerror (errno));
  return FALSE;
}

gboolean
_esp_tree_delete (const char *path, GError **error)
{
  return delete_tree (path, 0, error);
}

void
_esp_tree_sync_folder (const char *folder)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

static gboolean
fail (const char *path, GError **error)
{
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path,
               g_strerror (errno));
  return FALSE;
}

static gboolean
write_all (int fd, const char *bytes, gsize length)
{
  while (length > 0)
    {
      gssize written = write (fd, bytes, length);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return FALSE;
      bytes += written;
      length -= (gsize) written;
    }

  return TRUE;
}

static gboolean
copy_open_file (int in, int out, const char *source, const char *target, EspTreeCopied copied,
                gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autofree char *buffer = g_malloc (PIECE);

  for (;;)
    {
      gssize length = read (in, buffer, PIECE);

      if (length < 0 && errno == EINTR)
        continue;
      if (length < 0)
        return fail (source, error);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (length == 0)
        return fsync (out) == 0 || fail (target, error);
      if (!write_all (out, buffer, (gsize) length))
        return fail (target, error);
      if (copied != NULL)
        copied ((gsize) length, user_data);
    }
}

static gboolean
copy_file (const char *source, const char *target, EspTreeCopied copied, gpointer user_data,
           GCancellable *cancellable, GError **error)
{
  int in = open (source, O_RDONLY | O_CLOEXEC);
  int out;
  gboolean done;

  if (in < 0)
    return fail (source, error);
  out = open (target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (out < 0)
    {
      fail (target, error);
      close (in);
      return FALSE;
    }

  done = copy_open_file (in, out, source, target, copied, user_data, cancellable, error);
  close (in);
  close (out);
  return done;
}

static gboolean
copy_tree (const char *source, const char *target, guint depth, EspTreeCopied copied,
           gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (source, G_FILE_TEST_IS_DIR))
    return copy_file (source, target, copied, user_data, cancellable, error);

  if (depth > MAX_DEPTH)
    {
      errno = ELOOP;
      return fail (source, error);
    }
  if (g_mkdir (target, 0755) != 0)
    return fail (target, error);
  dir = g_dir_open (source, 0, error);
  if (dir == NULL)
    return FALSE;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *from = g_build_filename (source, name, NULL);
      g_autofree char *to = g_build_filename (target, name, NULL);

      /* Caches of other programs. */
      if (name[0] == '.')
        continue;
      if (!copy_tree (from, to, depth + 1, copied, user_data, cancellable, error))
        return FALSE;
    }

  _esp_tree_sync_folder (target);
  return TRUE;
}

gboolean
_esp_tree_copy (const char *source, const char *target, EspTreeCopied copied, gpointer user_data,
                GCancellable *cancellable, GError **error)
{
  return copy_tree (source, target, 0, copied, user_data, cancellable, error);
}
