/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-cell.h: the widget that stands for a cell while it is in sight. Used again for other
 * cells; pointers and keys are its grid's business. */
#pragma once

#include "esp-marks.h"
#include "esp-sweep.h"

G_BEGIN_DECLS

#define ESP_SWEEP_CELL_PADDING 5 /* px around the picture, where the ring of the current one is */

#define ESP_TYPE_SWEEP_CELL (esp_sweep_cell_get_type ())

G_DECLARE_FINAL_TYPE (EspSweepCell, esp_sweep_cell, ESP, SWEEP_CELL, GtkWidget)

typedef enum
{
  ESP_CELL_LOOK_CURRENT = 1 << 0, /* its node is the document's current one */
  ESP_CELL_LOOK_SELECTED = 1 << 1,
  ESP_CELL_LOOK_FILTERED = 1 << 2, /* it does not pass the filters: an empty place */
} EspCellLook;

/* `marks` must outlive the cell. */
GtkWidget *esp_sweep_cell_new (EspMarks *marks) G_GNUC_WARN_UNUSED_RESULT;

/* Shows that cell from now on; `sweep` NULL: none. */
void esp_sweep_cell_set_cell (EspSweepCell *self, EspSweep *sweep, guint cell);
guint esp_sweep_cell_get_cell (EspSweepCell *self); /* G_MAXUINT: none */

void esp_sweep_cell_set_look (EspSweepCell *self, EspCellLook look);

/* For assistive technology: counted from 1, headers included. */
void esp_sweep_cell_set_place (EspSweepCell *self, guint column, guint row);

/* The order in which thumbnails are loaded: the lower, the sooner. */
void esp_sweep_cell_set_distance (EspSweepCell *self, double distance);

/* Something of its node changed. */
void esp_sweep_cell_update (EspSweepCell *self);
/* Colours or font did. */
void esp_sweep_cell_update_style (EspSweepCell *self);

G_END_DECLS
