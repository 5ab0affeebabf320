/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-row.h: a model of the library in a list: what it is, whether it is the default, and
 * removing it.
 *
 * Signals: "choose" (): it is to be the default; "locate" (): its files are gone; "remove" ();
 * "open" (): its folder.
 */
#pragma once

#include <adwaita.h>

#include "esp-library-model.h"

G_BEGIN_DECLS

#define ESP_TYPE_MODEL_ROW (esp_model_row_get_type ())

G_DECLARE_FINAL_TYPE (EspModelRow, esp_model_row, ESP, MODEL_ROW, AdwActionRow)

/* `group` is a check button that all rows of the list share: one of them is the default. */
GtkWidget *esp_model_row_new (EspLibraryModel *model,
                              GtkCheckButton *group) G_GNUC_WARN_UNUSED_RESULT;

/* Shows another model, or the same one as it is now; the focus stays where it is. */
void esp_model_row_set_model (EspModelRow *self, EspLibraryModel *model);

EspLibraryModel *esp_model_row_get_model (EspModelRow *self);

G_END_DECLS
