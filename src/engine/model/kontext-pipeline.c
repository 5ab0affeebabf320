/* SPDX-License-Identifier: MIT */
/* Edits from request to picture: the FluxKontextPipeline of diffusers, stage by stage.
 *
 * prompt → text encoders → [T, d] and pooled ─┐
 * references → resize → VAE encoder → tokens ─┼→ transformer × steps → tokens → VAE decoder →
 * picture seed → noise → tokens ──────────────────────┘
 *
 * A single edit is a batch of one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/edit-state.h"
#include "model/inspect-estimate.h"
#include "ops/cuda/cuda.h"

EspStatus
esp_edits_out_of_memory (const char *what, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for %s", what);
}

/* --- All of them ------------------------------------------------------------------------------ */

void
esp_edits_enter (EspEdits *e, EspStage stage)
{
  for (int i = 0; i < e->count; i++)
    if (!e->all[i].over)
      esp_edit_clock_enter (&e->all[i].clock, stage);
}

void
esp_edits_report (EspEdits *e, double done)
{
  for (int i = 0; i < e->count; i++)
    if (!e->all[i].over)
      esp_edit_clock_report (&e->all[i].clock, done);
}

void
esp_edit_fail (EspEdit *edit, EspStatus status, const char *message)
{
  EspEdits *e = edit->edits;
  EspError error = ESP_ERROR_INIT;

  esp_error_set (&error, status, "%s", message);
  edit->over = true;
  free (edit->latents);
  edit->latents = NULL;
  e->callbacks->done (e->callbacks->data, edit->index, NULL, &error);
}

bool
esp_edit_take_cancel (EspEdit *edit)
{
  const atomic_bool *cancel = edit->sample->cancel;

  if (!edit->over && cancel != NULL && atomic_load (cancel))
    esp_edit_fail (edit, ESP_ERROR_CANCELLED, "cancelled");
  return edit->over;
}

/* All of them? */
static bool
is_cancelled (const EspEdits *e)
{
  return e->callbacks->cancel != NULL && atomic_load (e->callbacks->cancel);
}

/* Those cancelled alone are over; ESP_ERROR_CANCELLED if all were cancelled together. */
static EspStatus
look_for_cancel (EspEdits *e, bool *any_left, EspError *error)
{
  *any_left = false;
  for (int i = 0; i < e->count; i++)
    if (!esp_edit_take_cancel (&e->all[i]))
      *any_left = true;
  if (*any_left && is_cancelled (e))
    return esp_error_set (error, ESP_ERROR_CANCELLED, "cancelled");
  return ESP_OK;
}

static void
forward_progress (void *data, const EspProgress *progress)
{
  const EspEdit *edit = data;
  const EspBatchCallbacks *callbacks = edit->edits->callbacks;

  if (callbacks->progress != NULL)
    callbacks->progress (callbacks->data, edit->index, progress);
}

/* --- The picture ------------------------------------------------------------------------------ */

/* -1 … 1 → 0 … 1 in place, then 8 bit: VaeImageProcessor's denormalize and numpy's round (half to
 * even). */
static EspStatus
finish_picture (EspEdits *e, float *pixels, EspImage *image, EspError *error)
{
  size_t count = (size_t) e->plan.width * (size_t) e->plan.height * 3;

  image->pixels = malloc (count);
  if (image->pixels == NULL)
    return esp_edits_out_of_memory ("the result", error);
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
decode (EspEdit *edit, EspImage *image, EspError *error)
{
  EspEdits *e = edit->edits;
  const EspVaeConfig *vae = esp_vae_config (e->model->vae);
  int64_t count = esp_latent_count (e->plan.target);
  EspVaeLimits limits = e->vae_limits;
  float *pixels = malloc ((size_t) e->plan.width * (size_t) e->plan.height * 3 * sizeof *pixels);
  EspStatus status;

  if (pixels == NULL)
    return esp_edits_out_of_memory ("the result", error);
  limits.also_cancel = edit->sample->cancel;
  esp_unpack_pixels (edit->latents, e->plan.target, e->scratch);
  for (int64_t i = 0; i < count; i++)
    e->scratch[i] = e->scratch[i] / (float) vae->scaling_factor + (float) vae->shift_factor;
  do
    {
      limits.memory = e->vae_limits.memory;
      status = esp_vae_decode (e->model->vae, e->model->vae_device, e->scratch,
                               e->plan.target.height, e->plan.target.width, &limits, pixels, error);
    }
  while (esp_edits_take_smaller_tiles (e, status));
  if (status == ESP_OK)
    status = finish_picture (e, pixels, image, error);
  free (pixels);
  return status;
}

/* Starts counting the peak anew, where the system allows it (Linux: clear_refs 5). */
static void
reset_peak_memory (void)
{
  FILE *file = fopen ("/proc/self/clear_refs", "we");

  if (file == NULL)
    return;
  fputs ("5", file);
  fclose (file);
}

/* VmHWM in bytes; 0 where there is no /proc. */
static size_t
peak_memory (void)
{
  FILE *file = fopen ("/proc/self/status", "re");
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

/* Adds what was done since the last time, for `sharing` edits, to this one's seconds. */
static void
book (EspEdit *edit, int sharing)
{
  esp_edit_clock_pause (&edit->clock);
  for (int stage = 0; stage < ESP_STAGE_COUNT; stage++)
    {
      edit->seconds[stage] += edit->clock.seconds[stage] / sharing;
      edit->clock.seconds[stage] = 0;
    }
}

static const char *
dtype_name (const EspDevice *device, const EspEditRequest *request)
{
  if (device->compute == ESP_F32)
    return "f32";
  if (device->compute == ESP_F16)
    return "f16";
  return request->dtype == ESP_DTYPE_FP8 ? "fp8" : "bf16";
}

/* The lines that esp_cuda_explain() has; NULL for the processor, or without memory. */
static char *
explain_memory (const EspEdits *e)
{
  const EspDevice *device = e->model->device;
  const double operations
      = esp_flux_step_operations (esp_flux_config (e->model->flux), e->prompts[0]->t5_count,
                                  e->plan.target_tokens + e->plan.reference_tokens);
  const size_t size = 4096;
  char *text = esp_device_is_cuda (device) ? malloc (size) : NULL;

  if (text != NULL)
    esp_cuda_explain (device, operations * (e->plan.true_cfg ? 2 : 1), text, size);
  return text;
}

/* What is not as one would expect: the device; else what went on with less of its memory. */
static const char *
notice_of (const EspEdits *e)
{
  if (e->model->notice[0] != '\0')
    return e->model->notice;
  if (e->smaller_tiles)
    return "the graphics card's memory is short: the picture went through the autoencoder in "
           "smaller "
           "tiles";
  if (e->smaller_passes)
    return "the graphics card's memory is short: fewer pictures were made at once";
  return "";
}

static void
fill_result (EspEdit *edit, int shared, EspEditResult *result)
{
  EspEdits *e = edit->edits;
  const EspImage *first = &e->request->images[0];
  const EspPrompt *prompt = e->prompts[0];

  result->latents = edit->latents;
  edit->latents = NULL;
  result->latent_tokens = (int) e->plan.target_tokens;
  result->latent_width = (int) e->token_width;
  result->seed = edit->sample->seed;
  result->steps = e->plan.steps;
  result->computed_steps = edit->computed_steps;
  result->guidance = e->plan.guidance;
  result->clip_truncated = prompt->clip_truncated;
  result->t5_truncated = prompt->t5_truncated;
  result->source_width = first->width;
  result->source_height = first->height;
  result->scaled
      = first->width != e->plan.reference_width[0] || first->height != e->plan.reference_height[0];
  result->reused = e->reused;
  result->carried
      = (double) e->plan.carried_tokens / (double) esp_latent_tokens (e->plan.reference[0]);
  snprintf (result->not_carried, sizeof result->not_carried, "%s", e->plan.not_carried);
  result->shared = shared;
  book (edit, 1);
  for (int stage = 0; stage < ESP_STAGE_COUNT; stage++)
    {
      result->seconds[stage] = edit->seconds[stage];
      result->seconds_total += edit->seconds[stage];
    }
  result->peak_memory = peak_memory ();
  result->device = e->model->device->ops->name;
  result->dtype = dtype_name (e->model->device, e->request);
  result->memory = explain_memory (e);
  snprintf (result->notice, sizeof result->notice, "%s", notice_of (e));
  snprintf (result->device_description, sizeof result->device_description, "%s",
            e->model->device->description);
}

/* Decodes one edit and hands its result over. */
static EspStatus
finish_edit (EspEdit *edit, int shared, EspError *error)
{
  EspEdits *e = edit->edits;
  EspEditResult result = ESP_EDIT_RESULT_INIT;
  EspStatus status;

  esp_edit_clock_go_on (&edit->clock);
  esp_edit_clock_enter (&edit->clock, ESP_STAGE_DECODE);
  if (is_cancelled (e))
    return esp_error_set (error, ESP_ERROR_CANCELLED, "cancelled");
  if (esp_edit_take_cancel (edit))
    return ESP_OK;
  status = decode (edit, &result.image, error);
  if (status == ESP_OK && e->dump.wanted)
    {
      esp_dump_add (&e->dump, "sigmas", ESP_F32, e->sigmas, 0, e->plan.steps + 1);
      status = esp_dump_write (&e->dump, e->request->dump_path, error);
    }
  if (status == ESP_ERROR_CANCELLED && !is_cancelled (e) && esp_edit_take_cancel (edit))
    {
      esp_model_forget_failure (e->model);
      return ESP_OK;
    }
  if (status != ESP_OK)
    {
      esp_edit_result_clear (&result);
      return status;
    }
  fill_result (edit, shared, &result);
  status = esp_model_lora_uses (e->model, e->request, &result.loras, &result.lora_count, error);
  if (status != ESP_OK)
    {
      esp_edit_result_clear (&result);
      return status;
    }
  edit->over = true;
  e->callbacks->done (e->callbacks->data, edit->index, &result, NULL);
  return ESP_OK;
}

/* --- The whole -------------------------------------------------------------------------------- */

/* What is neither text nor picture: buffers and the schedule. */
static EspStatus
set_out (EspEdits *e, EspError *error)
{
  e->sigmas = malloc (((size_t) e->plan.steps + 1) * sizeof *e->sigmas);
  e->scratch = malloc ((size_t) esp_latent_count (e->plan.target) * sizeof *e->scratch);
  e->preview_pixels = malloc ((size_t) e->plan.target.height * (size_t) e->plan.target.width * 3);
  if (e->sigmas == NULL || e->scratch == NULL || e->preview_pixels == NULL)
    return esp_edits_out_of_memory ("the schedule", error);
  return esp_scheduler_sigmas (&e->model->scheduler, e->plan.target_tokens, e->plan.steps,
                               e->sigmas, error);
}

/* Everything that is the same for all edits. */
static EspStatus
run_shared (EspEdits *e, EspError *error)
{
  static const struct
  {
    EspStage stage;
    EspStatus (*run) (EspEdits *e, EspError *error);
  } stages[] = {
    { ESP_STAGE_TEXT, esp_edits_encode_prompts },
    { ESP_STAGE_ENCODE, esp_edits_encode_references },
    { ESP_STAGE_LOAD, esp_edits_condition },
  };
  EspStatus status = set_out (e, error);
  bool any_left = true;

  for (size_t i = 0; i < sizeof stages / sizeof *stages && status == ESP_OK && any_left; i++)
    {
      esp_edits_enter (e, stages[i].stage);
      status = look_for_cancel (e, &any_left, error);
      if (status == ESP_OK && any_left)
        status = stages[i].run (e, error);
    }
  return status;
}

/* The next edits, as many as go at once, from noise to picture. */
static EspStatus
run_pass (EspEdits *e, EspEdit *const *pass, int count, EspError *error)
{
  EspStatus status = ESP_OK;

  for (int i = 0; i < count && status == ESP_OK; i++)
    {
      esp_edit_clock_go_on (&pass[i]->clock);
      pass[i]->clock.decodes_before = i;
      status = esp_edit_make_noise (pass[i], error);
    }
  if (status == ESP_OK)
    {
      status = esp_edits_sample (e, pass, count, error);
      e->steps_failed = status != ESP_OK;
    }
  for (int i = 0; i < count; i++)
    book (pass[i], count);
  for (int i = 0; i < count && status == ESP_OK; i++)
    if (!pass[i]->over)
      status = finish_edit (pass[i], count, error);
  return status;
}

/* A card that has no memory for so many at once is asked for fewer; what is done stays done. */
static bool
take_smaller_passes (EspEdits *e, EspStatus status, EspEdit *const *pass, int count,
                     EspError *error)
{
  if (status != ESP_ERROR_MEMORY || !e->steps_failed || count < 2
      || !esp_device_is_cuda (e->model->device))
    return false;
  for (int i = 0; i < count; i++)
    {
      free (pass[i]->latents);
      pass[i]->latents = NULL;
      pass[i]->computed_steps = 0;
    }
  esp_model_forget_failure (e->model);
  *error = (EspError) ESP_ERROR_INIT;
  e->smaller_passes = true;
  return true;
}

static EspStatus
run (EspEdits *e, EspError *error)
{
  int size = esp_edits_pass_size (e->model, e->model->device, &e->plan);
  EspEdit *pass[ESP_FLUX_SLOTS_MAX];
  EspStatus status = run_shared (e, error);

  for (int i = 0; i < e->count; i++)
    book (&e->all[i], e->count);
  for (int next = 0; next < e->count && status == ESP_OK;)
    {
      int count = 0, first = next;

      for (; next < e->count && count < size; next++)
        if (!esp_edit_take_cancel (&e->all[next]))
          pass[count++] = &e->all[next];
      if (count > 0)
        status = run_pass (e, pass, count, error);
      if (take_smaller_passes (e, status, pass, count, error))
        {
          size = (count + 1) / 2;
          next = first;
          status = ESP_OK;
        }
    }
  return status;
}

static void
clear (EspEdits *e)
{
  EspWorkCache *cache = &e->model->work;

  for (int i = 0; i < 2; i++)
    {
      esp_work_cache_release (cache, e->prompts[i]);
      esp_work_cache_release (cache, e->conditioning[i]);
    }
  for (int i = 0; i < ESP_IMAGES_MAX; i++)
    esp_work_cache_release (cache, e->references_of[i]);
  for (int i = 0; i < e->count; i++)
    free (e->all[i].latents);
  esp_preview_clear (&e->carried_map);
  esp_dump_clear (&e->dump);
  free (e->all);
  free (e->references);
  free (e->sigmas);
  free (e->scratch);
  free (e->preview_pixels);
}

/* Checks the request and opens its device. */
static EspStatus
make_plan (EspModel *model, const EspEditRequest *request, EspEditPlan *plan, EspError *error)
{
  EspStatus status = esp_edit_plan_make (&model->info, esp_vae_config (model->vae)->latent_channels,
                                         esp_vae_factor (model->vae), request, plan, error);

  if (status == ESP_OK)
    status = esp_model_use_device (model, request, error);
  return status;
}

/* Makes those edits that are not over, on the open devices. */
static EspStatus
attempt (EspModel *model, const EspEditRequest *request, const EspEditPlan *plan,
         const EspEditSample *samples, bool *over, int count, const EspBatchCallbacks *callbacks,
         EspError *error)
{
  EspEdits e = {
    .model = model,
    .request = request,
    .callbacks = callbacks,
    .plan = *plan,
    .dump = { .wanted = request->dump_path != NULL },
    .token_width = 4 * esp_vae_config (model->vae)->latent_channels,
    .vae_limits = { .memory = esp_edits_vae_memory (model, request),
                    .never_tile = request->vae_tiling == ESP_VAE_TILING_OFF,
                    .always_tile = request->vae_tiling == ESP_VAE_TILING_ON,
                    .cancel = callbacks->cancel },
  };
  EspStatus status = esp_model_use_loras (model, request, error);

  if (status == ESP_OK)
    status = esp_edit_check_memory (model, request, plan, error);
  if (status != ESP_OK)
    return status;
  e.all = calloc ((size_t) count, sizeof *e.all);
  if (e.all == NULL)
    return esp_edits_out_of_memory ("the edits", error);
  reset_peak_memory ();
  for (int i = 0; i < count; i++)
    if (!over[i])
      {
        EspEdit *edit = &e.all[e.count++];

        *edit = (EspEdit){ .edits = &e, .index = i, .sample = &samples[i] };
        esp_edit_clock_start (&edit->clock, forward_progress, edit, e.plan.steps);
      }
  status = run (&e, error);
  for (int i = 0; i < e.count; i++)
    over[e.all[i].index] = e.all[i].over;
  clear (&e);
  return status;
}

EspStatus
esp_model_edit_batch (EspModel *model, const EspEditRequest *request, const EspEditSample *samples,
                      int count, const EspBatchCallbacks *callbacks, EspError *error)
{
  bool over[ESP_BATCH_MAX] = { false };
  EspEditPlan plan;
  EspStatus status;

  if (count < 1 || count > ESP_BATCH_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%d edits at once, from 1 to %d are possible",
                          count, ESP_BATCH_MAX);
  if (count > 1 && (request->noise_path != NULL || request->dump_path != NULL))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "%s: is for one edit only, and %d are to be made",
                          request->noise_path != NULL ? "--noise" : "--dump", count);
  status = make_plan (model, request, &plan, error);
  if (status != ESP_OK)
    return status;
  status = attempt (model, request, &plan, samples, over, count, callbacks, error);
  if (status != ESP_OK && esp_model_step_down (model, request, status, error))
    status = attempt (model, request, &plan, samples, over, count, callbacks, error);
  return status;
}

EspStatus
esp_model_plan (EspModel *model, const EspEditRequest *request, EspMemoryPlan *plan,
                EspError *error)
{
  EspEditPlan edit;
  EspStatus status = make_plan (model, request, &edit, error);

  if (status == ESP_OK)
    esp_edit_plan_memory (model, model->device, request, &edit, plan);
  return status;
}

int
esp_model_batch_limit (EspModel *model, const EspEditRequest *request, EspError *error)
{
  EspEditPlan plan;

  if (make_plan (model, request, &plan, error) != ESP_OK)
    return 0;
  return esp_edits_pass_size (model, model->device, &plan);
}

/* --- A single one ----------------------------------------------------------------------------- */

typedef struct Single
{
  const EspEditCallbacks *callbacks;
  EspEditResult *result;
} Single;

static void
single_progress (void *data, int index, const EspProgress *progress)
{
  const EspEditCallbacks *callbacks = ((const Single *) data)->callbacks;

  callbacks->progress (callbacks->data, progress);
}

static void
single_preview (void *data, int index, int step, const EspImage *image)
{
  const EspEditCallbacks *callbacks = ((const Single *) data)->callbacks;

  callbacks->preview (callbacks->data, step, image);
}

static void
single_done (void *data, int index, EspEditResult *result, const EspError *error)
{
  *((const Single *) data)->result = *result;
}

EspStatus
esp_model_edit (EspModel *model, const EspEditRequest *request, const EspEditCallbacks *callbacks,
                EspEditResult *result, EspError *error)
{
  static const EspEditCallbacks none = { .progress = NULL };
  Single single = { callbacks != NULL ? callbacks : &none, result };
  EspBatchCallbacks batch
      = { .progress = single.callbacks->progress != NULL ? single_progress : NULL,
          .preview = single.callbacks->preview != NULL ? single_preview : NULL,
          .done = single_done,
          .data = &single,
          .cancel = single.callbacks->cancel };
  const EspEditSample sample = { .seed = request->seed };

  *result = (EspEditResult) ESP_EDIT_RESULT_INIT;
  return esp_model_edit_batch (model, request, &sample, 1, &batch, error);
}

void
esp_edit_result_clear (EspEditResult *result)
{
  free (result->image.pixels);
  free (result->latents);
  free (result->memory);
  esp_lora_uses_free (result->loras, result->lora_count);
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
