/* SPDX-License-Identifier: MIT */
/* prompt.h: from words to what the transformer reads. */
#pragma once

#include <stdatomic.h>

#include "espalier-engine.h"
#include "ops/ops.h"

/* Positions of the CLIP text encoder that the pipeline uses. */
#define ESP_CLIP_TOKENS 77

/* One encoded prompt. Host memory. */
typedef struct EspPrompt
{
  char *text;
  int32_t *clip_ids, *t5_ids; /* padded: [clip_count], [t5_count] */
  int64_t clip_count, t5_count;
  bool clip_truncated, t5_truncated;
  float *pooled;     /* [CLIP width] */
  float *embeddings; /* [t5_count, T5 width] */
} EspPrompt;

#define ESP_PROMPT_CACHE_SIZE 8

/* The last few prompts, oldest overwritten first: an editing session repeats its prompts. */
typedef struct EspPromptCache
{
  EspPrompt entries[ESP_PROMPT_CACHE_SIZE];
  int next;
} EspPromptCache;

void esp_prompt_cache_clear (EspPromptCache *cache);

/* Gives the encoded prompt, from the cache or by running both text encoders on model->device. The
 * prompt is borrowed and valid until ESP_PROMPT_CACHE_SIZE further ones were asked for. */
EspStatus esp_prompt_encode (EspModel *model, const char *text, const atomic_bool *cancel,
                             const EspPrompt **result, EspError *error);
