/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-outline-row.h: a node in the outline: thumbnail, title, what became of it, marks.
 *
 * Signal: "next-variation" (): the badge of its stack, or of the cells that it stands for, was
 * pressed.
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-document.h"
#include "esp-registry.h"
#include "esp-tree-items.h"

G_BEGIN_DECLS

#define ESP_TYPE_OUTLINE_ROW (esp_outline_row_get_type ())

G_DECLARE_FINAL_TYPE (EspOutlineRow, esp_outline_row, ESP, OUTLINE_ROW, GtkWidget)

GtkWidget *esp_outline_row_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Before the node: who knows the backends by name. */
void esp_outline_row_set_registry (EspOutlineRow *self, EspRegistry *registry);

/* NULL: none. */
void esp_outline_row_set_node (EspOutlineRow *self, EspDocument *document, EspNode *node);
EspNode *esp_outline_row_get_node (EspOutlineRow *self);

/* Where the node stands, and in which stack; until then it stands alone. */
void esp_outline_row_set_item (EspOutlineRow *self, const EspTreeItem *item);

/* What of it comes along when it is dragged. Borrowed. */
GtkWidget *esp_outline_row_get_picture (EspOutlineRow *self);

/* Something is looked for, and this is (not) it. */
void esp_outline_row_set_dimmed (EspOutlineRow *self, gboolean dimmed);

G_END_DECLS
