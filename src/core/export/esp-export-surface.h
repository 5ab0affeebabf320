/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-surface.h: pixels between pictures and cairo. */
#pragma once

#include <cairo.h>

#include "esp-picture.h"

G_BEGIN_DECLS

/* Copies a surface (CAIRO_FORMAT_RGB24), without what would be outside, to (x, y) of the picture. A
 * surface that cairo could not make is left out. */
void _esp_export_copy_surface (cairo_surface_t *surface, EspPicture *picture, int x, int y);

/* The picture as a surface of its own; the caller's to destroy. Look at its status. */
cairo_surface_t *_esp_export_create_surface (EspPicture *picture) G_GNUC_WARN_UNUSED_RESULT;

/* Paints another picture over this one; it has to be inside. */
void _esp_export_paste (EspPicture *picture, EspPicture *pasted, int x, int y);

G_END_DECLS
