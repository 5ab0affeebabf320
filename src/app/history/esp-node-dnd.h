/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-dnd.h: nodes dragged out of a view of the history and onto each other, images dropped
 * onto nodes: for the tree and the outline alike.
 *
 * A node that is dragged is a file and an image to other programs and an EspNode to this one.
 * Dropped onto another node it is compared with it; with Shift (the drag then moves instead of
 * copying) it is hung below it. One of another document's window is copied with its branch: below
 * the node it is dropped onto, or beside all. An image from elsewhere becomes a reference.
 *
 * The widget has the signals "compare", "reference-drop", "branch-drop", "move-drop" and
 * "drop-failed" of
 * esp-history.h.
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-document.h"

G_BEGIN_DECLS

typedef struct
{
  EspDocument *(*get_document) (GtkWidget *widget); /* borrowed, or NULL */
  /* The node there, or NULL. `drag`: one that may be dragged from there. Borrowed. */
  EspNode *(*pick) (GtkWidget *widget, double x, double y, gboolean drag);
  void (*set_drop) (GtkWidget *widget, EspNode *node); /* marks what is dragged over, or NULL */
  GtkWidget *(*get_picture) (GtkWidget *widget, EspNode *node); /* what comes along, or NULL */
} EspNodeDnd;

/* `dnd` is static. */
void esp_node_dnd_attach (GtkWidget *self, const EspNodeDnd *dnd);

G_END_DECLS
