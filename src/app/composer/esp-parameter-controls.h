/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-controls.h: controls for all parameters of a model, made from its schema.
 *
 * The instruction has a place of its own and is left out. Parameters that few people change are in
 * an expander. Signal "changed" ().
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-schema.h"

G_BEGIN_DECLS

#define ESP_TYPE_PARAMETER_CONTROLS (esp_parameter_controls_get_type ())

G_DECLARE_FINAL_TYPE (EspParameterControls, esp_parameter_controls, ESP, PARAMETER_CONTROLS,
                      GtkWidget)

GtkWidget *esp_parameter_controls_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Makes the controls anew, with the values that were changed from their defaults kept where the new
 * schema has a parameter of that name that allows them. NULL = none. */
void esp_parameter_controls_set_schema (EspParameterControls *self, EspSchema *schema);
void esp_parameter_controls_set_image_area (EspParameterControls *self, guint area);

guint esp_parameter_controls_get_n_controls (EspParameterControls *self); /* without the seed */

/* The values as they are, the seed left out. */
JsonObject *esp_parameter_controls_dup_values (EspParameterControls *self)
    G_GNUC_WARN_UNUSED_RESULT;

/* The same, but only those that are not the default. */
JsonObject *esp_parameter_controls_dup_changed (EspParameterControls *self)
    G_GNUC_WARN_UNUSED_RESULT;

/* Takes over what the schema knows and allows; with `reset` all others become the default. */
void esp_parameter_controls_set_values (EspParameterControls *self, JsonObject *values,
                                        gboolean reset);
void esp_parameter_controls_reset (EspParameterControls *self);

gboolean esp_parameter_controls_has_seed (EspParameterControls *self);
gboolean esp_parameter_controls_is_seed_valid (EspParameterControls *self);
guint64 esp_parameter_controls_get_seed (EspParameterControls *self);
gboolean esp_parameter_controls_get_seed_locked (EspParameterControls *self);
void esp_parameter_controls_set_seed (EspParameterControls *self, guint64 seed, gboolean locked);
guint64 esp_parameter_controls_take_seed (EspParameterControls *self, guint count);

/* "28 steps · 2.5"; never NULL. */
char *esp_parameter_controls_dup_summary (EspParameterControls *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
