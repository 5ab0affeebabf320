/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view.h: the tree itself: places the items, draws those in view, scrolls and zooms. Put
 * it into a GtkScrolledWindow.
 *
 * Up to ESP_TREE_VIEW_MAX_CARDS nodes have a card each, in view or not, so that assistive
 * technology finds all of a small tree. Of larger ones only those near the view have; far away,
 * where there would be too many, the tree draws them itself.
 *
 * Keys: arrows parent, child, siblings (through the variations of a stack first); Home the root,
 * End the newest leaf; Return shows; Space with a drag pans; F2, Delete, C, F, ".", 0–5 and Menu
 * are commands on nodes (actions of the group "node").
 *
 * Signals: as esp-history.h, and
 *   "context-menu" (double x, double y, gboolean keyboard)
 *   "view-changed" ()  scrolled, zoomed or laid out
 *   "laid-out" ()      the places are others
 */
#pragma once

#include "esp-node-painter.h"

G_BEGIN_DECLS

#define ESP_TREE_VIEW_MAX_CARDS 200
#define ESP_TREE_VIEW_MIN_ZOOM  0.01 /* lower where the whole tree needs it */
#define ESP_TREE_VIEW_MAX_ZOOM  2.0

#define ESP_TYPE_TREE_VIEW (esp_tree_view_get_type ())

G_DECLARE_FINAL_TYPE (EspTreeView, esp_tree_view, ESP, TREE_VIEW, GtkWidget)

GtkWidget *esp_tree_view_new (void) G_GNUC_WARN_UNUSED_RESULT;

EspTreeItems *esp_tree_view_get_items (EspTreeView *self);
void esp_tree_view_set_document (EspTreeView *self, EspDocument *document);
/* Before the document: who knows the backends by name. */
void esp_tree_view_set_registry (EspTreeView *self, EspRegistry *registry);
void esp_tree_view_set_orientation (EspTreeView *self, GtkOrientation orientation);

EspNode *esp_tree_view_get_cursor (EspTreeView *self);
void esp_tree_view_set_cursor (EspTreeView *self, EspNode *node); /* and scrolls there */
GPtrArray *esp_tree_view_dup_selected (
    EspTreeView *self) /* (element-type EspNode) (transfer container) */
    G_GNUC_WARN_UNUSED_RESULT;
void esp_tree_view_clear_selected (EspTreeView *self);

void esp_tree_view_reveal (EspTreeView *self, EspNode *node);

double esp_tree_view_get_zoom (EspTreeView *self);
double esp_tree_view_get_min_zoom (EspTreeView *self);        /* the whole is seen, 1 % at most */
void esp_tree_view_set_zoom (EspTreeView *self, double zoom); /* the middle of the view stays */
void esp_tree_view_zoom_fit (EspTreeView *self);

/* `matches` (a set of EspNode, or NULL) are marked, all others dimmed. */
void esp_tree_view_set_matches (EspTreeView *self, GHashTable *matches);

/* Where a node is, in the widget's coordinates; FALSE if it is not in the tree. */
gboolean esp_tree_view_get_node_area (EspTreeView *self, EspNode *node, graphene_rect_t *area);

/* The node there, or NULL. */
EspNode *esp_tree_view_pick_node (EspTreeView *self, double x, double y);

/* For the mini-map: the size of the whole in its own units, the part in view, the places. */
void esp_tree_view_get_extent (EspTreeView *self, double *width, double *height);
void esp_tree_view_get_visible_area (EspTreeView *self, graphene_rect_t *area);
void esp_tree_view_get_item_area (EspTreeView *self, guint index, graphene_rect_t *area);
void esp_tree_view_center_on (EspTreeView *self, double x, double y);

/* How many nodes the last frame drew, and how many cards there are: for tests and the benchmark. */
guint esp_tree_view_get_n_drawn (EspTreeView *self);
guint esp_tree_view_get_n_cards (EspTreeView *self);

G_END_DECLS
