/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-animation.h: several pictures of one size as one moving file, frame by frame.
 *
 * GIF has at most 256 colours a frame, chosen for each frame and dithered; WebP and APNG keep the
 * colours. All play for ever. The functions block; call them from a task. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_ANIMATION_GIF,
  ESP_ANIMATION_WEBP,
  ESP_ANIMATION_APNG,
} EspAnimationFormat;

typedef struct _EspAnimation EspAnimation;

/* `options` as for still pictures (WebP: quality, lossless; APNG: compression), or NULL. */
EspAnimation *esp_animation_new (EspAnimationFormat format, int width, int height,
                                 const EspSaveOptions *options,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_animation_free (EspAnimation *self);

/* Adds a frame of just the animation's size, shown for `milliseconds`. */
gboolean esp_animation_add (EspAnimation *self, EspPicture *frame, guint milliseconds,
                            GCancellable *cancellable, GError **error);

/* The whole file, after at least one frame. `recipe` (of the last frame) may be NULL. */
GBytes *esp_animation_finish (EspAnimation *self, const EspRecipe *recipe,
                              GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspAnimation, esp_animation_free)

G_END_DECLS
