/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-brush.h: a round brush on an image view: by mouse, finger, pen and keyboard.
 *
 * The hand: the primary button or one finger paints; with Control held, and with the other end of a
 * pen, it does the opposite. A pen's pressure is the size. Two fingers zoom, as ever. The keyboard
 * (while the view has the focus): arrows move the brush, with Shift faster; Space paints while it
 * is held, Return begins to paint and ends it; [ and ] are the size, { and } the hardness, B adds
 * and E erases.
 *
 * Properties: "erasing" (boolean), "size" (double, px of the image across), "hardness" (double,
 * 0…1).
 * Signals: "stroke" (x0, y0, x1, y1, radius, boolean erasing): a piece of one, px of the image;
 * "stroke-ended" (); "moved" (): the keyboard has moved it.
 */
#pragma once

#include "esp-image-view.h"

G_BEGIN_DECLS

#define ESP_TYPE_BRUSH (esp_brush_get_type ())

G_DECLARE_FINAL_TYPE (EspBrush, esp_brush, ESP, BRUSH, GObject)

#define ESP_BRUSH_MIN_SIZE 1.0
#define ESP_BRUSH_MAX_SIZE 2000.0

EspBrush *esp_brush_new (EspImageView *view) G_GNUC_WARN_UNUSED_RESULT;

/* Only while it is active does it look at the hand and draw itself. A stroke under way is ended. */
void esp_brush_set_active (EspBrush *self, gboolean active);
gboolean esp_brush_get_active (EspBrush *self);

gboolean esp_brush_get_erasing (EspBrush *self);
void esp_brush_set_erasing (EspBrush *self, gboolean erasing);
double esp_brush_get_size (EspBrush *self);
void esp_brush_set_size (EspBrush *self, double size);
double esp_brush_get_hardness (EspBrush *self);
void esp_brush_set_hardness (EspBrush *self, double hardness);

/* The next size of a row that grows with itself. */
double esp_brush_next_size (double size, gboolean larger);

/* Is it painting at this moment? */
gboolean esp_brush_is_painting (EspBrush *self);

/* Where it is, px of the image. FALSE: nowhere, the pointer is not over the view and no key has
 * called it. */
gboolean esp_brush_get_place (EspBrush *self, double *x, double *y);

/* It is nowhere. */
void esp_brush_put_away (EspBrush *self);

/* A key, wherever in the canvas the focus is: those that do not depend on a place. TRUE: it was one
 * of them. */
gboolean esp_brush_press_key (EspBrush *self, guint key, GdkModifierType state);

/* For esp_image_view_add_layer () after the mask's: the brush's outline. */
void esp_brush_snapshot (EspBrush *self, GtkSnapshot *snapshot);

G_END_DECLS
