/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-download-row.h: a model that is being fetched: how far it is, pausing, going on, giving up.
 *
 * Signals: "resume" (), "cancel" (), "clear" (): one that is over may leave the list.
 */
#pragma once

#include <adwaita.h>

#include "esp-model-download.h"

G_BEGIN_DECLS

#define ESP_TYPE_DOWNLOAD_ROW (esp_download_row_get_type ())

G_DECLARE_FINAL_TYPE (EspDownloadRow, esp_download_row, ESP, DOWNLOAD_ROW, AdwPreferencesRow)

GtkWidget *esp_download_row_new (EspModelDownload *download) G_GNUC_WARN_UNUSED_RESULT;

EspModelDownload *esp_download_row_get_download (EspDownloadRow *self);

G_END_DECLS
