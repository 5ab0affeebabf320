/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-preferences-window.h: the program's settings. Pages: "general", "models", "providers",
 * "storage". An AdwPreferencesWindow of libadwaita 1.2 keeps most of its widgets for ever. */
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
                      AdwWindow)

GtkWindow *esp_preferences_window_new (GtkWindow *parent, EspRegistry *registry,
                                       EspProviderCatalog *catalog,
                                       EspAccounts *accounts) G_GNUC_WARN_UNUSED_RESULT;

/* What the page "models" shows; once, right after it was made. `offers` are EspModelOffer. */
void esp_preferences_window_set_models (EspPreferencesWindow *self, EspModelLibrary *library,
                                        GListModel *offers, EspModelDownloads *downloads);

void esp_preferences_window_show_page (EspPreferencesWindow *self, const char *name);
const char *esp_preferences_window_get_page (EspPreferencesWindow *self);

/* Something to be told there for a moment; plain text. */
void esp_preferences_window_tell (EspPreferencesWindow *self, const char *message);

/* The page of an account, or of a new one: `backend` is what a backend of the registry is called
 * that wants something; NULL: any provider can be chosen. */
void esp_preferences_window_set_up_provider (EspPreferencesWindow *self, const char *backend);

G_END_DECLS
