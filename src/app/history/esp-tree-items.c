/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-items.c: see esp-tree-items.h. */
#include "esp-tree-items.h"

#define SPREAD_KEY "history.spread"

struct _EspTreeItems
{
  GObject parent_instance;

  EspDocument *document;
  GArray *items;       /* of EspTreeItem, depth first */
  GArray *children;    /* of guint: the children of all items, one parent's after the other's */
  GArray *first;       /* of guint: where an item's children begin in `children`; n + 1 */
  GHashTable *indices; /* EspNode → index + 1, for all nodes of an item */
  GHashTable *watched; /* EspNode (owned) whose signals we listen to */
  GHashTable *fronts;  /* leader's id → id of the one in front */
  GHashTable *spread;  /* set of leaders' ids */
  guint rebuild_id;
};

G_DEFINE_FINAL_TYPE (EspTreeItems, esp_tree_items, G_TYPE_OBJECT)

enum
{
  RESET,
  UPDATED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void schedule_rebuild (EspTreeItems *self);

static gint64 *
id_key (EspNode *node)
{
  gint64 id = esp_node_get_id (node);

  return g_memdup2 (&id, sizeof id);
}

static gboolean
is_spread_id (EspTreeItems *self, EspNode *leader)
{
  gint64 id = esp_node_get_id (leader);

  return g_hash_table_contains (self->spread, &id);
}

/* --- Stacks ----------------------------------------------------------------------------------- */

static void
item_clear (gpointer data)
{
  EspTreeItem *item = data;

  g_clear_object (&item->node);
  g_clear_object (&item->leader);
}

static EspNode *
list_get (GListModel *list, guint i)
{
  g_autoptr (GObject) item = g_list_model_get_object (list, i);

  return (EspNode *) item; /* the document holds it */
}

/* Sorts the siblings into stacks, each an array of nodes, in the order of their first ones. */
static GPtrArray *
group_siblings (EspTreeItems *self, GListModel *siblings)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  /* The first group that is alike, by what it has in common. */
  g_autoptr (GHashTable) alike = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = g_list_model_get_n_items (siblings);

  for (guint i = 0; i < n; i++)
    {
      EspNode *node = list_get (siblings, i);
      const char *key = esp_node_get_stack_key (node);
      GPtrArray *first = key ? g_hash_table_lookup (alike, key) : NULL;
      GPtrArray *group = first;

      /* The first that is like it leads; where that one's stack is spread, this stands alone, too.
       */
      if (first && is_spread_id (self, g_ptr_array_index (first, 0)))
        group = NULL;
      if (!group)
        {
          group = g_ptr_array_new ();
          g_ptr_array_add (groups, group);
        }
      if (key && !first)
        g_hash_table_insert (alike, (gpointer) key, group);
      g_ptr_array_add (group, node);
    }
  return groups;
}

/* Which of a stack is seen: the one that leads to the current node, else the one that was seen
 * last, else the first that has a picture. */
static guint
choose_front (EspTreeItems *self, GPtrArray *stack)
{
  EspNode *current = esp_document_get_current (self->document);
  gint64 leader_id = esp_node_get_id (g_ptr_array_index (stack, 0));
  const gint64 *remembered = g_hash_table_lookup (self->fronts, &leader_id);
  guint chosen = G_MAXUINT;

  if (stack->len == 1)
    return 0;
  for (guint i = 0; i < stack->len; i++)
    {
      EspNode *node = g_ptr_array_index (stack, i);

      if (current && (node == current || esp_node_is_ancestor (node, current)))
        return i;
      if (remembered && esp_node_get_id (node) == *remembered)
        chosen = i;
    }
  if (chosen != G_MAXUINT)
    return chosen;
  for (guint i = 0; i < stack->len; i++)
    if (esp_node_has_image (g_ptr_array_index (stack, i)))
      return i;
  return 0;
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
      g_autoptr (GPtrArray) own = group_siblings (self, children);

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
        g_ptr_array_add (pile, list_get (children, i));
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
  guint front = choose_front (self, pending->stack);
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

static void
rebuild (EspTreeItems *self)
{
  g_autoptr (GArray) pile = g_array_new (FALSE, FALSE, sizeof (Pending));

  g_clear_handle_id (&self->rebuild_id, g_source_remove);
  g_array_set_clear_func (pile, pending_clear);
  g_array_set_size (self->items, 0);
  g_hash_table_remove_all (self->indices);

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
  rebuild (self);
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
    rebuild (self);
}

/* --- The document's news ---------------------------------------------------------------------- */

static void
on_node_changed (EspTreeItems *self, guint what, EspNode *node)
{
  /* A picture of another shape needs another place; what differs by more than the seed now leaves
   * its stack. */
  if (what
      & (ESP_NODE_CHANGE_PLACE | ESP_NODE_CHANGE_FOLDED | ESP_NODE_CHANGE_TURN
         | ESP_NODE_CHANGE_IMAGE))
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
    g_hash_table_insert (self->fronts,
                         id_key (g_array_index (self->items, EspTreeItem, index).leader),
                         g_memdup2 (&id, sizeof id));
}

static void
on_current (EspTreeItems *self, GParamSpec *pspec, EspDocument *document)
{
  EspNode *current = esp_document_get_current (document);
  int index;

  if (self->rebuild_id != 0)
    return;
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
    rebuild (self);
  else if (index >= 0 || !current)
    mark_path (self);
}

EspDocument *
esp_tree_items_get_document (EspTreeItems *self)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), NULL);
  return self->document;
}

static void
restore_spread (EspTreeItems *self)
{
  const char *text = esp_document_get_view (self->document, SPREAD_KEY);
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "", " ", -1);

  for (char **word = words; *word != NULL; word++)
    {
      gint64 id = g_ascii_strtoll (*word, NULL, 10);
      EspNode *node = esp_document_get_node (self->document, id);

      if (node != NULL)
        g_hash_table_add (self->spread, id_key (node));
    }
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
  g_set_object (&self->document, document);
  if (document)
    {
      g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);

      for (guint i = 0; i < nodes->len; i++)
        watch (self, g_ptr_array_index (nodes, i));
      restore_spread (self);
      g_signal_connect_object (document, "node-added", G_CALLBACK (on_node_added), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (document, "node-removed", G_CALLBACK (on_node_removed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (document, "notify::current", G_CALLBACK (on_current), self,
                               G_CONNECT_SWAPPED);
    }
  rebuild (self);
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

GPtrArray *
esp_tree_items_dup_stack (EspTreeItems *self, guint index)
{
  GPtrArray *stack = g_ptr_array_new_with_free_func (g_object_unref);
  const EspTreeItem *item;
  GListModel *siblings;
  EspNode *parent;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), stack);
  g_return_val_if_fail (index < self->items->len, stack);

  item = &g_array_index (self->items, EspTreeItem, index);
  parent = esp_node_get_parent (item->leader);
  siblings = parent ? esp_node_get_children (parent) : esp_document_get_roots (self->document);
  if (item->stack_size == 1)
    g_ptr_array_add (stack, g_object_ref (item->node));
  else
    for (guint i = 0; i < g_list_model_get_n_items (siblings); i++)
      {
        EspNode *node = list_get (siblings, i);

        if (GPOINTER_TO_INT (g_hash_table_lookup (self->indices, node)) == (int) index + 1)
          g_ptr_array_add (stack, g_object_ref (node));
      }
  return stack;
}

EspNode *
esp_tree_items_get_next_in_stack (EspTreeItems *self, guint index, int step)
{
  g_autoptr (GPtrArray) stack = esp_tree_items_dup_stack (self, index);
  int at = (int) esp_tree_items_get (self, index)->stack_position + step;

  return at >= 0 && at < (int) stack->len ? g_ptr_array_index (stack, at) : NULL;
}

/* The first of the turns that could be a stack with this one. Borrowed. */
static EspNode *
find_leader (EspNode *node)
{
  g_autoptr (GPtrArray) stack = esp_node_dup_stack (node);

  return stack->len > 0 ? g_ptr_array_index (stack, 0) : node;
}

EspNode *
esp_tree_items_get_leader (EspTreeItems *self, EspNode *node)
{
  EspNode *leader;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), NULL);
  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  leader = find_leader (node);
  return is_spread_id (self, leader) ? node : leader;
}

EspNode *
esp_tree_items_get_front (EspTreeItems *self, EspNode *leader)
{
  g_autoptr (GPtrArray) stack = NULL;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), NULL);
  g_return_val_if_fail (ESP_IS_NODE (leader), NULL);

  if (!self->document || is_spread_id (self, find_leader (leader)))
    return leader;
  stack = esp_node_dup_stack (leader);
  return g_ptr_array_index (stack, choose_front (self, stack));
}

GPtrArray *
esp_tree_items_dup_below (EspTreeItems *self, EspNode *leader)
{
  GPtrArray *below = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) stack = NULL;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), below);
  g_return_val_if_fail (leader == NULL || ESP_IS_NODE (leader), below);

  if (!self->document)
    return below;
  if (leader && !is_spread_id (self, find_leader (leader)))
    stack = esp_node_dup_stack (leader);
  else if (leader)
    {
      stack = g_ptr_array_new ();
      g_ptr_array_add (stack, leader);
    }
  for (guint m = 0; m < (stack ? stack->len : 1); m++)
    {
      GListModel *children = stack ? esp_node_get_children (g_ptr_array_index (stack, m))
                                   : esp_document_get_roots (self->document);
      g_autoptr (GPtrArray) groups = group_siblings (self, children);

      for (guint g = 0; g < groups->len; g++)
        {
          GPtrArray *group = g_ptr_array_index (groups, g);

          g_ptr_array_add (below, g_object_ref (g_ptr_array_index (group, 0)));
        }
    }
  return below;
}

gboolean
esp_tree_items_is_spread (EspTreeItems *self, EspNode *node)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), FALSE);
  g_return_val_if_fail (ESP_IS_NODE (node), FALSE);

  return is_spread_id (self, find_leader (node));
}

/* With the document's view: by the ids of the first ones. */
static void
store_spread (EspTreeItems *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, self->spread);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, text->len > 0 ? " " : "", *(gint64 *) id);
  esp_document_set_view (self->document, SPREAD_KEY, text->len > 0 ? text->str : NULL);
}

void
esp_tree_items_set_spread (EspTreeItems *self, EspNode *node, gboolean spread)
{
  EspNode *leader;

  g_return_if_fail (ESP_IS_TREE_ITEMS (self));
  g_return_if_fail (ESP_IS_NODE (node));

  leader = find_leader (node);
  if (spread)
    g_hash_table_add (self->spread, id_key (leader));
  else
    {
      gint64 id = esp_node_get_id (leader);

      g_hash_table_remove (self->spread, &id);
    }
  store_spread (self);
  rebuild (self);
}

gboolean
esp_tree_items_is_folded (EspTreeItems *self, EspNode *node)
{
  g_autoptr (GPtrArray) stack = NULL;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), FALSE);
  g_return_val_if_fail (ESP_IS_NODE (node), FALSE);

  if (esp_node_get_folded (node) || esp_tree_items_is_spread (self, node))
    return esp_node_get_folded (node);
  stack = esp_node_dup_stack (node);
  for (guint i = 0; i < stack->len; i++)
    if (esp_node_get_folded (g_ptr_array_index (stack, i)))
      return TRUE;
  return FALSE;
}

/* For a stack, the fold is kept by its first; but each of them may have been folded on its own. */
void
esp_tree_items_set_folded (EspTreeItems *self, EspNode *node, gboolean folded)
{
  g_autoptr (GPtrArray) stack = NULL;

  g_return_if_fail (ESP_IS_TREE_ITEMS (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (folded)
    {
      esp_document_set_folded (self->document, node, TRUE);
      return;
    }
  if (esp_node_get_folded (node))
    esp_document_set_folded (self->document, node, FALSE);
  if (esp_tree_items_is_spread (self, node))
    return;
  stack = esp_node_dup_stack (node);
  for (guint i = 0; i < stack->len; i++)
    if (esp_node_get_folded (g_ptr_array_index (stack, i)))
      esp_document_set_folded (self->document, g_ptr_array_index (stack, i), FALSE);
}

void
esp_tree_items_uncover (EspTreeItems *self, EspNode *node)
{
  g_return_if_fail (ESP_IS_TREE_ITEMS (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (g_hash_table_contains (self->indices, node))
    return;
  for (EspNode *ancestor = esp_node_get_parent (node); ancestor;
       ancestor = esp_node_get_parent (ancestor))
    esp_tree_items_set_folded (self, ancestor, FALSE);
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
}

EspTreeItems *
esp_tree_items_new (void)
{
  return g_object_new (ESP_TYPE_TREE_ITEMS, NULL);
}
