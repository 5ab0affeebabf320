/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-local-backend.h"

struct _EspLocalBackend
{
  EspBackend parent_instance;

  GListStore *models;
};

G_DEFINE_FINAL_TYPE (EspLocalBackend, esp_local_backend, ESP_TYPE_BACKEND)

static const char *
get_id (EspBackend *backend)
{
  return "local";
}

static gboolean
is_remote (EspBackend *backend)
{
  return FALSE;
}

static guint
get_concurrency (EspBackend *backend)
{
  return 1;
}

static GListModel *
get_models (EspBackend *backend)
{
  return G_LIST_MODEL (ESP_LOCAL_BACKEND (backend)->models);
}

static void
run_async (EspBackend *backend, const EspBackendRequest *request, GCancellable *cancellable,
           EspBackendNewsFunc news, gpointer news_data, GAsyncReadyCallback callback,
           gpointer user_data)
{
  g_task_report_new_error (backend, callback, user_data, run_async, ESP_BACKEND_ERROR,
                           ESP_BACKEND_ERROR_FAILED, "not yet");
}

static EspBackendResult *
run_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
stop_async (EspBackend *backend, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (backend, NULL, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
stop_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
esp_local_backend_refresh (EspLocalBackend *self)
{
}

void
esp_local_backend_warm_up (EspLocalBackend *self, const char *model)
{
}

static void
esp_local_backend_class_init (EspLocalBackendClass *klass)
{
  EspBackendClass *backend_class = ESP_BACKEND_CLASS (klass);

  backend_class->get_id = get_id;
  backend_class->get_title = get_id;
  backend_class->is_remote = is_remote;
  backend_class->get_concurrency = get_concurrency;
  backend_class->get_models = get_models;
  backend_class->run_async = run_async;
  backend_class->run_finish = run_finish;
  backend_class->stop_async = stop_async;
  backend_class->stop_finish = stop_finish;
}

static void
esp_local_backend_init (EspLocalBackend *self)
{
  self->models = g_list_store_new (ESP_TYPE_MODEL);
}

EspBackend *
esp_local_backend_new (const char *program)
{
  return g_object_new (ESP_TYPE_LOCAL_BACKEND, NULL);
}
