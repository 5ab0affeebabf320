/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-image-pyramid.h: a texture that is drawn well at every scale.
 *
 * Scaled down below a half it is drawn from smaller versions, which are made on a thread when they
 * are needed first; until then a rough one stands in for large pictures, so that none of them ever
 * keeps a frame waiting. Scaled up to four times or more each pixel of the image is a sharp square.
 * Large pictures that are not scaled down are drawn in tiles.
 *
 * Signal "changed" (): a better version is there; draw again.
 */
#pragma once

#include "esp-texture-cache.h"

G_BEGIN_DECLS

#define ESP_TYPE_IMAGE_PYRAMID (esp_image_pyramid_get_type ())

G_DECLARE_FINAL_TYPE (EspImagePyramid, esp_image_pyramid, ESP, IMAGE_PYRAMID, GObject)

/* From this many pixels of the screen a pixel of the image on, pixels are squares. */
#define ESP_IMAGE_NEAREST_FROM 4.0

EspImagePyramid *esp_image_pyramid_new (GdkTexture *texture) G_GNUC_WARN_UNUSED_RESULT;

GdkTexture *esp_image_pyramid_get_texture (EspImagePyramid *self);

/* Draws the whole texture to `place`, of which only what is in `visible` matters. `density` is the
 * number of the screen's pixels a unit of these. `smooth` never draws squares. */
void esp_image_pyramid_snapshot (EspImagePyramid *self, GtkSnapshot *snapshot,
                                 const graphene_rect_t *place, const graphene_rect_t *visible,
                                 double density, gboolean smooth);

/* Which version a scale is drawn from: 0 the whole one, 1 half its size, … */
int esp_image_pyramid_level_for_scale (double scale);

/* Asks for what is drawn at a scale (pixels of the screen a pixel of the texture). TRUE: it is
 * there; FALSE: "changed" tells when. */
gboolean esp_image_pyramid_prepare (EspImagePyramid *self, double scale);

/* How many versions there are by now, the whole one included. */
guint esp_image_pyramid_get_n_levels (EspImagePyramid *self);

G_END_DECLS
