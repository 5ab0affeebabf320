/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-grid-private.h: what the files of the grid share. */
#pragma once

#include "esp-sweep-arrangement.h"
#include "esp-sweep-cells.h"
#include "esp-sweep-distances.h"
#include "esp-sweep-grid.h"

G_BEGIN_DECLS

#define ESP_SWEEP_GRID_MENUS "/espalier/app/sweep/esp-sweep-grid-menus.ui"

struct _EspSweepGrid
{
  GtkWidget parent_instance;

  EspSweep *sweep; /* or NULL, and so the rest */
  EspQueue *queue;
  EspDocument *document;
  EspSweepArrangement *arrangement;
  EspSweepDistances *distances;
  GSimpleActionGroup *actions; /* "sweep" */

  GtkLabel *title, *progress, *page_title;
  GtkProgressBar *bar;
  GtkWidget *stop_button, *run_button, *filter_button, *page_bar;
  GtkMenuButton *arrange_button;
  GtkDropDown *page_choice;
  GtkStack *stack;
  GtkScrolledWindow *scroller;
  EspSweepCells *cells;
  GtkWidget *menu; /* the context menu, made anew each time */

  gboolean updating_pages, moving_cursor;
  guint rearrange_id, news_id;

  /* The sheet, until the next one is asked for. */
  EspSheet sheet;
  EspSheetCell *sheet_cells;
  const char **sheet_columns, **sheet_rows;
  GPtrArray *sheet_texts;
};

enum
{
  ESP_SWEEP_GRID_LEAVE,
  ESP_SWEEP_GRID_OPEN,
  ESP_SWEEP_GRID_COMPARE,
  ESP_SWEEP_GRID_EXPORT,
  ESP_SWEEP_GRID_RUN,
  ESP_SWEEP_GRID_SELECTION_CHANGED,
  ESP_SWEEP_GRID_N_SIGNALS,
};

extern guint _esp_sweep_grid_signals[ESP_SWEEP_GRID_N_SIGNALS];

/* esp-sweep-grid.c: what the person chose is another; shows and remembers it. */
void _esp_sweep_grid_rearrange (EspSweepGrid *self);
void _esp_sweep_grid_turn_page (EspSweepGrid *self, guint page);

/* esp-sweep-grid-actions.c */
void _esp_sweep_grid_init_actions (EspSweepGrid *self);
void _esp_sweep_grid_update_actions (EspSweepGrid *self);
void _esp_sweep_grid_open_menu (EspSweepGrid *self, double x, double y);
void _esp_sweep_grid_open_cell (EspSweepGrid *self, guint cell);
void _esp_sweep_grid_compare (EspSweepGrid *self);

/* esp-sweep-grid-sheet.c */
void _esp_sweep_grid_clear_sheet (EspSweepGrid *self);

G_END_DECLS
