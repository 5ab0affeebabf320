/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-loras.h: the option --lora FILE[:STRENGTH] of the commands that make pictures. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define CLI_LORA_ENTRY(loras)                                                                      \
  {                                                                                                \
    "lora", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, (loras),                                            \
        N_ ("A LoRA and how strongly it acts, 1 if not given; may be given often"),                \
        N_ ("FILE[:STRENGTH]")                                                                     \
  }
#define CLI_LORA_PARTIAL_ENTRY(partial)                                                            \
  {                                                                                                \
    "lora-partial", 0, 0, G_OPTION_ARG_NONE, (partial),                                            \
        N_ ("Use what fits the model of a LoRA that does not fit as a whole"), NULL                \
  }

/* Checks what was given (or NULL). Returns the exit status: not 0 after a line that says why. */
int cli_loras_check (char **loras);

/* Sets the parameters of checked ones. */
void cli_loras_set (char **loras, gboolean partial, JsonObject *parameters);

/* The same if one of `models` (element-type EspModel) takes LoRAs; returns the exit status. */
int cli_loras_set_for (char **loras, gboolean partial, GPtrArray *models, JsonObject *parameters);

G_END_DECLS
