/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-accounts"

#include "esp-key-store.h"

struct _EspKey
{
  gatomicrefcount n;
  char *text;
};
EspKey *
esp_key_new (const char *text)
{
  EspKey *k = g_new0 (EspKey, 1);
  g_atomic_ref_count_init (&k->n);
  k->text = g_strstrip (g_strdup (text));
  return k;
}
EspKey *
esp_key_ref (EspKey *self)
{
  g_atomic_ref_count_inc (&self->n);
  return self;
}
void
esp_key_unref (EspKey *self)
{
  if (self != NULL && g_atomic_ref_count_dec (&self->n))
    {
      g_free (self->text);
      g_free (self);
    }
}
const char *
esp_key_get (EspKey *self)
{
  return self->text;
}
const char *
esp_key_problem (const char *text)
{
  return NULL;
}
static void
no (GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) t = g_task_new (NULL, NULL, callback, data);
  g_task_return_new_error (t, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "not yet");
}
void
esp_key_store_save_async (const char *account, const char *title, EspKey *key,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  no (callback, user_data);
}
gboolean
esp_key_store_save_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
void
esp_key_store_load_async (const char *account, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  no (callback, user_data);
}
EspKey *
esp_key_store_load_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
void
esp_key_store_remove_async (const char *account, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  no (callback, user_data);
}
gboolean
esp_key_store_remove_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
char *
esp_key_variable_name (const char *backend)
{
  return g_strdup ("ESPALIER_KEY");
}
EspKey *
esp_key_find (const char *backend, const char *file, GError **error)
{
  return NULL;
}
