/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet-film.c: nodes as a moving picture: one after the other, or one wiped over the other. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-sheet.h"

void
esp_sheet_film_async (EspDocument *document, GPtrArray *nodes, EspSheetFilm film,
                      const char *const *captions, double seconds, int max_side, GFile *target,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (document, cancellable, callback, user_data);

  g_task_set_source_tag (task, esp_sheet_film_async);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "not yet");
}

gboolean
esp_sheet_film_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
