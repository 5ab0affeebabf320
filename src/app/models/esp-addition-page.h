/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-addition-page.h: files of a person that become a model, or those of a model that were moved:
 * what was found, what is missing, and whether they stay where they are.
 *
 * A subpage of the preferences. Signals: "close" (); "added" (char *id).
 */
#pragma once

#include <adwaita.h>

#include "esp-model-addition.h"

G_BEGIN_DECLS

#define ESP_TYPE_ADDITION_PAGE (esp_addition_page_get_type ())

G_DECLARE_FINAL_TYPE (EspAdditionPage, esp_addition_page, ESP, ADDITION_PAGE, AdwBin)

GtkWidget *esp_addition_page_new (EspModelAddition *addition) G_GNUC_WARN_UNUSED_RESULT;

/* Files and folders, whatever they are; the page tells what became of them. */
void esp_addition_page_take (EspAdditionPage *self, const char *const *paths);

G_END_DECLS
