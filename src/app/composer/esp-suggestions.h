/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-suggestions.h: instructions that the model is known to understand, to be clicked. Hidden
 * while there are none. Signal "chosen" (const char *).
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_SUGGESTIONS (esp_suggestions_get_type ())

G_DECLARE_FINAL_TYPE (EspSuggestions, esp_suggestions, ESP, SUGGESTIONS, GtkWidget)

GtkWidget *esp_suggestions_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_suggestions_set_texts (EspSuggestions *self, const char *const *texts);

G_END_DECLS
