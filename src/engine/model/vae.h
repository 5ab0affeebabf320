/* SPDX-License-Identifier: MIT */
/* vae.h: the autoencoder (diffusers' AutoencoderKL): pictures ↔ latents.
 *
 * Encoding takes the mode (mean) of the distribution, as the Kontext pipeline does. Latents here
 * are in the autoencoder's own scale; latents.h applies scaling and shift factors and packs tokens.
 *
 * Memory stays bounded, and exactly: the small, deep part of the network always sees the whole
 * picture; each further stretch runs in tiles once it would need more than the given budget, with
 * the whole picture's statistics in its group norms (vae-tiling.h).
 */
#pragma once

#include <stdatomic.h>

#include "ops/ops.h"

#define ESP_VAE_MAX_LEVELS 8

typedef struct EspVaeConfig
{
  int64_t latent_channels;
  int64_t groups;
  int64_t encoder_blocks, decoder_blocks; /* residual blocks of a level */
  int levels;
  int64_t channels[ESP_VAE_MAX_LEVELS]; /* block_out_channels */
  double scaling_factor, shift_factor;
  bool quant_conv, post_quant_conv, mid_attention;
} EspVaeConfig;

typedef struct EspVae EspVae;

/* Opens the autoencoder at `path`, a sub-folder or a file in any naming (files/component-names.h),
 * and binds every tensor. Sizes are those of its config.json; without one they follow from the
 * tensors' shapes, with FLUX's factors and 32 groups in each norm. */
EspStatus esp_vae_open (const char *path, EspVae **result, EspError *error);
void esp_vae_free (EspVae *vae);
const EspVaeConfig *esp_vae_config (const EspVae *vae);
const EspWeights *esp_vae_weights (const EspVae *vae);

/* Pixels a side of one latent: 2^(levels - 1). */
int64_t esp_vae_factor (const EspVae *vae);

/* Gives the prepared weights back. */
void esp_vae_release (EspVae *vae, EspDevice *device);

typedef struct EspVaeLimits
{
  size_t memory; /* bytes of activations; a picture that needs more is tiled */
  bool never_tile, always_tile;
  const atomic_bool *cancel, *also_cancel; /* looked at between layers; may be NULL */
} EspVaeLimits;

/* pixels: host [height·width·3] f32 in -1 … 1; latents: host
 * [(height/f)·(width/f)·latent_channels], channels last, the mean. height and width are multiples
 * of the factor. */
EspStatus esp_vae_encode (EspVae *vae, EspDevice *device, const float *pixels, int64_t height,
                          int64_t width, const EspVaeLimits *limits, float *latents,
                          EspError *error);

/* The way back: height and width count latents; pixels gets [(f·height)·(f·width)·3]. */
EspStatus esp_vae_decode (EspVae *vae, EspDevice *device, const float *latents, int64_t height,
                          int64_t width, const EspVaeLimits *limits, float *pixels,
                          EspError *error);
