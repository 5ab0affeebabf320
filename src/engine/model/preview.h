/* SPDX-License-Identifier: MIT */
/* preview.h: a cheap picture of what latents will decode to: latents → RGB by a linear map.
 *
 * The map is fitted per autoencoder by least squares on a picture that was just encoded: its
 * latents against the mean colour of the pixels each of them stands for. That costs a few
 * milliseconds and needs no table of constants for models we have not seen.
 */
#pragma once

#include "model/latents.h"

typedef struct EspPreviewMap
{
  int64_t channels;
  double *weights; /* [channels + 1, 3]; the last row is the constant. NULL while not fitted. */
} EspPreviewMap;

/* Fits the map: latents [height·width·channels] in pixel order as the autoencoder gave them, pixels
 * [f·height · f·width · 3] in -1 … 1. On failure (no memory, degenerate picture) the map stays
 * empty. */
void esp_preview_fit (EspPreviewMap *map, const float *latents, EspLatentSize size, int64_t factor,
                      const float *pixels);
void esp_preview_clear (EspPreviewMap *map);

/* Renders latents of `size` into image->pixels, which has room for width·height·3 bytes. */
void esp_preview_render (const EspPreviewMap *map, const float *latents, EspLatentSize size,
                         EspImage *image);
