/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-registry.h: the backends there are, and all their models in one list. */
#pragma once

#include "esp-backend.h"

G_BEGIN_DECLS

#define ESP_TYPE_REGISTRY (esp_registry_get_type ())

G_DECLARE_FINAL_TYPE (EspRegistry, esp_registry, ESP, REGISTRY, GObject)

EspRegistry *esp_registry_new (void) G_GNUC_WARN_UNUSED_RESULT; /* empty */
EspRegistry *esp_registry_new_installed (void)
    G_GNUC_WARN_UNUSED_RESULT; /* with every backend of the program */

void esp_registry_add (EspRegistry *self, EspBackend *backend);
/* `position` among the backends; G_MAXUINT: the end. */
void esp_registry_insert (EspRegistry *self, guint position, EspBackend *backend);
/* Whoever runs a turn with it keeps it until that is over. */
void esp_registry_remove (EspRegistry *self, EspBackend *backend);
EspBackend *esp_registry_find_backend (EspRegistry *self, const char *id); /* borrowed, or NULL */
GListModel *esp_registry_get_backends (EspRegistry *self);                 /* of EspBackend */

/* What people call a backend. One that is not there has its id for a name and is remote: what is
 * here is there. `self` may be NULL. */
const char *esp_registry_get_backend_title (EspRegistry *self, const char *id);
gboolean esp_registry_is_backend_remote (EspRegistry *self, const char *id);

EspModel *esp_registry_find_model (EspRegistry *self, const char *backend,
                                   const char *model);   /* borrowed, or NULL */
GListModel *esp_registry_get_models (EspRegistry *self); /* of EspModel, by backend */

/* What a new composer starts with: the first model that is ready and no demo, else the first ready
 * one; those of providers after them, for nothing is sent anywhere unless someone chose that; else
 * the first. NULL if there is none. One that waits to be prepared counts as ready. */
EspModel *esp_registry_get_default_model (EspRegistry *self);

/* Stops every backend. */
void esp_registry_stop_async (EspRegistry *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_registry_stop_finish (EspRegistry *self, GAsyncResult *result, GError **error);

G_END_DECLS
