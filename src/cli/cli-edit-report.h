/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-edit-report.h: what is told of an edit that was made: the recipe inside the file, the JSON
 * object, the lines for people. */
#pragma once

#include "cli-edit-options.h"

G_BEGIN_DECLS

/* The recipe of `result` (the worker's event). */
EspRecipe *cli_recipe_new (const CliEditOptions *options,
                           JsonObject *result) G_GNUC_WARN_UNUSED_RESULT;

/* The line of --json. `kept`: the picture that was written, and how it was put together. `seconds`
 * is the whole command's time, `warnings` sentences about the inputs.
 */
char *cli_edit_json (const CliEditOptions *options, JsonObject *result, const CliKept *kept,
                     double seconds, GPtrArray *warnings) G_GNUC_WARN_UNUSED_RESULT;

/* "out.png: 256×256, seed 1, 8 steps, 0.6 s" */
char *cli_edit_summary (const CliEditOptions *options, JsonObject *result, const CliKept *kept,
                        double seconds) G_GNUC_WARN_UNUSED_RESULT;

/* Tells on standard error what happened to prompt and photo. */
void cli_edit_notes (const CliEditOptions *options, JsonObject *result, const CliKept *kept);

/* What lay where, line by line on standard error. */
void cli_edit_explain_memory (JsonObject *result);

/* "demo model …; it knows: …" on standard error, if `model` (as the worker describes it) is one. */
void cli_edit_demo_note (JsonObject *model);

/* What the engine chose where several files would do. */
void cli_edit_model_notes (JsonObject *model);

G_END_DECLS
