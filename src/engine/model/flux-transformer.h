/* SPDX-License-Identifier: MIT */
/* flux-transformer.h: the FLUX transformer: the velocity of the flow at one step.
 *
 * Everything about its size is read from the model's config.json or its tensors; nothing here knows
 * a model by name. Shapes below: T text tokens, N tokens of the picture being made (target), R
 * reference tokens, L = T + N + R, D = heads · head_dim.
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
  int64_t mlp;                     /* 4 · hidden, unless the tensors say otherwise */
  int64_t double_blocks, single_blocks;
  int64_t joint_dim;           /* width of the T5 embeddings */
  int64_t pooled_dim;          /* width of the CLIP pooled output */
  int64_t axes[ESP_FLUX_AXES]; /* columns of a head that each position axis turns; their sum =
                                  head_dim */
  bool guidance;               /* is there a guidance embedding? */
} EspFluxConfig;

typedef struct EspFlux EspFlux;

/* Opens the transformer at `path`, a sub-folder or a file in any naming (files/component-names.h),
 * and binds every tensor. Sizes are those of its config.json; without one they follow from the
 * tensors' shapes: heads from the key norm's length (128 where there is no block). */
EspStatus esp_flux_open (const char *path, EspFlux **result, EspError *error);
void esp_flux_free (EspFlux *flux); /* release its weights on the device first */
const EspFluxConfig *esp_flux_config (const EspFlux *flux);
const EspWeights *esp_flux_weights (const EspFlux *flux);

/* Bytes of the weights that every step reads, as they lie in the files. */
size_t esp_flux_step_weight_bytes (const EspFlux *flux);

/* Gives the block weights that sessions prepared back to the device; they are kept between sessions
 * otherwise. */
void esp_flux_release (EspFlux *flux, EspDevice *device);

/* --- What a prompt contributes ---------------------------------------------------------------- */

/* An encoded prompt. Host memory. */
typedef struct EspFluxText
{
  const float *embeddings; /* [T, joint_dim] */
  const float *pooled;     /* [pooled_dim] */
} EspFluxText;

typedef struct EspFluxSchedule
{
  const float *timesteps; /* [steps]: the time (sigma) at which each step evaluates the velocity */
  int steps;
  double guidance; /* embedded times 1000; ignored by models without a guidance embedding */
} EspFluxSchedule;

/* What a prompt contributes to every step of a schedule: the embedded text and all steps'
 * modulations. Device memory; free it before the device. */
typedef struct EspFluxConditioning EspFluxConditioning;

/* Computes it for one or two prompts of T tokens, with each layer's weights prepared once for both.
 * Looks at `cancel` before every block. On failure all results are NULL. */
EspStatus esp_flux_condition (EspFlux *flux, EspDevice *device, const EspFluxSchedule *schedule,
                              int64_t text_tokens, const EspFluxText *texts, int count,
                              const atomic_bool *cancel, EspFluxConditioning **results,
                              EspError *error);
void esp_flux_conditioning_free (EspFluxConditioning *conditioning); /* NULL is allowed */

/* Device bytes of one of them. */
size_t esp_flux_conditioning_bytes (const EspFluxConfig *config, int64_t text_tokens, int steps);

/* --- A session: the steps of one edit, or of several that differ by their noise alone --------- */

/* The most edits of one session. */
#define ESP_FLUX_SLOTS_MAX 16

typedef struct EspFluxInputs
{
  int64_t text_tokens, target_tokens, reference_tokens;
  const EspFluxConditioning *const
      *texts; /* one, or two when there is a negative prompt; they must outlive the session */
  int text_count;
  const float
      *positions; /* [N + R, 3]: (image, y, x) of each picture token; text is at (0, 0, 0) */
  const float *references; /* [R, in_channels] packed reference latents */
  int slots;               /* edits at once, 1 … ESP_FLUX_SLOTS_MAX */
  double step_cache;       /* threshold of first-block caching; 0 = every step is computed */
} EspFluxInputs;

typedef struct EspFluxSession EspFluxSession;

/* Called while weights are prepared, with the fraction done. */
typedef void (*EspFluxProgress) (void *data, double fraction);

/* Prepares the weights, computes what does not change from step to step (rotary tables, embedded
 * references) and allocates every buffer; later calls allocate nothing. On failure *result is NULL.
 */
EspStatus esp_flux_session_new (EspFlux *flux, EspDevice *device, const EspFluxInputs *inputs,
                                const atomic_bool *cancel, EspFluxProgress progress, void *data,
                                EspFluxSession **result, EspError *error);
void esp_flux_session_free (EspFluxSession *session);

/* The edits that still go on. */
typedef struct EspFluxPass
{
  int count;
  int slots[ESP_FLUX_SLOTS_MAX]; /* which; in rising order */
  /* Asked for every slot before every block: false = this one is not wanted any more, and leaves
   * the pass. NULL = all stay. */
  bool (*keep) (void *data, int slot);
  void *data;
  /* Set for each slot of which more than the first block was computed; who wants to know clears it
   * before. */
  bool computed[ESP_FLUX_SLOTS_MAX];
} EspFluxPass;

/* The velocity at step `step` for prompt `text` (0, or 1 = the negative one) of every edit in the
 * pass: latents [slots·N, in_channels] f32 → velocity [slots·N, out_channels] f32, both device
 * views; the rows of slots that are not in the pass are neither read nor written. Every edit's
 * velocity is to the last bit what it is in a pass of its own. Looks at `cancel` before every
 * block; a pass that has become empty is ESP_ERROR_CANCELLED, too. */
EspStatus esp_flux_velocity (EspFluxSession *session, int text, int step, EspFluxPass *pass,
                             EspTensor latents, EspTensor velocity, const atomic_bool *cancel,
                             EspError *error);

/* Device bytes that the buffers of such a session take, without weights and conditioning: the
 * memory plan. Only numbers of `inputs` are read. */
size_t esp_flux_session_bytes (const EspFluxConfig *config, EspDType compute,
                               const EspFluxInputs *inputs);
