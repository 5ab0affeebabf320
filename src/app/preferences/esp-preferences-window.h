/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-preferences-window.h: the program's settings. Pages: "general", "models", "providers",
 * "storage". */
#pragma once

#include <adwaita.h>

#include "esp-account.h"
#include "esp-model-downloads.h"
#include "esp-model-library.h"
#include "esp-provider-catalog.h"
#include "esp-registry.h"

G_BEGIN_DECLS

#define ESP_TYPE_PREFERENCES_WINDOW (esp_preferences_window_get_type ())

G_DECLARE_FINAL_TYPE (EspPreferencesWindow, esp_preferences_window, ESP, PREFERENCES_WINDOW,
                      AdwPreferencesWindow)

GtkWindow *esp_preferences_window_new (GtkWindow *parent, EspRegistry *registry,
                                       EspProviderCatalog *catalog,
                                       EspAccounts *accounts) G_GNUC_WARN_UNUSED_RESULT;

/* What the page "models" shows; once, right after it was made. `offers` are EspModelOffer. */
void esp_preferences_window_set_models (EspPreferencesWindow *self, EspModelLibrary *library,
                                        GListModel *offers, EspModelDownloads *downloads);

/* The page of an account, or of a new one: `backend` is what a backend of the registry is called
 * that wants something; NULL: any provider can be chosen. */
void esp_preferences_window_set_up_provider (EspPreferencesWindow *self, const char *backend);

G_END_DECLS
