/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compose-private.h: a result laid into its source where a mask says so. */
#pragma once

#include "esp-mask.h"
#include "esp-plane-private.h"
#include "esp-region.h"

G_BEGIN_DECLS

/* A new picture: `source`, and where `weights` (as large as the source) is above 0, `result` as it
 * is seen from the rectangle `box` of the source through `map`, with the tint of `registration`
 * taken off. What of it comes out as the source's own value keeps it bit for bit. Blocks, on all
 * cores. */
EspPicture *_esp_compose (EspPicture *source, EspPicture *result, const EspCrop *box,
                          const EspPlaneMap *map, const EspRegistration *registration,
                          EspMask *weights, GCancellable *cancellable,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The rectangle of a picture. A reference to it where that is all of it. */
EspPicture *_esp_picture_cut (EspPicture *picture, int x, int y, int width, int height,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* 255 where the middle of a pixel lies in the region of a width × height picture. */
EspMask *_esp_region_to_mask (const EspRegion *region, int width, int height,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
