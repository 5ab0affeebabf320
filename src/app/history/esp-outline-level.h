/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-outline-level.h: the rows of the outline below one row, or the roots: a list of EspNode, each
 * the first of its stack. It follows the tree's items. */
#pragma once

#include "esp-tree-items.h"

G_BEGIN_DECLS

#define ESP_TYPE_OUTLINE_LEVEL (esp_outline_level_get_type ())

G_DECLARE_FINAL_TYPE (EspOutlineLevel, esp_outline_level, ESP, OUTLINE_LEVEL, GObject)

/* `leader` NULL: the roots. */
EspOutlineLevel *esp_outline_level_new (EspTreeItems *items,
                                        EspNode *leader) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
