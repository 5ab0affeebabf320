/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-table.h: the table under images that are compared; scrolls by itself. */
#pragma once

#include <gtk/gtk.h>

#include "esp-comparison.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_TABLE (esp_compare_table_get_type ())
G_DECLARE_FINAL_TYPE (EspCompareTable, esp_compare_table, ESP, COMPARE_TABLE, GtkWidget)

GtkWidget *esp_compare_table_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* `b_index`: whose texts the first one's are compared with. NULL: nothing. */
void esp_compare_table_set_comparison (EspCompareTable *self, EspComparison *comparison,
                                       guint b_index);

G_END_DECLS
