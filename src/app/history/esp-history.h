/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-history.h: the edit history of a document: a tree to look at, or an outline list, with find
 * and zoom. It follows the document's current node and sets it when a node is chosen.
 *
 * Commands on nodes are the window's: the context menu and the keys activate the actions of the
 * group "node" (see esp-window-actions.c), which work on esp_history_dup_selection ().
 *
 * Properties: "document" (EspDocument), "outline" (boolean: the list instead of the tree),
 *   "orientation" (GtkOrientation: vertical = top-down), "hide-rejected" (boolean: rejected turns
 *   below which everything is rejected are left out; remembered with the document).
 * Signals:
 *   "activate"        (EspNode)            Enter or double click: show it (narrow layout: its page)
 *   "open-sweep"      (gint64)             the same of a group of cells: show them all
 *   "compare"         (EspNode, EspNode)   one was dropped onto the other
 *   "reference-drop"  (EspNode, GValue *)  an image (GdkFileList, GBytes) was dropped onto a node
 *   "drop-failed"     (GError)             what was dropped did not come
 *   "branch-drop"     (EspNode, EspNode)   one of another document was dropped onto one of this, or
 *                                          beside all (NULL)
 *   "move-drop"       (EspNode, EspNode)   the first is to hang below the second
 *   "selection-changed"
 */
#pragma once

#include <adwaita.h>

#include "esp-document.h"
#include "esp-registry.h"
#include "esp-tree-view.h"

G_BEGIN_DECLS

#define ESP_TYPE_HISTORY (esp_history_get_type ())

G_DECLARE_FINAL_TYPE (EspHistory, esp_history, ESP, HISTORY, GtkWidget)

GtkWidget *esp_history_new (void) G_GNUC_WARN_UNUSED_RESULT;

EspDocument *esp_history_get_document (EspHistory *self);
void esp_history_set_document (EspHistory *self, EspDocument *document); /* NULL: none */

/* Before the document: who knows the backends by name; without it they are called by their ids. */
void esp_history_set_registry (EspHistory *self, EspRegistry *registry);

/* The nodes that commands are for: those selected, else the one with the cursor, else the current
 * one; may be empty. (element-type EspNode) (transfer container) */
GPtrArray *esp_history_dup_selection (EspHistory *self) G_GNUC_WARN_UNUSED_RESULT;

void esp_history_set_outline (EspHistory *self, gboolean outline);
void esp_history_set_orientation (EspHistory *self, GtkOrientation orientation);
gboolean esp_history_get_hide_rejected (EspHistory *self);
void esp_history_set_hide_rejected (EspHistory *self, gboolean hide);

/* Scrolls so that the node is seen. */
void esp_history_reveal (EspHistory *self, EspNode *node);

/* Shows the find entry and focuses it; hides it and the highlights. */
void esp_history_start_find (EspHistory *self);
void esp_history_stop_find (EspHistory *self);

/* Opens the small popover in which a node's label is written. */
void esp_history_edit_label (EspHistory *self, EspNode *node);

/* Folds or unfolds the branch below the node, with those of its stack. */
void esp_history_toggle_fold (EspHistory *self, EspNode *node);

void esp_history_zoom_in (EspHistory *self);
void esp_history_zoom_out (EspHistory *self);
void esp_history_zoom_fit (EspHistory *self);

/* The bar at its bottom, which nothing should cover. Borrowed. */
GtkWidget *esp_history_get_tool_bar (EspHistory *self);

/* The tree in it: for the benchmark. */
EspTreeView *esp_history_get_tree (EspHistory *self);

G_END_DECLS
