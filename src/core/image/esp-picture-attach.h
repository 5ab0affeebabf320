/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-attach.h: a recipe put into a picture file whose pixels are not touched. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

/* The same JPEG file with this recipe for its only metadata: nothing is decoded and encoded again.
 * ESP_IMAGE_ERROR_UNSUPPORTED for every other format, and where the file says that it must be
 * turned; ESP_IMAGE_ERROR_DAMAGED if it is cut off or wrong. Messages call it `name`. */
GBytes *esp_picture_attach_recipe (GBytes *bytes, const char *name, const EspRecipe *recipe,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
