/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-values.c: what is dropped onto the window, and what is pasted. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-drop.h"
#include "esp-window-private.h"

/* --- Drops ------------------------------------------------------------------------------------ */

static gboolean
take_value (EspWindow *self, const GValue *value, EspImageUse use)
{
  EspApplication *application = ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));

  if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    {
      g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

      for (GSList *l = files; l != NULL; l = l->next)
        {
          /* In a document photos become part of it; in an empty window each makes its own. */
          if (esp_window_is_document (l->data)
              || (self->document == NULL && use == ESP_IMAGE_AS_ROOT))
            esp_application_open_file (application, self, l->data);
          else
            esp_window_load_image (self, l->data, use);
        }
      return files != NULL;
    }
  if (!G_VALUE_HOLDS (value, G_TYPE_BYTES))
    return FALSE;
  if (use == ESP_IMAGE_AS_ROOT)
    esp_window_take_image (self, g_value_get_boxed (value), NULL);
  else
    esp_window_take_bytes (self, g_value_get_boxed (value), use);
  return TRUE;
}

void
esp_window_add_reference_value (EspWindow *self, EspNode *node, const GValue *value)
{
  /* The next turn grows from the node that the picture was dropped onto. */
  if (node != NULL)
    esp_document_set_current (self->document, node);
  take_value (self, value, ESP_IMAGE_AS_REFERENCE);
}

/* What comes from this window (a card, the image) is here already. */
static gboolean
on_accept (GtkWidget *widget, GdkDrop *drop)
{
  return gdk_drop_get_drag (drop) == NULL;
}

static GdkDragAction
on_over (GtkWidget *widget, GObject *own, gboolean move, double x, double y)
{
  gtk_widget_add_css_class (widget, "drop-here");
  return GDK_ACTION_COPY;
}

static void
on_leave (GtkWidget *widget)
{
  gtk_widget_remove_css_class (widget, "drop-here");
}

static gboolean
on_take (GtkWidget *widget, GObject *place, const GValue *value)
{
  EspWindow *self = ESP_WINDOW (gtk_widget_get_root (widget));

  return !self->closing && take_value (self, value, ESP_IMAGE_AS_ROOT);
}

static void
on_fail (GtkWidget *widget, const GError *error)
{
  esp_window_tell_drop_failed (ESP_WINDOW (gtk_widget_get_root (widget)), error);
}

void
esp_window_tell_drop_failed (EspWindow *self, const GError *error)
{
  if (!self->closing)
    esp_window_toast_error (self, _ ("What was dropped could not be taken"), error);
}

void
esp_window_init_drop (EspWindow *self)
{
  static const EspDrop drop = {
    .kinds = ESP_INCOMING_FILES | ESP_INCOMING_IMAGE,
    .actions = GDK_ACTION_COPY,
    .accept = on_accept,
    .over = on_over,
    .leave = on_leave,
    .take = on_take,
    .fail = on_fail,
  };

  esp_drop_attach (GTK_WIDGET (self->stack), &drop);
}

/* --- The clipboard ---------------------------------------------------------------------------- */

static void
on_pasted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  if (esp_incoming_read_finish (result, &value, &error))
    {
      if (!self->closing)
        take_value (self, &value, ESP_IMAGE_AS_ROOT);
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    esp_window_toast (self, _ ("There is no image to paste."));
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    esp_window_toast_error (self, _ ("The image could not be pasted"), error);
}

void
esp_window_paste (EspWindow *self)
{
  esp_incoming_read_clipboard_async (gtk_widget_get_clipboard (GTK_WIDGET (self)),
                                     ESP_INCOMING_FILES | ESP_INCOMING_IMAGE, NULL,
                                     self->cancellable, on_pasted, g_object_ref (self));
}
