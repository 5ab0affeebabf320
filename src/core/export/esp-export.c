/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export.c: images of a document as files. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-export.h"

void
esp_export_async (EspDocument *document, EspNode *node, GFile *target,
                  const EspExportOptions *options, EspExportProgress progress,
                  gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
                  gpointer user_data)
{
  g_task_report_new_error (document, callback, user_data, esp_export_async, G_IO_ERROR,
                           G_IO_ERROR_NOT_SUPPORTED, "not yet");
}

GPtrArray *
esp_export_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_export_encode_async (EspDocument *document, EspNode *node, const EspExportOptions *options,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_task_report_new_error (document, callback, user_data, esp_export_encode_async, G_IO_ERROR,
                           G_IO_ERROR_NOT_SUPPORTED, "not yet");
}

GBytes *
esp_export_encode_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

char *
esp_export_dup_file_name (EspDocument *document, EspNode *node, EspExportFormat format)
{
  return g_strdup ("image.png");
}

JsonNode *
esp_export_dup_recipe (EspDocument *document, EspNode *node)
{
  return json_node_new (JSON_NODE_NULL);
}

char *
esp_export_dup_command (EspDocument *document, EspNode *node)
{
  return g_strdup ("espalier-cli edit");
}
