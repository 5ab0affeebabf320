/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-color-private.h: rows of whatever a file holds become rows of opaque 8-bit sRGB. */
#pragma once

#include "esp-source-private.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_COLOR_GREY,
  ESP_COLOR_RGB,
  ESP_COLOR_CMYK, /* 0 = no ink */
} EspColorModel;

typedef struct _EspRowConverter EspRowConverter;

/* A converter for rows of up to `width` pixels: interleaved samples of `depth` 8 or 16 bits (native
 * byte order), the colours followed by straight alpha if `alpha`. `profile` is the embedded ICC
 * profile or NULL; one that is broken or of another colour model is ignored with a warning.
 *
 * Conversion is relative colorimetric with black point compensation, the default of the photo
 * editors people compare with: white stays white and in-gamut colours stay exact; between the
 * matrix profiles that cameras and screens embed it equals perceptual anyway. */
EspRowConverter *_esp_row_converter_new (const EspSource *source, EspColorModel model,
                                         gboolean alpha, int depth, const guint8 *profile,
                                         gsize profile_size, int width);
void _esp_row_converter_run (EspRowConverter *self, const void *samples, guint8 *rgb, int width);
void _esp_row_converter_free (EspRowConverter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspRowConverter, _esp_row_converter_free)

G_END_DECLS
