/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-thumbnail.c: a small picture of a document that nobody opens for it. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-thumbnail.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>

#include "esp-picture-scale.h"
#include "esp-store.h"

/* Whoever asks waits for no more than that to be decoded: any result of the engine, most photos. */
#define MAX_PIXELS ((gint64) 1 << 27)

static EspStore *
open_store (const char *path, const char *name, GError **error)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  EspStore *store = NULL;
  struct stat status;

  if (stat (path, &status) != 0)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN,
                   _ ("“%s” cannot be opened (%s)"), name, g_strerror (errno));
      return NULL;
    }
  if (!S_ISREG (status.st_mode))
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN,
                   _ ("“%s” cannot be opened (%s)"), name,
                   S_ISDIR (status.st_mode) ? g_strerror (EISDIR) : g_strerror (ENOTSUP));
      return NULL;
    }
  /* A log belongs to whoever has the document open. Where it cannot be read (that takes a file
   * beside it), the state before it is good enough. */
  if (g_file_test (log, G_FILE_TEST_EXISTS))
    store = _esp_store_open (path, name, ESP_STORE_READ, NULL);
  return store != NULL ? store : _esp_store_open (path, name, ESP_STORE_IMMUTABLE, error);
}

static EspPicture *
load_stored (EspStore *store, gint64 image, int max_side, GCancellable *cancellable)
{
  g_autoptr (GBytes) bytes = NULL;

  if (max_side > ESP_THUMBNAIL_LARGE)
    return NULL;
  bytes = _esp_store_read_thumbnail (store, image, ESP_THUMBNAIL_LARGE, NULL);
  if (bytes == NULL || g_bytes_get_size (bytes) == 0)
    return NULL;
  return esp_picture_load_bytes (bytes, _esp_store_get_name (store), NULL, cancellable, NULL);
}

static EspPicture *
load_image (EspStore *store, gint64 image, GCancellable *cancellable, GError **error)
{
  g_autofree char *query = g_strdup_printf ("SELECT size FROM images WHERE id = %" G_GINT64_FORMAT
                                            " AND width * height <= %" G_GINT64_FORMAT,
                                            image, MAX_PIXELS);
  EspImageInfo info = { .id = image };
  g_autoptr (GBytes) bytes = NULL;
  gint64 size = _esp_store_get_number (store, query, error);

  if (size < 0)
    return NULL;
  info.size = (guint64) size;
  bytes = _esp_store_read_image (store, &info, cancellable, error);
  if (bytes == NULL)
    return NULL;
  return esp_picture_load_bytes (bytes, _esp_store_get_name (store), NULL, cancellable, error);
}

EspPicture *
esp_thumbnail_load (const char *path, int max_side, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (EspStore) store = NULL;
  g_autoptr (EspPicture) picture = NULL;
  gint64 image;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (max_side > 0, NULL);

  name = g_filename_display_basename (path);
  store = open_store (path, name, error);
  if (store == NULL)
    return NULL;
  image = _esp_store_find_shown_image (store);
  if (image == 0)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_IMAGE, _ ("“%s” has no image yet"),
                   name);
      return NULL;
    }
  picture = load_stored (store, image, max_side, cancellable);
  if (picture == NULL)
    picture = load_image (store, image, cancellable, error);
  return picture != NULL ? esp_picture_shrink (picture, max_side, error) : NULL;
}
