/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-backend.h"

struct _EspPoolBackend
{
  EspBackend parent_instance;
};
G_DEFINE_FINAL_TYPE (EspPoolBackend, esp_pool_backend, ESP_TYPE_BACKEND)
static void
esp_pool_backend_class_init (EspPoolBackendClass *klass)
{
}
static void
esp_pool_backend_init (EspPoolBackend *self)
{
}
EspPoolBackend *
esp_pool_backend_new (const char *provider, const char *title)
{
  return g_object_new (ESP_TYPE_POOL_BACKEND, NULL);
}
void
esp_pool_backend_set_members (EspPoolBackend *self, GPtrArray *members)
{
}
