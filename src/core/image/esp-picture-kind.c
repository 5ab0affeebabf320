/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-kind.h"

#include <string.h>

static gboolean
begins_with (const guint8 *data, gsize size, const char *what, gsize length)
{
  return size >= length && memcmp (data, what, length) == 0;
}

/* The major and the first compatible brands of an ISO base media file. */
static gboolean
has_brand (const guint8 *data, gsize size, const char *brands)
{
  const gsize end = MIN (size, (gsize) ESP_KIND_HEADER_SIZE);

  if (size < 16 || memcmp (data + 4, "ftyp", 4) != 0)
    return FALSE;
  for (gsize at = 8; at + 4 <= end; at += 4)
    for (const char *brand = brands; *brand != '\0'; brand += 4)
      if (memcmp (data + at, brand, 4) == 0)
        return TRUE;
  return FALSE;
}

static EspPictureKind
find_of_pixbuf (const guint8 *d, gsize size)
{
  if (size < 16)
    return ESP_KIND_NONE;
  if (memcmp (d, "BM", 2) == 0 && d[15] == 0 && d[14] >= 12 && d[14] <= 124)
    return ESP_KIND_BMP;
  if (has_brand (d, size, "avifavis"))
    return ESP_KIND_AVIF;
  if (has_brand (d, size, "heicheixhevcheifmif1msf1"))
    return ESP_KIND_HEIF;
  if (memcmp (d, "\xff\x0a", 2) == 0 || memcmp (d, "\0\0\0\x0cJXL \r\n\x87\n", 12) == 0)
    return ESP_KIND_JPEG_XL;
  return ESP_KIND_NONE;
}

EspPictureKind
esp_picture_kind_find (const guint8 *d, gsize size)
{
  if (begins_with (d, size, "\x89PNG\r\n\x1a\n", 8))
    return ESP_KIND_PNG;
  if (begins_with (d, size, "\xff\xd8\xff", 3))
    return ESP_KIND_JPEG;
  if (size >= 12 && memcmp (d, "RIFF", 4) == 0 && memcmp (d + 8, "WEBP", 4) == 0)
    return ESP_KIND_WEBP;
  if (begins_with (d, size, "II*\0", 4) || begins_with (d, size, "MM\0*", 4)
      || begins_with (d, size, "II+\0", 4) || begins_with (d, size, "MM\0+", 4))
    return ESP_KIND_TIFF;
  if (begins_with (d, size, "GIF87a", 6) || begins_with (d, size, "GIF89a", 6))
    return ESP_KIND_GIF;
  if (size >= 3 && d[0] == 'P' && d[1] == '6' && g_ascii_isspace (d[2]))
    return ESP_KIND_PPM;
  return find_of_pixbuf (d, size);
}

const char *
esp_picture_kind_get_name (EspPictureKind kind)
{
  static const char *const names[ESP_N_KINDS] = {
    [ESP_KIND_PNG] = "PNG",         [ESP_KIND_JPEG] = "JPEG", [ESP_KIND_WEBP] = "WebP",
    [ESP_KIND_TIFF] = "TIFF",       [ESP_KIND_GIF] = "GIF",   [ESP_KIND_PPM] = "PPM",
    [ESP_KIND_BMP] = "BMP",         [ESP_KIND_AVIF] = "AVIF", [ESP_KIND_HEIF] = "HEIF",
    [ESP_KIND_JPEG_XL] = "JPEG XL",
  };

  return (gsize) kind < G_N_ELEMENTS (names) ? names[kind] : NULL;
}

gboolean
esp_picture_kind_is_of_pixbuf (EspPictureKind kind)
{
  return kind >= ESP_KIND_BMP && kind <= ESP_KIND_JPEG_XL;
}
