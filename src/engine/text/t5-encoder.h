/* SPDX-License-Identifier: MIT */
/* t5-encoder.h: the T5 v1.1 encoder: RMS norms, no biases, relative position buckets shared by all
 * blocks, no 1/√d scaling of the attention logits, gated GELU. As in the transformers library's
 * T5EncoderModel.
 */
#pragma once

#include <stdatomic.h>

#include "ops/layers.h"

typedef struct EspT5Encoder EspT5Encoder;

/* Opens the encoder at `path`, a sub-folder or a file in any naming (files/component-names.h), and
 * binds every tensor. Sizes are those of its config.json; without one they follow from the tensors'
 * shapes, with T5 v1.1's gated GELU and maximum distance 128. */
EspStatus esp_t5_encoder_open (const char *path, EspT5Encoder **result, EspError *error);
void esp_t5_encoder_free (EspT5Encoder *encoder);

int64_t esp_t5_encoder_width (const EspT5Encoder *encoder);
int64_t esp_t5_encoder_vocabulary (const EspT5Encoder *encoder);
const EspWeights *esp_t5_encoder_weights (const EspT5Encoder *encoder);
/* The table of its layers; what is bound there stays where it is. */
EspLayers *esp_t5_encoder_layers (EspT5Encoder *encoder);

/* Encodes `count` ids (already padded; pads are attended, as the Kontext pipeline does) and writes
 * [count, width] f32 to host memory `embeddings`. Prepares each block's weights, runs it and
 * releases them, so that only one block is ever held. `cancel` may be NULL. */
EspStatus esp_t5_encode (EspT5Encoder *encoder, EspDevice *device, const int32_t *ids,
                         int64_t count, float *embeddings, const atomic_bool *cancel,
                         EspError *error);

/* The bucket of a relative position (key - query): bidirectional, half of `buckets` for each sign,
 * the first half of those exact, the rest logarithmic up to `max_distance` (Raffel et al. 2020; the
 * arithmetic is that of transformers' _relative_position_bucket, in f32). */
int64_t esp_t5_bucket (int64_t relative, int64_t buckets, int64_t max_distance);
