/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-fitted-frame.h: pictures of different sizes, held side by side.
 *
 * The fitted frame is as large as the largest of them (by pixels; of equal ones the first). Every
 * picture is scaled to fit into it as a whole, in the middle, keeping its shape. Views draw that
 * way, differences and exports are computed that way, so that all of them show the same. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

typedef struct
{
  int width, height; /* px */
} EspFrameSize;

typedef struct
{
  int x, y, width, height; /* px in the frame */
} EspFramePlace;

/* The frame of `n` sizes (at least one, each > 0). */
EspFrameSize esp_fitted_frame_get (const EspFrameSize *sizes, guint n);

/* Where a picture of `size` lies in the frame: centred, the whole of it, as large as it goes. */
EspFramePlace esp_fitted_frame_place (EspFrameSize frame, EspFrameSize size);

/* Is every picture as large as the frame? Then nothing was fitted, and nothing need be said. */
gboolean esp_fitted_frame_is_exact (EspFrameSize frame, const EspFrameSize *sizes, guint n);

/* The picture scaled to its place (not padded): itself, with a reference, where it fits exactly.
 * Blocks. */
EspPicture *esp_fitted_frame_scale (EspFrameSize frame, EspPicture *picture,
                                    GCancellable *cancellable,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
