/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep.h: a sweep of a document: its plan, and the ordinary nodes that are its cells.
 *
 * The document stores the plan and, with each node, which cell of which sweep it is
 * (esp_node_get_sweep (), esp_node_get_cell ()). Everything else follows from that. Of several
 * nodes of a cell (a preview and its refinement, one tried again) the one shown is the newest that
 * has a picture, else the newest.
 *
 * Signal "cell-changed" (guint cell): another node, or its state, image or marks. */
#pragma once

#include "esp-queue.h"
#include "esp-sweep-plan.h"

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP (esp_sweep_get_type ())
G_DECLARE_FINAL_TYPE (EspSweep, esp_sweep, ESP, SWEEP, GObject)

typedef enum
{
  ESP_CELL_MISSING, /* never run, or its node was deleted */
  ESP_CELL_SKIPPED, /* its model cannot do it */
  ESP_CELL_WAITING,
  ESP_CELL_RUNNING,
  ESP_CELL_PREVIEW, /* done with fewer steps */
  ESP_CELL_DONE,
  ESP_CELL_FAILED, /* failed, blocked */
  ESP_CELL_CANCELLED,
} EspCellState;

/* The sweep `id` of the document, the same object each time while someone holds it; NULL if there
 * is none or its plan cannot be read. `registry` may be NULL: then no cell is known to be skipped.
 */
EspSweep *esp_sweep_get (EspDocument *document, gint64 id,
                         EspRegistry *registry) G_GNUC_WARN_UNUSED_RESULT;
/* Ids of the document's sweeps that have a node, newest last. (element-type gint64) */
GArray *esp_sweep_dup_ids (EspDocument *document) G_GNUC_WARN_UNUSED_RESULT;

EspDocument *esp_sweep_get_document (EspSweep *self);
gint64 esp_sweep_get_id (EspSweep *self);
EspSweepPlan *esp_sweep_get_plan (EspSweep *self);
EspNode *esp_sweep_get_node (EspSweep *self, guint cell); /* the one shown; NULL if none */
/* The one that waits or runs, which may be another than the one shown; NULL if none. */
EspNode *esp_sweep_get_active (EspSweep *self, guint cell);
EspCellState esp_sweep_get_cell_state (EspSweep *self, guint cell);
const char *esp_sweep_get_skipped (EspSweep *self, guint cell); /* why; or NULL */
guint esp_sweep_count (EspSweep *self, EspCellState state);

/* What running `cells` (element-type guint; NULL: all) would take. `draft_steps` > 0: with so many
 * steps. For the plan of an EspSweep (the same object) what is there already does not count. */
void esp_sweep_plan_estimate (EspSweepPlan *plan, EspDocument *document, EspQueue *queue,
                              GArray *cells, int draft_steps, EspSweepEstimate *estimate);

/* Stores a new sweep and queues its cells in the plan's order, in one undoable step; those that are
 * skipped get no node. `draft_steps` > 0: a cheap first look with so many steps, where the model
 * has any and would take more (esp_sweep_run_async () refines). Finishes with the sweep. Fails if
 * there is nothing to make, with the first reason, or if a node that the plan names is gone. */
void esp_sweep_start_async (EspDocument *document, EspQueue *queue, EspSweepPlan *plan,
                            int draft_steps, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
EspSweep *esp_sweep_start_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Runs cells: fills those missing, refines previews (without `draft_steps`), tries failed and
 * cancelled ones again, takes up what was left over from the last time. Those that are done, or
 * wait or run in the queue, are left alone. `cells` NULL: all. */
void esp_sweep_run_async (EspSweep *self, EspQueue *queue, GArray *cells, int draft_steps,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data);
gboolean esp_sweep_run_finish (EspSweep *self, GAsyncResult *result, GError **error);

/* Stops what runs (`running`) and clears what waits of this sweep alone. */
void esp_sweep_stop (EspSweep *self, EspQueue *queue, gboolean running);

G_END_DECLS
