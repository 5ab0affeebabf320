/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-show-uri.c: see esp-show-uri.h. */
#define G_LOG_DOMAIN "espalier-outside"

#include "esp-show-uri.h"

#include <adwaita.h>
#include <glib/gi18n-lib.h>

static void
on_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (gtk_show_uri_full_finish (GTK_IS_WINDOW (source) ? GTK_WINDOW (source) : NULL, result,
                                &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Takes the task. */
static void
show (GTask *task)
{
  gtk_show_uri_full (g_task_get_source_object (task), g_task_get_task_data (task), GDK_CURRENT_TIME,
                     g_task_get_cancellable (task), on_shown, task);
}

/* Takes the task. */
static void
refuse (GTask *task, const char *why)
{
  g_debug ("nothing outside opens things: %s", why);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s",
                           _ ("No program here opens this."));
  g_object_unref (task);
}

static void
on_portal (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) version
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_task_return_error_if_cancelled (task))
    g_object_unref (task);
  else if (version == NULL)
    refuse (task, error->message);
  else
    show (task);
}

/* Takes the task. */
static void
ask_portal (GTask *task)
{
  GApplication *application = g_application_get_default ();
  GDBusConnection *bus
      = application != NULL ? g_application_get_dbus_connection (application) : NULL;

  if (bus == NULL)
    refuse (task, "no bus");
  else
    g_dbus_connection_call (
        bus, "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop",
        "org.freedesktop.DBus.Properties", "Get",
        g_variant_new ("(ss)", "org.freedesktop.portal.OpenURI", "version"), G_VARIANT_TYPE ("(v)"),
        G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (task), on_portal, task);
}

static void
tell_failure (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *dialog;

  if (esp_show_uri_finish (GTK_WINDOW (source), result, &error)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || !gtk_widget_get_visible (GTK_WIDGET (source)))
    return;
  dialog = adw_message_dialog_new (GTK_WINDOW (source), NULL, error->message);
  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}

void
esp_show_uri_async (GtkWindow *parent, const char *uri, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (GTK_IS_WINDOW (parent) || (parent == NULL && callback != NULL));
  g_return_if_fail (uri != NULL);

  task = g_task_new (parent, cancellable, callback != NULL ? callback : tell_failure, user_data);
  g_task_set_source_tag (task, esp_show_uri_async);
  g_task_set_task_data (task, g_strdup (uri), g_free);
  if (g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS))
    ask_portal (task);
  else
    show (task);
}

gboolean
esp_show_uri_finish (GtkWindow *parent, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_show_uri_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
