/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-private.h"

struct _EspHttp
{
  GObject parent_instance;
  char *ca_file;
};

G_DEFINE_FINAL_TYPE (EspHttp, esp_http, G_TYPE_OBJECT)
G_DEFINE_QUARK (esp - http - error - quark, esp_http_error)

static void
esp_http_finalize (GObject *object)
{
  g_free (ESP_HTTP (object)->ca_file);
  G_OBJECT_CLASS (esp_http_parent_class)->finalize (object);
}

static void
esp_http_class_init (EspHttpClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_http_finalize;
}

static void
esp_http_init (EspHttp *self)
{
}

EspHttp *
esp_http_new (void)
{
  return g_object_new (ESP_TYPE_HTTP, NULL);
}

void
esp_http_set_ca_file (EspHttp *self, const char *path)
{
  g_return_if_fail (ESP_IS_HTTP (self));

  g_free (self->ca_file);
  self->ca_file = g_strdup (path);
}

gboolean
esp_http_has_websockets (void)
{
  return FALSE;
}

void
esp_http_answer_free (EspHttpAnswer *answer)
{
  if (answer == NULL)
    return;

  g_free (answer->content_type);
  g_clear_pointer (&answer->headers, g_hash_table_unref);
  g_clear_pointer (&answer->body, g_bytes_unref);
  g_free (answer->location);
  g_free (answer);
}

static void
not_yet (EspHttp *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_return_new_error (task, ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT, "not yet");
}

void
esp_http_send_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                     EspHttpProgressFunc progress, gpointer progress_data,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  not_yet (self, cancellable, callback, user_data);
}

EspHttpAnswer *
esp_http_send_finish (EspHttp *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_http_listen_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                       EspHttpEventFunc event, gpointer event_data, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  not_yet (self, cancellable, callback, user_data);
}

EspHttpAnswer *
esp_http_listen_finish (EspHttp *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_http_socket_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                       EspHttpMessageFunc message, gpointer message_data,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  not_yet (self, cancellable, callback, user_data);
}

gboolean
esp_http_socket_finish (EspHttp *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
