/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-queue-start.c: which job is started when, and what becomes of those that cannot be. */
#define G_LOG_DOMAIN "espalier-jobs"

#include <glib/gi18n-lib.h>

#include "esp-companions.h"
#include "esp-job-pictures.h"
#include "esp-job-private.h"
#include "esp-job-run.h"
#include "esp-queue-private.h"

/* So many are started before a window may draw again. */
#define MOST_AT_ONCE 4

#define AFTER_DRAWING (G_PRIORITY_HIGH_IDLE + 50)

static void
on_run_over (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspQueue) self = data;
  EspJob *job = ESP_JOB (source);
  EspBackendResult *unsaved = NULL;
  g_autoptr (GError) error = NULL;
  EspJobState state = _esp_job_run_finish (job, result, &unsaved, &error);

  if (unsaved != NULL)
    g_hash_table_insert (self->unsaved, g_object_ref (job->node), unsaved);
  _esp_queue_finish_job (self, job, state, error);
}

static EspBackendResult *
steal_unsaved (EspQueue *self, EspNode *node)
{
  gpointer key = NULL, value = NULL;

  if (g_hash_table_steal_extended (self->unsaved, node, &key, &value))
    g_object_unref (key);
  return value;
}

static void
start_job (EspQueue *self, EspJob *job, EspBackend *backend, EspTurnGroup *group)
{
  guint position = _esp_queue_find_position (self, job);

  if (position < self->n_running + self->n_next)
    self->n_next--;
  job->is_running = TRUE;
  job->started = g_get_monotonic_time ();
  job->slot = self->last_slot;
  _esp_queue_move_item (self, position, self->n_running++);
  _esp_job_set_state (job, ESP_JOB_RUNNING, NULL);
  _esp_queue_update_ticking (self);

  job->previews = esp_queue_get_previews (self);
  _esp_job_run_async (job, backend, group, steal_unsaved (self, job->node), on_run_over,
                      g_object_ref (self));
}

/* Who is told that the first one runs may do anything to the others. */
static gboolean
still_waits (EspQueue *self, EspJob *job)
{
  return job->state == ESP_JOB_WAITING && !job->is_running
         && esp_queue_find (self, job->node) == job;
}

/* A job, and with it those that its backend makes in the same go. */
static void
start_jobs (EspQueue *self, EspJob *job, EspBackend *backend)
{
  g_autoptr (GPtrArray) companions = _esp_companions_find (self, job, backend);
  g_autoptr (EspTurnGroup) group
      = companions->len > 0 ? esp_turn_group_new (companions->len + 1) : NULL;

  self->last_slot++;
  start_job (self, job, backend, group);
  for (guint i = 0; i < companions->len; i++)
    {
      EspJob *companion = g_ptr_array_index (companions, i);

      if (still_waits (self, companion))
        start_job (self, companion, backend, group);
      else
        esp_turn_group_leave (group);
    }
}

/* One call that stores the end of a job that never ran. */
typedef struct
{
  EspQueue *queue;
  EspJob *job;
  EspJobState state;
  GError *error; /* or NULL */
} Ending;

static void
on_ending_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  Ending *ending = data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error))
    {
      g_debug ("The end of a turn could not be stored: %s", error->message);
      esp_node_show_end (ending->job->node,
                         ending->error != NULL ? ESP_NODE_FAILED : ESP_NODE_CANCELLED,
                         ending->error != NULL ? ending->error->message : NULL);
    }
  _esp_queue_finish_job (ending->queue, ending->job, ending->state, ending->error);

  g_object_unref (ending->queue);
  g_object_unref (ending->job);
  g_clear_error (&ending->error);
  g_free (ending);
}

/* A job that waits is over: cancelled, or failed with `error` (taken over). */
void
_esp_queue_end_waiting (EspQueue *self, EspJob *job, GError *error)
{
  Ending *ending = g_new0 (Ending, 1);

  ending->queue = g_object_ref (self);
  ending->job = g_object_ref (job);
  ending->state = error != NULL ? ESP_JOB_FAILED : ESP_JOB_CANCELLED;
  ending->error = error;

  esp_node_set_error (job->node, error);
  /* It must not be started any more. */
  _esp_job_set_state (job, ESP_JOB_STOPPING, NULL);
  esp_document_set_state_async (
      job->document, job->node, error != NULL ? ESP_NODE_FAILED : ESP_NODE_CANCELLED,
      error != NULL ? error->message : NULL, esp_node_get_remote_job (job->node), NULL,
      on_ending_stored, ending);
}

/* Of one backend, or of all (NULL). Those that run as one count as one. */
static guint
count_running (EspQueue *self, EspBackend *backend)
{
  g_autoptr (GHashTable) slots = g_hash_table_new (g_int64_hash, g_int64_equal);

  for (guint i = 0; i < self->n_running; i++)
    {
      EspJob *job = _esp_queue_get_job (self, i);

      if (backend == NULL
          || g_strcmp0 (esp_node_get_backend (job->node), esp_backend_get_id (backend)) == 0)
        g_hash_table_add (slots, &job->slot);
    }
  return g_hash_table_size (slots);
}

static gboolean
has_room (EspQueue *self, EspBackend *backend)
{
  return (self->limit == 0 || count_running (self, NULL) < self->limit)
         && count_running (self, backend) < esp_backend_get_concurrency (backend);
}

/* Starts a job, if it is its turn. */
static void
try_to_start (EspQueue *self, EspJob *job)
{
  const char *id = esp_node_get_backend (job->node);
  EspBackend *backend = esp_registry_find_backend (self->registry, id);
  GError *error = NULL;

  /* Who was told of an earlier one may have taken this one away. */
  if (!still_waits (self, job))
    return;

  /* Before it came into the queue, that is; else the queue was told. */
  if (esp_node_is_deleted (job->node))
    {
      _esp_queue_end_waiting (self, job, NULL);
      return;
    }

  if (backend == NULL)
    {
      _esp_queue_end_waiting (
          self, job,
          g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                       _ ("This version of the program does not know “%s”, which this "
                          "turn was meant for."),
                       id != NULL ? id : ""));
      return;
    }

  switch (_esp_job_check_pictures (job, self, &error))
    {
    case ESP_JOB_PICTURES_READY:
      if (!self->paused && has_room (self, backend))
        start_jobs (self, job, backend);
      break;

    case ESP_JOB_PICTURES_NEVER:
      _esp_queue_end_waiting (self, job, error);
      break;

    case ESP_JOB_PICTURES_COMING:
    default:
      break;
    }
}

/* A reference may be a turn below the one it is for: two that wait for each other wait for ever. */
static void
break_circle (EspQueue *self)
{
  if (self->n_running > 0 || g_hash_table_size (self->retried) > 0
      || _esp_queue_get_n_jobs (self) == 0)
    return;

  for (guint i = 0; i < _esp_queue_get_n_jobs (self); i++)
    {
      if (_esp_queue_get_job (self, i)->state != ESP_JOB_WAITING)
        return;
    }

  _esp_queue_end_waiting (
      self, _esp_queue_get_job (self, 0),
      g_error_new_literal (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                           _ ("This turn and one that it builds on wait for each other. "
                              "Leave out the reference.")));
}

static void start_later (EspQueue *self, int priority);

static gboolean
on_start (gpointer data)
{
  g_autoptr (EspQueue) self = g_object_ref (data);
  g_autoptr (GPtrArray) jobs = NULL;
  guint most;

  g_clear_pointer (&self->starting, g_source_unref);
  self->n_next = 0;

  jobs = _esp_queue_dup_jobs (self);
  most = self->n_running + MOST_AT_ONCE;
  for (guint i = self->n_running; i < jobs->len && self->n_running < most; i++)
    try_to_start (self, g_ptr_array_index (jobs, i));
  if (self->n_running >= most)
    start_later (self, AFTER_DRAWING);
  else if (!self->paused)
    break_circle (self);
  _esp_queue_update_seconds_left (self);

  return G_SOURCE_REMOVE;
}

static void
start_later (EspQueue *self, int priority)
{
  if (self->starting != NULL)
    return;

  self->starting = g_idle_source_new ();
  g_source_set_priority (self->starting, priority);
  g_source_set_callback (self->starting, on_start, self, NULL);
  g_source_attach (self->starting, g_main_context_get_thread_default ());
}

/* Later, so that who adds several sees them all waiting, and their order is settled. */
void
_esp_queue_start_soon (EspQueue *self)
{
  start_later (self, G_PRIORITY_DEFAULT);
}
