/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-exif-private.h: EXIF as it is written: the recipe as text. */
#pragma once

#include "esp-recipe.h"

G_BEGIN_DECLS

/* An EXIF block (no "Exif\0\0" prefix) that says sRGB and, with a recipe, carries its prompt,
 * software and parameters, cut so that the block stays within `limit` bytes. */
GByteArray *_esp_exif_build (const EspRecipe *recipe, gsize limit);

G_END_DECLS
