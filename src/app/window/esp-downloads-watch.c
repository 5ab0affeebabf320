/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-downloads-watch.c: see esp-downloads-watch.h. */
#include "esp-downloads-watch.h"

#include <adwaita.h>
#include <glib/gi18n-lib.h>

#include "esp-notifier.h"
#include "esp-window.h"

#define KEY          "esp-downloads-watch"
#define NOTIFICATION "model-downloads"

typedef struct
{
  GApplication *application; /* owns this */
  EspModelDownloads *downloads;
  GHashTable *told; /* set of EspModelDownload that were told of; borrowed, for comparison only */
  gboolean holds;
  gboolean reminded; /* of what an earlier start left unfinished */
  AdwToast *toast;   /* that reminds; weak */
} Watch;

static gboolean
has_window (GApplication *application)
{
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (application)); l != NULL;
       l = l->next)
    if (gtk_widget_get_visible (l->data))
      return TRUE;
  return FALSE;
}

static void
notify (Watch *watch, const char *title, const char *body)
{
  g_autoptr (GNotification) notification = g_notification_new (title);

  if (body != NULL)
    g_notification_set_body (notification, body);
  g_notification_set_default_action (notification, "app.show-models");
  g_notification_add_button (notification, _ ("Show Models"), "app.show-models");
  g_application_send_notification (watch->application, NOTIFICATION, notification);
}

/* --- What an earlier start left unfinished ---------------------------------------------------- */

static gboolean
is_paused (EspModelDownload *download)
{
  return esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_PAUSED;
}

static void
resume_all (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Watch *watch = user_data;
  GListModel *list = G_LIST_MODEL (watch->downloads);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspModelDownload) download = g_list_model_get_item (list, i);

      if (is_paused (download))
        esp_model_download_resume_kept (download);
    }
}

/* NULL: there is nothing to be reminded of. */
static char *
dup_reminder (Watch *watch)
{
  GListModel *list = G_LIST_MODEL (watch->downloads);
  g_autoptr (EspModelDownload) first = NULL;
  g_autofree char *done = NULL;
  g_autofree char *total = NULL;
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspModelDownload) download = g_list_model_get_item (list, i);

      if (is_paused (download) && n++ == 0)
        first = g_object_ref (download);
    }
  if (n == 0)
    return NULL;
  if (n > 1)
    return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "The download of %u model is paused",
                                         "The downloads of %u models are paused", n),
                            n);

  done = g_format_size ((guint64) MAX (esp_model_download_get_done (first), 0));
  total = g_format_size ((guint64) MAX (esp_model_download_get_total (first), 0));
  /* Translators: a model, and two amounts of bytes */
  return g_strdup_printf (_ ("The download of “%s” is paused: %s of %s are there"),
                          esp_model_offer_get_name (esp_model_download_get_offer (first)), done,
                          total);
}

static void
remind (Watch *watch, EspWindow *window)
{
  g_autofree char *text = watch->reminded ? NULL : dup_reminder (watch);

  watch->reminded = TRUE;
  if (text != NULL)
    g_set_weak_pointer (&watch->toast, esp_window_toast_action (window, text, _ ("_Go On"),
                                                                "app.resume-downloads"));
}

/* Somebody goes on with it, or gave it up. */
static void
stop_reminding (Watch *watch)
{
  AdwToast *toast = watch->toast;

  g_clear_weak_pointer (&watch->toast);
  if (toast != NULL)
    adw_toast_dismiss (toast);
}

/* The person is there, at whichever window, and what it tells is on the screen. */
static void
on_is_active (GApplication *application, GParamSpec *pspec, GtkWindow *window)
{
  if (gtk_window_is_active (window))
    g_application_withdraw_notification (application, NOTIFICATION);
}

static void
on_toplevels_changed (GListModel *toplevels, guint position, guint removed, guint added,
                      Watch *watch)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (toplevels, i);

      g_signal_connect_object (window, "notify::is-active", G_CALLBACK (on_is_active),
                               watch->application, G_CONNECT_SWAPPED);
    }
}

static void
on_window_added (GtkApplication *application, GtkWindow *window, Watch *watch)
{
  if (ESP_IS_WINDOW (window))
    remind (watch, ESP_WINDOW (window));
}

/* --- While they run --------------------------------------------------------------------------- */

static void
on_active_changed (Watch *watch)
{
  gboolean active = esp_model_downloads_get_n_active (watch->downloads) > 0;

  if (active == watch->holds)
    return;
  watch->holds = active;
  if (active)
    g_application_hold (watch->application);
  else
    g_application_release (watch->application);
}

/* Who looks at the page of the models sees it there. Where another program is in front, a
 * notification tells as well, unless the person wants none of what is done. */
static void
tell (Watch *watch, EspModelDownload *download, const char *text)
{
  GtkWindow *active = gtk_application_get_active_window (GTK_APPLICATION (watch->application));
  const gboolean failed = esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_FAILED;
  GSettings *settings = esp_application_get_settings (ESP_APPLICATION (watch->application));

  if (ESP_IS_WINDOW (active))
    esp_window_toast_action (ESP_WINDOW (active), text, _ ("_Show"), "app.show-models");
  if (active == NULL
      || (!esp_notifier_is_in_front (NULL)
          && g_settings_get_boolean (settings, "notify-when-done")))
    notify (watch, text, failed ? esp_model_download_get_status (download) : NULL);
}

static void
on_download_changed (GApplication *application, EspModelDownload *download)
{
  Watch *watch = g_object_get_data (G_OBJECT (application), KEY);
  EspModelDownloadState state = esp_model_download_get_state (download);
  const char *name = esp_model_offer_get_name (esp_model_download_get_offer (download));
  g_autofree char *text = NULL;

  if (watch == NULL)
    return;
  if (state != ESP_MODEL_DOWNLOAD_PAUSED)
    stop_reminding (watch);
  if (state != ESP_MODEL_DOWNLOAD_DONE && state != ESP_MODEL_DOWNLOAD_FAILED)
    {
      g_hash_table_remove (watch->told, download);
      return;
    }
  if (!g_hash_table_add (watch->told, download))
    return;
  text = g_strdup_printf (state == ESP_MODEL_DOWNLOAD_DONE ? _ ("“%s” can be used now")
                                                           : _ ("“%s” could not be downloaded"),
                          name);
  tell (watch, download, text);
}

static void
watch_download (Watch *watch, EspModelDownload *download)
{
  EspModelDownloadState state = esp_model_download_get_state (download);

  if (state == ESP_MODEL_DOWNLOAD_DONE || state == ESP_MODEL_DOWNLOAD_FAILED)
    g_hash_table_add (watch->told, download);
  g_signal_connect_object (download, "changed", G_CALLBACK (on_download_changed),
                           watch->application, G_CONNECT_SWAPPED);
}

static void
on_items_changed (GListModel *list, guint position, guint removed, guint added, Watch *watch)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (EspModelDownload) download = g_list_model_get_item (list, i);

      watch_download (watch, download);
    }
}

static void
on_window_removed (GtkApplication *application, GtkWindow *window, Watch *watch)
{
  if (watch->holds && !has_window (watch->application))
    notify (watch, _ ("A model is still being downloaded"),
            _ ("The program goes on without a window until it is there."));
}

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  g_signal_handlers_disconnect_by_data (watch->application, watch);
  g_signal_handlers_disconnect_by_data (watch->downloads, watch);
  g_signal_handlers_disconnect_by_data (gtk_window_get_toplevels (), watch);
  if (watch->holds)
    g_application_release (watch->application);
  g_action_map_remove_action (G_ACTION_MAP (watch->application), "resume-downloads");
  g_clear_weak_pointer (&watch->toast);
  g_object_unref (watch->downloads);
  g_hash_table_unref (watch->told);
  g_free (watch);
}

void
esp_downloads_watch_attach (GApplication *application, EspModelDownloads *downloads)
{
  static const GActionEntry entries[] = { { .name = "resume-downloads", .activate = resume_all } };
  Watch *watch;

  g_return_if_fail (GTK_IS_APPLICATION (application));
  g_return_if_fail (ESP_IS_MODEL_DOWNLOADS (downloads));

  watch = g_new0 (Watch, 1);
  watch->application = application;
  watch->downloads = g_object_ref (downloads);
  watch->told = g_hash_table_new (NULL, NULL);
  g_object_set_data_full (G_OBJECT (application), KEY, watch, watch_free);
  g_signal_connect_swapped (downloads, "notify::n-active", G_CALLBACK (on_active_changed), watch);
  g_signal_connect (downloads, "items-changed", G_CALLBACK (on_items_changed), watch);
  g_action_map_add_action_entries (G_ACTION_MAP (application), entries, G_N_ELEMENTS (entries),
                                   watch);
  g_signal_connect (application, "window-added", G_CALLBACK (on_window_added), watch);
  g_signal_connect (application, "window-removed", G_CALLBACK (on_window_removed), watch);
  g_signal_connect (gtk_window_get_toplevels (), "items-changed", G_CALLBACK (on_toplevels_changed),
                    watch);
  on_items_changed (G_LIST_MODEL (downloads), 0, 0,
                    g_list_model_get_n_items (G_LIST_MODEL (downloads)), watch);
  on_active_changed (watch);
}

void
esp_downloads_watch_detach (GApplication *application)
{
  g_object_set_data (G_OBJECT (application), KEY, NULL);
}

void
esp_downloads_watch_quit (GApplication *application)
{
  Watch *watch = g_object_get_data (G_OBJECT (application), KEY);

  if (watch == NULL)
    return;
  g_application_withdraw_notification (application, NOTIFICATION);
  if (watch->holds)
    esp_model_downloads_stop_async (watch->downloads, NULL, NULL);
}
