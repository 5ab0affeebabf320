/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-sweep-options.h: the options of `sweep`, read and checked before any work. */
#pragma once

#include "cli-turn.h"
#include "esp-sweep-plan.h"

G_BEGIN_DECLS

typedef struct
{
  CliTurn turn;
  char *input;    /* INPUT or DOC */
  char **axes;    /* NAME=VALUES, or NULL */
  char **outputs; /* sheets and folders, or NULL */
  char *document, *csv, *columns, *refine, *steps, *guidance, *size;  /* or NULL */
  char *order_text, *draft_text, *jobs_text, *limit_text, *side_text; /* as given, or NULL */
  gboolean dry_run, yes, dark, table, json, quiet;

  EspSweepOrder order;
  int draft_steps; /* 0: not given */
  guint jobs;      /* 0: as many as the backends can */
  double limit;    /* of money, without --yes */
  int cell_side;   /* 0: as large as fits */
} CliSweepOptions;

/* Reads and checks the command line. FALSE with *status after --help or after a line that names the
 * wrong option. */
gboolean cli_sweep_options_read (CliSweepOptions *self, char ***arguments, int *status);

/* The values of the first axis that is called so; NULL: there is none. Borrowed. */
const char *cli_sweep_options_find_axis (const CliSweepOptions *self, const char *name);

/* Is this output a folder for single images, and not a sheet? */
gboolean cli_sweep_options_is_folder (const char *output);

/* What decides about the pictures, as one text; not what is done with them. */
char *cli_sweep_options_dup_work (const CliSweepOptions *self) G_GNUC_WARN_UNUSED_RESULT;

void cli_sweep_options_clear (CliSweepOptions *self);

G_END_DECLS
