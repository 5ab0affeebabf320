/* SPDX-License-Identifier: MIT */
/* edit-progress.h: how far an edit is and how long it will take. */
#pragma once

#include "espalier-engine.h"

typedef struct EspEditClock
{
  void (*progress) (void *data, const EspProgress *progress); /* may be NULL */
  void *data;
  int steps;
  EspStage stage;
  double stage_started; /* seconds of the monotonic clock */
  double fraction;      /* as last reported */
  double seconds[ESP_STAGE_COUNT];
  double encode_seconds; /* of the references, whenever that was: how fast the autoencoder is */
  int decodes_before;    /* of other edits of the pass */
} EspEditClock;

/* Seconds of the monotonic clock. */
double esp_clock_now (void);

void esp_edit_clock_start (EspEditClock *clock,
                           void (*progress) (void *data, const EspProgress *progress), void *data,
                           int steps);

/* Enters a stage: books the time since the last call on the stage before. Stages may be entered
 * repeatedly. */
void esp_edit_clock_enter (EspEditClock *clock, EspStage stage);

/* Books the time since the last call; what passes until esp_edit_clock_go_on() is not booked:
 * others have their turn. */
void esp_edit_clock_pause (EspEditClock *clock);
void esp_edit_clock_go_on (EspEditClock *clock);

/* Reports that `done` (0 … 1) of the present stage is behind us. */
void esp_edit_clock_report (EspEditClock *clock, double done);

/* Reports that `step` steps are done. */
void esp_edit_clock_step (EspEditClock *clock, int step);
