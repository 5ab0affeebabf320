/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-arrangement.h: how a sweep's cells are laid out: which axis is on columns, rows and
 * pages, which values are left out, which cells are shown, in which order. No widgets: numbers.
 *
 * A line is a column, a row or a page that is shown. Lines are counted from 0 in the order in which
 * they are shown; values of an axis as the axis counts them. After a change the lines are what they
 * were until esp_sweep_arrangement_update (). */
#pragma once

#include "esp-sweep.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_PLACE_COLUMNS,
  ESP_PLACE_ROWS,
  ESP_PLACE_PAGES, /* one of them is shown */
  ESP_N_PLACES,
} EspSweepPlace;

typedef enum
{
  ESP_SORT_LISTED,     /* as the axis lists its values */
  ESP_SORT_PARENT,     /* by how much a line's cells differ from what they were made of */
  ESP_SORT_NEIGHBOURS, /* by how much the cells within a line differ from one to the next */
} EspSweepSort;

typedef enum
{
  ESP_FILTER_STARRED = 1 << 0,
  ESP_FILTER_DONE = 1 << 1,         /* with a picture */
  ESP_FILTER_NOT_REJECTED = 1 << 2, /* rejected ones are left out */
} EspSweepFilter;

#define ESP_NO_CELL G_MAXUINT

typedef struct _EspSweepArrangement EspSweepArrangement;

/* How much two pictures differ (ΔE): < 0 while it is not known, NAN where it never will be. `other`
 * is a cell, or ESP_NO_CELL for what `cell` was made of. */
typedef double (*EspSweepMeasure) (EspSweep *sweep, guint cell, guint other, gpointer data);

/* Which of these axes is on a place to begin with; -1: none. The first is on columns, the second on
 * rows, the third on pages; but long texts on rows. */
int esp_sweep_place_find_axis (GPtrArray *axes, EspSweepPlace place);

EspSweepArrangement *esp_sweep_arrangement_new (EspSweep *sweep) G_GNUC_WARN_UNUSED_RESULT;
void esp_sweep_arrangement_free (EspSweepArrangement *self);

/* For sorting; without it nothing is ever sorted. */
void esp_sweep_arrangement_set_measure (EspSweepArrangement *self, EspSweepMeasure measure,
                                        gpointer data);

/* --- What the person chose -------------------------------------------------------------------- */

int esp_sweep_arrangement_get_axis (EspSweepArrangement *self, EspSweepPlace place); /* -1: none */
/* What was there goes where `axis` was. */
void esp_sweep_arrangement_set_axis (EspSweepArrangement *self, EspSweepPlace place, int axis);

gboolean esp_sweep_arrangement_is_hidden (EspSweepArrangement *self, guint axis, guint value);
/* FALSE: it would be the last one that is shown. */
gboolean esp_sweep_arrangement_set_hidden (EspSweepArrangement *self, guint axis, guint value,
                                           gboolean hidden);
guint esp_sweep_arrangement_get_n_hidden (EspSweepArrangement *self); /* values, of all axes */

EspSweepFilter esp_sweep_arrangement_get_filter (EspSweepArrangement *self);
void esp_sweep_arrangement_set_filter (EspSweepArrangement *self, EspSweepFilter filter);

EspSweepSort esp_sweep_arrangement_get_sort (EspSweepArrangement *self, EspSweepPlace place);
void esp_sweep_arrangement_set_sort (EspSweepArrangement *self, EspSweepPlace place,
                                     EspSweepSort sort); /* not of pages */

/* The page shown, among the lines of the pages; 0 where there are none. */
guint esp_sweep_arrangement_get_page (EspSweepArrangement *self);
void esp_sweep_arrangement_set_page (EspSweepArrangement *self, guint page);

/* Pixels of a cell's longer side; 0: as large as fits. */
int esp_sweep_arrangement_get_side (EspSweepArrangement *self);
void esp_sweep_arrangement_set_side (EspSweepArrangement *self, int side);

/* All of it as JSON; what cannot be read, or is about another sweep, is left out. */
char *esp_sweep_arrangement_dup_json (EspSweepArrangement *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_sweep_arrangement_load_json (EspSweepArrangement *self, const char *json);

/* --- What is shown ---------------------------------------------------------------------------- */

/* Works out the lines. TRUE if there is an order that is not known yet: ask again when more has
 * been measured; until then the lines are in their listed order. */
gboolean esp_sweep_arrangement_update (EspSweepArrangement *self);

/* At least 1 unless filters leave nothing: a place without an axis has one line. */
guint esp_sweep_arrangement_get_n_lines (EspSweepArrangement *self, EspSweepPlace place);
guint esp_sweep_arrangement_get_value (EspSweepArrangement *self, EspSweepPlace place, guint line);
/* "2.5", or a whole instruction; NULL for a place without an axis. */
const char *esp_sweep_arrangement_get_label (EspSweepArrangement *self, EspSweepPlace place,
                                             guint line);
/* "Guidance"; NULL without an axis. */
const char *esp_sweep_arrangement_get_title (EspSweepArrangement *self, EspSweepPlace place);

/* The cell there on the page shown; filtered ones are cells, too. */
guint esp_sweep_arrangement_get_cell (EspSweepArrangement *self, guint column, guint row);
/* Does it pass the filters? */
gboolean esp_sweep_arrangement_passes (EspSweepArrangement *self, guint cell);
/* Where a cell is; FALSE if its values are left out. `page` may be another than the one shown. */
gboolean esp_sweep_arrangement_find (EspSweepArrangement *self, guint cell, guint *column,
                                     guint *row, guint *page);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspSweepArrangement, esp_sweep_arrangement_free)

G_END_DECLS
