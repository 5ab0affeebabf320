/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-encode-private.h: the encoders, each with the recipe in its format's own places. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

GBytes *_esp_encode_png (EspPicture *picture, const EspRecipe *recipe,
                         const EspSaveOptions *options, GCancellable *cancellable, GError **error);
GBytes *_esp_encode_jpeg (EspPicture *picture, const EspRecipe *recipe,
                          const EspSaveOptions *options, GCancellable *cancellable, GError **error);
GBytes *_esp_encode_webp (EspPicture *picture, const EspRecipe *recipe,
                          const EspSaveOptions *options, GCancellable *cancellable, GError **error);
GBytes *_esp_encode_tiff (EspPicture *picture, const EspRecipe *recipe,
                          const EspSaveOptions *options, GCancellable *cancellable, GError **error);

/* A WebP file (still or moving) with the recipe in its EXIF and XMP chunks. */
GBytes *_esp_webp_add_recipe (const guint8 *data, gsize size, const EspRecipe *recipe,
                              GError **error);

G_END_DECLS
