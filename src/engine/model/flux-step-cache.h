/* SPDX-License-Identifier: MIT */
/* flux-step-cache.h: steps that need not be computed (first-block caching). Internal to model/.
 *
 * From one step to the next the transformer's blocks add nearly the same to the residual stream.
 * What the first block adds to the pictures' rows tells how nearly: while it differs from what it
 * added at the last step that was computed by less than a threshold (Σ|difference| : Σ|then|), the
 * other blocks are not run, and what they added then is added again. Each slot and each prompt
 * decides for itself, from its own rows alone.
 */
#pragma once

#include "model/flux-layers.h"

typedef struct FluxStepCache
{
  EspDevice *device;
  double threshold; /* 0: every step is computed, and nothing below exists */
  int64_t target_tokens, picture_tokens;
  EspTensor change;                /* [slots·P, D] f32: what the first block adds at this step */
  EspTensor first[FLUX_TEXTS_MAX]; /* [slots·P, D]: what it added at the last one computed */
  EspTensor rest[FLUX_TEXTS_MAX];  /* [slots·N, D]: what the others added then */
  bool known[FLUX_TEXTS_MAX][ESP_FLUX_SLOTS_MAX];
} FluxStepCache;

/* P: target and reference tokens. Failures are the device's. */
void flux_step_cache_init (FluxStepCache *cache, EspDevice *device, int64_t hidden,
                           double threshold, int slots, int texts, int64_t target_tokens,
                           int64_t picture_tokens);
void flux_step_cache_clear (FluxStepCache *cache);

/* Device bytes of one. */
size_t flux_step_cache_bytes (int64_t hidden, int slots, int texts, int64_t target_tokens,
                              int64_t picture_tokens);

/* Around the first block; `pictures` are the slot's rows [P, D] of the residual stream. */
void flux_step_cache_before (FluxStepCache *cache, int slot, EspTensor pictures);

/* Whether the other blocks can be left out; then their part has been added to `pictures`, whose
 * first rows are the target's. Otherwise they are to be run, and flux_step_cache_after() follows.
 */
bool flux_step_cache_reuse (FluxStepCache *cache, int text, int slot, EspTensor pictures);

/* After the other blocks: `target` are the slot's target rows. */
void flux_step_cache_after (FluxStepCache *cache, int text, int slot, EspTensor target);
