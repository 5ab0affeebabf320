/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-words.h: what the grid of a sweep says in words. */
#pragma once

#include "esp-sweep.h"

G_BEGIN_DECLS

/* "Guidance 2.5, seed 4: done, 3 stars", for screen readers. */
char *esp_sweep_dup_cell_name (EspSweep *sweep, guint cell) G_GNUC_WARN_UNUSED_RESULT;

/* "Failed", as stands in a cell without a picture. */
const char *esp_cell_state_get_title (EspCellState state);

/* What a cell without a picture says of itself: why it is skipped or failed, or the title of its
 * state. */
char *esp_sweep_dup_cell_reason (EspSweep *sweep, guint cell) G_GNUC_WARN_UNUSED_RESULT;

/* "12 of 16 done · 1 failed · about 2 min". `queue` or NULL. */
char *esp_sweep_dup_progress (EspSweep *sweep, EspQueue *queue) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
