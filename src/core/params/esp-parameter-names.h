/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-names.h: what parameters and their choices are called, in the person's language.
 *
 * A schema's own titles are English; those of the local engine are known here and translated,
 * others are shown as they are.
 */
#pragma once

#include "esp-schema.h"

G_BEGIN_DECLS

const char *esp_parameter_get_label (const EspParameter *parameter);
const char *esp_parameter_get_hint (const EspParameter *parameter); /* or NULL */
/* Where there is no schema: what parameters of that name are called by image models; a name that
 * is not among them is written as words. */
char *esp_parameter_dup_label_of (const char *name) G_GNUC_WARN_UNUSED_RESULT;

const char *esp_parameter_get_choice_label (const char *choice);

/* Is it one that few people ever change? */
gboolean esp_parameter_is_advanced (const EspParameter *parameter);

gboolean esp_parameter_is_seed (const EspParameter *parameter);
gboolean esp_parameter_is_size (const EspParameter *parameter);

G_END_DECLS
