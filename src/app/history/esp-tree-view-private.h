/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view-private.h: what the files of the tree share. */
#pragma once

#include "esp-node-card.h"
#include "esp-tree-layout.h"
#include "esp-tree-view.h"

G_BEGIN_DECLS

typedef struct
{
  double x, y;
} EspTreePlace;

struct _EspTreeView
{
  GtkWidget parent_instance;

  EspTreeItems *items;
  EspNodePainter *painter;
  GtkOrientation orientation;

  /* Scrolling. */
  GtkAdjustment *adjustments[2]; /* by GtkOrientation */
  GtkScrollablePolicy policies[2];
  double zoom;
  double slack; /* where a tree that is smaller than the view stands across; < 0: in the middle */
  gboolean allocating;
  int cards_width, cards_height; /* of the view, when they were */
  guint cards_id;                /* the cards are to be brought up to date after the layout */
  int shown_size;                /* of the view, across, when `slack` was set */
  EspNode *pending_reveal;       /* once there is a size */
  char *pending_scroll;          /* the stored position, once there is a size */
  AdwAnimation *scrolling;
  EspTreePlace scroll_from, scroll_to;
  guint store_id;

  /* The layout, an entry for each item. */
  guint n;
  EspTreeBox *boxes;
  EspNode **leaders;  /* owned; who stood there, for the next layout */
  EspTreePlace *from; /* where it moves from while `moving` plays */
  guint *order;       /* indices by the start along the depth */
  double width, height, longest;
  AdwAnimation *moving;
  double moved; /* 0…1 */

  /* The ring round the current node. */
  AdwAnimation *ring;
  graphene_rect_t ring_from;
  double ring_done;

  /* Cards. */
  EspNodeCard **cards;       /* of each item, or NULL */
  GHashTable *cards_by_node; /* leader → card (owned by being children) */
  GPtrArray *free_cards;
  gboolean cards_stale; /* the items are others than those that the cards were told */
  GtkWidget *last_card; /* in the order of the children */

  /* Cached drawing. */
  GskRenderNode *edges;
  graphene_rect_t edges_area;
  double edges_zoom;
  guint n_drawn;

  /* Input. */
  EspNode *cursor;
  EspNode *range_start;
  GHashTable *selected; /* set of EspNode, owned */
  GHashTable *matches;  /* set of EspNode, or NULL */
  EspNode *drop;        /* what is dragged over */
  gboolean space_held, panned;
  EspTreePlace pan_from;
  double pinch_zoom;
  double pointer_x, pointer_y;
  gulong style_handlers[2];
};

typedef enum
{
  ESP_TREE_PART_NONE,
  ESP_TREE_PART_CARD,
  ESP_TREE_PART_STACK_BADGE,
  ESP_TREE_PART_FOLD_BADGE,
} EspTreePart;

enum
{
  ESP_TREE_VIEW_ACTIVATE,
  ESP_TREE_VIEW_OPEN_SWEEP,
  ESP_TREE_VIEW_COMPARE,
  ESP_TREE_VIEW_REFERENCE_DROP,
  ESP_TREE_VIEW_BRANCH_DROP,
  ESP_TREE_VIEW_MOVE_DROP,
  ESP_TREE_VIEW_DROP_FAILED,
  ESP_TREE_VIEW_SELECTION_CHANGED,
  ESP_TREE_VIEW_CONTEXT_MENU,
  ESP_TREE_VIEW_VIEW_CHANGED,
  ESP_TREE_VIEW_LAID_OUT,
  ESP_TREE_VIEW_N_SIGNALS,
};

extern guint _esp_tree_view_signals[ESP_TREE_VIEW_N_SIGNALS];

/* The screen's position of the layout's (0, 0). */
EspTreePlace _esp_tree_view_get_origin (EspTreeView *self);
/* Where the item is drawn now, in the layout's units. */
void _esp_tree_view_get_box (EspTreeView *self, guint index, graphene_rect_t *box);
/* The part of the layout that is seen, grown by `margin` times its size on every side. */
void _esp_tree_view_get_seen (EspTreeView *self, double margin, graphene_rect_t *area);
EspNodeDetail _esp_tree_view_get_detail (EspTreeView *self);
EspNodeLook _esp_tree_view_get_look (EspTreeView *self, guint index);
int _esp_tree_view_pick (EspTreeView *self, double x, double y, EspTreePart *part);
void _esp_tree_view_zoom_at (EspTreeView *self, double zoom, double x, double y);
void _esp_tree_view_scroll_by (EspTreeView *self, double dx, double dy);
void _esp_tree_view_update_looks (EspTreeView *self);
/* What Enter does: the node is shown; of a group, its sweep. */
void _esp_tree_view_activate (EspTreeView *self, EspNode *node);
void _esp_tree_view_set_drop (EspTreeView *self, EspNode *node);

/* Has it a size and adjustments? */
static inline gboolean
_esp_tree_view_is_ready (EspTreeView *self)
{
  return gtk_widget_get_width (GTK_WIDGET (self)) > 0 && self->adjustments[0]
         && self->adjustments[1];
}

static inline EspDocument *
_esp_tree_view_get_document (EspTreeView *self)
{
  return esp_tree_items_get_document (self->items);
}

/* esp-tree-view-scroll.c */
double _esp_tree_view_content_size (EspTreeView *self, GtkOrientation orientation);
double _esp_tree_view_screen_size (EspTreeView *self, GtkOrientation orientation);
void _esp_tree_view_configure (EspTreeView *self, GtkOrientation orientation, double value);
void _esp_tree_view_place_at (EspTreeView *self, double x, double y, double screen_x,
                              double screen_y);
void _esp_tree_view_on_scrolling (double value, gpointer user_data);
void _esp_tree_view_store_view (EspTreeView *self);
void _esp_tree_view_view_changed (EspTreeView *self);
void _esp_tree_view_restore_position (EspTreeView *self);

/* esp-tree-view-layout.c */
void _esp_tree_view_forget_layout (EspTreeView *self);
void _esp_tree_view_on_moving (double value, gpointer user_data);
void _esp_tree_view_on_moved (EspTreeView *self);
void _esp_tree_view_relayout (EspTreeView *self, gboolean animate);
void _esp_tree_view_need_card (EspTreeView *self, guint index);
void _esp_tree_view_update_cards (EspTreeView *self);
void _esp_tree_view_update_cards_later (EspTreeView *self);
void _esp_tree_view_allocate_cards (EspTreeView *self);
int _esp_tree_view_compare_starts (gconstpointer a, gconstpointer b, gpointer user_data);

/* Nodes near the view are widgets; from far away they are only drawn. */
gboolean _esp_tree_view_draws_cards (EspTreeView *self);
void _esp_tree_view_draw (EspTreeView *self, GtkSnapshot *snapshot);
void _esp_tree_view_forget_edges (EspTreeView *self);

void _esp_tree_view_init_input (EspTreeView *self);
void _esp_tree_view_init_dnd (EspTreeView *self);

/* Calls `function` for every item whose box meets `area`. */
typedef void (*EspTreeVisit) (EspTreeView *self, guint index, const graphene_rect_t *box,
                              gpointer data);
void _esp_tree_view_visit (EspTreeView *self, const graphene_rect_t *area, EspTreeVisit function,
                           gpointer data);

G_END_DECLS
