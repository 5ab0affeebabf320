/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-refresh.c: what the provider itself says of values and prices, asked for at most once
 * a day. Whatever goes wrong here, the descriptor's own values hold. */
#define G_LOG_DOMAIN "espalier-remote"

#include <glib/gstdio.h>

#include "esp-json-member.h"
#include "esp-json-read.h"
#include "esp-remote-backend-private.h"
#include "esp-remote-schema.h"

#define MAX_AGE (24 * 60 * 60) /* s */

/* Another descriptor, another address: another answer. */
static char *
dup_path (EspRemoteBackend *self)
{
  const char *address = self->account != NULL ? esp_account_get_base_url (self->account) : NULL;
  g_autofree char *what
      = g_strdup_printf ("%s %s %s", self->id, esp_provider_get_digest (self->provider),
                         address != NULL ? address : "");
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, what, -1);
  g_autofree char *name = g_strdup_printf ("%s.json", digest);

  return g_build_filename (g_get_user_cache_dir (), "espalier", "schemas", name, NULL);
}

static void
take (EspRemoteBackend *self, JsonNode *schema, double price)
{
  g_clear_object (&self->used);
  self->used = esp_provider_tighten (self->provider, schema, price);
  if (self->used == NULL)
    self->used = g_object_ref (self->provider);
  _esp_remote_backend_show (self);
}

static gboolean
take_kept (EspRemoteBackend *self, const char *path)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  GStatBuf info;
  gint64 age;
  gsize length;

  if (g_stat (path, &info) != 0)
    return FALSE;
  age = g_get_real_time () / G_USEC_PER_SEC - (gint64) info.st_mtime;
  if (age < 0 || age > MAX_AGE || !g_file_get_contents (path, &text, &length, NULL))
    return FALSE;

  root = esp_json_read (text, length, NULL);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  take (self, json_object_get_member (json_node_get_object (root), "schema"),
        esp_json_get_number (json_node_get_object (root), "price", -1));
  return TRUE;
}

static void
keep (EspRemoteBackend *self, const EspRemoteSchema *schema)
{
  g_autofree char *path = dup_path (self);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = NULL;

  if (schema->schema != NULL)
    json_object_set_member (object, "schema", json_node_copy (schema->schema));
  json_object_set_double_member (object, "price", schema->price);
  text = json_to_string (node, FALSE);
  g_mkdir_with_parents (folder, 0700);
  if (!g_file_set_contents (path, text, -1, NULL))
    g_debug ("What %s says of itself cannot be kept", self->id);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspRemoteBackend) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteSchema) schema = esp_remote_schema_load_finish (result, &error);

  if (schema == NULL)
    {
      g_debug ("%s does not say what it takes: %s", self->id, error->message);
      return;
    }

  keep (self, schema);
  take (self, schema->schema, schema->price);
}

static void
on_key (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspRemoteBackend) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspKey) key = _esp_remote_backend_load_key_finish (self, result, &error);

  if (error != NULL)
    {
      g_debug ("%s is not asked what it takes: %s", self->id, error->message);
      return;
    }

  esp_remote_schema_load_async (
      self->http, self->provider,
      self->account != NULL ? esp_account_get_base_url (self->account) : NULL,
      self->account != NULL && esp_account_get_base_is_own (self->account),
      self->account != NULL ? esp_account_get_config (self->account) : NULL,
      key != NULL ? esp_key_get (key) : NULL, self->stopped, on_loaded, g_object_ref (self));
}

void
_esp_remote_backend_refresh (EspRemoteBackend *self)
{
  g_autofree char *path = NULL;

  if (self->asked || esp_model_get_state (self->model) != ESP_MODEL_READY
      || esp_provider_get_descriptor (self->provider)->schema_from == NULL)
    return;

  self->asked = TRUE;
  path = dup_path (self);
  if (take_kept (self, path))
    return;
  if (self->accounts != NULL && esp_accounts_get_offline (self->accounts))
    {
      self->asked = FALSE;
      return;
    }
  _esp_remote_backend_load_key_async (self, self->stopped, on_key, g_object_ref (self));
}
