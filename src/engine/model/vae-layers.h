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

/* How group norms get their statistics during a run. */
typedef enum
{
  VAE_MOMENTS_MEASURE, /* from the picture itself: the whole picture is here */
  VAE_MOMENTS_RECORD,  /* from the windows that stand for the picture, without their margins; and
                          kept */
  VAE_MOMENTS_REPLAY,  /* as recorded */
} VaeMoments;

typedef struct VaeRun
{
  EspDevice *device;
  int64_t groups;
  const atomic_bool *cancel;
  VaeMoments mode;
  int64_t
      margin; /* RECORD: pixels at each window's edge that are not counted, at the present level */
  float *recorded; /* RECORD, REPLAY: moments in the order of the norms */
  int64_t cursor;
} VaeRun;

/* Runs take ownership of the image they are given and return a new one. */
VaeImage vae_conv_in (VaeRun *run, const VaeNetwork *network, VaeImage x);
VaeImage vae_middle (VaeRun *run, const VaeNetwork *network, VaeImage x);
VaeImage vae_down_level (VaeRun *run, const VaeLevel *level, VaeImage x);
VaeImage vae_up_level (VaeRun *run, const VaeLevel *level, VaeImage x);
VaeImage vae_norm_out (VaeRun *run, const VaeNetwork *network,
                       VaeImage x); /* norm, SiLU, conv_out */
VaeImage vae_quant (VaeRun *run, const VaeNetwork *network, VaeImage x);

VaeImage vae_image_new (EspDevice *device, EspGrid grid, int64_t channels);
void vae_image_free (EspDevice *device, VaeImage *image);

/* Norms in a level, and in the closing norm: how many moments a run over them records. */
int64_t vae_level_norms (const VaeLevel *level);

/* Bytes of activations at the peak of a level that is entered with `pixels` pixels. */
size_t vae_down_level_bytes (const VaeLevel *level, int64_t pixels);
size_t vae_up_level_bytes (const VaeLevel *level, int64_t pixels);
