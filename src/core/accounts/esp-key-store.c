/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-accounts"

#include "esp-key-private.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>

/* The same in every version: keys of earlier ones are found by it. */
static const SecretSchema schema = {
  .name = ESP_APP_ID ".ApiKey",
  .flags = SECRET_SCHEMA_NONE,
  .attributes = { { "account", SECRET_SCHEMA_ATTRIBUTE_STRING } },
};

/* What the key ring says is for programmers. Takes `reason`. */
static GError *
new_error (GError *reason)
{
  g_autoptr (GError) taken = reason;

  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_steal_pointer (&taken);
  if (g_error_matches (reason, SECRET_ERROR, SECRET_ERROR_IS_LOCKED)
      || (reason->domain == SECRET_ERROR && strstr (reason->message, "locked") != NULL))
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                                _ ("The key ring is locked. Unlock it, then try again."));

  g_debug ("The key ring: %s", reason->message);
  return g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                      _ ("There is no key ring on this computer that could keep the key (%s). "
                         "Start the desktop’s key ring, or install GNOME Keyring."),
                      reason->message);
}

/* --- Saving ----------------------------------------------------------------------------------- */

static void
on_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (secret_password_store_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, new_error (error));
}

void
esp_key_store_save_async (const char *account, const char *title, EspKey *key,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *label = NULL;
  const char *problem;

  g_return_if_fail (account != NULL && title != NULL && key != NULL);

  g_task_set_source_tag (task, esp_key_store_save_async);
  problem = esp_key_problem (esp_key_get (key));
  if (problem != NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                               _ ("This cannot be a key. %s"), problem);
      return;
    }

  /* Translators: the name of a key in the key ring; %s is a provider */
  label = g_strdup_printf (_ ("Espalier: key for %s"), title);
  secret_password_store (&schema, SECRET_COLLECTION_DEFAULT, label, esp_key_get (key), cancellable,
                         on_saved, g_object_ref (task), "account", account, NULL);
}

gboolean
esp_key_store_save_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Loading ---------------------------------------------------------------------------------- */

static EspKey *
take_password (char *password)
{
  EspKey *key = password != NULL ? esp_key_new (password) : NULL;

  secret_password_free (password);
  return key;
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  char *password = secret_password_lookup_nonpageable_finish (result, &error);

  if (error != NULL)
    g_task_return_error (task, new_error (error));
  else
    g_task_return_pointer (task, take_password (password), (GDestroyNotify) esp_key_unref);
}

void
esp_key_store_load_async (const char *account, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_return_if_fail (account != NULL);

  g_task_set_source_tag (task, esp_key_store_load_async);
  secret_password_lookup (&schema, cancellable, on_loaded, g_object_ref (task), "account", account,
                          NULL);
}

EspKey *
esp_key_store_load_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Removing --------------------------------------------------------------------------------- */

static void
on_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  /* FALSE without error: there was none, which is what was wanted. */
  secret_password_clear_finish (result, &error);
  if (error != NULL)
    g_task_return_error (task, new_error (error));
  else
    g_task_return_boolean (task, TRUE);
}

void
esp_key_store_remove_async (const char *account, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_return_if_fail (account != NULL);

  g_task_set_source_tag (task, esp_key_store_remove_async);
  secret_password_clear (&schema, cancellable, on_removed, g_object_ref (task), "account", account,
                         NULL);
}

gboolean
esp_key_store_remove_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

EspKey *
_esp_key_store_load_sync (const char *account)
{
  g_autoptr (GError) error = NULL;
  char *password
      = secret_password_lookup_nonpageable_sync (&schema, NULL, &error, "account", account, NULL);

  /* A server without a desktop has none: then there is no key in it either. */
  if (error != NULL)
    g_debug ("The key ring: %s", error->message);
  return take_password (password);
}
