/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-layout.h: where the boxes of a tree stand. Plain numbers, no widgets.
 *
 * Non-layered tidy trees: every child stands directly below its parent however tall its cousins
 * are; parents stand over the middle of their children; no two boxes overlap; a tree and its mirror
 * image give mirrored pictures. Linear time, no recursion (chains may be thousands deep).
 * A. van der Ploeg, "Drawing non-layered tidy trees in linear time", Software: Practice and
 * Experience 44 (12), 2014.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int parent; /* index of the parent, smaller than the own one; -1 for a root */
  double width, height;
  double x, y; /* the result: upper left corner; the smallest x and y of all boxes are 0 */
} EspTreeBox;

typedef struct
{
  gboolean horizontal; /* the tree grows to the right instead of down */
  double sibling_gap;  /* between boxes side by side, at least */
  double level_gap;    /* between a parent and its children */
} EspTreeLayoutOptions;

/* Places the boxes; siblings (and roots) in the order of their indices. `width` and `height`
 * receive the size of the whole. */
void esp_tree_layout (EspTreeBox *boxes, guint n_boxes, const EspTreeLayoutOptions *options,
                      double *width, double *height);

G_END_DECLS
