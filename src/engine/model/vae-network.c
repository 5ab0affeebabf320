/* SPDX-License-Identifier: MIT */
/* The autoencoder's layers at work, on a whole picture, a window of one, or a batch of windows. */
#include <math.h>
#include <stdlib.h>

#include "model/vae-layers.h"

#define NORM_EPSILON 1e-6f

VaeImage
vae_image_new (EspDevice *device, EspGrid grid, int64_t channels)
{
  return (VaeImage){
    esp_tensor_new (device, ESP_F32, grid.batch * grid.height * grid.width, channels), grid
  };
}

void
vae_image_free (EspDevice *device, VaeImage *image)
{
  esp_tensor_free (device, &image->t);
}

/* True once there is nothing more to do: a failure or a cancellation. */
static bool
stopped (VaeRun *run)
{
  if (run->cancel != NULL && atomic_load (run->cancel))
    esp_device_fail (run->device, ESP_ERROR_CANCELLED, "cancelled");
  return run->device->error.status != ESP_OK;
}

/* Group norm (and SiLU) of x into y, which may be x. */
static void
normalise (VaeRun *run, const VaeNorm *norm, bool silu, VaeImage x, EspTensor y)
{
  const EspOps *ops = run->device->ops;
  size_t count = (size_t) run->groups * 2;
  float *measured = NULL, *moments;

  if (stopped (run))
    return;
  if (run->mode == VAE_MOMENTS_MEASURE)
    moments = measured = malloc (count * sizeof *measured);
  else
    moments = run->recorded + run->cursor * (int64_t) count;
  if (moments == NULL)
    {
      esp_device_fail (run->device, ESP_ERROR_MEMORY, "out of memory for group norm statistics");
      return;
    }

  if (run->mode != VAE_MOMENTS_REPLAY)
    ops->group_moments (run->device, x.t, x.grid, run->groups,
                        run->mode == VAE_MOMENTS_RECORD ? run->margin : 0, moments);
  ops->group_norm (run->device, x.t, run->groups, moments, norm->weight.values, norm->bias.values,
                   NORM_EPSILON, silu, y);
  run->cursor++;
  free (measured);
}

static EspGrid
conv_grid (const EspConv *conv, EspGrid grid)
{
  return (EspGrid){
    .batch = grid.batch,
    .height = (grid.height + conv->pad_top + conv->pad_bottom - conv->kernel) / conv->stride + 1,
    .width = (grid.width + conv->pad_left + conv->pad_right - conv->kernel) / conv->stride + 1,
  };
}

static VaeImage
convolve (VaeRun *run, const EspConv *conv, VaeImage x)
{
  VaeImage y = vae_image_new (run->device, conv_grid (conv, x.grid), conv->out);

  if (!stopped (run))
    run->device->ops->conv2d (run->device, x.t, x.grid, conv, false, y.t);
  return y;
}

/* The same, giving x back. */
static VaeImage
convolve_and_free (VaeRun *run, const EspConv *conv, VaeImage x)
{
  VaeImage y = convolve (run, conv, x);

  vae_image_free (run->device, &x);
  return y;
}

static VaeImage
residual_block (VaeRun *run, const VaeResidual *block, VaeImage x)
{
  EspDevice *device = run->device;
  VaeImage h = vae_image_new (device, x.grid, x.t.cols), skip = x;

  normalise (run, &block->norm1, true, x, h.t);
  h = convolve_and_free (run, &block->conv1, h);
  normalise (run, &block->norm2, true, h, h.t);
  if (block->has_shortcut)
    skip = convolve_and_free (run, &block->shortcut, x);
  if (!stopped (run))
    device->ops->conv2d (device, h.t, h.grid, &block->conv2, true, skip.t);
  vae_image_free (device, &h);
  return skip;
}

/* Self-attention over all pixels, one head as wide as the channels. Only ever one picture: batch
 * is 1. */
static VaeImage
attention_block (VaeRun *run, const VaeAttention *attention, VaeImage x)
{
  EspDevice *device = run->device;
  const EspOps *ops = device->ops;
  int64_t channels = x.t.cols;
  VaeImage normed = vae_image_new (device, x.grid, channels);
  EspTensor qkv = esp_tensor_new (device, ESP_F32, x.t.rows, 3 * channels);

  normalise (run, &attention->norm, false, x, normed.t);
  if (!stopped (run))
    {
      ops->linear (device, normed.t, &attention->qkv, NULL, qkv);
      ops->attention (device, &(EspAttention){ .q = esp_tensor_cols (qkv, 0, channels),
                                               .k = esp_tensor_cols (qkv, channels, channels),
                                               .v = esp_tensor_cols (qkv, 2 * channels, channels),
                                               .out = normed.t,
                                               .heads = 1,
                                               .head_dim = channels,
                                               .scale = 1.0f / sqrtf ((float) channels) });
      ops->linear (device, normed.t, &attention->out, &(EspEpilogue){ .accumulate = true }, x.t);
    }
  esp_tensor_free (device, &qkv);
  vae_image_free (device, &normed);
  return x;
}

VaeImage
vae_conv_in (VaeRun *run, const VaeNetwork *network, VaeImage x)
{
  return convolve_and_free (run, &network->in, x);
}

VaeImage
vae_quant (VaeRun *run, const VaeNetwork *network, VaeImage x)
{
  return network->has_quant ? convolve_and_free (run, &network->quant, x) : x;
}

VaeImage
vae_middle (VaeRun *run, const VaeNetwork *network, VaeImage x)
{
  x = residual_block (run, &network->mid[0], x);
  if (network->has_attention)
    x = attention_block (run, &network->attention, x);
  return residual_block (run, &network->mid[1], x);
}

VaeImage
vae_down_level (VaeRun *run, const VaeLevel *level, VaeImage x)
{
  for (int i = 0; i < level->residuals; i++)
    x = residual_block (run, &level->residual[i], x);
  if (level->has_sampler)
    {
      x = convolve_and_free (run, &level->sampler, x);
      run->margin /= 2;
    }
  return x;
}

VaeImage
vae_up_level (VaeRun *run, const VaeLevel *level, VaeImage x)
{
  for (int i = 0; i < level->residuals; i++)
    x = residual_block (run, &level->residual[i], x);
  if (level->has_sampler)
    {
      EspGrid doubled = { x.grid.batch, 2 * x.grid.height, 2 * x.grid.width };
      VaeImage large = vae_image_new (run->device, doubled, x.t.cols);

      if (!stopped (run))
        run->device->ops->upsample_nearest (run->device, x.t, x.grid, large.t);
      vae_image_free (run->device, &x);
      x = convolve_and_free (run, &level->sampler, large);
      run->margin *= 2;
    }
  return x;
}

VaeImage
vae_norm_out (VaeRun *run, const VaeNetwork *network, VaeImage x)
{
  normalise (run, &network->norm_out, true, x, x.t);
  return convolve_and_free (run, &network->out, x);
}

int64_t
vae_level_norms (const VaeLevel *level)
{
  return 2 * level->residuals;
}

/* Channels held at once at the peak of a residual block: its input, the normed input and the first
 * convolution's result; or the input, the hidden rows and the shortcut. */
static int64_t
peak_channels (const VaeLevel *level)
{
  int64_t peak = 0;

  for (int i = 0; i < level->residuals; i++)
    {
      int64_t in = level->residual[i].conv1.in, out = level->residual[i].conv1.out;
      int64_t channels = 2 * in + out > in + 2 * out ? 2 * in + out : in + 2 * out;

      if (channels > peak)
        peak = channels;
    }
  return peak;
}

size_t
vae_down_level_bytes (const VaeLevel *level, int64_t pixels)
{
  return esp_dtype_bytes (ESP_F32, peak_channels (level) * pixels);
}

size_t
vae_up_level_bytes (const VaeLevel *level, int64_t pixels)
{
  int64_t channels = peak_channels (level);

  /* Doubling holds the large picture before and after its convolution: 4 + 4 times the pixels. */
  if (level->has_sampler && 8 * level->sampler.out > channels)
    channels = 8 * level->sampler.out;
  return esp_dtype_bytes (ESP_F32, channels * pixels);
}
