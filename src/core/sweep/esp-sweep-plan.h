/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-plan.h: a sweep before and while it runs: a base turn, one to three axes, and so a
 * number of cells, each with the turn that makes it. Immutable, counted; stored as JSON.
 *
 * Cells are numbered: cell = i0 + n0 · (i1 + n1 · i2), i0 being the index on the first axis. */
#pragma once

#include "esp-axis.h"

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP_PLAN (esp_sweep_plan_get_type ())
typedef struct _EspSweepPlan EspSweepPlan;
GType esp_sweep_plan_get_type (void);
EspSweepPlan *esp_sweep_plan_ref (EspSweepPlan *self);
void esp_sweep_plan_unref (EspSweepPlan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspSweepPlan, esp_sweep_plan_unref)

typedef enum
{
  ESP_SWEEP_LISTED, /* by number */
  ESP_SWEEP_NEAR,   /* the base's own values first, then by distance from them in the grid */
  ESP_SWEEP_RANDOM, /* shuffled, the same for the same plan */
} EspSweepOrder;

/* A parameter of the cell is what its axis says, else its preset, else the base, else the model's
 * default. What of base and preset the model does not have is left out.
 *
 * `parent`: id of the node that turns start from unless an axis says so. `turn`: the base; a seed
 * is chosen if it has none, so that cells differ by the axes alone. `axes`: (element-type EspAxis);
 * alternatives in the instruction are added behind them. Errors: ESP_SWEEP_ERROR_SIZE above
 * ESP_SWEEP_MAX_AXES or ESP_SWEEP_MAX_CELLS, or two axes that change the same. */
EspSweepPlan *esp_sweep_plan_new (gint64 parent, const EspTurn *turn, GPtrArray *axes,
                                  EspSweepOrder order, GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspSweepPlan *esp_sweep_plan_from_json (const char *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *esp_sweep_plan_dup_json (EspSweepPlan *self) G_GNUC_WARN_UNUSED_RESULT; /* canonical */
/* The same work: base, axes and values (not the order)? For going on with it. */
gboolean esp_sweep_plan_equal (EspSweepPlan *a, EspSweepPlan *b);

char *esp_sweep_plan_dup_title (EspSweepPlan *self) G_GNUC_WARN_UNUSED_RESULT;
/* "Guidance × Seed", translated */
gint64 esp_sweep_plan_get_parent (EspSweepPlan *self);
EspSweepOrder esp_sweep_plan_get_order (EspSweepPlan *self);
GArray *esp_sweep_plan_get_references (EspSweepPlan *self); /* ids of nodes, borrowed;
                                                               (element-type gint64) */
GPtrArray *esp_sweep_plan_get_axes (EspSweepPlan *self);    /* (element-type EspAxis) borrowed */
guint esp_sweep_plan_get_n_cells (EspSweepPlan *self);
void esp_sweep_plan_get_indices (EspSweepPlan *self, guint cell,
                                 guint indices[ESP_SWEEP_MAX_AXES]); /* 0 beyond the last axis */
guint esp_sweep_plan_get_cell (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES]);
/* All cells in the order in which they are to run. (element-type guint) */
GArray *esp_sweep_plan_dup_order (EspSweepPlan *self) G_GNUC_WARN_UNUSED_RESULT;
char *esp_sweep_plan_dup_cell_title (EspSweepPlan *self, guint cell) G_GNUC_WARN_UNUSED_RESULT;
/* "Guidance 2.5, seed 4" */

/* The turn of a cell. `registry` (or NULL: nothing is checked) tells what its model takes.
 * FALSE, with a sentence in `skipped` (owned by the caller): the model lacks the parameter or the
 * value. Members of `turn` are owned by `*owner`, to be freed with g_object_unref (). Its
 * references are left out: their ids are esp_sweep_plan_get_references (). `parent` 0: it is not in
 * this document. */
gboolean esp_sweep_plan_get_turn (EspSweepPlan *self, guint cell, EspRegistry *registry,
                                  EspTurn *turn, gint64 *parent, GObject **owner, char **skipped);

/* Why the cell is not made; NULL: it is. */
char *esp_sweep_plan_dup_skipped (EspSweepPlan *self, guint cell,
                                  EspRegistry *registry) G_GNUC_WARN_UNUSED_RESULT;

/* --- Before running --------------------------------------------------------------------------- */

typedef struct
{
  guint n_cells; /* that would run: not skipped, not there yet */
  guint n_skipped;
  double seconds;               /* of all, by measured turns, with what runs at once; < 0 unknown */
  double cost;                  /* of those with a known price; 0 free */
  gboolean cost_is_lower_bound; /* some have no known price */
  const char *currency;         /* static or borrowed from the model; NULL without a cost */
} EspSweepEstimate;

G_END_DECLS
