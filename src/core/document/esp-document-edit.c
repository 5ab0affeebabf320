/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-edit.c: marks, deletion, moves, undo and redo. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

/* Closer positions than this are spread anew: far from where doubles end. */
#define MIN_GAP 1e-6

typedef enum
{
  MARK_LABEL,
  MARK_NOTE,
  MARK_STARS,
  MARK_TAG,
  MARK_REJECTED,
} Mark;

typedef struct
{
  GArray *ids; /* of gint64 */
  Mark mark;
  char *text;
  int value;

  gint64 parent; /* of a move */
  guint position;
} Editing;

static void
free_editing (gpointer data)
{
  Editing *editing = data;

  g_array_unref (editing->ids);
  g_free (editing->text);
  g_free (editing);
}

static void
add_id (Editing *editing, EspNode *node)
{
  const gint64 id = esp_node_get_id (node);

  for (guint i = 0; i < editing->ids->len; i++)
    if (g_array_index (editing->ids, gint64, i) == id)
      return;
  g_array_append_val (editing->ids, id);
}

/* NULL: refused, and the caller was told. */
static Editing *
new_editing (EspDocument *self, EspNode *node, GPtrArray *nodes, gpointer tag,
             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Editing *editing;

  if (_esp_document_refuse (self, node, tag, cancellable, callback, user_data))
    return NULL;
  for (guint i = 0; nodes != NULL && i < nodes->len; i++)
    if (_esp_document_refuse (self, nodes->pdata[i], tag, cancellable, callback, user_data))
      return NULL;
  editing = g_new0 (Editing, 1);
  editing->ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (node != NULL)
    add_id (editing, node);
  for (guint i = 0; nodes != NULL && i < nodes->len; i++)
    add_id (editing, nodes->pdata[i]);
  return editing;
}

static void
push_editing (EspDocument *self, Editing *editing, gpointer tag,
              gboolean (*work) (EspCall *, EspWriter *, GError **), GCancellable *cancellable,
              GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call = _esp_document_start (self, ESP_CALL_EDIT, tag, cancellable, callback, user_data,
                                       editing, free_editing);

  call->work = work;
  _esp_writer_push (self->writer, call);
}

gboolean
esp_document_edit_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Marks ------------------------------------------------------------------------------------ */

static char *
dup_mark_title (const Editing *editing)
{
  const guint n = editing->ids->len;

  switch (editing->mark)
    {
    case MARK_LABEL:
      return g_strdup (editing->text != NULL ? _ ("Change Name") : _ ("Remove Name"));
    case MARK_NOTE:
      return g_strdup (editing->text != NULL ? _ ("Change Note") : _ ("Remove Note"));
    case MARK_STARS:
      return g_strdup_printf (ngettext ("Rate %u Turn", "Rate %u Turns", n), n);
    case MARK_TAG:
      return g_strdup_printf (ngettext ("Tag %u Turn", "Tag %u Turns", n), n);
    case MARK_REJECTED:
    default:
      return editing->value
                 ? g_strdup_printf (ngettext ("Reject %u Turn", "Reject %u Turns", n), n)
                 : g_strdup_printf (ngettext ("Accept %u Turn", "Accept %u Turns", n), n);
    }
}

static void
set_mark (EspRecord *record, const Editing *editing)
{
  switch (editing->mark)
    {
    case MARK_LABEL:
      _esp_record_set_text (&record->label, editing->text);
      break;
    case MARK_NOTE:
      _esp_record_set_text (&record->note, editing->text);
      break;
    case MARK_STARS:
      record->stars = editing->value;
      break;
    case MARK_TAG:
      record->tag = editing->value;
      break;
    case MARK_REJECTED:
    default:
      record->rejected = editing->value != 0;
    }
}

/* What is the same as before is no change, and no step. */
static gboolean
do_set_mark (EspCall *call, EspWriter *writer, GError **error)
{
  const Editing *editing = call->data;
  EspStore *store = _esp_writer_get_store (writer);

  _esp_changes_begin_step (call->changes, dup_mark_title (editing));
  for (guint i = 0; i < editing->ids->len; i++)
    {
      g_autoptr (EspRecord) before
          = _esp_store_read_node (store, g_array_index (editing->ids, gint64, i), error);
      g_autoptr (EspRecord) after = NULL;

      if (before == NULL)
        return FALSE;
      after = _esp_record_copy (before);
      set_mark (after, editing);
      if (_esp_record_compare (before, after) != 0
          && !_esp_changes_put (call->changes, store, before, g_steal_pointer (&after), error))
        return FALSE;
    }
  return TRUE;
}

static void
set_text_mark (EspDocument *self, EspNode *node, Mark mark, const char *text, gpointer tag,
               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Editing *editing;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (_esp_document_refuse_text (self, text, tag, callback, user_data))
    return;
  editing = new_editing (self, node, NULL, tag, cancellable, callback, user_data);
  if (editing == NULL)
    return;
  editing->mark = mark;
  if (text != NULL && *text != '\0')
    editing->text = g_utf8_make_valid (text, -1);
  push_editing (self, editing, tag, do_set_mark, cancellable, callback, user_data);
}

static void
set_number_mark (EspDocument *self, GPtrArray *nodes, Mark mark, int value, gpointer tag,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Editing *editing;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (nodes != NULL);

  editing = new_editing (self, NULL, nodes, tag, cancellable, callback, user_data);
  if (editing == NULL)
    return;
  editing->mark = mark;
  editing->value = value;
  push_editing (self, editing, tag, do_set_mark, cancellable, callback, user_data);
}

void
esp_document_set_label_async (EspDocument *self, EspNode *node, const char *label,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  set_text_mark (self, node, MARK_LABEL, label, esp_document_set_label_async, cancellable, callback,
                 user_data);
}

void
esp_document_set_note_async (EspDocument *self, EspNode *node, const char *note,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  set_text_mark (self, node, MARK_NOTE, note, esp_document_set_note_async, cancellable, callback,
                 user_data);
}

void
esp_document_set_stars_async (EspDocument *self, GPtrArray *nodes, int stars,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (stars >= 0 && stars <= ESP_NODE_MAX_STARS);
  set_number_mark (self, nodes, MARK_STARS, stars, esp_document_set_stars_async, cancellable,
                   callback, user_data);
}

void
esp_document_set_tag_async (EspDocument *self, GPtrArray *nodes, int tag, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (tag >= 0 && tag <= ESP_NODE_N_TAGS);
  set_number_mark (self, nodes, MARK_TAG, tag, esp_document_set_tag_async, cancellable, callback,
                   user_data);
}

void
esp_document_set_rejected_async (EspDocument *self, GPtrArray *nodes, gboolean rejected,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  set_number_mark (self, nodes, MARK_REJECTED, rejected != FALSE, esp_document_set_rejected_async,
                   cancellable, callback, user_data);
}

/* --- Deletion --------------------------------------------------------------------------------- */

/* The node and all below it that is not deleted, top first. */
static const char find_branch[]
    = "WITH RECURSIVE branch (id) AS ("
      " SELECT id FROM nodes WHERE id = ?1 AND deleted = 0"
      " UNION SELECT nodes.id FROM nodes JOIN branch ON nodes.parent = branch.id"
      " WHERE nodes.deleted = 0)"
      " SELECT id FROM branch";

static gboolean
do_delete (EspCall *call, EspWriter *writer, GError **error)
{
  const Editing *editing = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < editing->ids->len; i++)
    if (!_esp_store_collect_ids (store, find_branch, g_array_index (editing->ids, gint64, i), seen,
                                 ids, error))
      return FALSE;
  _esp_changes_begin_step (
      call->changes,
      g_strdup_printf (ngettext ("Delete %u Turn", "Delete %u Turns", ids->len), ids->len));
  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (EspRecord) before
          = _esp_store_read_node (store, g_array_index (ids, gint64, i), error);
      EspRecord *after;

      if (before == NULL)
        return FALSE;
      after = _esp_record_copy (before);
      after->deleted = TRUE;
      if (!_esp_changes_put (call->changes, store, before, after, error))
        return FALSE;
    }
  return TRUE;
}

void
esp_document_delete_async (EspDocument *self, GPtrArray *nodes, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  Editing *editing;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (nodes != NULL);

  editing = new_editing (self, NULL, nodes, esp_document_delete_async, cancellable, callback,
                         user_data);
  if (editing != NULL)
    push_editing (self, editing, esp_document_delete_async, do_delete, cancellable, callback,
                  user_data);
}

/* --- Moves ------------------------------------------------------------------------------------ */

static gboolean
is_in_branch (EspStore *store, gint64 branch, gint64 id, gboolean *inside, GError **error)
{
  GError *local = NULL;
  sqlite3_stmt *statement = _esp_store_prepare (
      store,
      "WITH RECURSIVE up (id) AS ("
      " SELECT ?1 UNION SELECT nodes.parent FROM nodes JOIN up ON nodes.id = up.id"
      " WHERE nodes.parent IS NOT NULL)"
      " SELECT count(*) FROM up WHERE id = ?2",
      error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, id);
  sqlite3_bind_int64 (statement, 2, branch);
  if (_esp_store_step (store, statement, &local))
    *inside = sqlite3_column_int64 (statement, 0) > 0;
  sqlite3_reset (statement);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

typedef struct
{
  gint64 id;
  double position;
} Sibling;

/* Those that are shown, in their order, without the node itself. */
static GArray *
read_siblings (EspStore *store, gint64 parent, gint64 without, GError **error)
{
  g_autoptr (GArray) siblings = g_array_new (FALSE, FALSE, sizeof (Sibling));
  GError *local = NULL;
  sqlite3_stmt *statement = _esp_store_prepare (
      store,
      "SELECT id, position FROM nodes WHERE parent IS ?1 AND id <> ?2 AND deleted = 0"
      " ORDER BY position, id",
      error);

  if (statement == NULL)
    return NULL;
  if (parent != 0)
    sqlite3_bind_int64 (statement, 1, parent);
  sqlite3_bind_int64 (statement, 2, without);
  while (_esp_store_step (store, statement, &local))
    {
      const Sibling sibling
          = { sqlite3_column_int64 (statement, 0), sqlite3_column_double (statement, 1) };

      g_array_append_val (siblings, sibling);
    }
  if (local == NULL)
    return g_steal_pointer (&siblings);
  g_propagate_error (error, local);
  return NULL;
}

/* 1, 2, 3 … with a gap at `place`. */
static gboolean
spread_siblings (EspCall *call, EspStore *store, GArray *siblings, guint place, GError **error)
{
  for (guint i = 0; i < siblings->len; i++)
    {
      const Sibling *sibling = &g_array_index (siblings, Sibling, i);
      g_autoptr (EspRecord) before = _esp_store_read_node (store, sibling->id, error);
      EspRecord *after;

      if (before == NULL)
        return FALSE;
      after = _esp_record_copy (before);
      after->position = i < place ? i + 1 : i + 2;
      if (!_esp_changes_put (call->changes, store, before, after, error))
        return FALSE;
    }
  return TRUE;
}

/* The place of a node among `siblings`, which are the others. */
static guint
find_place (GArray *siblings, const EspRecord *record)
{
  guint place = 0;

  while (place < siblings->len)
    {
      const Sibling *sibling = &g_array_index (siblings, Sibling, place);

      if (sibling->position > record->position
          || (sibling->position >= record->position && sibling->id > record->id))
        break;
      place++;
    }
  return place;
}

/* Where a node goes that shall stand at a place among siblings; `position` is as it was if it
 * stands there. */
static gboolean
find_position (EspCall *call, EspStore *store, const Editing *editing, const EspRecord *record,
               double *position, GError **error)
{
  g_autoptr (GArray) siblings
      = read_siblings (store, editing->parent, g_array_index (editing->ids, gint64, 0), error);
  guint place;
  double before, after;

  if (siblings == NULL)
    return FALSE;
  if (record->parent == editing->parent
      && find_place (siblings, record) == MIN (editing->position, siblings->len))
    return TRUE;
  if (editing->position >= siblings->len)
    return _esp_store_next_position (store, editing->parent, position, error);

  place = editing->position;
  after = g_array_index (siblings, Sibling, place).position;
  before = place > 0 ? g_array_index (siblings, Sibling, place - 1).position : after - 2;
  *position = before + (after - before) / 2;
  if (*position - before > MIN_GAP && after - *position > MIN_GAP)
    return TRUE;
  *position = place + 1;
  return spread_siblings (call, store, siblings, place, error);
}

static gboolean
check_move (EspStore *store, const Editing *editing, GError **error)
{
  const gint64 id = g_array_index (editing->ids, gint64, 0);
  g_autoptr (EspRecord) parent = NULL;
  gboolean inside = FALSE;

  if (editing->parent == 0)
    return TRUE;
  if (!is_in_branch (store, id, editing->parent, &inside, error))
    return FALSE;
  parent = _esp_store_read_node (store, editing->parent, error);
  if (parent == NULL)
    return FALSE;
  if (!inside && !parent->deleted)
    return TRUE;
  g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                       inside ? _ ("A node cannot be moved below itself")
                              : _ ("The node was deleted"));
  return FALSE;
}

static gboolean
do_move (EspCall *call, EspWriter *writer, GError **error)
{
  const Editing *editing = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  g_autoptr (EspRecord) before = NULL;
  g_autoptr (EspRecord) after = NULL;

  if (!check_move (store, editing, error))
    return FALSE;
  _esp_changes_begin_step (call->changes, g_strdup (_ ("Move Turn")));
  before = _esp_store_read_node (store, g_array_index (editing->ids, gint64, 0), error);
  if (before == NULL)
    return FALSE;
  after = _esp_record_copy (before);
  after->parent = editing->parent;
  if (!find_position (call, store, editing, before, &after->position, error))
    return FALSE;
  if (_esp_record_compare (before, after) == 0)
    return TRUE;
  return _esp_changes_put (call->changes, store, before, g_steal_pointer (&after), error);
}

void
esp_document_move_async (EspDocument *self, EspNode *node, EspNode *parent, guint position,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  Editing *editing;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (parent == NULL || ESP_IS_NODE (parent));

  if (_esp_document_refuse (self, parent, esp_document_move_async, cancellable, callback,
                            user_data))
    return;
  editing
      = new_editing (self, node, NULL, esp_document_move_async, cancellable, callback, user_data);
  if (editing == NULL)
    return;
  editing->parent = parent != NULL ? esp_node_get_id (parent) : 0;
  editing->position = position;
  push_editing (self, editing, esp_document_move_async, do_move, cancellable, callback, user_data);
}

/* --- Undo and redo ---------------------------------------------------------------------------- */

static gboolean
do_undo (EspCall *call, EspWriter *writer, GError **error)
{
  return _esp_undo_apply (_esp_writer_get_undo (writer), _esp_writer_get_store (writer), TRUE,
                          call->changes, error);
}

static gboolean
do_redo (EspCall *call, EspWriter *writer, GError **error)
{
  return _esp_undo_apply (_esp_writer_get_undo (writer), _esp_writer_get_store (writer), FALSE,
                          call->changes, error);
}

void
esp_document_undo_async (EspDocument *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  Editing *editing;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  editing
      = new_editing (self, NULL, NULL, esp_document_undo_async, cancellable, callback, user_data);
  if (editing != NULL)
    push_editing (self, editing, esp_document_undo_async, do_undo, cancellable, callback,
                  user_data);
}

void
esp_document_redo_async (EspDocument *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  Editing *editing;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  editing
      = new_editing (self, NULL, NULL, esp_document_redo_async, cancellable, callback, user_data);
  if (editing != NULL)
    push_editing (self, editing, esp_document_redo_async, do_redo, cancellable, callback,
                  user_data);
}
