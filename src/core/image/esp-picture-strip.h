/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-strip.h: a picture file without anything that tells who, where or how. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

/* The same PNG, JPEG or WebP file without EXIF, XMP, IPTC, comments, texts, thumbnails, times and
 * whatever follows the picture. Not a pixel changes: the compressed data, the colour profile and
 * all that says how to show it (transparency, animation, orientation) stay as they are.
 * ESP_IMAGE_ERROR_UNSUPPORTED for every other format, ESP_IMAGE_ERROR_DAMAGED if the file is cut
 * off or wrong. Messages call it `name`. */
GBytes *esp_picture_strip_metadata (GBytes *bytes, const char *name,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
