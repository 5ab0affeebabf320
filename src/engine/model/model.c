/* SPDX-License-Identifier: MIT */
/* Opening a model, and what it is. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/model-hash.h"
#include "memory-watch.h"

/* Opens part `index` by `open_part`, which has the shape that all of them share. */
#define OPEN(index, open_part, result)                                                             \
  if (status == ESP_OK)                                                                            \
  status = open_part (model->files.part[index], result, error)

static EspStatus
open_parts (EspModel *model, EspError *error)
{
  EspModelFiles *files = &model->files;
  EspStatus status = esp_model_files_check (files, model->path, error);

  OPEN (ESP_COMPONENT_TRANSFORMER, esp_flux_open, &model->flux);
  OPEN (ESP_COMPONENT_VAE, esp_vae_open, &model->vae);
  OPEN (ESP_COMPONENT_CLIP, esp_clip_encoder_open, &model->clip);
  OPEN (ESP_COMPONENT_T5, esp_t5_encoder_open, &model->t5);
  OPEN (ESP_PART_TOKENIZER, esp_clip_tokenizer_open, &model->clip_tokenizer);
  if (files->tokenizer_in_t5)
    {
      OPEN (ESP_COMPONENT_T5, esp_t5_tokenizer_open_gguf, &model->t5_tokenizer);
    }
  else
    OPEN (ESP_PART_TOKENIZER_2, esp_t5_tokenizer_open, &model->t5_tokenizer);
  if (status == ESP_OK && files->scheduler != NULL)
    status = esp_scheduler_read (files->scheduler, &model->scheduler, error);
  else if (status == ESP_OK)
    esp_scheduler_default (&model->scheduler);
  return status;
}
#undef OPEN

static EspStatus
mismatch (const EspModel *model, const char *a, long long got, const char *b, long long wanted,
          EspError *error)
{
  return esp_error_set (error, ESP_ERROR_FORMAT,
                        "%s: the parts do not belong together: %s is %lld, but %s is %lld",
                        model->path, a, got, b, wanted);
}

/* The components must fit each other, or tensors would be read with the wrong width. */
static EspStatus
check_fit (const EspModel *model, EspError *error)
{
  const EspFluxConfig *flux = esp_flux_config (model->flux);
  const EspVaeConfig *vae = esp_vae_config (model->vae);
  int64_t t5_width = esp_t5_encoder_width (model->t5);
  int64_t clip_width = esp_clip_encoder_width (model->clip);
  int64_t clip_id = esp_clip_tokenizer_max_id (model->clip_tokenizer);
  int64_t t5_id = esp_t5_tokenizer_max_id (model->t5_tokenizer);

  if (flux->in_channels != 4 * vae->latent_channels)
    return mismatch (model, "transformer \"in_channels\"", flux->in_channels,
                     "four times vae \"latent_channels\"", 4 * vae->latent_channels, error);
  if (flux->joint_dim != t5_width)
    return mismatch (model, "transformer \"joint_attention_dim\"", flux->joint_dim,
                     "text_encoder_2 \"d_model\"", t5_width, error);
  if (flux->pooled_dim != clip_width)
    return mismatch (model, "transformer \"pooled_projection_dim\"", flux->pooled_dim,
                     "text_encoder \"hidden_size\"", clip_width, error);
  if (clip_id >= esp_clip_encoder_vocabulary (model->clip))
    return mismatch (model, "the largest id of tokenizer", clip_id, "text_encoder \"vocab_size\"",
                     esp_clip_encoder_vocabulary (model->clip), error);
  if (t5_id >= esp_t5_encoder_vocabulary (model->t5))
    return mismatch (model, "the largest id of tokenizer_2", t5_id, "text_encoder_2 \"vocab_size\"",
                     esp_t5_encoder_vocabulary (model->t5), error);
  return ESP_OK;
}

static EspStatus
fill_info (EspModel *model, EspError *error)
{
  const EspManifest *manifest = &model->manifest;
  EspWeights *components[] = {
    (EspWeights *) esp_flux_weights (model->flux),
    (EspWeights *) esp_vae_weights (model->vae),
    (EspWeights *) esp_clip_encoder_weights (model->clip),
    (EspWeights *) esp_t5_encoder_weights (model->t5),
  };
  static const char *const no_notes[] = { NULL };
  const int count = (int) (sizeof components / sizeof *components);
  EspStatus status = esp_model_hash (components, count, model->hash, error);

  if (status != ESP_OK)
    return status;

  model->info = (EspModelInfo){
    .path = model->path,
    .id = manifest->id,
    .name = manifest->name,
    .kind = manifest->kind,
    .licence = manifest->licence,
    .source = manifest->source,
    .hash = model->hash,
    .t5_tokens = manifest->t5_tokens,
    .working_pixels = manifest->working_pixels,
    .default_steps = manifest->default_steps,
    .default_guidance = manifest->default_guidance,
    .instructions = (const char *const *) manifest->instructions,
    .notes = model->files.notes != NULL ? (const char *const *) model->files.notes : no_notes,
  };
  for (int i = 0; i < count; i++)
    {
      model->info.weight_bytes += esp_weights_bytes (components[i]);
      for (int64_t t = 0; t < esp_weights_count (components[i]); t++)
        model->info.parameters += esp_weights_at (components[i], t)->count;
    }
  return ESP_OK;
}

static EspStatus
find_and_open (const EspModelParts *parts, EspModel **result, EspError *error)
{
  const char *path = parts->path != NULL ? parts->path : parts->transformer;
  EspModelFiles files;
  EspModel *model;
  EspStatus status = esp_model_files_find (parts, &files, error);

  *result = NULL;
  if (status != ESP_OK)
    return status;

  model = calloc (1, sizeof *model);
  if (model == NULL || (model->path = strdup (path)) == NULL)
    {
      esp_model_files_clear (&files);
      free (model);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
    }
  model->manifest = files.manifest;
  memset (&files.manifest, 0, sizeof files.manifest);
  model->files = files;
  model->work.limit = ESP_WORK_CACHE_BYTES;
  status = open_parts (model, error);
  if (status == ESP_OK)
    status = check_fit (model, error);
  if (status == ESP_OK)
    status = fill_info (model, error);
  if (status != ESP_OK)
    {
      esp_model_close (model);
      return status;
    }
  *result = model;
  return ESP_OK;
}

EspStatus
esp_model_open_parts (const EspModelParts *parts, EspModel **result, EspError *error)
{
  const unsigned failures = esp_memory_failures ();
  EspStatus status = find_and_open (parts, result, error);

  /* What was not found, or another one instead, is there for all we know. */
  if (esp_memory_failures () == failures || status == ESP_ERROR_MEMORY)
    return status;
  esp_model_close (*result);
  *result = NULL;
  return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory",
                        parts->path != NULL ? parts->path : parts->transformer);
}

EspStatus
esp_model_open (const char *path, EspModel **result, EspError *error)
{
  return esp_model_open_parts (&(EspModelParts){ .path = path }, result, error);
}

void
esp_model_close (EspModel *model)
{
  if (model == NULL)
    return;
  esp_model_drop_loras (model);
  esp_model_drop_devices (model);
  esp_flux_free (model->flux);
  esp_vae_free (model->vae);
  esp_clip_encoder_free (model->clip);
  esp_t5_encoder_free (model->t5);
  esp_clip_tokenizer_free (model->clip_tokenizer);
  esp_t5_tokenizer_free (model->t5_tokenizer);
  esp_manifest_clear (&model->manifest);
  esp_model_files_clear (&model->files);
  free (model->disk.folder);
  free (model->path);
  free (model);
}

const EspModelInfo *
esp_model_info (const EspModel *model)
{
  return &model->info;
}

const char *
esp_model_source (const EspModel *model, int index)
{
  for (int i = 0; i < ESP_PART_COUNT; i++)
    if (model->files.part[i] != NULL && index-- == 0)
      return model->files.part[i];
  return NULL;
}

void
esp_model_set_cache_limit (EspModel *model, size_t bytes)
{
  esp_work_cache_set_limit (&model->work, bytes);
}

EspStatus
esp_model_set_disk_cache (EspModel *model, const char *folder, uint64_t limit, EspError *error)
{
  char *copy = folder != NULL ? strdup (folder) : NULL;

  if (folder != NULL && copy == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", folder);
  free (model->disk.folder);
  model->disk = (EspDiskCache){ copy, limit };
  return ESP_OK;
}

/* Another build may round differently. */
static void
hash_program (EspSha256 *sha)
{
  struct stat is;

  if (stat ("/proc/self/exe", &is) == 0)
    {
      const int64_t facts[] = { is.st_size, is.st_ino, is.st_mtim.tv_sec, is.st_mtim.tv_nsec };

      esp_sha256_update (sha, facts, sizeof facts);
    }
}

bool
esp_model_disk_key (EspModel *model, bool autoencoder, const char digest[ESP_SHA256_HEX_SIZE],
                    char key[ESP_SHA256_HEX_SIZE])
{
  EspWeights *parts[2] = { (EspWeights *) esp_clip_encoder_weights (model->clip),
                           (EspWeights *) esp_t5_encoder_weights (model->t5) };
  EspDevice *device = autoencoder ? model->vae_device : model->device;
  const int32_t facts[] = { device->compute, device->threads };
  char *hash = autoencoder ? model->vae_hash : model->text_hash;
  EspError error = ESP_ERROR_INIT;
  EspSha256 sha;

  if (model->disk.folder == NULL || model->disk.limit == 0)
    return false;
  if (autoencoder)
    parts[0] = (EspWeights *) esp_vae_weights (model->vae);
  if (hash[0] == '\0' && esp_model_hash (parts, autoencoder ? 1 : 2, hash, &error) != ESP_OK)
    return false;
  esp_sha256_init (&sha);
  hash_program (&sha);
  esp_sha256_update (&sha, digest, ESP_SHA256_HEX_SIZE);
  esp_sha256_update (&sha, hash, ESP_SHA256_HEX_SIZE);
  esp_sha256_update (&sha, device->ops->name, strlen (device->ops->name) + 1);
  esp_sha256_update (&sha, device->description, strlen (device->description) + 1);
  esp_sha256_update (&sha, facts, sizeof facts);
  esp_sha256_finish (&sha, key);
  return true;
}

void
esp_model_set_pass_limit (EspModel *model, int edits)
{
  model->pass_limit = edits;
}
