/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-schema.h: what the provider itself says today of values and prices ("schema_from" of a
 * descriptor). One free request. */
#pragma once

#include "esp-http.h"
#include "esp-provider.h"

G_BEGIN_DECLS

typedef struct
{
  JsonNode *schema; /* or NULL */
  double price;     /* < 0 unknown */
} EspRemoteSchema;

void esp_remote_schema_free (EspRemoteSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspRemoteSchema, esp_remote_schema_free)

/* The descriptor must have a "schema_from". `key` may be NULL. */
void esp_remote_schema_load_async (EspHttp *http, EspProvider *provider, const char *base_url,
                                   gboolean base_is_own, JsonObject *config, const char *key,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
EspRemoteSchema *esp_remote_schema_load_finish (GAsyncResult *result,
                                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
