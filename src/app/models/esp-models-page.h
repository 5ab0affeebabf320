/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-models-page.h: the page "models" of the preferences: what is installed, what is being
 * fetched, and where more comes from: the person's files, or the Internet.
 *
 * Signals: "present" (GtkWidget *subpage), "close" (): of the subpage; "message" (const char *).
 */
#pragma once

#include <adwaita.h>

#include "esp-model-downloads.h"
#include "esp-model-library.h"

G_BEGIN_DECLS

#define ESP_TYPE_MODELS_PAGE (esp_models_page_get_type ())

G_DECLARE_FINAL_TYPE (EspModelsPage, esp_models_page, ESP, MODELS_PAGE, AdwPreferencesPage)

/* Once, right after it was made. `offers` are EspModelOffer; `settings` has "download-limit". */
void esp_models_page_set_up (EspModelsPage *self, EspModelLibrary *library, GListModel *offers,
                             EspModelDownloads *downloads, GSettings *settings);

/* Shows what these files would make (dropped, or chosen elsewhere). */
void esp_models_page_add_files (EspModelsPage *self, const char *const *paths);

G_END_DECLS
