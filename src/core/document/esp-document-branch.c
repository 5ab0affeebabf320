/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-branch.c: several turns that build on each other, pictures of a document as new
 * beginnings in it, and turns that follow what is above them no longer. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-branch.h"

#include <glib/gi18n-lib.h>

#include "esp-document-private.h"

typedef struct
{
  GPtrArray *records; /* of EspRecord, until they are stored */
  GArray *above;      /* of int */
  GArray *stands_for; /* of gint64, or 0 */
  GArray *ids;        /* of gint64, as they were stored */
  char *title;
  gint64 pictured; /* the node whose picture the only record gets; 0: none */
} Branch;

static void
free_branch (gpointer data)
{
  Branch *branch = data;

  g_ptr_array_unref (branch->records);
  g_array_unref (branch->above);
  g_array_unref (branch->stands_for);
  g_array_unref (branch->ids);
  g_free (branch->title);
  g_free (branch);
}

static Branch *
branch_new (char *title)
{
  Branch *branch = g_new0 (Branch, 1);

  branch->records = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_record_free);
  branch->above = g_array_new (FALSE, FALSE, sizeof (int));
  branch->stands_for = g_array_new (FALSE, FALSE, sizeof (gint64));
  branch->ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  branch->title = title;
  return branch;
}

static void
branch_add (Branch *branch, EspRecord *record, int above, gint64 stands_for)
{
  g_ptr_array_add (branch->records, record);
  g_array_append_val (branch->above, above);
  g_array_append_val (branch->stands_for, stands_for);
}

/* --- The document's thread -------------------------------------------------------------------- */

/* To what the turns before this one stand for. */
static void
map_references (const Branch *branch, EspRecord *record)
{
  for (guint i = 0; record->references != NULL && i < record->references->len; i++)
    {
      gint64 *reference = &g_array_index (record->references, gint64, i);

      for (guint j = 0; j < branch->ids->len; j++)
        if (g_array_index (branch->stands_for, gint64, j) == *reference)
          {
            *reference = g_array_index (branch->ids, gint64, j);
            break;
          }
    }
}

static gboolean
place_record (const Branch *branch, EspStore *store, guint i, EspRecord *record, GError **error)
{
  const int above = g_array_index (branch->above, int, i);

  if (above >= 0)
    {
      record->parent = g_array_index (branch->ids, gint64, above);
      record->position = i; /* in the order in which they come */
      return TRUE;
    }
  return _esp_store_check_parent (store, record->parent, error)
         && _esp_store_next_position (store, record->parent, &record->position, error);
}

/* As it is now: the main thread may be behind. */
static gboolean
take_picture (const Branch *branch, EspStore *store, EspRecord *record, GError **error)
{
  g_autoptr (EspRecord) pictured = NULL;

  if (branch->pictured == 0)
    return TRUE;
  pictured = _esp_store_read_node (store, branch->pictured, error);
  if (pictured != NULL)
    _esp_image_info_copy (&record->image, &pictured->image);
  return pictured != NULL;
}

static gboolean
do_add_branch (EspCall *call, EspWriter *writer, GError **error)
{
  Branch *branch = call->data;
  EspStore *store = _esp_writer_get_store (writer);

  _esp_changes_begin_step (call->changes, g_strdup (branch->title));
  for (guint i = 0; i < branch->records->len; i++)
    {
      EspRecord *record = g_steal_pointer (&branch->records->pdata[i]);

      map_references (branch, record);
      if (!take_picture (branch, store, record, error)
          || !place_record (branch, store, i, record, error))
        {
          _esp_record_free (record);
          return FALSE;
        }
      if (!_esp_changes_put (call->changes, store, NULL, record, error)
          || !_esp_changes_note_instruction (call->changes, store, record, error))
        return FALSE;
      g_array_append_val (branch->ids, record->id);
    }
  return TRUE;
}

static void
finish_branch (EspCall *call)
{
  const Branch *branch = call->data;
  EspDocument *self = g_task_get_source_object (call->task);
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < branch->ids->len; i++)
    g_ptr_array_add (
        nodes, g_object_ref (_esp_document_lookup (self, g_array_index (branch->ids, gint64, i))));
  g_task_return_pointer (call->task, nodes, (GDestroyNotify) g_ptr_array_unref);
}

static void
push_branch (EspDocument *self, Branch *branch, gpointer tag, GCancellable *cancellable,
             GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call = _esp_document_start (self, ESP_CALL_EDIT, tag, cancellable, callback, user_data,
                                       branch, free_branch);

  call->work = do_add_branch;
  call->finish = finish_branch;
  _esp_writer_push (self->writer, call);
}

/* --- Turns ------------------------------------------------------------------------------------ */

void
esp_document_add_branch_async (EspDocument *self, EspNode *parent, const EspBranchTurn *turns,
                               guint n_turns, const char *title, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  Branch *branch;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (parent == NULL || ESP_IS_NODE (parent));
  g_return_if_fail (turns != NULL && n_turns > 0);
  g_return_if_fail (title != NULL);

  for (guint i = 0; i < n_turns; i++)
    {
      g_return_if_fail (turns[i].above >= -1 && turns[i].above < (int) i);
      if (_esp_document_refuse_turn (self, parent, &turns[i].turn, esp_document_add_branch_async,
                                     cancellable, callback, user_data))
        return;
    }
  branch = branch_new (g_strdup (title));
  for (guint i = 0; i < n_turns; i++)
    {
      EspTurn turn = turns[i].turn;

      if (turn.parameters == NULL && turns[i].stands_for != NULL)
        turn.parameters = _esp_node_get_asked (turns[i].stands_for);
      branch_add (branch, _esp_document_new_turn_record (parent, &turn, 0), turns[i].above,
                  turns[i].stands_for != NULL ? esp_node_get_id (turns[i].stands_for) : 0);
    }
  push_branch (self, branch, esp_document_add_branch_async, cancellable, callback, user_data);
}

GPtrArray *
esp_document_add_branch_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- New beginnings --------------------------------------------------------------------------- */

void
esp_document_reroot_async (EspDocument *self, EspNode *node, const char *label,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  Branch *branch;
  EspRecord *record;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (_esp_document_refuse (self, node, esp_document_reroot_async, cancellable, callback, user_data)
      || _esp_document_refuse_text (self, label, esp_document_reroot_async, callback, user_data))
    return;
  if (!esp_node_has_image (node))
    {
      _esp_document_fail (self, esp_document_reroot_async, callback, user_data,
                          ESP_DOCUMENT_ERROR_ARGUMENT, _ ("This turn has no image"));
      return;
    }
  record = _esp_record_new ();
  record->kind = ESP_NODE_IMPORTED;
  record->state = ESP_NODE_DONE;
  record->created = g_get_real_time ();
  _esp_record_set_text (&record->file_name, esp_node_get_file_name (node));
  _esp_record_set_text (&record->label, label);
  branch = branch_new (g_strdup (_ ("Make a New Start")));
  branch->pictured = esp_node_get_id (node);
  branch_add (branch, record, -1, 0);
  push_branch (self, branch, esp_document_reroot_async, cancellable, callback, user_data);
}

EspNode *
esp_document_reroot_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_autoptr (GPtrArray) nodes = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  nodes = g_task_propagate_pointer (G_TASK (result), error);
  return nodes != NULL ? g_ptr_array_index (nodes, 0) : NULL; /* the document has it */
}

/* --- Following no longer ---------------------------------------------------------------------- */

static gboolean
do_keep_as_is (EspCall *call, EspWriter *writer, GError **error)
{
  const GArray *ids = call->data;
  EspStore *store = _esp_writer_get_store (writer);

  _esp_changes_begin_step (call->changes, g_strdup (_ ("Keep as It Is")));
  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (EspRecord) before
          = _esp_store_read_node (store, g_array_index (ids, gint64, i), error);
      g_autoptr (EspRecord) after = NULL;

      if (before == NULL)
        return FALSE;
      if (before->source_node == 0)
        continue;
      after = _esp_record_copy (before);
      after->source_node = 0;
      if (!_esp_changes_put (call->changes, store, before, g_steal_pointer (&after), error))
        return FALSE;
    }
  return TRUE;
}

void
esp_document_keep_as_is_async (EspDocument *self, GPtrArray *nodes, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (nodes != NULL && nodes->len > 0);

  _esp_document_push_on_nodes (self, nodes, do_keep_as_is, esp_document_keep_as_is_async,
                               cancellable, callback, user_data);
}
