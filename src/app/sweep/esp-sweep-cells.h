/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-cells.h: the cells of a sweep in rows and columns, with labels that stay at the edges.
 * Put it into a GtkScrolledWindow. What is where is the arrangement's (esp-sweep-arrangement.h);
 * only what is in sight are widgets, so that their number is that of the places on the screen.
 *
 * Keys: arrows move the cursor (with Control to the edge, with Shift extending the selection),
 * Home, End; Space toggles, with Shift the row, with Control the column; Control+A; Return opens;
 * Escape forgets the selection; Page_Up, Page_Down; +, -; Menu. Letters are the window's commands
 * on nodes, but for C, which compares.
 *
 * Signals:
 *   "activate"          (guint cell)   Return, double click
 *   "selection-changed" ()
 *   "cursor-moved"      (guint cell)   by the person
 *   "compare"           ()             what is selected
 *   "turn-page"         (int step)
 *   "context-menu"      (double x, double y)
 *   "zoomed"            ()             by the person */
#pragma once

#include "esp-sweep-arrangement.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define ESP_SWEEP_MIN_SIDE 64 /* px of a cell's longer side */
#define ESP_SWEEP_MAX_SIDE 512

#define ESP_TYPE_SWEEP_CELLS (esp_sweep_cells_get_type ())

G_DECLARE_FINAL_TYPE (EspSweepCells, esp_sweep_cells, ESP, SWEEP_CELLS, GtkWidget)

GtkWidget *esp_sweep_cells_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* `arrangement` (of that sweep) must outlive this; NULL and NULL: none. */
void esp_sweep_cells_set_sweep (EspSweepCells *self, EspSweep *sweep,
                                EspSweepArrangement *arrangement);

/* The arrangement has other lines now. */
void esp_sweep_cells_rearrange (EspSweepCells *self);

/* The node that is ringed; or NULL. */
void esp_sweep_cells_set_current (EspSweepCells *self, EspNode *node);

/* The cell with the cursor; ESP_NO_CELL: none. Setting it scrolls there if it is on the page. */
guint esp_sweep_cells_get_cursor (EspSweepCells *self);
void esp_sweep_cells_set_cursor (EspSweepCells *self, guint cell);

/* Those selected, by number; if there are none the one with the cursor. (element-type guint) */
GArray *esp_sweep_cells_dup_selected (EspSweepCells *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_sweep_cells_clear_selected (EspSweepCells *self);

/* Pixels of a cell's longer side; 0: as large as all of them fit into the view. */
int esp_sweep_cells_get_side (EspSweepCells *self);
void esp_sweep_cells_set_side (EspSweepCells *self, int side);
void esp_sweep_cells_zoom (EspSweepCells *self, int step); /* +1 in, -1 out */

/* Where a cell is in the widget; FALSE if it is not in sight. */
gboolean esp_sweep_cells_get_area (EspSweepCells *self, guint cell, GdkRectangle *area);

/* How many widgets there are for cells. */
guint esp_sweep_cells_get_n_widgets (EspSweepCells *self);

G_END_DECLS
