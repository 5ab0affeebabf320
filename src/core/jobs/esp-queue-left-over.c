/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-queue-left-over.c: turns that were under way when the program ended. */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-queue-private.h"

/* Providers' records of turns that the document has. */
static void
tidy (EspQueue *self, EspDocument *document, GPtrArray *nodes)
{
  GListModel *backends = esp_registry_get_backends (self->registry);
  g_autoptr (GHashTable) jobs = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) open = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = g_ptr_array_index (nodes, i);

      const char *job = esp_node_get_remote_job (node);

      if (job != NULL)
        g_hash_table_add (esp_node_get_state (node) == ESP_NODE_DONE ? jobs : open, (gpointer) job);
    }

  for (guint i = 0; g_hash_table_size (jobs) > 0 && i < g_list_model_get_n_items (backends); i++)
    {
      g_autoptr (EspBackend) backend = g_list_model_get_item (backends, i);

      esp_backend_tidy (backend, jobs, open, esp_document_get_title (document));
    }
}

GPtrArray *
esp_queue_dup_left_over (EspQueue *self, EspDocument *document)
{
  GPtrArray *left = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) nodes = NULL;

  g_return_val_if_fail (ESP_IS_QUEUE (self), left);
  g_return_val_if_fail (ESP_IS_DOCUMENT (document), left);

  /* What another process has open may be running there. */
  if (esp_document_get_access (document) != ESP_DOCUMENT_WRITABLE)
    return left;

  nodes = esp_document_dup_nodes (document);
  tidy (self, document, nodes);
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = g_ptr_array_index (nodes, i);
      EspNodeState state = esp_node_get_state (node);

      if ((state == ESP_NODE_QUEUED || state == ESP_NODE_RUNNING)
          && esp_queue_find (self, node) == NULL)
        g_ptr_array_add (left, g_object_ref (node));
    }

  return left;
}

static void
on_left_over_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspQueue) self = data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error))
    g_warning ("What became of a turn could not be stored: %s", error->message);
}

void
esp_queue_take_up (EspQueue *self, EspDocument *document, GPtrArray *nodes)
{
  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (nodes != NULL);

  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = g_ptr_array_index (nodes, i);

      /* Carried out before all that the job will store. */
      if (esp_node_get_state (node) == ESP_NODE_RUNNING)
        esp_document_set_state_async (document, node, ESP_NODE_QUEUED, NULL,
                                      esp_node_get_remote_job (node), NULL, on_left_over_stored,
                                      g_object_ref (self));
      esp_queue_add (self, document, node, FALSE);
    }
}

void
esp_queue_dismiss (EspQueue *self, EspDocument *document, GPtrArray *nodes)
{
  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (nodes != NULL);

  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = g_ptr_array_index (nodes, i);

      if (esp_queue_find (self, node) == NULL)
        /* What a provider has of it is kept: it can be fetched later. */
        esp_document_set_state_async (document, node, ESP_NODE_CANCELLED, NULL,
                                      esp_node_get_remote_job (node), NULL, on_left_over_stored,
                                      g_object_ref (self));
    }
}
