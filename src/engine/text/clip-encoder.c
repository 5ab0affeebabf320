/* SPDX-License-Identifier: MIT */
#include "text/clip-encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/component-names.h"
#include "files/json-file.h"
#include "ops/layers.h"

#define CONFIG_MAX_BYTES (1 << 20)

typedef struct ClipBlock
{
  EspVector norm1_weight, norm1_bias, norm2_weight, norm2_bias;
  EspLinear qkv, out, fc1, fc2;
} ClipBlock;

struct EspClipEncoder
{
  EspWeights *weights;
  EspLayers layers;
  int64_t width, mlp, heads, blocks, vocabulary, positions, end_id;
  double epsilon;
  EspActivation activation;
  const EspWeight *token_embedding, *position_embedding;
  ClipBlock *block;
  EspVector norm_weight, norm_bias;
};

static EspStatus
read_config (EspClipEncoder *encoder, const char *path, EspError *error)
{
  json_t *root = NULL;
  const char *activation = NULL;
  EspStatus status = esp_json_read_object (path, CONFIG_MAX_BYTES, &root, error);
  int64_t unused;

  if (status != ESP_OK)
    return status;

#define INT(key, min, max, fallback, field)                                                        \
  (status == ESP_OK                                                                                \
   && (status                                                                                      \
       = esp_json_get_int (root, path, key, (fallback) < 0, min, max, fallback, field, error))     \
          == ESP_OK)
  (void) (INT ("hidden_size", 1, 65536, -1, &encoder->width)
          && INT ("intermediate_size", 1, 1 << 20, -1, &encoder->mlp)
          && INT ("num_attention_heads", 1, 4096, -1, &encoder->heads)
          && INT ("num_hidden_layers", 0, 1000, -1, &encoder->blocks)
          && INT ("vocab_size", 1, 1 << 24, -1, &encoder->vocabulary)
          && INT ("max_position_embeddings", 2, 65536, 77, &encoder->positions)
          /* transformers' default of an absent eos_token_id */
          && INT ("eos_token_id", 0, 1 << 24, 49407, &encoder->end_id)
          && INT ("bos_token_id", 0, 1 << 24, 49406, &unused));
#undef INT
  if (status == ESP_OK)
    status = esp_json_get_double (root, path, "layer_norm_eps", false, 0, 1, 1e-5,
                                  &encoder->epsilon, error);
  if (status == ESP_OK)
    status
        = esp_json_get_string (root, path, "hidden_act", false, "quick_gelu", &activation, error);
  if (status == ESP_OK)
    {
      if (strcmp (activation, "quick_gelu") == 0)
        encoder->activation = ESP_ACTIVATION_QUICK_GELU;
      else if (strcmp (activation, "gelu") == 0)
        encoder->activation = ESP_ACTIVATION_GELU_ERF;
      else if (strcmp (activation, "gelu_new") == 0
               || strcmp (activation, "gelu_pytorch_tanh") == 0)
        encoder->activation = ESP_ACTIVATION_GELU_TANH;
      else
        status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                                "%s: \"hidden_act\" is \"%s\"; quick_gelu, gelu and gelu_new are "
                                "supported",
                                path, activation);
    }
  if (status == ESP_OK && encoder->width % encoder->heads != 0)
    status = esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: \"hidden_size\" %lld is not a multiple of \"num_attention_heads\" "
                            "%lld",
                            path, (long long) encoder->width, (long long) encoder->heads);
  json_decref (root);
  return status;
}

static EspStatus
bind (EspClipEncoder *encoder, EspError *error)
{
  EspLayers *layers = &encoder->layers;
  int64_t width = encoder->width, mlp = encoder->mlp;
  char name[96];
  EspStatus status;

  for (int64_t i = 0; i < encoder->blocks; i++)
    {
      ClipBlock *block = &encoder->block[i];

      snprintf (name, sizeof name, "text_model.encoder.layers.%lld", (long long) i);
      esp_bind_vector (layers, &block->norm1_weight, 0, width, "%s.layer_norm1.weight", name);
      esp_bind_vector (layers, &block->norm1_bias, 0, width, "%s.layer_norm1.bias", name);
      esp_bind_linear (layers, &block->qkv, width, width, true, "%s.self_attn.q_proj", name);
      esp_bind_linear (layers, &block->qkv, width, width, true, "%s.self_attn.k_proj", name);
      esp_bind_linear (layers, &block->qkv, width, width, true, "%s.self_attn.v_proj", name);
      esp_bind_linear (layers, &block->out, width, width, true, "%s.self_attn.out_proj", name);
      esp_bind_vector (layers, &block->norm2_weight, 0, width, "%s.layer_norm2.weight", name);
      esp_bind_vector (layers, &block->norm2_bias, 0, width, "%s.layer_norm2.bias", name);
      esp_bind_linear (layers, &block->fc1, width, mlp, true, "%s.mlp.fc1", name);
      esp_bind_linear (layers, &block->fc2, mlp, width, true, "%s.mlp.fc2", name);
    }
  esp_bind_vector (layers, &encoder->norm_weight, 0, width, "text_model.final_layer_norm.weight");
  esp_bind_vector (layers, &encoder->norm_bias, 0, width, "text_model.final_layer_norm.bias");
  if (layers->error.status != ESP_OK)
    return esp_error_set (error, layers->error.status, "%s", layers->error.message);

  status = esp_weights_require (encoder->weights, "text_model.embeddings.token_embedding.weight", 2,
                                (int64_t[]){ encoder->vocabulary, width },
                                &encoder->token_embedding, error);
  if (status != ESP_OK)
    return status;
  return esp_weights_require (encoder->weights, "text_model.embeddings.position_embedding.weight",
                              2, (int64_t[]){ encoder->positions, width },
                              &encoder->position_embedding, error);
}

/* What the tensors of CLIP-L do not say. */
#define CLIP_HEAD_DIM 64
#define CLIP_EPSILON  1e-5

static EspStatus
measure_config (EspClipEncoder *encoder, EspError *error)
{
  const EspWeights *weights = encoder->weights;
  const char *tokens = "text_model.embeddings.token_embedding.weight";
  const char *positions = "text_model.embeddings.position_embedding.weight";
  const char *mlp = "text_model.encoder.layers.0.mlp.fc1.weight";
  EspStatus status;

  encoder->blocks = esp_component_depth (weights, "text_model.encoder.layers.");
  encoder->epsilon = CLIP_EPSILON;
  encoder->activation = ESP_ACTIVATION_QUICK_GELU;
  encoder->end_id = 2; /* the largest id of the sequence: OpenAI's rule, see pooled_row() */
  status = esp_component_extent (weights, tokens, 2, 0, 1 << 24, &encoder->vocabulary, error);
  if (status == ESP_OK)
    status = esp_component_extent (weights, tokens, 2, 1, 65536, &encoder->width, error);
  if (status == ESP_OK)
    status = esp_component_extent (weights, positions, 2, 0, 65536, &encoder->positions, error);
  if (status == ESP_OK)
    status = esp_component_extent (weights, mlp, 2, 0, 1 << 20, &encoder->mlp, error);
  if (status == ESP_OK && encoder->positions < 2)
    status = esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: tensor '%s' has one row; at least 2 positions are expected",
                            esp_weights_file_path (weights, 0), positions);
  if (status == ESP_OK && (encoder->width % CLIP_HEAD_DIM != 0 || encoder->blocks > 1000))
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: its %lld blocks of width %lld are not CLIP's, whose heads have %d "
                            "columns; give the encoder as a folder with a config.json",
                            esp_weights_file_path (weights, 0), (long long) encoder->blocks,
                            (long long) encoder->width, CLIP_HEAD_DIM);
  encoder->heads = encoder->width / CLIP_HEAD_DIM;
  return status;
}

EspStatus
esp_clip_encoder_open (const char *path, EspClipEncoder **result, EspError *error)
{
  EspClipEncoder *encoder = calloc (1, sizeof *encoder);
  char *config = NULL;
  EspStatus status;

  *result = NULL;
  if (encoder == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  else
    status = esp_component_open (path, ESP_COMPONENT_CLIP, &encoder->weights, &config, error);
  if (status == ESP_OK)
    status
        = config != NULL ? read_config (encoder, config, error) : measure_config (encoder, error);
  free (config);

  if (status == ESP_OK)
    {
      encoder->block = calloc ((size_t) encoder->blocks + 1, sizeof *encoder->block);
      if (encoder->block == NULL)
        status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
    }
  if (status == ESP_OK)
    {
      esp_layers_init (&encoder->layers, encoder->weights);
      status = bind (encoder, error);
    }
  if (status != ESP_OK)
    {
      esp_clip_encoder_free (encoder);
      return status;
    }
  *result = encoder;
  return ESP_OK;
}

void
esp_clip_encoder_free (EspClipEncoder *encoder)
{
  if (encoder == NULL)
    return;
  esp_layers_clear (&encoder->layers);
  esp_weights_close (encoder->weights);
  free (encoder->block);
  free (encoder);
}

int64_t
esp_clip_encoder_width (const EspClipEncoder *encoder)
{
  return encoder->width;
}

int64_t
esp_clip_encoder_vocabulary (const EspClipEncoder *encoder)
{
  return encoder->vocabulary;
}

int64_t
esp_clip_encoder_positions (const EspClipEncoder *encoder)
{
  return encoder->positions;
}

const EspWeights *
esp_clip_encoder_weights (const EspClipEncoder *encoder)
{
  return encoder->weights;
}

EspLayers *
esp_clip_encoder_layers (EspClipEncoder *encoder)
{
  return &encoder->layers;
}

/* Which row is pooled: as CLIPTextModel does it. Configs older than the library's PR 24773 say
 * eos_token_id 2, where the largest id of the sequence marks the end. */
static int64_t
pooled_row (const EspClipEncoder *encoder, const int32_t *ids, int64_t count)
{
  int64_t best = 0;

  for (int64_t i = 0; i < count; i++)
    {
      if (encoder->end_id != 2 && ids[i] == encoder->end_id)
        return i;
      if (encoder->end_id == 2 && ids[i] > ids[best])
        best = i;
    }
  return best;
}

static void
run_block (const EspClipEncoder *encoder, const ClipBlock *block, EspDevice *device, EspTensor x,
           EspTensor normed, EspTensor qkv, EspTensor mixed, EspTensor hidden)
{
  const EspOps *ops = device->ops;
  int64_t width = encoder->width, head_dim = width / encoder->heads;
  float epsilon = (float) encoder->epsilon;

  ops->layer_norm (device, x, block->norm1_weight.values, block->norm1_bias.values, epsilon,
                   normed);
  ops->linear (device, normed, &block->qkv, NULL, qkv);
  ops->attention (device, &(EspAttention){ .q = esp_tensor_cols (qkv, 0, width),
                                           .k = esp_tensor_cols (qkv, width, width),
                                           .v = esp_tensor_cols (qkv, 2 * width, width),
                                           .out = mixed,
                                           .heads = encoder->heads,
                                           .head_dim = head_dim,
                                           .scale = 1.0f / sqrtf ((float) head_dim),
                                           .causal = true });
  ops->linear (device, mixed, &block->out, &(EspEpilogue){ .accumulate = true }, x);

  ops->layer_norm (device, x, block->norm2_weight.values, block->norm2_bias.values, epsilon,
                   normed);
  ops->linear (device, normed, &block->fc1, &(EspEpilogue){ .activation = encoder->activation },
               hidden);
  ops->linear (device, hidden, &block->fc2, &(EspEpilogue){ .accumulate = true }, x);
}

EspStatus
esp_clip_encode (EspClipEncoder *encoder, EspDevice *device, const int32_t *ids, int64_t count,
                 float *pooled, EspError *error)
{
  const EspOps *ops = device->ops;
  int64_t width = encoder->width;
  EspDType type = device->compute;
  EspTensor x = esp_tensor_new (device, ESP_F32, count, width);
  EspTensor positions = esp_tensor_new (device, ESP_F32, count, width);
  EspTensor normed = esp_tensor_new (device, type, count, width);
  EspTensor qkv = esp_tensor_new (device, type, count, 3 * width);
  EspTensor mixed = esp_tensor_new (device, type, count, width);
  EspTensor hidden = esp_tensor_new (device, type, count, encoder->mlp);
  int32_t *order = malloc ((size_t) count * sizeof *order);

  if (order == NULL)
    esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for the CLIP text encoder");
  else
    for (int64_t i = 0; i < count; i++)
      order[i] = (int32_t) i;

  esp_layers_prepare (&encoder->layers, device, 0, -1);
  esp_check_finite (device, encoder->token_embedding);
  esp_check_finite (device, encoder->position_embedding);
  ops->gather_rows (device, encoder->token_embedding, ids, x);
  ops->gather_rows (device, encoder->position_embedding, order, positions);
  ops->scale_add (device, 1, positions, 1, x);
  for (int64_t i = 0; i < encoder->blocks; i++)
    run_block (encoder, &encoder->block[i], device, x, normed, qkv, mixed, hidden);
  ops->layer_norm (device, x, encoder->norm_weight.values, encoder->norm_bias.values,
                   (float) encoder->epsilon, x);
  if (device->error.status == ESP_OK)
    ops->download (device, esp_tensor_rows (x, pooled_row (encoder, ids, count), 1), pooled);

  free (order);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &positions);
  esp_tensor_free (device, &normed);
  esp_tensor_free (device, &qkv);
  esp_tensor_free (device, &mixed);
  esp_tensor_free (device, &hidden);
  esp_layers_release (&encoder->layers, device);
  esp_weights_release_pages (encoder->weights);
  return esp_device_check (device, error);
}
