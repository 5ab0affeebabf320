/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-items-private.h: what the list of items and its stacks share. */
#pragma once

#include "esp-tree-items.h"

G_BEGIN_DECLS

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

/* Makes the list anew, at once. */
void _esp_tree_items_rebuild (EspTreeItems *self);

/* A node's id as a key that the table is to own. */
gint64 *_esp_tree_items_id_key (EspNode *node);

/* Borrowed: the document holds it. */
EspNode *_esp_tree_items_list_get (GListModel *list, guint i);

/* Sorts the siblings into stacks in the order of their first ones. (element-type GPtrArray of
 * EspNode) (transfer full) */
GPtrArray *_esp_tree_items_group_siblings (EspTreeItems *self, GListModel *siblings);

/* Which of a stack is seen: its place in it. */
guint _esp_tree_items_choose_front (EspTreeItems *self, GPtrArray *stack);

/* Which stacks are spread, as the document's view remembers. */
void _esp_tree_items_restore_spread (EspTreeItems *self);

G_END_DECLS
