/* SPDX-License-Identifier: MIT */
/* One edit from request to picture: the FluxKontextPipeline of diffusers, stage by stage.
 *
 * prompt → text encoders → [T, d] and pooled ─┐
 * references → resize → VAE encoder → tokens ─┼→ transformer × steps → tokens → VAE decoder →
 * picture seed → noise → tokens ──────────────────────┘
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/edit-dump.h"
#include "model/edit-plan.h"
#include "model/edit-progress.h"
#include "model/lanczos.h"
#include "model/model.h"
#include "model/preview.h"
#include "model/torch-random.h"

/* What the VAE may use for activations when the request does not say. A 1 MP picture of the real
 * model needs 2.7 GB in one piece and should not be tiled, which takes several passes. */
#define DEFAULT_VAE_MEMORY ((size_t) 3 << 30)

/* Everything one edit holds. */
typedef struct Edit
{
  EspModel *model;
  const EspEditRequest *request;
  const EspEditCallbacks *callbacks;
  const atomic_bool *cancel;
  EspEditPlan plan;
  EspEditClock clock;
  EspDump dump;
  EspPreviewMap preview_map;
  EspVaeLimits vae_limits;
  int64_t token_width;

  const EspPrompt *prompts[2];
  float *references; /* [reference_tokens, token_width] */
  float *latents;    /* [target_tokens, token_width], on the host */
  float *scratch;    /* the same size */
  float *sigmas;     /* [steps + 1] */
  uint8_t *preview_pixels;
  EspImage image; /* the result */
} Edit;

static EspStatus
out_of_memory (const char *what, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for %s", what);
}

/* --- Text
 * ----------------------------------------------------------------------------------------- */

static EspStatus
encode_prompts (Edit *e, EspError *error)
{
  const EspEditRequest *request = e->request;
  EspStatus status
      = esp_prompt_encode (e->model, request->prompt, e->cancel, &e->prompts[0], error);
  const EspPrompt *prompt = e->prompts[0];

  if (status == ESP_OK && e->plan.true_cfg)
    status
        = esp_prompt_encode (e->model, request->negative_prompt, e->cancel, &e->prompts[1], error);
  if (status != ESP_OK)
    return status;

  esp_dump_add (&e->dump, "t5_ids", ESP_I32, prompt->t5_ids, 0, prompt->t5_count);
  esp_dump_add (&e->dump, "clip_ids", ESP_I32, prompt->clip_ids, 0, prompt->clip_count);
  esp_dump_add (&e->dump, "t5_embeds", ESP_F32, prompt->embeddings, prompt->t5_count,
                esp_t5_encoder_width (e->model->t5));
  esp_dump_add (&e->dump, "clip_pooled", ESP_F32, prompt->pooled, 0,
                esp_clip_encoder_width (e->model->clip));
  return ESP_OK;
}

/* --- References
 * ------------------------------------------------------------------------------------- */

/* Resizes reference `index` and gives it as floats in -1 … 1 (VaeImageProcessor: p/255, then 2p -
 * 1). */
static EspStatus
reference_pixels (Edit *e, int index, float **pixels, EspError *error)
{
  int width = e->plan.reference_width[index], height = e->plan.reference_height[index];
  size_t count = (size_t) width * (size_t) height * 3;
  EspImage resized = { 0 };
  EspStatus status
      = esp_lanczos_resize (&e->request->images[index], width, height, &resized, error);

  if (status != ESP_OK)
    return status;
  *pixels = malloc (count * sizeof **pixels);
  if (*pixels == NULL)
    status = out_of_memory ("a reference picture", error);
  else
    for (size_t i = 0; i < count; i++)
      (*pixels)[i] = (float) resized.pixels[i] / 255.0f * 2.0f - 1.0f;
  free (resized.pixels);
  return status;
}

static EspStatus
encode_reference (Edit *e, int index, float *tokens, EspError *error)
{
  const EspVaeConfig *vae = esp_vae_config (e->model->vae);
  EspLatentSize size = e->plan.reference[index];
  int64_t count = esp_latent_count (size);
  float *pixels = NULL, *latents = malloc ((size_t) count * sizeof *latents);
  EspStatus status = latents != NULL ? reference_pixels (e, index, &pixels, error)
                                     : out_of_memory ("reference latents", error);

  if (status == ESP_OK)
    status = esp_vae_encode (e->model->vae, e->model->vae_device, pixels,
                             e->plan.reference_height[index], e->plan.reference_width[index],
                             &e->vae_limits, latents, error);
  if (status == ESP_OK)
    {
      if (index == 0 && e->callbacks != NULL && e->callbacks->preview != NULL)
        esp_preview_fit (&e->preview_map, latents, size, esp_vae_factor (e->model->vae), pixels);
      for (int64_t i = 0; i < count; i++)
        latents[i] = (latents[i] - (float) vae->shift_factor) * (float) vae->scaling_factor;
      esp_pack_pixels (latents, size, tokens);
    }
  free (pixels);
  free (latents);
  return status;
}

static EspStatus
encode_references (Edit *e, EspError *error)
{
  float *tokens;
  EspStatus status = ESP_OK;

  e->references = malloc ((size_t) (e->plan.reference_tokens * e->token_width) * sizeof (float));
  if (e->references == NULL)
    return out_of_memory ("reference latents", error);

  tokens = e->references;
  for (int i = 0; i < e->request->image_count && status == ESP_OK; i++)
    {
      status = encode_reference (e, i, tokens, error);
      tokens += esp_latent_count (e->plan.reference[i]);
      esp_edit_clock_report (&e->clock, (double) (i + 1) / e->request->image_count);
    }
  if (status == ESP_OK)
    esp_dump_add (&e->dump, "reference_latents", ESP_F32, e->references, e->plan.reference_tokens,
                  e->token_width);
  return status;
}

/* --- Noise
 * ------------------------------------------------------------------------------------------- */

static EspStatus
read_noise (Edit *e, EspError *error)
{
  const char *path = e->request->noise_path;
  const int64_t shape[2] = { e->plan.target_tokens, e->token_width };
  const EspWeight *weight = NULL;
  EspWeights *file = NULL;
  EspStatus status = esp_weights_open_file (path, &file, error);

  if (status == ESP_OK)
    status = esp_weights_require (file, "noise", 2, shape, &weight, error);
  if (status == ESP_OK && weight->dtype != ESP_F32)
    status = esp_error_set (error, ESP_ERROR_FORMAT, "%s: tensor 'noise' is %s, expected F32", path,
                            esp_dtype_name (weight->dtype));
  if (status == ESP_OK && esp_find_non_finite (ESP_F32, weight->data, weight->count) >= 0)
    status = esp_error_set (error, ESP_ERROR_NUMERIC,
                            "%s: tensor 'noise' has a NaN or infinite value", path);
  if (status == ESP_OK)
    memcpy (e->latents, weight->data, (size_t) weight->count * sizeof (float));
  esp_weights_close (file);
  return status;
}

static EspStatus
make_noise (Edit *e, EspError *error)
{
  int64_t count = esp_latent_count (e->plan.target);
  EspStatus status = ESP_OK;

  e->latents = malloc ((size_t) count * sizeof (float));
  e->scratch = malloc ((size_t) count * sizeof (float));
  if (e->latents == NULL || e->scratch == NULL)
    return out_of_memory ("the latents", error);

  if (e->request->noise_path != NULL)
    status = read_noise (e, error);
  else
    {
      esp_torch_randn ((uint32_t) e->request->seed, e->scratch, count);
      esp_pack_planes (e->scratch, e->plan.target, e->latents);
    }
  if (status == ESP_OK)
    esp_dump_add (&e->dump, "noise", ESP_F32, e->latents, e->plan.target_tokens, e->token_width);
  return status;
}

/* --- Sampling
 * ---------------------------------------------------------------------------------------- */

static void
report_loading (void *data, double fraction)
{
  esp_edit_clock_report (data, fraction);
}

static EspStatus
open_session (Edit *e, EspFluxSession **session, EspError *error)
{
  EspEditPlan *plan = &e->plan;
  int64_t tokens = plan->target_tokens + plan->reference_tokens;
  float *positions = malloc ((size_t) (tokens * ESP_FLUX_AXES) * sizeof *positions);
  float *timesteps = malloc ((size_t) plan->steps * sizeof *timesteps);
  EspFluxText texts[2] = { { e->prompts[0]->embeddings, e->prompts[0]->pooled } };
  EspStatus status;

  if (plan->true_cfg)
    texts[1] = (EspFluxText){ e->prompts[1]->embeddings, e->prompts[1]->pooled };
  if (positions == NULL || timesteps == NULL)
    status = out_of_memory ("the schedule", error);
  else
    {
      esp_latent_positions (plan->target, plan->reference, e->request->image_count,
                            e->request->multi_ref, positions);
      for (int i = 0; i < plan->steps; i++)
        timesteps[i] = esp_scheduler_timestep (&e->model->scheduler, e->sigmas[i]);
      status = esp_flux_session_new (e->model->flux, e->model->device,
                                     &(EspFluxInputs){ .text_tokens = e->prompts[0]->t5_count,
                                                       .target_tokens = plan->target_tokens,
                                                       .reference_tokens = plan->reference_tokens,
                                                       .texts = texts,
                                                       .text_count = plan->true_cfg ? 2 : 1,
                                                       .positions = positions,
                                                       .references = e->references,
                                                       .timesteps = timesteps,
                                                       .steps = plan->steps,
                                                       .guidance = plan->guidance },
                                     e->cancel, report_loading, &e->clock, session, error);
    }
  free (positions);
  free (timesteps);
  return status;
}

/* Shows where the picture is heading: x0 = x - sigma·velocity, after a step. Host values. */
static void
show_preview (Edit *e, int step, EspTensor velocity)
{
  const EspVaeConfig *vae = esp_vae_config (e->model->vae);
  int64_t count = esp_latent_count (e->plan.target);
  EspImage image = { .pixels = e->preview_pixels };
  float *pixels, sigma = e->sigmas[step + 1];

  if (e->callbacks == NULL || e->callbacks->preview == NULL || e->preview_map.weights == NULL
      || e->preview_pixels == NULL)
    return;
  pixels = malloc ((size_t) count * sizeof *pixels);
  if (pixels == NULL)
    return; /* a preview is not worth failing for */

  e->model->device->ops->download (e->model->device, velocity, e->scratch);
  for (int64_t i = 0; i < count; i++)
    e->scratch[i] = (e->latents[i] - sigma * e->scratch[i]) / (float) vae->scaling_factor
                    + (float) vae->shift_factor;
  esp_unpack_pixels (e->scratch, e->plan.target, pixels);
  esp_preview_render (&e->preview_map, pixels, e->plan.target, &image);
  e->callbacks->preview (e->callbacks->data, step + 1, &image);
  free (pixels);
}

/* The velocity of one step, with the negative prompt's where that is wanted. */
static EspStatus
step_velocity (Edit *e, EspFluxSession *session, int step, EspTensor x, EspTensor velocity,
               EspTensor negative, EspError *error)
{
  EspDevice *device = e->model->device;
  float scale = (float) e->request->true_cfg;
  EspStatus status = esp_flux_velocity (session, 0, step, x, velocity, e->cancel, error);

  if (status == ESP_OK && step == 0 && e->dump.wanted)
    {
      device->ops->download (device, velocity, e->scratch);
      esp_dump_add (&e->dump, "velocity_0", ESP_F32, e->scratch, e->plan.target_tokens,
                    e->token_width);
    }
  if (status == ESP_OK && e->plan.true_cfg)
    {
      status = esp_flux_velocity (session, 1, step, x, negative, e->cancel, error);
      /* negative + scale·(positive - negative) */
      device->ops->scale_add (device, 1 - scale, negative, scale, velocity);
    }
  return status;
}

static EspStatus
run_steps (Edit *e, EspFluxSession *session, EspTensor x, EspTensor velocity, EspTensor negative,
           EspError *error)
{
  EspDevice *device = e->model->device;
  int64_t count = esp_latent_count (e->plan.target);

  device->ops->upload (device, e->latents, x);
  for (int step = 0; step < e->plan.steps; step++)
    {
      EspStatus status = step_velocity (e, session, step, x, velocity, negative, error);

      if (status != ESP_OK)
        return status;
      device->ops->scale_add (device, e->sigmas[step + 1] - e->sigmas[step], velocity, 1, x);
      device->ops->download (device, x, e->latents);
      status = esp_device_check (device, error);
      if (status != ESP_OK)
        return status;
      if (esp_find_non_finite (ESP_F32, e->latents, count) >= 0)
        return esp_error_set (
            error, ESP_ERROR_NUMERIC,
            "%s: the latents became NaN or infinite in step %d of %d; try --dtype f32",
            e->model->path, step + 1, e->plan.steps);
      show_preview (e, step, velocity);
      esp_edit_clock_step (&e->clock, step + 1);
    }
  return ESP_OK;
}

static EspStatus
sample (Edit *e, EspError *error)
{
  EspDevice *device = e->model->device;
  EspFluxSession *session = NULL;
  EspTensor x = { 0 }, velocity = { 0 }, negative = { 0 };
  EspStatus status = open_session (e, &session, error);

  if (status == ESP_OK)
    {
      x = esp_tensor_new (device, ESP_F32, e->plan.target_tokens, e->token_width);
      velocity = esp_tensor_new (device, ESP_F32, e->plan.target_tokens, e->token_width);
      if (e->plan.true_cfg)
        negative = esp_tensor_new (device, ESP_F32, e->plan.target_tokens, e->token_width);
      esp_edit_clock_enter (&e->clock, ESP_STAGE_SAMPLE);
      status = esp_device_check (device, error);
    }
  if (status == ESP_OK)
    status = run_steps (e, session, x, velocity, negative, error);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &velocity);
  esp_tensor_free (device, &negative);
  esp_flux_session_free (session);
  if (status == ESP_OK)
    esp_dump_add (&e->dump, "latents", ESP_F32, e->latents, e->plan.target_tokens, e->token_width);
  return status;
}

/* --- The picture
 * --------------------------------------------------------------------------------------- */

/* -1 … 1 → 0 … 1 in place, then 8 bit: VaeImageProcessor's denormalize and numpy's round (half to
 * even). */
static EspStatus
finish_picture (Edit *e, float *pixels, EspError *error)
{
  EspImage *image = &e->image;
  size_t count = (size_t) e->plan.width * (size_t) e->plan.height * 3;

  image->pixels = malloc (count);
  if (image->pixels == NULL)
    return out_of_memory ("the result", error);
  image->width = e->plan.width;
  image->height = e->plan.height;
  for (size_t i = 0; i < count; i++)
    {
      float value = pixels[i] * 0.5f + 0.5f;

      if (!isfinite (value))
        return esp_error_set (error, ESP_ERROR_NUMERIC,
                              "%s: the autoencoder gave NaN or infinite pixels", e->model->path);
      pixels[i] = value < 0 ? 0 : value > 1 ? 1 : value;
      image->pixels[i] = (uint8_t) lrintf (pixels[i] * 255.0f);
    }
  esp_dump_add_image (&e->dump, "image", pixels, e->plan.height, e->plan.width);
  return ESP_OK;
}

static EspStatus
decode (Edit *e, EspError *error)
{
  const EspVaeConfig *vae = esp_vae_config (e->model->vae);
  int64_t count = esp_latent_count (e->plan.target);
  float *pixels = malloc ((size_t) e->plan.width * (size_t) e->plan.height * 3 * sizeof *pixels);
  EspStatus status;

  if (pixels == NULL)
    return out_of_memory ("the result", error);
  esp_unpack_pixels (e->latents, e->plan.target, e->scratch);
  for (int64_t i = 0; i < count; i++)
    e->scratch[i] = e->scratch[i] / (float) vae->scaling_factor + (float) vae->shift_factor;
  status = esp_vae_decode (e->model->vae, e->model->vae_device, e->scratch, e->plan.target.height,
                           e->plan.target.width, &e->vae_limits, pixels, error);
  if (status == ESP_OK)
    status = finish_picture (e, pixels, error);
  free (pixels);
  return status;
}

/* --- The whole
 * ------------------------------------------------------------------------------------------ */

/* Starts counting the peak anew, where the system allows it (Linux: clear_refs 5). */
static void
reset_peak_memory (void)
{
  FILE *file = fopen ("/proc/self/clear_refs", "w");

  if (file == NULL)
    return;
  fputs ("5", file);
  fclose (file);
}

/* VmHWM in bytes; 0 where there is no /proc. */
static size_t
peak_memory (void)
{
  FILE *file = fopen ("/proc/self/status", "r");
  char line[256];
  size_t kilobytes = 0;

  if (file == NULL)
    return 0;
  while (fgets (line, sizeof line, file) != NULL)
    if (strncmp (line, "VmHWM:", 6) == 0)
      {
        kilobytes = (size_t) strtoull (line + 6, NULL, 10);
        break;
      }
  fclose (file);
  return kilobytes << 10;
}

/* What is neither text nor picture: buffers, the schedule and the noise. */
static EspStatus
set_out (Edit *e, EspError *error)
{
  EspStatus status;

  e->sigmas = malloc (((size_t) e->plan.steps + 1) * sizeof *e->sigmas);
  e->preview_pixels = malloc ((size_t) e->plan.target.height * (size_t) e->plan.target.width * 3);
  if (e->sigmas == NULL || e->preview_pixels == NULL)
    return out_of_memory ("the schedule", error);

  status = esp_scheduler_sigmas (&e->model->scheduler, e->plan.target_tokens, e->plan.steps,
                                 e->sigmas, error);
  return status == ESP_OK ? make_noise (e, error) : status;
}

static EspStatus
run (Edit *e, EspError *error)
{
  static const struct
  {
    EspStage stage;
    EspStatus (*run) (Edit *e, EspError *error);
  } stages[] = {
    { ESP_STAGE_TEXT, encode_prompts },
    { ESP_STAGE_ENCODE, encode_references },
    { ESP_STAGE_LOAD, sample }, /* which enters ESP_STAGE_SAMPLE itself */
    { ESP_STAGE_DECODE, decode },
  };
  EspStatus status = set_out (e, error);

  for (size_t i = 0; i < sizeof stages / sizeof *stages && status == ESP_OK; i++)
    {
      esp_edit_clock_enter (&e->clock, stages[i].stage);
      if (e->cancel != NULL && atomic_load (e->cancel))
        status = esp_error_set (error, ESP_ERROR_CANCELLED, "cancelled");
      else
        status = stages[i].run (e, error);
    }
  if (status == ESP_OK && e->dump.wanted)
    {
      esp_dump_add (&e->dump, "sigmas", ESP_F32, e->sigmas, 0, e->plan.steps + 1);
      status = esp_dump_write (&e->dump, e->request->dump_path, error);
    }
  return status;
}

static void
fill_result (Edit *e, EspEditResult *result)
{
  const EspImage *first = &e->request->images[0];
  const EspPrompt *prompt = e->prompts[0];

  result->latents = e->latents;
  e->latents = NULL;
  result->latent_tokens = (int) e->plan.target_tokens;
  result->latent_width = (int) e->token_width;
  result->seed = e->request->seed;
  result->steps = e->plan.steps;
  result->guidance = e->plan.guidance;
  result->clip_truncated = prompt->clip_truncated;
  result->t5_truncated = prompt->t5_truncated;
  result->source_width = first->width;
  result->source_height = first->height;
  result->scaled
      = first->width != e->plan.reference_width[0] || first->height != e->plan.reference_height[0];
  result->seconds_total = esp_edit_clock_stop (&e->clock);
  memcpy (result->seconds, e->clock.seconds, sizeof result->seconds);
  result->peak_memory = peak_memory ();
  result->device = e->model->device->ops->name;
  result->dtype = e->model->device->compute == ESP_F32 ? "f32" : "bf16";
  snprintf (result->device_description, sizeof result->device_description, "%s",
            e->model->device->description);
}

EspStatus
esp_model_edit (EspModel *model, const EspEditRequest *request, const EspEditCallbacks *callbacks,
                EspEditResult *result, EspError *error)
{
  int64_t channels = esp_vae_config (model->vae)->latent_channels;
  Edit e = {
    .model = model,
    .request = request,
    .callbacks = callbacks,
    .cancel = callbacks != NULL ? callbacks->cancel : NULL,
    .dump = { .wanted = request->dump_path != NULL },
    .token_width = 4 * channels,
  };
  EspStatus status = esp_edit_plan_make (&model->info, channels, esp_vae_factor (model->vae),
                                         request, &e.plan, error);

  *result = (EspEditResult) ESP_EDIT_RESULT_INIT;
  if (status == ESP_OK)
    status = esp_model_use_device (model, request->device, request->dtype, request->threads, error);
  if (status != ESP_OK)
    return status;

  e.vae_limits = (EspVaeLimits){
    .memory = request->vae_memory > 0 ? request->vae_memory : DEFAULT_VAE_MEMORY,
    .never_tile = request->vae_tiling == ESP_VAE_TILING_OFF,
    .always_tile = request->vae_tiling == ESP_VAE_TILING_ON,
    .cancel = e.cancel,
  };
  reset_peak_memory ();
  esp_edit_clock_start (&e.clock, callbacks, e.plan.steps);
  status = run (&e, error);
  if (status == ESP_OK)
    {
      result->image = e.image;
      fill_result (&e, result);
    }
  else
    free (e.image.pixels);

  esp_dump_clear (&e.dump);
  esp_preview_clear (&e.preview_map);
  free (e.references);
  free (e.latents);
  free (e.scratch);
  free (e.sigmas);
  free (e.preview_pixels);
  return status;
}

void
esp_edit_result_clear (EspEditResult *result)
{
  free (result->image.pixels);
  free (result->latents);
  *result = (EspEditResult) ESP_EDIT_RESULT_INIT;
}

const char *
esp_stage_name (EspStage stage)
{
  static const char *const names[ESP_STAGE_COUNT] = {
    [ESP_STAGE_LOAD] = "load",     [ESP_STAGE_TEXT] = "text",     [ESP_STAGE_ENCODE] = "encode",
    [ESP_STAGE_SAMPLE] = "sample", [ESP_STAGE_DECODE] = "decode",
  };

  return stage >= 0 && stage < ESP_STAGE_COUNT ? names[stage] : "unknown";
}
