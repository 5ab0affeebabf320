/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-downloads.h: the downloads of this program: a GListModel of EspModelDownload.
 *
 * Those that an earlier start left unfinished are in it from the beginning, paused. One that is
 * done or cancelled leaves it with esp_model_downloads_clear (). One object for a program; it lives
 * as long as the program does, whether a page shows it or not.
 */
#pragma once

#include "esp-model-download.h"

G_BEGIN_DECLS

#define ESP_TYPE_MODEL_DOWNLOADS (esp_model_downloads_get_type ())

G_DECLARE_FINAL_TYPE (EspModelDownloads, esp_model_downloads, ESP, MODEL_DOWNLOADS, GObject)

/* `offers` as of esp_model_offers_load ()). */
EspModelDownloads *esp_model_downloads_new (GListModel *offers) G_GNUC_WARN_UNUSED_RESULT;

/* Begins one, or goes on with the one there is. `token` may be NULL. Fails where the licence is not
 * accepted. Borrowed. */
EspModelDownload *esp_model_downloads_start (EspModelDownloads *self, EspModelOffer *offer,
                                             const EspModelVariant *variant, EspKey *token,
                                             GError **error);

/* The one of this offer and variant (NULL: any) that is not over; NULL: there is none. Borrowed. */
EspModelDownload *esp_model_downloads_find (EspModelDownloads *self, EspModelOffer *offer,
                                            const EspModelVariant *variant);

/* Takes a download that is over off the list. */
void esp_model_downloads_clear (EspModelDownloads *self, EspModelDownload *download);

/* Bytes a second of all of them together; 0: as fast as it goes. */
void esp_model_downloads_set_limit (EspModelDownloads *self, guint64 bytes);
guint64 esp_model_downloads_get_limit (EspModelDownloads *self);

/* How many are at work: what a window asks about before it closes. Notified as "n-active". */
guint esp_model_downloads_get_n_active (EspModelDownloads *self);

/* Pauses all and waits until what has come is noted down; for the end of the program. */
void esp_model_downloads_stop_async (EspModelDownloads *self, GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean esp_model_downloads_stop_finish (EspModelDownloads *self, GAsyncResult *result,
                                          GError **error);

G_END_DECLS
