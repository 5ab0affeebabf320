/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-stacks.c: turns that differ by their seeds alone: which are one stack, which one of it
 * is in front, which stacks are spread, and what folding means for them. */
#include "esp-tree-items-private.h"

#define SPREAD_KEY "history.spread"

gint64 *
_esp_tree_items_id_key (EspNode *node)
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

EspNode *
_esp_tree_items_list_get (GListModel *list, guint i)
{
  g_autoptr (GObject) item = g_list_model_get_object (list, i);

  return (EspNode *) item; /* the document holds it */
}

/* Sorts the siblings into stacks, each an array of nodes, in the order of their first ones. */
GPtrArray *
_esp_tree_items_group_siblings (EspTreeItems *self, GListModel *siblings)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  /* The first group that is alike, by what it has in common. */
  g_autoptr (GHashTable) alike = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = g_list_model_get_n_items (siblings);

  for (guint i = 0; i < n; i++)
    {
      EspNode *node = _esp_tree_items_list_get (siblings, i);
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
guint
_esp_tree_items_choose_front (EspTreeItems *self, GPtrArray *stack)
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

/* --- Spread and folded ------------------------------------------------------------------------ */

void
_esp_tree_items_restore_spread (EspTreeItems *self)
{
  const char *text = esp_document_get_view (self->document, SPREAD_KEY);
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "", " ", -1);

  for (char **word = words; *word != NULL; word++)
    {
      gint64 id = g_ascii_strtoll (*word, NULL, 10);
      EspNode *node = esp_document_get_node (self->document, id);

      if (node != NULL)
        g_hash_table_add (self->spread, _esp_tree_items_id_key (node));
    }
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
        EspNode *node = _esp_tree_items_list_get (siblings, i);

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
  return g_ptr_array_index (stack, _esp_tree_items_choose_front (self, stack));
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
      g_autoptr (GPtrArray) groups = _esp_tree_items_group_siblings (self, children);

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
    g_hash_table_add (self->spread, _esp_tree_items_id_key (leader));
  else
    {
      gint64 id = esp_node_get_id (leader);

      g_hash_table_remove (self->spread, &id);
    }
  store_spread (self);
  _esp_tree_items_rebuild (self);
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
