/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-account-page.h: an account with a provider: chosen, filled in, tested, changed, removed. A
 * subpage of the preferences.
 *
 * Signals: "close" (): it has done what it was for. "message" (const char *): a sentence for a
 * toast. */
#pragma once

#include <adwaita.h>

#include "esp-account.h"
#include "esp-provider-catalog.h"

G_BEGIN_DECLS

#define ESP_TYPE_ACCOUNT_PAGE (esp_account_page_get_type ())

G_DECLARE_FINAL_TYPE (EspAccountPage, esp_account_page, ESP, ACCOUNT_PAGE, AdwBin)

GtkWidget *esp_account_page_new (EspProviderCatalog *catalog,
                                 EspAccounts *accounts) G_GNUC_WARN_UNUSED_RESULT;

/* The list of all providers, one of which is then filled in. */
void esp_account_page_choose (EspAccountPage *self);
/* A new account with this one. */
void esp_account_page_add (EspAccountPage *self, EspProvider *provider);
void esp_account_page_edit (EspAccountPage *self, EspAccount *account);

G_END_DECLS
