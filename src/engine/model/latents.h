/* SPDX-License-Identifier: MIT */
/* latents.h: the forms latents take between the autoencoder, the noise and the transformer.
 *
 * "Planes" is PyTorch's order [channels, height, width]; "pixels" is the autoencoder's here,
 * [height, width, channels]; "tokens" is the transformer's, [height/2 · width/2, 4 · channels],
 * where a token holds a 2×2 patch channel by channel (c, y, x). height and width count latents and
 * are even. All f32.
 */
#pragma once

#include <stdint.h>

#include "espalier-engine.h"

typedef struct EspLatentSize
{
  int64_t height, width, channels;
} EspLatentSize;

static inline int64_t
esp_latent_tokens (EspLatentSize size)
{
  return size.height / 2 * (size.width / 2);
}

static inline int64_t
esp_latent_count (EspLatentSize size)
{
  return size.height * size.width * size.channels;
}

void esp_pack_planes (const float *planes, EspLatentSize size, float *tokens);
void esp_pack_pixels (const float *pixels, EspLatentSize size, float *tokens);
void esp_unpack_pixels (const float *tokens, EspLatentSize size, float *pixels);

/* (image, y, x) of each token of the target picture and of `count` references, in that order: [Σ
 * tokens, 3]. The target is image 0. ESP_MULTI_REF_OFFSET: all references are image 1, the first at
 * (0, 0), each next one right of or below those placed so far, whichever keeps the mosaic squarer
 * (ComfyUI's rule, kontext.md 3.4). ESP_MULTI_REF_INDEX: images 1, 2, 3, …, each from (0, 0). */
void esp_latent_positions (EspLatentSize target, const EspLatentSize *references, int count,
                           EspMultiRef placement, float *positions);
