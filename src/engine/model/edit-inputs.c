/* SPDX-License-Identifier: MIT */
/* edit-inputs.c: what the transformer reads: prompts, references and noise. */
#include <stdlib.h>
#include <string.h>

#include "model/edit-state.h"
#include "model/lanczos.h"
#include "model/torch-random.h"

/* --- Text ------------------------------------------------------------------------------------- */

EspStatus
esp_edits_encode_prompts (EspEdits *e, EspError *error)
{
  const char *const texts[2] = { e->request->prompt, e->request->negative_prompt };
  bool all_reused = true;
  const EspPrompt *prompt;

  for (int t = 0; t < (e->plan.true_cfg ? 2 : 1); t++)
    {
      bool reused = false;
      EspStatus status = esp_prompt_encode (e->model, texts[t], !e->request->no_disk_cache,
                                            e->callbacks->cancel, &e->prompts[t], &reused, error);

      if (status != ESP_OK)
        return status;
      all_reused = all_reused && reused;
    }
  if (all_reused)
    e->reused |= ESP_REUSED_TEXT;

  prompt = e->prompts[0];
  esp_dump_add (&e->dump, "t5_ids", ESP_I32, prompt->t5_ids, 0, prompt->t5_count);
  esp_dump_add (&e->dump, "clip_ids", ESP_I32, prompt->clip_ids, 0, prompt->clip_count);
  esp_dump_add (&e->dump, "t5_embeds", ESP_F32, prompt->embeddings, prompt->t5_count,
                esp_t5_encoder_width (e->model->t5));
  esp_dump_add (&e->dump, "clip_pooled", ESP_F32, prompt->pooled, 0,
                esp_clip_encoder_width (e->model->clip));
  return ESP_OK;
}

/* --- References ------------------------------------------------------------------------------- */

static void
reference_free (void *data)
{
  EspReference *reference = data;

  esp_preview_clear (&reference->map);
  free (reference->latents);
  free (reference);
}

/* Resizes reference `index` and gives it as floats in -1 … 1 (VaeImageProcessor: p/255, then 2p -
 * 1). */
static EspStatus
reference_pixels (EspEdits *e, int index, float **pixels, EspError *error)
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
    status = esp_edits_out_of_memory ("a reference picture", error);
  else
    for (size_t i = 0; i < count; i++)
      (*pixels)[i] = (float) resized.pixels[i] / 255.0f * 2.0f - 1.0f;
  free (resized.pixels);
  return status;
}

/* Everything that an encoded reference follows from, besides the model and the device: tiling and
 * its limit change the rounding. */
static void
reference_digest (const EspEdits *e, int index, char digest[ESP_SHA256_HEX_SIZE])
{
  static const char kind[] = "reference";
  const EspImage *image = &e->request->images[index];
  const int64_t facts[] = { image->width,
                            image->height,
                            e->plan.reference_width[index],
                            e->plan.reference_height[index],
                            (int64_t) e->vae_limits.memory,
                            e->vae_limits.never_tile,
                            e->vae_limits.always_tile };
  EspSha256 sha;

  esp_sha256_init (&sha);
  esp_sha256_update (&sha, kind, sizeof kind);
  esp_sha256_update (&sha, facts, sizeof facts);
  esp_sha256_update (&sha, image->pixels, (size_t) image->width * (size_t) image->height * 3);
  esp_sha256_finish (&sha, digest);
}

/* Fits the map of the previews if they are wanted and it is not there yet. */
static EspStatus
fit_previews (EspEdits *e, int index, EspReference *reference, const float *pixels, EspError *error)
{
  float *own = NULL;
  EspStatus status = ESP_OK;

  if (index != 0 || e->callbacks->preview == NULL || reference->map.weights != NULL)
    return ESP_OK;
  if (pixels == NULL)
    {
      status = reference_pixels (e, index, &own, error);
      pixels = own;
    }
  if (status == ESP_OK)
    esp_preview_fit (&reference->map, reference->latents, e->plan.reference[index],
                     esp_vae_factor (e->model->vae), pixels);
  free (own);
  return status;
}

/* Runs the autoencoder. *pixels are what it read. */
static EspStatus
run_encoder (EspEdits *e, int index, EspReference *reference, float **pixels, EspError *error)
{
  double start = esp_clock_now ();
  EspStatus status = reference_pixels (e, index, pixels, error);

  if (status == ESP_OK)
    do
      status = esp_vae_encode (e->model->vae, e->model->vae_device, *pixels,
                               e->plan.reference_height[index], e->plan.reference_width[index],
                               &e->vae_limits, reference->latents, error);
    while (esp_edits_take_smaller_tiles (e, status));
  if (status == ESP_OK)
    reference->seconds = esp_clock_now () - start;
  return status;
}

/* From the disk (*reused) or anew. */
static EspStatus
encode_reference (EspEdits *e, int index, const char digest[ESP_SHA256_HEX_SIZE],
                  EspReference *reference, bool *reused, EspError *error)
{
  const EspDiskCache *disk = &e->model->disk;
  size_t bytes = (size_t) esp_latent_count (e->plan.reference[index]) * sizeof (float);
  const EspDiskPiece pieces[]
      = { { &reference->seconds, sizeof reference->seconds }, { reference->latents, bytes } };
  char key[ESP_SHA256_HEX_SIZE];
  bool kept = !e->request->no_disk_cache && esp_model_disk_key (e->model, true, digest, key);
  float *pixels = NULL;
  EspStatus status = ESP_OK;

  *reused = kept && esp_disk_cache_read (disk, key, pieces, 2);
  if (!*reused)
    {
      status = run_encoder (e, index, reference, &pixels, error);
      if (status == ESP_OK && kept)
        esp_disk_cache_write (disk, key, pieces, 2);
    }
  if (status == ESP_OK)
    status = fit_previews (e, index, reference, pixels, error);
  free (pixels);
  return status;
}

/* From the cache or anew; held. */
static EspStatus
find_reference (EspEdits *e, int index, bool *reused, EspError *error)
{
  EspWorkCache *cache = &e->model->work;
  size_t bytes = (size_t) esp_latent_count (e->plan.reference[index]) * sizeof (float);
  char digest[ESP_SHA256_HEX_SIZE];
  EspReference *reference;
  EspStatus status;

  reference_digest (e, index, digest);
  reference = esp_work_cache_find (cache, digest);
  *reused = reference != NULL;
  if (*reused)
    {
      e->references_of[index] = reference;
      return fit_previews (e, index, reference, NULL, error);
    }

  reference = calloc (1, sizeof *reference);
  if (reference == NULL)
    return esp_edits_out_of_memory ("reference latents", error);
  reference->latents = malloc (bytes);
  if (reference->latents == NULL)
    status = esp_edits_out_of_memory ("reference latents", error);
  else
    status = encode_reference (e, index, digest, reference, reused, error);
  if (status == ESP_OK
      && !esp_work_cache_add (cache, digest, reference, sizeof *reference + bytes, reference_free))
    status = esp_edits_out_of_memory ("reference latents", error);
  if (status != ESP_OK)
    {
      reference_free (reference);
      return status;
    }
  e->references_of[index] = reference;
  return ESP_OK;
}

/* Latents in the transformer's scale, as tokens. */
static EspStatus
pack_reference (const EspEdits *e, int index, float *tokens, EspError *error)
{
  const EspVaeConfig *vae = esp_vae_config (e->model->vae);
  const float *latents = e->references_of[index]->latents;
  int64_t count = esp_latent_count (e->plan.reference[index]);
  float *scaled = malloc ((size_t) count * sizeof *scaled);

  if (scaled == NULL)
    return esp_edits_out_of_memory ("reference latents", error);
  for (int64_t i = 0; i < count; i++)
    scaled[i] = (latents[i] - (float) vae->shift_factor) * (float) vae->scaling_factor;
  esp_pack_pixels (scaled, e->plan.reference[index], tokens);
  free (scaled);
  return ESP_OK;
}

/* As fit_previews(), where all of the first reference is carried. */
static EspStatus
fit_carried_previews (EspEdits *e, const float *tokens, EspError *error)
{
  const EspVaeConfig *vae = esp_vae_config (e->model->vae);
  int64_t count = esp_latent_count (e->plan.reference[0]);
  float *latents, *pixels = NULL;
  EspStatus status;

  if (e->callbacks->preview == NULL)
    return ESP_OK;
  latents = malloc ((size_t) count * sizeof *latents);
  if (latents == NULL)
    return esp_edits_out_of_memory ("carried latents", error);
  esp_unpack_pixels (tokens, e->plan.reference[0], latents);
  for (int64_t i = 0; i < count; i++)
    latents[i] = latents[i] / (float) vae->scaling_factor + (float) vae->shift_factor;
  status = reference_pixels (e, 0, &pixels, error);
  if (status == ESP_OK)
    esp_preview_fit (&e->carried_map, latents, e->plan.reference[0], esp_vae_factor (e->model->vae),
                     pixels);
  free (pixels);
  free (latents);
  return status;
}

/* One reference as tokens. *seconds: what encoding it takes on this device, as far as known. */
static EspStatus
make_reference (EspEdits *e, int index, float *tokens, bool *reused, double *seconds,
                EspError *error)
{
  double pixels
      = (double) e->plan.reference_width[index] * (double) e->plan.reference_height[index];
  EspStatus status;

  if (index == 0 && esp_edit_plan_carries_all (&e->plan))
    {
      *reused = true;
      *seconds = e->model->encode_rate * pixels;
      esp_edit_plan_put_carried (&e->plan, e->request, tokens);
      return fit_carried_previews (e, tokens, error);
    }
  status = find_reference (e, index, reused, error);
  if (status == ESP_OK)
    status = pack_reference (e, index, tokens, error);
  if (status != ESP_OK)
    return status;
  *seconds = e->references_of[index]->seconds;
  e->model->encode_rate = *seconds / pixels;
  if (index == 0)
    esp_edit_plan_put_carried (&e->plan, e->request, tokens);
  return ESP_OK;
}

EspStatus
esp_edits_encode_references (EspEdits *e, EspError *error)
{
  float *tokens;
  bool all_reused = true;
  double seconds = 0;
  EspStatus status = ESP_OK;

  e->references = malloc ((size_t) (e->plan.reference_tokens * e->token_width) * sizeof (float));
  if (e->references == NULL)
    return esp_edits_out_of_memory ("reference latents", error);

  tokens = e->references;
  for (int i = 0; i < e->request->image_count && status == ESP_OK; i++)
    {
      bool reused = false;
      double taken = 0;

      status = make_reference (e, i, tokens, &reused, &taken, error);
      if (status != ESP_OK)
        return status;
      tokens += esp_latent_count (e->plan.reference[i]);
      all_reused = all_reused && reused;
      seconds += taken;
      esp_edits_report (e, (double) (i + 1) / e->request->image_count);
    }
  if (all_reused)
    e->reused |= ESP_REUSED_ENCODE;
  for (int i = 0; i < e->count; i++)
    e->all[i].clock.encode_seconds = seconds;
  esp_dump_add (&e->dump, "reference_latents", ESP_F32, e->references, e->plan.reference_tokens,
                e->token_width);
  return ESP_OK;
}

/* --- Noise ------------------------------------------------------------------------------------ */

static EspStatus
read_noise (EspEdit *edit, EspError *error)
{
  const EspEdits *e = edit->edits;
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
    memcpy (edit->latents, weight->data, (size_t) weight->count * sizeof (float));
  esp_weights_close (file);
  return status;
}

EspStatus
esp_edit_make_noise (EspEdit *edit, EspError *error)
{
  EspEdits *e = edit->edits;
  int64_t count = esp_latent_count (e->plan.target);
  EspStatus status = ESP_OK;

  edit->latents = malloc ((size_t) count * sizeof *edit->latents);
  if (edit->latents == NULL)
    return esp_edits_out_of_memory ("the latents", error);

  if (e->request->noise_path != NULL)
    status = read_noise (edit, error);
  else
    {
      esp_torch_randn ((uint32_t) edit->sample->seed, e->scratch, count);
      esp_pack_planes (e->scratch, e->plan.target, edit->latents);
    }
  if (status == ESP_OK)
    esp_dump_add (&e->dump, "noise", ESP_F32, edit->latents, e->plan.target_tokens, e->token_width);
  return status;
}
