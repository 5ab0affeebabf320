/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-memory.h"
#include "esp-ppm.h"
#include "esp-source-private.h"

#include <string.h>

EspPicture *
_esp_decode_ppm (const EspSource *source, GError **error)
{
  EspPicture *picture;
  EspPpm ppm;

  source->info->format = "PPM";
  if (!esp_ppm_find_pixels (source->data, source->size, source->name, &ppm, error))
    return NULL;
  picture = _esp_source_new_picture (source, ppm.width, ppm.height, error);
  if (picture != NULL)
    memcpy (picture->pixels, ppm.pixels, ESP_PICTURE_BYTES (ppm.width, ppm.height));
  return picture;
}
