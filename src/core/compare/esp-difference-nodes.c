/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference-nodes.c: the difference of two nodes' pictures, loaded and compared on threads. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-difference.h"
#include "esp-document.h"

void
esp_difference_nodes_async (EspDocument *document, EspNode *a, EspNode *b, int max_side,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (document, cancellable, callback, user_data);

  g_task_set_source_tag (task, esp_difference_nodes_async);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "not yet");
}

EspDifference *
esp_difference_nodes_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
