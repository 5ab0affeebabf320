/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-card.h: the widget that stands for a node of the tree while it is near the view. Cards
 * are used again for other nodes. They are what assistive technology sees, and they have the
 * keyboard focus; pointers and keys are the tree's business.
 *
 * Signal "activate": assistive technology asks for it to be shown.
 */
#pragma once

#include "esp-node-painter.h"

G_BEGIN_DECLS

#define ESP_TYPE_NODE_CARD (esp_node_card_get_type ())

G_DECLARE_FINAL_TYPE (EspNodeCard, esp_node_card, ESP, NODE_CARD, GtkWidget)

/* `painter` must outlive the card. */
GtkWidget *esp_node_card_new (EspNodePainter *painter) G_GNUC_WARN_UNUSED_RESULT;

/* Shows that item from now on (a copy is kept). NULL: none; the card hides. */
void esp_node_card_set_item (EspNodeCard *self, const EspTreeItem *item);
gboolean esp_node_card_has_item (EspNodeCard *self, const EspTreeItem *item);
EspNode *esp_node_card_get_node (EspNodeCard *self);

void esp_node_card_set_look (EspNodeCard *self, EspNodeDetail detail, EspNodeLook look);
void esp_node_card_set_selected (EspNodeCard *self, gboolean selected, gboolean current);

/* How large it is on the screen, and how far from the middle of the view (for the order in which
 * thumbnails are loaded). */
void esp_node_card_set_scale (EspNodeCard *self, double scale, double distance);

/* Draws again and tells its name again: something of the node changed. */
void esp_node_card_update (EspNodeCard *self);

/* The same for all that is made of text and colours. */
void esp_node_card_update_style (EspNodeCard *self);

/* Its message, its difference to its parent, or its title; and whether it is outdated. */
char *esp_node_card_dup_tooltip (EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* "2 of 3 at level 4", and how it differs from its parent. */
char *esp_node_card_dup_description (const EspTreeItem *item) G_GNUC_WARN_UNUSED_RESULT;

/* "Turn 3: add a boat, This Computer, starred". */
char *esp_node_card_dup_name (const EspTreeItem *item,
                              EspRegistry *registry) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
