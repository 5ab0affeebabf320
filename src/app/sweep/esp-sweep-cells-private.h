/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-cells-private.h: what the files of the cells share.
 *
 * Positions are counted from the start side (the right in right-to-left languages) and the top. */
#pragma once

#include "esp-marks.h"
#include "esp-sweep-cell.h"
#include "esp-sweep-cells.h"
#include "esp-sweep-header.h"
#include "esp-sweep-line.h"

G_BEGIN_DECLS

struct _EspSweepCells
{
  GtkWidget parent_instance;

  EspSweep *sweep; /* or NULL */
  EspSweepArrangement *arrangement;
  EspMarks *marks;
  EspNode *current;

  /* Scrolling, by GtkOrientation. */
  GtkAdjustment *adjustments[2];
  GtkScrollablePolicy policies[2];
  double offset[2];
  gboolean configuring; /* we are changing the adjustments */

  /* Places. */
  int chosen_side;       /* 0: fit */
  int side;              /* in effect */
  gboolean places_stale; /* lines, labels, shape or style are others than those measured */
  int measured[3];       /* for this width and height of the view, and chosen side */
  double shape;          /* height of a picture, of its width; 0: to be looked at */
  int cell_size[2],
      header_size[2];         /* by GtkOrientation; width of row headers, height of columns' */
  int block_start, block_top; /* where it all begins, if it is smaller than the view */

  /* Widgets: those in sight, and one to measure labels with. */
  EspSweepHeader *measurer;
  EspSweepLine *head;
  GPtrArray *lines; /* of EspSweepLine, rows from first_row on */
  guint first_row, first_column, n_columns;
  gboolean stale; /* they stand for other cells now, wherever they are */
  guint update_id;
  guint generation; /* of what is in sight: newer thumbnails are loaded first */

  /* Cursor and selection. */
  guint cursor, range_start; /* cells, or ESP_NO_CELL */
  gboolean *selected;        /* by cell */
  guint n_selected;
  gboolean pending_reveal; /* of the cursor, once there is a size */

  /* Pointers. */
  double pointer_x, pointer_y;
  double pinch_side;
  gboolean banding, panning;
  double band_x, band_y; /* where it began, as a position within all cells */
  double band_to_x, band_to_y;
  double pan_x, pan_y;
};

typedef enum
{
  ESP_SWEEP_PART_NONE,
  ESP_SWEEP_PART_CELL,
  ESP_SWEEP_PART_COLUMN, /* its header */
  ESP_SWEEP_PART_ROW,
  ESP_SWEEP_PART_CORNER,
} EspSweepPart;

enum
{
  ESP_SWEEP_CELLS_ACTIVATE,
  ESP_SWEEP_CELLS_SELECTION_CHANGED,
  ESP_SWEEP_CELLS_CURSOR_MOVED,
  ESP_SWEEP_CELLS_COMPARE,
  ESP_SWEEP_CELLS_TURN_PAGE,
  ESP_SWEEP_CELLS_CONTEXT_MENU,
  ESP_SWEEP_CELLS_ZOOMED,
  ESP_SWEEP_CELLS_N_SIGNALS,
};

extern guint _esp_sweep_cells_signals[ESP_SWEEP_CELLS_N_SIGNALS];

/* esp-sweep-cells-layout.c */
guint _esp_sweep_cells_get_n (EspSweepCells *self, GtkOrientation orientation);
void _esp_sweep_cells_measure (EspSweepCells *self, int width, int height);
void _esp_sweep_cells_configure (EspSweepCells *self, GtkOrientation orientation);
void _esp_sweep_cells_take_value (EspSweepCells *self, GtkOrientation orientation);
void _esp_sweep_cells_scroll_to (EspSweepCells *self, GtkOrientation orientation, double offset);
void _esp_sweep_cells_update (EspSweepCells *self);
gboolean _esp_sweep_cells_is_stale (EspSweepCells *self);
void _esp_sweep_cells_update_later (EspSweepCells *self);
void _esp_sweep_cells_update_looks (EspSweepCells *self);
void _esp_sweep_cells_forget_widgets (EspSweepCells *self);
void _esp_sweep_cells_allocate (EspSweepCells *self);
void _esp_sweep_cells_reveal (EspSweepCells *self, guint cell);
EspSweepCell *_esp_sweep_cells_get_widget (EspSweepCells *self, guint cell);
EspSweepPart _esp_sweep_cells_pick (EspSweepCells *self, double x, double y, guint *column,
                                    guint *row);
/* A place of the widget within all cells, in pixels; may lie outside of them. */
void _esp_sweep_cells_to_content (EspSweepCells *self, double x, double y, double *content_x,
                                  double *content_y);
void _esp_sweep_cells_get_band (EspSweepCells *self, graphene_rect_t *area);
void _esp_sweep_cells_focus_cursor (EspSweepCells *self);

/* esp-sweep-cells-input.c */
void _esp_sweep_cells_init_input (EspSweepCells *self);

/* esp-sweep-cells.c */
void _esp_sweep_cells_select (EspSweepCells *self, guint cell, gboolean selected);
void _esp_sweep_cells_forget_selected (EspSweepCells *self);
void _esp_sweep_cells_selection_changed (EspSweepCells *self);
void _esp_sweep_cells_move_cursor (EspSweepCells *self, guint cell);
void _esp_sweep_cells_zoom_at (EspSweepCells *self, double side, double x, double y);
void _esp_sweep_cells_grab_focus_itself (EspSweepCells *self);
gboolean _esp_sweep_cells_has_focus_inside (EspSweepCells *self);

static inline gboolean
_esp_sweep_cells_is_ready (EspSweepCells *self)
{
  return self->sweep != NULL && gtk_widget_get_width (GTK_WIDGET (self)) > 0
         && self->adjustments[0] != NULL && self->adjustments[1] != NULL;
}

G_END_DECLS
