/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-progress.h: how far an edit is: a bar on a terminal, plain lines in a pipe, or nothing. */
#pragma once

#include "esp-worker.h"

G_BEGIN_DECLS

typedef enum
{
  CLI_PROGRESS_NONE,
  CLI_PROGRESS_LINES,
  CLI_PROGRESS_BAR,
} CliProgressStyle;

typedef struct
{
  CliProgressStyle style;
  gboolean drawn;   /* a bar stands on the terminal's line */
  char *last_stage; /* lines: what was said last */
  int last_step;
} CliProgress;

/* Looks at standard error. */
void cli_progress_init (CliProgress *self, gboolean quiet);

void cli_progress_show (CliProgress *self, const EspWorkerEvent *event);

/* The same for a stage that has no steps: `text` is for people, `stage` tells one from the other;
 * `fraction` < 0: unknown. */
void cli_progress_show_phase (CliProgress *self, const char *stage, const char *text,
                              double fraction);

/* Takes the bar away, so that a line can be printed. */
void cli_progress_clear (CliProgress *self);

void cli_progress_finish (CliProgress *self);

G_END_DECLS
