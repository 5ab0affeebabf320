/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-attach.c: the segments that hold a recipe are made by the encoder, for a picture of
 * one pixel, and put before all else in the file. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-attach.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-picture-strip.h"

#define MARKER_SOI  0xd8
#define MARKER_SOS  0xda
#define MARKER_APP0 0xe0
#define MARKER_APP1 0xe1

/* The size of the segment at `at`, with its marker; 0: there is none. */
static gsize
segment_size (const guint8 *data, gsize size, gsize at)
{
  gsize length;

  if (at + 4 > size || data[at] != 0xff || data[at + 1] < 0xc0 || data[at + 1] == MARKER_SOS)
    return 0;
  length = 2 + (gsize) (data[at + 2] << 8 | data[at + 3]);
  return at + length <= size ? length : 0;
}

/* The APP1 segments (EXIF, XMP) of a JPEG. */
static void
copy_segments (GBytes *jpeg, GByteArray *into)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (jpeg, &size);
  gsize length;

  for (gsize at = 2; (length = segment_size (data, size, at)) > 0; at += length)
    if (data[at + 1] == MARKER_APP1)
      g_byte_array_append (into, data + at, (guint) length);
}

/* Where they go: JFIF wants to be first. 0: there are some already. */
static gsize
find_place (const guint8 *data, gsize size)
{
  gsize place = 2;
  gsize length;

  if (segment_size (data, size, place) > 0 && data[place + 1] == MARKER_APP0)
    place += segment_size (data, size, place);
  for (gsize at = 2; (length = segment_size (data, size, at)) > 0; at += length)
    if (data[at + 1] == MARKER_APP1)
      return 0;
  return place;
}

GBytes *
esp_picture_attach_recipe (GBytes *bytes, const char *name, const EspRecipe *recipe, GError **error)
{
  g_autoptr (EspPicture) pixel = NULL;
  g_autoptr (GBytes) bare = NULL;
  g_autoptr (GBytes) carrier = NULL;
  GByteArray *whole;
  const guint8 *data;
  gsize size, place;

  g_return_val_if_fail (bytes != NULL && name != NULL && recipe != NULL, NULL);

  data = g_bytes_get_data (bytes, &size);
  if (size < 4 || data[0] != 0xff || data[1] != MARKER_SOI || size > G_MAXINT)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED, _ ("“%s” is not a JPEG"),
                   name);
      return NULL;
    }

  bare = esp_picture_strip_metadata (bytes, name, error);
  pixel = bare != NULL ? esp_picture_new (1, 1, error) : NULL;
  carrier = pixel != NULL ? esp_picture_to_bytes (pixel, ESP_FORMAT_JPEG, recipe, NULL, NULL, error)
                          : NULL;
  if (carrier == NULL)
    return NULL;

  data = g_bytes_get_data (bare, &size);
  place = find_place (data, size);
  if (place == 0)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("“%s” has an orientation of its own"), name);
      return NULL;
    }
  whole = g_byte_array_new ();
  g_byte_array_append (whole, data, (guint) place);
  copy_segments (carrier, whole);
  g_byte_array_append (whole, data + place, (guint) (size - place));
  return g_byte_array_free_to_bytes (whole);
}
