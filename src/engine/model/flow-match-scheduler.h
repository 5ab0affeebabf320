/* SPDX-License-Identifier: MIT */
/* flow-match-scheduler.h: the noise levels of the denoising steps.
 *
 * Equal to what FluxKontextPipeline does with diffusers' FlowMatchEulerDiscreteScheduler: sigmas
 * from 1 to 1/steps, shifted towards the noisy end (by the number of generated tokens when the
 * model says so), then 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

typedef enum
{
  ESP_SIGMAS_AS_SHIFTED,
  ESP_SIGMAS_KARRAS,      /* use_karras_sigmas: Karras et al. 2022, rho = 7 */
  ESP_SIGMAS_EXPONENTIAL, /* use_exponential_sigmas: even steps of log sigma */
} EspSigmaSpacing;

/* scheduler/scheduler_config.json. */
typedef struct EspSchedulerConfig
{
  double base_shift, max_shift; /* mu at base_ and max_image_seq_len tokens */
  double shift;                 /* the static shift, where use_dynamic_shifting is false */
  double shift_terminal;        /* last sigma before 0; 0 = as it comes */
  int64_t base_image_seq_len, max_image_seq_len;
  int64_t num_train_timesteps;
  bool use_dynamic_shifting;
  bool linear_time_shift; /* time_shift_type "linear" instead of "exponential" */
  bool invert_sigmas;     /* 0 … 1 instead of 1 … 0 */
  EspSigmaSpacing spacing;
} EspSchedulerConfig;

/* Reads `model_folder`/scheduler/scheduler_config.json. Absent and null fields have diffusers'
 * defaults. Another scheduler class, stochastic_sampling, use_beta_sigmas and explicit
 * sigma_min/sigma_max are ESP_ERROR_UNSUPPORTED naming file and field; a field of another type or
 * outside any sensible range is ESP_ERROR_FORMAT; a missing file ESP_ERROR_FILE. */
EspStatus esp_scheduler_read (const char *model_folder, EspSchedulerConfig *config,
                              EspError *error);

/* That of FLUX.1 [dev], for models that come without one. */
void esp_scheduler_default (EspSchedulerConfig *config);

/* Fills sigmas[0 … steps]: the noise level before each step, then the final one. `image_tokens` is
 * the number of generated tokens (H/16 · W/16); references do not count. ESP_ERROR_ARGUMENT when
 * steps is outside 1 … ESP_STEPS_MAX or image_tokens < 1; ESP_ERROR_NUMERIC when the config gives
 * no finite schedule. */
EspStatus esp_scheduler_sigmas (const EspSchedulerConfig *config, int64_t image_tokens, int steps,
                                float *sigmas, EspError *error);

/* What the transformer gets as its timestep for a sigma: sigma · num_train_timesteps / 1000 in
 * float32, which is sigma itself for every published Kontext model. */
float esp_scheduler_timestep (const EspSchedulerConfig *config, float sigma);
