/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-file-identity.c: which file stands at a path. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-file-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRINT_BYTES 4096

static void
set_status (EspFileIdentity *identity, const struct stat *status)
{
  memset (identity, 0, sizeof *identity);
  identity->exists = TRUE;
  identity->device = (guint64) status->st_dev;
  identity->inode = (guint64) status->st_ino;
  identity->size = (gint64) status->st_size;
  identity->modified
      = (gint64) status->st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + status->st_mtim.tv_nsec;
}

static gboolean
is_same_status (const EspFileIdentity *a, const EspFileIdentity *b)
{
  return a->device == b->device && a->inode == b->inode && a->size == b->size
         && a->modified == b->modified && a->inode != 0;
}

static gboolean
set_print (EspFileIdentity *identity, int fd)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  const gint64 offsets[] = { 0, MAX (identity->size - PRINT_BYTES, 0) };
  guint8 buffer[PRINT_BYTES];

  for (guint i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      ssize_t n;

      do
        n = pread (fd, buffer, sizeof buffer, (off_t) offsets[i]);
      while (n < 0 && errno == EINTR);
      if (n < 0)
        return FALSE;
      g_checksum_update (checksum, buffer, n);
    }
  g_strlcpy (identity->print, g_checksum_get_string (checksum), sizeof identity->print);
  return TRUE;
}

static void
set_errno (GError **error, int code)
{
  g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (code), g_strerror (code));
}

gboolean
_esp_file_identity_read_fd (int fd, EspFileIdentity *identity, GError **error)
{
  struct stat status;

  memset (identity, 0, sizeof *identity);
  if (fstat (fd, &status) != 0)
    {
      set_errno (error, errno);
      return FALSE;
    }
  set_status (identity, &status);
  if (S_ISREG (status.st_mode) && !set_print (identity, fd))
    {
      set_errno (error, errno);
      return FALSE;
    }
  return TRUE;
}

gboolean
_esp_file_identity_read (const char *path, EspFileIdentity *identity, GError **error)
{
  /* A FIFO must not block, a terminal not become ours. */
  const int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  gboolean ok;

  memset (identity, 0, sizeof *identity);
  if (fd < 0)
    {
      if (errno == ENOENT || errno == ENOTDIR)
        return TRUE;
      set_errno (error, errno);
      return FALSE;
    }
  ok = _esp_file_identity_read_fd (fd, identity, error);
  close (fd);
  return ok;
}

gboolean
_esp_file_identity_read_remote (GFile *file, EspFileIdentity *identity, GCancellable *cancellable,
                                GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GFileInfo) info
      = g_file_query_info (file, G_FILE_ATTRIBUTE_ETAG_VALUE "," G_FILE_ATTRIBUTE_STANDARD_SIZE,
                           G_FILE_QUERY_INFO_NONE, cancellable, &local);
  const char *etag;

  memset (identity, 0, sizeof *identity);
  if (info == NULL)
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  identity->exists = TRUE;
  identity->size = g_file_info_get_size (info);
  etag = g_file_info_get_etag (info);
  if (etag != NULL)
    {
      g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, etag, -1);

      g_strlcpy (identity->version, hash, sizeof identity->version);
    }
  return TRUE;
}

gboolean
_esp_file_identity_equal (const EspFileIdentity *a, const EspFileIdentity *b)
{
  if (!a->exists || !b->exists)
    return a->exists == b->exists;
  if (a->version[0] != '\0' || b->version[0] != '\0')
    return a->size == b->size && strcmp (a->version, b->version) == 0;
  return is_same_status (a, b)
         || (a->size == b->size && a->print[0] != '\0' && strcmp (a->print, b->print) == 0);
}

gboolean
_esp_file_identity_is_at (const EspFileIdentity *known, const char *path)
{
  EspFileIdentity now = { 0 };
  struct stat status;

  if (stat (path, &status) != 0)
    return !known->exists && (errno == ENOENT || errno == ENOTDIR);
  if (!known->exists)
    return FALSE;
  set_status (&now, &status);
  if (is_same_status (known, &now))
    return TRUE;
  return now.size == known->size && _esp_file_identity_read (path, &now, NULL)
         && _esp_file_identity_equal (known, &now);
}

void
_esp_file_identity_store (const EspFileIdentity *identity, GKeyFile *state, const char *group)
{
  g_key_file_set_boolean (state, group, "exists", identity->exists);
  g_key_file_set_uint64 (state, group, "device", identity->device);
  g_key_file_set_uint64 (state, group, "inode", identity->inode);
  g_key_file_set_int64 (state, group, "size", identity->size);
  g_key_file_set_int64 (state, group, "modified", identity->modified);
  g_key_file_set_string (state, group, "print", identity->print);
  g_key_file_set_string (state, group, "version", identity->version);
}

gboolean
_esp_file_identity_restore (EspFileIdentity *identity, GKeyFile *state, const char *group)
{
  g_autofree char *print = g_key_file_get_string (state, group, "print", NULL);
  g_autofree char *version = g_key_file_get_string (state, group, "version", NULL);

  memset (identity, 0, sizeof *identity);
  if (!g_key_file_has_group (state, group))
    return FALSE;
  identity->exists = g_key_file_get_boolean (state, group, "exists", NULL);
  identity->device = g_key_file_get_uint64 (state, group, "device", NULL);
  identity->inode = g_key_file_get_uint64 (state, group, "inode", NULL);
  identity->size = g_key_file_get_int64 (state, group, "size", NULL);
  identity->modified = g_key_file_get_int64 (state, group, "modified", NULL);
  g_strlcpy (identity->print, print != NULL ? print : "", sizeof identity->print);
  g_strlcpy (identity->version, version != NULL ? version : "", sizeof identity->version);
  return TRUE;
}
