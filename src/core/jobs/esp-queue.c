/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-queue.h"

#include <glib/gi18n-lib.h>

#include "esp-durations.h"
#include "esp-job-pictures.h"
#include "esp-job-private.h"
#include "esp-job-run.h"

struct _EspQueue
{
  GObject parent_instance;

  EspRegistry *registry;
  GListStore *jobs; /* of EspJob: those running, then those waiting */
  guint n_running;
  guint n_next;          /* waiting ones at the front that were put there just now */
  GHashTable *by_node;   /* EspNode → EspJob, borrowed */
  GHashTable *documents; /* EspDocument → Watch */
  GHashTable *unsaved;   /* EspNode (owned) → EspBackendResult that could not be stored */
  EspDurations *durations;
  gboolean paused;
  double seconds_left;
  GSource *starting; /* will start what can be started */
  GSource *ticking;  /* "seconds-left" goes down by itself */
};

G_DEFINE_FINAL_TYPE (EspQueue, esp_queue, G_TYPE_OBJECT)

enum
{
  PROP_PAUSED = 1,
  PROP_SECONDS_LEFT,
  N_PROPS
};

enum
{
  JOB_ADDED,
  JOB_FINISHED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

/* A document with jobs. */
typedef struct
{
  EspDocument *document;
  gulong removed_handler;
  guint n_jobs;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  g_signal_handler_disconnect (watch->document, watch->removed_handler);
  g_object_unref (watch->document);
  g_free (watch);
}

static void start_soon (EspQueue *self);
static void finish_job (EspQueue *self, EspJob *job, EspJobState state, const GError *error);

/* --- The list --------------------------------------------------------------------------------- */

static guint
get_n_jobs (EspQueue *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self->jobs));
}

/* Borrowed. */
static EspJob *
get_job (EspQueue *self, guint position)
{
  g_autoptr (EspJob) job = g_list_model_get_item (G_LIST_MODEL (self->jobs), position);

  return job;
}

static guint
find_position (EspQueue *self, EspJob *job)
{
  guint position = G_MAXUINT;

  g_list_store_find (self->jobs, job, &position);
  return position;
}

/* The list's jobs as they are now: it may change while the caller goes through them. */
static GPtrArray *
dup_jobs (EspQueue *self)
{
  GPtrArray *jobs = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < get_n_jobs (self); i++)
    g_ptr_array_add (jobs, g_list_model_get_item (G_LIST_MODEL (self->jobs), i));
  return jobs;
}

/* Moves one item in one step, so that a view sees no job leave. */
static void
move_item (EspQueue *self, guint from, guint to)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  guint first = MIN (from, to), last = MAX (from, to);

  if (from == to)
    return;

  for (guint i = first; i <= last; i++)
    g_ptr_array_add (items, g_list_model_get_item (G_LIST_MODEL (self->jobs), i));
  g_ptr_array_insert (items, (int) (to - first), g_ptr_array_steal_index (items, from - first));
  g_list_store_splice (self->jobs, first, items->len, items->pdata, items->len);
}

/* --- Seconds left ----------------------------------------------------------------------------- */

static void
update_seconds_left (EspQueue *self)
{
  double left = esp_queue_get_seconds_left (self);

  if (self->seconds_left == left)
    return;

  self->seconds_left = left;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SECONDS_LEFT]);
}

static gboolean
on_tick (gpointer data)
{
  update_seconds_left (data);
  return G_SOURCE_CONTINUE;
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
update_ticking (EspQueue *self)
{
  if (self->n_running == 0)
    clear_source (&self->ticking);
  else if (self->ticking == NULL)
    {
      self->ticking = g_timeout_source_new_seconds (1);
      g_source_set_callback (self->ticking, on_tick, self, NULL);
      g_source_attach (self->ticking, g_main_context_get_thread_default ());
    }
}

static void
estimate_waiting (EspQueue *self)
{
  for (guint i = self->n_running; i < get_n_jobs (self); i++)
    {
      EspJob *job = get_job (self, i);

      job->expected = _esp_durations_estimate (self->durations, job->node);
    }
}

/* --- In and out ------------------------------------------------------------------------------- */

static void
on_node_removed (EspDocument *document, EspNode *node, gpointer data)
{
  EspQueue *self = data;
  g_autoptr (GPtrArray) jobs = dup_jobs (self);

  /* With a node goes all that is below it. */
  for (guint i = 0; i < jobs->len; i++)
    {
      EspJob *job = g_ptr_array_index (jobs, i);

      if (job->document == document && esp_node_is_deleted (job->node))
        esp_queue_stop (self, job);
    }
}

static void
watch_document (EspQueue *self, EspDocument *document)
{
  Watch *watch = g_hash_table_lookup (self->documents, document);

  if (watch == NULL)
    {
      watch = g_new0 (Watch, 1);
      watch->document = g_object_ref (document);
      watch->removed_handler
          = g_signal_connect (document, "node-removed", G_CALLBACK (on_node_removed), self);
      g_hash_table_insert (self->documents, document, watch);
    }

  watch->n_jobs++;
}

static void
unwatch_document (EspQueue *self, EspDocument *document)
{
  Watch *watch = g_hash_table_lookup (self->documents, document);

  if (--watch->n_jobs == 0)
    g_hash_table_remove (self->documents, document);
}

static EspJob *
enqueue (EspQueue *self, EspDocument *document, EspNode *node, gboolean next)
{
  EspNodeProgress progress = { .fraction = -1, .seconds_left = -1 };
  g_autoptr (EspJob) job = NULL;

  if (g_hash_table_contains (self->by_node, node))
    return g_hash_table_lookup (self->by_node, node);

  job = _esp_job_new (document, node);
  _esp_durations_learn_document (self->durations, document, node);
  job->expected = _esp_durations_estimate (self->durations, node);
  watch_document (self, document);
  g_hash_table_insert (self->by_node, node, job);
  g_list_store_insert (self->jobs, next ? self->n_running + self->n_next++ : get_n_jobs (self),
                       job);
  _esp_job_show_progress (job, &progress, NULL);

  g_signal_emit (self, signals[JOB_ADDED], 0, job);
  start_soon (self);
  return job;
}

/* Takes a job out; nothing is told yet. */
static void
remove_job (EspQueue *self, EspJob *job)
{
  guint position = 0;

  g_return_if_fail (g_list_store_find (self->jobs, job, &position));

  if (job->is_running)
    self->n_running--;
  else if (position < self->n_running + self->n_next)
    self->n_next--;
  job->is_running = FALSE;
  g_hash_table_remove (self->by_node, job->node);
  g_list_store_remove (self->jobs, position);
  _esp_job_show_progress (job, NULL, NULL);
  update_ticking (self);
  start_soon (self);
}

static void
finish_job (EspQueue *self, EspJob *job, EspJobState state, const GError *error)
{
  g_autoptr (EspQueue) guard = g_object_ref (self);
  g_autoptr (EspJob) kept = g_object_ref (job);
  g_autoptr (EspDocument) document = g_object_ref (job->document);

  job->state = state;
  remove_job (self, job);
  _esp_job_set_state (job, state, error);

  if (state == ESP_JOB_DONE)
    {
      _esp_durations_learn (self->durations, job->node);
      estimate_waiting (self);
    }
  if (state != ESP_JOB_WAITING)
    g_signal_emit (self, signals[JOB_FINISHED], 0, job);
  unwatch_document (self, document);
}

/* --- Running ---------------------------------------------------------------------------------- */

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
  finish_job (self, job, state, error);
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
start_job (EspQueue *self, EspJob *job, EspBackend *backend)
{
  guint position = find_position (self, job);

  if (position < self->n_running + self->n_next)
    self->n_next--;
  job->is_running = TRUE;
  job->started = g_get_monotonic_time ();
  move_item (self, position, self->n_running++);
  _esp_job_set_state (job, ESP_JOB_RUNNING, NULL);
  update_ticking (self);

  _esp_job_run_async (job, backend, steal_unsaved (self, job->node), on_run_over,
                      g_object_ref (self));
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
    g_debug ("The end of a turn could not be stored: %s", error->message);
  finish_job (ending->queue, ending->job, ending->state, ending->error);

  g_object_unref (ending->queue);
  g_object_unref (ending->job);
  g_clear_error (&ending->error);
  g_free (ending);
}

/* A job that waits is over: cancelled, or failed with `error` (taken over). */
static void
end_waiting (EspQueue *self, EspJob *job, GError *error)
{
  Ending *ending = g_new0 (Ending, 1);

  ending->queue = g_object_ref (self);
  ending->job = g_object_ref (job);
  ending->state = error != NULL ? ESP_JOB_FAILED : ESP_JOB_CANCELLED;
  ending->error = error;

  /* It must not be started any more. */
  _esp_job_set_state (job, ESP_JOB_STOPPING, NULL);
  esp_document_set_state_async (
      job->document, job->node, error != NULL ? ESP_NODE_FAILED : ESP_NODE_CANCELLED,
      error != NULL ? error->message : NULL, NULL, NULL, on_ending_stored, ending);
}

static guint
count_running (EspQueue *self, EspBackend *backend)
{
  guint n = 0;

  for (guint i = 0; i < self->n_running; i++)
    n += g_strcmp0 (esp_node_get_backend (get_job (self, i)->node), esp_backend_get_id (backend))
         == 0;
  return n;
}

/* Starts a job, if it is its turn. */
static void
try_to_start (EspQueue *self, EspJob *job)
{
  const char *id = esp_node_get_backend (job->node);
  EspBackend *backend = esp_registry_find_backend (self->registry, id);
  GError *error = NULL;

  if (job->state != ESP_JOB_WAITING || job->is_running)
    return;

  if (backend == NULL)
    {
      end_waiting (self, job,
                   g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                                _ ("This version of the program does not know “%s”, which this "
                                   "turn was meant for."),
                                id != NULL ? id : ""));
      return;
    }

  switch (_esp_job_check_pictures (job, self, &error))
    {
    case ESP_JOB_PICTURES_READY:
      if (!self->paused && count_running (self, backend) < esp_backend_get_concurrency (backend))
        start_job (self, job, backend);
      break;

    case ESP_JOB_PICTURES_NEVER:
      end_waiting (self, job, error);
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
  if (self->n_running > 0 || get_n_jobs (self) == 0)
    return;

  for (guint i = 0; i < get_n_jobs (self); i++)
    {
      if (get_job (self, i)->state != ESP_JOB_WAITING)
        return;
    }

  end_waiting (self, get_job (self, 0),
               g_error_new_literal (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                                    _ ("This turn and one that it builds on wait for each other. "
                                       "Leave out the reference.")));
}

static gboolean
on_start (gpointer data)
{
  g_autoptr (EspQueue) self = g_object_ref (data);
  g_autoptr (GPtrArray) jobs = NULL;

  g_clear_pointer (&self->starting, g_source_unref);
  self->n_next = 0;

  jobs = dup_jobs (self);
  for (guint i = self->n_running; i < jobs->len; i++)
    try_to_start (self, g_ptr_array_index (jobs, i));
  if (!self->paused)
    break_circle (self);
  update_seconds_left (self);

  return G_SOURCE_REMOVE;
}

/* Later, so that who adds several sees them all waiting, and their order is settled. */
static void
start_soon (EspQueue *self)
{
  if (self->starting != NULL)
    return;

  self->starting = g_idle_source_new ();
  g_source_set_priority (self->starting, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->starting, on_start, self, NULL);
  g_source_attach (self->starting, g_main_context_get_thread_default ());
}

/* --- Reading ---------------------------------------------------------------------------------- */

EspRegistry *
esp_queue_get_registry (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), NULL);

  return self->registry;
}

GListModel *
esp_queue_get_jobs (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), NULL);

  return G_LIST_MODEL (self->jobs);
}

guint
esp_queue_get_n_waiting (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), 0);

  return get_n_jobs (self) - self->n_running;
}

guint
esp_queue_get_n_running (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), 0);

  return self->n_running;
}

EspJob *
esp_queue_find (EspQueue *self, EspNode *node)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), NULL);

  return g_hash_table_lookup (self->by_node, node);
}

gboolean
esp_queue_has_document (EspQueue *self, EspDocument *document)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), FALSE);

  return g_hash_table_contains (self->documents, document);
}

gboolean
esp_queue_get_paused (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), FALSE);

  return self->paused;
}

/* --- Verbs ------------------------------------------------------------------------------------ */

static void
set_paused (EspQueue *self, gboolean paused)
{
  if (self->paused == paused)
    return;

  self->paused = paused;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PAUSED]);
  if (!paused)
    start_soon (self);
}

EspJob *
esp_queue_add (EspQueue *self, EspDocument *document, EspNode *node, gboolean next)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), NULL);
  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  set_paused (self, FALSE);
  return enqueue (self, document, node, next);
}

typedef struct
{
  EspQueue *queue;
  EspNode *node;
} Requeue;

static void
on_queued_again (GObject *source, GAsyncResult *result, gpointer data)
{
  Requeue *requeue = data;
  g_autoptr (GError) error = NULL;

  if (esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error))
    esp_queue_add (requeue->queue, ESP_DOCUMENT (source), requeue->node, FALSE);
  else
    g_warning ("A turn could not be queued again: %s", error->message);

  g_object_unref (requeue->queue);
  g_object_unref (requeue->node);
  g_free (requeue);
}

void
esp_queue_retry (EspQueue *self, EspDocument *document, EspNode *node)
{
  Requeue *requeue;

  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (node));

  if (g_hash_table_contains (self->by_node, node))
    return;

  /* The disk that had no room for the picture may have none for this. */
  if (g_hash_table_contains (self->unsaved, node))
    {
      esp_queue_add (self, document, node, FALSE);
      return;
    }

  if (esp_node_get_state (node) == ESP_NODE_DONE)
    return;

  requeue = g_new0 (Requeue, 1);
  requeue->queue = g_object_ref (self);
  requeue->node = g_object_ref (node);
  esp_document_set_state_async (document, node, ESP_NODE_QUEUED, NULL,
                                esp_node_get_remote_job (node), NULL, on_queued_again, requeue);
}

static void
stop_running (EspJob *job, gboolean suspend)
{
  const EspNodeProgress *now = esp_node_get_progress (job->node);
  EspNodeProgress progress = { .fraction = 0, .seconds_left = -1 };

  job->is_suspended = suspend;
  if (job->state != ESP_JOB_STOPPING)
    {
      _esp_job_set_state (job, ESP_JOB_STOPPING, NULL);
      if (now != NULL)
        progress = *now;
      progress.stopping = TRUE;
      _esp_job_show_progress (job, &progress, NULL);
    }
  g_cancellable_cancel (job->cancellable);
}

void
esp_queue_stop (EspQueue *self, EspJob *job)
{
  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_JOB (job));

  if (g_hash_table_lookup (self->by_node, job->node) != job)
    return;

  if (job->is_running)
    stop_running (job, FALSE);
  else if (job->state == ESP_JOB_WAITING)
    end_waiting (self, job, NULL);
}

void
esp_queue_stop_after_running (EspQueue *self)
{
  g_return_if_fail (ESP_IS_QUEUE (self));

  set_paused (self, TRUE);
}

void
esp_queue_resume (EspQueue *self)
{
  g_return_if_fail (ESP_IS_QUEUE (self));

  set_paused (self, FALSE);
}

static void
stop_all (EspQueue *self, EspDocument *document, gboolean running)
{
  g_autoptr (GPtrArray) jobs = dup_jobs (self);

  /* From the end, so that nothing starts to move up. */
  for (guint i = jobs->len; i > 0; i--)
    {
      EspJob *job = g_ptr_array_index (jobs, i - 1);

      if ((document == NULL || job->document == document) && (running || !job->is_running))
        esp_queue_stop (self, job);
    }
}

void
esp_queue_clear (EspQueue *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_QUEUE (self));

  stop_all (self, document, FALSE);
}

void
esp_queue_stop_document (EspQueue *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));

  stop_all (self, document, TRUE);
}

void
esp_queue_suspend_document (EspQueue *self, EspDocument *document)
{
  g_autoptr (GPtrArray) jobs = NULL;

  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));

  jobs = dup_jobs (self);
  for (guint i = jobs->len; i > 0; i--)
    {
      EspJob *job = g_ptr_array_index (jobs, i - 1);

      if (job->document != document)
        continue;
      if (job->is_running && job->state != ESP_JOB_STOPPING)
        stop_running (job, TRUE);
      else if (job->state == ESP_JOB_WAITING)
        finish_job (self, job, ESP_JOB_WAITING, NULL);
    }
}

void
esp_queue_move (EspQueue *self, EspJob *job, guint position)
{
  guint from;

  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_JOB (job));

  if (g_hash_table_lookup (self->by_node, job->node) != job || job->is_running)
    return;

  from = find_position (self, job);
  self->n_next = 0;
  move_item (self, from, self->n_running + MIN (position, get_n_jobs (self) - self->n_running - 1));
  start_soon (self);
}

void
esp_queue_run_next (EspQueue *self, EspJob *job)
{
  esp_queue_move (self, job, 0);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_queue_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EspQueue *self = ESP_QUEUE (object);

  switch (id)
    {
    case PROP_PAUSED:
      g_value_set_boolean (value, self->paused);
      break;

    case PROP_SECONDS_LEFT:
      g_value_set_double (value, esp_queue_get_seconds_left (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_queue_dispose (GObject *object)
{
  EspQueue *self = ESP_QUEUE (object);

  /* A running job holds the queue: what is left here only waits. */
  clear_source (&self->starting);
  clear_source (&self->ticking);
  g_list_store_remove_all (self->jobs);
  g_hash_table_remove_all (self->by_node);
  g_hash_table_remove_all (self->documents);
  g_hash_table_remove_all (self->unsaved);
  g_clear_object (&self->registry);

  G_OBJECT_CLASS (esp_queue_parent_class)->dispose (object);
}

static void
esp_queue_finalize (GObject *object)
{
  EspQueue *self = ESP_QUEUE (object);

  g_object_unref (self->jobs);
  g_hash_table_unref (self->by_node);
  g_hash_table_unref (self->documents);
  g_hash_table_unref (self->unsaved);
  g_clear_pointer (&self->durations, _esp_durations_free);

  G_OBJECT_CLASS (esp_queue_parent_class)->finalize (object);
}

static void
esp_queue_class_init (EspQueueClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = esp_queue_get_property;
  object_class->dispose = esp_queue_dispose;
  object_class->finalize = esp_queue_finalize;

  props[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, flags);
  props[PROP_SECONDS_LEFT]
      = g_param_spec_double ("seconds-left", NULL, NULL, -1, G_MAXDOUBLE, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);

  signals[JOB_ADDED] = g_signal_new ("job-added", ESP_TYPE_QUEUE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                     NULL, G_TYPE_NONE, 1, ESP_TYPE_JOB);
  signals[JOB_FINISHED] = g_signal_new ("job-finished", ESP_TYPE_QUEUE, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, ESP_TYPE_JOB);
}

static void
esp_queue_init (EspQueue *self)
{
  self->jobs = g_list_store_new (ESP_TYPE_JOB);
  self->by_node = g_hash_table_new (NULL, NULL);
  self->documents = g_hash_table_new_full (NULL, NULL, NULL, watch_free);
  self->unsaved = g_hash_table_new_full (NULL, NULL, g_object_unref,
                                         (GDestroyNotify) esp_backend_result_free);
  self->durations = _esp_durations_new ();
}

EspQueue *
esp_queue_new (EspRegistry *registry)
{
  EspQueue *self;

  g_return_val_if_fail (ESP_IS_REGISTRY (registry), NULL);

  self = g_object_new (ESP_TYPE_QUEUE, NULL);
  self->registry = g_object_ref (registry);
  return self;
}
