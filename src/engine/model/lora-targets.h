/* SPDX-License-Identifier: MIT */
/* lora-targets.h: every name by which a LoRA may call a linear layer of the open model, and what of
 * which layer it means. Internal to model/. */
#pragma once

#include "ops/layers.h"

/* Which component a name may be of. */
typedef enum
{
  ESP_LORA_TRANSFORMER = 1 << 0,
  ESP_LORA_CLIP = 1 << 1,
  ESP_LORA_T5 = 1 << 2,
} EspLoraComponent;

/* Outputs [first, first + out) of a layer. */
typedef struct EspLoraSpan
{
  EspLinear *linear;
  int64_t first, out;
} EspLoraSpan;

/* A fused matrix of a file may be several layers here: its rows are those of the spans, one after
 * the other. */
#define ESP_LORA_SPANS_MAX 4

typedef struct EspLoraTarget
{
  char *name; /* dots are underscores: what trainers make of dots differs */
  EspLoraComponent component;
  EspLoraSpan spans[ESP_LORA_SPANS_MAX];
  int span_count;
  int64_t in, out;
} EspLoraTarget;

typedef struct EspLoraTargets
{
  EspLoraTarget *targets;
  int64_t count, capacity;
  bool failed; /* out of memory */
} EspLoraTargets;

/* Adds all linear layers of a table under their canonical names. */
void esp_lora_targets_add (EspLoraTargets *targets, EspLoraComponent component,
                           const EspLayers *layers);

/* Adds the transformer's under those that Black Forest Labs and XLabs gave them. `blocks` and
 * `once` are its two tables. */
void esp_lora_targets_add_aliases (EspLoraTargets *targets, const EspLayers *blocks,
                                   const EspLayers *once);

/* To be called once, after all components were added. */
EspStatus esp_lora_targets_finish (EspLoraTargets *targets, EspError *error);
void esp_lora_targets_clear (EspLoraTargets *targets);

/* What a LoRA's module means, whatever prefixes it has, or NULL. */
const EspLoraTarget *esp_lora_targets_find (const EspLoraTargets *targets, const char *module);
