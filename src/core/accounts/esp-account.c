/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-accounts"

#include "esp-account-private.h"

#include "esp-json-member.h"

struct _EspAccount
{
  GObject parent_instance;

  char *id, *provider; /* for ever */
  JsonObject *members;
  JsonObject *config;
};

G_DEFINE_FINAL_TYPE (EspAccount, esp_account, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static const char *
get_text (EspAccount *self, const char *name)
{
  const char *text = esp_json_get_string (self->members, name);

  return text != NULL && *text != '\0' ? text : NULL;
}

const char *
esp_account_get_id (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), NULL);

  return self->id;
}

const char *
esp_account_get_provider (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), NULL);

  return self->provider;
}

const char *
esp_account_get_name (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), NULL);

  return get_text (self, "name");
}

const char *
esp_account_get_base_url (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), NULL);

  return get_text (self, "base_url");
}

gboolean
esp_account_get_base_is_own (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), FALSE);

  return esp_json_get_number (self->members, "base_is_own", 0) > 0;
}

JsonObject *
esp_account_get_config (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), NULL);

  return self->config;
}

guint
esp_account_get_concurrency (EspAccount *self)
{
  double number;

  g_return_val_if_fail (ESP_IS_ACCOUNT (self), 0);

  number = esp_json_get_number (self->members, "concurrency", 0);
  return number >= 1 ? (guint) MIN (number, ESP_ACCOUNT_MAX_CONCURRENCY) : 0;
}

gboolean
esp_account_get_has_key (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), FALSE);

  return esp_json_get_number (self->members, "has_key", 0) > 0;
}

gboolean
esp_account_get_consented (EspAccount *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNT (self), FALSE);

  return esp_json_get_number (self->members, "consented", 0) > 0;
}

/* --- For the list ----------------------------------------------------------------------------- */

static gboolean
is_id (const char *text)
{
  if (text == NULL || *text == '\0' || strlen (text) > 128)
    return FALSE;
  for (const char *c = text; *c != '\0'; c++)
    {
      if (!g_ascii_isalnum (*c) && strchr ("-_.@", *c) == NULL)
        return FALSE;
    }
  return TRUE;
}

gboolean
_esp_account_check (JsonNode *node)
{
  JsonObject *members
      = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  return members != NULL && is_id (esp_json_get_string (members, "id"))
         && is_id (esp_json_get_string (members, "provider"));
}

JsonObject *
_esp_account_get_members (EspAccount *self)
{
  return self->members;
}

static void
take_members (EspAccount *self, JsonObject *members)
{
  JsonNode *config = json_object_get_member (members, "config");

  g_clear_pointer (&self->members, json_object_unref);
  g_clear_pointer (&self->config, json_object_unref);
  self->members = members;
  self->config = config != NULL && JSON_NODE_HOLDS_OBJECT (config) ? json_node_dup_object (config)
                                                                   : json_object_new ();
}

static gboolean
is_same (JsonObject *a, JsonObject *b)
{
  g_autoptr (JsonNode) one = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (JsonNode) other = json_node_new (JSON_NODE_OBJECT);

  json_node_set_object (one, a);
  json_node_set_object (other, b);
  return json_node_equal (one, other);
}

void
_esp_account_set_members (EspAccount *self, JsonObject *members)
{
  const gboolean same = is_same (self->members, members);

  take_members (self, members);
  if (!same)
    g_signal_emit (self, signals[CHANGED], 0);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_account_finalize (GObject *object)
{
  EspAccount *self = ESP_ACCOUNT (object);

  g_free (self->id);
  g_free (self->provider);
  g_clear_pointer (&self->members, json_object_unref);
  g_clear_pointer (&self->config, json_object_unref);

  G_OBJECT_CLASS (esp_account_parent_class)->finalize (object);
}

static void
esp_account_class_init (EspAccountClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_account_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_ACCOUNT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
esp_account_init (EspAccount *self)
{
}

EspAccount *
_esp_account_new (JsonObject *members)
{
  EspAccount *self = g_object_new (ESP_TYPE_ACCOUNT, NULL);

  self->id = g_strdup (json_object_get_string_member (members, "id"));
  self->provider = g_strdup (json_object_get_string_member (members, "provider"));
  take_members (self, members);
  return self;
}
