/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-restore.c: what was deleted in this session or an earlier one, and how it comes
 * back. Undo is in memory and ends with the session; the rows of deleted nodes stay until a purge.
 */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>

/* --- What there is ---------------------------------------------------------------------------- */

void
esp_deleted_branch_free (EspDeletedBranch *branch)
{
  if (branch == NULL)
    return;
  g_object_unref (branch->node);
  g_free (branch);
}

static EspNode *
get_deleted_parent (EspNode *node)
{
  EspNode *parent = esp_node_get_parent (node);

  return parent != NULL && esp_node_is_deleted (parent) ? parent : NULL;
}

/* The topmost deleted node above `node`. `tops` holds those of all that were passed on the way, so
 * that a long branch is climbed once. */
static EspNode *
find_top (GHashTable *tops, EspNode *node)
{
  EspNode *known = node, *top;

  while (g_hash_table_lookup (tops, known) == NULL && get_deleted_parent (known) != NULL)
    known = get_deleted_parent (known);
  top = g_hash_table_lookup (tops, known);
  if (top == NULL)
    top = known;
  for (EspNode *passed = node; passed != known; passed = get_deleted_parent (passed))
    g_hash_table_insert (tops, passed, top);
  g_hash_table_insert (tops, known, top);
  return top;
}

static int
compare_branches (gconstpointer a, gconstpointer b)
{
  const EspDeletedBranch *x = *(EspDeletedBranch *const *) a, *y = *(EspDeletedBranch *const *) b;
  const gint64 i = esp_node_get_id (x->node), j = esp_node_get_id (y->node);

  if (x->latest != y->latest)
    return x->latest > y->latest ? -1 : 1;
  return (j > i) - (j < i);
}

GPtrArray *
esp_document_dup_deleted (EspDocument *self)
{
  g_autoptr (GPtrArray) branches
      = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_deleted_branch_free);
  g_autoptr (GHashTable) tops = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) by_top = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer node;

  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    {
      EspDeletedBranch *branch;
      EspNode *top;

      if (!esp_node_is_deleted (node))
        continue;
      top = find_top (tops, node);
      branch = g_hash_table_lookup (by_top, top);
      if (branch == NULL)
        {
          branch = g_new0 (EspDeletedBranch, 1);
          branch->node = g_object_ref (top);
          branch->latest = esp_node_get_created (node);
          g_hash_table_insert (by_top, top, branch);
          g_ptr_array_add (branches, branch);
        }
      branch->n_nodes++;
      branch->latest = MAX (branch->latest, esp_node_get_created (node));
    }
  g_ptr_array_sort (branches, compare_branches);
  return g_steal_pointer (&branches);
}

/* --- Bringing it back ------------------------------------------------------------------------- */

/* What hangs on something has to hang on what is there. The limit ends a file's circles. */
static const char find_above[]
    = "WITH RECURSIVE up (id, parent, height) AS ("
      " SELECT id, parent, 0 FROM nodes WHERE id = ?1 AND deleted <> 0"
      " UNION SELECT nodes.id, nodes.parent, up.height + 1 FROM nodes JOIN up ON nodes.id = "
      "up.parent"
      " WHERE nodes.deleted <> 0 AND up.height < 1000000)"
      " SELECT id FROM up ORDER BY height DESC";

static const char find_below[]
    = "WITH RECURSIVE branch (id) AS ("
      " SELECT id FROM nodes WHERE id = ?1 AND deleted <> 0"
      " UNION SELECT nodes.id FROM nodes JOIN branch ON nodes.parent = branch.id"
      " WHERE nodes.deleted <> 0)"
      " SELECT id FROM branch";

static gboolean
do_restore (EspCall *call, EspWriter *writer, GError **error)
{
  const GArray *wanted = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < wanted->len; i++)
    if (!_esp_store_collect_ids (store, find_above, g_array_index (wanted, gint64, i), seen, ids,
                                 error)
        || !_esp_store_collect_ids (store, find_below, g_array_index (wanted, gint64, i), seen, ids,
                                    error))
      return FALSE;
  _esp_changes_begin_step (
      call->changes,
      g_strdup_printf (ngettext ("Restore %u Turn", "Restore %u Turns", ids->len), ids->len));
  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (EspRecord) before
          = _esp_store_read_node (store, g_array_index (ids, gint64, i), error);
      EspRecord *after;

      if (before == NULL)
        return FALSE;
      after = _esp_record_copy (before);
      after->deleted = FALSE;
      /* Nobody asked for it to be made now, which may cost money. */
      if (after->state == ESP_NODE_QUEUED || after->state == ESP_NODE_RUNNING)
        after->state = ESP_NODE_CANCELLED;
      if (!_esp_changes_put (call->changes, store, before, after, error))
        return FALSE;
    }
  return TRUE;
}

void
esp_document_restore_async (EspDocument *self, GPtrArray *nodes, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (nodes != NULL);

  _esp_document_push_on_nodes (self, nodes, do_restore, esp_document_restore_async, cancellable,
                               callback, user_data);
}
