/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-bar.h: two groups of buttons, beside each other where there is room, else the second
 * below the first. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_COMPOSER_BAR (esp_composer_bar_get_type ())

G_DECLARE_FINAL_TYPE (EspComposerBar, esp_composer_bar, ESP, COMPOSER_BAR, GtkWidget)

GtkWidget *esp_composer_bar_new (GtkWidget *start, GtkWidget *end) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
