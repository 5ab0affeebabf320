/* SPDX-License-Identifier: MIT */
/* edit-state.h: everything that edits hold while they are made: what all of one call share, and
 * what each has of its own. Internal to model/. */
#pragma once

#include "model/edit-dump.h"
#include "model/edit-plan.h"
#include "model/edit-progress.h"
#include "model/model.h"
#include "model/preview.h"

typedef struct EspEdits EspEdits;

/* One of the edits. */
typedef struct EspEdit
{
  EspEdits *edits;
  int index; /* among those asked for */
  const EspEditSample *sample;
  EspEditClock clock;
  double seconds[ESP_STAGE_COUNT]; /* its share of what was done so far */
  float *latents;     /* [target_tokens, token_width], on the host; while it is in a pass */
  int computed_steps; /* of the pass: those that were not taken from the one before */
  bool over;          /* its result or error was told */
} EspEdit;

/* An encoded reference, as the cache keeps it. */
typedef struct EspReference
{
  float *latents;    /* [height·width·channels] as the autoencoder gave them */
  EspPreviewMap map; /* not fitted before someone wanted previews */
  double seconds;    /* that it took */
} EspReference;

struct EspEdits
{
  EspModel *model;
  const EspEditRequest *request;
  const EspBatchCallbacks *callbacks;
  EspEditPlan plan;
  EspVaeLimits vae_limits;
  int64_t token_width;
  EspDump dump; /* of a single edit */
  EspEdit *all; /* [count] */
  int count;
  unsigned reused;
  bool smaller_tiles, smaller_passes; /* the card's memory was short */
  bool steps_failed;                  /* those of the last pass, not what comes after them */

  const EspPrompt *prompts[2];                       /* held */
  const EspFluxConditioning *conditioning[2];        /* held */
  const EspReference *references_of[ESP_IMAGES_MAX]; /* held; the first is NULL if it is carried */
  EspPreviewMap carried_map;                         /* fitted to what is carried then */
  float *references;                                 /* [reference_tokens, token_width] */
  float *sigmas;                                     /* [steps + 1] */
  float *scratch;                                    /* the latents of one edit */
  uint8_t *preview_pixels;
};

/* What the VAE may use for activations when the request does not say. A 1 MP picture of the real
 * model needs 2.7 GB in one piece and should not be tiled, which takes several passes. */
#define ESP_VAE_MEMORY ((size_t) 3 << 30)

/* --- memory-plan.c --- */

void esp_edit_plan_memory (const EspModel *model, EspDevice *device, const EspEditRequest *request,
                           const EspEditPlan *edit, EspMemoryPlan *plan);
/* ESP_ERROR_MEMORY where it cannot be done on the open device. */
EspStatus esp_edit_check_memory (EspModel *model, const EspEditRequest *request,
                                 const EspEditPlan *edit, EspError *error);

/* --- model-devices.c --- */

/* What the autoencoder may use on the open device: what the request says, or less where a card has
 * less. */
size_t esp_edits_vae_memory (const EspModel *model, const EspEditRequest *request);

/* After the autoencoder failed with `status`: true if it was too much for the card and it may use
 * less now. */
bool esp_edits_take_smaller_tiles (EspEdits *e, EspStatus status);

/* Sets *error and returns its status. */
EspStatus esp_edits_out_of_memory (const char *what, EspError *error);

/* For every edit that is not over: enters a stage, tells how much of it is done. */
void esp_edits_enter (EspEdits *e, EspStage stage);
void esp_edits_report (EspEdits *e, double done);

/* Ends an edit without a result. */
void esp_edit_fail (EspEdit *edit, EspStatus status, const char *message);

/* True, and the edit is over, if it alone was cancelled. */
bool esp_edit_take_cancel (EspEdit *edit);

/* --- edit-inputs.c: what the transformer reads --- */

EspStatus esp_edits_encode_prompts (EspEdits *e, EspError *error);
EspStatus esp_edits_encode_references (EspEdits *e, EspError *error);

/* Makes edit->latents noise. */
EspStatus esp_edit_make_noise (EspEdit *edit, EspError *error);

/* --- edit-sampling.c: the steps --- */

/* How many edits go through the transformer on this device at once. */
int esp_edits_pass_size (const EspModel *model, EspDevice *device, const EspEditPlan *plan);

/* Computes or finds what the prompts contribute to every step. */
EspStatus esp_edits_condition (EspEdits *e, EspError *error);

/* Runs all steps for `count` edits, whose latents become those of their results. Those that were
 * cancelled alone are over then. */
EspStatus esp_edits_sample (EspEdits *e, EspEdit *const *edits, int count, EspError *error);
