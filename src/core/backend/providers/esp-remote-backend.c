/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-backend.h"

struct _EspRemoteBackend
{
  EspBackend parent_instance;
};
G_DEFINE_FINAL_TYPE (EspRemoteBackend, esp_remote_backend, ESP_TYPE_BACKEND)
static void
esp_remote_backend_class_init (EspRemoteBackendClass *klass)
{
}
static void
esp_remote_backend_init (EspRemoteBackend *self)
{
}
EspRemoteBackend *
esp_remote_backend_new (EspProvider *provider, EspAccount *account, EspHttp *http)
{
  return g_object_new (ESP_TYPE_REMOTE_BACKEND, NULL);
}
EspProvider *
esp_remote_backend_get_provider (EspRemoteBackend *self)
{
  return NULL;
}
EspAccount *
esp_remote_backend_get_account (EspRemoteBackend *self)
{
  return NULL;
}
void
esp_remote_backend_set_accounts (EspRemoteBackend *self, EspAccounts *accounts)
{
}
guint
esp_remote_backend_get_n_running (EspRemoteBackend *self)
{
  return 0;
}
void
esp_remote_backends_attach (EspRegistry *registry, EspProviderCatalog *catalog,
                            EspAccounts *accounts)
{
}
