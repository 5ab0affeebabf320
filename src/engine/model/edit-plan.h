/* SPDX-License-Identifier: MIT */
/* edit-plan.h: a checked request with every choice made: sizes, steps, guidance. */
#pragma once

#include "espalier-engine.h"
#include "model/latents.h"

typedef struct EspEditPlan
{
  int width, height; /* of the result */
  int reference_width[ESP_IMAGES_MAX], reference_height[ESP_IMAGES_MAX];
  int steps;
  double guidance;
  bool true_cfg; /* run the negative prompt too */
  double step_cache;

  EspLatentSize target, reference[ESP_IMAGES_MAX];
  int64_t target_tokens, reference_tokens;
} EspEditPlan;

/* Checks every field of the request (ESP_ERROR_ARGUMENT names the option as the command line spells
 * it) and decides what it leaves open from the model's manifest. `latent_channels` and `factor` are
 * the autoencoder's. */
EspStatus esp_edit_plan_make (const EspModelInfo *info, int64_t latent_channels, int64_t factor,
                              const EspEditRequest *request, EspEditPlan *plan, EspError *error);
