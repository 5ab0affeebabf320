/* SPDX-License-Identifier: MIT */
/* The autoencoder's sizes, from its config.json or its tensors, and the binding of its tensors. */
#include "model/vae.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/component-names.h"
#include "files/json-file.h"
#include "model/vae-layers.h"

#define CONFIG_MAX_BYTES (1 << 20)

static EspStatus
check_config (const EspVaeConfig *config, const char *path, int64_t in, int64_t out,
              const char *activation, EspError *error)
{
  if (in != 3 || out != 3)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: \"in_channels\" %lld and \"out_channels\" %lld must both be 3", path,
                          (long long) in, (long long) out);
  if (strcmp (activation, "silu") != 0 && strcmp (activation, "swish") != 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "%s: \"act_fn\" is \"%s\", expected silu",
                          path, activation);
  if (config->levels != 4)
    return esp_error_set (
        error, ESP_ERROR_UNSUPPORTED,
        "%s: \"block_out_channels\" has %d numbers, expected 4: FLUX latents are 8 "
        "pixels wide",
        path, config->levels);
  for (int i = 0; i < config->levels; i++)
    if (config->channels[i] % config->groups != 0)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: \"block_out_channels\" %lld is not a multiple of "
                            "\"norm_num_groups\" %lld",
                            path, (long long) config->channels[i], (long long) config->groups);
  if (config->scaling_factor == 0)
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"scaling_factor\" is 0", path);
  return ESP_OK;
}

static EspStatus
read_config (EspVaeConfig *config, const char *path, EspError *error)
{
  json_t *root = NULL;
  const char *activation = "silu";
  int64_t in = 3, out = 3;
  EspStatus status = esp_json_read_object (path, CONFIG_MAX_BYTES, &root, error);

  if (status != ESP_OK)
    return status;

#define TRY(call) (status == ESP_OK && (status = (call)) == ESP_OK)
#define INT(key, min, max, fallback, field)                                                        \
  TRY (esp_json_get_int (root, path, key, false, min, max, fallback, field, error))
  /* Fallbacks are AutoencoderKL's defaults, but for the factors, which are FLUX's
   * (kontext.md, 3.6). */
  (void) (INT ("in_channels", 1, 1024, 3, &in) && INT ("out_channels", 1, 1024, 3, &out)
          && INT ("latent_channels", 1, 1024, 16, &config->latent_channels)
          && INT ("norm_num_groups", 1, 1024, 32, &config->groups)
          && INT ("layers_per_block", 1, VAE_MAX_RESIDUALS - 1, 1, &config->encoder_blocks)
          && TRY (esp_json_get_ints (root, path, "block_out_channels", true, 1, 65536,
                                     ESP_VAE_MAX_LEVELS, config->channels, &config->levels, error))
          && TRY (esp_json_get_double (root, path, "scaling_factor", false, -1e6, 1e6, 0.3611,
                                       &config->scaling_factor, error))
          && TRY (esp_json_get_double (root, path, "shift_factor", false, -1e6, 1e6, 0.1159,
                                       &config->shift_factor, error))
          && TRY (
              esp_json_get_bool (root, path, "use_quant_conv", true, &config->quant_conv, error))
          && TRY (esp_json_get_bool (root, path, "use_post_quant_conv", true,
                                     &config->post_quant_conv, error))
          && TRY (esp_json_get_bool (root, path, "mid_block_add_attention", true,
                                     &config->mid_attention, error))
          && TRY (esp_json_get_string (root, path, "act_fn", false, "silu", &activation, error))
          && TRY (check_config (config, path, in, out, activation, error)));
#undef INT
#undef TRY
  config->decoder_blocks = config->encoder_blocks + 1;
  json_decref (root);
  return status;
}

/* What the tensors of a FLUX autoencoder do not say. */
#define FLUX_GROUPS         32
#define FLUX_SCALING_FACTOR 0.3611
#define FLUX_SHIFT_FACTOR   0.1159

static EspStatus
check_measured (const EspVaeConfig *config, const char *path, EspError *error)
{
  if (config->levels != 4)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: its tensors have %d levels of resolution, expected 4: FLUX latents "
                          "are 8 pixels wide",
                          path, config->levels);
  if (config->latent_channels == 4)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: is the autoencoder of Stable Diffusion (4 latent channels); FLUX "
                          "needs its own, which has 16 (ae.safetensors)",
                          path);
  for (int i = 0; i < config->levels; i++)
    if (config->channels[i] % FLUX_GROUPS != 0)
      return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: level %d has %lld channels, which %d groups of a norm cannot "
                            "share; give the autoencoder as a folder whose config.json has "
                            "\"norm_num_groups\"",
                            path, i, (long long) config->channels[i], FLUX_GROUPS);
  if (config->encoder_blocks < 1 || config->encoder_blocks > VAE_MAX_RESIDUALS
      || config->decoder_blocks < 1 || config->decoder_blocks > VAE_MAX_RESIDUALS)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: its tensors have %lld blocks a level in the encoder and %lld in the "
                          "decoder; 1 to %d are expected",
                          path, (long long) config->encoder_blocks,
                          (long long) config->decoder_blocks, VAE_MAX_RESIDUALS);
  return ESP_OK;
}

static EspStatus
measure_config (EspVaeConfig *config, const EspWeights *weights, EspError *error)
{
  const char *path = esp_weights_file_path (weights, 0);
  int64_t levels = esp_component_depth (weights, "encoder.down_blocks.");
  EspStatus status;

  config->levels = levels < ESP_VAE_MAX_LEVELS ? (int) levels : ESP_VAE_MAX_LEVELS;
  for (int i = 0; i < config->levels; i++)
    {
      char name[80];

      snprintf (name, sizeof name, "encoder.down_blocks.%d.resnets.0.conv1.weight", i);
      status = esp_component_extent (weights, name, 4, 0, 65536, &config->channels[i], error);
      if (status != ESP_OK)
        return status;
    }
  status = esp_component_extent (weights, "decoder.conv_in.weight", 4, 1, 1024,
                                 &config->latent_channels, error);
  if (status != ESP_OK)
    return status;
  config->groups = FLUX_GROUPS;
  config->scaling_factor = FLUX_SCALING_FACTOR;
  config->shift_factor = FLUX_SHIFT_FACTOR;
  config->encoder_blocks = esp_component_depth (weights, "encoder.down_blocks.0.resnets.");
  config->decoder_blocks = esp_component_depth (weights, "decoder.up_blocks.0.resnets.");
  config->quant_conv = esp_weights_find (weights, "quant_conv.weight") != NULL;
  config->post_quant_conv = esp_weights_find (weights, "post_quant_conv.weight") != NULL;
  config->mid_attention
      = esp_weights_find (weights, "encoder.mid_block.attentions.0.to_q.weight") != NULL;
  return check_measured (config, path, error);
}

static void
bind_norm (EspLayers *layers, VaeNorm *norm, int64_t channels, const char *name)
{
  esp_bind_vector (layers, &norm->weight, 0, channels, "%s.weight", name);
  esp_bind_vector (layers, &norm->bias, 0, channels, "%s.bias", name);
}

static void
bind_residual (EspLayers *layers, VaeResidual *residual, int64_t in, int64_t out, const char *name)
{
  char part[128];

  snprintf (part, sizeof part, "%s.norm1", name);
  bind_norm (layers, &residual->norm1, in, part);
  esp_bind_conv (layers, &residual->conv1, in, out, 3, "%s.conv1", name);
  snprintf (part, sizeof part, "%s.norm2", name);
  bind_norm (layers, &residual->norm2, out, part);
  esp_bind_conv (layers, &residual->conv2, out, out, 3, "%s.conv2", name);
  residual->has_shortcut = in != out;
  if (residual->has_shortcut)
    esp_bind_conv (layers, &residual->shortcut, in, out, 1, "%s.conv_shortcut", name);
}

static void
bind_middle (VaeNetwork *network, const EspVaeConfig *config, const char *prefix)
{
  EspLayers *layers = &network->layers;
  int64_t channels = config->channels[config->levels - 1];
  char name[96], part[128];

  for (int i = 0; i < 2; i++)
    {
      snprintf (name, sizeof name, "%s.mid_block.resnets.%d", prefix, i);
      bind_residual (layers, &network->mid[i], channels, channels, name);
    }
  network->has_attention = config->mid_attention;
  if (!config->mid_attention)
    return;
  snprintf (name, sizeof name, "%s.mid_block.attentions.0", prefix);
  snprintf (part, sizeof part, "%s.group_norm", name);
  bind_norm (layers, &network->attention.norm, channels, part);
  esp_bind_linear (layers, &network->attention.qkv, channels, channels, true, "%s.to_q", name);
  esp_bind_linear (layers, &network->attention.qkv, channels, channels, true, "%s.to_k", name);
  esp_bind_linear (layers, &network->attention.qkv, channels, channels, true, "%s.to_v", name);
  esp_bind_linear (layers, &network->attention.out, channels, channels, true, "%s.to_out.0", name);
}

/* One level with `residuals` blocks from `in` to `out` channels. */
static void
bind_level (VaeNetwork *network, int index, int64_t residuals, int64_t in, int64_t out,
            const char *name)
{
  VaeLevel *level = &network->level[index];
  char part[128];

  level->residuals = (int) residuals;
  for (int i = 0; i < residuals; i++)
    {
      snprintf (part, sizeof part, "%s.resnets.%d", name, i);
      bind_residual (&network->layers, &level->residual[i], i == 0 ? in : out, out, part);
    }
}

static void
bind_encoder (EspVae *vae)
{
  const EspVaeConfig *config = &vae->config;
  VaeNetwork *network = &vae->encoder;
  EspLayers *layers = &network->layers;
  int64_t in = config->channels[0], last = config->channels[config->levels - 1];
  int64_t moments = 2 * config->latent_channels;
  char name[96];

  esp_layers_init (layers, vae->weights);
  network->levels = config->levels;
  esp_bind_conv (layers, &network->in, 3, in, 3, "encoder.conv_in");
  for (int i = 0; i < config->levels; i++)
    {
      VaeLevel *level = &network->level[i];
      int64_t out = config->channels[i];

      snprintf (name, sizeof name, "encoder.down_blocks.%d", i);
      bind_level (network, i, config->encoder_blocks, in, out, name);
      level->has_sampler = i < config->levels - 1;
      if (level->has_sampler)
        {
          esp_bind_conv (layers, &level->sampler, out, out, 3, "%s.downsamplers.0.conv", name);
          level->sampler.stride = 2;
          level->sampler.pad_top = level->sampler.pad_left = 0;
        }
      in = out;
    }
  bind_middle (network, config, "encoder");
  bind_norm (layers, &network->norm_out, last, "encoder.conv_norm_out");
  esp_bind_conv (layers, &network->out, last, moments, 3, "encoder.conv_out");
  network->has_quant = config->quant_conv;
  if (network->has_quant)
    esp_bind_conv (layers, &network->quant, moments, moments, 1, "quant_conv");
}

static void
bind_decoder (EspVae *vae)
{
  const EspVaeConfig *config = &vae->config;
  VaeNetwork *network = &vae->decoder;
  EspLayers *layers = &network->layers;
  int64_t in = config->channels[config->levels - 1];
  char name[96];

  esp_layers_init (layers, vae->weights);
  network->levels = config->levels;
  network->has_quant = config->post_quant_conv;
  if (network->has_quant)
    esp_bind_conv (layers, &network->quant, config->latent_channels, config->latent_channels, 1,
                   "post_quant_conv");
  esp_bind_conv (layers, &network->in, config->latent_channels, in, 3, "decoder.conv_in");
  bind_middle (network, config, "decoder");
  for (int i = 0; i < config->levels; i++)
    {
      VaeLevel *level = &network->level[i];
      int64_t out = config->channels[config->levels - 1 - i];

      snprintf (name, sizeof name, "decoder.up_blocks.%d", i);
      bind_level (network, i, config->decoder_blocks, in, out, name);
      level->has_sampler = i < config->levels - 1;
      if (level->has_sampler)
        {
          esp_bind_conv (layers, &level->sampler, out, out, 3, "%s.upsamplers.0.conv", name);
          level->sampler.doubled = true;
        }
      in = out;
    }
  bind_norm (layers, &network->norm_out, in, "decoder.conv_norm_out");
  esp_bind_conv (layers, &network->out, in, 3, 3, "decoder.conv_out");
}

EspStatus
esp_vae_open (const char *path, EspVae **result, EspError *error)
{
  EspVae *vae = calloc (1, sizeof *vae);
  char *config = NULL;
  EspStatus status;

  *result = NULL;
  if (vae == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  else
    status = esp_component_open (path, ESP_COMPONENT_VAE, &vae->weights, &config, error);
  if (status == ESP_OK)
    status = config != NULL ? read_config (&vae->config, config, error)
                            : measure_config (&vae->config, vae->weights, error);
  free (config);

  if (status == ESP_OK)
    {
      const EspError *failure;

      bind_encoder (vae);
      bind_decoder (vae);
      failure = vae->encoder.layers.error.status != ESP_OK ? &vae->encoder.layers.error
                                                           : &vae->decoder.layers.error;
      if (failure->status != ESP_OK)
        status = esp_error_set (error, failure->status, "%s", failure->message);
    }
  if (status != ESP_OK)
    {
      esp_vae_free (vae);
      return status;
    }
  *result = vae;
  return ESP_OK;
}

void
esp_vae_free (EspVae *vae)
{
  if (vae == NULL)
    return;
  esp_layers_clear (&vae->encoder.layers);
  esp_layers_clear (&vae->decoder.layers);
  esp_weights_close (vae->weights);
  free (vae);
}

const EspVaeConfig *
esp_vae_config (const EspVae *vae)
{
  return &vae->config;
}

const EspWeights *
esp_vae_weights (const EspVae *vae)
{
  return vae->weights;
}

int64_t
esp_vae_factor (const EspVae *vae)
{
  return (int64_t) 1 << (vae->config.levels - 1);
}

void
esp_vae_release (EspVae *vae, EspDevice *device)
{
  esp_layers_release (&vae->encoder.layers, device);
  esp_layers_release (&vae->decoder.layers, device);
}
