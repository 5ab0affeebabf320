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
  GHashTable *spread;  /* set of the ids of the first ones of stacks and of all cells */
  GHashTable *plans;   /* a sweep's id → EspSweepPlan, or NULL */
  GHashTable *hidden;  /* set of EspNode */
  gboolean hide_rejected;
  guint rebuild_id;
};

/* Makes the list anew, at once. */
void _esp_tree_items_rebuild (EspTreeItems *self);

/* A node's id as a key that the table is to own. */
gint64 *_esp_tree_items_id_key (EspNode *node);

/* Borrowed: the document holds it. */
EspNode *_esp_tree_items_list_get (GListModel *list, guint i);

/* esp-tree-groups.c */
/* Is it shown beside the group of its sweep: did someone go on from it? */
gboolean _esp_tree_items_is_beside_group (EspNode *cell);
/* All of the same sweep with the same parent. (element-type EspNode) (transfer container), the
 * nodes being the document's. */
GPtrArray *_esp_tree_items_dup_cells (EspTreeItems *self, EspNode *cell);
/* What is told of a cell, and of a group of them. */
void _esp_tree_items_describe (EspTreeItems *self, EspTreeItem *item, GPtrArray *stack);
void _esp_tree_items_plan_free (gpointer plan);

/* esp-tree-hidden.c */
void _esp_tree_items_update_hidden (EspTreeItems *self);
gboolean _esp_tree_items_is_hidden (EspTreeItems *self, EspNode *node);
void _esp_tree_items_restore_hidden (EspTreeItems *self);

/* Sorts the siblings into stacks and groups in the order of their first ones. (element-type
 * GPtrArray of EspNode) (transfer full) */
GPtrArray *_esp_tree_items_group_siblings (EspTreeItems *self, GListModel *siblings);

/* Which of a stack is seen: its place in it. */
guint _esp_tree_items_choose_front (EspTreeItems *self, GPtrArray *stack);

/* Which stacks are spread, as the document's view remembers. */
void _esp_tree_items_restore_spread (EspTreeItems *self);

G_END_DECLS
