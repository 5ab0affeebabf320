/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-drift-private.h: the arithmetic of esp-drift.h, without documents. Blocks; from any thread.
 */
#pragma once

#include "esp-drift.h"
#include "esp-untouched.h"

G_BEGIN_DECLS

/* No side above this while something is looked for; masks count at full size. */
#define ESP_DRIFT_MAX_SIDE 1024

/* Adds what `mask` (of any size) has above 0 to `changed`, which is as large as the photo. */
void _esp_drift_add_mask (EspMask *changed, EspMask *mask);

/* The same for a mask as a node stores it, in the way in which it was composed with. */
gboolean _esp_drift_add_composed (EspMask *changed, GBytes *mask, const EspComposition *composition,
                                  GCancellable *cancellable, GError **error);

/* The same for what differs between two pictures that follow one another and of which nothing more
 * is known. `whole` = the picture as a whole. */
gboolean _esp_drift_add_pair (EspMask *changed, EspPicture *before, EspPicture *after,
                              gboolean *whole, GCancellable *cancellable, GError **error);

/* Fills in all but `generation` and `whole`. */
gboolean _esp_drift_compute (EspPicture *photo, EspPicture *now, EspMask *changed, EspDrift *drift,
                             GCancellable *cancellable, GError **error);

G_END_DECLS
