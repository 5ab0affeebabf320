/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison-private.h: the parts of a comparison. */
#pragma once

#include "esp-comparison.h"

G_BEGIN_DECLS

/* ---- rows */

EspComparisonRow *_esp_comparison_row_new (const char *id, const char *title, guint n_columns,
                                           gboolean prose) G_GNUC_WARN_UNUSED_RESULT;
void _esp_comparison_row_set_description (EspComparisonRow *self, const char *description);

/* Takes both; either may be NULL. Tells nobody: for rows that nobody has yet. */
void _esp_comparison_row_set (EspComparisonRow *self, guint column, char *text, JsonNode *value);

/* The value of this column is still to come. */
void _esp_comparison_row_set_measured (EspComparisonRow *self, guint column);

/* Takes over everything of `other`, which is of the same id; emits "changed" if that is news. */
void _esp_comparison_row_become (EspComparisonRow *self, EspComparisonRow *other);

/* ---- what the rows say; in esp-comparison-fields.c */

/* The rows that need nothing but the nodes, in order: those above the measured ones, and those
 * below. (element-type EspComparisonRow) */
void _esp_comparison_add_turn_rows (GPtrArray *rows, GPtrArray *nodes, EspRegistry *registry);
void _esp_comparison_add_mark_rows (GPtrArray *rows, GPtrArray *nodes);

/* The names of all parameters that one of the nodes has, those that people set most first.
 * (element-type utf8) (transfer container); the names belong to the nodes. */
GPtrArray *_esp_comparison_dup_parameters (GPtrArray *nodes) G_GNUC_WARN_UNUSED_RESULT;

/* ---- measured differences; in esp-comparison-measure.c */

typedef enum
{
  ESP_MEASURE_UNKNOWN, /* not asked for yet, or under way */
  ESP_MEASURE_NONE,    /* there is nothing to compare with, or it failed */
  ESP_MEASURE_KNOWN,
} EspMeasure;

typedef enum
{
  ESP_MEASURE_PARENT, /* mean ΔE to the image of the parent */
  ESP_MEASURE_ORIGIN, /* mean ΔE to the image of the root */
  ESP_MEASURE_DRIFT,  /* the same, outside of all that turns changed (esp-drift.h) */
} EspMeasureKind;

/* What of a node is known to the document: mean ΔE, at no more than 1,024 pixels a side, measured
 * once for every pair of images. */
EspMeasure _esp_comparison_look_up (EspDocument *document, EspNode *node, EspMeasureKind kind,
                                    double *mean);

/* Measures it, for the next look-up. `callback` without a result to be finished, unless cancelled.
 */
typedef void (*EspMeasured) (gpointer user_data);
void _esp_comparison_measure (EspDocument *document, EspNode *node, EspMeasureKind kind,
                              GCancellable *cancellable, EspMeasured measured, GObject *owner);

G_END_DECLS
