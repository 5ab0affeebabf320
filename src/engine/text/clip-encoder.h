/* SPDX-License-Identifier: MIT */
/* clip-encoder.h: the CLIP text transformer, of which FLUX uses the pooled output only.
 *
 * Architecture as in the transformers library's CLIPTextModel: token + position embeddings,
 * pre-norm blocks with causal attention, final LayerNorm; pooled = the row of the first end token.
 * There is no projection.
 */
#pragma once

#include "ops/layers.h"

typedef struct EspClipEncoder EspClipEncoder;

/* Opens the encoder at `path`, a sub-folder or a file in any naming (files/component-names.h), and
 * binds every tensor. Sizes are those of its config.json; without one they follow from the tensors'
 * shapes, with heads of 64 columns. */
EspStatus esp_clip_encoder_open (const char *path, EspClipEncoder **result, EspError *error);
void esp_clip_encoder_free (EspClipEncoder *encoder);

int64_t esp_clip_encoder_width (const EspClipEncoder *encoder);      /* of the pooled output */
int64_t esp_clip_encoder_vocabulary (const EspClipEncoder *encoder); /* ids must be smaller */
int64_t esp_clip_encoder_positions (const EspClipEncoder *encoder);  /* 77 */
const EspWeights *esp_clip_encoder_weights (const EspClipEncoder *encoder);
/* The table of its layers; what is bound there stays where it is. */
EspLayers *esp_clip_encoder_layers (EspClipEncoder *encoder);

/* Encodes `count` ids (padded to the positions) and writes [width] f32 to host memory `pooled`.
 * Prepares and releases the encoder's weights. Errors as the device reports them. */
EspStatus esp_clip_encode (EspClipEncoder *encoder, EspDevice *device, const int32_t *ids,
                           int64_t count, float *pooled, EspError *error);
