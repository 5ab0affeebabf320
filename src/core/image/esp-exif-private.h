/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-exif-private.h: the little of EXIF that matters here: orientation in, recipe text out. */
#pragma once

#include "esp-recipe.h"

G_BEGIN_DECLS

/* The orientation (1…8) in a TIFF-structured EXIF block, with or without its "Exif\0\0" prefix; 1
 * if there is none or the block is broken. */
int _esp_exif_orientation (const guint8 *data, gsize size);

/* An EXIF block (no "Exif\0\0" prefix) that says sRGB and, with a recipe, carries its prompt,
 * software and parameters, cut so that the block stays within `limit` bytes. */
GByteArray *_esp_exif_build (const EspRecipe *recipe, gsize limit);

G_END_DECLS
