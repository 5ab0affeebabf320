/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-catalog.c: the descriptors there are: those shipped, then the person's own. */
#include "esp-provider-catalog.h"

struct _EspProviderCatalog
{
  GObject parent_instance;

  GPtrArray *providers;
  char *own_folder;
};

static GType
catalog_get_item_type (GListModel *model)
{
  return ESP_TYPE_PROVIDER;
}

static guint
catalog_get_n_items (GListModel *model)
{
  return ESP_PROVIDER_CATALOG (model)->providers->len;
}

static gpointer
catalog_get_item (GListModel *model, guint position)
{
  EspProviderCatalog *self = ESP_PROVIDER_CATALOG (model);

  return position < self->providers->len
             ? g_object_ref (g_ptr_array_index (self->providers, position))
             : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = catalog_get_item_type;
  iface->get_n_items = catalog_get_n_items;
  iface->get_item = catalog_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspProviderCatalog, esp_provider_catalog, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
esp_provider_catalog_class_init (EspProviderCatalogClass *klass)
{
}

static void
esp_provider_catalog_init (EspProviderCatalog *self)
{
  self->providers = g_ptr_array_new_with_free_func (g_object_unref);
}

EspProviderCatalog *
esp_provider_catalog_new (const char *shipped, const char *own)
{
  EspProviderCatalog *self = g_object_new (ESP_TYPE_PROVIDER_CATALOG, NULL);

  self->own_folder = g_strdup (own);
  return self;
}

EspProvider *
esp_provider_catalog_find (EspProviderCatalog *self, const char *id)
{
  return NULL;
}

const char *
esp_provider_catalog_get_own_folder (EspProviderCatalog *self)
{
  return self->own_folder;
}
