/* SPDX-License-Identifier: MIT */
/* Encoding and decoding: the networks as a sequence of stretches, each of which fits or is tiled.
 */
#include "model/vae-layers.h"
#include "model/vae-tiling.h"

/* --- Decoding: middle, then level by level at twice the resolution ---------------------------- */

/* From the pixels of level - 1 to those of `level`, and to the picture after the last. */
static VaeImage
run_up (VaeRun *run, const VaeNetwork *network, int level, VaeImage x)
{
  x = vae_upsample (run, &network->level[level - 1], x);
  x = vae_residuals (run, &network->level[level], x);
  return level == network->levels - 1 ? vae_norm_out (run, network, x) : x;
}

static VaeStretch
up_stretch (const VaeNetwork *network, int index)
{
  const VaeLevel *level = &network->level[index];
  bool last = index == network->levels - 1;
  /* Each residual block reaches two pixels, the upsampling's convolution and conv_out one each. */
  int64_t reach = 2 * level->residuals + 1 + (last ? 1 : 0);
  int64_t channels = vae_residual_peak (level);
  int64_t upsampling
      = 2 * network->level[index - 1].sampler.out; /* before and after its convolution */

  if (upsampling > channels)
    channels = upsampling;
  return (VaeStretch){
    .run = run_up,
    .network = network,
    .level = index,
    .in_scale = 1,
    .out_scale = 2,
    .out_channels = last ? network->out.out : level->residual[level->residuals - 1].conv2.out,
    .norms = 2 * level->residuals + (last ? 1 : 0),
    .halo = (reach + 1) / 2,
    .bytes_per_cell = esp_dtype_bytes (ESP_F32, 4 * channels),
  };
}

EspStatus
esp_vae_decode (EspVae *vae, EspDevice *device, const float *latents, int64_t height, int64_t width,
                const EspVaeLimits *limits, float *pixels, EspError *error)
{
  VaeNetwork *network = &vae->decoder;
  VaeRun run = { .device = device,
                 .groups = vae->config.groups,
                 .cancel = limits->cancel,
                 .also_cancel = limits->also_cancel };
  VaeImage x;

  esp_layers_prepare (&network->layers, device, 0, -1);
  x = vae_image_new (&run, (EspGrid){ 1, height, width }, vae->config.latent_channels);
  if (device->error.status == ESP_OK)
    device->ops->upload (device, latents, x.t);
  x = vae_quant (&run, network, x);
  x = vae_conv_in (&run, network, x);
  x = vae_middle (&run, network, x);
  x = vae_residuals (&run, &network->level[0], x);
  for (int i = 1; i < network->levels; i++)
    {
      VaeStretch stretch = up_stretch (network, i);

      x = vae_run_stretch (&run, &stretch, limits, x);
    }
  if (device->error.status == ESP_OK)
    device->ops->download (device, x.t, pixels);
  vae_image_free (&run, &x);
  vae_run_end (&run);
  return esp_device_check (device, error);
}

/* --- Encoding: level by level at half the resolution, then the middle ------------------------- */

static VaeImage
run_down (VaeRun *run, const VaeNetwork *network, int level, VaeImage x)
{
  if (level == 0)
    x = vae_conv_in (run, network, x);
  x = vae_residuals (run, &network->level[level], x);
  return vae_downsample (run, &network->level[level], x);
}

static VaeStretch
down_stretch (const VaeNetwork *network, int index)
{
  const VaeLevel *level = &network->level[index];
  /* Two pixels a residual block, one to the right for the downsampling, one for conv_in. */
  int64_t reach = 2 * level->residuals + 1 + (index == 0 ? 1 : 0);

  return (VaeStretch){
    .run = run_down,
    .network = network,
    .level = index,
    .in_scale = 2,
    .out_scale = 1,
    .out_channels = level->sampler.out,
    .norms = 2 * level->residuals,
    .halo = (reach + 1) / 2,
    .bytes_per_cell = esp_dtype_bytes (ESP_F32, 4 * vae_residual_peak (level)),
  };
}

EspStatus
esp_vae_encode (EspVae *vae, EspDevice *device, const float *pixels, int64_t height, int64_t width,
                const EspVaeLimits *limits, float *latents, EspError *error)
{
  VaeNetwork *network = &vae->encoder;
  VaeRun run = { .device = device,
                 .groups = vae->config.groups,
                 .cancel = limits->cancel,
                 .also_cancel = limits->also_cancel };
  int last = network->levels - 1;
  EspTensor mean;
  VaeImage x;

  esp_layers_prepare (&network->layers, device, 0, -1);
  x = vae_image_new (&run, (EspGrid){ 1, height, width }, 3);
  if (device->error.status == ESP_OK)
    device->ops->upload (device, pixels, x.t);
  for (int i = 0; i < last; i++)
    {
      VaeStretch stretch = down_stretch (network, i);

      x = vae_run_stretch (&run, &stretch, limits, x);
    }
  x = vae_residuals (&run, &network->level[last], x);
  x = vae_middle (&run, network, x);
  x = vae_norm_out (&run, network, x);
  x = vae_quant (&run, network, x);

  /* The mean is the first half of the channels, the log variance the second. */
  mean = esp_tensor_new (device, ESP_F32, x.t.rows, vae->config.latent_channels);
  if (device->error.status == ESP_OK)
    {
      device->ops->scale_add (device, 1, esp_tensor_cols (x.t, 0, mean.cols), 0, mean);
      device->ops->download (device, mean, latents);
    }
  esp_tensor_free (device, &mean);
  vae_image_free (&run, &x);
  vae_run_end (&run);
  return esp_device_check (device, error);
}
