/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-items.c: see esp-tree-items.h. */
#include "esp-tree-items-private.h"

G_DEFINE_FINAL_TYPE (EspTreeItems, esp_tree_items, G_TYPE_OBJECT)

enum
{
  RESET,
  UPDATED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void schedule_rebuild (EspTreeItems *self);

static void
item_clear (gpointer data)
{
  esp_tree_item_clear (data);
}

/* --- The list --------------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray *stack; /* owned */
  int parent;
  guint level, position, n_siblings;
} Pending;

static void
pending_clear (gpointer data)
{
  Pending *pending = data;

  g_clear_pointer (&pending->stack, g_ptr_array_unref);
}

/* Puts the children of all nodes of `stack` (or the roots) on the pile, last first, so that they
 * are taken off in order. Returns how many items they make. */
static guint
push_children (EspTreeItems *self, GArray *pile, GPtrArray *stack, int parent, guint level)
{
  g_autoptr (GPtrArray) groups
      = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  guint n_members = stack ? stack->len : 1;

  for (guint m = 0; m < n_members; m++)
    {
      GListModel *children = stack ? esp_node_get_children (g_ptr_array_index (stack, m))
                                   : esp_document_get_roots (self->document);
      g_autoptr (GPtrArray) own = _esp_tree_items_group_siblings (self, children);

      g_ptr_array_extend_and_steal (groups, g_steal_pointer (&own));
    }
  for (guint g = groups->len; g-- > 0;)
    {
      Pending pending
          = { g_ptr_array_ref (g_ptr_array_index (groups, g)), parent, level, g + 1, groups->len };

      g_array_append_val (pile, pending);
    }
  return groups->len;
}

/* How many nodes there are below those of the stack. */
static guint
count_below (GPtrArray *stack)
{
  g_autoptr (GPtrArray) pile = g_ptr_array_new ();
  guint n = 0;

  for (guint i = 0; i < stack->len; i++)
    g_ptr_array_add (pile, g_ptr_array_index (stack, i));
  while (pile->len > 0)
    {
      EspNode *node = g_ptr_array_steal_index_fast (pile, pile->len - 1);
      GListModel *children = esp_node_get_children (node);
      guint n_children = g_list_model_get_n_items (children);

      n += n_children;
      for (guint i = 0; i < n_children; i++)
        g_ptr_array_add (pile, _esp_tree_items_list_get (children, i));
    }
  return n;
}

static void
mark_path (EspTreeItems *self)
{
  EspNode *current = self->document ? esp_document_get_current (self->document) : NULL;
  int index = current ? esp_tree_items_find (self, current) : -1;

  for (guint i = 0; i < self->items->len; i++)
    g_array_index (self->items, EspTreeItem, i).on_path = FALSE;
  while (index >= 0)
    {
      EspTreeItem *item = &g_array_index (self->items, EspTreeItem, index);

      item->on_path = TRUE;
      index = item->parent;
    }
}

static void
add_item (EspTreeItems *self, GArray *pile, Pending *pending)
{
  guint front = _esp_tree_items_choose_front (self, pending->stack);
  EspTreeItem item = {
    .node = g_object_ref (g_ptr_array_index (pending->stack, front)),
    .leader = g_object_ref (g_ptr_array_index (pending->stack, 0)),
    .stack_size = pending->stack->len,
    .stack_position = front,
    .parent = pending->parent,
    .level = pending->level,
    .position = pending->position,
    .n_siblings = pending->n_siblings,
  };
  int index = (int) self->items->len;

  _esp_tree_items_describe (self, &item, pending->stack);
  for (guint i = 0; i < pending->stack->len; i++)
    g_hash_table_insert (self->indices, g_ptr_array_index (pending->stack, i),
                         GINT_TO_POINTER (index + 1));
  /* A stack is folded if one of it is: which one is in front must not change what is seen. */
  for (guint i = 0; i < pending->stack->len && item.n_hidden == 0; i++)
    if (esp_node_get_folded (g_ptr_array_index (pending->stack, i)))
      item.n_hidden = count_below (pending->stack);
  if (item.n_hidden == 0)
    item.n_children = push_children (self, pile, pending->stack, index, pending->level + 1);
  g_array_append_val (self->items, item);
}

static void
index_children (EspTreeItems *self)
{
  guint n = self->items->len;
  g_autofree guint *next = g_new0 (guint, n + 1);
  guint sum = 0;

  g_array_set_size (self->first, n + 1);
  g_array_set_size (self->children, n);
  for (guint i = 0; i < n; i++)
    {
      g_array_index (self->first, guint, i) = next[i] = sum;
      sum += g_array_index (self->items, EspTreeItem, i).n_children;
    }
  g_array_index (self->first, guint, n) = sum;
  for (guint i = 0; i < n; i++)
    {
      int parent = g_array_index (self->items, EspTreeItem, i).parent;

      if (parent >= 0)
        g_array_index (self->children, guint, next[parent]++) = i;
    }
}

void
_esp_tree_items_rebuild (EspTreeItems *self)
{
  g_autoptr (GArray) pile = g_array_new (FALSE, FALSE, sizeof (Pending));

  g_clear_handle_id (&self->rebuild_id, g_source_remove);
  g_array_set_clear_func (pile, pending_clear);
  g_array_set_size (self->items, 0);
  g_hash_table_remove_all (self->indices);
  _esp_tree_items_update_hidden (self);

  if (self->document)
    push_children (self, pile, NULL, -1, 1);
  while (pile->len > 0)
    {
      Pending pending = g_array_index (pile, Pending, pile->len - 1);

      g_array_index (pile, Pending, pile->len - 1).stack = NULL;
      g_array_set_size (pile, pile->len - 1);
      add_item (self, pile, &pending);
      pending_clear (&pending);
    }
  index_children (self);
  mark_path (self);
  g_signal_emit (self, signals[RESET], 0);
}

static gboolean
on_rebuild (gpointer user_data)
{
  EspTreeItems *self = user_data;

  self->rebuild_id = 0;
  _esp_tree_items_rebuild (self);
  return G_SOURCE_REMOVE;
}

/* Before the next frame is laid out: what was removed must not be drawn again. */
static void
schedule_rebuild (EspTreeItems *self)
{
  if (self->rebuild_id == 0)
    {
      self->rebuild_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_rebuild, self, NULL);
      g_source_set_name_by_id (self->rebuild_id, "[espalier] history items");
    }
}

void
esp_tree_items_flush (EspTreeItems *self)
{
  g_return_if_fail (ESP_IS_TREE_ITEMS (self));

  if (self->rebuild_id != 0)
    _esp_tree_items_rebuild (self);
}

/* --- The document's news ---------------------------------------------------------------------- */

static void
on_node_changed (EspTreeItems *self, guint what, EspNode *node)
{
  /* A picture of another shape needs another place; what differs by more than the seed now leaves
   * its stack, as does what was made from another image. */
  if (what
      & (ESP_NODE_CHANGE_PLACE | ESP_NODE_CHANGE_FOLDED | ESP_NODE_CHANGE_TURN
         | ESP_NODE_CHANGE_IMAGE | ESP_NODE_CHANGE_COMPOSITION))
    schedule_rebuild (self);
  /* A group tells how many are done; a cell is called by its values unless it has a label. */
  else if (esp_node_get_sweep (node) != 0
           && (what & (ESP_NODE_CHANGE_STATE | ESP_NODE_CHANGE_MARKS)))
    schedule_rebuild (self);
  else if (self->hide_rejected && (what & ESP_NODE_CHANGE_MARKS))
    schedule_rebuild (self);
  g_signal_emit (self, signals[UPDATED], 0, node);
}

static void
on_node_progress (EspTreeItems *self, EspNode *node)
{
  g_signal_emit (self, signals[UPDATED], 0, node);
}

static void
watch (EspTreeItems *self, EspNode *node)
{
  if (!g_hash_table_add (self->watched, g_object_ref (node)))
    return;
  g_signal_connect_object (node, "changed", G_CALLBACK (on_node_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (node, "progress", G_CALLBACK (on_node_progress), self,
                           G_CONNECT_SWAPPED);
}

static void
unwatch_all (EspTreeItems *self)
{
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->watched);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    g_signal_handlers_disconnect_by_data (node, self);
  g_hash_table_remove_all (self->watched);
}

static void
on_node_added (EspTreeItems *self, EspNode *node, EspDocument *document)
{
  watch (self, node);
  schedule_rebuild (self);
}

static void
on_node_removed (EspTreeItems *self, EspNode *node, EspDocument *document)
{
  g_signal_handlers_disconnect_by_data (node, self);
  g_hash_table_remove (self->watched, node);
  schedule_rebuild (self);
}

/* Remembers which one of its stack was looked at last. */
static void
remember_front (EspTreeItems *self, EspNode *node)
{
  int index = esp_tree_items_find (self, node);
  gint64 id = esp_node_get_id (node);

  if (index >= 0 && g_array_index (self->items, EspTreeItem, index).stack_size > 1)
    g_hash_table_insert (
        self->fronts,
        _esp_tree_items_id_key (g_array_index (self->items, EspTreeItem, index).leader),
        g_memdup2 (&id, sizeof id));
}

static void
on_current (EspTreeItems *self, GParamSpec *pspec, EspDocument *document)
{
  EspNode *current = esp_document_get_current (document);
  int index;

  if (self->rebuild_id != 0)
    return;
  if (self->hide_rejected)
    schedule_rebuild (self);
  index = current ? esp_tree_items_find (self, current) : -1;
  if (current)
    for (EspNode *node = current; node; node = esp_node_get_parent (node))
      {
        int at = esp_tree_items_find (self, node);

        if (at >= 0)
          {
            remember_front (self, node);
            if (g_array_index (self->items, EspTreeItem, at).node != node)
              schedule_rebuild (self);
          }
      }
  if (self->rebuild_id != 0)
    _esp_tree_items_rebuild (self);
  else if (index >= 0 || !current)
    mark_path (self);
}

EspDocument *
esp_tree_items_get_document (EspTreeItems *self)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), NULL);
  return self->document;
}

void
esp_tree_items_set_document (EspTreeItems *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_TREE_ITEMS (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (self->document == document)
    return;
  if (self->document)
    g_signal_handlers_disconnect_by_data (self->document, self);
  unwatch_all (self);
  g_hash_table_remove_all (self->fronts);
  g_hash_table_remove_all (self->spread);
  g_hash_table_remove_all (self->plans);
  self->hide_rejected = FALSE;
  g_set_object (&self->document, document);
  if (document)
    {
      g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);

      for (guint i = 0; i < nodes->len; i++)
        watch (self, g_ptr_array_index (nodes, i));
      _esp_tree_items_restore_spread (self);
      _esp_tree_items_restore_hidden (self);
      g_signal_connect_object (document, "node-added", G_CALLBACK (on_node_added), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (document, "node-removed", G_CALLBACK (on_node_removed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (document, "notify::current", G_CALLBACK (on_current), self,
                               G_CONNECT_SWAPPED);
    }
  _esp_tree_items_rebuild (self);
}

/* --- Questions -------------------------------------------------------------------------------- */

guint
esp_tree_items_get_n (EspTreeItems *self)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), 0);
  return self->items->len;
}

const EspTreeItem *
esp_tree_items_get (EspTreeItems *self, guint index)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), NULL);
  g_return_val_if_fail (index < self->items->len, NULL);
  return &g_array_index (self->items, EspTreeItem, index);
}

int
esp_tree_items_find (EspTreeItems *self, EspNode *node)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), -1);
  g_return_val_if_fail (node == NULL || ESP_IS_NODE (node), -1);

  for (; node; node = esp_node_get_parent (node))
    {
      int index = GPOINTER_TO_INT (g_hash_table_lookup (self->indices, node));

      if (index > 0)
        return index - 1;
    }
  return -1;
}

int
esp_tree_items_get_child (EspTreeItems *self, guint index, guint i)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), -1);
  g_return_val_if_fail (index < self->items->len, -1);

  if (i >= g_array_index (self->items, EspTreeItem, index).n_children)
    return -1;
  return (int) g_array_index (self->children, guint, g_array_index (self->first, guint, index) + i);
}

int
esp_tree_items_get_sibling (EspTreeItems *self, guint index, int step)
{
  const EspTreeItem *item;
  int at;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), -1);
  g_return_val_if_fail (index < self->items->len, -1);

  item = &g_array_index (self->items, EspTreeItem, index);
  at = (int) item->position - 1 + step;
  if (at < 0 || at >= (int) item->n_siblings)
    return -1;
  if (item->parent >= 0)
    return esp_tree_items_get_child (self, (guint) item->parent, (guint) at);
  for (guint i = 0; i < self->items->len; i++)
    {
      const EspTreeItem *root = &g_array_index (self->items, EspTreeItem, i);

      if (root->parent < 0 && (int) root->position - 1 == at)
        return (int) i;
    }
  return -1;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_tree_items_dispose (GObject *object)
{
  EspTreeItems *self = ESP_TREE_ITEMS (object);

  g_clear_handle_id (&self->rebuild_id, g_source_remove);
  unwatch_all (self);
  if (self->document)
    g_signal_handlers_disconnect_by_data (self->document, self);
  g_clear_object (&self->document);
  G_OBJECT_CLASS (esp_tree_items_parent_class)->dispose (object);
}

static void
esp_tree_items_finalize (GObject *object)
{
  EspTreeItems *self = ESP_TREE_ITEMS (object);

  g_array_unref (self->items);
  g_array_unref (self->children);
  g_array_unref (self->first);
  g_hash_table_unref (self->indices);
  g_hash_table_unref (self->watched);
  g_hash_table_unref (self->fronts);
  g_hash_table_unref (self->spread);
  g_hash_table_unref (self->plans);
  g_hash_table_unref (self->hidden);
  G_OBJECT_CLASS (esp_tree_items_parent_class)->finalize (object);
}

static void
esp_tree_items_class_init (EspTreeItemsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_tree_items_dispose;
  object_class->finalize = esp_tree_items_finalize;

  signals[RESET] = g_signal_new ("reset", ESP_TYPE_TREE_ITEMS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
  signals[UPDATED] = g_signal_new ("updated", ESP_TYPE_TREE_ITEMS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 1, ESP_TYPE_NODE);
}

static void
esp_tree_items_init (EspTreeItems *self)
{
  self->items = g_array_new (FALSE, FALSE, sizeof (EspTreeItem));
  g_array_set_clear_func (self->items, item_clear);
  self->children = g_array_new (FALSE, FALSE, sizeof (guint));
  self->first = g_array_new (FALSE, TRUE, sizeof (guint));
  self->indices = g_hash_table_new (NULL, NULL);
  self->watched = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->fronts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->spread = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->plans
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, _esp_tree_items_plan_free);
  self->hidden = g_hash_table_new (NULL, NULL);
}

EspTreeItems *
esp_tree_items_new (void)
{
  return g_object_new (ESP_TYPE_TREE_ITEMS, NULL);
}
