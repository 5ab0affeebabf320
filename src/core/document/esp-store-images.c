/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-store-images.c: images and their thumbnails, from and to the database. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-file-name.h"
#include "esp-picture-scale.h"
#include "esp-store.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* SQLite holds no value above 1 GB, and makes a copy of each that it writes. */
#define PART_SIZE ((gsize) 64 << 20)

#define THUMBNAIL_QUALITY 88

static const int thumbnail_sizes[] = { ESP_THUMBNAIL_SMALL, ESP_THUMBNAIL_LARGE };

/* --- What is stored --------------------------------------------------------------------------- */

static guint32
average_color (EspPicture *picture)
{
  const gsize n = (gsize) picture->width * (gsize) picture->height;
  guint64 sum[3] = { 0, 0, 0 };

  for (gsize i = 0; i < n; i++)
    for (gsize c = 0; c < 3; c++)
      sum[c] += picture->pixels[3 * i + c];
  for (gsize c = 0; c < 3; c++)
    sum[c] = (sum[c] + n / 2) / MAX (n, 1);
  return (guint32) ((sum[0] << 16) | (sum[1] << 8) | sum[2]);
}

GBytes *
_esp_thumbnail_encode (EspPicture *picture, int size, GError **error)
{
  const EspSaveOptions options = { .quality = THUMBNAIL_QUALITY };
  g_autoptr (EspPicture) small = esp_picture_shrink (picture, size, error);

  if (small == NULL)
    return NULL;
  return esp_picture_to_bytes (small, ESP_FORMAT_JPEG, NULL, &options, NULL, error);
}

/* The second thumbnail is made of the first, the average colour of the second. */
static gboolean
prepare_thumbnails (EspPreparedImage *self, EspPicture *picture, GError **error)
{
  g_autoptr (EspPicture) large = esp_picture_shrink (picture, ESP_THUMBNAIL_LARGE, error);
  g_autoptr (EspPicture) small = NULL;

  if (large == NULL)
    return FALSE;
  small = esp_picture_shrink (large, ESP_THUMBNAIL_SMALL, error);
  if (small == NULL)
    return FALSE;
  self->info.color = average_color (small);
  self->thumbnails[0] = _esp_thumbnail_encode (small, ESP_THUMBNAIL_SMALL, error);
  if (self->thumbnails[0] == NULL)
    return FALSE;
  self->thumbnails[1] = _esp_thumbnail_encode (large, ESP_THUMBNAIL_LARGE, error);
  return self->thumbnails[1] != NULL;
}

static EspPreparedImage *
prepare_image (GBytes *bytes, const char *name, gboolean is_part, GCancellable *cancellable,
               GError **error)
{
  g_autoptr (EspPreparedImage) self = g_new0 (EspPreparedImage, 1);
  g_autoptr (EspPicture) picture = NULL;
  g_autofree char *sha256 = NULL;
  GError *local = NULL;

  self->bytes = g_bytes_ref (bytes);
  picture = esp_picture_load_bytes (bytes, name != NULL ? name : _ ("The picture"), NULL,
                                    cancellable, &local);
  if (picture == NULL || (!is_part && !prepare_thumbnails (self, picture, &local)))
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_propagate_error (error, local);
      else
        {
          g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_IMAGE, local->message);
          g_error_free (local);
        }
      return NULL;
    }
  sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  g_strlcpy (self->info.sha256, sha256, sizeof self->info.sha256);
  self->info.media_type = g_strdup (esp_media_type_sniff (bytes));
  self->info.width = picture->width;
  self->info.height = picture->height;
  self->info.size = g_bytes_get_size (bytes);
  return g_steal_pointer (&self);
}

EspPreparedImage *
_esp_prepared_image_new (GBytes *bytes, const char *name, GCancellable *cancellable, GError **error)
{
  return prepare_image (bytes, name, FALSE, cancellable, error);
}

EspPreparedImage *
_esp_prepared_part_new (GBytes *bytes, const char *name, GCancellable *cancellable, GError **error)
{
  return prepare_image (bytes, name, TRUE, cancellable, error);
}

void
_esp_prepared_image_free (EspPreparedImage *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->thumbnails[0], g_bytes_unref);
  g_clear_pointer (&self->thumbnails[1], g_bytes_unref);
  _esp_image_info_clear (&self->info);
  g_free (self);
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* Always valid UTF-8. */
static char *
dup_media_type (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  return text != NULL ? g_utf8_make_valid (text, -1) : NULL;
}

gboolean
_esp_store_find_image (EspStore *self, const char *sha256, EspImageInfo *info, GError **error)
{
  GError *local = NULL;
  gboolean found;
  sqlite3_stmt *statement = _esp_store_prepare (
      self, "SELECT id, media_type, width, height, size, color FROM images WHERE sha256 = ?1",
      error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_text (statement, 1, sha256, -1, SQLITE_STATIC);
  found = _esp_store_step (self, statement, &local);
  if (found)
    {
      _esp_image_info_clear (info);
      info->id = sqlite3_column_int64 (statement, 0);
      g_strlcpy (info->sha256, sha256, sizeof info->sha256);
      info->media_type = dup_media_type (statement, 1);
      info->width = sqlite3_column_int (statement, 2);
      info->height = sqlite3_column_int (statement, 3);
      info->size = (guint64) MAX (sqlite3_column_int64 (statement, 4), 0);
      info->color = (guint32) sqlite3_column_int64 (statement, 5);
      sqlite3_reset (statement);
    }
  sqlite3_clear_bindings (statement);
  if (local != NULL)
    g_propagate_error (error, local);
  return found;
}

static gboolean
write_parts (EspStore *self, gint64 image, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "INSERT INTO image_data VALUES (?1, ?2, ?3)", error);

  if (statement == NULL)
    return FALSE;
  for (gsize offset = 0, part = 0; offset < size; offset += PART_SIZE, part++)
    {
      sqlite3_bind_int64 (statement, 1, image);
      sqlite3_bind_int64 (statement, 2, (gint64) part);
      sqlite3_bind_blob64 (statement, 3, data + offset, MIN (size - offset, PART_SIZE),
                           SQLITE_STATIC);
      if (!_esp_store_run (self, statement, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
_esp_store_write_thumbnail (EspStore *self, gint64 image, int size, GBytes *bytes, GError **error)
{
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "INSERT OR REPLACE INTO thumbnails VALUES (?1, ?2, ?3)", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, image);
  sqlite3_bind_int (statement, 2, size);
  sqlite3_bind_blob64 (statement, 3, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                       SQLITE_STATIC);
  return _esp_store_run (self, statement, error);
}

static gboolean
insert_image (EspStore *self, const EspImageInfo *info, GError **error)
{
  sqlite3_stmt *statement
      = _esp_store_prepare (self,
                            "INSERT INTO images (sha256, media_type, width, height, size, color)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                            error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_text (statement, 1, info->sha256, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 2, info->media_type, -1, SQLITE_STATIC);
  sqlite3_bind_int (statement, 3, info->width);
  sqlite3_bind_int (statement, 4, info->height);
  sqlite3_bind_int64 (statement, 5, (gint64) info->size);
  sqlite3_bind_int64 (statement, 6, info->color);
  return _esp_store_run (self, statement, error);
}

gboolean
_esp_store_add_image (EspStore *self, EspPreparedImage *image, GError **error)
{
  GError *local = NULL;
  EspImageInfo known = { 0 };

  if (_esp_store_find_image (self, image->info.sha256, &known, &local))
    {
      _esp_image_info_copy (&image->info, &known);
      _esp_image_info_clear (&known);
      return TRUE;
    }
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  if (!insert_image (self, &image->info, error))
    return FALSE;
  image->info.id = sqlite3_last_insert_rowid (_esp_store_get_database (self));
  if (!write_parts (self, image->info.id, image->bytes, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (thumbnail_sizes); i++)
    if (image->thumbnails[i] != NULL
        && !_esp_store_write_thumbnail (self, image->info.id, thumbnail_sizes[i],
                                        image->thumbnails[i], error))
      return FALSE;
  return TRUE;
}

gboolean
_esp_store_add_latents (EspStore *self, GBytes *bytes, gint64 *id, GError **error)
{
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "INSERT INTO latents (size, data) VALUES (?1, ?2)", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, (gint64) g_bytes_get_size (bytes));
  sqlite3_bind_blob64 (statement, 2, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                       SQLITE_STATIC);
  if (!_esp_store_run (self, statement, error))
    return FALSE;
  *id = sqlite3_last_insert_rowid (_esp_store_get_database (self));
  return TRUE;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void
set_image_error (EspStore *self, GError **error)
{
  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
               _ ("“%s” is damaged: an image in it is not complete"), _esp_store_get_name (self));
}

GBytes *
_esp_store_read_image (EspStore *self, const EspImageInfo *info, GCancellable *cancellable,
                       GError **error)
{
  GError *local = NULL;
  g_autofree guint8 *data = NULL;
  gsize done = 0;
  sqlite3_stmt *statement;

  if (info->size == 0 || info->size > ESP_PICTURE_MAX_FILE_SIZE)
    {
      set_image_error (self, error);
      return NULL;
    }
  statement = _esp_store_prepare (
      self, "SELECT data FROM image_data WHERE image = ?1 ORDER BY part", error);
  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, info->id);
  while (_esp_store_step (self, statement, &local))
    {
      const void *part = sqlite3_column_blob (statement, 0);
      const gsize size = (gsize) sqlite3_column_bytes (statement, 0);

      /* Not before there is something: a false size is no reason to take that much memory. */
      if (data == NULL)
        data = g_try_malloc ((gsize) info->size);
      if (data == NULL || part == NULL || size > info->size - done)
        set_image_error (self, &local);
      if (data == NULL || part == NULL || local != NULL
          || g_cancellable_set_error_if_cancelled (cancellable, &local))
        {
          sqlite3_reset (statement);
          break;
        }
      memcpy (data + done, part, size);
      done += size;
    }
  if (local == NULL && done != info->size)
    set_image_error (self, &local);
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&data), done);
}

GBytes *
_esp_store_read_latents (EspStore *self, gint64 id, GError **error)
{
  GError *local = NULL;
  GBytes *bytes = NULL;
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "SELECT data FROM latents WHERE id = ?1", error);

  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, id);
  if (_esp_store_step (self, statement, &local))
    {
      bytes = g_bytes_new (sqlite3_column_blob (statement, 0),
                           (gsize) sqlite3_column_bytes (statement, 0));
      sqlite3_reset (statement);
    }
  else if (local == NULL)
    set_image_error (self, &local);
  if (local != NULL)
    g_propagate_error (error, local);
  return bytes;
}

gint64
_esp_store_find_shown_image (EspStore *self)
{
  gint64 image = _esp_store_get_number (
      self,
      "SELECT image FROM nodes WHERE deleted = 0 AND image IS NOT NULL AND id ="
      " (SELECT CAST (value AS INTEGER) FROM view WHERE key = 'current')",
      NULL);

  if (image <= 0)
    image = _esp_store_get_number (self,
                                   "SELECT image FROM nodes WHERE deleted = 0 AND image IS NOT "
                                   "NULL ORDER BY id DESC LIMIT 1",
                                   NULL);
  return MAX (image, 0);
}

GBytes *
_esp_store_read_thumbnail (EspStore *self, gint64 image, int size, GError **error)
{
  GBytes *bytes = NULL;
  sqlite3_stmt *statement;

  if (!_esp_store_has_column (self, "thumbnails", "data"))
    return NULL;
  statement = _esp_store_prepare (
      self, "SELECT data FROM thumbnails WHERE image = ?1 AND size = ?2", error);
  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, image);
  sqlite3_bind_int (statement, 2, size);
  if (_esp_store_step (self, statement, error))
    {
      bytes = g_bytes_new (sqlite3_column_blob (statement, 0),
                           (gsize) sqlite3_column_bytes (statement, 0));
      sqlite3_reset (statement);
    }
  return bytes;
}
