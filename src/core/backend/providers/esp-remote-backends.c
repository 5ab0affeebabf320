/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-backends.c: accounts and descriptors as backends of a registry, kept up to date. */
#define G_LOG_DOMAIN "espalier-remote"

#include <glib/gi18n-lib.h>

#include "esp-remote-backend.h"

#define KEY "espalier-remote-backends"

/* Freed with the registry. */
typedef struct
{
  EspRegistry *registry; /* owns this */
  EspProviderCatalog *catalog;
  EspAccounts *accounts;
  EspHttp *http;
  GHashTable *backends; /* id → EspBackend: those in the registry that are from here */
  gulong on_catalog, on_accounts;
} Attachment;

static void
attachment_free (gpointer data)
{
  Attachment *self = data;

  g_signal_handler_disconnect (self->catalog, self->on_catalog);
  g_signal_handler_disconnect (self->accounts, self->on_accounts);
  g_object_unref (self->catalog);
  g_object_unref (self->accounts);
  g_object_unref (self->http);
  g_hash_table_unref (self->backends);
  g_free (self);
}

/* --- What shall be there ---------------------------------------------------------------------- */

/* The one there is, if it is still the same; else a new one. */
static EspBackend *
make_backend (Attachment *self, EspProvider *provider, EspAccount *account)
{
  const char *id = account != NULL ? esp_account_get_id (account) : esp_provider_get_id (provider);
  EspBackend *old = g_hash_table_lookup (self->backends, id);
  EspRemoteBackend *made;

  if (old != NULL && ESP_IS_REMOTE_BACKEND (old)
      && esp_remote_backend_get_provider (ESP_REMOTE_BACKEND (old)) == provider
      && esp_remote_backend_get_account (ESP_REMOTE_BACKEND (old)) == account)
    return g_object_ref (old);

  made = esp_remote_backend_new (provider, account, self->http);
  esp_remote_backend_set_accounts (made, self->accounts);
  return ESP_BACKEND (made);
}

static gboolean
has_account (Attachment *self, EspProvider *provider)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->accounts));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EspAccount) account = g_list_model_get_item (G_LIST_MODEL (self->accounts), i);

      if (g_strcmp0 (esp_account_get_provider (account), esp_provider_get_id (provider)) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
add_accounts (Attachment *self, GPtrArray *wanted)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->accounts));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EspAccount) account = g_list_model_get_item (G_LIST_MODEL (self->accounts), i);
      const char *id = esp_account_get_provider (account);
      EspProvider *provider = esp_provider_catalog_find (self->catalog, id);
      g_autoptr (EspProvider) missing = NULL;

      if (provider == NULL)
        {
          EspBackend *old = g_hash_table_lookup (self->backends, esp_account_get_id (account));
          g_autofree char *path = g_strdup_printf (
              "%s/%s.json", esp_provider_catalog_get_own_folder (self->catalog), id);

          /* The same as before, if it was missing then. */
          if (old != NULL
              && esp_provider_get_problem (
                     esp_remote_backend_get_provider (ESP_REMOTE_BACKEND (old)))
                     != NULL)
            missing = g_object_ref (esp_remote_backend_get_provider (ESP_REMOTE_BACKEND (old)));
          else
            missing
                = esp_provider_new_broken (path, _ ("The description of this provider is gone."));
          provider = missing;
        }
      g_ptr_array_add (wanted, make_backend (self, provider, account));
    }
}

/* Providers of which there are several, each as one more entry. */
static void
add_pools (Attachment *self, GPtrArray *wanted)
{
  const guint n = wanted->len;

  for (guint i = 0; i < n; i++)
    {
      EspRemoteBackend *first = g_ptr_array_index (wanted, i);
      EspProvider *provider = esp_remote_backend_get_provider (first);
      g_autoptr (GPtrArray) members = g_ptr_array_new ();
      g_autofree char *id = NULL;
      g_autofree char *title = NULL;
      EspBackend *pool;
      gboolean is_first = TRUE;

      for (guint j = 0; j < n; j++)
        {
          if (esp_remote_backend_get_provider (g_ptr_array_index (wanted, j)) != provider)
            continue;
          is_first = is_first && j >= i;
          g_ptr_array_add (members, g_ptr_array_index (wanted, j));
        }
      if (!is_first || members->len < 2 || esp_provider_get_problem (provider) != NULL)
        continue;

      id = esp_pool_backend_make_id (esp_provider_get_id (provider));
      /* Translators: a provider, and how many accounts or servers of it there are */
      title = g_strdup_printf (_ ("%s (all %u)"), esp_provider_get_title (provider), members->len);
      pool = g_hash_table_lookup (self->backends, id);
      if (pool != NULL && strcmp (esp_backend_get_title (pool), title) == 0)
        g_object_ref (pool);
      else
        pool = ESP_BACKEND (esp_pool_backend_new (esp_provider_get_id (provider), title));
      esp_pool_backend_set_members (ESP_POOL_BACKEND (pool), members);
      g_ptr_array_add (wanted, pool);
    }
}

/* What the person wrote and has not set up yet, or has an error. */
static void
add_own (Attachment *self, GPtrArray *wanted)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->catalog));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (G_LIST_MODEL (self->catalog), i);
      gboolean taken = FALSE;

      for (guint j = 0; j < wanted->len; j++)
        taken = taken
                || strcmp (esp_backend_get_id (g_ptr_array_index (wanted, j)),
                           esp_provider_get_id (provider))
                       == 0;
      if (!taken && esp_provider_is_own (provider) && !has_account (self, provider))
        g_ptr_array_add (wanted, make_backend (self, provider, NULL));
    }
}

/* --- What is there ---------------------------------------------------------------------------- */

static guint
find_position (EspRegistry *registry, EspBackend *backend)
{
  GListModel *list = esp_registry_get_backends (registry);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspBackend) other = g_list_model_get_item (list, i);

      if (other == backend)
        return i;
    }
  return G_MAXUINT;
}

static gboolean
is_wanted (GPtrArray *wanted, EspBackend *backend)
{
  return g_ptr_array_find (wanted, backend, NULL);
}

static void
remove_unwanted (Attachment *self, GPtrArray *wanted)
{
  GHashTableIter iter;
  gpointer backend;

  g_hash_table_iter_init (&iter, self->backends);
  while (g_hash_table_iter_next (&iter, NULL, &backend))
    {
      if (is_wanted (wanted, backend))
        continue;
      esp_registry_remove (self->registry, backend);
      g_hash_table_iter_remove (&iter);
    }
}

static void
update (Attachment *self)
{
  g_autoptr (GPtrArray) wanted = g_ptr_array_new_with_free_func (g_object_unref);
  guint first;

  add_accounts (self, wanted);
  add_pools (self, wanted);
  add_own (self, wanted);
  remove_unwanted (self, wanted);

  /* The program's own come first. */
  first = g_list_model_get_n_items (esp_registry_get_backends (self->registry))
          - g_hash_table_size (self->backends);
  for (guint i = 0; i < wanted->len; i++)
    {
      EspBackend *backend = g_ptr_array_index (wanted, i);
      const guint position = find_position (self->registry, backend);

      if (position == first + i)
        continue;
      if (position != G_MAXUINT)
        esp_registry_remove (self->registry, backend);
      else if (esp_registry_find_backend (self->registry, esp_backend_get_id (backend)) != NULL)
        {
          /* A descriptor with the id of something else. */
          first--;
          continue;
        }
      esp_registry_insert (self->registry, first + i, backend);
      g_hash_table_replace (self->backends, g_strdup (esp_backend_get_id (backend)),
                            g_object_ref (backend));
    }
}

void
esp_remote_backends_attach (EspRegistry *registry, EspProviderCatalog *catalog,
                            EspAccounts *accounts)
{
  Attachment *self;

  g_return_if_fail (ESP_IS_REGISTRY (registry));
  g_return_if_fail (ESP_IS_PROVIDER_CATALOG (catalog));
  g_return_if_fail (ESP_IS_ACCOUNTS (accounts));
  g_return_if_fail (g_object_get_data (G_OBJECT (registry), KEY) == NULL);

  self = g_new0 (Attachment, 1);
  self->registry = registry;
  self->catalog = g_object_ref (catalog);
  self->accounts = g_object_ref (accounts);
  self->http = esp_http_new ();
  self->backends = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->on_catalog = g_signal_connect_swapped (catalog, "items-changed", G_CALLBACK (update), self);
  self->on_accounts
      = g_signal_connect_swapped (accounts, "items-changed", G_CALLBACK (update), self);
  g_object_set_data_full (G_OBJECT (registry), KEY, self, attachment_free);
  update (self);
}
