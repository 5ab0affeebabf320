/* SPDX-License-Identifier: MIT */
/* memory-plan.c: what an edit will need, from sizes alone. */
#include <stdio.h>

#include "model/edit-state.h"
#include "ops/cuda/cuda.h"

/* Of a decoder at its widest: its last level's first block, which comes from the wider one before,
 * holds its input twice and its result, or the other way round (vae_residual_peak()). The encoder's
 * first levels are the same the other way and narrower. */
static size_t
vae_bytes_per_pixel (const EspVaeConfig *config)
{
  int64_t wide = config->levels > 1 ? config->channels[1] : config->channels[0];
  int64_t narrow = config->channels[0];
  int64_t more = wide > narrow ? wide : narrow, less = wide + narrow - more;

  return (size_t) (2 * more + less) * sizeof (float);
}

static size_t
vae_bytes (const EspModel *model, const EspEditRequest *request, const EspEditPlan *plan)
{
  size_t limit = esp_edits_vae_memory (model, request);
  size_t pixels = (size_t) plan->width * (size_t) plan->height, need;

  for (int i = 0; i < request->image_count; i++)
    {
      size_t more = (size_t) plan->reference_width[i] * (size_t) plan->reference_height[i];

      pixels = more > pixels ? more : pixels;
    }
  need = pixels * vae_bytes_per_pixel (esp_vae_config (model->vae));
  return request->vae_tiling == ESP_VAE_TILING_OFF || need < limit ? need : limit;
}

static size_t
numbers_of (const EspWeights *weights)
{
  size_t count = 0;

  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    count += (size_t) esp_weights_at (weights, i)->count;
  return count;
}

static size_t
larger (size_t a, size_t b)
{
  return a > b ? a : b;
}

void
esp_edit_plan_memory (const EspModel *model, EspDevice *device, const EspEditRequest *request,
                      const EspEditPlan *edit, EspMemoryPlan *plan)
{
  const EspFluxConfig *config = esp_flux_config (model->flux);
  int prompts = edit->true_cfg ? 2 : 1;
  const EspFluxInputs inputs = { .text_tokens = model->manifest.t5_tokens,
                                 .target_tokens = edit->target_tokens,
                                 .reference_tokens = edit->reference_tokens,
                                 .text_count = prompts,
                                 .slots = 1,
                                 .step_cache = edit->step_cache };

  *plan = (EspMemoryPlan){
    .text_weights = esp_weights_bytes (esp_clip_encoder_weights (model->clip))
                    + esp_weights_bytes (esp_t5_encoder_weights (model->t5)),
    .transformer_weights = esp_flux_step_weight_bytes (model->flux),
    .vae_weights = numbers_of (esp_vae_weights (model->vae)) * sizeof (float),
    .modulations
    = (size_t) prompts * esp_flux_conditioning_bytes (config, inputs.text_tokens, edit->steps),
    .steps = esp_flux_session_bytes (config, device->compute, &inputs),
    .vae = vae_bytes (model, request, edit),
    .available = device->ops->free_memory != NULL ? device->ops->free_memory (device) : 0,
  };
  /* The autoencoder works before the first step and after the last one. */
  plan->buffers = plan->modulations + larger (plan->steps, plan->vae + plan->vae_weights);
  plan->peak = larger (plan->text_weights, plan->transformer_weights + plan->buffers);
}

/* "2.7 GB", "31 MB". */
static void
format_bytes (size_t bytes, char text[16])
{
  bool large = bytes >= 100000000;

  snprintf (text, 16, large ? "%.1f GB" : "%.0f MB", (double) bytes / (large ? 1e9 : 1e6));
}

EspStatus
esp_edit_check_memory (EspModel *model, const EspEditRequest *request, const EspEditPlan *edit,
                       EspError *error)
{
  EspMemoryPlan plan;
  bool decoding, card = esp_device_is_cuda (model->device);
  char needed[16], free[16];

  esp_edit_plan_memory (model, model->device, request, edit, &plan);
  if (plan.available == 0 || plan.buffers <= plan.available)
    return ESP_OK;
  decoding = plan.vae + plan.vae_weights > plan.steps;
  format_bytes (plan.buffers, needed);
  format_bytes (plan.available, free);
  if (card)
    return esp_error_set (error, ESP_ERROR_MEMORY,
                          "the edit needs %s of the card's memory for %dx%d beside the model, and "
                          "%s are free",
                          needed, edit->width, edit->height, free);
  return esp_error_set (
      error, ESP_ERROR_MEMORY,
      "the edit needs %s of memory for %dx%d beside the model's files, and %s are free; %s", needed,
      edit->width, edit->height, free,
      decoding && request->vae_tiling == ESP_VAE_TILING_OFF
          ? "let --vae-tiling choose, or take a smaller --size"
          : "take a smaller --size, fewer references, or close other programs");
}

/* What Kontext's own sizes are near to. */
#define USUAL_SIDE 1024

EspStatus
esp_model_usual_plan (EspModel *model, EspMemoryPlan *plan, EspError *error)
{
  int64_t factor = esp_vae_factor (model->vae), side = USUAL_SIDE;
  EspEditRequest request = ESP_EDIT_REQUEST_INIT;
  EspEditPlan edit = { .steps = model->info.default_steps };
  EspDevice *device = NULL;
  EspStatus status = esp_usual_device_new (&device, error);

  if (status != ESP_OK)
    return status;
  for (; model->info.working_pixels > 0 && side * side > model->info.working_pixels; side /= 2)
    ;
  request.image_count = 1;
  edit.width = edit.height = edit.reference_width[0] = edit.reference_height[0] = (int) side;
  edit.target = (EspLatentSize){ side / factor, side / factor,
                                 esp_vae_config (model->vae)->latent_channels };
  edit.target_tokens = edit.reference_tokens = esp_latent_tokens (edit.target);
  esp_edit_plan_memory (model, device, &request, &edit, plan);
  esp_device_free (device);
  return ESP_OK;
}
