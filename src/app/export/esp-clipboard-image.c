/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-clipboard-image.c: a node's image for other programs. */
#define G_LOG_DOMAIN "esp-app-export"

#include "esp-clipboard-image.h"

GdkContentProvider *
esp_image_content_new (EspDocument *document, EspNode *node)
{
  return gdk_content_provider_new_typed (G_TYPE_STRING, "");
}

GdkContentProvider *
esp_image_file_content_new (EspDocument *document, EspNode *node)
{
  return gdk_content_provider_new_typed (G_TYPE_STRING, "");
}

void
esp_copy_image (GdkClipboard *clipboard, EspDocument *document, EspNode *node)
{
}

void
esp_open_image_with_async (GtkWindow *parent, EspDocument *document, EspNode *node,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_task_report_new_error (document, callback, user_data, esp_open_image_with_async, G_IO_ERROR,
                           G_IO_ERROR_NOT_SUPPORTED, "not yet");
}

gboolean
esp_open_image_with_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
