/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-history-private.h: what the files of the history share. */
#pragma once

#include "esp-history.h"
#include "esp-outline.h"
#include "esp-tree-view.h"

G_BEGIN_DECLS

struct _EspHistory
{
  GtkWidget parent_instance;

  EspDocument *document;
  gboolean outline;
  GtkOrientation orientation;
  GSimpleActionGroup *actions;

  GtkStack *stack;
  GtkOverlay *overlay;
  GtkScrolledWindow *scroller;
  EspTreeView *tree;
  EspOutline *outline_list;
  GtkRevealer *find_bar;
  GtkEditable *find_entry;
  GtkWidget *find_previous, *find_next;
  GtkLabel *find_count;
  GtkWidget *tool_bar, *zoom_buttons, *zoom_in, *zoom_out;
  GtkToggleButton *find_button;

  GPtrArray *found; /* of EspNode, or NULL while nothing is looked for */
  guint found_at;
  guint find_id; /* look again: the document changed */

  GtkWidget *menu, *label_popover, *label_entry;
  EspNode *label_node;
};

/* Where the node is seen, in the history's coordinates; in the middle if it is not. */
void _esp_history_get_node_area (EspHistory *self, EspNode *node, GdkRectangle *area);

/* Find. */
void _esp_history_find_again (EspHistory *self);
void _esp_history_find_step (EspHistory *self, int step);
void _esp_history_find_clear (EspHistory *self);

/* The context menu, and the actions of the group "history" in it. */
void _esp_history_init_menu (EspHistory *self);
void _esp_history_open_menu (EspHistory *self, GtkWidget *over, double x, double y);
void _esp_history_dispose_menu (EspHistory *self);

void _esp_history_dispose_label (EspHistory *self);

G_END_DECLS
