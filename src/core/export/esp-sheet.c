/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet.c: contact sheets. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-sheet.h"

gboolean
esp_sheet_format_from_path (const char *path, EspSheetFormat *format, GError **error)
{
  *format = ESP_SHEET_PNG;
  return TRUE;
}

void
esp_sheet_export_async (EspDocument *document, const EspSheet *sheet, GFile *target,
                        EspSheetFormat format, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (document, cancellable, callback, user_data);

  g_task_set_source_tag (task, esp_sheet_export_async);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "not yet");
}

gboolean
esp_sheet_export_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
