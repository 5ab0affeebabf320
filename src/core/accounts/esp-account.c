/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-accounts"

#include "esp-account.h"

struct _EspAccount
{
  GObject parent_instance;
  JsonObject *config;
};
G_DEFINE_FINAL_TYPE (EspAccount, esp_account, G_TYPE_OBJECT)

struct _EspAccounts
{
  GObject parent_instance;
  GListStore *list;
  EspLedger *ledger;
};
static GType
g_m_type (GListModel *m)
{
  return ESP_TYPE_ACCOUNT;
}
static guint
g_m_n (GListModel *m)
{
  return g_list_model_get_n_items (G_LIST_MODEL (ESP_ACCOUNTS (m)->list));
}
static gpointer
g_m_item (GListModel *m, guint i)
{
  return g_list_model_get_item (G_LIST_MODEL (ESP_ACCOUNTS (m)->list), i);
}
static void
list_model_init (GListModelInterface *i)
{
  i->get_item_type = g_m_type;
  i->get_n_items = g_m_n;
  i->get_item = g_m_item;
}
G_DEFINE_FINAL_TYPE_WITH_CODE (EspAccounts, esp_accounts, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

const char *
esp_account_get_id (EspAccount *self)
{
  return "";
}
const char *
esp_account_get_provider (EspAccount *self)
{
  return "";
}
const char *
esp_account_get_name (EspAccount *self)
{
  return NULL;
}
const char *
esp_account_get_base_url (EspAccount *self)
{
  return NULL;
}
gboolean
esp_account_get_base_is_own (EspAccount *self)
{
  return FALSE;
}
JsonObject *
esp_account_get_config (EspAccount *self)
{
  return self->config;
}
guint
esp_account_get_concurrency (EspAccount *self)
{
  return 0;
}
gboolean
esp_account_get_has_key (EspAccount *self)
{
  return FALSE;
}
gboolean
esp_account_get_consented (EspAccount *self)
{
  return FALSE;
}
static void
esp_account_class_init (EspAccountClass *klass)
{
}
static void
esp_account_init (EspAccount *self)
{
  self->config = json_object_new ();
}
static void
esp_accounts_class_init (EspAccountsClass *klass)
{
}
static void
esp_accounts_init (EspAccounts *self)
{
  self->list = g_list_store_new (ESP_TYPE_ACCOUNT);
}
EspAccounts *
esp_accounts_new (const char *path)
{
  return g_object_new (ESP_TYPE_ACCOUNTS, NULL);
}
EspAccount *
esp_accounts_find (EspAccounts *self, const char *id)
{
  return NULL;
}
static gboolean
no (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "not yet");
  return FALSE;
}
EspAccount *
esp_accounts_add (EspAccounts *self, const char *provider, const char *name, const char *base_url,
                  gboolean base_is_own, JsonObject *config, GError **error)
{
  no (error);
  return NULL;
}
gboolean
esp_accounts_change (EspAccounts *self, EspAccount *account, const char *name, const char *base_url,
                     gboolean base_is_own, JsonObject *config, guint concurrency, GError **error)
{
  return no (error);
}
gboolean
esp_accounts_set_consented (EspAccounts *self, EspAccount *account, GError **error)
{
  return no (error);
}
gboolean
esp_accounts_set_has_key (EspAccounts *self, EspAccount *account, gboolean has_key, GError **error)
{
  return no (error);
}
gboolean
esp_accounts_move (EspAccounts *self, EspAccount *account, guint position, GError **error)
{
  return no (error);
}
gboolean
esp_accounts_remove (EspAccounts *self, EspAccount *account, GError **error)
{
  return no (error);
}
gboolean
esp_accounts_get_offline (EspAccounts *self)
{
  return FALSE;
}
void
esp_accounts_set_offline (EspAccounts *self, gboolean offline)
{
}
double
esp_accounts_get_monthly_stop (EspAccounts *self)
{
  return 0;
}
void
esp_accounts_set_monthly_stop (EspAccounts *self, double stop)
{
}
EspLedger *
esp_accounts_get_ledger (EspAccounts *self)
{
  if (self->ledger == NULL)
    self->ledger = esp_ledger_new (NULL);
  return self->ledger;
}
