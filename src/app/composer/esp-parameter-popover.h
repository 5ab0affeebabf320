/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-popover.h: the settings of the next turn: presets above, controls below. */
#pragma once

#include <gtk/gtk.h>

#include "esp-parameter-controls.h"
#include "esp-presets-popover.h"

G_BEGIN_DECLS

#define ESP_TYPE_PARAMETER_POPOVER (esp_parameter_popover_get_type ())

G_DECLARE_FINAL_TYPE (EspParameterPopover, esp_parameter_popover, ESP, PARAMETER_POPOVER,
                      GtkPopover)

/* `keep`: the row about untouched pixels, which is no matter of the model; it comes first. */
GtkWidget *esp_parameter_popover_new (EspParameterControls *controls, EspPresetsPopover *presets,
                                      GtkWidget *keep) G_GNUC_WARN_UNUSED_RESULT;

/* What stands in place of controls (a model that is starting), or NULL. */
void esp_parameter_popover_set_message (EspParameterPopover *self, const char *message);

G_END_DECLS
