/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is a file that has come what it should be? */
#define G_LOG_DOMAIN "espalier-models"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "esp-downloader-private.h"

#define PIECE ((gsize) 1 << 20)

typedef struct
{
  EspDownloader *downloader;
  EspDownloadItem *item;
  char *path; /* of the .part */
  char *digest;
  gboolean is_blob;
  gint64 total;
  gint64 *hashed; /* the item's: read by the news, written by the thread */
} Check;

static void
check_free (gpointer data)
{
  Check *check = data;

  g_free (check->path);
  g_free (check->digest);
  g_free (check);
}

/* The digest of the open file, or NULL with an error. */
static char *
compute (Check *check, int fd, GCancellable *cancellable, GError **error)
{
  g_autoptr (GChecksum) checksum
      = g_checksum_new (check->is_blob ? G_CHECKSUM_SHA1 : G_CHECKSUM_SHA256);
  g_autofree guint8 *buffer = g_malloc (PIECE);
  gint64 done = 0;

  if (check->is_blob)
    {
      g_autofree char *head = g_strdup_printf ("blob %" G_GINT64_FORMAT, check->total);

      g_checksum_update (checksum, (const guint8 *) head, (gssize) strlen (head) + 1);
    }

  while (!g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      gssize length = pread (fd, buffer, PIECE, done);

      if (length < 0 && errno == EINTR)
        continue;
      if (length < 0)
        {
          g_set_error (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_FILE,
                       _ ("“%s” cannot be read: %s"), check->path, g_strerror (errno));
          return NULL;
        }
      if (length == 0)
        return g_strdup (g_checksum_get_string (checksum));
      g_checksum_update (checksum, buffer, length);
      done += length;
      __atomic_store_n (check->hashed, done, __ATOMIC_RELAXED);
    }

  return NULL;
}

static void
check_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Check *check = data;
  GError *error = NULL;
  g_autofree char *digest = NULL;
  int fd = open (check->path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    {
      g_task_return_new_error (task, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_FILE,
                               _ ("“%s” cannot be read: %s"), check->path, g_strerror (errno));
      return;
    }

  digest = compute (check, fd, cancellable, &error);
  close (fd);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, check->digest == NULL
                                     || g_ascii_strcasecmp (digest, check->digest) == 0);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer data)
{
  EspDownloader *self = data;
  Check *check = g_task_get_task_data (G_TASK (result));
  EspDownloadItem *item = check->item;
  GError *error = NULL;
  gboolean right = g_task_propagate_boolean (G_TASK (result), &error);

  self->running--;
  self->checking--;
  item->hashing = FALSE;
  if (error != NULL)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_error_free (error);
      else
        _esp_downloader_fail (self, error);
    }
  else if (right)
    {
      if (!_esp_download_item_accept (self->plan, item, &error))
        _esp_downloader_fail (self, error);
      else
        _esp_downloader_save (self, TRUE);
    }
  else
    {
      _esp_download_item_restart (self->plan, item);
      _esp_downloader_save (self, TRUE);
      _esp_downloader_fail (
          self, g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_DAMAGED,
                             _ ("“%s” came, but is not what it should be: its SHA-256 is another. "
                                "It was deleted. Try again; if this stays so, the source has "
                                "changed the file, and Espalier does not take it."),
                             item->file->path));
    }

  _esp_downloader_tell (self, TRUE);
  _esp_downloader_go_on (self);
}

void
_esp_download_check (EspDownloader *self, EspDownloadItem *item)
{
  Check *check = g_new0 (Check, 1);
  g_autoptr (GTask) task = g_task_new (NULL, self->stop, on_checked, self);
  GError *error = NULL;

  check->downloader = self;
  check->item = item;
  check->path = _esp_download_item_dup_part_path (self->plan, item);
  check->digest = g_strdup (item->file->sha256 != NULL ? item->file->sha256 : item->digest);
  check->is_blob = item->file->sha256 == NULL && item->is_blob;
  check->total = item->total;
  check->hashed = &item->hashed;
  g_task_set_task_data (task, check, check_free);

  item->hashing = TRUE;
  item->hashed = 0;
  self->running++;
  self->checking++;
  /* An empty file was never opened. */
  if (!_esp_download_item_open (self->plan, item, &error))
    g_task_return_error (task, error);
  else
    g_task_run_in_thread (task, check_in_thread);
}
