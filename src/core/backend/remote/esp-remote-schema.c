/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-schema.h"

#include "esp-remote-private.h"

#define TIME       20 /* s */
#define MAX_ANSWER (1u << 20)

static void
setup_free (gpointer data)
{
  EspRemoteSetup *setup = data;

  _esp_remote_setup_clear (setup);
  g_free (setup);
}

void
esp_remote_schema_free (EspRemoteSchema *schema)
{
  if (schema == NULL)
    return;

  g_clear_pointer (&schema->schema, json_node_unref);
  g_free (schema);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspRemoteSetup *setup = g_task_get_task_data (task);
  g_autoptr (EspHttpAnswer) http = NULL;
  g_autoptr (EspRemoteAnswer) answer = NULL;
  EspRemoteSchema *schema;
  JsonNode *found;
  GError *error = NULL;

  http = esp_http_send_finish (ESP_HTTP (source), result, &error);
  if (http == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  answer = _esp_remote_answer_new (http);
  _esp_remote_answer_parse (answer);
  if (answer->status != 200 || answer->root == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "HTTP %u", answer->status);
      return;
    }

  schema = g_new0 (EspRemoteSchema, 1);
  found = esp_pointer_find ((const char *const *) setup->descriptor->schema_at, answer->root);
  schema->schema = found != NULL ? json_node_copy (found) : NULL;
  if (!esp_pointer_get_number ((const char *const *) setup->descriptor->price_at, answer->root,
                               &schema->price)
      || schema->price < 0 || schema->price > 1000)
    schema->price = -1;
  g_task_return_pointer (task, schema, (GDestroyNotify) esp_remote_schema_free);
}

void
esp_remote_schema_load_async (EspHttp *http, EspProvider *provider, const char *base_url,
                              gboolean base_is_own, JsonObject *config, const char *key,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (EspHttpRequest) request = NULL;
  EspRemoteSetup *setup;
  GError *error = NULL;

  g_return_if_fail (ESP_IS_HTTP (http));
  g_return_if_fail (ESP_IS_PROVIDER (provider));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_remote_schema_load_async);
  setup = g_new0 (EspRemoteSetup, 1);
  g_task_set_task_data (task, setup, setup_free);

  if (_esp_remote_setup_init (setup, provider, base_url, base_is_own, config, key, &error))
    request
        = _esp_remote_request_build (setup, setup->descriptor->schema_from, setup->scope, &error);
  if (request == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  esp_http_request_set_timeouts (request, 0, TIME, TIME);
  esp_http_request_set_max_answer (request, MAX_ANSWER);
  esp_http_send_async (http, request, cancellable, NULL, NULL, on_answer, g_steal_pointer (&task));
}

EspRemoteSchema *
esp_remote_schema_load_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
