/* SPDX-License-Identifier: MIT */
/* The autoencoder's layers at work, on a whole picture, a window of one, or a batch of windows. */
#include <math.h>
#include <stdlib.h>

#include "model/vae-layers.h"

#define NORM_EPSILON 1e-6f

/* True once there is nothing more to do: a failure, a cancellation, or this tile's statistics are
 * in. */
static bool
stopped (VaeRun *run)
{
  if ((run->cancel != NULL && atomic_load (run->cancel))
      || (run->also_cancel != NULL && atomic_load (run->also_cancel)))
    esp_device_fail (run->device, ESP_ERROR_CANCELLED, "cancelled");
  return run->collected || run->device->error.status != ESP_OK;
}

VaeImage
vae_image_new (VaeRun *run, EspGrid grid, int64_t channels)
{
  VaeImage image = { .grid = grid };
  int64_t rows = grid.batch * grid.height * grid.width;

  image.t = (EspTensor){ NULL, ESP_F32, rows, channels, channels };
  if (stopped (run))
    return image;
  for (int i = 0; i < VAE_SPARES; i++)
    if (run->spares[i].data != NULL && run->spares[i].rows * run->spares[i].cols == rows * channels)
      {
        image.t.data = run->spares[i].data;
        run->spares[i] = (EspTensor){ 0 };
        return image;
      }
  /* Others are of a size that is past: what they take is needed now. */
  vae_run_end (run);
  image.t = esp_tensor_new (run->device, ESP_F32, rows, channels);
  return image;
}

void
vae_image_free (VaeRun *run, VaeImage *image)
{
  for (int i = 0; i < VAE_SPARES && image->t.data != NULL; i++)
    if (run->spares[i].data == NULL)
      {
        run->spares[i] = image->t;
        image->t = (EspTensor){ 0 };
      }
  esp_tensor_free (run->device, &image->t);
}

void
vae_run_end (VaeRun *run)
{
  for (int i = 0; i < VAE_SPARES; i++)
    if (run->spares[i].data != NULL)
      esp_tensor_free (run->device, &run->spares[i]);
}

/* Adds the tile's share to the statistics of the target norm (Chan et al.'s merging of variances).
 */
static void
collect (VaeRun *run, VaeImage x)
{
  VaeCollector *all = run->collector;
  double count = (double) (run->core.height * run->core.width), total = all->count + count;
  VaeImage core = vae_image_new (run, run->core, x.t.cols);
  float *moments = malloc ((size_t) run->groups * 2 * sizeof *moments);

  run->collected = true;
  if (moments == NULL)
    {
      esp_device_fail (run->device, ESP_ERROR_MEMORY, "out of memory for group norm statistics");
      vae_image_free (run, &core);
      return;
    }
  run->device->ops->copy_window (run->device, x.t, x.grid, 0, run->core_top, run->core_left,
                                 (EspGrid){ 0, run->core.height, run->core.width }, core.t);
  run->device->ops->group_moments (run->device, core.t, run->groups, moments);
  if (run->device->error.status == ESP_OK)
    {
      for (int64_t g = 0; g < run->groups; g++)
        {
          double delta = (double) moments[2 * g] - all->mean[g];

          all->mean[g] += delta * count / total;
          all->square[g]
              += (double) moments[2 * g + 1] * count + delta * delta * all->count * count / total;
        }
      all->count = total;
    }
  vae_image_free (run, &core);
  free (moments);
}

/* The next group norm of the run, for x: measured here, or as collected before. Then `measured` is
 * the caller's to free. False when the run ends here. */
static bool
next_norm (VaeRun *run, const VaeNorm *norm, bool silu, VaeImage x, EspGroupNorm *result,
           float **measured)
{
  size_t count = (size_t) run->groups * 2;

  *measured = NULL;
  if (stopped (run))
    return false;
  if (run->mode == VAE_MOMENTS_COLLECT && run->cursor == run->target)
    {
      collect (run, x);
      return false;
    }
  *result = (EspGroupNorm){ .groups = run->groups,
                            .weight = norm->weight.values,
                            .bias = norm->bias.values,
                            .eps = NORM_EPSILON,
                            .silu = silu };
  if (run->mode != VAE_MOMENTS_MEASURE)
    result->moments = run->moments + run->cursor * (int64_t) count;
  else
    {
      *measured = malloc (count * sizeof **measured);
      if (*measured == NULL)
        {
          esp_device_fail (run->device, ESP_ERROR_MEMORY,
                           "out of memory for group norm statistics");
          return false;
        }
      result->moments = *measured;
      run->device->ops->group_moments (run->device, x.t, run->groups, *measured);
    }
  run->cursor++;
  return true;
}

/* Group norm (and SiLU) of x into y, which may be x. */
static void
normalise (VaeRun *run, const VaeNorm *norm, bool silu, VaeImage x, EspTensor y)
{
  EspGroupNorm how;
  float *measured;

  if (next_norm (run, norm, silu, x, &how, &measured))
    run->device->ops->group_norm (run->device, x.t, how.groups, how.moments, how.weight, how.bias,
                                  how.eps, how.silu, y);
  free (measured);
}

static EspGrid
conv_grid (const EspConv *conv, EspGrid grid)
{
  int64_t scale = conv->doubled ? 2 : 1;

  return (EspGrid){
    .batch = grid.batch,
    .height
    = (scale * grid.height + conv->pad_top + conv->pad_bottom - conv->kernel) / conv->stride + 1,
    .width
    = (scale * grid.width + conv->pad_left + conv->pad_right - conv->kernel) / conv->stride + 1,
  };
}

static VaeImage
convolve (VaeRun *run, const EspConv *conv, VaeImage x)
{
  VaeImage y = vae_image_new (run, conv_grid (conv, x.grid), conv->out);

  if (!stopped (run))
    run->device->ops->conv2d (run->device, x.t, x.grid, conv, NULL, false, y.t);
  return y;
}

/* The same, giving x back. */
static VaeImage
convolve_and_free (VaeRun *run, const EspConv *conv, VaeImage x)
{
  VaeImage y = convolve (run, conv, x);

  vae_image_free (run, &x);
  return y;
}

/* y (+)= conv (SiLU (norm (x))). */
static void
normed_conv (VaeRun *run, const VaeNorm *norm, const EspConv *conv, VaeImage x, bool accumulate,
             VaeImage y)
{
  EspGroupNorm how;
  float *measured;

  if (next_norm (run, norm, true, x, &how, &measured))
    run->device->ops->conv2d (run->device, x.t, x.grid, conv, &how, accumulate, y.t);
  free (measured);
}

static VaeImage
residual_block (VaeRun *run, const VaeResidual *block, VaeImage x)
{
  VaeImage h = vae_image_new (run, x.grid, block->conv1.out), skip = x;

  normed_conv (run, &block->norm1, &block->conv1, x, false, h);
  if (block->has_shortcut)
    skip = convolve_and_free (run, &block->shortcut, x);
  normed_conv (run, &block->norm2, &block->conv2, h, true, skip);
  vae_image_free (run, &h);
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
  VaeImage normed = vae_image_new (run, x.grid, channels);
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
  vae_image_free (run, &normed);
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
vae_residuals (VaeRun *run, const VaeLevel *level, VaeImage x)
{
  for (int i = 0; i < level->residuals; i++)
    x = residual_block (run, &level->residual[i], x);
  return x;
}

VaeImage
vae_downsample (VaeRun *run, const VaeLevel *level, VaeImage x)
{
  return convolve_and_free (run, &level->sampler, x);
}

VaeImage
vae_upsample (VaeRun *run, const VaeLevel *level, VaeImage x)
{
  return convolve_and_free (run, &level->sampler, x);
}

VaeImage
vae_norm_out (VaeRun *run, const VaeNetwork *network, VaeImage x)
{
  normalise (run, &network->norm_out, true, x, x.t);
  return convolve_and_free (run, &network->out, x);
}

int64_t
vae_residual_peak (const VaeLevel *level)
{
  int64_t peak = 0;

  /* A block holds its input, the first convolution's result and the shortcut. A device without a
   * way of its own for a layer needs that layer's normed input, too, in place of the shortcut. */
  for (int i = 0; i < level->residuals; i++)
    {
      int64_t in = level->residual[i].conv1.in, out = level->residual[i].conv1.out;
      int64_t channels = 2 * in + out > in + 2 * out ? 2 * in + out : in + 2 * out;

      if (channels > peak)
        peak = channels;
    }
  return peak;
}
