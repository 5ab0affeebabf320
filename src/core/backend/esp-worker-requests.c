/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker is asked for besides edits: one request and one answer each. */
#define G_LOG_DOMAIN "espalier-worker"

#include <glib/gi18n-lib.h>

#include "esp-json-object.h"
#include "esp-json-text.h"
#include "esp-worker-private.h"

void
esp_worker_describe_async (EspWorker *self, const char *model, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GString *line;

  g_return_if_fail (ESP_IS_WORKER (self));

  g_task_set_source_tag (task, esp_worker_describe_async);
  line = _esp_worker_begin_line (self, "describe");
  if (model != NULL)
    _esp_worker_put_model (self, line, model);
  _esp_worker_send_call (self, line, "description", task, NULL, NULL);
}

JsonObject *
esp_worker_describe_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  return _esp_worker_finish (self, result, esp_worker_describe_async, error);
}

void
esp_worker_inspect_async (EspWorker *self, const char *model, JsonObject *components,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GString *line;

  g_return_if_fail (ESP_IS_WORKER (self));
  g_return_if_fail (model != NULL);

  g_task_set_source_tag (task, esp_worker_inspect_async);
  _esp_worker_access_add_model (_esp_worker_get_access (self), model);
  _esp_worker_need_components (self, components);
  line = _esp_worker_begin_line (self, "inspect");
  esp_json_put_string (line, "model", model, -1);
  if (components != NULL && json_object_get_size (components) > 0)
    {
      g_autofree char *text = esp_json_dup_canonical (components);

      esp_json_put_raw (line, "components", text);
    }
  _esp_worker_send_call (self, line, "inspection", task, NULL, NULL);
}

JsonObject *
esp_worker_inspect_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  return _esp_worker_finish (self, result, esp_worker_inspect_async, error);
}

void
esp_worker_convert_async (EspWorker *self, const char *input, const char *output,
                          const char *format, GCancellable *cancellable, EspWorkerEventFunc events,
                          gpointer events_data, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GString *line;

  g_return_if_fail (ESP_IS_WORKER (self));
  g_return_if_fail (input != NULL && output != NULL && format != NULL);

  g_task_set_source_tag (task, esp_worker_convert_async);
  _esp_worker_access_add_weights (_esp_worker_get_access (self), input);
  _esp_worker_access_add_output (_esp_worker_get_access (self), output);
  line = _esp_worker_begin_line (self, "convert");
  esp_json_put_string (line, "input", input, -1);
  esp_json_put_string (line, "output", output, -1);
  esp_json_put_string (line, "format", format, -1);
  _esp_worker_send_call (self, line, "converted", task, events, events_data);
}

JsonObject *
esp_worker_convert_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  return _esp_worker_finish (self, result, esp_worker_convert_async, error);
}

void
esp_worker_load_async (EspWorker *self, const char *model, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GString *line;

  g_return_if_fail (ESP_IS_WORKER (self));
  g_return_if_fail (model != NULL);

  g_task_set_source_tag (task, esp_worker_load_async);
  line = _esp_worker_begin_line (self, "load");
  _esp_worker_put_model (self, line, model);
  _esp_worker_send_call (self, line, "loaded", task, NULL, NULL);
}

/* The member `key` of an answer, which must be of this kind, with a reference of its own. */
static gpointer
take_member (JsonObject *answer, const char *key, JsonNodeType kind, GError **error)
{
  JsonNode *node;

  if (answer == NULL)
    return NULL;

  node = json_object_get_member (answer, key);
  if (node == NULL || !JSON_NODE_HOLDS (node, kind))
    {
      g_set_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_PROTOCOL,
                   _ ("the engine's answer has no “%s”"), key);
      return NULL;
    }

  return kind == JSON_NODE_ARRAY ? (gpointer) json_array_ref (json_node_get_array (node))
                                 : (gpointer) json_object_ref (json_node_get_object (node));
}

JsonObject *
esp_worker_load_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonObject) answer = _esp_worker_finish (self, result, esp_worker_load_async, error);

  return take_member (answer, "model", JSON_NODE_OBJECT, error);
}

void
esp_worker_cache_async (EspWorker *self, gboolean clear, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GString *line;

  g_return_if_fail (ESP_IS_WORKER (self));

  g_task_set_source_tag (task, esp_worker_cache_async);
  line = _esp_worker_begin_line (self, "cache");
  esp_json_put_bool (line, "clear", clear);
  _esp_worker_send_call (self, line, "cache", task, NULL, NULL);
}

JsonObject *
esp_worker_cache_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonObject) answer = _esp_worker_finish (self, result, esp_worker_cache_async, error);

  return take_member (answer, "cache", JSON_NODE_OBJECT, error);
}

void
esp_worker_tokenize_async (EspWorker *self, const char *model, GPtrArray *texts,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GString *line;

  g_return_if_fail (ESP_IS_WORKER (self));
  g_return_if_fail (model != NULL);
  g_return_if_fail (texts != NULL);

  g_task_set_source_tag (task, esp_worker_tokenize_async);
  line = _esp_worker_begin_line (self, "tokenize");
  _esp_worker_put_model (self, line, model);
  esp_json_open (line, "texts", '[');
  for (guint i = 0; i < texts->len; i++)
    {
      gsize length;
      const char *text = g_bytes_get_data (g_ptr_array_index (texts, i), &length);

      esp_json_put_string (line, NULL, text != NULL ? text : "", (gssize) length);
    }
  esp_json_close (line, ']');
  _esp_worker_send_call (self, line, "tokens", task, NULL, NULL);
}

JsonArray *
esp_worker_tokenize_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonObject) answer
      = _esp_worker_finish (self, result, esp_worker_tokenize_async, error);

  return take_member (answer, "items", JSON_NODE_ARRAY, error);
}
