/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-run-remote.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "cli-remote-edit.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "esp-remote-backend.h"

void
cli_run_remote_begin (CliRunRemote *self, EspRegistry *registry)
{
  self->registry = registry;
  self->catalog = esp_provider_catalog_new (NULL, NULL);
  self->accounts = esp_accounts_new (NULL);
  esp_remote_backends_attach (registry, self->catalog, self->accounts);
}

void
cli_run_remote_end (CliRunRemote *self)
{
  g_clear_object (&self->passing);
  g_clear_object (&self->accounts);
  g_clear_object (&self->catalog);
  g_clear_object (&self->http);
  if (self->folder != NULL)
    {
      g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
      const char *name;

      while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
        {
          g_autofree char *path = g_build_filename (self->folder, name, NULL);

          g_unlink (path);
        }
      g_rmdir (self->folder);
      g_clear_pointer (&self->folder, g_free);
    }
}

void
cli_run_remote_clear (CliRunRemote *self)
{
  g_clear_pointer (&self->base_url, g_free);
  g_clear_pointer (&self->key_file, g_free);
  g_clear_pointer (&self->patience_text, g_free);
  g_clear_pointer (&self->config, g_strfreev);
}

const char *
cli_run_remote_get_option (const CliRunRemote *self)
{
  if (self->base_url != NULL)
    return "--base-url";
  if (self->own_host)
    return "--own-host";
  if (self->config != NULL)
    return "--config";
  if (self->key_file != NULL)
    return "--key-file";
  return NULL;
}

/* An account for this run alone. Borrowed. */
static EspAccount *
make_account (CliRunRemote *self, EspProvider *provider, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (JsonObject) config = NULL;

  config = cli_remote_read_config (self->config, NULL, error);
  if (config == NULL)
    return NULL;
  if (self->passing == NULL)
    {
      self->folder = g_dir_make_tmp ("espalier-run-XXXXXX", error);
      if (self->folder == NULL)
        return NULL;
      path = g_build_filename (self->folder, "accounts.json", NULL);
      self->passing = esp_accounts_new (path);
    }
  return esp_accounts_add (self->passing, esp_provider_get_id (provider), NULL, self->base_url,
                           self->own_host, config, error);
}

static EspBackend *
add_backend (CliRunRemote *self, const char *id, GError **error)
{
  EspBackend *old = esp_registry_find_backend (self->registry, id);
  EspProvider *provider = cli_remote_find_provider (self->catalog, self->accounts, id, NULL, error);
  g_autoptr (EspRemoteBackend) backend = NULL;
  g_autoptr (GError) own_error = NULL;
  EspAccount *account;
  EspKey *key;

  if (provider == NULL)
    return NULL;
  /* Which of them is meant by the options? */
  if (self->passing != NULL && cli_run_remote_get_option (self) != NULL)
    {
      g_propagate_error (
          error,
          cli_remote_argument_new (_ ("“%s”: add an account in Espalier’s preferences first"), id));
      return NULL;
    }

  key = esp_key_find (id, self->key_file, &own_error);
  if (own_error != NULL && self->key_file != NULL)
    {
      g_propagate_error (error, cli_remote_argument_new ("--key-file: %s", own_error->message));
      return NULL;
    }
  account = make_account (self, provider, error);
  if (account != NULL && key != NULL)
    esp_accounts_set_has_key (self->passing, account, TRUE, NULL);
  if (account != NULL)
    {
      if (self->http == NULL)
        self->http = esp_http_new ();
      backend = esp_remote_backend_new (provider, account, self->http);
      esp_remote_backend_set_accounts (backend, self->accounts);
      esp_remote_backend_set_key (backend, key);
      if (old != NULL)
        esp_registry_remove (self->registry, old);
      esp_registry_add (self->registry, ESP_BACKEND (backend));
    }
  g_clear_pointer (&key, esp_key_unref);
  return account != NULL ? esp_registry_find_backend (self->registry, id) : NULL;
}

EspBackend *
cli_run_remote_find (CliRunRemote *self, const char *id)
{
  EspBackend *backend = esp_registry_find_backend (self->registry, id);
  g_autoptr (GError) error = NULL;

  if (backend != NULL && !esp_backend_is_remote (backend)
      && cli_run_remote_get_option (self) != NULL)
    {
      cli_usage (_ ("%s: is for remote backends only; see --backend"),
                 cli_run_remote_get_option (self));
      return NULL;
    }
  if (backend != NULL && cli_run_remote_get_option (self) == NULL)
    return backend;

  backend = add_backend (self, id, &error);
  if (backend == NULL)
    cli_usage ("%s", error->message);
  return backend;
}

void
cli_run_remote_set_patience (CliRunRemote *self)
{
  GListModel *backends = esp_registry_get_backends (self->registry);

  for (guint i = 0; i < g_list_model_get_n_items (backends); i++)
    {
      g_autoptr (EspBackend) backend = g_list_model_get_item (backends, i);

      if (ESP_IS_REMOTE_BACKEND (backend))
        esp_remote_backend_set_patience (ESP_REMOTE_BACKEND (backend), self->patience);
    }
}

int
cli_run_remote_get_status (EspNode *node)
{
  const GError *error = esp_node_get_error (node);
  const EspFaultReport *report = error != NULL ? esp_fault_error_get_report (error) : NULL;

  return report != NULL ? cli_remote_get_status (report->fault) : CLI_EXIT_FAILED;
}
