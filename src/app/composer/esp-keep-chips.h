/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-keep-chips.h: what the next turn does with the rest of the picture, where that is not the
 * usual: only a region is edited, untouched pixels are not kept. Hidden where nothing is to be
 * said. Signals: "keep" (): they are to be kept; "drop-region" (): the whole picture is to be
 * edited. */
#pragma once

#include <gtk/gtk.h>

#include "esp-region.h"

G_BEGIN_DECLS

#define ESP_TYPE_KEEP_CHIPS (esp_keep_chips_get_type ())

G_DECLARE_FINAL_TYPE (EspKeepChips, esp_keep_chips, ESP, KEEP_CHIPS, GtkWidget)

GtkWidget *esp_keep_chips_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_keep_chips_set_keep (EspKeepChips *self, gboolean keep);
void esp_keep_chips_set_region (EspKeepChips *self, const EspRegion *region); /* NULL: none */

G_END_DECLS
