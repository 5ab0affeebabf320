/* SPDX-License-Identifier: MIT */
/* flux-layers.h: the transformer's layers, shared by flux-transformer.c (what they are) and
 * flux-session.c (what they do). */
#pragma once

#include "model/flux-transformer.h"
#include "ops/layers.h"

/* One of a double block's two streams (picture or text). */
typedef struct FluxStream
{
  EspLinear modulation; /* D → 6D: shift, scale, gate of attention, then of the MLP */
  EspLinear qkv, out;
  EspVector norm_q, norm_k; /* [head_dim] */
  EspLinear mlp_in, mlp_out;
} FluxStream;

typedef struct FluxDoubleBlock
{
  FluxStream picture, text;
  int first_layer, layer_count;
} FluxDoubleBlock;

typedef struct FluxSingleBlock
{
  EspLinear modulation; /* D → 3D: shift, scale, gate */
  EspLinear qkv, mlp;   /* both read the same normed rows */
  EspVector norm_q, norm_k;
  EspLinear out; /* [attention D | mlp 4D] → D */
  int first_layer, layer_count;
} FluxSingleBlock;

/* Linear, SiLU, Linear: the embedders of time, guidance and the pooled text. */
typedef struct FluxEmbedder
{
  EspLinear in, out;
} FluxEmbedder;

struct EspFlux
{
  EspFluxConfig config;
  EspWeights *weights;
  EspLayers layers; /* what every step needs; kept prepared between sessions */
  EspLayers once;   /* what only the start of a session needs: embedders and modulations */
  EspLinear picture_in, text_in;
  FluxEmbedder time, guidance, pooled;
  FluxDoubleBlock *double_block;
  FluxSingleBlock *single_block;
  EspLayerGroup *stages; /* each block's linear layers, the double ones before the single ones */
  EspLinear **staged;    /* what they point into */
  EspLinear final_modulation; /* D → 2D: scale, shift (the order of diffusers) */
  EspLinear final;
};

/* A prompt and its negative. */
#define FLUX_TEXTS_MAX 2

struct EspFluxConditioning
{
  EspDevice *device;     /* whose memory it is */
  EspTensor text;        /* [T, D] f32: the embedded T5 output */
  EspTensor modulations; /* [steps, total] f32 */
};

/* True, with a sticky error, when the edit was cancelled; true after any other failure as well. */
bool flux_is_cancelled (EspDevice *device, const atomic_bool *cancel);

/* Uploads [rows, cols] host values into a fresh f32 tensor. */
EspTensor flux_upload_new (EspDevice *device, const float *host, int64_t rows, int64_t cols);

/* Width of the sinusoidal embedding of time and guidance. */
#define FLUX_SINUSOID 256

#define FLUX_NORM_EPSILON 1e-6f

/* Where a block's modulation stands in the [steps, total] table. */
int64_t flux_double_modulation (const EspFluxConfig *config, int64_t block, bool text);
int64_t flux_single_modulation (const EspFluxConfig *config, int64_t block);
int64_t flux_final_modulation (const EspFluxConfig *config);
int64_t flux_modulation_total (const EspFluxConfig *config);
