/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-copy.h: branches that are copied into another document. */
#pragma once

#include "esp-document.h"
#include "esp-window.h"

G_BEGIN_DECLS

/* Copies a branch of the window's document into a new one, and shows that in a window. */
void esp_window_copy_branch_to_new (EspWindow *self, EspNode *node);

/* Copies a branch of another window's document below `onto` (NULL: as a root) of this one's. */
void esp_window_copy_branch_here (EspWindow *self, EspNode *node, EspNode *onto);

G_END_DECLS
