/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-components.h: naming a model by its files: --model FILE|FOLDER and --component PART=PATH. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The option's entry in a table of GOptionEntry. */
#define CLI_COMPONENT_ENTRY(target)                                                                \
  {                                                                                                \
    "component", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, target,                                        \
        N_ ("A part of the model that is elsewhere: transformer, clip, t5, vae, tokenizer or "     \
            "tokenizer_2; may be given often"),                                                    \
        N_ ("PART=PATH…")                                                                          \
  }

/* "--component a=… b=…" means the same as an option for each: puts the option before every further
 * one. Takes `arguments` over. */
char **cli_components_expand (char **arguments) G_GNUC_WARN_UNUSED_RESULT;

/* Reads the option's values (or NULL) into *components (part → path; NULL if there are none).
 * Returns the exit status: not 0 after a line that says what is wrong. */
int cli_components_read (char **values, JsonObject **components);

/* The model that is used: `option` (a folder, a file, or the id of an installed model), else the
 * transformer among the components, else the default one. NULL after a line that says what is
 * wrong. */
char *cli_components_choose_model (const char *option,
                                   JsonObject *components) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
