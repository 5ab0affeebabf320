/* SPDX-License-Identifier: MIT */
#include "text/t5-encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/component-names.h"
#include "files/json-file.h"
#include "ops/layers.h"

#define CONFIG_MAX_BYTES (1 << 20)

typedef struct T5Block
{
  EspVector attention_norm, mlp_norm;
  EspLinear qkv, out, wi_0, wi_1, wo;
  int first_layer, layer_count; /* this block's range in the table of layers */
  int mlp_norm_layer;           /* its norms' places there; the other one is the first */
} T5Block;

struct EspT5Encoder
{
  EspWeights *weights;
  EspLayers layers;
  int64_t width, head_dim, heads, mlp, blocks, vocabulary, buckets, max_distance;
  double epsilon;
  bool gated;
  EspActivation activation;
  const EspWeight *embedding, *relative_bias;
  T5Block *block;
  EspVector final_norm;
};

/* feed_forward_proj is "[gated-]ACTIVATION"; "gated-gelu" means the tanh form (T5Config). */
static EspStatus
parse_feed_forward (EspT5Encoder *encoder, const char *path, const char *text, EspError *error)
{
  encoder->gated = strncmp (text, "gated-", 6) == 0;
  if (strcmp (text, "gated-gelu") == 0 || strcmp (text, "gated-gelu_new") == 0
      || strcmp (text, "gelu_new") == 0)
    encoder->activation = ESP_ACTIVATION_GELU_TANH;
  else if (strcmp (text, "gelu") == 0)
    encoder->activation = ESP_ACTIVATION_GELU_ERF;
  else if (strcmp (text, "gated-silu") == 0 || strcmp (text, "silu") == 0)
    encoder->activation = ESP_ACTIVATION_SILU;
  else
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: \"feed_forward_proj\" is \"%s\"; gated-gelu, gated-silu, gelu and "
                          "silu are supported",
                          path, text);
  return ESP_OK;
}

static EspStatus
read_config (EspT5Encoder *encoder, const char *path, EspError *error)
{
  json_t *root = NULL;
  const char *feed_forward = NULL;
  EspStatus status = esp_json_read_object (path, CONFIG_MAX_BYTES, &root, error);

  if (status != ESP_OK)
    return status;

#define INT(key, required, min, max, fallback, field)                                              \
  (status == ESP_OK                                                                                \
   && (status = esp_json_get_int (root, path, key, required, min, max, fallback, field, error))    \
          == ESP_OK)
  (void) (INT ("d_model", true, 1, 65536, 0, &encoder->width)
          && INT ("d_kv", true, 1, 4096, 0, &encoder->head_dim)
          && INT ("num_heads", true, 1, 4096, 0, &encoder->heads)
          && INT ("d_ff", true, 1, 1 << 20, 0, &encoder->mlp)
          && INT ("num_layers", true, 1, 1000, 0, &encoder->blocks)
          && INT ("vocab_size", true, 1, 1 << 24, 0, &encoder->vocabulary)
          && INT ("relative_attention_num_buckets", false, 4, 65536, 32, &encoder->buckets)
          && INT ("relative_attention_max_distance", false, 2, 1 << 20, 128,
                  &encoder->max_distance));
#undef INT
  if (status == ESP_OK)
    status = esp_json_get_double (root, path, "layer_norm_epsilon", false, 0, 1, 1e-6,
                                  &encoder->epsilon, error);
  if (status == ESP_OK)
    status = esp_json_get_string (root, path, "feed_forward_proj", false, "relu", &feed_forward,
                                  error);
  if (status == ESP_OK)
    status = parse_feed_forward (encoder, path, feed_forward, error);
  if (status == ESP_OK && encoder->max_distance <= encoder->buckets / 4)
    status = esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: \"relative_attention_max_distance\" %lld is too small for %lld "
                            "buckets",
                            path, (long long) encoder->max_distance, (long long) encoder->buckets);
  json_decref (root);
  return status;
}

static EspStatus
bind (EspT5Encoder *encoder, EspError *error)
{
  EspLayers *layers = &encoder->layers;
  int64_t width = encoder->width, inner = encoder->heads * encoder->head_dim, mlp = encoder->mlp;
  char name[64];
  EspStatus status;

  for (int64_t i = 0; i < encoder->blocks; i++)
    {
      T5Block *block = &encoder->block[i];

      block->first_layer = layers->count;
      snprintf (name, sizeof name, "encoder.block.%lld.layer", (long long) i);
      esp_bind_vector (layers, &block->attention_norm, 0, width, "%s.0.layer_norm.weight", name);
      esp_bind_linear (layers, &block->qkv, width, inner, false, "%s.0.SelfAttention.q", name);
      esp_bind_linear (layers, &block->qkv, width, inner, false, "%s.0.SelfAttention.k", name);
      esp_bind_linear (layers, &block->qkv, width, inner, false, "%s.0.SelfAttention.v", name);
      esp_bind_linear (layers, &block->out, inner, width, false, "%s.0.SelfAttention.o", name);
      block->mlp_norm_layer = layers->count;
      esp_bind_vector (layers, &block->mlp_norm, 0, width, "%s.1.layer_norm.weight", name);
      if (encoder->gated)
        {
          esp_bind_linear (layers, &block->wi_0, width, mlp, false, "%s.1.DenseReluDense.wi_0",
                           name);
          esp_bind_linear (layers, &block->wi_1, width, mlp, false, "%s.1.DenseReluDense.wi_1",
                           name);
        }
      else
        esp_bind_linear (layers, &block->wi_0, width, mlp, false, "%s.1.DenseReluDense.wi", name);
      esp_bind_linear (layers, &block->wo, mlp, width, false, "%s.1.DenseReluDense.wo", name);
      block->layer_count = layers->count - block->first_layer;
    }
  /* Twenty-four blocks without a norm that would tame what is lost in them; run once for a prompt.
   */
  esp_layers_precise (layers);
  esp_bind_vector (layers, &encoder->final_norm, 0, width, "encoder.final_layer_norm.weight");
  if (layers->error.status != ESP_OK)
    return esp_error_set (error, layers->error.status, "%s", layers->error.message);

  status = esp_weights_require (
      encoder->weights, "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 2,
      (int64_t[]){ encoder->buckets, encoder->heads }, &encoder->relative_bias, error);
  if (status != ESP_OK)
    return status;
  return esp_weights_require (encoder->weights, "shared.weight", 2,
                              (int64_t[]){ encoder->vocabulary, width }, &encoder->embedding,
                              error);
}

/* What the tensors of T5 v1.1 do not say. */
#define T5_EPSILON      1e-6
#define T5_MAX_DISTANCE 128

static EspStatus
measure_config (EspT5Encoder *encoder, EspError *error)
{
  const EspWeights *weights = encoder->weights;
  const char *bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
  const char *query = "encoder.block.0.layer.0.SelfAttention.q.weight";
  const char *mlp = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight";
  int64_t inner = 0;
  EspStatus status = ESP_OK;

  encoder->epsilon = T5_EPSILON;
  encoder->max_distance = T5_MAX_DISTANCE;
  encoder->gated = true;
  encoder->activation = ESP_ACTIVATION_GELU_TANH;
  encoder->blocks = esp_component_depth (weights, "encoder.block.");
#define EXTENT(name, axis, maximum, field)                                                         \
  (status == ESP_OK                                                                                \
   && (status = esp_component_extent (weights, name, 2, axis, maximum, field, error)) == ESP_OK)
  (void) (EXTENT ("shared.weight", 0, 1 << 24, &encoder->vocabulary)
          && EXTENT ("shared.weight", 1, 65536, &encoder->width)
          && EXTENT (bias, 0, 65536, &encoder->buckets) && EXTENT (bias, 1, 4096, &encoder->heads)
          && EXTENT (query, 0, 1 << 24, &inner) && EXTENT (mlp, 0, 1 << 20, &encoder->mlp));
#undef EXTENT
  if (status != ESP_OK)
    return status;
  if (inner % encoder->heads != 0 || encoder->blocks > 1000 || encoder->buckets < 4
      || T5_MAX_DISTANCE <= encoder->buckets / 4)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: its tensors do not fit a T5 encoder: %lld blocks, %lld rows of "
                          "queries for %lld heads, %lld buckets of distances",
                          esp_weights_file_path (weights, 0), (long long) encoder->blocks,
                          (long long) inner, (long long) encoder->heads,
                          (long long) encoder->buckets);
  encoder->head_dim = inner / encoder->heads;
  return ESP_OK;
}

EspStatus
esp_t5_encoder_open (const char *path, EspT5Encoder **result, EspError *error)
{
  EspT5Encoder *encoder = calloc (1, sizeof *encoder);
  char *config = NULL;
  EspStatus status;

  *result = NULL;
  if (encoder == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  else
    status = esp_component_open (path, ESP_COMPONENT_T5, &encoder->weights, &config, error);
  if (status == ESP_OK)
    status
        = config != NULL ? read_config (encoder, config, error) : measure_config (encoder, error);
  free (config);

  if (status == ESP_OK)
    {
      encoder->block = calloc ((size_t) encoder->blocks, sizeof *encoder->block);
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
      esp_t5_encoder_free (encoder);
      return status;
    }
  *result = encoder;
  return ESP_OK;
}

void
esp_t5_encoder_free (EspT5Encoder *encoder)
{
  if (encoder == NULL)
    return;
  esp_layers_clear (&encoder->layers);
  esp_weights_close (encoder->weights);
  free (encoder->block);
  free (encoder);
}

int64_t
esp_t5_encoder_width (const EspT5Encoder *encoder)
{
  return encoder->width;
}

int64_t
esp_t5_encoder_vocabulary (const EspT5Encoder *encoder)
{
  return encoder->vocabulary;
}

const EspWeights *
esp_t5_encoder_weights (const EspT5Encoder *encoder)
{
  return encoder->weights;
}

EspLayers *
esp_t5_encoder_layers (EspT5Encoder *encoder)
{
  return &encoder->layers;
}

int64_t
esp_t5_bucket (int64_t relative, int64_t buckets, int64_t max_distance)
{
  int64_t half = buckets / 2, exact = half / 2, bucket = relative > 0 ? half : 0;
  int64_t distance = relative < 0 ? -relative : relative, large;
  float position;

  if (distance < exact)
    return bucket + distance;

  position = logf ((float) distance / (float) exact)
             / (float) log ((double) max_distance / (double) exact) * (float) (half - exact);
  large = exact + (int64_t) position;
  return bucket + (large < half - 1 ? large : half - 1);
}

/* The bias of every relative position, [heads, 2·count - 1] as EspAttention wants it. Host memory.
 */
static float *
relative_bias_table (const EspT5Encoder *encoder, EspDevice *device, int64_t count)
{
  const EspWeight *weight = encoder->relative_bias;
  int64_t span = 2 * count - 1, heads = encoder->heads;
  float *table = malloc ((size_t) (heads * span) * sizeof *table);
  float *rows = malloc ((size_t) weight->count * sizeof *rows);

  esp_check_finite (device, weight);
  if (table == NULL || rows == NULL)
    esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for the T5 text encoder");
  else
    {
      esp_weight_to_f32 (weight, 0, weight->count, rows);
      for (int64_t i = 0; i < span; i++)
        {
          int64_t bucket = esp_t5_bucket (i - (count - 1), encoder->buckets, encoder->max_distance);

          for (int64_t h = 0; h < heads; h++)
            table[h * span + i] = rows[bucket * heads + h];
        }
    }
  free (rows);
  return table;
}

typedef struct T5Buffers
{
  EspTensor x, normed, qkv, mixed, hidden, gate;
  float *bias;
  int64_t bias_bytes;
} T5Buffers;

static void
run_block (const EspT5Encoder *encoder, const T5Block *block, EspDevice *device, const T5Buffers *b)
{
  const EspOps *ops = device->ops;
  int64_t inner = encoder->heads * encoder->head_dim;
  float epsilon = (float) encoder->epsilon;

  ops->rms_norm (device, b->x, block->attention_norm.values, epsilon, b->normed);
  ops->linear (device, b->normed, &block->qkv, NULL, b->qkv);
  ops->attention (device, &(EspAttention){ .q = esp_tensor_cols (b->qkv, 0, inner),
                                           .k = esp_tensor_cols (b->qkv, inner, inner),
                                           .v = esp_tensor_cols (b->qkv, 2 * inner, inner),
                                           .out = b->mixed,
                                           .heads = encoder->heads,
                                           .head_dim = encoder->head_dim,
                                           .scale = 1.0f,
                                           .relative_bias = b->bias,
                                           .precise = true });
  ops->linear (device, b->mixed, &block->out, &(EspEpilogue){ .accumulate = true }, b->x);

  ops->rms_norm (device, b->x, block->mlp_norm.values, epsilon, b->normed);
  ops->linear (device, b->normed, &block->wi_0, &(EspEpilogue){ .activation = encoder->activation },
               b->hidden);
  if (encoder->gated)
    {
      ops->linear (device, b->normed, &block->wi_1, NULL, b->gate);
      ops->multiply (device, b->hidden, b->gate, b->hidden);
    }
  ops->linear (device, b->hidden, &block->wo, &(EspEpilogue){ .accumulate = true }, b->x);
}

static void
prepare_block (EspT5Encoder *encoder, EspDevice *device, int64_t index)
{
  const T5Block *block = &encoder->block[index];

  esp_layers_prepare (&encoder->layers, device, block->first_layer, block->layer_count);
}

/* The norms of all blocks are little; a card takes them in the order of what it computes, so they
 * would hold up the weights behind them. */
static void
prepare_norms (EspT5Encoder *encoder, EspDevice *device)
{
  for (int64_t i = 0; i < encoder->blocks; i++)
    {
      esp_layers_prepare (&encoder->layers, device, encoder->block[i].first_layer, 1);
      esp_layers_prepare (&encoder->layers, device, encoder->block[i].mlp_norm_layer, 1);
    }
}

/* One block's weights at a time: the whole of T5-XXL is 9.5 GB, a block 0.4 GB. A device that
 * computes by itself does so while the next block's are read. */
static void
run_all_blocks (EspT5Encoder *encoder, EspDevice *device, const T5Buffers *buffers,
                const atomic_bool *cancel)
{
  const bool ahead = device->ops->begin_stage != NULL;

  if (ahead)
    prepare_norms (encoder, device);
  for (int64_t i = 0; i < encoder->blocks && device->error.status == ESP_OK; i++)
    {
      const T5Block *block = &encoder->block[i];

      if (cancel != NULL && atomic_load (cancel))
        {
          esp_device_fail (device, ESP_ERROR_CANCELLED, "cancelled");
          return;
        }
      prepare_block (encoder, device, i);
      run_block (encoder, block, device, buffers);
      if (ahead && i + 1 < encoder->blocks)
        prepare_block (encoder, device, i + 1);
      device->ops->synchronize (device);
      esp_layers_release_range (&encoder->layers, device, block->first_layer, block->layer_count);
    }
}

EspStatus
esp_t5_encode (EspT5Encoder *encoder, EspDevice *device, const int32_t *ids, int64_t count,
               float *embeddings, const atomic_bool *cancel, EspError *error)
{
  const EspOps *ops = device->ops;
  int64_t width = encoder->width, inner = encoder->heads * encoder->head_dim;
  int64_t bias_count = encoder->heads * (2 * count - 1);
  EspDType type = ESP_F32; /* its layers are precise */
  T5Buffers b = {
    .x = esp_tensor_new (device, ESP_F32, count, width),
    .normed = esp_tensor_new (device, type, count, width),
    .qkv = esp_tensor_new (device, type, count, 3 * inner),
    .mixed = esp_tensor_new (device, type, count, inner),
    .hidden = esp_tensor_new (device, type, count, encoder->mlp),
    .bias_bytes = bias_count * (int64_t) sizeof (float),
  };
  float *table = relative_bias_table (encoder, device, count);

  if (encoder->gated)
    b.gate = esp_tensor_new (device, type, count, encoder->mlp);
  b.bias = ops->allocate (device, (size_t) b.bias_bytes);
  if (device->error.status == ESP_OK)
    ops->upload (device, table, (EspTensor){ b.bias, ESP_F32, 1, bias_count, bias_count });
  free (table);

  esp_check_finite (device, encoder->embedding);
  ops->gather_rows (device, encoder->embedding, ids, b.x);
  run_all_blocks (encoder, device, &b, cancel);
  esp_layers_prepare (&encoder->layers, device, encoder->layers.count - 1, 1);
  ops->rms_norm (device, b.x, encoder->final_norm.values, (float) encoder->epsilon, b.x);
  ops->download (device, b.x, embeddings);

  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.normed);
  esp_tensor_free (device, &b.qkv);
  esp_tensor_free (device, &b.mixed);
  esp_tensor_free (device, &b.hidden);
  esp_tensor_free (device, &b.gate);
  ops->release (device, b.bias, (size_t) b.bias_bytes);
  esp_layers_release (&encoder->layers, device);
  esp_weights_release_pages (encoder->weights);
  return esp_device_check (device, error);
}
