/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-grid.h: the cells of a sweep in rows and columns; takes the canvas's place.
 *
 * A view over ordinary nodes: axes can be put on columns, rows and pages, filtered, and cells
 * sorted, without making anything again; what the view remembers is stored with the document (view
 * key "sweep.ID"). Labels stay at the edges while the grid moves below them. Only cells in sight
 * are widgets, and have thumbnails.
 *
 * Signals:
 *   "leave" ()
 *   "open" (EspNode)             double click, Enter: the node becomes current, back to the canvas
 *   "compare" (GPtrArray)        of EspNode: those selected, or a row or column
 *   "export" (EspSweepGrid)      the sheet of what is shown
 *   "run" (GArray cells, gboolean draft)   fill, refine, retry: of guint; `draft`: those of them
 * that were to be previews are to be so again "selection-changed"; the node of the cell with the
 * cursor becomes the document's current one. */
#pragma once

#include <adwaita.h>

#include "esp-sheet.h"
#include "esp-sweep.h"

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP_GRID (esp_sweep_grid_get_type ())
G_DECLARE_FINAL_TYPE (EspSweepGrid, esp_sweep_grid, ESP, SWEEP_GRID, GtkWidget)

GtkWidget *esp_sweep_grid_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_sweep_grid_set_sweep (EspSweepGrid *self, EspSweep *sweep, EspQueue *queue); /* or NULL */
EspSweep *esp_sweep_grid_get_sweep (EspSweepGrid *self);

/* The nodes selected. (element-type EspNode) (transfer container) */
GPtrArray *esp_sweep_grid_dup_selection (EspSweepGrid *self) G_GNUC_WARN_UNUSED_RESULT;

/* +1 in, -1 out, 0: as large as all of it fits. */
void esp_sweep_grid_zoom (EspSweepGrid *self, int step);

/* What is shown, as a sheet; everything in it is owned by the grid until the next call. */
const EspSheet *esp_sweep_grid_get_sheet (EspSweepGrid *self);

G_END_DECLS
