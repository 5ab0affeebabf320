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
#include "esp-registry.h"

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

/* Backends and parameters are called what this registry's models call them. Without one (NULL, at
 * first), or of backends that it lacks: ids, and what parameters of that name are usually called.
 */
void esp_comparison_set_registry (EspComparison *self, EspRegistry *registry);

/* Are differences still being measured? Property "measuring". */
gboolean esp_comparison_get_measuring (EspComparison *self);

/* Finishes when nothing is being measured: for files, in which nothing should be missing. Keeps the
 * comparison meanwhile. */
void esp_comparison_wait_async (EspComparison *self, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_comparison_wait_finish (EspComparison *self, GAsyncResult *result, GError **error);

/* The ids of the measured rows: mean ΔE (esp-difference.h) to the parent and to the root of the
 * tree, measured at no more than 1,024 pixels a side, and the drift (esp-drift.h). */
#define ESP_COMPARISON_DIFFERENCE "difference"
#define ESP_COMPARISON_ORIGIN     "original"
#define ESP_COMPARISON_DRIFT      "drift"

const char *esp_comparison_row_get_id (EspComparisonRow *self);    /* "guidance", for files */
const char *esp_comparison_row_get_title (EspComparisonRow *self); /* "Guidance", translated */
/* A sentence on what the row says, translated; or NULL. */
const char *esp_comparison_row_get_description (EspComparisonRow *self);
/* For people, never NULL; "" where the node has none, "…" while it is measured. */
const char *esp_comparison_row_get_text (EspComparisonRow *self, guint column);
/* The plain value for files: (transfer none), NULL where there is none. */
JsonNode *esp_comparison_row_get_value (EspComparisonRow *self, guint column);
gboolean esp_comparison_row_get_differs (EspComparisonRow *self);
/* Free text (instruction, negative prompt): its differences are to be marked word by word. */
gboolean esp_comparison_row_is_prose (EspComparisonRow *self);

/* Everything known of the nodes (whatever is shown) for files, with plain values: numbers in the
 * fewest digits that read back as the same, ids instead of names. What is not known, or still being
 * measured, is null or an empty field.
 *
 * JSON: {"nodes":[{"id":4,"instruction":"…","parameters":{…},"seed":42,…}]}. CSV: RFC 4180 in UTF-8
 * without a mark at its beginning; a header line, a line a node, a column for each parameter (named
 * "parameter.NAME" where another column has its name). Texts that a spreadsheet would take for a
 * formula (= + - @, tab or return first) have an apostrophe before them; numbers never. */
char *esp_comparison_dup_json (EspComparison *self) G_GNUC_WARN_UNUSED_RESULT;
char *esp_comparison_dup_csv (EspComparison *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
