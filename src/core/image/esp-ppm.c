/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-ppm.c: binary PPM (P6, 8 bits), in which pictures go to the worker and come back. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-file-private.h"
#include "esp-source-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The next unsigned decimal number of the header, after white space and "#" comments. */
static gboolean
next_number (const EspSource *source, gsize *at, guint64 *number)
{
  gboolean any = FALSE;

  while (*at < source->size && (g_ascii_isspace (source->data[*at]) || source->data[*at] == '#'))
    {
      if (source->data[*at] == '#')
        while (*at < source->size && source->data[*at] != '\n')
          (*at)++;
      else
        (*at)++;
    }
  *number = 0;
  while (*at < source->size && g_ascii_isdigit (source->data[*at]))
    {
      *number = MIN (*number * 10 + (guint64) (source->data[*at] - '0'), G_MAXUINT32);
      (*at)++;
      any = TRUE;
    }
  return any;
}

EspPicture *
_esp_decode_ppm (const EspSource *source, GError **error)
{
  guint64 width, height, maximum;
  gsize at = 2;
  gsize bytes;
  EspPicture *picture;

  source->info->format = "PPM";
  if (source->size < 2 || memcmp (source->data, "P6", 2) != 0 || !next_number (source, &at, &width)
      || !next_number (source, &at, &height) || !next_number (source, &at, &maximum))
    {
      _esp_source_damaged (source, error, _ ("its PPM header is wrong"));
      return NULL;
    }
  if (!_esp_source_check_size (source, width, height, error))
    return NULL;
  if (maximum != 255)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("“%s” is a PPM picture with a maximum other than 255"), source->name);
      return NULL;
    }

  at++; /* the one white-space byte before the pixels */
  bytes = (gsize) (width * height * 3);
  if (at > source->size || source->size - at < bytes)
    {
      _esp_source_damaged (source, error, _ ("the file ends too early"));
      return NULL;
    }
  picture = esp_picture_new ((int) width, (int) height, error);
  if (picture != NULL)
    memcpy (picture->pixels, source->data + at, bytes);
  return picture;
}

/* Reads a PPM file and nothing else; otherwise as esp_picture_load (). */
EspPicture *
esp_picture_load_ppm (const char *path, GError **error)
{
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  g_autofree char *name = g_filename_display_name (path);
  g_autoptr (GBytes) bytes = _esp_source_read_file (path, name, NULL, error);
  EspSource source = { .name = name, .info = &info };
  EspPicture *picture = NULL;

  if (bytes != NULL)
    {
      source.data = g_bytes_get_data (bytes, &source.size);
      picture = _esp_decode_ppm (&source, error);
    }
  esp_picture_info_clear (&info);
  return picture;
}

/* Writes a PPM file, whole or not at all: another process that sees it can read it. It is not
 * synced to the disk, being an exchange between processes. */
gboolean
esp_picture_save_ppm (EspPicture *picture, const char *path, GError **error)
{
  g_autofree char *header = NULL;
  EspPiece pieces[2];

  g_return_val_if_fail (picture != NULL && path != NULL, FALSE);

  header = g_strdup_printf ("P6\n%d %d\n255\n", picture->width, picture->height);
  pieces[0] = (EspPiece){ header, strlen (header) };
  pieces[1] = (EspPiece){ picture->pixels, (gsize) picture->width * (gsize) picture->height * 3 };
  return _esp_file_replace (path, pieces, 2, ESP_REPLACE_NO_SYNC, NULL, error);
}
