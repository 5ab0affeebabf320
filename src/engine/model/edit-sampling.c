/* SPDX-License-Identifier: MIT */
/* edit-sampling.c: the denoising steps of one edit, or of several in one pass. */
#include <stdlib.h>
#include <string.h>

#include "model/edit-state.h"
#include "ops/cuda/cuda.h"

/* --- How many at once ---------------------------------------------------------------------------
 */

/* Of the memory that is free, buffers take at most half: decoding and the file's pages want some,
 * too. */
static int64_t
fitting (const EspModel *model, EspDevice *device, const EspEditPlan *plan)
{
  const EspFluxConfig *config = esp_flux_config (model->flux);
  size_t room = device->ops->free_memory != NULL ? device->ops->free_memory (device) / 2 : 0;
  EspFluxInputs inputs = { .text_tokens = model->manifest.t5_tokens,
                           .target_tokens = plan->target_tokens,
                           .reference_tokens = plan->reference_tokens,
                           .text_count = plan->true_cfg ? 2 : 1,
                           .slots = 1,
                           .step_cache = plan->step_cache };
  size_t one, two;

  if (room == 0)
    return ESP_FLUX_SLOTS_MAX;
  one = esp_flux_session_bytes (config, device->compute, &inputs);
  inputs.slots = 2;
  two = esp_flux_session_bytes (config, device->compute, &inputs);
  return room > one ? 1 + (int64_t) ((room - one) / (two - one)) : 1;
}

/* Edits share a pass where its layers are too small to fill the device, or where the weights do not
 * fit into its memory: the processor would read them from the disk for each edit, a card would have
 * them copied (more than a few gain nothing more there: computing then takes longer than the
 * copies, and each one's buffers take room that blocks could have). */
#define STREAMED_SLOTS 4

static int64_t
paying (const EspModel *model, EspDevice *device, const EspEditPlan *plan)
{
  int64_t length = model->manifest.t5_tokens + plan->target_tokens + plan->reference_tokens;
  size_t room = device->ops->free_memory != NULL ? device->ops->free_memory (device) : 0;

  int64_t filling = device->batch_rows > length ? device->batch_rows / length : 1;

  if (esp_device_is_cuda (device))
    return room > 0 && esp_flux_step_weight_bytes (model->flux) > room && filling < STREAMED_SLOTS
               ? STREAMED_SLOTS
               : filling;
  if (room > 0 && model->info.weight_bytes > room)
    return ESP_FLUX_SLOTS_MAX;
  return filling;
}

int
esp_edits_pass_size (const EspModel *model, EspDevice *device, const EspEditPlan *plan)
{
  int64_t wanted = model->pass_limit > 0 ? model->pass_limit : paying (model, device, plan);
  int64_t most = fitting (model, device, plan);

  most = most < ESP_FLUX_SLOTS_MAX ? most : ESP_FLUX_SLOTS_MAX;
  return (int) (wanted < most ? wanted : most);
}

/* What Kontext's own sizes are near to. */
#define USUAL_PIXELS ((int64_t) 1 << 20)

int
esp_model_usual_batch (EspModel *model)
{
  int64_t pixels = model->info.working_pixels > 0 ? model->info.working_pixels : USUAL_PIXELS;
  int64_t tokens = pixels / (ESP_SIZE_MULTIPLE * ESP_SIZE_MULTIPLE);
  EspEditPlan plan = { .target_tokens = tokens, .reference_tokens = tokens };
  EspError error = ESP_ERROR_INIT;
  EspDevice *device = NULL;
  int edits = 1;

  if (esp_usual_device_new (&device, &error) == ESP_OK)
    edits = esp_edits_pass_size (model, device, &plan);
  esp_device_free (device);
  return edits;
}

/* --- What prompts contribute --------------------------------------------------------------------
 */

static void
conditioning_free (void *data)
{
  esp_flux_conditioning_free (data);
}

static void
conditioning_digest (const EspModel *model, const EspPrompt *prompt,
                     const EspFluxSchedule *schedule, char digest[ESP_SHA256_HEX_SIZE])
{
  static const char kind[] = "conditioning";
  EspSha256 sha;

  esp_sha256_init (&sha);
  esp_sha256_update (&sha, kind, sizeof kind);
  esp_sha256_update (&sha, model->lora_keys.transformer, sizeof model->lora_keys.transformer);
  esp_sha256_update (&sha, prompt->digest, sizeof prompt->digest);
  esp_sha256_update (&sha, &schedule->guidance, sizeof schedule->guidance);
  esp_sha256_update (&sha, schedule->timesteps,
                     (size_t) schedule->steps * sizeof *schedule->timesteps);
  esp_sha256_finish (&sha, digest);
}

/* Those of `wanted` prompts that are not in the cache. */
static EspStatus
compute_conditioning (EspEdits *e, const EspFluxSchedule *schedule, const int *wanted, int count,
                      EspError *error)
{
  EspModel *model = e->model;
  EspFluxConditioning *results[2] = { NULL };
  EspFluxText texts[2];
  size_t bytes = esp_flux_conditioning_bytes (esp_flux_config (model->flux),
                                              e->prompts[0]->t5_count, schedule->steps);
  EspStatus status;

  for (int i = 0; i < count; i++)
    texts[i] = (EspFluxText){ e->prompts[wanted[i]]->embeddings, e->prompts[wanted[i]]->pooled };
  status = esp_flux_condition (model->flux, model->device, schedule, e->prompts[0]->t5_count, texts,
                               count, e->callbacks->cancel, results, error);
  for (int i = 0; i < count && status == ESP_OK; i++)
    {
      char digest[ESP_SHA256_HEX_SIZE];

      conditioning_digest (model, e->prompts[wanted[i]], schedule, digest);
      if (esp_work_cache_add (&model->work, digest, results[i], bytes, conditioning_free))
        {
          e->conditioning[wanted[i]] = results[i];
          results[i] = NULL;
        }
      else
        status = esp_edits_out_of_memory ("the conditioning", error);
    }
  for (int i = 0; i < count; i++)
    esp_flux_conditioning_free (results[i]);
  return status;
}

EspStatus
esp_edits_condition (EspEdits *e, EspError *error)
{
  float *timesteps = malloc ((size_t) e->plan.steps * sizeof *timesteps);
  EspFluxSchedule schedule
      = { .timesteps = timesteps, .steps = e->plan.steps, .guidance = e->plan.guidance };
  int missing[2], count = 0;
  EspStatus status = ESP_OK;

  if (timesteps == NULL)
    return esp_edits_out_of_memory ("the schedule", error);
  for (int i = 0; i < e->plan.steps; i++)
    timesteps[i] = esp_scheduler_timestep (&e->model->scheduler, e->sigmas[i]);
  for (int t = 0; t < (e->plan.true_cfg ? 2 : 1); t++)
    {
      char digest[ESP_SHA256_HEX_SIZE];

      /* A prompt that is its own negative. */
      if (t == 1 && e->prompts[1] == e->prompts[0] && count > 0)
        break;
      conditioning_digest (e->model, e->prompts[t], &schedule, digest);
      e->conditioning[t] = esp_work_cache_find (&e->model->work, digest);
      if (e->conditioning[t] == NULL)
        missing[count++] = t;
    }
  if (count == 0)
    e->reused |= ESP_REUSED_MODULATIONS;
  else
    status = compute_conditioning (e, &schedule, missing, count, error);
  if (status == ESP_OK && e->plan.true_cfg && e->conditioning[1] == NULL)
    {
      char digest[ESP_SHA256_HEX_SIZE];

      conditioning_digest (e->model, e->prompts[1], &schedule, digest);
      e->conditioning[1] = esp_work_cache_find (&e->model->work, digest);
    }
  free (timesteps);
  return status;
}

/* --- The steps ----------------------------------------------------------------------------------
 */

/* The edits that go through the transformer together. */
typedef struct Pass
{
  EspEdits *e;
  EspEdit *const *edits; /* by slot */
  int count;
  EspFluxSession *session;
  EspFluxPass slots;
  EspTensor x, velocity, negative; /* [count·target_tokens, token_width] */
} Pass;

static EspTensor
slot_rows (const Pass *pass, EspTensor tensor, int slot)
{
  int64_t rows = pass->e->plan.target_tokens;

  return esp_tensor_rows (tensor, slot * rows, rows);
}

/* Asked between blocks. Those whose pass has not begun hear of their cancellation now, too: the
 * ones before them may take minutes. */
static bool
keep_slot (void *data, int slot)
{
  const Pass *pass = data;
  const bool keep = !esp_edit_take_cancel (pass->edits[slot]);

  for (int i = pass->edits[pass->count - 1]->index + 1; i < pass->e->count; i++)
    esp_edit_take_cancel (&pass->e->all[i]);
  return keep;
}

static void
report_loading (void *data, double fraction)
{
  esp_edits_report (data, fraction);
}

static EspStatus
open_session (Pass *pass, EspError *error)
{
  EspEdits *e = pass->e;
  const EspEditPlan *plan = &e->plan;
  int64_t tokens = plan->target_tokens + plan->reference_tokens;
  float *positions = malloc ((size_t) (tokens * ESP_FLUX_AXES) * sizeof *positions);
  EspStatus status;

  if (positions == NULL)
    return esp_edits_out_of_memory ("the positions", error);
  esp_latent_positions (plan->target, plan->reference, e->request->image_count,
                        e->request->multi_ref, positions);
  status = esp_flux_session_new (e->model->flux, e->model->device,
                                 &(EspFluxInputs){ .text_tokens = e->prompts[0]->t5_count,
                                                   .target_tokens = plan->target_tokens,
                                                   .reference_tokens = plan->reference_tokens,
                                                   .texts = e->conditioning,
                                                   .text_count = plan->true_cfg ? 2 : 1,
                                                   .positions = positions,
                                                   .references = e->references,
                                                   .slots = pass->count,
                                                   .step_cache = plan->step_cache },
                                 e->callbacks->cancel, report_loading, e, &pass->session, error);
  free (positions);
  return status;
}

/* Shows where the picture is heading: x0 = x - sigma·velocity, after a step. Host values. */
static void
show_preview (const Pass *pass, int slot, int step)
{
  EspEdits *e = pass->e;
  const EspEdit *edit = pass->edits[slot];
  const EspReference *first = e->references_of[0];
  const EspPreviewMap *map = first != NULL ? &first->map : &e->carried_map;
  const EspVaeConfig *vae = esp_vae_config (e->model->vae);
  int64_t count = esp_latent_count (e->plan.target);
  EspImage image = { .pixels = e->preview_pixels };
  float *pixels, sigma = e->sigmas[step + 1];

  if (e->callbacks->preview == NULL || map->weights == NULL)
    return;
  pixels = malloc ((size_t) count * sizeof *pixels);
  if (pixels == NULL)
    return; /* a preview is not worth failing for */

  e->model->device->ops->download (e->model->device, slot_rows (pass, pass->velocity, slot),
                                   e->scratch);
  for (int64_t i = 0; i < count; i++)
    e->scratch[i] = (edit->latents[i] - sigma * e->scratch[i]) / (float) vae->scaling_factor
                    + (float) vae->shift_factor;
  esp_unpack_pixels (e->scratch, e->plan.target, pixels);
  esp_preview_render (map, pixels, e->plan.target, &image);
  e->callbacks->preview (e->callbacks->data, edit->index, step + 1, &image);
  free (pixels);
}

/* The velocities of one step, with the negative prompt's where that is wanted. */
static EspStatus
step_velocity (Pass *pass, int step, EspError *error)
{
  EspEdits *e = pass->e;
  EspDevice *device = e->model->device;
  float scale = (float) e->request->true_cfg;
  EspStatus status = esp_flux_velocity (pass->session, 0, step, &pass->slots, pass->x,
                                        pass->velocity, e->callbacks->cancel, error);

  if (status == ESP_OK && step == 0 && e->dump.wanted)
    {
      device->ops->download (device, pass->velocity, e->scratch);
      esp_dump_add (&e->dump, "velocity_0", ESP_F32, e->scratch, e->plan.target_tokens,
                    e->token_width);
    }
  if (status == ESP_OK && e->plan.true_cfg)
    {
      status = esp_flux_velocity (pass->session, 1, step, &pass->slots, pass->x, pass->negative,
                                  e->callbacks->cancel, error);
      /* negative + scale·(positive - negative) */
      for (int i = 0; i < pass->slots.count; i++)
        device->ops->scale_add (device, 1 - scale,
                                slot_rows (pass, pass->negative, pass->slots.slots[i]), scale,
                                slot_rows (pass, pass->velocity, pass->slots.slots[i]));
    }
  return status;
}

/* Moves one edit's latents along its velocity. */
static EspStatus
advance (Pass *pass, int slot, int step, EspError *error)
{
  EspEdits *e = pass->e;
  EspDevice *device = e->model->device;
  EspEdit *edit = pass->edits[slot];
  EspTensor x = slot_rows (pass, pass->x, slot);
  EspStatus status;

  device->ops->scale_add (device, e->sigmas[step + 1] - e->sigmas[step],
                          slot_rows (pass, pass->velocity, slot), 1, x);
  device->ops->download (device, x, edit->latents);
  status = esp_device_check (device, error);
  if (status != ESP_OK)
    return status;
  if (esp_find_non_finite (ESP_F32, edit->latents, esp_latent_count (e->plan.target)) >= 0)
    return esp_error_set (
        error, ESP_ERROR_NUMERIC,
        "%s: the latents became NaN or infinite in step %d of %d; try --dtype f32", e->model->path,
        step + 1, e->plan.steps);
  show_preview (pass, slot, step);
  return ESP_OK;
}

static EspStatus
run_steps (Pass *pass, EspError *error)
{
  EspEdits *e = pass->e;
  EspDevice *device = e->model->device;

  for (int i = 0; i < pass->count; i++)
    device->ops->upload (device, pass->edits[i]->latents, slot_rows (pass, pass->x, i));
  for (int step = 0; step < e->plan.steps; step++)
    {
      EspStatus status;

      memset (pass->slots.computed, 0, sizeof pass->slots.computed);
      status = step_velocity (pass, step, error);

      /* Nobody wants any of them any more. */
      if (pass->slots.count == 0)
        return ESP_OK;
      for (int i = 0; i < pass->slots.count && status == ESP_OK; i++)
        status = advance (pass, pass->slots.slots[i], step, error);
      if (status != ESP_OK)
        return status;
      for (int i = 0; i < pass->slots.count; i++)
        {
          int slot = pass->slots.slots[i];

          if (pass->slots.computed[slot])
            pass->edits[slot]->computed_steps++;
          esp_edit_clock_step (&pass->edits[slot]->clock, step + 1);
        }
    }
  return ESP_OK;
}

EspStatus
esp_edits_sample (EspEdits *e, EspEdit *const *edits, int count, EspError *error)
{
  EspDevice *device = e->model->device;
  Pass pass = { .e = e, .edits = edits, .count = count };
  int64_t rows = count * e->plan.target_tokens;
  EspStatus status = open_session (&pass, error);

  pass.slots = (EspFluxPass){ .count = count, .keep = keep_slot, .data = &pass };
  for (int i = 0; i < count; i++)
    pass.slots.slots[i] = i;
  if (status == ESP_OK)
    {
      pass.x = esp_tensor_new (device, ESP_F32, rows, e->token_width);
      pass.velocity = esp_tensor_new (device, ESP_F32, rows, e->token_width);
      if (e->plan.true_cfg)
        pass.negative = esp_tensor_new (device, ESP_F32, rows, e->token_width);
      for (int i = 0; i < count; i++)
        esp_edit_clock_enter (&edits[i]->clock, ESP_STAGE_SAMPLE);
      status = esp_device_check (device, error);
    }
  if (status == ESP_OK)
    status = run_steps (&pass, error);
  esp_tensor_free (device, &pass.x);
  esp_tensor_free (device, &pass.velocity);
  esp_tensor_free (device, &pass.negative);
  esp_flux_session_free (pass.session);
  if (status == ESP_OK)
    esp_dump_add (&e->dump, "latents", ESP_F32, edits[0]->latents, e->plan.target_tokens,
                  e->token_width);
  return status;
}
