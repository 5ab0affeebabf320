/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison.h: nodes held side by side, as a table: a row for what can be told of them, a
 * column for each node.
 *
 * A GListModel of EspComparisonRow: instruction, what else the turn asked for, backend, model, each
 * parameter, seed, size, time, cost, difference to the parent, drift from the root, marks. It
 * follows the nodes: "items-changed" when rows come or go, a row's "changed" when a value is
 * another. Differences are measured on threads and arrive when they are known. Main thread. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARISON (esp_comparison_get_type ())
G_DECLARE_FINAL_TYPE (EspComparison, esp_comparison, ESP, COMPARISON, GObject)
#define ESP_TYPE_COMPARISON_ROW (esp_comparison_row_get_type ())
G_DECLARE_FINAL_TYPE (EspComparisonRow, esp_comparison_row, ESP, COMPARISON_ROW, GObject)

#define ESP_COMPARISON_MAX 9 /* nodes side by side */

/* `nodes`: (element-type EspNode), at least one, of `document`. Property "all" (boolean): rows in
 * which nothing differs, too; FALSE at first. */
EspComparison *esp_comparison_new (EspDocument *document,
                                   GPtrArray *nodes) G_GNUC_WARN_UNUSED_RESULT;
EspDocument *esp_comparison_get_document (EspComparison *self);
GPtrArray *esp_comparison_get_nodes (EspComparison *self); /* borrowed */
gboolean esp_comparison_get_all (EspComparison *self);
void esp_comparison_set_all (EspComparison *self, gboolean all);

const char *esp_comparison_row_get_id (EspComparisonRow *self);    /* "guidance", for files */
const char *esp_comparison_row_get_title (EspComparisonRow *self); /* "Guidance", translated */
/* For people, never NULL; "" where the node has none, "…" while it is measured. */
const char *esp_comparison_row_get_text (EspComparisonRow *self, guint column);
/* The plain value for files: (transfer none), NULL where there is none. */
JsonNode *esp_comparison_row_get_value (EspComparisonRow *self, guint column);
gboolean esp_comparison_row_get_differs (EspComparisonRow *self);
/* Free text (instruction, negative prompt): its differences are to be marked word by word. */
gboolean esp_comparison_row_is_prose (EspComparisonRow *self);

/* All rows (also those that are not shown) for files: a JSON document {"nodes":[{…}]}, and RFC 4180
 * with a header line, a line a node. */
char *esp_comparison_dup_json (EspComparison *self) G_GNUC_WARN_UNUSED_RESULT;
char *esp_comparison_dup_csv (EspComparison *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
