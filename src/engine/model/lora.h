/* SPDX-License-Identifier: MIT */
/* lora.h: the LoRAs of an open model's edits: matched to its layers, hung on them and taken off
 * again. Internal to model/.
 *
 * Nothing of the model is changed or copied. A LoRA's matrices stay in its mapped file; each layer
 * gets a list of adapters (ops.h) that point there. Taking them away leaves the model as it was.
 */
#pragma once

#include "model/lora-file.h"

struct EspModel;
struct EspEditRequest;
struct EspLoraUse;

typedef struct EspLoraSet EspLoraSet;

/* What names everything that the LoRAs in use change in one part of the model: all zeros where they
 * change nothing. To be part of every key under which something computed by that part is kept. */
#define ESP_LORA_KEY_SIZE 32
typedef struct EspLoraKeys
{
  unsigned char transformer[ESP_LORA_KEY_SIZE];
  unsigned char text[ESP_LORA_KEY_SIZE]; /* both text encoders */
} EspLoraKeys;

/* Hangs the request's LoRAs on the model's layers, in place of those of the last edit; files that
 * are the same stay open. Without any, or all with strength 0, the model is as if there had never
 * been one. On failure none is in use. Errors name the file and say what does not fit. */
EspStatus esp_model_use_loras (struct EspModel *model, const struct EspEditRequest *request,
                               EspError *error);

/* How the request's LoRAs are used, for its result: *uses is malloc'd, so is each path. After
 * esp_model_use_loras(). */
EspStatus esp_model_lora_uses (const struct EspModel *model, const struct EspEditRequest *request,
                               struct EspLoraUse **uses, int *count, EspError *error);
/* Frees them; NULL is allowed. */
void esp_lora_uses_free (struct EspLoraUse *uses, int count);

/* Takes all of them off and closes their files. */
void esp_model_drop_loras (struct EspModel *model);
