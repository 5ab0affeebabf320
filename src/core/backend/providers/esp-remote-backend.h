/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-backend.h: an account with a provider as a backend with one model, and all of them in
 * a registry. */
#pragma once

#include "esp-account.h"
#include "esp-http.h"
#include "esp-key-store.h"
#include "esp-provider-catalog.h"
#include "esp-registry.h"

G_BEGIN_DECLS

#define ESP_TYPE_REMOTE_BACKEND (esp_remote_backend_get_type ())

G_DECLARE_FINAL_TYPE (EspRemoteBackend, esp_remote_backend, ESP, REMOTE_BACKEND, EspBackend)

EspRemoteBackend *esp_remote_backend_new (EspProvider *provider, EspAccount *account,
                                          EspHttp *http) G_GNUC_WARN_UNUSED_RESULT;
EspProvider *esp_remote_backend_get_provider (EspRemoteBackend *self);
EspAccount *esp_remote_backend_get_account (EspRemoteBackend *self);

/* The accounts whose offline switch, monthly stop and ledger the backend minds. Weak. */
void esp_remote_backend_set_accounts (EspRemoteBackend *self, EspAccounts *accounts);

/* A key to be used instead of the key ring's (the command line's). */
void esp_remote_backend_set_key (EspRemoteBackend *self, EspKey *key);

/* How long turns that start from now on may take in all; 0, at first: as usual
 * (EspRemoteRequest.patience). */
void esp_remote_backend_set_patience (EspRemoteBackend *self, guint seconds);

/* Turns that this backend has under way. */
guint esp_remote_backend_get_n_running (EspRemoteBackend *self);

/* Several instances of one descriptor as one entry: turns go to the one with the fewest of them
 * that is ready; concurrency is the sum; cost and name are those of the instance that made it. */
#define ESP_TYPE_POOL_BACKEND (esp_pool_backend_get_type ())

G_DECLARE_FINAL_TYPE (EspPoolBackend, esp_pool_backend, ESP, POOL_BACKEND, EspBackend)

EspPoolBackend *esp_pool_backend_new (const char *provider,
                                      const char *title) G_GNUC_WARN_UNUSED_RESULT;
/* The id of a provider's pool: "PROVIDER@all". */
char *esp_pool_backend_make_id (const char *provider) G_GNUC_WARN_UNUSED_RESULT;
/* The id of the descriptor. */
char *esp_pool_backend_dup_provider (EspPoolBackend *self) G_GNUC_WARN_UNUSED_RESULT;

/* (element-type EspRemoteBackend) */
void esp_pool_backend_set_members (EspPoolBackend *self, GPtrArray *members);

/* Keeps `registry` as accounts and catalog are: one backend per account, in their order; a
 * descriptor of the person's that has no account yet, or has an error, is there, too, and says what
 * it needs. Lives until the registry is finalized. */
void esp_remote_backends_attach (EspRegistry *registry, EspProviderCatalog *catalog,
                                 EspAccounts *accounts);

G_END_DECLS
