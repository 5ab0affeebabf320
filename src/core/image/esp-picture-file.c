/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-picture-refusal.h"
#include "esp-sealed-memory.h"

/* TRUE if the file is there, regular and of a size that may be read; sets `size`. */
static gboolean
check_file (int fd, const char *name, gsize *size, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    esp_picture_refuse_read (name, g_strerror (errno), error);
  else if (S_ISDIR (st.st_mode))
    esp_picture_refuse_read (name, _ ("it is a folder"), error);
  else if (!S_ISREG (st.st_mode))
    esp_picture_refuse_read (name, _ ("it is not a regular file"), error);
  else if (st.st_size == 0)
    esp_picture_refuse_read (name, _ ("the file is empty"), error);
  else if ((guint64) st.st_size > ESP_PICTURE_MAX_FILE_SIZE)
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                 _ ("“%s” is larger than a picture file may be (1 GiB)"), name);
  else
    {
      *size = (gsize) st.st_size;
      return TRUE;
    }
  return FALSE;
}

/* Fills `data`; a file that shrinks meanwhile is short, one that grows is read as it was. */
static gboolean
read_all (int fd, guint8 *data, gsize *size, const char *name, GCancellable *cancellable,
          GError **error)
{
  gsize done = 0;

  while (done < *size)
    {
      const ssize_t n = read (fd, data + done, MIN (*size - done, (gsize) 1 << 20));

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          esp_picture_refuse_read (name, g_strerror (errno), error);
          return FALSE;
        }
      if (n == 0)
        break;
      done += (gsize) n;
    }
  *size = done;
  return TRUE;
}

/* The whole file as sealed memory of *size bytes, which are fewer where it shrank. */
static int
read_sealed (int fd, gsize *size, const char *name, GCancellable *cancellable, GError **error)
{
  const int memory = esp_sealed_memory_new ("espalier-picture", *size);
  void *data = memory >= 0 ? mmap (NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0)
                           : MAP_FAILED;
  const gsize mapped = *size;
  gboolean ok = FALSE;

  if (data == MAP_FAILED)
    esp_picture_refuse_sharing (name, errno, error);
  else
    {
      ok = read_all (fd, data, size, name, cancellable, error);
      munmap (data, mapped);
      if (ok && (ftruncate (memory, (off_t) *size) != 0 || !esp_sealed_memory_seal (memory)))
        {
          esp_picture_refuse_read (name, g_strerror (errno), error);
          ok = FALSE;
        }
    }
  if (!ok && memory >= 0)
    close (memory);
  return ok ? memory : -1;
}

int
_esp_picture_file_seal (const char *path, const char *name, EspPictureKind *kind, gsize *size,
                        GCancellable *cancellable, GError **error)
{
  /* O_NONBLOCK: a FIFO without a writer would otherwise hang right here. */
  const int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  guint8 header[ESP_KIND_HEADER_SIZE];
  int memory = -1;

  if (fd < 0)
    {
      esp_picture_refuse_read (name, g_strerror (errno), error);
      return -1;
    }
  if (check_file (fd, name, size, error))
    {
      gsize n = MIN (*size, sizeof header);

      if (read_all (fd, header, &n, name, cancellable, error))
        {
          *kind = esp_picture_kind_find (header, n);
          if (*kind == ESP_KIND_NONE)
            esp_picture_refuse_unknown (name, error);
          else if (lseek (fd, 0, SEEK_SET) == 0)
            memory = read_sealed (fd, size, name, cancellable, error);
          else
            esp_picture_refuse_read (name, g_strerror (errno), error);
        }
    }
  close (fd);
  return memory;
}

GBytes *
_esp_picture_file_read (const char *path, const char *name, GCancellable *cancellable,
                        GError **error)
{
  EspPictureKind kind;
  gsize size = 0;
  const int memory = _esp_picture_file_seal (path, name, &kind, &size, cancellable, error);
  GBytes *bytes;

  if (memory < 0)
    return NULL;
  bytes = esp_sealed_memory_map (memory, size);
  if (bytes == NULL)
    esp_picture_refuse_memory (name, error);
  close (memory);
  return bytes;
}
