/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-key.c: the key of a backend's account. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-fault.h"
#include "esp-remote-backend-private.h"

EspKey *
_esp_remote_backend_dup_environment_key (EspRemoteBackend *self)
{
  g_autofree char *name = esp_key_variable_name (self->id);
  const char *value = g_getenv (name);

  return value != NULL && esp_key_problem (value) == NULL ? esp_key_new (value) : NULL;
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspRemoteBackend *self = g_task_get_source_object (task);
  GError *error = NULL;
  EspKey *key = esp_key_store_load_finish (result, &error);

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  g_clear_pointer (&self->key, esp_key_unref);
  self->key = key != NULL ? esp_key_ref (key) : NULL;
  g_task_return_pointer (task, key, (GDestroyNotify) esp_key_unref);
}

void
_esp_remote_backend_load_key_async (EspRemoteBackend *self, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  const EspDescriptor *descriptor = esp_provider_get_descriptor (self->provider);
  EspKey *key;

  g_task_set_source_tag (task, _esp_remote_backend_load_key_async);
  key = self->key != NULL ? esp_key_ref (self->key)
                          : _esp_remote_backend_dup_environment_key (self);
  if (key != NULL)
    {
      g_task_return_pointer (task, key, (GDestroyNotify) esp_key_unref);
      return;
    }

  /* Whoever has a server of their own without keys may have no key ring either. */
  if (descriptor->auth_header == NULL
      || (descriptor->auth_optional
          && (self->account == NULL || !esp_account_get_has_key (self->account))))
    {
      g_task_return_pointer (task, NULL, NULL);
      return;
    }

  esp_key_store_load_async (self->id, cancellable, on_loaded, g_object_ref (task));
}

EspKey *
_esp_remote_backend_load_key_finish (EspRemoteBackend *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
