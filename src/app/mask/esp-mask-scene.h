/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-scene.h: a mask that is being changed, and what is drawn of it over an image.
 *
 * The scene has the mask; painting, growing, feathering and drawing happen in a thread, one piece
 * of work at a time, always of what is seen at present. What is on the screen stays there until
 * what takes its place is ready. Main thread only.
 *
 * Signal "changed" (): there is something else to draw.
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-mask.h"

G_BEGIN_DECLS

#define ESP_TYPE_MASK_SCENE (esp_mask_scene_get_type ())

G_DECLARE_FINAL_TYPE (EspMaskScene, esp_mask_scene, ESP, MASK_SCENE, GObject)

EspMaskScene *esp_mask_scene_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* The mask from now on (a copy is made, in the thread); NULL: none, nothing is drawn. What was
 * painted and not yet asked for is lost. */
void esp_mask_scene_set_mask (EspMaskScene *self, EspMask *mask);
gboolean esp_mask_scene_has_mask (EspMaskScene *self);

/* What it is composed of: both as large as the mask; NULL: no picture is drawn. */
void esp_mask_scene_set_pictures (EspMaskScene *self, EspPicture *source, EspPicture *result);

/* Both in px of the mask; as esp_mask_shape (). */
void esp_mask_scene_set_shape (EspMaskScene *self, double grow, double feather);

/* For high contrast. */
void esp_mask_scene_set_strong (EspMaskScene *self, gboolean strong);

/* From now on the picture is drawn wherever the mask is changed, as what is below shows it as it
 * was before; FALSE: what is below shows the mask as it is by now. */
void esp_mask_scene_set_live (EspMaskScene *self, gboolean live);
gboolean esp_mask_scene_is_live (EspMaskScene *self);

/* A piece of a stroke, as esp_mask_paint (); `value` 255 or 0. */
void esp_mask_scene_paint (EspMaskScene *self, double x0, double y0, double x1, double y1,
                           double radius, double hardness, guint8 value);

/* A copy of the mask with all that has been painted by now. */
void esp_mask_scene_dup_mask_async (EspMaskScene *self, GAsyncReadyCallback callback,
                                    gpointer user_data);
EspMask *esp_mask_scene_dup_mask_finish (EspMaskScene *self, GAsyncResult *result,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For esp_image_view_add_layer (): the picture where it is another, and over it the veil. */
void esp_mask_scene_snapshot (EspMaskScene *self, GtkSnapshot *snapshot,
                              const graphene_rect_t *place, const graphene_rect_t *visible,
                              double density, gboolean with_veil);

/* Is what is drawn up to date with what was seen last? */
gboolean esp_mask_scene_is_current (EspMaskScene *self);

G_END_DECLS
