/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-items.h: what the tree shows of a document: branches may be folded, turns that differ by
 * their seeds alone share one item, a stack, of which one is in front, and so do the cells of a
 * sweep, a group; rejected ones may be hidden.
 *
 * The list is made anew when nodes come, go, move or fold (in an idle handler, once for many
 * changes).
 *
 * Signals:
 *   "reset"    ()         the items are others now; those from before are gone
 *   "updated"  (EspNode)  a node changed in what is shown of it, not in its place
 */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

typedef struct
{
  EspNode *node;        /* the one shown */
  EspNode *leader;      /* the first of the stack; `node` where there is none */
  guint stack_size;     /* 1: no stack */
  guint stack_position; /* of `node` in its stack, from 0 */
  int parent;           /* index, smaller than the own one, or -1 */
  guint level;          /* 1 for roots */
  guint position;       /* among its siblings, from 1 */
  guint n_siblings;     /* with itself */
  guint n_children;     /* items below, 0 when folded */
  guint n_hidden;       /* nodes folded away below */
  gboolean on_path;     /* leads to (or is) the current node */
  char *title;          /* a GRefString instead of the node's; NULL: that */

  /* Of a group; all cells of the sweep with the same parent are counted, those beside it, too. */
  gint64 sweep; /* 0: it is none */
  guint n_cells, n_done;
  guint n_under_way;  /* waiting and running */
  EspNode *mosaic[4]; /* pictures that stand for it while none of its own is current; or NULL */
} EspTreeItem;

void esp_tree_item_copy (const EspTreeItem *item, EspTreeItem *copy); /* with references */
void esp_tree_item_clear (EspTreeItem *item);
gboolean esp_tree_item_equal (const EspTreeItem *a, const EspTreeItem *b);
char *esp_tree_item_dup_title (const EspTreeItem *item) G_GNUC_WARN_UNUSED_RESULT;
char *esp_tree_item_dup_progress (const EspTreeItem *item)
    G_GNUC_WARN_UNUSED_RESULT; /* of a group */

#define ESP_TYPE_TREE_ITEMS (esp_tree_items_get_type ())

G_DECLARE_FINAL_TYPE (EspTreeItems, esp_tree_items, ESP, TREE_ITEMS, GObject)

EspTreeItems *esp_tree_items_new (void) G_GNUC_WARN_UNUSED_RESULT;

EspDocument *esp_tree_items_get_document (EspTreeItems *self);
void esp_tree_items_set_document (EspTreeItems *self, EspDocument *document);

/* Brings the list up to date now if something is outstanding. */
void esp_tree_items_flush (EspTreeItems *self);

guint esp_tree_items_get_n (EspTreeItems *self);
const EspTreeItem *esp_tree_items_get (EspTreeItems *self, guint index);

/* The item that shows the node or its stack, or, where it is folded away, the branch it is in; -1
 * if there is none. */
int esp_tree_items_find (EspTreeItems *self, EspNode *node);

/* The item's i-th child (in order), or -1. */
int esp_tree_items_get_child (EspTreeItems *self, guint index, guint i);

/* The item before or after it among its siblings, or -1. */
int esp_tree_items_get_sibling (EspTreeItems *self, guint index, int step);

/* The nodes of an item's stack, oldest first; one if it is none. (element-type EspNode) (transfer
 * container) */
GPtrArray *esp_tree_items_dup_stack (EspTreeItems *self, guint index) G_GNUC_WARN_UNUSED_RESULT;

/* Is one of the item's nodes in the set? */
gboolean esp_tree_items_is_in (EspTreeItems *self, guint index, GHashTable *nodes);

/* The next of the stack, `step` ±1, or NULL at its end, and in a group, whose cells are gone
 * through in their grid. Borrowed. */
EspNode *esp_tree_items_get_next_in_stack (EspTreeItems *self, guint index, int step);

/* The same for nodes that may be folded away, which no item stands for: the first of the node's
 * stack, the one of it that is in front, and the first ones of the items below it (or below none:
 * the roots). Borrowed; (element-type EspNode) (transfer container). */
EspNode *esp_tree_items_get_leader (EspTreeItems *self, EspNode *node);
EspNode *esp_tree_items_get_front (EspTreeItems *self, EspNode *leader);
GPtrArray *esp_tree_items_dup_below (EspTreeItems *self, EspNode *leader) G_GNUC_WARN_UNUSED_RESULT;

/* Rejected nodes below which everything is rejected are left out, as the document's view remembers.
 */
gboolean esp_tree_items_get_hide_rejected (EspTreeItems *self);
void esp_tree_items_set_hide_rejected (EspTreeItems *self, gboolean hide);

/* Shows the stack or group that the node is in as one item or as several. */
gboolean esp_tree_items_can_spread (EspTreeItems *self, EspNode *node);
gboolean esp_tree_items_is_spread (EspTreeItems *self, EspNode *node);
void esp_tree_items_set_spread (EspTreeItems *self, EspNode *node, gboolean spread);

/* Is the branch below the node folded? In a stack that is not spread: that of any of it. */
gboolean esp_tree_items_is_folded (EspTreeItems *self, EspNode *node);

/* Folds or unfolds the branch below the node and those that share a stack with it. */
void esp_tree_items_set_folded (EspTreeItems *self, EspNode *node, gboolean folded);

/* Unfolds everything above the node if it is not in the list. */
void esp_tree_items_uncover (EspTreeItems *self, EspNode *node);

G_END_DECLS
