/* SPDX-License-Identifier: MIT */
/* What a prompt contributes to every step of a schedule: the embedded text and the modulations of
 * all blocks. Computed once, and kept by who wants it again (model/work-cache.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/flux-layers.h"

bool
flux_is_cancelled (EspDevice *device, const atomic_bool *cancel)
{
  if (cancel != NULL && atomic_load (cancel))
    esp_device_fail (device, ESP_ERROR_CANCELLED, "cancelled");
  return device->error.status != ESP_OK;
}

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

EspTensor
flux_upload_new (EspDevice *device, const float *host, int64_t rows, int64_t cols)
{
  EspTensor t = esp_tensor_new (device, ESP_F32, rows, cols);

  if (device->error.status == ESP_OK && rows > 0)
    device->ops->upload (device, host, t);
  return t;
}

/* silu (time + guidance + pooled text) of every step, [steps, D]. */
static EspTensor
step_vectors (EspFlux *flux, EspDevice *device, const EspFluxSchedule *schedule,
              const EspFluxText *text)
{
  int64_t steps = schedule->steps, hidden = flux->config.hidden, pooled = flux->config.pooled_dim;
  int64_t widest = pooled > FLUX_SINUSOID ? pooled : FLUX_SINUSOID;
  float *rows = malloc ((size_t) (steps * widest) * sizeof *rows);
  EspTensor sum = esp_tensor_new (device, ESP_F32, steps, hidden), x;

  if (rows == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for the step embeddings");
      return sum;
    }

  for (int64_t i = 0; i < steps; i++)
    sinusoid (schedule->timesteps[i] * 1000.0f, rows + i * FLUX_SINUSOID);
  x = flux_upload_new (device, rows, steps, FLUX_SINUSOID);
  run_embedder (device, &flux->time, x, false, sum);
  esp_tensor_free (device, &x);

  if (flux->config.guidance)
    {
      for (int64_t i = 0; i < steps; i++)
        sinusoid ((float) schedule->guidance * 1000.0f, rows + i * FLUX_SINUSOID);
      x = flux_upload_new (device, rows, steps, FLUX_SINUSOID);
      run_embedder (device, &flux->guidance, x, true, sum);
      esp_tensor_free (device, &x);
    }

  for (int64_t i = 0; i < steps; i++)
    memcpy (rows + i * pooled, text->pooled, (size_t) pooled * sizeof *rows);
  x = flux_upload_new (device, rows, steps, pooled);
  run_embedder (device, &flux->pooled, x, true, sum);
  esp_tensor_free (device, &x);

  device->ops->activate (device, sum, ESP_ACTIVATION_SILU, sum);
  free (rows);
  return sum;
}

/* The texts that are being computed together. */
typedef struct Conditions
{
  EspFlux *flux;
  EspDevice *device;
  int count;
  EspFluxConditioning **results;
  EspTensor vectors[FLUX_TEXTS_MAX];
} Conditions;

/* One modulation layer for all steps and prompts; its weights (27 % of the model in all) are needed
 * at no other time and are not kept. */
static void
modulate_all_steps (Conditions *c, EspLinear *linear, int64_t column)
{
  const EspOps *ops = c->device->ops;

  ops->prepare_linear (c->device, linear);
  for (int t = 0; t < c->count; t++)
    ops->linear (c->device, c->vectors[t], linear, NULL,
                 esp_tensor_cols (c->results[t]->modulations, column, linear->out));
  c->device->ops->synchronize (c->device);
  ops->release_linear (c->device, linear);
  esp_layers_release_pages (&c->flux->once, linear);
}

static void
modulate_all_layers (Conditions *c, const atomic_bool *cancel)
{
  EspFlux *flux = c->flux;
  const EspFluxConfig *config = &flux->config;

  for (int64_t i = 0; i < config->double_blocks && !flux_is_cancelled (c->device, cancel); i++)
    {
      FluxDoubleBlock *block = &flux->double_block[i];

      modulate_all_steps (c, &block->picture.modulation, flux_double_modulation (config, i, false));
      modulate_all_steps (c, &block->text.modulation, flux_double_modulation (config, i, true));
    }
  for (int64_t i = 0; i < config->single_blocks && !flux_is_cancelled (c->device, cancel); i++)
    modulate_all_steps (c, &flux->single_block[i].modulation, flux_single_modulation (config, i));
  modulate_all_steps (c, &flux->final_modulation, flux_final_modulation (config));
}

static void
embed_texts (Conditions *c, int64_t text_tokens, const EspFluxSchedule *schedule,
             const EspFluxText *texts)
{
  EspDevice *device = c->device;
  const EspFluxConfig *config = &c->flux->config;

  device->ops->prepare_linear (device, &c->flux->text_in);
  for (int t = 0; t < c->count; t++)
    {
      EspFluxConditioning *result = c->results[t];
      EspTensor embeddings
          = flux_upload_new (device, texts[t].embeddings, text_tokens, config->joint_dim);

      result->text = esp_tensor_new (device, ESP_F32, text_tokens, config->hidden);
      result->modulations
          = esp_tensor_new (device, ESP_F32, schedule->steps, flux_modulation_total (config));
      device->ops->linear (device, embeddings, &c->flux->text_in, NULL, result->text);
      esp_tensor_free (device, &embeddings);
      c->vectors[t] = step_vectors (c->flux, device, schedule, &texts[t]);
    }
  device->ops->release_linear (device, &c->flux->text_in);
}

EspStatus
esp_flux_condition (EspFlux *flux, EspDevice *device, const EspFluxSchedule *schedule,
                    int64_t text_tokens, const EspFluxText *texts, int count,
                    const atomic_bool *cancel, EspFluxConditioning **results, EspError *error)
{
  Conditions c = { .flux = flux, .device = device, .count = count, .results = results };
  EspStatus status = ESP_OK;

  for (int t = 0; t < count; t++)
    {
      results[t] = calloc (1, sizeof *results[t]);
      if (results[t] == NULL)
        {
          status = esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the conditioning");
          c.count = t;
          break;
        }
      results[t]->device = device;
    }
  if (status == ESP_OK)
    {
      embed_texts (&c, text_tokens, schedule, texts);
      modulate_all_layers (&c, cancel);
      status = esp_device_check (device, error);
    }
  for (int t = 0; t < c.count; t++)
    {
      esp_tensor_free (device, &c.vectors[t]);
      if (status != ESP_OK)
        {
          esp_flux_conditioning_free (results[t]);
          results[t] = NULL;
        }
    }
  return status;
}

void
esp_flux_conditioning_free (EspFluxConditioning *conditioning)
{
  if (conditioning == NULL)
    return;
  esp_tensor_free (conditioning->device, &conditioning->text);
  esp_tensor_free (conditioning->device, &conditioning->modulations);
  free (conditioning);
}

size_t
esp_flux_conditioning_bytes (const EspFluxConfig *config, int64_t text_tokens, int steps)
{
  return esp_dtype_bytes (ESP_F32,
                          text_tokens * config->hidden + steps * flux_modulation_total (config));
}
