/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-view-private.h: the compare view for the files that make it up. */
#pragma once

#include "esp-compare-grid.h"
#include "esp-compare-link.h"
#include "esp-compare-pair.h"
#include "esp-compare-pane.h"
#include "esp-compare-picture.h"
#include "esp-compare-table.h"
#include "esp-compare-view.h"

G_BEGIN_DECLS

struct _EspCompareView
{
  GtkWidget parent_instance;

  /* the template's */
  GtkWidget *bar, *controls, *images, *notice, *table;
  GtkMenuButton *more_button;
  GtkWidget *modes, *link_button, *pin_button, *swap_button;
  GtkWidget *slider_controls, *flicker_controls, *onion_controls, *difference_controls;
  EspCompareGrid *grid;
  EspComparePair *pair;
  GtkAdjustment *interval, *opacity, *gain;
  GtkWidget *legend;
  GtkLabel *legend_middle, *legend_end, *pointed;

  EspDocument *document;
  GPtrArray *nodes;    /* of EspNode, or NULL */
  GPtrArray *left_out; /* of EspNode: asked for, without an image */
  GPtrArray *pictures; /* of EspComparePicture, as the nodes */
  GPtrArray *panes;    /* of EspComparePane, borrowed */
  GPtrArray *near;     /* of EspComparePicture: likely seen next */
  EspComparison *comparison;
  EspRegistry *registry; /* or NULL */
  EspCompareLink *link;
  EspFrameSize frame;
  GSignalGroup *document_signals;
  guint b_index;

  EspCompareMode mode;
  EspCompareMode wide_mode; /* what it goes back to when it is no longer narrow */
  guint update_id;          /* names and notice */
  guint near_id;
  guint alternate_id;
  guint linked : 1;
  guint pinned : 1;
  guint narrow : 1;
  guint all_rows : 1;
  guint show_table : 1;
  guint wide_table : 1; /* the same, where it is no longer narrow */
  guint alternating : 1;
};

typedef enum
{
  ESP_COMPARE_SIGNAL_LEAVE,
  ESP_COMPARE_SIGNAL_CONTINUE,
  ESP_COMPARE_SIGNAL_USE_SETTINGS,
  ESP_COMPARE_SIGNAL_EXPORT,
  ESP_COMPARE_SIGNAL_NODES_CHANGED,
  ESP_COMPARE_N_SIGNALS,
} EspCompareSignal;

/* esp-compare-view.c */

void esp_compare_view_emit (EspCompareView *self, EspCompareSignal signal, gpointer value);
gboolean esp_compare_view_get_linked (EspCompareView *self);
void esp_compare_view_set_linked (EspCompareView *self, gboolean linked);
/* Brings titles, names and the line under the images up to date, soon. */
void esp_compare_view_schedule_words (EspCompareView *self);
void esp_compare_view_update_words (EspCompareView *self);

/* esp-compare-nodes.c */

/* Before anything else. */
void esp_compare_view_init_nodes (EspCompareView *self);
/* Shows these instead of those shown; pictures of nodes in both stay. `b_index` as below. */
void esp_compare_view_replace (EspCompareView *self, GPtrArray *nodes, guint b_index);
void esp_compare_view_choose_b (EspCompareView *self, guint index);
void esp_compare_view_drop_nodes (EspCompareView *self);
void esp_compare_view_swap (EspCompareView *self);
void esp_compare_view_remove (EspCompareView *self, guint index);

/* Is there a node before (-1) or behind (1) B to go to, and going there. With two nodes held B goes
 * through the nodes with the same parent as it has, in their order; if it has no other, through
 * A's. A stays where it is "pinned" (and is passed over); else it becomes the one before B, so that
 * each is compared with its predecessor (the first with their parent). With more than two nodes
 * held B goes through those, and A stays. */
gboolean esp_compare_view_can_step (EspCompareView *self, int direction);
gboolean esp_compare_view_step (EspCompareView *self, int direction);

/* esp-compare-actions.c */

void esp_compare_view_install_actions (GtkWidgetClass *class);
void esp_compare_view_add_keys (EspCompareView *self);
void esp_compare_view_update_actions (EspCompareView *self);
/* The image view that zooming is about: that with the focus, else the first. */
EspImageView *esp_compare_view_get_active_view (EspCompareView *self);
/* Whose stars a key changes. */
guint esp_compare_view_get_active_index (EspCompareView *self);

/* esp-compare-controls.c */

void esp_compare_view_init_controls (EspCompareView *self);
void esp_compare_view_update_controls (EspCompareView *self);
void esp_compare_view_set_alternating (EspCompareView *self, gboolean alternating);

G_END_DECLS
