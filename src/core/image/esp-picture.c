/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture.c: memory of pictures and of what is known about them. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture.h"

#include <glib/gi18n-lib.h>

G_DEFINE_QUARK (esp - image - error - quark, esp_image_error)

/* Frees what an info holds and makes it empty again. */
void
esp_picture_info_clear (EspPictureInfo *info)
{
  g_return_if_fail (info != NULL);

  g_free (info->profile);
  if (info->warnings != NULL)
    g_ptr_array_unref (info->warnings);
  *info = (EspPictureInfo) ESP_PICTURE_INFO_INIT;
}

/* A new picture of width × height pixels, zeroed (black), one reference held by the caller. Sizes
 * outside the limits of esp-picture.h and a lack of memory are ESP_IMAGE_ERROR_TOO_LARGE. */
EspPicture *
esp_picture_new (int width, int height, GError **error)
{
  EspPicture *picture;
  guint8 *pixels = NULL;

  if (width > 0 && height > 0 && width <= ESP_PICTURE_MAX_SIDE && height <= ESP_PICTURE_MAX_SIDE
      && (gint64) width * height <= ESP_PICTURE_MAX_PIXELS)
    pixels = g_try_malloc0_n ((gsize) width * (gsize) height, 3);

  if (pixels == NULL)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("There is no room for a picture of %d × %d pixels"), width, height);
      return NULL;
    }

  picture = g_atomic_rc_box_new0 (EspPicture);
  picture->pixels = pixels;
  picture->width = width;
  picture->height = height;
  return picture;
}

/* One more reference to the same picture; from any thread. */
EspPicture *
esp_picture_ref (EspPicture *picture)
{
  g_return_val_if_fail (picture != NULL, NULL);
  return g_atomic_rc_box_acquire (picture);
}

static void
picture_clear (gpointer data)
{
  EspPicture *picture = data;
  g_clear_pointer (&picture->pixels, g_free);
}

/* Gives a reference back; the last one frees the pixels. */
void
esp_picture_unref (EspPicture *picture)
{
  g_return_if_fail (picture != NULL);
  g_atomic_rc_box_release_full (picture, picture_clear);
}
