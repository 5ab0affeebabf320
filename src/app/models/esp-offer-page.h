/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-offer-page.h: a model that can be downloaded: which form of it, its licence, the token that
 * its source wants.
 *
 * A subpage of the preferences. Signals: "close" (); "started" (): the download is on its way.
 */
#pragma once

#include <adwaita.h>

#include "esp-machine.h"
#include "esp-model-downloads.h"

G_BEGIN_DECLS

#define ESP_TYPE_OFFER_PAGE (esp_offer_page_get_type ())

G_DECLARE_FINAL_TYPE (EspOfferPage, esp_offer_page, ESP, OFFER_PAGE, AdwBin)

GtkWidget *esp_offer_page_new (EspModelOffer *offer, EspModelDownloads *downloads,
                               const EspMachine *machine) G_GNUC_WARN_UNUSED_RESULT;

/* More is known of the computer than when the page was made. What was chosen stays chosen. */
void esp_offer_page_set_machine (EspOfferPage *self, const EspMachine *machine);

/* Shows why a download needs a person: its licence, its token. */
void esp_offer_page_show_problem (EspOfferPage *self, const GError *error);

G_END_DECLS
