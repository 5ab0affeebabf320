/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-account.h: what the person set up: providers with their names, addresses and settings.
 *
 * Kept in $XDG_CONFIG_HOME/espalier/accounts.json (never a key: those are in the key store),
 * written through a temporary file. An account's id is what nodes call their backend: the
 * descriptor's id for the first account of a provider, "ID-2", "ID-3" for further ones; never used
 * again for another.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "esp-ledger.h"

G_BEGIN_DECLS

#define ESP_TYPE_ACCOUNT (esp_account_get_type ())

/* Signal "changed" (): name, address, settings, key. */
G_DECLARE_FINAL_TYPE (EspAccount, esp_account, ESP, ACCOUNT, GObject)

const char *esp_account_get_id (EspAccount *self);
const char *esp_account_get_provider (EspAccount *self); /* descriptor id */
const char *esp_account_get_name (EspAccount *self);     /* the person's, or NULL */
const char *esp_account_get_base_url (EspAccount *self); /* or NULL: the descriptor's */
gboolean esp_account_get_base_is_own (
    EspAccount *self); /* the person said: this host is mine, http is fine */
JsonObject *esp_account_get_config (EspAccount *self); /* borrowed, never NULL */
guint esp_account_get_concurrency (EspAccount *self);  /* 0: the descriptor's */
gboolean esp_account_get_has_key (
    EspAccount *self); /* as far as known without asking the key store */
gboolean esp_account_get_consented (
    EspAccount *self); /* was told once that images leave this computer */

#define ESP_ACCOUNT_MAX_CONCURRENCY 50

#define ESP_TYPE_ACCOUNTS (esp_accounts_get_type ())

/* A GListModel of EspAccount, in the person's order. Properties, kept in the same file and so in
 * force for the command line, too:
 *   "offline"       gboolean  nothing leaves this computer
 *   "monthly-stop"  double    USD; 0 none
 */
G_DECLARE_FINAL_TYPE (EspAccounts, esp_accounts, ESP, ACCOUNTS, GObject)

/* Reads `path` (NULL: the person's). A damaged file is set aside as NAME.damaged and told by a
 * warning. Watches the file: another window's or the command line's changes show at once. */
EspAccounts *esp_accounts_new (const char *path) G_GNUC_WARN_UNUSED_RESULT;
EspAccount *esp_accounts_find (EspAccounts *self, const char *id); /* borrowed, or NULL */
EspAccount *esp_accounts_add (EspAccounts *self, const char *provider, const char *name,
                              const char *base_url, gboolean base_is_own, JsonObject *config,
                              GError **error); /* borrowed */
gboolean esp_accounts_change (EspAccounts *self, EspAccount *account, const char *name,
                              const char *base_url, gboolean base_is_own, JsonObject *config,
                              guint concurrency, GError **error);
gboolean esp_accounts_set_consented (EspAccounts *self, EspAccount *account, GError **error);
gboolean esp_accounts_set_has_key (EspAccounts *self, EspAccount *account, gboolean has_key,
                                   GError **error);
/* Moves it to `position` in the list. */
gboolean esp_accounts_move (EspAccounts *self, EspAccount *account, guint position, GError **error);
/* Its key goes from the key store, too (asynchronously). */
gboolean esp_accounts_remove (EspAccounts *self, EspAccount *account, GError **error);

gboolean esp_accounts_get_offline (EspAccounts *self);
void esp_accounts_set_offline (EspAccounts *self, gboolean offline);
double esp_accounts_get_monthly_stop (EspAccounts *self);
void esp_accounts_set_monthly_stop (EspAccounts *self, double stop);

/* What turns cost: the person's ledger, made when it is asked for first. Borrowed. */
EspLedger *esp_accounts_get_ledger (EspAccounts *self);

G_END_DECLS
