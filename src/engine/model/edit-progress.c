/* SPDX-License-Identifier: MIT */
#include "model/edit-progress.h"

#include <time.h>

/* Where each stage begins on the way from 0 to 1. Only a guess until steps have been timed; what
 * people watch is the sampling, which is most of it. */
static const double stage_begin[ESP_STAGE_COUNT + 1] = {
  [ESP_STAGE_TEXT] = 0.0,    [ESP_STAGE_ENCODE] = 0.04, [ESP_STAGE_LOAD] = 0.08,
  [ESP_STAGE_SAMPLE] = 0.12, [ESP_STAGE_DECODE] = 0.92, [ESP_STAGE_COUNT] = 1.0,
};

/* The order in which the stages run, which is not the order of the enumeration. */
static const EspStage next_stage[ESP_STAGE_COUNT] = {
  [ESP_STAGE_TEXT] = ESP_STAGE_ENCODE,  [ESP_STAGE_ENCODE] = ESP_STAGE_LOAD,
  [ESP_STAGE_LOAD] = ESP_STAGE_SAMPLE,  [ESP_STAGE_SAMPLE] = ESP_STAGE_DECODE,
  [ESP_STAGE_DECODE] = ESP_STAGE_COUNT,
};

/* A decoder has half as many layers again as its encoder and works on full resolution longer:
 * about 2.3 times the time (kontext.md 1: 3.8 s and 8.9 s). */
#define DECODE_PER_ENCODE 2.3

double
esp_clock_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

void
esp_edit_clock_start (EspEditClock *clock,
                      void (*progress) (void *data, const EspProgress *progress), void *data,
                      int steps)
{
  double now = esp_clock_now ();

  *clock = (EspEditClock){ .progress = progress,
                           .data = data,
                           .steps = steps,
                           .stage = ESP_STAGE_TEXT,
                           .stage_started = now };
}

void
esp_edit_clock_enter (EspEditClock *clock, EspStage stage)
{
  double now = esp_clock_now ();

  clock->seconds[clock->stage] += now - clock->stage_started;
  clock->stage = stage;
  clock->stage_started = now;
  esp_edit_clock_report (clock, 0);
}

void
esp_edit_clock_pause (EspEditClock *clock)
{
  double now = esp_clock_now ();

  clock->seconds[clock->stage] += now - clock->stage_started;
  clock->stage_started = now;
}

void
esp_edit_clock_go_on (EspEditClock *clock)
{
  clock->stage_started = esp_clock_now ();
}

static void
report (EspEditClock *clock, double done, int step, double seconds_left)
{
  double begin = stage_begin[clock->stage], end = stage_begin[next_stage[clock->stage]];
  double fraction = begin + (end - begin) * done;
  EspProgress progress = {
    .stage = clock->stage,
    .step = step,
    .steps = clock->stage == ESP_STAGE_SAMPLE ? clock->steps : 0,
    .seconds_left = seconds_left,
  };

  if (fraction > clock->fraction)
    clock->fraction = fraction;
  progress.fraction = clock->fraction;
  if (clock->progress != NULL)
    clock->progress (clock->data, &progress);
}

void
esp_edit_clock_report (EspEditClock *clock, double done)
{
  double decode = DECODE_PER_ENCODE * clock->encode_seconds;

  report (clock, done, 0, clock->stage == ESP_STAGE_DECODE ? decode * (1 - done) : -1);
}

void
esp_edit_clock_step (EspEditClock *clock, int step)
{
  double spent = esp_clock_now () - clock->stage_started;
  double left = -1;

  if (step > 0)
    left = spent / step * (clock->steps - step)
           + DECODE_PER_ENCODE * clock->encode_seconds * (clock->decodes_before + 1);
  report (clock, (double) step / clock->steps, step, left);
}
