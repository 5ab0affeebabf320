/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask.h: which pixels of a picture are the result's (255) and which the source's (0).
 *
 * A mask is 8-bit grey, as large as the source. Masks are shared between threads: whoever is to
 * change one makes a copy. Functions that say so block. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 *values; /* height × width; rows from the top, no padding */
  int width, height;
} EspMask;

/* There is no memory for one of width × height pixels: ESP_IMAGE_ERROR_TOO_LARGE. */
void esp_mask_refuse_room (int width, int height, GError **error);

EspMask *esp_mask_new (int width, int height,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT; /* all 0; NULL: no memory */
EspMask *esp_mask_copy (EspMask *mask, GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspMask *esp_mask_ref (EspMask *mask);
void esp_mask_unref (EspMask *mask);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspMask, esp_mask_unref)

/* A picture's luma. */
EspMask *esp_mask_new_from_picture (EspPicture *picture, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As a grey PNG, and back (any picture: its luma counts). Block. */
GBytes *esp_mask_to_bytes (EspMask *mask, GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspMask *esp_mask_load_bytes (GBytes *bytes, const char *name, GCancellable *cancellable,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is composed with: the mask grown by `grow` px (< 0: shrunk) and feathered outwards over
 * `feather` px, so that all that was 255 stays 255. A reference to `mask` for 0 and 0. Blocks. */
EspMask *esp_mask_shape (EspMask *mask, double grow, double feather, GCancellable *cancellable,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A round brush along a line from (x0, y0) to (x1, y1), px of the mask: raises the values to
 * `value` (255), or lowers them to 0 for `value` 0; `hardness` 0…1 is the share of the radius that
 * has no soft edge. `changed` (or NULL) receives the rectangle that is another now. */
void esp_mask_paint (EspMask *mask, double x0, double y0, double x1, double y1, double radius,
                     double hardness, guint8 value, int changed[4]);

/* Share of pixels above 0, 0…1. */
double esp_mask_get_fraction (EspMask *mask);

G_END_DECLS
