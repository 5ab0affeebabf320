/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-row.h: a row of the table under images that are compared. Values stand in columns;
 * texts stand below one another, with the words marked that differ. */
#pragma once

#include <gtk/gtk.h>

#include "esp-comparison.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_ROW (esp_compare_row_get_type ())
G_DECLARE_FINAL_TYPE (EspCompareRow, esp_compare_row, ESP, COMPARE_ROW, GtkListBoxRow)

/* `b_index`: whose texts those of the first are compared with. `titles` makes the titles of all
 * rows equally wide. */
GtkWidget *esp_compare_row_new (EspComparisonRow *row, guint n_columns, guint b_index,
                                GtkSizeGroup *titles) G_GNUC_WARN_UNUSED_RESULT;

/* The letters above the columns. */
GtkWidget *esp_compare_row_new_letters (guint n_columns) G_GNUC_WARN_UNUSED_RESULT;

/* A text with its stretches that differ marked: by colour, underlined and bold. Pango markup.
 * `spans`: of EspWordSpan. */
char *esp_compare_row_mark (const char *text, GArray *spans) G_GNUC_WARN_UNUSED_RESULT;
/* The words of these stretches for a screen reader, "snow, rain"; "" for none. */
char *esp_compare_row_list_differing (const char *text, GArray *spans) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
