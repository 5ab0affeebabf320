/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-reload.c: reads a document again that someone else changed. What was done here and is
 * not in the file is put aside, never dropped. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-window-private.h"

typedef struct
{
  EspWindow *window;
  GFile *file;
  GFile *aside; /* where the work is that was not in the file, or NULL */
} Reload;

static void
reload_free (Reload *reload)
{
  g_object_unref (reload->window);
  g_object_unref (reload->file);
  g_clear_object (&reload->aside);
  g_free (reload);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reload, reload_free)

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Reload) reload = user_data;
  g_autoptr (GError) error = NULL;

  /* All of it is where it belongs by now; what came since is in the working copy. */
  if (!esp_document_close_finish (ESP_DOCUMENT (source), result, &error))
    g_debug ("%s", error->message);
  esp_window_open_document (reload->window, reload->file);
  if (reload->aside != NULL)
    esp_window_toast_put_aside (reload->window, esp_document_get_title (ESP_DOCUMENT (source)),
                                reload->aside);
}

static void
on_put_aside (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Reload) reload = user_data;
  EspWindow *self = reload->window;
  EspDocument *document = ESP_DOCUMENT (source);
  g_autoptr (GError) error = NULL;

  reload->aside = esp_document_put_aside_finish (document, result, &error);
  if (error == NULL)
    {
      esp_document_close_async (document, on_closed, g_steal_pointer (&reload));
      return;
    }
  /* It stays as it was: there is nowhere else where the work would be safe. */
  self->opening = FALSE;
  if (self->closing)
    {
      esp_document_close_async (document, NULL, NULL);
      return;
    }
  esp_window_set_document (self, document);
  esp_window_toast_error (self, _ ("Your version could not be put aside"), error);
}

void
esp_window_reload (EspWindow *self)
{
  EspApplication *application = ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));
  g_autoptr (EspDocument) document = NULL;
  Reload *reload;

  if (self->document == NULL)
    return;
  document = g_object_ref (self->document);
  reload = g_new0 (Reload, 1);
  reload->window = g_object_ref (self);
  reload->file = g_object_ref (esp_document_get_file (document));
  esp_queue_suspend_document (esp_application_get_queue (application), document);
  esp_window_set_document (self, NULL);
  self->opening = TRUE;
  esp_document_put_aside_async (document, NULL, on_put_aside, reload);
}
