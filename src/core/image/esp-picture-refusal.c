/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-refusal.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>

void
esp_picture_refuse_read (const char *name, const char *reason, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_READ, _ ("“%s” cannot be read: %s"), name,
               reason);
}

void
esp_picture_refuse_damaged (const char *name, const char *detail, GError **error)
{
  g_autofree char *line = g_utf8_make_valid (detail, -1);

  for (char *p = line; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = ' ';
  g_strstrip (line);
  if (line[0] == '\0')
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED,
                 _ ("“%s” is damaged and cannot be read as a picture"), name);
  else
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED,
                 _ ("“%s” is damaged and cannot be read as a picture: %s"), name, line);
}

void
esp_picture_refuse_memory (const char *name, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
               _ ("“%s” does not fit into memory"), name);
}

void
esp_picture_refuse_room (int width, int height, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
               _ ("There is not enough memory for a picture of %d × %d pixels"), width, height);
}

void
esp_picture_refuse_sharing (const char *name, int reason, GError **error)
{
  if (reason == ENOMEM || reason == ENOSPC)
    esp_picture_refuse_memory (name, error);
  else
    esp_picture_refuse_read (name, g_strerror (reason), error);
}

void
esp_picture_refuse_unknown (const char *name, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
               _ ("“%s” is not a picture in a format that can be read (PNG, JPEG, WebP, GIF, "
                  "TIFF, BMP, AVIF, HEIF, JPEG XL)"),
               name);
}

gboolean
esp_picture_check_size (const char *name, guint64 width, guint64 height, GError **error)
{
  if (width == 0 || height == 0)
    {
      esp_picture_refuse_damaged (name, _ ("it says that it has no pixels"), error);
      return FALSE;
    }
  if (width > ESP_PICTURE_MAX_SIDE || height > ESP_PICTURE_MAX_SIDE
      || width * height > ESP_PICTURE_MAX_PIXELS)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("“%s” is too large: %" PRIu64 " × %" PRIu64
                      " pixels, at most %d a side and %d million in all"),
                   name, width, height, ESP_PICTURE_MAX_SIDE, ESP_PICTURE_MAX_PIXELS / 1000000);
      return FALSE;
    }
  return TRUE;
}
