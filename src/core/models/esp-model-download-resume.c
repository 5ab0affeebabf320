/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going on with a download, with the access token that the person keeps. */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-key-store.h"
#include "esp-model-download.h"

static void
on_token_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspModelDownload) download = data;
  g_autoptr (EspKey) key = esp_key_store_load_finish (result, NULL);

  /* Without one the source says what is wrong. */
  esp_model_download_resume (download, key);
}

void
esp_model_download_resume_kept (EspModelDownload *self)
{
  const char *account;

  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (self));

  account = esp_model_offer_get_token_account (esp_model_download_get_offer (self));
  if (account == NULL)
    esp_model_download_resume (self, NULL);
  else
    esp_key_store_load_async (account, NULL, on_token_loaded, g_object_ref (self));
}
