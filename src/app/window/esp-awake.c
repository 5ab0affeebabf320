/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-awake.c: see esp-awake.h. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-awake.h"

#include <glib/gi18n-lib.h>

#define KEY              "esp-awake"
#define PORTAL_NAME      "org.freedesktop.portal.Desktop"
#define PORTAL_PATH      "/org/freedesktop/portal/desktop"
#define PORTAL_INTERFACE "org.freedesktop.portal.Background"
#define TOKEN            "espalier"

typedef struct
{
  GtkApplication *application; /* owns this */
  EspQueue *queue;
  EspModelDownloads *downloads;
  guint update_id;
  guint cookie;       /* of the inhibition; 0: none */
  const char *reason; /* that it was given */

  /* The portal. */
  gboolean in_background; /* it was told so */
  guint answer_id;        /* subscription to its answer */
  GCancellable *cancellable;
} Awake;

/* What is under way, for people; NULL: nothing. */
static const char *
get_reason (Awake *awake)
{
  if (esp_queue_get_n_running (awake->queue) > 0)
    return _ ("Turns are under way");
  if (esp_model_downloads_get_n_active (awake->downloads) > 0)
    return _ ("A model is being downloaded");
  return NULL;
}

static gboolean
has_window (Awake *awake)
{
  for (GList *l = gtk_application_get_windows (awake->application); l != NULL; l = l->next)
    if (gtk_widget_get_visible (l->data))
      return TRUE;
  return FALSE;
}

/* --- Suspending and logging out --------------------------------------------------------------- */

static void
update_inhibition (Awake *awake, const char *reason)
{
  if (reason == awake->reason)
    return;
  awake->reason = reason;
  if (awake->cookie != 0)
    gtk_application_uninhibit (awake->application, awake->cookie);
  awake->cookie
      = reason == NULL
            ? 0
            : gtk_application_inhibit (
                awake->application, gtk_application_get_active_window (awake->application),
                GTK_APPLICATION_INHIBIT_SUSPEND | GTK_APPLICATION_INHIBIT_LOGOUT, reason);
}

/* --- The Background portal -------------------------------------------------------------------- */

/* Outside of a sandbox nothing is started for it. */
static void
call_portal (Awake *awake, const char *method, GVariant *parameters)
{
  GDBusConnection *bus = g_application_get_dbus_connection (G_APPLICATION (awake->application));
  const gboolean sandboxed = g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS);

  g_variant_ref_sink (parameters);
  if (bus != NULL)
    g_dbus_connection_call (bus, PORTAL_NAME, PORTAL_PATH, PORTAL_INTERFACE, method, parameters,
                            NULL,
                            sandboxed ? G_DBUS_CALL_FLAGS_NONE : G_DBUS_CALL_FLAGS_NO_AUTO_START,
                            -1, awake->cancellable, NULL, NULL);
  g_variant_unref (parameters);
}

static void
stop_listening (Awake *awake)
{
  GDBusConnection *bus = g_application_get_dbus_connection (G_APPLICATION (awake->application));

  if (awake->answer_id != 0 && bus != NULL)
    g_dbus_connection_signal_unsubscribe (bus, awake->answer_id);
  awake->answer_id = 0;
}

static void
on_answer (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer user_data)
{
  Awake *awake = user_data;
  g_autoptr (GVariant) results = NULL;
  guint32 response = 0;
  gboolean allowed = TRUE;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ua{sv})")))
    return;
  g_variant_get (parameters, "(u@a{sv})", &response, &results);
  g_variant_lookup (results, "background", "b", &allowed);
  stop_listening (awake);
  /* It would be ended before long; with a window it is not. */
  if ((response != 0 || !allowed) && awake->in_background)
    g_application_activate (G_APPLICATION (awake->application));
}

static void
ask_portal (Awake *awake, const char *reason)
{
  GDBusConnection *bus = g_application_get_dbus_connection (G_APPLICATION (awake->application));
  g_autofree char *sender = NULL;
  g_autofree char *path = NULL;
  GVariantBuilder options;

  if (bus == NULL)
    return;
  /* Its answer comes to a path that follows from our name and the token. */
  sender = g_strdelimit (g_strdup (g_dbus_connection_get_unique_name (bus) + 1), ".", '_');
  path = g_strconcat (PORTAL_PATH "/request/", sender, "/" TOKEN, NULL);
  stop_listening (awake);
  awake->answer_id = g_dbus_connection_signal_subscribe (
      bus, PORTAL_NAME, "org.freedesktop.portal.Request", "Response", path, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, on_answer, awake, NULL);
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "handle_token", g_variant_new_string (TOKEN));
  g_variant_builder_add (&options, "{sv}", "reason", g_variant_new_string (reason));
  g_variant_builder_add (&options, "{sv}", "autostart", g_variant_new_boolean (FALSE));
  g_variant_builder_add (&options, "{sv}", "dbus-activatable", g_variant_new_boolean (FALSE));
  call_portal (awake, "RequestBackground", g_variant_new ("(sa{sv})", "", &options));
}

static void
set_status (Awake *awake, const char *message)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "message", g_variant_new_string (message));
  call_portal (awake, "SetStatus", g_variant_new ("(a{sv})", &options));
}

static void
update_background (Awake *awake, const char *reason)
{
  const gboolean in_background = reason != NULL && !has_window (awake);

  if (in_background == awake->in_background)
    return;
  awake->in_background = in_background;
  if (in_background)
    ask_portal (awake, reason);
  set_status (awake, in_background ? reason : "");
}

/* --- What changes ----------------------------------------------------------------------------- */

static gboolean
update (gpointer user_data)
{
  Awake *awake = user_data;
  const char *reason = get_reason (awake);

  awake->update_id = 0;
  update_inhibition (awake, reason);
  update_background (awake, reason);
  return G_SOURCE_REMOVE;
}

/* Between a turn and the next there is a moment without any. */
static void
update_later (Awake *awake)
{
  if (awake->update_id == 0)
    awake->update_id = g_idle_add (update, awake);
}

static void
on_job_changed (GtkApplication *application)
{
  Awake *awake = g_object_get_data (G_OBJECT (application), KEY);

  if (awake != NULL)
    update_later (awake);
}

static void
on_job_added (EspQueue *queue, EspJob *job, Awake *awake)
{
  g_signal_connect_object (job, "changed", G_CALLBACK (on_job_changed), awake->application,
                           G_CONNECT_SWAPPED);
  update_later (awake);
}

static void
on_window_added (GtkApplication *application, GtkWindow *window, Awake *awake)
{
  g_signal_connect_object (window, "notify::visible", G_CALLBACK (on_job_changed), application,
                           G_CONNECT_SWAPPED);
  update_later (awake);
}

static void
awake_free (gpointer data)
{
  Awake *awake = data;

  g_clear_handle_id (&awake->update_id, g_source_remove);
  g_signal_handlers_disconnect_by_data (awake->application, awake);
  g_signal_handlers_disconnect_by_data (awake->queue, awake);
  g_signal_handlers_disconnect_by_data (esp_queue_get_jobs (awake->queue), awake);
  g_signal_handlers_disconnect_by_data (awake->downloads, awake);
  stop_listening (awake);
  g_cancellable_cancel (awake->cancellable);
  update_inhibition (awake, NULL);
  g_object_unref (awake->cancellable);
  g_object_unref (awake->downloads);
  g_object_unref (awake->queue);
  g_free (awake);
}

void
esp_awake_attach (GtkApplication *application, EspQueue *queue, EspModelDownloads *downloads)
{
  Awake *awake;

  g_return_if_fail (GTK_IS_APPLICATION (application));
  g_return_if_fail (ESP_IS_QUEUE (queue));
  g_return_if_fail (ESP_IS_MODEL_DOWNLOADS (downloads));

  awake = g_new0 (Awake, 1);
  awake->application = application;
  awake->queue = g_object_ref (queue);
  awake->downloads = g_object_ref (downloads);
  awake->cancellable = g_cancellable_new ();
  g_object_set_data_full (G_OBJECT (application), KEY, awake, awake_free);
  g_signal_connect (queue, "job-added", G_CALLBACK (on_job_added), awake);
  g_signal_connect_swapped (queue, "job-finished", G_CALLBACK (update_later), awake);
  g_signal_connect_swapped (esp_queue_get_jobs (queue), "items-changed", G_CALLBACK (update_later),
                            awake);
  g_signal_connect_swapped (downloads, "notify::n-active", G_CALLBACK (update_later), awake);
  g_signal_connect (application, "window-added", G_CALLBACK (on_window_added), awake);
  g_signal_connect_swapped (application, "window-removed", G_CALLBACK (update_later), awake);
  update_later (awake);
}

void
esp_awake_detach (GtkApplication *application)
{
  g_object_set_data (G_OBJECT (application), KEY, NULL);
}
