/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-outline.h: the history as a list in which branches fold: for narrow windows and for those who
 * like it better.
 *
 * It shows the same stacks of variations as the tree: a row stands for the one in front, with how
 * many there are; Left and Right go through them, and at their ends fold and unfold. So does a row
 * for the cells of a sweep, which are seen by activating it.
 *
 * Signals: "activate" (EspNode), "open-sweep" (gint64: a sweep's group), "selection-changed" (),
 * "context-menu" (double, double, gboolean), and those of esp-node-dnd.h.
 */
#pragma once

#include <adwaita.h>

#include "esp-document.h"
#include "esp-registry.h"
#include "esp-tree-items.h"

G_BEGIN_DECLS

#define ESP_TYPE_OUTLINE (esp_outline_get_type ())

G_DECLARE_FINAL_TYPE (EspOutline, esp_outline, ESP, OUTLINE, GtkWidget)

GtkWidget *esp_outline_new (void) G_GNUC_WARN_UNUSED_RESULT;

void esp_outline_set_document (EspOutline *self, EspDocument *document);

/* Before the document: who knows the backends by name. */
void esp_outline_set_registry (EspOutline *self, EspRegistry *registry);

/* Before the document, and with the same one: the stacks and which of each is in front. */
void esp_outline_set_items (EspOutline *self, EspTreeItems *items);

/* (element-type EspNode) (transfer container) */
GPtrArray *esp_outline_dup_selected (EspOutline *self) G_GNUC_WARN_UNUSED_RESULT;

void esp_outline_reveal (EspOutline *self, EspNode *node);

/* All but these (a set of EspNode, or NULL) are dimmed. */
void esp_outline_set_matches (EspOutline *self, GHashTable *matches);

/* Where a node's row is, in the widget's coordinates; FALSE if it has none. */
gboolean esp_outline_get_node_area (EspOutline *self, EspNode *node, graphene_rect_t *area);

G_END_DECLS
