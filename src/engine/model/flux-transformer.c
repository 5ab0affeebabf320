/* SPDX-License-Identifier: MIT */
/* The transformer's sizes, from its config.json or its tensors, and the binding of its tensors. */
#include "model/flux-transformer.h"

#include <stdlib.h>
#include <string.h>

#include "files/component-names.h"
#include "files/json-file.h"
#include "model/flux-layers.h"

#define CONFIG_MAX_BYTES (1 << 20)

static EspStatus
check_config (EspFluxConfig *config, const char *path, int64_t patch_size, int axes,
              const char *class_name, EspError *error)
{
  int64_t turned = 0;

  if (strcmp (class_name, "FluxTransformer2DModel") != 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: the model is a %s; Espalier runs FluxTransformer2DModel (FLUX.1 "
                          "Kontext)",
                          path, class_name);
  if (patch_size != 1)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "%s: \"patch_size\" is %lld, expected 1",
                          path, (long long) patch_size);
  if (axes != ESP_FLUX_AXES)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: \"axes_dims_rope\" has %d numbers, expected %d", path, axes,
                          ESP_FLUX_AXES);
  for (int i = 0; i < axes; i++)
    {
      turned += config->axes[i];
      if (config->axes[i] % 2 != 0)
        return esp_error_set (error, ESP_ERROR_FORMAT,
                              "%s: \"axes_dims_rope\" holds the odd number %lld", path,
                              (long long) config->axes[i]);
    }
  if (turned != config->head_dim)
    return esp_error_set (
        error, ESP_ERROR_FORMAT,
        "%s: \"axes_dims_rope\" sums to %lld, expected \"attention_head_dim\" %lld", path,
        (long long) turned, (long long) config->head_dim);
  if (config->in_channels % 4 != 0)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: \"in_channels\" %lld is not a multiple of 4", path,
                          (long long) config->in_channels);
  if (config->out_channels != config->in_channels)
    return esp_error_set (
        error, ESP_ERROR_UNSUPPORTED,
        "%s: \"out_channels\" %lld differs from \"in_channels\" %lld; a Kontext model "
        "has the same",
        path, (long long) config->out_channels, (long long) config->in_channels);
  return ESP_OK;
}

static EspStatus
read_config (EspFluxConfig *config, const char *path, EspError *error)
{
  static const int64_t default_axes[ESP_FLUX_AXES] = { 16, 56, 56 };
  json_t *root = NULL;
  const char *class_name = NULL;
  int64_t patch_size = 1;
  int axes = 0;
  EspStatus status = esp_json_read_object (path, CONFIG_MAX_BYTES, &root, error);

  if (status != ESP_OK)
    return status;

/* Fallbacks are the defaults of diffusers' FluxTransformer2DModel. */
#define INT(key, min, max, fallback, field)                                                        \
  (status == ESP_OK                                                                                \
   && (status = esp_json_get_int (root, path, key, false, min, max, fallback, field, error))       \
          == ESP_OK)
  (void) (INT ("patch_size", 1, 64, 1, &patch_size)
          && INT ("in_channels", 4, 4096, 64, &config->in_channels)
          && INT ("out_channels", 4, 4096, config->in_channels, &config->out_channels)
          && INT ("num_layers", 0, 1000, 19, &config->double_blocks)
          && INT ("num_single_layers", 0, 1000, 38, &config->single_blocks)
          && INT ("attention_head_dim", 2, 1024, 128, &config->head_dim)
          && INT ("num_attention_heads", 1, 1024, 24, &config->heads)
          && INT ("joint_attention_dim", 1, 65536, 4096, &config->joint_dim)
          && INT ("pooled_projection_dim", 1, 65536, 768, &config->pooled_dim));
#undef INT
  if (status == ESP_OK)
    status = esp_json_get_bool (root, path, "guidance_embeds", false, &config->guidance, error);
  if (status == ESP_OK)
    status = esp_json_get_string (root, path, "_class_name", false, "FluxTransformer2DModel",
                                  &class_name, error);
  if (status == ESP_OK)
    status = esp_json_get_ints (root, path, "axes_dims_rope", false, 0, 1024, ESP_FLUX_AXES,
                                config->axes, &axes, error);
  if (status == ESP_OK && axes == 0)
    {
      axes = ESP_FLUX_AXES;
      memcpy (config->axes, default_axes, sizeof default_axes);
    }
  if (status == ESP_OK)
    status = check_config (config, path, patch_size, axes, class_name, error);
  config->hidden = config->heads * config->head_dim;
  config->mlp = 4 * config->hidden;
  json_decref (root);
  return status;
}

/* The two streams of a double block differ in names only. */
typedef struct StreamNames
{
  const char *modulation, *q, *k, *v, *out, *norm_q, *norm_k, *mlp;
} StreamNames;

static const StreamNames picture_names
    = { "norm1", "to_q", "to_k", "to_v", "to_out.0", "norm_q", "norm_k", "ff" };
static const StreamNames text_names
    = { "norm1_context", "add_q_proj",   "add_k_proj",   "add_v_proj",
        "to_add_out",    "norm_added_q", "norm_added_k", "ff_context" };

static void
bind_stream (EspFlux *flux, FluxStream *stream, int64_t block, const StreamNames *names)
{
  const EspFluxConfig *c = &flux->config;
  EspLayers *layers = &flux->layers;
  char p[64];

  snprintf (p, sizeof p, "transformer_blocks.%lld", (long long) block);
  esp_bind_linear (&flux->once, &stream->modulation, c->hidden, 6 * c->hidden, true, "%s.%s.linear",
                   p, names->modulation);
  esp_bind_linear (layers, &stream->qkv, c->hidden, c->hidden, true, "%s.attn.%s", p, names->q);
  esp_bind_linear (layers, &stream->qkv, c->hidden, c->hidden, true, "%s.attn.%s", p, names->k);
  esp_bind_linear (layers, &stream->qkv, c->hidden, c->hidden, true, "%s.attn.%s", p, names->v);
  esp_bind_vector (layers, &stream->norm_q, 0, c->head_dim, "%s.attn.%s.weight", p, names->norm_q);
  esp_bind_vector (layers, &stream->norm_k, 0, c->head_dim, "%s.attn.%s.weight", p, names->norm_k);
  esp_bind_linear (layers, &stream->out, c->hidden, c->hidden, true, "%s.attn.%s", p, names->out);
  esp_bind_linear (layers, &stream->mlp_in, c->hidden, c->mlp, true, "%s.%s.net.0.proj", p,
                   names->mlp);
  esp_bind_linear (layers, &stream->mlp_out, c->mlp, c->hidden, true, "%s.%s.net.2", p, names->mlp);
  stream->mlp_out.one_sided = true;
}

static void
bind_single (EspFlux *flux, FluxSingleBlock *single, int64_t block)
{
  const EspFluxConfig *c = &flux->config;
  EspLayers *layers = &flux->layers;
  char p[64];

  snprintf (p, sizeof p, "single_transformer_blocks.%lld", (long long) block);
  esp_bind_linear (&flux->once, &single->modulation, c->hidden, 3 * c->hidden, true,
                   "%s.norm.linear", p);
  esp_bind_linear (layers, &single->qkv, c->hidden, c->hidden, true, "%s.attn.to_q", p);
  esp_bind_linear (layers, &single->qkv, c->hidden, c->hidden, true, "%s.attn.to_k", p);
  esp_bind_linear (layers, &single->qkv, c->hidden, c->hidden, true, "%s.attn.to_v", p);
  esp_bind_vector (layers, &single->norm_q, 0, c->head_dim, "%s.attn.norm_q.weight", p);
  esp_bind_vector (layers, &single->norm_k, 0, c->head_dim, "%s.attn.norm_k.weight", p);
  esp_bind_linear (layers, &single->mlp, c->hidden, c->mlp, true, "%s.proj_mlp", p);
  esp_bind_linear (layers, &single->out, c->hidden + c->mlp, c->hidden, true, "%s.proj_out", p);
  single->out.one_sided = true; /* four fifths of it */
}

static void
bind_embedder (EspFlux *flux, FluxEmbedder *embedder, int64_t in, const char *name)
{
  int64_t hidden = flux->config.hidden;

  esp_bind_linear (&flux->once, &embedder->in, in, hidden, true, "time_text_embed.%s.linear_1",
                   name);
  esp_bind_linear (&flux->once, &embedder->out, hidden, hidden, true, "time_text_embed.%s.linear_2",
                   name);
}

/* Scale, then shift. Where the file has them the other way round, its halves are bound as the two
 * parts of the one module. */
static void
bind_final_modulation (EspFlux *flux)
{
  EspLinear *linear = &flux->final_modulation;
  int64_t hidden = flux->config.hidden;

  if (esp_weights_find (flux->weights, "norm_out.linear.scale.weight") == NULL)
    {
      esp_bind_linear (&flux->once, linear, hidden, 2 * hidden, true, "norm_out.linear");
      return;
    }
  esp_bind_linear (&flux->once, linear, hidden, hidden, true, "norm_out.linear.scale");
  esp_bind_linear (&flux->once, linear, hidden, hidden, true, "norm_out.linear.shift");
}

static EspStatus
bind (EspFlux *flux, EspError *error)
{
  const EspFluxConfig *c = &flux->config;
  const EspError *failure;

  esp_layers_init (&flux->layers, flux->weights);
  esp_layers_init (&flux->once, flux->weights);

  bind_embedder (flux, &flux->time, FLUX_SINUSOID, "timestep_embedder");
  if (c->guidance)
    bind_embedder (flux, &flux->guidance, FLUX_SINUSOID, "guidance_embedder");
  bind_embedder (flux, &flux->pooled, c->pooled_dim, "text_embedder");
  esp_bind_linear (&flux->once, &flux->text_in, c->joint_dim, c->hidden, true, "context_embedder");

  esp_bind_linear (&flux->layers, &flux->picture_in, c->in_channels, c->hidden, true, "x_embedder");
  for (int64_t i = 0; i < c->double_blocks; i++)
    {
      FluxDoubleBlock *block = &flux->double_block[i];

      block->first_layer = flux->layers.count;
      bind_stream (flux, &block->picture, i, &picture_names);
      bind_stream (flux, &block->text, i, &text_names);
      block->layer_count = flux->layers.count - block->first_layer;
    }
  for (int64_t i = 0; i < c->single_blocks; i++)
    {
      FluxSingleBlock *block = &flux->single_block[i];

      block->first_layer = flux->layers.count;
      bind_single (flux, block, i);
      block->layer_count = flux->layers.count - block->first_layer;
    }
  bind_final_modulation (flux);
  esp_bind_linear (&flux->layers, &flux->final, c->hidden, c->out_channels, true, "proj_out");
  /* What every block depends on, run once, and two small layers at either end of each step. */
  esp_layers_precise (&flux->once);
  flux->picture_in.precise = flux->final.precise = true;

  failure = flux->layers.error.status != ESP_OK ? &flux->layers.error : &flux->once.error;
  if (failure->status != ESP_OK)
    return esp_error_set (error, failure->status, "%s", failure->message);
  return ESP_OK;
}

/* The linear layers among entries [first, first + count), written behind those before. */
static void
make_stage (EspFlux *flux, EspLayerGroup *stage, int first, int count, int *staged)
{
  stage->linears = flux->staged + *staged;
  for (int i = first; i < first + count; i++)
    if (flux->layers.entries[i].kind == ESP_LAYER_LINEAR)
      flux->staged[(*staged)++] = flux->layers.entries[i].linear;
  stage->count = (int) (flux->staged + *staged - stage->linears);
}

static EspStatus
make_stages (EspFlux *flux, const char *path, EspError *error)
{
  const EspFluxConfig *c = &flux->config;
  int staged = 0;

  flux->stages = calloc ((size_t) (c->double_blocks + c->single_blocks) + 1, sizeof *flux->stages);
  flux->staged = calloc ((size_t) flux->layers.count + 1, sizeof (EspLinear *));
  if (flux->stages == NULL || flux->staged == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  for (int64_t i = 0; i < c->double_blocks; i++)
    make_stage (flux, &flux->stages[i], flux->double_block[i].first_layer,
                flux->double_block[i].layer_count, &staged);
  for (int64_t i = 0; i < c->single_blocks; i++)
    make_stage (flux, &flux->stages[c->double_blocks + i], flux->single_block[i].first_layer,
                flux->single_block[i].layer_count, &staged);
  return ESP_OK;
}

/* --- Sizes that follow from the tensors --------------------------------------------------------
 */

/* The axes of a head of `head_dim` columns: FLUX's own 16, 56, 56 of 128 in proportion, each an
 * even number and the last two alike. 64 is 8, 28, 28; 32 is 4, 14, 14. */
static EspStatus
divide_axes (EspFluxConfig *config, const char *path, EspError *error)
{
  int64_t first = config->head_dim / 8 / 2 * 2;

  if (first < 2)
    first = 2;
  if ((config->head_dim - first) % 4 != 0)
    first += 2;
  if (config->head_dim % 2 != 0 || first + 4 > config->head_dim)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: a head has %lld columns, which three position axes cannot share; "
                          "give the model as a folder whose config.json has \"axes_dims_rope\"",
                          path, (long long) config->head_dim);
  config->axes[0] = first;
  config->axes[1] = config->axes[2] = (config->head_dim - first) / 2;
  return ESP_OK;
}

/* Variants of FLUX.1 that take more than latents are told by the width of their input. */
static EspStatus
check_variant (const EspFluxConfig *config, const char *path, EspError *error)
{
  const char *variant;

  if (config->in_channels == config->out_channels && config->in_channels % 4 == 0)
    return ESP_OK;
  variant = config->in_channels == 6 * config->out_channels   ? "FLUX.1 Fill"
            : config->in_channels == 2 * config->out_channels ? "FLUX.1 Depth or Canny (control)"
                                                              : "another variant of FLUX.1";
  return esp_error_set (
      error, ESP_ERROR_UNSUPPORTED,
      "%s: is %s, whose input has %lld channels; Espalier runs FLUX.1 Kontext "
      "[dev], which has as many as its output (%lld): choose a file of that model",
      path, variant, (long long) config->in_channels, (long long) config->out_channels);
}

/* The name of a tensor of the first block of either kind that there is; NULL if there is none. */
static const char *
of_first_block (const EspFluxConfig *config, const char *in_double, const char *in_single)
{
  return config->double_blocks > 0 ? in_double : config->single_blocks > 0 ? in_single : NULL;
}

static EspStatus
measure_blocks (EspFluxConfig *config, const EspWeights *weights, EspError *error)
{
  const char *norm = of_first_block (config, "transformer_blocks.0.attn.norm_k.weight",
                                     "single_transformer_blocks.0.attn.norm_k.weight");
  const char *mlp = of_first_block (config, "transformer_blocks.0.ff.net.0.proj.weight",
                                    "single_transformer_blocks.0.proj_mlp.weight");
  EspStatus status = ESP_OK;

  config->head_dim = 128;
  config->mlp = 4 * config->hidden;
  if (norm != NULL)
    status = esp_component_extent (weights, norm, 1, 0, 1024, &config->head_dim, error);
  if (status == ESP_OK && mlp != NULL)
    status = esp_component_extent (weights, mlp, 2, 0, 1 << 20, &config->mlp, error);
  return status;
}

static EspStatus
measure_config (EspFluxConfig *config, const EspWeights *weights, EspError *error)
{
  const char *path = esp_weights_file_path (weights, 0);
  EspStatus status;

#define EXTENT(name, axis, maximum, field)                                                         \
  (status == ESP_OK                                                                                \
   && (status = esp_component_extent (weights, name, 2, axis, maximum, field, error)) == ESP_OK)
  status = ESP_OK;
  (void) (EXTENT ("x_embedder.weight", 0, 65536, &config->hidden)
          && EXTENT ("x_embedder.weight", 1, 4096, &config->in_channels)
          && EXTENT ("proj_out.weight", 0, 4096, &config->out_channels)
          && EXTENT ("context_embedder.weight", 1, 65536, &config->joint_dim)
          && EXTENT ("time_text_embed.text_embedder.linear_1.weight", 1, 65536,
                     &config->pooled_dim));
#undef EXTENT
  if (status == ESP_OK)
    status = check_variant (config, path, error);
  if (status != ESP_OK)
    return status;

  config->double_blocks = esp_component_depth (weights, "transformer_blocks.");
  config->single_blocks = esp_component_depth (weights, "single_transformer_blocks.");
  config->guidance
      = esp_weights_find (weights, "time_text_embed.guidance_embedder.linear_1.weight") != NULL;
  if (config->double_blocks > 1000 || config->single_blocks > 1000)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: its tensors count %lld and %lld blocks; at most 1000 of either "
                          "kind are expected",
                          path, (long long) config->double_blocks,
                          (long long) config->single_blocks);
  status = measure_blocks (config, weights, error);
  if (status != ESP_OK)
    return status;
  if (config->hidden % config->head_dim != 0)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: the width %lld is not a multiple of the head's %lld columns", path,
                          (long long) config->hidden, (long long) config->head_dim);
  config->heads = config->hidden / config->head_dim;
  return divide_axes (config, path, error);
}

/* --- Opening -----------------------------------------------------------------------------------
 */

EspStatus
esp_flux_open (const char *path, EspFlux **result, EspError *error)
{
  EspFlux *flux = calloc (1, sizeof *flux);
  char *config = NULL;
  EspStatus status;

  *result = NULL;
  if (flux == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  else
    status = esp_component_open (path, ESP_COMPONENT_TRANSFORMER, &flux->weights, &config, error);
  if (status == ESP_OK)
    status = config != NULL ? read_config (&flux->config, config, error)
                            : measure_config (&flux->config, flux->weights, error);
  free (config);

  if (status == ESP_OK)
    {
      const EspFluxConfig *c = &flux->config;

      flux->double_block = calloc ((size_t) c->double_blocks + 1, sizeof *flux->double_block);
      flux->single_block = calloc ((size_t) c->single_blocks + 1, sizeof *flux->single_block);
      if (flux->double_block == NULL || flux->single_block == NULL)
        status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
    }
  if (status == ESP_OK)
    status = bind (flux, error);
  if (status == ESP_OK)
    status = make_stages (flux, path, error);
  if (status != ESP_OK)
    {
      esp_flux_free (flux);
      return status;
    }
  *result = flux;
  return ESP_OK;
}

void
esp_flux_free (EspFlux *flux)
{
  if (flux == NULL)
    return;
  esp_layers_clear (&flux->layers);
  esp_layers_clear (&flux->once);
  esp_weights_close (flux->weights);
  free (flux->stages);
  free (flux->staged);
  free (flux->double_block);
  free (flux->single_block);
  free (flux);
}

void
esp_flux_release (EspFlux *flux, EspDevice *device)
{
  esp_layers_release (&flux->layers, device);
  esp_layers_release (&flux->once, device);
  if (device->ops->plan_stages != NULL)
    device->ops->plan_stages (device, NULL, 0, 0);
}

const EspFluxConfig *
esp_flux_config (const EspFlux *flux)
{
  return &flux->config;
}

const EspWeights *
esp_flux_weights (const EspFlux *flux)
{
  return flux->weights;
}

size_t
esp_flux_step_weight_bytes (const EspFlux *flux)
{
  size_t bytes = 0;

  for (int i = 0; i < flux->layers.count; i++)
    {
      const EspLayer *layer = &flux->layers.entries[i];

      for (int p = 0; layer->kind == ESP_LAYER_LINEAR && p < layer->linear->parts; p++)
        bytes += esp_dtype_bytes (layer->linear->weight[p]->dtype, layer->linear->weight[p]->count);
    }
  return bytes;
}

int64_t
flux_double_modulation (const EspFluxConfig *config, int64_t block, bool text)
{
  return (2 * block + (text ? 1 : 0)) * 6 * config->hidden;
}

int64_t
flux_single_modulation (const EspFluxConfig *config, int64_t block)
{
  return (12 * config->double_blocks + 3 * block) * config->hidden;
}

int64_t
flux_final_modulation (const EspFluxConfig *config)
{
  return flux_single_modulation (config, config->single_blocks);
}

int64_t
flux_modulation_total (const EspFluxConfig *config)
{
  return flux_final_modulation (config) + 2 * config->hidden;
}
