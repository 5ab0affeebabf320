/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-download-resume.c: see esp-download-resume.h. */
#include "esp-download-resume.h"

#include "esp-key-store.h"

static void
on_token_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspModelDownload) download = data;
  g_autoptr (EspKey) key = esp_key_store_load_finish (result, NULL);

  /* Without one the source says what is wrong. */
  esp_model_download_resume (download, key);
}

void
esp_download_resume (EspModelDownload *download)
{
  const char *account;

  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (download));

  account = esp_model_offer_get_token_account (esp_model_download_get_offer (download));
  if (account == NULL)
    esp_model_download_resume (download, NULL);
  else
    esp_key_store_load_async (account, NULL, on_token_loaded, g_object_ref (download));
}
