/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-sweep.c: the sweeps that a document knows, and the turns that are their cells. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

void
esp_document_add_sweep_async (EspDocument *self, gint64 sweep, const char *plan,
                              const EspSweepTurn *turns, guint n_turns, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  _esp_document_fail (self, esp_document_add_sweep_async, callback, user_data,
                      ESP_DOCUMENT_ERROR_ARGUMENT, "");
}

GPtrArray *
esp_document_add_sweep_finish (EspDocument *self, GAsyncResult *result, gint64 *sweep,
                               GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

const char *
esp_document_get_sweep_plan (EspDocument *self, gint64 sweep)
{
  return NULL;
}

GArray *
esp_document_dup_sweeps (EspDocument *self)
{
  return g_array_new (FALSE, FALSE, sizeof (gint64));
}
