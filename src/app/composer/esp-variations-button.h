/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-variations-button.h: how many turns one run makes, "×2 ▾". Signal "changed" (). */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_MAX_VARIATIONS 8

#define ESP_TYPE_VARIATIONS_BUTTON (esp_variations_button_get_type ())

G_DECLARE_FINAL_TYPE (EspVariationsButton, esp_variations_button, ESP, VARIATIONS_BUTTON, GtkWidget)

GtkWidget *esp_variations_button_new (void) G_GNUC_WARN_UNUSED_RESULT;
guint esp_variations_button_get_count (EspVariationsButton *self);
void esp_variations_button_set_count (EspVariationsButton *self, guint count);

G_END_DECLS
