/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-preferences-window.h: the program's settings. Pages: "general", "models", "storage". */
#pragma once

#include <adwaita.h>

#include "esp-registry.h"

G_BEGIN_DECLS

#define ESP_TYPE_PREFERENCES_WINDOW (esp_preferences_window_get_type ())

G_DECLARE_FINAL_TYPE (EspPreferencesWindow, esp_preferences_window, ESP, PREFERENCES_WINDOW,
                      AdwPreferencesWindow)

GtkWindow *esp_preferences_window_new (GtkWindow *parent,
                                       EspRegistry *registry) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
