/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view-dnd.c: what dragging and dropping (esp-node-dnd.h) asks the tree. */
#include "esp-node-dnd.h"
#include "esp-tree-view-private.h"

static EspDocument *
get_document (GtkWidget *widget)
{
  return _esp_tree_view_get_document (ESP_TREE_VIEW (widget));
}

/* With the space bar held, a drag pans. */
static EspNode *
pick (GtkWidget *widget, double x, double y, gboolean drag)
{
  EspTreeView *self = ESP_TREE_VIEW (widget);

  return drag && self->space_held ? NULL : esp_tree_view_pick_node (self, x, y);
}

static void
set_drop (GtkWidget *widget, EspNode *node)
{
  _esp_tree_view_set_drop (ESP_TREE_VIEW (widget), node);
}

static GtkWidget *
get_picture (GtkWidget *widget, EspNode *node)
{
  EspTreeView *self = ESP_TREE_VIEW (widget);
  int index = esp_tree_items_find (self->items, node);

  if (index < 0 || (guint) index >= self->n)
    return NULL;
  return GTK_WIDGET (self->cards[index]);
}

void
_esp_tree_view_init_dnd (EspTreeView *self)
{
  static const EspNodeDnd dnd = { get_document, pick, set_drop, get_picture };

  esp_node_dnd_attach (GTK_WIDGET (self), &dnd);
}
