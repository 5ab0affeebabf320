/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-grid.h: widgets of one size in as many columns as make their images largest. */
#pragma once

#include <gtk/gtk.h>

#include "esp-fitted-frame.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_GRID (esp_compare_grid_get_type ())
G_DECLARE_FINAL_TYPE (EspCompareGrid, esp_compare_grid, ESP, COMPARE_GRID, GtkWidget)

GtkWidget *esp_compare_grid_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_compare_grid_add (EspCompareGrid *self, GtkWidget *child);
void esp_compare_grid_clear (EspCompareGrid *self);
/* The shape of the images in it. */
void esp_compare_grid_set_frame (EspCompareGrid *self, EspFrameSize frame);

/* How many columns make `n` images of a frame largest in width × height, of which `extra` px of
 * each cell's height are for something else. */
guint esp_compare_grid_count_columns (guint n, EspFrameSize frame, int width, int height,
                                      int extra);

G_END_DECLS
