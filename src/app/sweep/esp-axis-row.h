/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-row.h: one axis of a sweep that is set up: what is changed, its values, what was
 * understood of them; up, down, away.
 *
 * Signals: "changed" (), "move" (int: -1 up, +1 down), "remove" (), "rechosen" (const char *name):
 * the person wants to change something else; to be answered with esp_axis_row_choose ().
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-axis.h"

G_BEGIN_DECLS

#define ESP_TYPE_AXIS_ROW (esp_axis_row_get_type ())
G_DECLARE_FINAL_TYPE (EspAxisRow, esp_axis_row, ESP, AXIS_ROW, GtkWidget)

/* What there is to choose from. */
typedef struct
{
  EspAxisContext axes;
  GPtrArray *choices; /* (element-type EspAxisChoice) */
  GPtrArray *nodes;   /* starting nodes that are offered, (element-type EspNode) */
  guint n_chosen;     /* so many of them, the first ones, are checked to begin with */
} EspAxisOffer;

GtkWidget *esp_axis_row_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* A row that only shows an axis: alternatives of the instruction. */
GtkWidget *esp_axis_row_new_fixed (EspAxis *axis) G_GNUC_WARN_UNUSED_RESULT;

/* Before all else, and whenever there is something else. What is chosen stays. */
void esp_axis_row_set_offer (EspAxisRow *self, const EspAxisOffer *offer);

/* `text` NULL: what was there before, else an example. */
void esp_axis_row_choose (EspAxisRow *self, const EspAxisOffer *offer, const char *name,
                          const char *text);
const char *esp_axis_row_get_name (EspAxisRow *self);  /* "" before anything was chosen */
const char *esp_axis_row_get_title (EspAxisRow *self); /* for people */
char *esp_axis_row_dup_text (EspAxisRow *self) G_GNUC_WARN_UNUSED_RESULT;

/* Reads the values and says what they are, or what is wrong with them: NULL. */
EspAxis *esp_axis_row_parse (EspAxisRow *self,
                             const EspAxisContext *context) G_GNUC_WARN_UNUSED_RESULT;

/* `place` is what the axis becomes in the grid ("Columns"). */
void esp_axis_row_set_place (EspAxisRow *self, const char *place, gboolean can_move_up,
                             gboolean can_move_down);

/* Where its values are written, or checked. */
void esp_axis_row_focus_values (EspAxisRow *self);

/* What is said of the values; borrowed. */
const char *esp_axis_row_get_message (EspAxisRow *self);

G_END_DECLS
