/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-control.h: one parameter of a model: its name, a control for its value, and a
 * button that brings the default back. The control is made from the schema. Signal "changed" ().
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-schema.h"

G_BEGIN_DECLS

#define ESP_TYPE_PARAMETER_CONTROL (esp_parameter_control_get_type ())

G_DECLARE_FINAL_TYPE (EspParameterControl, esp_parameter_control, ESP, PARAMETER_CONTROL, GtkWidget)

/* Copies what it needs of the parameter. */
GtkWidget *esp_parameter_control_new (const EspParameter *parameter) G_GNUC_WARN_UNUSED_RESULT;

const char *esp_parameter_control_get_name (EspParameterControl *self);
gboolean esp_parameter_control_is_advanced (EspParameterControl *self);

/* NULL if there is none: an empty text, or a parameter without a default that nobody touched. */
JsonNode *esp_parameter_control_dup_value (EspParameterControl *self) G_GNUC_WARN_UNUSED_RESULT;

/* FALSE, and nothing done, if the schema does not allow it. */
gboolean esp_parameter_control_set_value (EspParameterControl *self, JsonNode *value);

void esp_parameter_control_reset (EspParameterControl *self);
gboolean esp_parameter_control_is_default (EspParameterControl *self);

/* For a size: see esp_size_chooser_set_area (). Others ignore it. */
void esp_parameter_control_set_image_area (EspParameterControl *self, guint area);

/* The value in a few characters, for the summary. NULL if it says nothing. */
char *esp_parameter_control_dup_summary (EspParameterControl *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
