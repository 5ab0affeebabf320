/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-palette-private.h: the 256 colours that serve a picture best, and the picture in them. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 colors[256][3];
  guint n;
} EspPalette;

/* Chooses at most 256 colours: the space is halved where its colours vary most (Wu's idea of median
 * cut on a histogram of 5 bits a channel). */
void _esp_palette_choose (EspPalette *self, EspPicture *picture);

/* Puts a palette index for every pixel into `indices`, with Floyd and Steinberg's error diffusion,
 * row by row in alternating direction. */
gboolean _esp_palette_map (const EspPalette *self, EspPicture *picture, guint8 *indices,
                           GCancellable *cancellable, GError **error);

G_END_DECLS
