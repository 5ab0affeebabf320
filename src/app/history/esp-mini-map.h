/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mini-map.h: the whole tree in a corner, with the part in view; a drag in it scrolls. Hidden
 * while most of the tree is in view anyway.
 */
#pragma once

#include "esp-tree-view.h"

G_BEGIN_DECLS

#define ESP_TYPE_MINI_MAP (esp_mini_map_get_type ())

G_DECLARE_FINAL_TYPE (EspMiniMap, esp_mini_map, ESP, MINI_MAP, GtkWidget)

GtkWidget *esp_mini_map_new (EspTreeView *view) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
