/* SPDX-License-Identifier: MIT */
/* flux-transformer.h: the FLUX transformer: the velocity of the flow at one step.
 *
 * Everything about its size is read from the model's config.json; nothing here knows a model by
 * name. Shapes below: T text tokens, N tokens of the picture being made (target), R reference
 * tokens, L = T + N + R, D = heads · head_dim.
 */
#pragma once

#include <stdatomic.h>

#include "ops/ops.h"

#define ESP_FLUX_AXES 3

typedef struct EspFluxConfig
{
  int64_t in_channels;             /* of a packed token: 4 · latent channels */
  int64_t out_channels;            /* = in_channels unless the config says otherwise */
  int64_t heads, head_dim, hidden; /* hidden = heads · head_dim */
  int64_t mlp;                     /* 4 · hidden */
  int64_t double_blocks, single_blocks;
  int64_t joint_dim;           /* width of the T5 embeddings */
  int64_t pooled_dim;          /* width of the CLIP pooled output */
  int64_t axes[ESP_FLUX_AXES]; /* columns of a head that each position axis turns; their sum =
                                  head_dim */
  bool guidance;               /* is there a guidance embedding? */
} EspFluxConfig;

typedef struct EspFlux EspFlux;

/* Reads `folder`/config.json and binds every tensor of the (possibly sharded)
 * `folder`/diffusion_pytorch_model.safetensors. */
EspStatus esp_flux_open (const char *folder, EspFlux **result, EspError *error);
void esp_flux_free (EspFlux *flux); /* release its weights on the device first */
const EspFluxConfig *esp_flux_config (const EspFlux *flux);
const EspWeights *esp_flux_weights (const EspFlux *flux);

/* Gives the block weights that sessions prepared back to the device; they are kept between sessions
 * otherwise. */
void esp_flux_release (EspFlux *flux, EspDevice *device);

/* --- A session: one edit's steps
 * ------------------------------------------------------------------- */

/* What one prompt contributes. Host memory. */
typedef struct EspFluxText
{
  const float *embeddings; /* [T, joint_dim] */
  const float *pooled;     /* [pooled_dim] */
} EspFluxText;

typedef struct EspFluxInputs
{
  int64_t text_tokens, target_tokens, reference_tokens;
  const EspFluxText *texts; /* one, or two when there is a negative prompt */
  int text_count;
  const float
      *positions; /* [N + R, 3]: (image, y, x) of each picture token; text is at (0, 0, 0) */
  const float *references; /* [R, in_channels] packed reference latents */
  const float *timesteps;  /* [steps]: the time (sigma) at which each step evaluates the velocity */
  int steps;
  double guidance; /* embedded times 1000; ignored by models without a guidance embedding */
} EspFluxInputs;

typedef struct EspFluxSession EspFluxSession;

/* Called while weights are prepared, with the fraction done. */
typedef void (*EspFluxProgress) (void *data, double fraction);

/* Prepares the weights, computes everything that does not change from step to step (all steps'
 * modulations, rotary tables, embedded text and references) and allocates every buffer; later calls
 * allocate nothing. On failure *result is NULL. */
EspStatus esp_flux_session_new (EspFlux *flux, EspDevice *device, const EspFluxInputs *inputs,
                                const atomic_bool *cancel, EspFluxProgress progress, void *data,
                                EspFluxSession **result, EspError *error);
void esp_flux_session_free (EspFluxSession *session);

/* The velocity at step `step` for prompt `text` (0, or 1 = the negative one): latents [N,
 * in_channels] f32 → velocity [N, out_channels] f32, both device views. Looks at `cancel` before
 * every block. */
EspStatus esp_flux_velocity (EspFluxSession *session, int text, int step, EspTensor latents,
                             EspTensor velocity, const atomic_bool *cancel, EspError *error);

/* Device bytes that the buffers of such a session take, without weights: the memory plan. */
size_t esp_flux_session_bytes (const EspFluxConfig *config, EspDType compute, int64_t text_tokens,
                               int64_t target_tokens, int64_t reference_tokens, int text_count,
                               int steps);
