/* SPDX-License-Identifier: MIT */
#include "model/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* Moves `ids` into a list that ends in `end`, cut to `limit` with its `start` (if ≥ 0) and end
 * token. */
static EspStatus
finish_tokens (EspIds *ids, int32_t start, int32_t end, int64_t limit, EspTokenList *list,
               EspError *error)
{
  int64_t extra = start >= 0 ? 2 : 1;
  int64_t kept = (int64_t) ids->count;
  int32_t *result;

  list->truncated = kept + extra > limit;
  if (list->truncated)
    kept = limit - extra;

  result = malloc ((size_t) (kept + extra) * sizeof *result);
  if (result == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the prompt's tokens");
  if (start >= 0)
    result[0] = start;
  if (kept > 0)
    memcpy (result + extra - 1, ids->ids, (size_t) kept * sizeof *result);
  result[kept + extra - 1] = end;
  list->ids = result;
  list->count = (int) (kept + extra);
  return ESP_OK;
}

static int64_t
clip_limit (const EspModel *model)
{
  int64_t positions = esp_clip_encoder_positions (model->clip);

  return positions < ESP_CLIP_TOKENS ? positions : ESP_CLIP_TOKENS;
}

EspStatus
esp_model_tokenize (const EspModel *model, const char *text, size_t length, EspTokenList *clip,
                    EspTokenList *t5, EspError *error)
{
  EspIds clip_ids = ESP_IDS_INIT, t5_ids = ESP_IDS_INIT;
  EspStatus status;

  *clip = *t5 = (EspTokenList){ 0 };
  status = esp_clip_tokenize (model->clip_tokenizer, text, length, &clip_ids, error);
  if (status == ESP_OK)
    status = esp_t5_tokenize (model->t5_tokenizer, text, length, &t5_ids, error);
  if (status == ESP_OK)
    status = finish_tokens (&clip_ids, esp_clip_tokenizer_start (model->clip_tokenizer),
                            esp_clip_tokenizer_end (model->clip_tokenizer), clip_limit (model),
                            clip, error);
  if (status == ESP_OK)
    status = finish_tokens (&t5_ids, -1, esp_t5_tokenizer_end (model->t5_tokenizer),
                            model->manifest.t5_tokens, t5, error);
  esp_ids_clear (&clip_ids);
  esp_ids_clear (&t5_ids);
  if (status != ESP_OK)
    {
      esp_token_list_clear (clip);
      esp_token_list_clear (t5);
    }
  return status;
}

void
esp_token_list_clear (EspTokenList *list)
{
  free (list->ids);
  *list = (EspTokenList){ 0 };
}

static void
prompt_free (void *data)
{
  EspPrompt *prompt = data;

  free (prompt->clip_ids);
  free (prompt->t5_ids);
  free (prompt->pooled);
  free (prompt->embeddings);
  free (prompt);
}

/* The list's ids followed by `pad` up to `count`. */
static int32_t *
padded (const EspTokenList *list, int64_t count, int32_t pad)
{
  int32_t *ids = malloc ((size_t) count * sizeof *ids);

  for (int64_t i = 0; ids != NULL && i < count; i++)
    ids[i] = i < list->count ? list->ids[i] : pad;
  return ids;
}

/* Everything but what the encoders compute. */
static EspStatus
tokenize (EspModel *model, const char *text, EspPrompt *prompt, EspError *error)
{
  EspTokenList clip, t5;
  EspStatus status = esp_model_tokenize (model, text, strlen (text), &clip, &t5, error);

  if (status != ESP_OK)
    return status;

  prompt->clip_count = clip_limit (model);
  prompt->t5_count = model->manifest.t5_tokens;
  prompt->clip_truncated = clip.truncated;
  prompt->t5_truncated = t5.truncated;
  prompt->clip_ids
      = padded (&clip, prompt->clip_count, esp_clip_tokenizer_pad (model->clip_tokenizer));
  prompt->t5_ids = padded (&t5, prompt->t5_count, esp_t5_tokenizer_pad (model->t5_tokenizer));
  prompt->pooled = malloc ((size_t) esp_clip_encoder_width (model->clip) * sizeof (float));
  prompt->embeddings
      = malloc ((size_t) (prompt->t5_count * esp_t5_encoder_width (model->t5)) * sizeof (float));
  esp_token_list_clear (&clip);
  esp_token_list_clear (&t5);
  if (prompt->clip_ids == NULL || prompt->t5_ids == NULL || prompt->pooled == NULL
      || prompt->embeddings == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the prompt's embeddings");
  return ESP_OK;
}

/* The words as the tokenizers see them, too: another tokenizer, another prompt. */
static bool
disk_key (EspModel *model, const EspPrompt *prompt, char key[ESP_SHA256_HEX_SIZE])
{
  char digest[ESP_SHA256_HEX_SIZE];
  EspSha256 sha;

  esp_sha256_init (&sha);
  esp_sha256_update (&sha, prompt->digest, sizeof prompt->digest);
  esp_sha256_update (&sha, prompt->clip_ids,
                     (size_t) prompt->clip_count * sizeof *prompt->clip_ids);
  esp_sha256_update (&sha, prompt->t5_ids, (size_t) prompt->t5_count * sizeof *prompt->t5_ids);
  esp_sha256_finish (&sha, digest);
  return esp_model_disk_key (model, false, digest, key);
}

/* From the disk (*reused) or by running both encoders. */
static EspStatus
encode (EspModel *model, bool on_disk, const atomic_bool *cancel, EspPrompt *prompt, bool *reused,
        EspError *error)
{
  int64_t clip_width = esp_clip_encoder_width (model->clip);
  int64_t t5_width = esp_t5_encoder_width (model->t5);
  const EspDiskPiece pieces[]
      = { { prompt->pooled, (size_t) clip_width * sizeof (float) },
          { prompt->embeddings, (size_t) (prompt->t5_count * t5_width) * sizeof (float) } };
  char key[ESP_SHA256_HEX_SIZE];
  bool kept = on_disk && disk_key (model, prompt, key);
  EspStatus status;

  *reused = kept && esp_disk_cache_read (&model->disk, key, pieces, 2);
  if (*reused)
    return ESP_OK;
  /* CLIP in f32 always: it is small, and its one vector modulates every block of every step. In
   * bf16 it alone would put the first velocity off by 1 %. */
  status = esp_clip_encode (model->clip, model->vae_device, prompt->clip_ids, prompt->clip_count,
                            prompt->pooled, error);
  if (status == ESP_OK)
    status = esp_t5_encode (model->t5, model->device, prompt->t5_ids, prompt->t5_count,
                            prompt->embeddings, cancel, error);
  if (status == ESP_OK && kept)
    esp_disk_cache_write (&model->disk, key, pieces, 2);
  return status;
}

static size_t
prompt_bytes (const EspModel *model, const EspPrompt *prompt)
{
  int64_t ids = prompt->clip_count + prompt->t5_count;
  int64_t floats
      = esp_clip_encoder_width (model->clip) + prompt->t5_count * esp_t5_encoder_width (model->t5);

  return sizeof *prompt + (size_t) ids * sizeof (int32_t) + (size_t) floats * sizeof (float);
}

EspStatus
esp_prompt_encode (EspModel *model, const char *text, bool on_disk, const atomic_bool *cancel,
                   const EspPrompt **result, bool *reused, EspError *error)
{
  static const char kind[] = "prompt";
  char digest[ESP_SHA256_HEX_SIZE];
  EspSha256 sha;
  EspPrompt *prompt;
  EspStatus status;

  esp_sha256_init (&sha);
  esp_sha256_update (&sha, kind, sizeof kind);
  esp_sha256_update (&sha, model->lora_keys.text, sizeof model->lora_keys.text);
  esp_sha256_update (&sha, text, strlen (text));
  esp_sha256_finish (&sha, digest);
  *result = esp_work_cache_find (&model->work, digest);
  *reused = *result != NULL;
  if (*reused)
    return ESP_OK;

  prompt = calloc (1, sizeof *prompt);
  if (prompt == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the prompt's embeddings");
  memcpy (prompt->digest, digest, sizeof prompt->digest);
  status = tokenize (model, text, prompt, error);
  if (status == ESP_OK)
    status = encode (model, on_disk, cancel, prompt, reused, error);
  if (status == ESP_OK
      && !esp_work_cache_add (&model->work, digest, prompt, prompt_bytes (model, prompt),
                              prompt_free))
    status = esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the prompt's embeddings");
  if (status != ESP_OK)
    {
      prompt_free (prompt);
      return status;
    }
  *result = prompt;
  return ESP_OK;
}
