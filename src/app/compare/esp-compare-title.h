/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-title.h: the line under an image that is compared: its letter, title and marks, and
 * what can be done with it (the view's actions "compare.…", with its index as the target). */
#pragma once

#include <gtk/gtk.h>

#include "esp-node.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_TITLE (esp_compare_title_get_type ())
G_DECLARE_FINAL_TYPE (EspCompareTitle, esp_compare_title, ESP, COMPARE_TITLE, GtkWidget)

GtkWidget *esp_compare_title_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* `index` of `n_nodes` nodes. NULL: nothing. */
void esp_compare_title_set_node (EspCompareTitle *self, EspNode *node, guint index, guint n_nodes);
EspNode *esp_compare_title_get_node (EspCompareTitle *self);

/* Opens the menu. */
void esp_compare_title_popup_menu (EspCompareTitle *self);

/* Marks the one of two that is seen now, or that keys act on. */
void esp_compare_title_set_chosen (EspCompareTitle *self, gboolean chosen);

G_END_DECLS
