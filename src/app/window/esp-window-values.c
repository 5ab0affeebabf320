/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-values.c: what is dropped onto the window, and what is pasted. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

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
  if (G_VALUE_HOLDS (value, GDK_TYPE_TEXTURE))
    {
      g_autoptr (GBytes) bytes = gdk_texture_save_to_png_bytes (g_value_get_object (value));

      esp_window_take_bytes (self, bytes, use);
      return TRUE;
    }
  return FALSE;
}

void
esp_window_add_reference_value (EspWindow *self, EspNode *node, const GValue *value)
{
  /* The next turn grows from the node that the picture was dropped onto. */
  if (node != NULL)
    esp_document_set_current (self->document, node);
  take_value (self, value, ESP_IMAGE_AS_REFERENCE);
}

static gboolean
on_drop (GtkDropTarget *target, const GValue *value, double x, double y, EspWindow *self)
{
  return take_value (self, value, ESP_IMAGE_AS_ROOT);
}

/* What comes from this window (a card, the image) is here already. */
static gboolean
on_accept (GtkDropTarget *target, GdkDrop *drop, EspWindow *self)
{
  return gdk_drop_get_drag (drop) == NULL
         && gdk_content_formats_match (gdk_drop_get_formats (drop),
                                       gtk_drop_target_get_formats (target));
}

static GdkDragAction
on_drop_enter (GtkDropTarget *target, double x, double y, EspWindow *self)
{
  gtk_widget_add_css_class (GTK_WIDGET (self->stack), "drop-here");
  return GDK_ACTION_COPY;
}

static void
on_drop_leave (GtkDropTarget *target, EspWindow *self)
{
  gtk_widget_remove_css_class (GTK_WIDGET (self->stack), "drop-here");
}

void
esp_window_init_drop (EspWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY);

  gtk_drop_target_set_gtypes (target, (GType[]){ GDK_TYPE_FILE_LIST, GDK_TYPE_TEXTURE }, 2);
  g_signal_connect (target, "accept", G_CALLBACK (on_accept), self);
  g_signal_connect (target, "enter", G_CALLBACK (on_drop_enter), self);
  g_signal_connect (target, "leave", G_CALLBACK (on_drop_leave), self);
  g_signal_connect (target, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (GTK_WIDGET (self->stack), GTK_EVENT_CONTROLLER (target));
}

/* --- The clipboard ---------------------------------------------------------------------------- */

static void
on_pasted_bytes (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GOutputStream) stream = G_OUTPUT_STREAM (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (g_output_stream_splice_finish (stream, result, &error) < 0)
    {
      esp_window_toast_error (self, _ ("The image could not be pasted"), error);
      return;
    }
  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (stream));
  if (!self->closing)
    esp_window_take_image (self, bytes, NULL);
}

static void
on_paste_stream (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream
      = gdk_clipboard_read_finish (GDK_CLIPBOARD (source), result, NULL, &error);

  if (stream == NULL)
    {
      esp_window_toast_error (self, _ ("The image could not be pasted"), error);
      return;
    }
  g_output_stream_splice_async (
      g_memory_output_stream_new_resizable (), stream,
      G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, G_PRIORITY_DEFAULT,
      self->cancellable, on_pasted_bytes, g_object_ref (self));
}

static void
on_paste_value (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, &error);

  if (value == NULL)
    esp_window_toast_error (self, _ ("The image could not be pasted"), error);
  else if (!self->closing)
    take_value (self, value, ESP_IMAGE_AS_ROOT);
}

void
esp_window_paste (EspWindow *self)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  GdkContentFormats *formats = gdk_clipboard_get_formats (clipboard);
  static const char *const types[]
      = { "image/png", "image/jpeg", "image/webp", "image/tiff", NULL };

  if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST))
    {
      gdk_clipboard_read_value_async (clipboard, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT,
                                      self->cancellable, on_paste_value, g_object_ref (self));
      return;
    }
  for (const char *const *type = types; *type != NULL; type++)
    if (gdk_content_formats_contain_mime_type (formats, *type))
      {
        gdk_clipboard_read_async (clipboard, (const char *[]){ *type, NULL }, G_PRIORITY_DEFAULT,
                                  self->cancellable, on_paste_stream, g_object_ref (self));
        return;
      }
  if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_TEXTURE))
    gdk_clipboard_read_value_async (clipboard, GDK_TYPE_TEXTURE, G_PRIORITY_DEFAULT,
                                    self->cancellable, on_paste_value, g_object_ref (self));
  else
    esp_window_toast (self, _ ("There is no image to paste."));
}
