/* SPDX-License-Identifier: MIT */
/* prompt.h: from words to what the transformer reads. */
#pragma once

#include <stdatomic.h>

#include "espalier-engine.h"
#include "files/sha256.h"
#include "ops/ops.h"

/* Positions of the CLIP text encoder that the pipeline uses. */
#define ESP_CLIP_TOKENS 77

/* One encoded prompt. Host memory. */
typedef struct EspPrompt
{
  char digest[ESP_SHA256_HEX_SIZE]; /* of the text and what LoRAs make of it */
  int32_t *clip_ids, *t5_ids;       /* padded: [clip_count], [t5_count] */
  int64_t clip_count, t5_count;
  bool clip_truncated, t5_truncated;
  float *pooled;     /* [CLIP width] */
  float *embeddings; /* [t5_count, T5 width] */
} EspPrompt;

/* Gives the encoded prompt, from the model's cache (*reused) or by running both text encoders on
 * model->device; with a hit neither of them is even prepared. `on_disk`: model->disk may be looked
 * at and added to, as well. Held until
 * esp_work_cache_release (&model->work, prompt). */
EspStatus esp_prompt_encode (EspModel *model, const char *text, bool on_disk,
                             const atomic_bool *cancel, const EspPrompt **result, bool *reused,
                             EspError *error);
