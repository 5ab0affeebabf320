/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-apply.c: from records of the database to nodes and lists on the main thread. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

/* --- Repair ----------------------------------------------------------------------------------- */

/* Records are in order of id. */
static EspRecord *
find_record (GPtrArray *records, gint64 id)
{
  guint low = 0, high = records->len;

  while (low < high)
    {
      const guint middle = low + (high - low) / 2;
      EspRecord *record = records->pdata[middle];

      if (record->id == id)
        return record;
      if (record->id < id)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

/* Of a circle, the node that was made first: likely the one above all. */
static EspRecord *
find_first (GPtrArray *records, EspRecord *start)
{
  EspRecord *first = start;

  for (EspRecord *record = find_record (records, start->parent); record != start;
       record = find_record (records, record->parent))
    if (record->id < first->id)
      first = record;
  return first;
}

/* Marks: which walk came by first, a higher number for each. */
static void
cut_circle (GPtrArray *records, GHashTable *marks, EspRecord *record, GArray *repaired)
{
  const guint on_the_way = g_hash_table_size (marks) + 1;
  guint mark = 0;

  while (record != NULL && (mark = GPOINTER_TO_UINT (g_hash_table_lookup (marks, record))) == 0)
    {
      g_hash_table_insert (marks, record, GUINT_TO_POINTER (on_the_way));
      record = record->parent != 0 ? find_record (records, record->parent) : NULL;
    }
  if (record != NULL && mark == on_the_way)
    {
      record = find_first (records, record);
      record->parent = 0;
      g_array_append_val (repaired, record->id);
    }
}

GArray *
_esp_records_repair (GPtrArray *records)
{
  GArray *repaired = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GHashTable) marks = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < records->len; i++)
    {
      EspRecord *record = records->pdata[i];
      const EspRecord *parent = record->parent != 0 ? find_record (records, record->parent) : NULL;

      if (record->parent != 0
          && (parent == NULL || parent == record || (parent->deleted && !record->deleted)))
        {
          record->parent = 0;
          g_array_append_val (repaired, record->id);
        }
    }
  for (guint i = 0; i < records->len; i++)
    cut_circle (records, marks, records->pdata[i], repaired);
  return repaired;
}

/* --- Lists ------------------------------------------------------------------------------------ */

static GListStore *
get_siblings (EspDocument *self, EspNode *node)
{
  EspNode *parent = esp_node_get_parent (node);

  return parent != NULL ? _esp_node_get_list (parent) : self->roots;
}

/* The first place whose node is not before `node`. */
static guint
find_place (GListModel *list, EspNode *node)
{
  guint low = 0, high = g_list_model_get_n_items (list);

  while (low < high)
    {
      const guint middle = low + (high - low) / 2;
      g_autoptr (EspNode) other = g_list_model_get_item (list, middle);

      if (_esp_node_compare (other, node) < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static void
place_node (EspDocument *self, EspNode *node)
{
  GListStore *list = get_siblings (self, node);

  _esp_node_set_placed (node, TRUE);
  self->n_nodes++;
  g_list_store_insert (list, find_place (G_LIST_MODEL (list), node), node);
}

static void
unplace_node (EspDocument *self, EspNode *node)
{
  GListStore *list = get_siblings (self, node);
  const guint place = find_place (G_LIST_MODEL (list), node);
  g_autoptr (EspNode) found = g_list_model_get_item (G_LIST_MODEL (list), place);

  g_return_if_fail (found == node);

  _esp_node_set_placed (node, FALSE);
  self->n_nodes--;
  g_list_store_remove (list, place);
}

static EspNode *
add_node (EspDocument *self, EspRecord *record)
{
  EspNode *node = _esp_node_new (record);

  _esp_document_settle_cell (self, record);
  g_hash_table_insert (self->nodes, g_memdup2 (&record->id, sizeof record->id), node);
  return node;
}

/* Parents and references, once all nodes are there. */
static void
link_node (EspDocument *self, EspNode *node)
{
  const EspRecord *record = _esp_node_get_record (node);
  EspNode *parent = record->parent != 0 ? _esp_document_lookup (self, record->parent) : NULL;
  g_autoptr (GPtrArray) references = g_ptr_array_new ();

  _esp_node_set_parent (node, parent);
  for (guint i = 0; record->references != NULL && i < record->references->len; i++)
    {
      EspNode *reference
          = _esp_document_lookup (self, g_array_index (record->references, gint64, i));

      if (reference != NULL && reference != node)
        g_ptr_array_add (references, reference);
    }
  _esp_node_set_references (node, references);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static int
compare_siblings (gconstpointer a, gconstpointer b, gpointer unused)
{
  return _esp_node_compare ((EspNode *) a, (EspNode *) b);
}

static void
place_all (EspDocument *self, GPtrArray *nodes)
{
  g_autoptr (GHashTable) lists = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer list;

  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = nodes->pdata[i];

      if (esp_node_is_deleted (node))
        continue;
      _esp_node_set_placed (node, TRUE);
      self->n_nodes++;
      g_list_store_append (get_siblings (self, node), node);
      g_hash_table_add (lists, get_siblings (self, node));
    }
  g_hash_table_iter_init (&iter, lists);
  while (g_hash_table_iter_next (&iter, &list, NULL))
    g_list_store_sort (list, compare_siblings, NULL);
}

void
_esp_document_take_contents (EspDocument *self, EspContents *contents)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  _esp_document_take_sweeps (self, contents->sweeps);
  for (guint i = 0; i < contents->records->len; i++)
    g_ptr_array_add (nodes, add_node (self, contents->records->pdata[i]));
  g_ptr_array_set_free_func (contents->records, NULL); /* the nodes have them */
  for (guint i = 0; i < nodes->len; i++)
    link_node (self, nodes->pdata[i]);
  place_all (self, nodes);

  for (guint i = contents->instructions->len; i > 0; i--)
    g_ptr_array_add (self->instructions, g_strdup (contents->instructions->pdata[i - 1]));
  g_clear_pointer (&self->view, g_hash_table_unref);
  self->view = g_steal_pointer (&contents->view);
  _esp_document_set_file (self, contents->file, contents->in_library);
  _esp_document_set_access (self, contents->access);
  if (contents->dirty)
    _esp_document_set_save_state (self, ESP_DOCUMENT_SAVING, NULL);
  _esp_document_choose_current (self);
}

/* --- Later changes ---------------------------------------------------------------------------- */

typedef struct
{
  EspNode *node;
  EspNodeChange change;
  guint depth;
  gboolean is_new;
  gboolean was_placed; /* before all this */
} Change;

/* Out of the lists first, while all values are as they were. */
static void
unplace_moved (EspDocument *self, GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++)
    {
      const EspRecord *record = records->pdata[i];
      EspNode *node = _esp_document_lookup (self, record->id);

      if (node != NULL && _esp_node_get_placed (node)
          && (record->deleted
              || (_esp_record_compare (_esp_node_get_record (node), record)
                  & ESP_NODE_CHANGE_PLACE)))
        unplace_node (self, node);
    }
}

/* A node's depth; `depths` holds those of all that were passed on the way up, so that a branch of
 * many thousand steps is climbed once, not once for each. */
static guint
find_depth (GHashTable *depths, EspNode *node)
{
  EspNode *known = node;
  gpointer depth = NULL;
  guint n = 0;

  for (; known != NULL && !g_hash_table_lookup_extended (depths, known, NULL, &depth);
       known = esp_node_get_parent (known))
    n++;
  if (known != NULL)
    n += GPOINTER_TO_UINT (depth) + 1;
  for (EspNode *passed = node; passed != known; passed = esp_node_get_parent (passed))
    g_hash_table_insert (depths, passed, GUINT_TO_POINTER (--n));
  return GPOINTER_TO_UINT (g_hash_table_lookup (depths, node));
}

/* Values and links. */
static void
set_records (EspDocument *self, GPtrArray *records, GArray *changes)
{
  g_autoptr (GHashTable) depths = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < records->len; i++)
    {
      EspRecord *record = records->pdata[i];
      EspNode *node = _esp_document_lookup (self, record->id);
      Change *change = &g_array_index (changes, Change, i);

      change->is_new = node == NULL;
      if (node == NULL)
        node = add_node (self, record);
      else
        {
          _esp_document_settle_cell (self, record);
          change->change = _esp_node_set_record (node, record);
        }
      change->node = node;
    }
  g_ptr_array_set_free_func (records, NULL);
  for (guint i = 0; i < changes->len; i++)
    link_node (self, g_array_index (changes, Change, i).node);
  for (guint i = 0; changes->len > 1 && i < changes->len; i++)
    {
      Change *change = &g_array_index (changes, Change, i);

      change->depth = find_depth (depths, change->node);
    }
}

static int
compare_depth (gconstpointer a, gconstpointer b)
{
  const Change *x = a, *y = b;
  const gint64 i = esp_node_get_id (x->node), j = esp_node_get_id (y->node);

  if (x->depth != y->depth)
    return x->depth < y->depth ? -1 : 1;
  return (i > j) - (i < j);
}

static void
place_new (EspDocument *self, GArray *changes)
{
  /* Deep ones first: a branch comes into view as a whole. */
  for (guint i = changes->len; i > 0; i--)
    {
      EspNode *node = g_array_index (changes, Change, i - 1).node;

      if (!esp_node_is_deleted (node) && !_esp_node_get_placed (node))
        place_node (self, node);
    }
}

static void
emit_changes (EspDocument *self, GArray *changes)
{
  for (guint i = changes->len; i > 0; i--)
    {
      const Change *change = &g_array_index (changes, Change, i - 1);

      if (change->was_placed && !_esp_node_get_placed (change->node))
        _esp_document_emit_removed (self, change->node);
    }
  for (guint i = 0; i < changes->len; i++)
    {
      const Change *change = &g_array_index (changes, Change, i);

      if (!change->was_placed && _esp_node_get_placed (change->node))
        _esp_document_emit_added (self, change->node);
      else
        _esp_node_changed (change->node, change->change);
    }
}

/* Whoever was made from a picture that is another one now is outdated, or is no longer. */
static void
emit_outdated (GArray *changes)
{
  for (guint i = 0; i < changes->len; i++)
    {
      const Change *change = &g_array_index (changes, Change, i);
      GListModel *children = esp_node_get_children (change->node);

      if (change->is_new || (change->change & ESP_NODE_CHANGE_IMAGE) == 0)
        continue;
      for (guint j = 0; j < g_list_model_get_n_items (children); j++)
        {
          g_autoptr (EspNode) child = g_list_model_get_item (children, j);

          if (_esp_node_get_record (child)->source.id != 0)
            _esp_node_changed (child, ESP_NODE_CHANGE_COMPOSITION);
        }
    }
}

static void
apply_records (EspDocument *self, GPtrArray *records)
{
  g_autoptr (GArray) changes = g_array_new (FALSE, TRUE, sizeof (Change));

  g_array_set_size (changes, records->len);
  for (guint i = 0; i < records->len; i++)
    {
      const EspRecord *record = records->pdata[i];
      EspNode *node = _esp_document_lookup (self, record->id);

      g_array_index (changes, Change, i).was_placed = node != NULL && _esp_node_get_placed (node);
    }
  unplace_moved (self, records);
  set_records (self, records, changes);
  g_array_sort (changes, compare_depth);
  place_new (self, changes);
  for (guint i = 0; i < changes->len; i++)
    g_object_ref (g_array_index (changes, Change, i).node);
  _esp_document_choose_current (self);
  emit_changes (self, changes);
  emit_outdated (changes);
  for (guint i = 0; i < changes->len; i++)
    g_object_unref (g_array_index (changes, Change, i).node);
}

static void
forget_nodes (EspDocument *self, GArray *ids)
{
  GHashTableIter iter;
  gpointer node;

  for (guint i = 0; i < ids->len; i++)
    {
      EspNode *gone = _esp_document_lookup (self, g_array_index (ids, gint64, i));

      if (gone == NULL)
        continue;
      _esp_node_set_parent (gone, NULL);
      _esp_node_set_references (gone, NULL);
      g_hash_table_remove (self->nodes, &g_array_index (ids, gint64, i));
    }
  /* Deleted nodes that stay may have hung under one that is gone. */
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    if (esp_node_is_deleted (node))
      link_node (self, node);
  _esp_document_forget_sweeps (self);
}

static void
use_instructions (EspDocument *self, GPtrArray *texts)
{
  for (guint i = 0; i < texts->len; i++)
    {
      for (guint j = self->instructions->len; j > 0; j--)
        if (g_str_equal (self->instructions->pdata[j - 1], texts->pdata[i]))
          {
            g_ptr_array_remove_index (self->instructions, j - 1);
            break;
          }
      g_ptr_array_add (self->instructions, g_strdup (texts->pdata[i]));
    }
}

void
_esp_document_take_result (EspDocument *self, EspCall *call)
{
  if (call->changes != NULL)
    {
      if (call->changes->instructions != NULL)
        use_instructions (self, call->changes->instructions);
      if (call->changes->sweeps != NULL)
        _esp_document_take_sweeps (self, call->changes->sweeps);
      if (call->changes->records->len > 0)
        apply_records (self, call->changes->records);
      if (call->changes->forgotten != NULL)
        forget_nodes (self, call->changes->forgotten);
    }
  _esp_document_set_titles (self, call->undo_title, call->redo_title);

  if (call->error != NULL)
    g_task_return_error (call->task, g_steal_pointer (&call->error));
  else if (call->finish != NULL)
    call->finish (call);
  else
    g_task_return_boolean (call->task, TRUE);
}
