/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference-heat.c: differences as colours. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-difference.h"

guint32
esp_difference_get_heat (double share)
{
  const guint32 grey = (guint32) (CLAMP (share, 0, 1) * 255);

  return grey << 16 | grey << 8 | grey;
}

EspPicture *
esp_difference_render (EspDifference *self, double gain, GCancellable *cancellable, GError **error)
{
  const EspFrameSize frame = esp_difference_get_frame (self);

  return esp_picture_new (frame.width, frame.height, error);
}
