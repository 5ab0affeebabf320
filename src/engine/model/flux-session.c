/* SPDX-License-Identifier: MIT */
/* One edit's run through the transformer: what is computed once, and the blocks of each step. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/flux-layers.h"

#define ROPE_THETA 10000.0

/* What one prompt contributes to every step. */
typedef struct Conditioning
{
  EspTensor text;        /* [T, D] f32: the embedded T5 output */
  EspTensor modulations; /* [steps, total] f32 */
} Conditioning;

struct EspFluxSession
{
  EspFlux *flux;
  EspDevice *device;
  int64_t text_tokens, target_tokens, reference_tokens, length;
  int text_count, steps;
  Conditioning conditioning[2];
  EspTensor references;   /* [R, D] f32: the embedded reference latents */
  EspTensor cosine, sine; /* [L, head_dim/2] f32 */
  EspTensor x;            /* [L, D] f32: the residual stream, text rows first */
  EspTensor normed;       /* [L, D] */
  EspTensor qkv;          /* [L, 3D] */
  EspTensor mixed;        /* [L, D + 4D]: attention output | MLP */
};

static bool
is_cancelled (EspDevice *device, const atomic_bool *cancel)
{
  if (cancel != NULL && atomic_load (cancel))
    esp_device_fail (device, ESP_ERROR_CANCELLED, "cancelled");
  return device->error.status != ESP_OK;
}

/* --- What is computed once ----------------------------------------------------------------------
 */

/* [cos | sin] of value · 10000^(-i/128). In f32 throughout, as diffusers' get_timestep_embedding:
 * at value 2500 the rounding of the frequencies is visible in the result. */
static void
sinusoid (float value, float *row)
{
  const int half = FLUX_SINUSOID / 2;

  for (int i = 0; i < half; i++)
    {
      float exponent = (float) -log (10000.0) * (float) i / (float) half;
      float angle = value * (float) exp ((double) exponent);

      row[i] = (float) cos ((double) angle);
      row[half + i] = (float) sin ((double) angle);
    }
}

/* y (+)= out (silu (in (x))), with the weights held only meanwhile. */
static void
run_embedder (EspDevice *device, FluxEmbedder *embedder, EspTensor x, bool accumulate, EspTensor y)
{
  const EspOps *ops = device->ops;
  EspTensor hidden = esp_tensor_new (device, ESP_F32, x.rows, embedder->in.out);

  ops->prepare_linear (device, &embedder->in);
  ops->linear (device, x, &embedder->in, &(EspEpilogue){ .activation = ESP_ACTIVATION_SILU },
               hidden);
  ops->release_linear (device, &embedder->in);
  ops->prepare_linear (device, &embedder->out);
  ops->linear (device, hidden, &embedder->out, &(EspEpilogue){ .accumulate = accumulate }, y);
  ops->release_linear (device, &embedder->out);
  esp_tensor_free (device, &hidden);
}

/* Uploads [rows, cols] host values into a fresh f32 tensor. */
static EspTensor
upload_new (EspDevice *device, const float *host, int64_t rows, int64_t cols)
{
  EspTensor t = esp_tensor_new (device, ESP_F32, rows, cols);

  if (device->error.status == ESP_OK && rows > 0)
    device->ops->upload (device, host, t);
  return t;
}

/* silu (time + guidance + pooled text) of every step, [steps, D]. */
static EspTensor
step_vectors (EspFluxSession *s, const EspFluxInputs *inputs, const EspFluxText *text)
{
  EspDevice *device = s->device;
  EspFlux *flux = s->flux;
  int64_t steps = inputs->steps, hidden = flux->config.hidden, pooled = flux->config.pooled_dim;
  int64_t widest = pooled > FLUX_SINUSOID ? pooled : FLUX_SINUSOID;
  float *rows = malloc ((size_t) (steps * widest) * sizeof *rows);
  EspTensor sum = esp_tensor_new (device, ESP_F32, steps, hidden), x;

  if (rows == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for the step embeddings");
      return sum;
    }

  for (int64_t i = 0; i < steps; i++)
    sinusoid (inputs->timesteps[i] * 1000.0f, rows + i * FLUX_SINUSOID);
  x = upload_new (device, rows, steps, FLUX_SINUSOID);
  run_embedder (device, &flux->time, x, false, sum);
  esp_tensor_free (device, &x);

  if (flux->config.guidance)
    {
      for (int64_t i = 0; i < steps; i++)
        sinusoid ((float) inputs->guidance * 1000.0f, rows + i * FLUX_SINUSOID);
      x = upload_new (device, rows, steps, FLUX_SINUSOID);
      run_embedder (device, &flux->guidance, x, true, sum);
      esp_tensor_free (device, &x);
    }

  for (int64_t i = 0; i < steps; i++)
    memcpy (rows + i * pooled, text->pooled, (size_t) pooled * sizeof *rows);
  x = upload_new (device, rows, steps, pooled);
  run_embedder (device, &flux->pooled, x, true, sum);
  esp_tensor_free (device, &x);

  device->ops->activate (device, sum, ESP_ACTIVATION_SILU, sum);
  free (rows);
  return sum;
}

/* One modulation layer for all steps and prompts; its weights (27 % of the model in all) are needed
 * at no other time and are not kept. */
static void
modulate_all_steps (EspFluxSession *s, EspLinear *linear, const EspTensor *vectors, int64_t column)
{
  const EspOps *ops = s->device->ops;

  ops->prepare_linear (s->device, linear);
  for (int t = 0; t < s->text_count; t++)
    ops->linear (s->device, vectors[t], linear, NULL,
                 esp_tensor_cols (s->conditioning[t].modulations, column, linear->out));
  ops->release_linear (s->device, linear);
}

static void
compute_conditioning (EspFluxSession *s, const EspFluxInputs *inputs, const atomic_bool *cancel)
{
  EspDevice *device = s->device;
  EspFlux *flux = s->flux;
  const EspFluxConfig *c = &flux->config;
  EspTensor vectors[2] = { { 0 } };

  device->ops->prepare_linear (device, &flux->text_in);
  for (int t = 0; t < s->text_count; t++)
    {
      Conditioning *conditioning = &s->conditioning[t];
      EspTensor embeddings
          = upload_new (device, inputs->texts[t].embeddings, s->text_tokens, c->joint_dim);

      conditioning->text = esp_tensor_new (device, ESP_F32, s->text_tokens, c->hidden);
      conditioning->modulations
          = esp_tensor_new (device, ESP_F32, inputs->steps, flux_modulation_total (c));
      device->ops->linear (device, embeddings, &flux->text_in, NULL, conditioning->text);
      esp_tensor_free (device, &embeddings);
      vectors[t] = step_vectors (s, inputs, &inputs->texts[t]);
    }
  device->ops->release_linear (device, &flux->text_in);

  for (int64_t i = 0; i < c->double_blocks && !is_cancelled (device, cancel); i++)
    {
      FluxDoubleBlock *block = &flux->double_block[i];

      modulate_all_steps (s, &block->picture.modulation, vectors,
                          flux_double_modulation (c, i, false));
      modulate_all_steps (s, &block->text.modulation, vectors, flux_double_modulation (c, i, true));
    }
  for (int64_t i = 0; i < c->single_blocks && !is_cancelled (device, cancel); i++)
    modulate_all_steps (s, &flux->single_block[i].modulation, vectors,
                        flux_single_modulation (c, i));
  modulate_all_steps (s, &flux->final_modulation, vectors, flux_final_modulation (c));

  for (int t = 0; t < s->text_count; t++)
    esp_tensor_free (device, &vectors[t]);
}

/* Angles position · theta^(-2i/axis) in f64, their cosine and sine rounded to f32, as diffusers
 * does. */
static void
compute_rope (EspFluxSession *s, const float *positions)
{
  const EspFluxConfig *c = &s->flux->config;
  int64_t half = c->head_dim / 2;
  size_t count = (size_t) (s->length * half);
  float *cosine = malloc (count * sizeof *cosine), *sine = malloc (count * sizeof *sine);

  if (cosine == NULL || sine == NULL)
    esp_device_fail (s->device, ESP_ERROR_MEMORY, "out of memory for the rotary tables");
  else
    {
      for (int64_t row = 0; row < s->length; row++)
        {
          const float *position = positions + (row - s->text_tokens) * ESP_FLUX_AXES;
          int64_t column = row * half;

          for (int axis = 0; axis < ESP_FLUX_AXES; axis++)
            for (int64_t i = 0; i < c->axes[axis] / 2; i++, column++)
              {
                double where = row < s->text_tokens ? 0.0 : (double) position[axis];
                double angle = where / pow (ROPE_THETA, (double) (2 * i) / (double) c->axes[axis]);

                cosine[column] = (float) cos (angle);
                sine[column] = (float) sin (angle);
              }
        }
      s->cosine = upload_new (s->device, cosine, s->length, half);
      s->sine = upload_new (s->device, sine, s->length, half);
    }
  free (cosine);
  free (sine);
}

static void
embed_references (EspFluxSession *s, const float *latents)
{
  EspDevice *device = s->device;
  const EspFluxConfig *c = &s->flux->config;
  EspTensor packed = upload_new (device, latents, s->reference_tokens, c->in_channels);

  s->references = esp_tensor_new (device, ESP_F32, s->reference_tokens, c->hidden);
  if (s->reference_tokens > 0)
    device->ops->linear (device, packed, &s->flux->picture_in, NULL, s->references);
  esp_tensor_free (device, &packed);
}

static void
prepare_weights (EspFluxSession *s, const atomic_bool *cancel, EspFluxProgress progress, void *data)
{
  EspLayers *layers = &s->flux->layers;

  for (int i = 0; i < layers->count && !is_cancelled (s->device, cancel); i++)
    {
      esp_layers_prepare (layers, s->device, i, 1);
      if (progress != NULL)
        progress (data, (double) (i + 1) / (double) layers->count);
    }
}

EspStatus
esp_flux_session_new (EspFlux *flux, EspDevice *device, const EspFluxInputs *inputs,
                      const atomic_bool *cancel, EspFluxProgress progress, void *data,
                      EspFluxSession **result, EspError *error)
{
  const EspFluxConfig *c = &flux->config;
  EspFluxSession *s = calloc (1, sizeof *s);

  *result = NULL;
  if (s == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the transformer's session");

  s->flux = flux;
  s->device = device;
  s->text_tokens = inputs->text_tokens;
  s->target_tokens = inputs->target_tokens;
  s->reference_tokens = inputs->reference_tokens;
  s->length = s->text_tokens + s->target_tokens + s->reference_tokens;
  s->text_count = inputs->text_count;
  s->steps = inputs->steps;

  compute_conditioning (s, inputs, cancel);
  prepare_weights (s, cancel, progress, data);
  compute_rope (s, inputs->positions);
  embed_references (s, inputs->references);
  s->x = esp_tensor_new (device, ESP_F32, s->length, c->hidden);
  s->normed = esp_tensor_new (device, device->compute, s->length, c->hidden);
  s->qkv = esp_tensor_new (device, device->compute, s->length, 3 * c->hidden);
  s->mixed = esp_tensor_new (device, device->compute, s->length, c->hidden + c->mlp);

  if (esp_device_check (device, error) != ESP_OK)
    {
      esp_flux_session_free (s);
      return device->error.status;
    }
  *result = s;
  return ESP_OK;
}

void
esp_flux_session_free (EspFluxSession *s)
{
  if (s == NULL)
    return;
  for (int t = 0; t < s->text_count; t++)
    {
      esp_tensor_free (s->device, &s->conditioning[t].text);
      esp_tensor_free (s->device, &s->conditioning[t].modulations);
    }
  esp_tensor_free (s->device, &s->references);
  esp_tensor_free (s->device, &s->cosine);
  esp_tensor_free (s->device, &s->sine);
  esp_tensor_free (s->device, &s->x);
  esp_tensor_free (s->device, &s->normed);
  esp_tensor_free (s->device, &s->qkv);
  esp_tensor_free (s->device, &s->mixed);
  free (s);
}

size_t
esp_flux_session_bytes (const EspFluxConfig *c, EspDType compute, int64_t text_tokens,
                        int64_t target_tokens, int64_t reference_tokens, int text_count, int steps)
{
  int64_t length = text_tokens + target_tokens + reference_tokens;
  int64_t operands = length * (c->hidden + 3 * c->hidden + c->hidden + c->mlp);
  int64_t floats = length * (c->hidden + c->head_dim) + reference_tokens * c->hidden
                   + text_count * (text_tokens * c->hidden + steps * flux_modulation_total (c));

  return esp_dtype_bytes (compute, operands) + esp_dtype_bytes (ESP_F32, floats);
}

/* --- Each step
 * -------------------------------------------------------------------------------------- */

/* A pointer to chunk `index` (of D values) of a block's modulation at this step. */
static const float *
chunk (const EspFluxSession *s, int text, int step, int64_t column, int index)
{
  EspTensor m = s->conditioning[text].modulations;

  return (const float *) m.data + step * m.stride + column + index * s->flux->config.hidden;
}

/* Rotary tables from row `first` on. */
static const float *
rope_rows (EspTensor table, int64_t first)
{
  return (const float *) table.data + first * table.stride;
}

/* q/k/v of `rows` normed rows of the joint sequence from `first` on, QK norm and rotation. */
static void
project_rows (EspFluxSession *s, const EspLinear *qkv, const EspVector *norm_q,
              const EspVector *norm_k, int64_t first, int64_t rows)
{
  const EspOps *ops = s->device->ops;
  const EspFluxConfig *c = &s->flux->config;
  EspTensor fused = esp_tensor_rows (s->qkv, first, rows);
  EspTensor q = esp_tensor_cols (fused, 0, c->hidden);
  EspTensor k = esp_tensor_cols (fused, c->hidden, c->hidden);
  const float *cosine = rope_rows (s->cosine, first), *sine = rope_rows (s->sine, first);

  ops->linear (s->device, esp_tensor_rows (s->normed, first, rows), qkv, NULL, fused);
  ops->head_norm_rope (s->device, q, c->head_dim, norm_q->values, FLUX_NORM_EPSILON, cosine, sine,
                       q);
  ops->head_norm_rope (s->device, k, c->head_dim, norm_k->values, FLUX_NORM_EPSILON, cosine, sine,
                       k);
}

/* Joint attention of `rows` queries from row `first` on over the whole sequence, into the first D
 * columns of `mixed`. */
static void
attend (EspFluxSession *s, int64_t first, int64_t rows)
{
  const EspFluxConfig *c = &s->flux->config;

  s->device->ops->attention (
      s->device, &(EspAttention){ .q = esp_tensor_slice (s->qkv, first, rows, 0, c->hidden),
                                  .k = esp_tensor_cols (s->qkv, c->hidden, c->hidden),
                                  .v = esp_tensor_cols (s->qkv, 2 * c->hidden, c->hidden),
                                  .out = esp_tensor_slice (s->mixed, first, rows, 0, c->hidden),
                                  .heads = c->heads,
                                  .head_dim = c->head_dim,
                                  .scale = 1.0f / sqrtf ((float) c->head_dim) });
}

/* A stream's half before the attention: modulated norm, q/k/v. */
static void
stream_before (EspFluxSession *s, const FluxStream *stream, int text, int step, int64_t column,
               int64_t first, int64_t rows)
{
  s->device->ops->modulated_norm (s->device, esp_tensor_rows (s->x, first, rows),
                                  chunk (s, text, step, column, 0),
                                  chunk (s, text, step, column, 1), FLUX_NORM_EPSILON,
                                  esp_tensor_rows (s->normed, first, rows));
  project_rows (s, &stream->qkv, &stream->norm_q, &stream->norm_k, first, rows);
}

/* A stream's half after it: gated output projection and MLP. */
static void
stream_after (EspFluxSession *s, const FluxStream *stream, int text, int step, int64_t column,
              int64_t first, int64_t rows)
{
  const EspOps *ops = s->device->ops;
  const EspFluxConfig *c = &s->flux->config;
  EspTensor x = esp_tensor_rows (s->x, first, rows);
  EspTensor normed = esp_tensor_rows (s->normed, first, rows);
  EspTensor attended = esp_tensor_slice (s->mixed, first, rows, 0, c->hidden);
  EspTensor hidden = esp_tensor_slice (s->mixed, first, rows, c->hidden, c->mlp);

  ops->linear (s->device, attended, &stream->out,
               &(EspEpilogue){ .gate = chunk (s, text, step, column, 2), .accumulate = true }, x);
  ops->modulated_norm (s->device, x, chunk (s, text, step, column, 3),
                       chunk (s, text, step, column, 4), FLUX_NORM_EPSILON, normed);
  ops->linear (s->device, normed, &stream->mlp_in,
               &(EspEpilogue){ .activation = ESP_ACTIVATION_GELU_TANH }, hidden);
  ops->linear (s->device, hidden, &stream->mlp_out,
               &(EspEpilogue){ .gate = chunk (s, text, step, column, 5), .accumulate = true }, x);
}

static void
run_double_block (EspFluxSession *s, int64_t index, int text, int step)
{
  const EspFluxConfig *c = &s->flux->config;
  const FluxDoubleBlock *block = &s->flux->double_block[index];
  int64_t picture = flux_double_modulation (c, index, false);
  int64_t words = flux_double_modulation (c, index, true);
  int64_t pixels = s->length - s->text_tokens;

  stream_before (s, &block->text, text, step, words, 0, s->text_tokens);
  stream_before (s, &block->picture, text, step, picture, s->text_tokens, pixels);
  attend (s, 0, s->length);
  stream_after (s, &block->text, text, step, words, 0, s->text_tokens);
  stream_after (s, &block->picture, text, step, picture, s->text_tokens, pixels);
}

/* The last block's output is only read in the target rows, so the rest of the sequence contributes
 * keys and values alone. */
static void
run_single_block (EspFluxSession *s, int64_t index, int text, int step)
{
  const EspOps *ops = s->device->ops;
  const EspFluxConfig *c = &s->flux->config;
  const FluxSingleBlock *block = &s->flux->single_block[index];
  int64_t column = flux_single_modulation (c, index);
  bool last = index == c->single_blocks - 1;
  int64_t first = last ? s->text_tokens : 0;
  int64_t rows = last ? s->target_tokens : s->length;

  ops->modulated_norm (s->device, s->x, chunk (s, text, step, column, 0),
                       chunk (s, text, step, column, 1), FLUX_NORM_EPSILON, s->normed);
  project_rows (s, &block->qkv, &block->norm_q, &block->norm_k, 0, s->length);
  ops->linear (s->device, esp_tensor_rows (s->normed, first, rows), &block->mlp,
               &(EspEpilogue){ .activation = ESP_ACTIVATION_GELU_TANH },
               esp_tensor_slice (s->mixed, first, rows, c->hidden, c->mlp));
  attend (s, first, rows);
  ops->linear (s->device, esp_tensor_rows (s->mixed, first, rows), &block->out,
               &(EspEpilogue){ .gate = chunk (s, text, step, column, 2), .accumulate = true },
               esp_tensor_rows (s->x, first, rows));
}

EspStatus
esp_flux_velocity (EspFluxSession *s, int text, int step, EspTensor latents, EspTensor velocity,
                   const atomic_bool *cancel, EspError *error)
{
  EspDevice *device = s->device;
  const EspOps *ops = device->ops;
  const EspFluxConfig *c = &s->flux->config;
  int64_t final = flux_final_modulation (c), targets = s->text_tokens + s->target_tokens;
  EspTensor target = esp_tensor_rows (s->x, s->text_tokens, s->target_tokens);
  EspTensor normed = esp_tensor_rows (s->normed, s->text_tokens, s->target_tokens);

  ops->scale_add (device, 1, s->conditioning[text].text, 0,
                  esp_tensor_rows (s->x, 0, s->text_tokens));
  ops->linear (device, latents, &s->flux->picture_in, NULL, target);
  if (s->reference_tokens > 0)
    ops->scale_add (device, 1, s->references, 0,
                    esp_tensor_rows (s->x, targets, s->reference_tokens));

  for (int64_t i = 0; i < c->double_blocks && !is_cancelled (device, cancel); i++)
    run_double_block (s, i, text, step);
  for (int64_t i = 0; i < c->single_blocks && !is_cancelled (device, cancel); i++)
    run_single_block (s, i, text, step);

  /* norm_out: diffusers stores scale first, then shift. */
  ops->modulated_norm (device, target, chunk (s, text, step, final, 1),
                       chunk (s, text, step, final, 0), FLUX_NORM_EPSILON, normed);
  ops->linear (device, normed, &s->flux->final, NULL, velocity);
  return esp_device_check (device, error);
}
