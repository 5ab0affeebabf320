/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-private.h: axes from the inside, for the files of sweeps. */
#pragma once

#include "esp-axis.h"

G_BEGIN_DECLS

/* --- esp-axis.c ------------------------------------------------------------------------------- */

/* `title`: of PARAMETER, as the schema has it, or NULL. `values` is taken, and has one at least.
 * `labels`: of NODE, what the nodes are called (copied); else NULL. */
EspAxis *_esp_axis_new (EspAxisKind kind, const char *name, const char *title, JsonArray *values,
                        const char *const *labels) G_GNUC_WARN_UNUSED_RESULT;

/* Of the kinds whose values are texts. */
const char *_esp_axis_get_text (EspAxis *self, guint value);

/* Do both change the same? */
gboolean _esp_axis_clashes (EspAxis *a, EspAxis *b);

/* What a stored plan has of it. `essence`: only what it changes and to what. */
JsonObject *_esp_axis_dup_json (EspAxis *self, gboolean essence) G_GNUC_WARN_UNUSED_RESULT;
EspAxis *_esp_axis_from_json (JsonObject *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A value as the shortest text that reads back as the same; whatever the language. */
char *_esp_axis_dup_value_text (JsonNode *value) G_GNUC_WARN_UNUSED_RESULT;

/* --- esp-axis-label.c ------------------------------------------------------------------------- */

/* Short texts, each another where the texts are, in the order of `texts`; NULL-terminated. */
char **_esp_labels_of_texts (const char *const *texts, guint n) G_GNUC_WARN_UNUSED_RESULT;

/* --- esp-axis-numbers.c ----------------------------------------------------------------------- */

/* "1, 1.5, .. 4", "1..4", "0..1/0.25" as numbers in decimal text, exact, none twice. `title` is for
 * messages. */
char **_esp_numbers_parse (const char *title, const char *text,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The shortest such text for numbers in decimal text. */
char *_esp_numbers_dup_text (const char *const *numbers) G_GNUC_WARN_UNUSED_RESULT;

/* --- esp-axis-parse.c ------------------------------------------------------------------------- */

/* Whether values of a parameter that nobody knows would be read as numbers and ranges. */
gboolean _esp_axis_looks_like_numbers (const char *text);

/* --- esp-axis-words.c ------------------------------------------------------------------------- */

/* Texts that are separated by "||" or, without that, one a line; trimmed; none empty. */
char **_esp_texts_split (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* `lines`: one a line, unless one has several. */
char *_esp_texts_join (const char *const *texts, gboolean lines) G_GNUC_WARN_UNUSED_RESULT;

/* The instruction with one of each of its alternatives; `chosen` has their texts in order, of which
 * there may be none. "\{" becomes a brace. */
char *_esp_alternatives_apply (const char *instruction, const char *const *chosen,
                               guint n_chosen) G_GNUC_WARN_UNUSED_RESULT;

/* Every way to choose, in the order of the first, but for those that leave nothing;
 * ESP_SWEEP_ERROR_SIZE if there are too many. */
char **_esp_alternatives_expand (const char *instruction, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* With a backslash before each brace. */
char *_esp_alternatives_escape (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* `text` with `by` for every `wanted`, which counts only as a whole word where it begins or ends
 * with a letter or digit. NULL: it does not occur. */
char *_esp_words_replace (const char *text, const char *wanted,
                          const char *by) G_GNUC_WARN_UNUSED_RESULT;

/* --- esp-axis-check.c ------------------------------------------------------------------------- */

/* Why the parameter cannot have that value, in a sentence; NULL: it can. */
char *_esp_parameter_dup_complaint (const EspParameter *parameter,
                                    JsonNode *value) G_GNUC_WARN_UNUSED_RESULT;

/* The models that are meant, (element-type EspModel): those of the context that there are. */
GPtrArray *_esp_axis_context_dup_models (const EspAxisContext *context) G_GNUC_WARN_UNUSED_RESULT;

/* "BACKEND/MODEL", "BACKEND" (its first model that is ready, else the first), or what people call a
 * model; borrowed; NULL if there is none or if it may be several. */
EspModel *_esp_registry_resolve_model (EspRegistry *registry, const char *text);

G_END_DECLS
