/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-sweep.c: the sweeps that a document knows, and the turns that are their cells. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>

/* --- What is known ---------------------------------------------------------------------------- */

static EspStoredSweep *
find_sweep (EspDocument *self, gint64 id)
{
  return g_hash_table_lookup (self->sweeps, &id);
}

void
_esp_document_take_sweeps (EspDocument *self, GPtrArray *sweeps)
{
  g_ptr_array_set_free_func (sweeps, NULL);
  for (guint i = 0; i < sweeps->len; i++)
    {
      EspStoredSweep *sweep = sweeps->pdata[i];

      g_hash_table_replace (self->sweeps, &sweep->id, sweep);
    }
}

void
_esp_document_settle_cell (EspDocument *self, EspRecord *record)
{
  const EspStoredSweep *sweep = record->sweep != 0 ? find_sweep (self, record->sweep) : NULL;

  if (sweep != NULL && record->cell < sweep->n_cells)
    return;
  record->sweep = 0;
  record->cell = 0;
  record->draft = FALSE;
}

void
_esp_document_forget_sweeps (EspDocument *self)
{
  g_autoptr (GHashTable) kept = g_hash_table_new (g_int64_hash, g_int64_equal);
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_hash_table_add (kept, (gpointer) &_esp_node_get_record (value)->sweep);
  g_hash_table_iter_init (&iter, self->sweeps);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!g_hash_table_contains (kept, key))
      g_hash_table_iter_remove (&iter);
}

const char *
esp_document_get_sweep_plan (EspDocument *self, gint64 sweep)
{
  const EspStoredSweep *found;

  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);

  found = find_sweep (self, sweep);
  return found != NULL ? found->plan : NULL;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const gint64 i = *(const gint64 *) a, j = *(const gint64 *) b;

  return (i > j) - (i < j);
}

GArray *
esp_document_dup_sweeps (EspDocument *self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  GHashTableIter iter;
  gpointer key;

  g_return_val_if_fail (ESP_IS_DOCUMENT (self), ids);

  g_hash_table_iter_init (&iter, self->sweeps);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_array_append_vals (ids, key, 1);
  g_array_sort (ids, compare_ids);
  return ids;
}

/* --- Adding ----------------------------------------------------------------------------------- */

/* For what is refused at once; as _esp_document_refuse (). */
static gboolean
refuse_cells (EspDocument *self, gint64 sweep, const char *plan, const EspSweepTurn *turns,
              guint n_turns, GCancellable *cancellable, GAsyncReadyCallback callback,
              gpointer user_data)
{
  gpointer tag = esp_document_add_sweep_async;
  EspStoredSweep *planned = sweep == 0 ? _esp_stored_sweep_new (0, plan) : NULL;
  const EspStoredSweep *known = sweep == 0 ? planned : find_sweep (self, sweep);
  const guint n_cells = known != NULL ? known->n_cells : 0;
  gboolean fits = n_turns > 0 && n_cells > 0;

  _esp_stored_sweep_free (planned);
  for (guint i = 0; fits && i < n_turns; i++)
    fits = turns[i].cell < n_cells;
  if (_esp_document_refuse (self, NULL, tag, cancellable, callback, user_data)
      || _esp_document_refuse_text (self, sweep == 0 ? plan : NULL, tag, callback, user_data))
    return TRUE;
  if (!fits)
    {
      _esp_document_fail (self, tag, callback, user_data, ESP_DOCUMENT_ERROR_ARGUMENT,
                          _ ("The turns are no cells of the sweep"));
      return TRUE;
    }
  for (guint i = 0; i < n_turns; i++)
    if (_esp_document_refuse_turn (self, turns[i].parent, &turns[i].turn, tag, cancellable,
                                   callback, user_data))
      return TRUE;
  return FALSE;
}

void
esp_document_add_sweep_async (EspDocument *self, gint64 sweep, const char *plan,
                              const EspSweepTurn *turns, guint n_turns, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  EspAdding *adding;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (sweep != 0 || plan != NULL);
  g_return_if_fail (turns != NULL || n_turns == 0);

  if (refuse_cells (self, sweep, plan, turns, n_turns, cancellable, callback, user_data))
    return;
  adding = _esp_adding_new (
      sweep == 0 ? g_strdup_printf (
          ngettext ("Start Sweep of %u Turn", "Start Sweep of %u Turns", n_turns), n_turns)
                 : g_strdup_printf (ngettext ("Add %u Turn", "Add %u Turns", n_turns), n_turns));
  adding->sweep = sweep;
  adding->plan = sweep == 0 ? g_strdup (plan) : NULL;
  for (guint i = 0; i < n_turns; i++)
    {
      EspRecord *record = _esp_document_new_turn_record (turns[i].parent, &turns[i].turn, 0);

      record->cell = turns[i].cell;
      record->draft = turns[i].draft;
      g_ptr_array_add (adding->records, record);
    }
  _esp_document_push_turns (self, adding, esp_document_add_sweep_async, cancellable, callback,
                            user_data);
}

GPtrArray *
esp_document_add_sweep_finish (EspDocument *self, GAsyncResult *result, gint64 *sweep,
                               GError **error)
{
  GPtrArray *nodes;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  nodes = g_task_propagate_pointer (G_TASK (result), error);
  if (nodes != NULL && sweep != NULL)
    *sweep = _esp_node_get_record (nodes->pdata[0])->sweep;
  return nodes;
}
