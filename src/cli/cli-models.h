/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-models.h: the sub-commands of `models`, a row each in the table of cli-models.c. As commands
 * (cli-commands.h): the sub-command's own name is at [0], the exit status is returned. */
#pragma once

#include <glib.h>

#include "esp-model-addition.h"

G_BEGIN_DECLS

int cli_models_list (char ***arguments);
int cli_models_add (char ***arguments);
int cli_models_convert (char ***arguments);
int cli_models_download (char ***arguments);
int cli_models_locate (char ***arguments);
int cli_models_remove (char ***arguments);
int cli_models_default (char ***arguments);
int cli_models_inspect (char ***arguments);
int cli_models_clear_cache (char ***arguments);

/* The model that people name by its id; NULL after a line that says what is wrong. Borrowed. */
EspLibraryModel *cli_models_find (EspModelLibrary *library, const char *id);

/* Puts a model's members into the JSON object that is open. */
void cli_models_put (GString *json, EspLibraryModel *model);

/* The parts of an addition, as `add` and `locate` report them: as a member of the JSON object that
 * is open, as lines. */
void cli_models_put_parts (GString *json, EspModelAddition *addition);
void cli_models_describe_parts (GString *text, EspModelAddition *addition);

G_END_DECLS
