/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-ppm.c: binary PPM (P6, 8 bits), in which pictures go to the worker and come back. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-file-private.h"
#include "esp-picture-file-private.h"
#include "esp-picture-memory.h"
#include "esp-picture-refusal.h"
#include "esp-ppm.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The next unsigned decimal number of the header, after white space and "#" comments. */
static gboolean
next_number (const guint8 *data, gsize size, gsize *at, guint64 *number)
{
  gboolean any = FALSE;

  while (*at < size && (g_ascii_isspace (data[*at]) || data[*at] == '#'))
    {
      if (data[*at] == '#')
        while (*at < size && data[*at] != '\n')
          (*at)++;
      else
        (*at)++;
    }
  *number = 0;
  while (*at < size && g_ascii_isdigit (data[*at]))
    {
      *number = MIN (*number * 10 + (guint64) (data[*at] - '0'), G_MAXUINT32);
      (*at)++;
      any = TRUE;
    }
  return any;
}

gboolean
esp_ppm_find_pixels (const guint8 *data, gsize size, const char *name, EspPpm *ppm, GError **error)
{
  guint64 width, height, maximum;
  gsize at = 2;

  if (size < 2 || memcmp (data, "P6", 2) != 0 || !next_number (data, size, &at, &width)
      || !next_number (data, size, &at, &height) || !next_number (data, size, &at, &maximum))
    {
      esp_picture_refuse_damaged (name, _ ("its PPM header is wrong"), error);
      return FALSE;
    }
  if (!esp_picture_check_size (name, width, height, error))
    return FALSE;
  if (maximum != 255)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("“%s” is a PPM picture with a maximum other than 255"), name);
      return FALSE;
    }

  at++; /* the one white-space byte before the pixels */
  if (at > size || size - at < ESP_PICTURE_BYTES (width, height))
    {
      esp_picture_refuse_damaged (name, _ ("the file ends too early"), error);
      return FALSE;
    }
  *ppm = (EspPpm){ (int) width, (int) height, data + at };
  return TRUE;
}

/* Reads a PPM file and nothing else, in this process: a header of three numbers and plain bytes, as
 * our own worker writes them; otherwise as esp_picture_load (). */
EspPicture *
esp_picture_load_ppm (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  g_autoptr (GBytes) bytes = _esp_picture_file_read (path, name, NULL, error);
  EspPicture *picture = NULL;
  gsize size = 0;
  const guint8 *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  EspPpm ppm;

  if (data != NULL && esp_ppm_find_pixels (data, size, name, &ppm, error))
    picture = esp_picture_new (ppm.width, ppm.height, error);
  if (picture != NULL)
    memcpy (picture->pixels, ppm.pixels, ESP_PICTURE_BYTES (ppm.width, ppm.height));
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
