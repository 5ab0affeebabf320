/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-stacks.c: turns that differ by their seeds alone: which are one stack, which one of it
 * is in front, which stacks are spread, and what folding means for them. Groups of cells are stacks
 * in all this. */
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

/* What the siblings of one list are alike in, and their arrays. */
typedef struct
{
  EspNode *first;   /* by whose id they are spread */
  GPtrArray *group; /* NULL: none of them is in it yet */
} Alike;

/* Where the node goes with others, NULL: it stands alone. `alike` is made if it is the first. */
static Alike *
find_alike (GHashTable *stacks, GHashTable *sweeps, EspNode *node)
{
  const gint64 sweep = esp_node_get_sweep (node);
  const char *key = sweep == 0 ? esp_node_get_stack_key (node) : NULL;
  Alike *alike;

  if (sweep == 0 && key == NULL)
    return NULL;
  alike = sweep != 0 ? g_hash_table_lookup (sweeps, &sweep) : g_hash_table_lookup (stacks, key);
  if (alike != NULL)
    return alike;
  alike = g_new0 (Alike, 1);
  alike->first = node;
  if (sweep != 0)
    g_hash_table_insert (sweeps, g_memdup2 (&sweep, sizeof sweep), alike);
  else
    g_hash_table_insert (stacks, (gpointer) key, alike);
  return alike;
}

/* Sorts the siblings into stacks and groups, each an array of nodes, in the order of their first
 * ones. */
GPtrArray *
_esp_tree_items_group_siblings (EspTreeItems *self, GListModel *siblings)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  /* By what they have in common; by the sweep's id. */
  g_autoptr (GHashTable) stacks = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_autoptr (GHashTable) sweeps
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  guint n = g_list_model_get_n_items (siblings);

  for (guint i = 0; i < n; i++)
    {
      EspNode *node = _esp_tree_items_list_get (siblings, i);
      Alike *alike = find_alike (stacks, sweeps, node);
      GPtrArray *group;

      if (_esp_tree_items_is_hidden (self, node))
        continue;
      /* Where those alike are spread, each of them stands alone. */
      if (alike != NULL
          && (is_spread_id (self, alike->first)
              || (esp_node_get_sweep (node) != 0 && _esp_tree_items_is_beside_group (node))))
        alike = NULL;
      group = alike != NULL ? alike->group : NULL;
      if (group == NULL)
        {
          group = g_ptr_array_new ();
          g_ptr_array_add (groups, group);
        }
      if (alike != NULL)
        alike->group = group;
      g_ptr_array_add (group, node);
    }
  return groups;
}

/* Which of a stack is seen: the one that leads to the current node, else the one that was seen
 * last, else the first that has a picture; of those in a group the first with the most stars. */
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
    {
      EspNode *node = g_ptr_array_index (stack, i);

      if (esp_node_has_image (node)
          && (chosen == G_MAXUINT
              || (esp_node_get_sweep (node) != 0
                  && esp_node_get_stars (node) > esp_node_get_stars (stack->pdata[chosen]))))
        chosen = i;
    }
  return chosen != G_MAXUINT ? chosen : 0;
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

/* Of a stack it is the one in front that counts: what is seen. A group stands for all of it. */
gboolean
esp_tree_items_is_in (EspTreeItems *self, guint index, GHashTable *nodes)
{
  const EspTreeItem *item;
  g_autoptr (GPtrArray) stack = NULL;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), FALSE);
  g_return_val_if_fail (index < self->items->len, FALSE);

  item = &g_array_index (self->items, EspTreeItem, index);
  if (g_hash_table_contains (nodes, item->node))
    return TRUE;
  if (item->sweep == 0)
    return FALSE;
  stack = esp_tree_items_dup_stack (self, index);
  for (guint i = 0; i < stack->len; i++)
    if (g_hash_table_contains (nodes, stack->pdata[i]))
      return TRUE;
  return FALSE;
}

EspNode *
esp_tree_items_get_next_in_stack (EspTreeItems *self, guint index, int step)
{
  g_autoptr (GPtrArray) stack = esp_tree_items_dup_stack (self, index);
  int at = (int) esp_tree_items_get (self, index)->stack_position + step;

  if (esp_tree_items_get (self, index)->sweep != 0)
    return NULL;
  return at >= 0 && at < (int) stack->len ? g_ptr_array_index (stack, at) : NULL;
}

/* The siblings that could be one item with this one, itself included. (element-type EspNode)
 * (transfer container) */
static GPtrArray *
dup_alike (EspTreeItems *self, EspNode *node)
{
  return esp_node_get_sweep (node) != 0 ? _esp_tree_items_dup_cells (self, node)
                                        : esp_node_dup_stack (node);
}

/* The first of them, by whose id they are spread. Borrowed. */
static EspNode *
find_leader (EspTreeItems *self, EspNode *node)
{
  g_autoptr (GPtrArray) stack = dup_alike (self, node);

  return stack->len > 0 ? g_ptr_array_index (stack, 0) : node;
}

/* Those that share an item with the node, at least itself. */
static GPtrArray *
dup_members (EspTreeItems *self, EspNode *node)
{
  const gboolean cell = esp_node_get_sweep (node) != 0;
  g_autoptr (GPtrArray) alike = dup_alike (self, node);
  GPtrArray *members = g_ptr_array_new ();

  if (alike->len > 0 && !is_spread_id (self, alike->pdata[0])
      && !(cell && _esp_tree_items_is_beside_group (node)))
    for (guint i = 0; i < alike->len; i++)
      if (alike->pdata[i] == node
          || (!_esp_tree_items_is_hidden (self, alike->pdata[i])
              && !(cell && _esp_tree_items_is_beside_group (alike->pdata[i]))))
        g_ptr_array_add (members, alike->pdata[i]);
  if (members->len == 0)
    g_ptr_array_add (members, node);
  return members;
}

EspNode *
esp_tree_items_get_leader (EspTreeItems *self, EspNode *node)
{
  g_autoptr (GPtrArray) members = NULL;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), NULL);
  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  if (!self->document)
    return node;
  members = dup_members (self, node);
  return members->pdata[0];
}

EspNode *
esp_tree_items_get_front (EspTreeItems *self, EspNode *leader)
{
  g_autoptr (GPtrArray) members = NULL;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), NULL);
  g_return_val_if_fail (ESP_IS_NODE (leader), NULL);

  if (!self->document)
    return leader;
  members = dup_members (self, leader);
  return g_ptr_array_index (members, _esp_tree_items_choose_front (self, members));
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
  if (leader)
    stack = dup_members (self, leader);
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

  return self->document && is_spread_id (self, find_leader (self, node));
}

gboolean
esp_tree_items_can_spread (EspTreeItems *self, EspNode *node)
{
  g_autoptr (GPtrArray) alike = NULL;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), FALSE);
  g_return_val_if_fail (ESP_IS_NODE (node), FALSE);

  if (!self->document)
    return FALSE;
  alike = dup_alike (self, node);
  return alike->len > 1;
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

  leader = find_leader (self, node);
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

  /* Cells in a group have nothing below them. */
  if (esp_node_get_folded (node) || esp_node_get_sweep (node) != 0
      || esp_tree_items_is_spread (self, node))
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
  if (esp_node_get_sweep (node) != 0 || esp_tree_items_is_spread (self, node))
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
