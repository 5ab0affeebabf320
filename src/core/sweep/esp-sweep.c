/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep.c: the nodes of a document that are a sweep's cells. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-sweep.h"

#include <string.h>

struct _EspSweep
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (EspSweep, esp_sweep, G_TYPE_OBJECT)

static void
esp_sweep_class_init (EspSweepClass *klass)
{
}

static void
esp_sweep_init (EspSweep *self)
{
}

EspSweep *
esp_sweep_get (EspDocument *document, gint64 id, EspRegistry *registry)
{
  return NULL;
}

GArray *
esp_sweep_dup_ids (EspDocument *document)
{
  return g_array_new (FALSE, FALSE, sizeof (gint64));
}

EspDocument *
esp_sweep_get_document (EspSweep *self)
{
  return NULL;
}

gint64
esp_sweep_get_id (EspSweep *self)
{
  return 0;
}

EspSweepPlan *
esp_sweep_get_plan (EspSweep *self)
{
  return NULL;
}

EspNode *
esp_sweep_get_node (EspSweep *self, guint cell)
{
  return NULL;
}

EspCellState
esp_sweep_get_cell_state (EspSweep *self, guint cell)
{
  return ESP_CELL_MISSING;
}

const char *
esp_sweep_get_skipped (EspSweep *self, guint cell)
{
  return NULL;
}

guint
esp_sweep_count (EspSweep *self, EspCellState state)
{
  return 0;
}

void
esp_sweep_plan_estimate (EspSweepPlan *plan, EspDocument *document, EspQueue *queue, GArray *cells,
                         int draft_steps, EspSweepEstimate *estimate)
{
  memset (estimate, 0, sizeof *estimate);
}

void
esp_sweep_start_async (EspDocument *document, EspQueue *queue, EspSweepPlan *plan, int draft_steps,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
}

EspSweep *
esp_sweep_start_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_sweep_run_async (EspSweep *self, EspQueue *queue, GArray *cells, int draft_steps,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
}

gboolean
esp_sweep_run_finish (EspSweep *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
esp_sweep_stop (EspSweep *self, EspQueue *queue, gboolean running)
{
}
