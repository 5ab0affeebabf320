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

G_END_DECLS
