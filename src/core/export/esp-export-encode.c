/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-encode.c: stored bytes become the bytes of a file. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-export-private.h"
#include "esp-picture-scale.h"
#include "esp-picture-strip.h"

static EspPictureFormat
picture_format (EspExportFormat format)
{
  switch (format)
    {
    case ESP_EXPORT_JPEG:
      return ESP_FORMAT_JPEG;
    case ESP_EXPORT_WEBP:
      return ESP_FORMAT_WEBP;
    case ESP_EXPORT_TIFF:
      return ESP_FORMAT_TIFF;
    default:
      return ESP_FORMAT_PNG;
    }
}

GBytes *
_esp_export_encode (const EspExportItem *item, GBytes *bytes, const EspExportOptions *options,
                    GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) whole = NULL;
  g_autoptr (EspPicture) picture = NULL;
  EspSaveOptions how = ESP_SAVE_OPTIONS_INIT;

  if (options->format == ESP_EXPORT_ORIGINAL)
    return options->metadata ? g_bytes_ref (bytes)
                             : esp_picture_strip_metadata (bytes, item->name, error);

  whole = esp_picture_load_bytes (bytes, item->name, NULL, cancellable, error);
  if (whole == NULL)
    return NULL;
  if (options->max_side > 0)
    {
      int width, height;

      esp_picture_fit (whole->width, whole->height, options->max_side, options->max_side, &width,
                       &height);
      picture = esp_picture_scale (whole, width, height, cancellable, error);
      if (picture == NULL)
        return NULL;
    }
  else
    picture = g_steal_pointer (&whole);

  how.quality = CLAMP (options->quality, 1, 100);
  how.lossless = options->lossless;
  return esp_picture_to_bytes (picture, picture_format (options->format),
                               options->metadata ? item->recipe : NULL, &how, cancellable, error);
}
