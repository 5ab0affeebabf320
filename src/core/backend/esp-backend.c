/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-backend.h"

G_DEFINE_ABSTRACT_TYPE (EspBackend, esp_backend, G_TYPE_OBJECT)

typedef struct
{
  gpointer detail;
  GBoxedCopyFunc copy;
  GDestroyNotify destroy;
} EspBackendErrorPrivate;

static void
esp_backend_error_private_init (EspBackendErrorPrivate *priv)
{
}

static void
esp_backend_error_private_copy (const EspBackendErrorPrivate *source,
                                EspBackendErrorPrivate *target)
{
  *target = *source;
  if (source->detail != NULL)
    target->detail = source->copy (source->detail);
}

static void
esp_backend_error_private_clear (EspBackendErrorPrivate *priv)
{
  if (priv->detail != NULL)
    priv->destroy (priv->detail);
}

G_DEFINE_EXTENDED_ERROR (EspBackendError, esp_backend_error)

void
esp_backend_error_set_detail (GError *error, gpointer detail, GBoxedCopyFunc copy,
                              GDestroyNotify destroy)
{
  EspBackendErrorPrivate *priv;

  g_return_if_fail (error != NULL && error->domain == ESP_BACKEND_ERROR);
  g_return_if_fail (copy != NULL && destroy != NULL);

  priv = esp_backend_error_get_private (error);
  esp_backend_error_private_clear (priv);
  priv->detail = detail;
  priv->copy = copy;
  priv->destroy = destroy;
}

gconstpointer
esp_backend_error_get_detail (const GError *error, GBoxedCopyFunc copy)
{
  EspBackendErrorPrivate *priv;

  if (error == NULL || error->domain != ESP_BACKEND_ERROR)
    return NULL;

  priv = esp_backend_error_get_private (error);
  return priv->copy == copy ? priv->detail : NULL;
}

EspBackendResult *
esp_backend_result_new (GBytes *image)
{
  EspBackendResult *result;

  g_return_val_if_fail (image != NULL, NULL);

  result = g_new0 (EspBackendResult, 1);
  result->image = g_bytes_ref (image);
  result->seconds = -1;
  result->cost = -1;
  return result;
}

void
esp_backend_result_free (EspBackendResult *result)
{
  if (result == NULL)
    return;

  g_clear_pointer (&result->image, g_bytes_unref);
  g_clear_pointer (&result->timings, json_object_unref);
  g_clear_pointer (&result->parameters, json_object_unref);
  g_free (result->currency);
  g_free (result->model_hash);
  g_free (result->model_name);
  g_free (result->provider_job);
  g_clear_pointer (&result->more, g_ptr_array_unref);
  g_clear_pointer (&result->notes, g_ptr_array_unref);
  g_clear_pointer (&result->latents, g_bytes_unref);
  g_free (result);
}

const char *
esp_backend_get_id (EspBackend *self)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), NULL);

  return ESP_BACKEND_GET_CLASS (self)->get_id (self);
}

const char *
esp_backend_get_title (EspBackend *self)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), NULL);

  return ESP_BACKEND_GET_CLASS (self)->get_title (self);
}

gboolean
esp_backend_is_remote (EspBackend *self)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), FALSE);

  return ESP_BACKEND_GET_CLASS (self)->is_remote (self);
}

guint
esp_backend_get_concurrency (EspBackend *self)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), 1);

  return MAX (1, ESP_BACKEND_GET_CLASS (self)->get_concurrency (self));
}

guint
esp_backend_get_batch (EspBackend *self, const char *model, JsonObject *parameters)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), 1);
  g_return_val_if_fail (parameters != NULL, 1);

  if (ESP_BACKEND_GET_CLASS (self)->get_batch == NULL)
    return 1;
  return MAX (1, ESP_BACKEND_GET_CLASS (self)->get_batch (self, model, parameters));
}

GListModel *
esp_backend_get_models (EspBackend *self)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), NULL);

  return ESP_BACKEND_GET_CLASS (self)->get_models (self);
}

void
esp_backend_run_async (EspBackend *self, const EspBackendRequest *request,
                       GCancellable *cancellable, EspBackendNewsFunc news, gpointer news_data,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ESP_IS_BACKEND (self));
  g_return_if_fail (request != NULL);
  g_return_if_fail (request->images != NULL && request->images->len > 0);
  g_return_if_fail (request->parameters != NULL);

  ESP_BACKEND_GET_CLASS (self)->run_async (self, request, cancellable, news, news_data, callback,
                                           user_data);
}

EspBackendResult *
esp_backend_run_finish (EspBackend *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), NULL);

  return ESP_BACKEND_GET_CLASS (self)->run_finish (self, result, error);
}

void
esp_backend_prepare (EspBackend *self, EspModel *model)
{
  g_return_if_fail (ESP_IS_BACKEND (self));
  g_return_if_fail (ESP_IS_MODEL (model));

  if (ESP_BACKEND_GET_CLASS (self)->prepare != NULL)
    ESP_BACKEND_GET_CLASS (self)->prepare (self, model);
}

gboolean
esp_backend_has_kept (EspBackend *self, const char *remote_job)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), FALSE);

  return remote_job != NULL && ESP_BACKEND_GET_CLASS (self)->has_kept != NULL
         && ESP_BACKEND_GET_CLASS (self)->has_kept (self, remote_job);
}

void
esp_backend_let_go (EspBackend *self, GCancellable *cancellable)
{
  g_return_if_fail (ESP_IS_BACKEND (self));
  g_return_if_fail (G_IS_CANCELLABLE (cancellable));

  if (ESP_BACKEND_GET_CLASS (self)->let_go != NULL)
    ESP_BACKEND_GET_CLASS (self)->let_go (self, cancellable);
}

void
esp_backend_release (EspBackend *self, const char *remote_job)
{
  g_return_if_fail (ESP_IS_BACKEND (self));

  if (remote_job != NULL && ESP_BACKEND_GET_CLASS (self)->release != NULL)
    ESP_BACKEND_GET_CLASS (self)->release (self, remote_job);
}

void
esp_backend_settle_async (EspBackend *self, const char *remote_job, const EspBackendResult *result,
                          const char *document, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (ESP_IS_BACKEND (self));
  g_return_if_fail (remote_job != NULL && result != NULL);

  if (ESP_BACKEND_GET_CLASS (self)->settle_async != NULL)
    {
      ESP_BACKEND_GET_CLASS (self)->settle_async (self, remote_job, result, document, callback,
                                                  user_data);
      return;
    }
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, esp_backend_settle_async);
  g_task_return_boolean (task, TRUE);
}

void
esp_backend_tidy (EspBackend *self, GHashTable *jobs, GHashTable *open, const char *document)
{
  g_return_if_fail (ESP_IS_BACKEND (self));
  g_return_if_fail (jobs != NULL);

  if (ESP_BACKEND_GET_CLASS (self)->tidy != NULL)
    ESP_BACKEND_GET_CLASS (self)->tidy (self, jobs, open, document);
}

void
esp_backend_stop_async (EspBackend *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ESP_IS_BACKEND (self));

  ESP_BACKEND_GET_CLASS (self)->stop_async (self, callback, user_data);
}

gboolean
esp_backend_stop_finish (EspBackend *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (ESP_IS_BACKEND (self), FALSE);

  return ESP_BACKEND_GET_CLASS (self)->stop_finish (self, result, error);
}

static void
esp_backend_class_init (EspBackendClass *klass)
{
}

static void
esp_backend_init (EspBackend *self)
{
}
