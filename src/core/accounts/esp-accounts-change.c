/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-accounts-change.c: accounts are added, changed, moved and removed. */
#define G_LOG_DOMAIN "espalier-accounts"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-accounts-private.h"
#include "esp-json-member.h"
#include "esp-key-store.h"

/* G_MAXUINT: it is not there. */
static guint
find_position (JsonArray *list, const char *id)
{
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);

      if (_esp_account_check (node)
          && strcmp (json_object_get_string_member (json_node_get_object (node), "id"), id) == 0)
        return i;
    }
  return G_MAXUINT;
}

static gboolean
fail_gone (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _ ("This account was removed."));
  return FALSE;
}

static void
set_text (JsonObject *members, const char *name, const char *text)
{
  g_autofree char *stripped = text != NULL ? g_strstrip (g_strdup (text)) : NULL;

  if (stripped != NULL && *stripped != '\0')
    json_object_set_string_member (members, name, stripped);
  else
    json_object_remove_member (members, name);
}

static gboolean
check_address (const char *text, GError **error)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text != NULL ? text : ""));
  g_autoptr (GUri) uri = NULL;

  if (*stripped == '\0')
    return TRUE;

  uri = g_uri_parse (stripped, G_URI_FLAGS_NONE, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0'
      || (strcmp (g_uri_get_scheme (uri), "http") != 0
          && strcmp (g_uri_get_scheme (uri), "https") != 0))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 _ ("“%s” is not an address of a server. It begins with https:// or http://."),
                 stripped);
  else if (g_uri_get_userinfo (uri) != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                         _ ("The address has a user name or password in it. Keys belong into the "
                            "key’s own field."));
  else
    return TRUE;
  return FALSE;
}

/* What the person says of an account. */
typedef struct
{
  char *id, *provider, *name, *base_url;
  gboolean base_is_own;
  JsonObject *config;
  guint concurrency;
} Settings;

/* Copies: the caller may lend what belongs to an account that is read anew meanwhile. */
static void
settings_init (Settings *self, const char *name, const char *base_url, gboolean base_is_own,
               JsonObject *config)
{
  self->name = g_strdup (name);
  self->base_url = g_strdup (base_url);
  self->base_is_own = base_is_own;
  self->config = config != NULL ? json_object_ref (config) : NULL;
}

static void
settings_clear (Settings *self)
{
  g_free (self->id);
  g_free (self->provider);
  g_free (self->name);
  g_free (self->base_url);
  g_clear_pointer (&self->config, json_object_unref);
}

static void
put_settings (JsonObject *members, const Settings *settings)
{
  set_text (members, "name", settings->name);
  set_text (members, "base_url", settings->base_url);
  json_object_set_boolean_member (members, "base_is_own", settings->base_is_own);
  if (settings->config != NULL && json_object_get_size (settings->config) > 0)
    json_object_set_object_member (members, "config", json_object_ref (settings->config));
  else
    json_object_remove_member (members, "config");
  if (settings->concurrency > 0)
    json_object_set_int_member (members, "concurrency", settings->concurrency);
  else
    json_object_remove_member (members, "concurrency");
}

static gboolean
was_used (JsonObject *root, const char *id)
{
  JsonArray *removed = esp_json_get_array (root, "removed");

  for (guint i = 0; removed != NULL && i < json_array_get_length (removed); i++)
    {
      JsonNode *node = json_array_get_element (removed, i);

      if (json_node_get_value_type (node) == G_TYPE_STRING
          && g_strcmp0 (json_node_get_string (node), id) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
do_add (JsonObject *root, JsonArray *list, gpointer data, GError **error)
{
  Settings *settings = data;
  JsonObject *members;

  for (guint i = 1; settings->id == NULL; i++)
    {
      g_autofree char *id = i == 1 ? g_strdup (settings->provider)
                                   : g_strdup_printf ("%s-%u", settings->provider, i);

      if (find_position (list, id) == G_MAXUINT && !was_used (root, id))
        settings->id = g_steal_pointer (&id);
    }

  members = json_object_new ();
  json_object_set_string_member (members, "id", settings->id);
  json_object_set_string_member (members, "provider", settings->provider);
  put_settings (members, settings);
  json_array_add_object_element (list, members);
  return TRUE;
}

EspAccount *
esp_accounts_add (EspAccounts *self, const char *provider, const char *name, const char *base_url,
                  gboolean base_is_own, JsonObject *config, GError **error)
{
  Settings settings = { .provider = g_strdup (provider) };
  EspAccount *account = NULL;

  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), NULL);
  g_return_val_if_fail (provider != NULL && *provider != '\0', NULL);

  settings_init (&settings, name, base_url, base_is_own, config);
  if (check_address (base_url, error) && _esp_accounts_edit (self, do_add, &settings, error))
    account = esp_accounts_find (self, settings.id);
  settings_clear (&settings);
  return account;
}

static gboolean
do_change (JsonObject *root, JsonArray *list, gpointer data, GError **error)
{
  const Settings *settings = data;
  const guint position = find_position (list, settings->id);

  if (position == G_MAXUINT)
    return fail_gone (error);
  put_settings (json_array_get_object_element (list, position), settings);
  return TRUE;
}

gboolean
esp_accounts_change (EspAccounts *self, EspAccount *account, const char *name, const char *base_url,
                     gboolean base_is_own, JsonObject *config, guint concurrency, GError **error)
{
  Settings settings = { .concurrency = MIN (concurrency, ESP_ACCOUNT_MAX_CONCURRENCY) };
  gboolean done;

  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), FALSE);
  g_return_val_if_fail (ESP_IS_ACCOUNT (account), FALSE);

  settings.id = g_strdup (esp_account_get_id (account));
  settings_init (&settings, name, base_url, base_is_own, config);
  done = check_address (base_url, error) && _esp_accounts_edit (self, do_change, &settings, error);
  settings_clear (&settings);
  return done;
}

typedef struct
{
  EspAccount *account; /* it may be removed elsewhere, and is found so in the file */
  const char *member;
  gboolean value;
} Flag;

static gboolean
do_set_flag (JsonObject *root, JsonArray *list, gpointer data, GError **error)
{
  const Flag *flag = data;
  const guint position = find_position (list, esp_account_get_id (flag->account));

  if (position == G_MAXUINT)
    return fail_gone (error);
  json_object_set_boolean_member (json_array_get_object_element (list, position), flag->member,
                                  flag->value);
  return TRUE;
}

static gboolean
set_flag (EspAccounts *self, EspAccount *account, Flag *flag, GError **error)
{
  g_autoptr (EspAccount) kept = g_object_ref (account);

  flag->account = kept;
  return _esp_accounts_edit (self, do_set_flag, flag, error);
}

gboolean
esp_accounts_set_consented (EspAccounts *self, EspAccount *account, GError **error)
{
  Flag flag = { .member = "consented", .value = TRUE };

  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), FALSE);
  g_return_val_if_fail (ESP_IS_ACCOUNT (account), FALSE);

  return set_flag (self, account, &flag, error);
}

gboolean
esp_accounts_set_has_key (EspAccounts *self, EspAccount *account, gboolean has_key, GError **error)
{
  Flag flag = { .member = "has_key", .value = has_key };

  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), FALSE);
  g_return_val_if_fail (ESP_IS_ACCOUNT (account), FALSE);

  return set_flag (self, account, &flag, error);
}

typedef struct
{
  const char *id;
  guint position;
} Move;

static gboolean
do_move (JsonObject *root, JsonArray *list, gpointer data, GError **error)
{
  const Move *move = data;
  const guint from = find_position (list, move->id);
  JsonArray *moved = json_array_new ();
  const guint n = json_array_get_length (list);
  guint next = 0;

  if (from == G_MAXUINT)
    {
      json_array_unref (moved);
      return fail_gone (error);
    }

  for (guint i = 0; i < n; i++)
    {
      if (i == MIN (move->position, n - 1))
        {
          json_array_add_element (moved, json_array_dup_element (list, from));
          continue;
        }
      if (next == from)
        next++;
      json_array_add_element (moved, json_array_dup_element (list, next++));
    }
  json_object_set_array_member (root, "accounts", moved);
  return TRUE;
}

gboolean
esp_accounts_move (EspAccounts *self, EspAccount *account, guint position, GError **error)
{
  Move move = { .position = position };
  g_autofree char *id = NULL;

  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), FALSE);
  g_return_val_if_fail (ESP_IS_ACCOUNT (account), FALSE);

  id = g_strdup (esp_account_get_id (account));
  move.id = id;
  return _esp_accounts_edit (self, do_move, &move, error);
}

static gboolean
do_remove (JsonObject *root, JsonArray *list, gpointer data, GError **error)
{
  const char *id = data;
  const guint position = find_position (list, id);
  JsonArray *removed = esp_json_get_array (root, "removed");

  if (position == G_MAXUINT)
    return fail_gone (error);

  if (removed == NULL)
    {
      removed = json_array_new ();
      json_object_set_array_member (root, "removed", removed);
    }
  json_array_add_string_element (removed, id);
  json_array_remove_element (list, position);
  return TRUE;
}

static void
on_key_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!esp_key_store_remove_finish (result, &error))
    g_message ("The key of a removed account could not be removed: %s", error->message);
}

gboolean
esp_accounts_remove (EspAccounts *self, EspAccount *account, GError **error)
{
  g_autofree char *id = NULL;
  gboolean had_key;

  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), FALSE);
  g_return_val_if_fail (ESP_IS_ACCOUNT (account), FALSE);

  id = g_strdup (esp_account_get_id (account));
  had_key = esp_account_get_has_key (account);
  if (!_esp_accounts_edit (self, do_remove, id, error))
    return FALSE;

  if (had_key)
    esp_key_store_remove_async (id, NULL, on_key_removed, NULL);
  return TRUE;
}
