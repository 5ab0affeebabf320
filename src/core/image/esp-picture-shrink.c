/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-shrink.c: smaller copies of pictures, for thumbnails. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-scale.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>

#include "esp-picture-refusal.h"

/* A copy whose longer side is at most `max_side`, every pixel the average of those it stands for;
 * the picture itself if it is no larger. Each side keeps at least one pixel. */
EspPicture *
esp_picture_shrink (EspPicture *picture, int max_side, GError **error)
{
  g_autoptr (GdkPixbuf) whole = NULL;
  g_autoptr (GdkPixbuf) scaled = NULL;
  EspPicture *result;
  int side, width, height;

  g_return_val_if_fail (picture != NULL, NULL);
  g_return_val_if_fail (max_side > 0, NULL);

  side = MAX (picture->width, picture->height);
  if (side <= max_side)
    return esp_picture_ref (picture);

  width = MAX (1, (int) (((gint64) picture->width * max_side + side / 2) / side));
  height = MAX (1, (int) (((gint64) picture->height * max_side + side / 2) / side));
  result = esp_picture_new (width, height, error);
  if (result == NULL)
    return NULL;

  whole = gdk_pixbuf_new_from_data (picture->pixels, GDK_COLORSPACE_RGB, FALSE, 8, picture->width,
                                    picture->height, 3 * picture->width, NULL, NULL);
  scaled = gdk_pixbuf_scale_simple (whole, width, height, GDK_INTERP_BILINEAR);
  if (scaled == NULL)
    {
      esp_picture_unref (result);
      esp_picture_refuse_room (width, height, error);
      return NULL;
    }
  for (int y = 0; y < height; y++)
    memcpy (result->pixels + (gsize) y * (gsize) width * 3,
            gdk_pixbuf_read_pixels (scaled) + (gsize) y * (gsize) gdk_pixbuf_get_rowstride (scaled),
            (gsize) width * 3);
  return result;
}
