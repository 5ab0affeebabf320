/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-presets-popover.h: the list of presets: apply, rename, delete (with a way back), save.
 *
 * Signals: "apply" (EspPreset), "save" (const char *name).
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-presets.h"

G_BEGIN_DECLS

#define ESP_TYPE_PRESETS_POPOVER (esp_presets_popover_get_type ())

G_DECLARE_FINAL_TYPE (EspPresetsPopover, esp_presets_popover, ESP, PRESETS_POPOVER, GtkPopover)

GtkWidget *esp_presets_popover_new (EspPresets *presets) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
