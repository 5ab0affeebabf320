/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-run.c: the cells of a sweep become turns of the queue, and are stopped. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-sweep-private.h"

#include <glib/gi18n-lib.h>

/* Turns that are about to be stored. */
typedef struct
{
  EspDocument *document;
  EspQueue *queue;
  EspSweepPlan *plan;
  int draft_steps;
  EspSweep *sweep;       /* or NULL: a new one */
  GArray *turns;         /* of EspSweepTurn */
  GPtrArray *owners;     /* of what is in them */
  GPtrArray *references; /* of EspNode */
  char *skipped;         /* the first reason */
} Batch;

static void
batch_free (gpointer data)
{
  Batch *batch = data;

  g_object_unref (batch->document);
  g_object_unref (batch->queue);
  esp_sweep_plan_unref (batch->plan);
  g_clear_object (&batch->sweep);
  g_array_unref (batch->turns);
  g_ptr_array_unref (batch->owners);
  g_ptr_array_unref (batch->references);
  g_free (batch->skipped);
  g_free (batch);
}

static Batch *
batch_new (EspDocument *document, EspQueue *queue, EspSweepPlan *plan, int draft_steps)
{
  Batch *batch = g_new0 (Batch, 1);

  batch->document = g_object_ref (document);
  batch->queue = g_object_ref (queue);
  batch->plan = esp_sweep_plan_ref (plan);
  batch->draft_steps = draft_steps;
  batch->turns = g_array_new (FALSE, FALSE, sizeof (EspSweepTurn));
  batch->owners = g_ptr_array_new_with_free_func (g_object_unref);
  batch->references = g_ptr_array_new_with_free_func (g_object_unref);
  return batch;
}

static gboolean
find_node (Batch *batch, gint64 id, EspNode **node, GError **error)
{
  *node = esp_document_get_node (batch->document, id);
  if (*node != NULL)
    return TRUE;
  g_set_error_literal (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_UNKNOWN,
                       _ ("A picture that the sweep starts from is not in the document any more"));
  return FALSE;
}

static gboolean
find_references (Batch *batch, GError **error)
{
  const GArray *ids = esp_sweep_plan_get_references (batch->plan);
  EspNode *node;

  for (guint i = 0; i < ids->len; i++)
    {
      if (!find_node (batch, g_array_index (ids, gint64, i), &node, error))
        return FALSE;
      g_ptr_array_add (batch->references, g_object_ref (node));
    }
  return TRUE;
}

/* FALSE without an error: the cell is skipped. */
static gboolean
make_turn (Batch *batch, guint cell, EspSweepTurn *turn, GError **error)
{
  EspRegistry *registry = esp_queue_get_registry (batch->queue);
  g_autofree char *skipped = NULL;
  GObject *owner = NULL;
  gint64 parent = 0;

  *turn = (EspSweepTurn){ .cell = cell };
  if (!esp_sweep_plan_get_turn (batch->plan, cell, registry, &turn->turn, &parent, &owner,
                                &skipped))
    {
      if (batch->skipped == NULL)
        batch->skipped = g_steal_pointer (&skipped);
      return FALSE;
    }
  g_ptr_array_add (batch->owners, owner);
  turn->turn.references = (EspNode *const *) batch->references->pdata;
  turn->turn.n_references = batch->references->len;
  turn->draft = batch->draft_steps > 0
                && _esp_sweep_turn_lower_steps (&turn->turn, registry, batch->draft_steps);
  return find_node (batch, parent, &turn->parent, error);
}

static void
queue_nodes (Batch *batch, GPtrArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    esp_queue_add (batch->queue, batch->document, nodes->pdata[i], FALSE);
}

/* --- Starting --------------------------------------------------------------------------------- */

static void
on_started (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Batch *batch = g_task_get_task_data (task);
  GError *error = NULL;
  gint64 id = 0;
  g_autoptr (GPtrArray) nodes
      = esp_document_add_sweep_finish (batch->document, result, &id, &error);
  EspSweep *sweep;

  if (nodes == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  sweep = esp_sweep_get (batch->document, id, esp_queue_get_registry (batch->queue));
  queue_nodes (batch, nodes);
  g_task_return_pointer (task, sweep, g_object_unref);
}

static gboolean
fill_whole (Batch *batch, GError **error)
{
  g_autoptr (GArray) order = esp_sweep_plan_dup_order (batch->plan);

  if (!find_references (batch, error))
    return FALSE;
  for (guint i = 0; i < order->len; i++)
    {
      GError *local = NULL;
      EspSweepTurn turn;

      if (make_turn (batch, g_array_index (order, guint, i), &turn, &local))
        g_array_append_val (batch->turns, turn);
      else if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
    }
  if (batch->turns->len > 0)
    return TRUE;
  g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE,
               _ ("Nothing of the sweep can be made. %s."), batch->skipped);
  return FALSE;
}

void
esp_sweep_start_async (EspDocument *document, EspQueue *queue, EspSweepPlan *plan, int draft_steps,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autofree char *json = NULL;
  GError *error = NULL;
  Batch *batch;

  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_QUEUE (queue));
  g_return_if_fail (plan != NULL);

  task = g_task_new (document, cancellable, callback, user_data);
  batch = batch_new (document, queue, plan, draft_steps);
  g_task_set_source_tag (task, esp_sweep_start_async);
  g_task_set_task_data (task, batch, batch_free);
  /* What is stored is stored, and its caller is to hear of it. */
  g_task_set_check_cancellable (task, FALSE);
  if (!fill_whole (batch, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  json = esp_sweep_plan_dup_json (plan);
  esp_document_add_sweep_async (document, 0, json, (const EspSweepTurn *) batch->turns->data,
                                batch->turns->len, cancellable, on_started, g_object_ref (task));
}

EspSweep *
esp_sweep_start_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_sweep_start_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Going on --------------------------------------------------------------------------------- */

static void
on_added (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Batch *batch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GPtrArray) nodes
      = esp_document_add_sweep_finish (batch->document, result, NULL, &error);

  if (nodes == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  queue_nodes (batch, nodes);
  g_task_return_boolean (task, TRUE);
}

/* Waits or runs in the document, but not in this queue. */
static gboolean
is_left_over (Batch *batch, EspNode *node)
{
  return node != NULL && esp_queue_find (batch->queue, node) == NULL;
}

/* FALSE with an error, or without one if there is nothing to add. */
static gboolean
fill_cell (Batch *batch, guint cell, GPtrArray *again, GPtrArray *left_over, EspSweepTurn *turn,
           GError **error)
{
  EspNode *active = esp_sweep_get_active (batch->sweep, cell);
  EspNode *newest = _esp_sweep_get_newest (batch->sweep, cell);

  switch (esp_sweep_get_cell_state (batch->sweep, cell))
    {
    case ESP_CELL_WAITING:
    case ESP_CELL_RUNNING:
      if (is_left_over (batch, active))
        g_ptr_array_add (left_over, active);
      return FALSE;
    case ESP_CELL_MISSING:
      return make_turn (batch, cell, turn, error);
    case ESP_CELL_PREVIEW:
      return batch->draft_steps <= 0 && make_turn (batch, cell, turn, error);
    case ESP_CELL_FAILED:
    case ESP_CELL_CANCELLED:
      if (!make_turn (batch, cell, turn, error))
        return FALSE;
      /* The same turn again, unless that was a first look and now it shall be the real thing. */
      if (esp_node_is_draft (newest) != turn->draft)
        return TRUE;
      g_ptr_array_add (again, newest);
      return FALSE;
    case ESP_CELL_SKIPPED:
    case ESP_CELL_DONE:
    default:
      return FALSE;
    }
}

static gboolean
contains (GArray *cells, guint cell)
{
  for (guint i = 0; cells != NULL && i < cells->len; i++)
    if (g_array_index (cells, guint, i) == cell)
      return TRUE;
  return cells == NULL;
}

static gboolean
fill_cells (Batch *batch, GArray *cells, GPtrArray *again, GPtrArray *left_over, GError **error)
{
  g_autoptr (GArray) order = esp_sweep_plan_dup_order (batch->plan);

  if (!find_references (batch, error))
    return FALSE;
  for (guint i = 0; i < order->len; i++)
    {
      const guint cell = g_array_index (order, guint, i);
      GError *local = NULL;
      EspSweepTurn turn;

      if (!contains (cells, cell))
        continue;
      if (fill_cell (batch, cell, again, left_over, &turn, &local))
        g_array_append_val (batch->turns, turn);
      else if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
    }
  return TRUE;
}

void
esp_sweep_run_async (EspSweep *self, EspQueue *queue, GArray *cells, int draft_steps,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GPtrArray) again = g_ptr_array_new ();
  g_autoptr (GPtrArray) left_over = g_ptr_array_new ();
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  EspDocument *document;
  Batch *batch;

  g_return_if_fail (ESP_IS_SWEEP (self));
  g_return_if_fail (ESP_IS_QUEUE (queue));

  document = esp_sweep_get_document (self);
  task = g_task_new (self, cancellable, callback, user_data);
  batch = batch_new (document, queue, esp_sweep_get_plan (self), draft_steps);
  batch->sweep = g_object_ref (self);
  g_task_set_source_tag (task, esp_sweep_run_async);
  g_task_set_task_data (task, batch, batch_free);
  g_task_set_check_cancellable (task, FALSE);
  if (!fill_cells (batch, cells, again, left_over, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  esp_queue_take_up (queue, document, left_over);
  for (guint i = 0; i < again->len; i++)
    esp_queue_retry (queue, document, again->pdata[i]);
  if (batch->turns->len == 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  esp_document_add_sweep_async (document, esp_sweep_get_id (self), NULL,
                                (const EspSweepTurn *) batch->turns->data, batch->turns->len,
                                cancellable, on_added, g_object_ref (task));
}

gboolean
esp_sweep_run_finish (EspSweep *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Stopping --------------------------------------------------------------------------------- */

void
esp_sweep_stop (EspSweep *self, EspQueue *queue, gboolean running)
{
  GListModel *jobs;
  g_autoptr (GPtrArray) ours = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_if_fail (ESP_IS_SWEEP (self));
  g_return_if_fail (ESP_IS_QUEUE (queue));

  jobs = esp_queue_get_jobs (queue);
  for (guint i = running ? 0 : esp_queue_get_n_running (queue); i < g_list_model_get_n_items (jobs);
       i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);

      if (esp_job_get_document (job) == esp_sweep_get_document (self)
          && esp_node_get_sweep (esp_job_get_node (job)) == esp_sweep_get_id (self))
        g_ptr_array_add (ours, g_steal_pointer (&job));
    }
  /* From the end, so that nothing starts to move up. */
  for (guint i = ours->len; i > 0; i--)
    esp_queue_stop (queue, ours->pdata[i - 1]);
}
