/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-fitted-frame.c: the frame that pictures of different sizes share. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-fitted-frame.h"

#include "esp-picture-scale.h"

EspFrameSize
esp_fitted_frame_get (const EspFrameSize *sizes, guint n)
{
  EspFrameSize frame = { 1, 1 };
  gint64 most = 0;

  g_return_val_if_fail (sizes != NULL && n > 0, frame);

  for (guint i = 0; i < n; i++)
    {
      const gint64 pixels = (gint64) sizes[i].width * sizes[i].height;

      if (pixels > most)
        {
          frame = sizes[i];
          most = pixels;
        }
    }
  return frame;
}

EspFramePlace
esp_fitted_frame_place (EspFrameSize frame, EspFrameSize size)
{
  EspFramePlace place = { 0, 0, frame.width, frame.height };
  gint64 by_width, by_height;

  g_return_val_if_fail (frame.width > 0 && frame.height > 0, place);
  g_return_val_if_fail (size.width > 0 && size.height > 0, place);

  /* Which side is reached first is decided in whole numbers, so that equal shapes fill the frame.
   */
  by_width = (gint64) frame.width * size.height;
  by_height = (gint64) frame.height * size.width;
  if (by_width <= by_height)
    place.height = (int) CLAMP ((by_width + size.width / 2) / size.width, 1, frame.height);
  else
    place.width = (int) CLAMP ((by_height + size.height / 2) / size.height, 1, frame.width);
  place.x = (frame.width - place.width) / 2;
  place.y = (frame.height - place.height) / 2;
  return place;
}

gboolean
esp_fitted_frame_is_exact (EspFrameSize frame, const EspFrameSize *sizes, guint n)
{
  g_return_val_if_fail (sizes != NULL || n == 0, TRUE);

  for (guint i = 0; i < n; i++)
    if (sizes[i].width != frame.width || sizes[i].height != frame.height)
      return FALSE;
  return TRUE;
}

EspPicture *
esp_fitted_frame_scale (EspFrameSize frame, EspPicture *picture, GCancellable *cancellable,
                        GError **error)
{
  EspFramePlace place;

  g_return_val_if_fail (picture != NULL, NULL);

  place = esp_fitted_frame_place (frame, (EspFrameSize){ picture->width, picture->height });
  return esp_picture_scale (picture, place.width, place.height, cancellable, error);
}
