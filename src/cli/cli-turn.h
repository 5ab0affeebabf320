/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-turn.h: what the commands that make turns of documents are told alike: the instruction, who
 * makes them, and the parameters. Shared by `run` and `sweep`. */
#pragma once

#include "cli-keep.h"
#include "cli-run-remote.h"
#include "cli-session.h"

G_BEGIN_DECLS

typedef struct
{
  /* Of the command line; or NULL. */
  char *node, *prompt, *negative_prompt, *seed_text, *model, *backend;
  char **settings, **references, **loras, **component_texts;
  gboolean lora_partial;
  CliKeep keep;
  CliRunRemote remote;

  guint64 seed; /* if there is `seed_text` */
  EspRegistry *registry;
  EspModel *chosen; /* borrowed */
} CliTurn;

void cli_turn_clear (CliTurn *self);

/* The options, to be put before those that a command has for itself: an array of GOptionEntry that
 * ends with `more` (which ends with NULL). */
GOptionEntry *cli_turn_dup_entries (CliTurn *self,
                                    const GOptionEntry *more) G_GNUC_WARN_UNUSED_RESULT;

/* Are the texts and numbers such? FALSE after a line that names the option. `keep`: what holds
 * where no option says whether untouched pixels are kept. */
gboolean cli_turn_check (CliTurn *self, EspKeep keep);

/* Sets `chosen` to the model that the options mean, ready and with its schema. Returns the exit
 * status, all having been said. */
int cli_turn_choose_model (CliTurn *self, CliSession *session);

/* Lets the model tell what it takes. Returns the exit status: not 0 after a line with `option` that
 * says why it cannot be used, or after a signal. */
int cli_turn_prepare (CliSession *session, const char *option, EspModel *model);

/* Waits for the backend to say what the model takes. FALSE: a signal came first. */
gboolean cli_turn_wait_for_schema (CliSession *session, EspModel *model);

/* Reads "name=value" (the value of `option`) into `parameters`; it counts for the first of `models`
 * (element-type EspModel) that takes it. Returns the exit status. */
int cli_turn_set_parameter (GPtrArray *models, const char *option, const char *setting,
                            JsonObject *parameters);

/* Is it the number of a node, and not a file? */
gboolean cli_turn_is_number (const char *text);

G_END_DECLS
