/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-picture.h: the picture of a node that is compared, drawn in the fitted frame.
 *
 * It loads by itself: a thumbnail stands in until the image is decoded, previews while the turn
 * runs. Signal "changed" (): it looks different, or has another size. */
#pragma once

#include <gtk/gtk.h>

#include "esp-document.h"
#include "esp-fitted-frame.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_PICTURE (esp_compare_picture_get_type ())
G_DECLARE_FINAL_TYPE (EspComparePicture, esp_compare_picture, ESP, COMPARE_PICTURE, GObject)

EspComparePicture *esp_compare_picture_new (EspDocument *document,
                                            EspNode *node) G_GNUC_WARN_UNUSED_RESULT;
EspNode *esp_compare_picture_get_node (EspComparePicture *self);

/* Of its image; while there is none, of the image that it is made from. Never 0. */
EspFrameSize esp_compare_picture_get_size (EspComparePicture *self);

/* Is the image itself there, as it will be seen from now on? */
gboolean esp_compare_picture_is_loaded (EspComparePicture *self);

/* Draws it in its part of the frame that lies at `place`. */
void esp_compare_picture_snapshot (EspComparePicture *self, GtkSnapshot *snapshot,
                                   EspFrameSize frame, const graphene_rect_t *place,
                                   const graphene_rect_t *visible, double density);

G_END_DECLS
