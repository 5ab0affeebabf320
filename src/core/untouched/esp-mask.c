/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask.c: memory of masks, and masks as files. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-mask.h"

#include <glib/gi18n-lib.h>
#include <png.h>
#include <string.h>

/* Grey with few values packs well at any level; the fastest that still finds runs. */
#define PNG_LEVEL 2

void
esp_mask_refuse_room (int width, int height, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
               _ ("There is not enough memory for a mask of %d × %d pixels"), width, height);
}

EspMask *
esp_mask_new (int width, int height, GError **error)
{
  guint8 *values = NULL;
  EspMask *mask;

  if (width > 0 && height > 0 && width <= ESP_PICTURE_MAX_SIDE && height <= ESP_PICTURE_MAX_SIDE
      && (gint64) width * height <= ESP_PICTURE_MAX_PIXELS)
    values = g_try_malloc0_n ((gsize) width, (gsize) height);
  if (values == NULL)
    {
      esp_mask_refuse_room (width, height, error);
      return NULL;
    }
  mask = g_atomic_rc_box_new0 (EspMask);
  *mask = (EspMask){ values, width, height };
  return mask;
}

EspMask *
esp_mask_copy (EspMask *mask, GError **error)
{
  EspMask *copy = esp_mask_new (mask->width, mask->height, error);

  if (copy != NULL)
    memcpy (copy->values, mask->values, (gsize) mask->width * (gsize) mask->height);
  return copy;
}

EspMask *
esp_mask_ref (EspMask *mask)
{
  g_return_val_if_fail (mask != NULL, NULL);
  return g_atomic_rc_box_acquire (mask);
}

static void
mask_clear (gpointer data)
{
  EspMask *mask = data;

  g_clear_pointer (&mask->values, g_free);
}

void
esp_mask_unref (EspMask *mask)
{
  g_return_if_fail (mask != NULL);
  g_atomic_rc_box_release_full (mask, mask_clear);
}

/* --- Files ------------------------------------------------------------------------------------ */

static void
on_write (png_structp png, png_bytep data, size_t length)
{
  GByteArray *out = png_get_io_ptr (png);

  g_byte_array_append (out, data, (guint) length);
}

static void
on_flush (png_structp png)
{
}

/* libpng comes back here by longjmp: nothing is allocated in this frame. */
static gboolean
write_rows (png_structp png, png_infop info, EspMask *mask, GByteArray *out)
{
  if (setjmp (png_jmpbuf (png)))
    return FALSE;
  png_set_write_fn (png, out, on_write, on_flush);
  png_set_user_limits (png, ESP_PICTURE_MAX_SIDE, ESP_PICTURE_MAX_SIDE);
  png_set_IHDR (png, info, (png_uint_32) mask->width, (png_uint_32) mask->height, 8,
                PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level (png, PNG_LEVEL);
  png_set_filter (png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE | PNG_FILTER_UP);
  png_write_info (png, info);
  for (gsize y = 0; y < (gsize) mask->height; y++)
    png_write_row (png, mask->values + y * (gsize) mask->width);
  png_write_end (png, NULL);
  return TRUE;
}

GBytes *
esp_mask_to_bytes (EspMask *mask, GError **error)
{
  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png != NULL ? png_create_info_struct (png) : NULL;
  g_autoptr (GByteArray) out = g_byte_array_new ();
  const gboolean ok = info != NULL && write_rows (png, info, mask, out);

  png_destroy_write_struct (&png, &info);
  if (!ok)
    {
      g_set_error_literal (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
                           _ ("The mask cannot be written as PNG"));
      return NULL;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

EspMask *
esp_mask_new_from_picture (EspPicture *picture, GError **error)
{
  EspMask *mask = esp_mask_new (picture->width, picture->height, error);
  gsize n;

  if (mask == NULL)
    return NULL;
  /* Rec. 601 weights in 1/1024: of grey ones the value itself, and 255 only for white. */
  n = (gsize) mask->width * (gsize) mask->height;
  for (gsize i = 0; i < n; i++)
    {
      const guint8 *rgb = picture->pixels + 3 * i;

      mask->values[i] = (guint8) ((306 * rgb[0] + 601 * rgb[1] + 117 * rgb[2]) >> 10);
    }
  return mask;
}

EspMask *
esp_mask_load_bytes (GBytes *bytes, const char *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) picture = esp_picture_load_bytes (bytes, name, NULL, cancellable, error);

  return picture != NULL ? esp_mask_new_from_picture (picture, error) : NULL;
}

double
esp_mask_get_fraction (EspMask *mask)
{
  const gsize n = (gsize) mask->width * (gsize) mask->height;
  gsize count = 0;

  for (gsize i = 0; i < n; i++)
    count += mask->values[i] > 0;
  return (double) count / (double) n;
}
