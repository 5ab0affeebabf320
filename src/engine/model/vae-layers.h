/* SPDX-License-Identifier: MIT */
/* vae-layers.h: the autoencoder's layers: bound in vae.c, run in vae-network.c, tiled in
 * vae-tiling.c. */
#pragma once

#include "model/vae.h"
#include "ops/layers.h"

typedef struct VaeNorm
{
  EspVector weight, bias;
} VaeNorm;

typedef struct VaeResidual
{
  VaeNorm norm1, norm2;
  EspConv conv1, conv2, shortcut;
  bool has_shortcut;
} VaeResidual;

typedef struct VaeAttention
{
  VaeNorm norm;
  EspLinear qkv, out;
} VaeAttention;

#define VAE_MAX_RESIDUALS 16

/* One resolution: residual blocks, then (except at the last level) a change of resolution. */
typedef struct VaeLevel
{
  VaeResidual residual[VAE_MAX_RESIDUALS];
  int residuals;
  EspConv sampler; /* stride 2 in the encoder; after a doubling in the decoder */
  bool has_sampler;
} VaeLevel;

/* Encoder and decoder have the same parts; the encoder runs levels then mid, the decoder mid then
 * levels. */
typedef struct VaeNetwork
{
  EspLayers layers;
  EspConv in, out;
  VaeLevel level[ESP_VAE_MAX_LEVELS]; /* in the order they run */
  int levels;
  VaeResidual mid[2];
  VaeAttention attention;
  bool has_attention;
  VaeNorm norm_out;
  EspConv quant; /* 1×1 after the encoder or before the decoder */
  bool has_quant;
} VaeNetwork;

struct EspVae
{
  EspVaeConfig config;
  EspWeights *weights;
  VaeNetwork encoder, decoder;
};

/* A batch of pictures on the device: f32, channels last. */
typedef struct VaeImage
{
  EspTensor t;
  EspGrid grid;
} VaeImage;

/* Statistics of one group norm, merged from the tiles of a picture. In f64: some channels of the
 * demo model are a constant ±64. */
typedef struct VaeCollector
{
  double count;          /* pixels so far */
  double *mean, *square; /* [groups]: mean, and sum of squared deviations over count */
} VaeCollector;

/* How group norms get their statistics during a run. */
typedef enum
{
  VAE_MOMENTS_MEASURE, /* from the picture itself: the whole picture is here */
  VAE_MOMENTS_COLLECT, /* the norm number `target` adds its tile to the collector and the run ends
                          there */
  VAE_MOMENTS_REPLAY,  /* as collected before from all tiles */
} VaeMoments;

/* Images that are given back are kept for the next of their size: the system clears each new block
 * page by page, which takes as long as some layers. */
#define VAE_SPARES 3

typedef struct VaeRun
{
  EspDevice *device;
  EspTensor spares[VAE_SPARES];
  int64_t groups;
  const atomic_bool *cancel, *also_cancel;
  VaeMoments mode;
  float *moments; /* COLLECT, REPLAY: [norms, groups, 2], in the order in which the norms run */
  int64_t cursor; /* norms passed so far */
  int64_t target;
  VaeCollector *collector;
  EspGrid core; /* COLLECT: the part of the tile that counts, at the resolution of the norms */
  int64_t core_top, core_left;
  bool collected; /* COLLECT: nothing more to do in this tile */
} VaeRun;

/* Runs take ownership of the image they are given and return a new one. After a failure, a
 * cancellation or a finished collection they do nothing, and the image they return has no data. */
VaeImage vae_conv_in (VaeRun *run, const VaeNetwork *network, VaeImage x);
VaeImage vae_middle (VaeRun *run, const VaeNetwork *network, VaeImage x);
VaeImage vae_residuals (VaeRun *run, const VaeLevel *level, VaeImage x);
VaeImage vae_downsample (VaeRun *run, const VaeLevel *level, VaeImage x);
VaeImage vae_upsample (VaeRun *run, const VaeLevel *level, VaeImage x);
VaeImage vae_norm_out (VaeRun *run, const VaeNetwork *network,
                       VaeImage x); /* norm, SiLU, conv_out */
VaeImage vae_quant (VaeRun *run, const VaeNetwork *network, VaeImage x);

VaeImage vae_image_new (VaeRun *run, EspGrid grid, int64_t channels);
void vae_image_free (VaeRun *run, VaeImage *image);
/* Gives the system what images were kept. Every run ends with it. */
void vae_run_end (VaeRun *run);

/* Channels (of f32) that a level's residual blocks hold at once for every pixel. */
int64_t vae_residual_peak (const VaeLevel *level);
