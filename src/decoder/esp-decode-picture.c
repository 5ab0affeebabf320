/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-picture.c: from bytes to an upright picture: finds the decoder, applies the
 * orientation. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-decode.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-picture-memory.h"
#include "esp-picture-refusal.h"
#include "esp-source-private.h"

gboolean
_esp_source_check_size (const EspSource *source, guint64 width, guint64 height, GError **error)
{
  return esp_picture_check_size (source->name, width, height, error);
}

void
_esp_source_damaged (const EspSource *source, GError **error, const char *detail)
{
  esp_picture_refuse_damaged (source->name, detail, error);
}

/* Adds a warning to the info and takes it over. Libraries quote what is in the file, and that may
 * be no text. */
void
_esp_source_warn (const EspSource *source, char *message)
{
  g_autofree char *words = message;

  if (source->info->warnings == NULL)
    source->info->warnings = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (source->info->warnings, g_utf8_make_valid (words, -1));
}

EspPicture *
_esp_source_new_picture (const EspSource *source, int width, int height, GError **error)
{
  /* What is known to be turned later is not where the result goes. */
  return source->memory != NULL && source->info->orientation == 1
             ? esp_picture_new_shared (*source->memory, width, height, error)
             : esp_picture_new (width, height, error);
}

typedef EspPicture *(*Decoder) (const EspSource *source, GError **error);

static const Decoder decoders[ESP_N_KINDS] = {
  [ESP_KIND_PNG] = _esp_decode_png,     [ESP_KIND_JPEG] = _esp_decode_jpeg,
  [ESP_KIND_WEBP] = _esp_decode_webp,   [ESP_KIND_TIFF] = _esp_decode_tiff,
  [ESP_KIND_GIF] = _esp_decode_gif,     [ESP_KIND_PPM] = _esp_decode_ppm,
  [ESP_KIND_BMP] = _esp_decode_pixbuf,  [ESP_KIND_AVIF] = _esp_decode_pixbuf,
  [ESP_KIND_HEIF] = _esp_decode_pixbuf, [ESP_KIND_JPEG_XL] = _esp_decode_pixbuf,
};

/* Where pixel (x, y) of the upright picture stands in the stored one of w × h, by EXIF's table. */
static gsize
stored_index (int orientation, gsize x, gsize y, gsize w, gsize h)
{
  switch (orientation)
    {
    case 2:
      return y * w + (w - 1 - x);
    case 3:
      return (h - 1 - y) * w + (w - 1 - x);
    case 4:
      return (h - 1 - y) * w + x;
    case 5:
      return x * w + y;
    case 6:
      return (h - 1 - x) * w + y;
    case 7:
      return (h - 1 - x) * w + (w - 1 - y);
    case 8:
      return x * w + (w - 1 - y);
    default:
      return y * w + x;
    }
}

static void
copy_upright (const EspPicture *stored, int orientation, EspPicture *turned)
{
  const gsize w = (gsize) stored->width;
  const gsize h = (gsize) stored->height;
  guint8 *out = turned->pixels;

  for (gsize y = 0; y < (gsize) turned->height; y++)
    for (gsize x = 0; x < (gsize) turned->width; x++, out += 3)
      {
        const guint8 *in = stored->pixels + stored_index (orientation, x, y, w, h) * 3;

        out[0] = in[0];
        out[1] = in[1];
        out[2] = in[2];
      }
}

/* Takes the picture as the file stores it. Where it has been put into the memory that the upright
 * one is for (a PNG may say at its end that it has to be turned), it is copied out of the way. */
static EspPicture *
turn_upright (EspPicture *stored, const EspSource *source, GError **error)
{
  const int orientation = source->info->orientation;
  const gboolean swapped = orientation >= 5;
  const int width = swapped ? stored->height : stored->width;
  const int height = swapped ? stored->width : stored->height;
  EspPicture *turned;

  if (esp_picture_is_shared (stored))
    {
      EspPicture *copy = esp_picture_new (stored->width, stored->height, error);

      if (copy != NULL)
        memcpy (copy->pixels, stored->pixels, ESP_PICTURE_BYTES (stored->width, stored->height));
      esp_picture_unref (stored);
      stored = copy;
    }
  if (stored == NULL)
    return NULL;
  turned = source->memory != NULL ? esp_picture_new_shared (*source->memory, width, height, error)
                                  : esp_picture_new (width, height, error);
  if (turned != NULL)
    copy_upright (stored, orientation, turned);
  esp_picture_unref (stored);
  return turned;
}

EspPicture *
esp_decode_picture (GBytes *bytes, const char *name, int memory, EspPictureInfo *info,
                    GCancellable *cancellable, GError **error)
{
  EspPictureInfo own_info = ESP_PICTURE_INFO_INIT;
  EspSource source
      = { .name = name, .cancellable = cancellable, .memory = memory >= 0 ? &memory : NULL };
  EspPicture *picture = NULL;

  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  source.data = g_bytes_get_data (bytes, &source.size);
  source.info = info != NULL ? info : &own_info;
  if (source.size == 0)
    esp_picture_refuse_read (name, _ ("the file is empty"), error);
  else if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      const Decoder decoder = decoders[esp_picture_kind_find (source.data, source.size)];

      if (decoder != NULL)
        picture = decoder (&source, error);
      else
        esp_picture_refuse_unknown (name, error);
    }

  if (picture != NULL && source.info->orientation != 1)
    picture = turn_upright (picture, &source, error);
  esp_picture_info_clear (&own_info);
  return picture;
}
