/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-view.c: what is being looked at. Kept in memory at once and stored soon, many values
 * in one transaction. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <stdlib.h>

#define CURRENT_KEY "current"
#define STORE_DELAY 500 /* ms */

typedef struct
{
  GPtrArray *keys;   /* of char * */
  GPtrArray *values; /* the same, or NULL */
  GArray *ids;       /* of gint64 */
  GArray *folded;    /* of gboolean */
} ViewChange;

static void
free_view_change (gpointer data)
{
  ViewChange *change = data;

  g_ptr_array_unref (change->keys);
  g_ptr_array_unref (change->values);
  g_array_unref (change->ids);
  g_array_unref (change->folded);
  g_free (change);
}

static gboolean
write_view (EspCall *call, EspWriter *writer, GError **error)
{
  const ViewChange *change = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  sqlite3_stmt *statement;

  for (guint i = 0; i < change->keys->len; i++)
    if (!_esp_store_write_view (store, change->keys->pdata[i], change->values->pdata[i], error))
      return FALSE;
  statement = _esp_store_prepare (store, "UPDATE nodes SET folded = ?2 WHERE id = ?1", error);
  if (statement == NULL)
    return FALSE;
  for (guint i = 0; i < change->ids->len; i++)
    {
      sqlite3_bind_int64 (statement, 1, g_array_index (change->ids, gint64, i));
      sqlite3_bind_int (statement, 2, g_array_index (change->folded, gboolean, i));
      if (!_esp_store_run (store, statement, error))
        return FALSE;
    }
  return TRUE;
}

static void
collect_view (EspDocument *self, ViewChange *change)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->pending_view);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      g_ptr_array_add (change->keys, g_strdup (key));
      g_ptr_array_add (change->values, g_strdup (g_hash_table_lookup (self->view, key)));
    }
  g_hash_table_iter_init (&iter, self->pending_folded);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      EspNode *node = g_hash_table_lookup (self->nodes, key);
      const gboolean folded = node != NULL && esp_node_get_folded (node);

      g_array_append_vals (change->ids, key, 1);
      g_array_append_val (change->folded, folded);
    }
  g_hash_table_remove_all (self->pending_view);
  g_hash_table_remove_all (self->pending_folded);
}

void
_esp_document_flush_view (EspDocument *self)
{
  ViewChange *change;
  EspCall *call;

  if (self->view_timer != NULL)
    {
      g_source_destroy (self->view_timer);
      g_clear_pointer (&self->view_timer, g_source_unref);
    }
  if (self->closed || self->access != ESP_DOCUMENT_WRITABLE
      || g_hash_table_size (self->pending_view) + g_hash_table_size (self->pending_folded) == 0)
    return;

  change = g_new0 (ViewChange, 1);
  change->keys = g_ptr_array_new_with_free_func (g_free);
  change->values = g_ptr_array_new_with_free_func (g_free);
  change->ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  change->folded = g_array_new (FALSE, FALSE, sizeof (gboolean));
  collect_view (self, change);
  call = _esp_call_new (ESP_CALL_VIEW, NULL, change, free_view_change);
  call->work = write_view;
  _esp_writer_push (self->writer, call);
}

static gboolean
flush_later (gpointer data)
{
  _esp_document_flush_view (data);
  return G_SOURCE_REMOVE;
}

static void
plan_flush (EspDocument *self)
{
  if (self->view_timer != NULL || self->closed || self->access != ESP_DOCUMENT_WRITABLE)
    return;
  self->view_timer = g_timeout_source_new (STORE_DELAY);
  g_source_set_callback (self->view_timer, flush_later, self, NULL);
  g_source_attach (self->view_timer, self->context);
}

const char *
esp_document_get_view (EspDocument *self, const char *key)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);
  return g_hash_table_lookup (self->view, key);
}

void
esp_document_set_view (EspDocument *self, const char *key, const char *value)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (key != NULL);

  if (g_strcmp0 (g_hash_table_lookup (self->view, key), value) == 0)
    return;
  if (value != NULL)
    g_hash_table_replace (self->view, g_strdup (key), g_strdup (value));
  else
    g_hash_table_remove (self->view, key);
  g_hash_table_add (self->pending_view, g_strdup (key));
  plan_flush (self);
}

EspNode *
esp_document_get_current (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  return self->current;
}

static void
set_current (EspDocument *self, EspNode *node)
{
  g_autofree char *id = NULL;

  if (!g_set_object (&self->current, node))
    return;
  if (node != NULL)
    {
      id = g_strdup_printf ("%" G_GINT64_FORMAT, esp_node_get_id (node));
      esp_document_set_view (self, CURRENT_KEY, id);
    }
  _esp_document_emit_current (self);
}

void
esp_document_set_current (EspDocument *self, EspNode *node)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (_esp_document_owns (self, node));

  if (!esp_node_is_deleted (node))
    set_current (self, node);
}

/* The one remembered, or its nearest ancestor that is still there, or the latest picture. */
void
_esp_document_choose_current (EspDocument *self)
{
  EspNode *node = self->current;

  if (node != NULL && _esp_node_get_placed (node))
    return;
  if (node == NULL && g_hash_table_lookup (self->view, CURRENT_KEY) != NULL)
    node = _esp_document_lookup (
        self, g_ascii_strtoll (g_hash_table_lookup (self->view, CURRENT_KEY), NULL, 10));
  while (node != NULL && !_esp_node_get_placed (node))
    node = esp_node_get_parent (node);
  if (node == NULL)
    {
      GHashTableIter iter;
      gpointer other;

      g_hash_table_iter_init (&iter, self->nodes);
      while (g_hash_table_iter_next (&iter, NULL, &other))
        if (_esp_node_get_placed (other)
            && (node == NULL || (esp_node_has_image (other) && !esp_node_has_image (node))
                || (esp_node_has_image (other) == esp_node_has_image (node)
                    && esp_node_get_id (other) > esp_node_get_id (node))))
          node = other;
    }
  set_current (self, node);
}

void
esp_document_set_folded (EspDocument *self, EspNode *node, gboolean folded)
{
  gint64 id;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (_esp_document_owns (self, node));

  folded = folded != FALSE;
  if (esp_node_get_folded (node) == folded)
    return;
  id = esp_node_get_id (node);
  _esp_node_set_folded (node, folded);
  g_hash_table_add (self->pending_folded, g_memdup2 (&id, sizeof id));
  plan_flush (self);
  _esp_node_changed (node, ESP_NODE_CHANGE_FOLDED);
}
