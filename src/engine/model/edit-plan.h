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
  int64_t carried_tokens; /* of reference 0: as many are taken from request.carry */
  char not_carried[160];  /* why none of them are, though there are some; else "" */
} EspEditPlan;

/* Checks every field of the request (ESP_ERROR_ARGUMENT names the option as the command line spells
 * it) and decides what it leaves open from the model's manifest. `latent_channels` and `factor` are
 * the autoencoder's. */
EspStatus esp_edit_plan_make (const EspModelInfo *info, int64_t latent_channels, int64_t factor,
                              const EspEditRequest *request, EspEditPlan *plan, EspError *error);

/* --- edit-carry.c --- */

/* A part of esp_edit_plan_make(), after the references' sizes are known: what is carried. */
EspStatus esp_edit_plan_carry (const EspModelInfo *info, const EspEditRequest *request,
                               EspEditPlan *plan, EspError *error);

/* Is all of the first reference carried, so that there is nothing to encode? */
bool esp_edit_plan_carries_all (const EspEditPlan *plan);

/* Puts what is carried into `tokens`, those of the first reference, packed. */
void esp_edit_plan_put_carried (const EspEditPlan *plan, const EspEditRequest *request,
                                float *tokens);
