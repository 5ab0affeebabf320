/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-scale.h: pictures in other sizes. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

/* The picture in exactly this size, by a Lanczos filter with three lobes. Needs little memory
 * besides the result. A reference to `picture` itself where the size is the same. */
EspPicture *esp_picture_scale (EspPicture *picture, int width, int height,
                               GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A copy whose longer side is at most `max_side`, made quickly for a thumbnail; a reference to
 * `picture` itself if it is no larger. */
EspPicture *esp_picture_shrink (EspPicture *picture, int max_side,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The largest size of the picture's shape that fits into a box; never larger than the picture,
 * never below 1. */
void esp_picture_fit (int width, int height, int box_width, int box_height, int *fit_width,
                      int *fit_height);

G_END_DECLS
