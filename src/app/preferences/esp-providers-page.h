/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-providers-page.h: the page "providers" of the preferences: accounts, what they cost, and
 * whether anything may leave this computer.
 *
 * Signals: "add" (): a new account is wanted. "edit" (EspAccount). */
#pragma once

#include <adwaita.h>

#include "esp-account.h"
#include "esp-provider-catalog.h"
#include "esp-registry.h"

G_BEGIN_DECLS

#define ESP_TYPE_PROVIDERS_PAGE (esp_providers_page_get_type ())

G_DECLARE_FINAL_TYPE (EspProvidersPage, esp_providers_page, ESP, PROVIDERS_PAGE, AdwPreferencesPage)

/* Once, right after it was made. */
void esp_providers_page_set_up (EspProvidersPage *self, EspRegistry *registry,
                                EspProviderCatalog *catalog, EspAccounts *accounts);

G_END_DECLS
