/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-downloads-watch.c: see esp-downloads-watch.h. */
#include "esp-downloads-watch.h"

#include <glib/gi18n-lib.h>

#define KEY          "esp-downloads-watch"
#define NOTIFICATION "model-downloads"

typedef struct
{
  GApplication *application; /* owns this */
  EspModelDownloads *downloads;
  GHashTable *told; /* set of EspModelDownload that were told of; borrowed, for comparison only */
  gboolean holds;
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
  g_application_send_notification (watch->application, NOTIFICATION, notification);
}

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

/* Who looks at the program sees it there. */
static void
on_download_changed (GApplication *application, EspModelDownload *download)
{
  Watch *watch = g_object_get_data (G_OBJECT (application), KEY);
  EspModelDownloadState state = esp_model_download_get_state (download);
  const char *name = esp_model_offer_get_name (esp_model_download_get_offer (download));
  g_autofree char *text = NULL;

  if (watch == NULL)
    return;
  if (state != ESP_MODEL_DOWNLOAD_DONE && state != ESP_MODEL_DOWNLOAD_FAILED)
    {
      g_hash_table_remove (watch->told, download);
      return;
    }
  if (!g_hash_table_add (watch->told, download)
      || gtk_application_get_active_window (GTK_APPLICATION (watch->application)) != NULL)
    return;
  text = g_strdup_printf (state == ESP_MODEL_DOWNLOAD_DONE ? _ ("“%s” can be used now")
                                                           : _ ("“%s” could not be downloaded"),
                          name);
  notify (watch, text,
          state == ESP_MODEL_DOWNLOAD_FAILED ? esp_model_download_get_status (download) : NULL);
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
  if (watch->holds)
    g_application_release (watch->application);
  g_object_unref (watch->downloads);
  g_hash_table_unref (watch->told);
  g_free (watch);
}

void
esp_downloads_watch_attach (GApplication *application, EspModelDownloads *downloads)
{
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
  g_signal_connect (application, "window-removed", G_CALLBACK (on_window_removed), watch);
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
