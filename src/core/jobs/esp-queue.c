/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-queue.h"

#include "esp-job-private.h"
#include "esp-queue-private.h"

G_DEFINE_FINAL_TYPE (EspQueue, esp_queue, G_TYPE_OBJECT)

enum
{
  PROP_PAUSED = 1,
  PROP_SECONDS_LEFT,
  PROP_PREVIEWS,
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

/* --- The list --------------------------------------------------------------------------------- */

guint
_esp_queue_get_n_jobs (EspQueue *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self->jobs));
}

/* Borrowed. */
EspJob *
_esp_queue_get_job (EspQueue *self, guint position)
{
  g_autoptr (EspJob) job = g_list_model_get_item (G_LIST_MODEL (self->jobs), position);

  return job;
}

guint
_esp_queue_find_position (EspQueue *self, EspJob *job)
{
  guint position = G_MAXUINT;

  g_list_store_find (self->jobs, job, &position);
  return position;
}

/* The list's jobs as they are now: it may change while the caller goes through them. */
GPtrArray *
_esp_queue_dup_jobs (EspQueue *self)
{
  GPtrArray *jobs = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < _esp_queue_get_n_jobs (self); i++)
    g_ptr_array_add (jobs, g_list_model_get_item (G_LIST_MODEL (self->jobs), i));
  return jobs;
}

/* Moves one item in one step, so that a view sees no job leave. */
void
_esp_queue_move_item (EspQueue *self, guint from, guint to)
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

void
_esp_queue_update_seconds_left (EspQueue *self)
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
  _esp_queue_update_seconds_left (data);
  return G_SOURCE_CONTINUE;
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
_esp_queue_update_ticking (EspQueue *self)
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
  for (guint i = self->n_running; i < _esp_queue_get_n_jobs (self); i++)
    {
      EspJob *job = _esp_queue_get_job (self, i);

      job->expected = _esp_queue_estimate_node (self, job->node);
    }
}

/* --- In and out ------------------------------------------------------------------------------- */

static void
on_node_removed (EspDocument *document, EspNode *node, gpointer data)
{
  EspQueue *self = data;
  EspJob *job = esp_queue_find (self, node);

  /* With a node goes all that is below it, and each is told. */
  if (job != NULL && job->document == document)
    esp_queue_stop (self, job);
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
  _esp_durations_learn_document (self->durations, document, esp_node_get_backend (node),
                                 esp_node_get_model (node));
  job->expected = _esp_queue_estimate_node (self, node);
  watch_document (self, document);
  g_hash_table_insert (self->by_node, node, job);
  g_list_store_insert (self->jobs,
                       next ? self->n_running + self->n_next++ : _esp_queue_get_n_jobs (self), job);
  _esp_job_show_progress (job, &progress, NULL);

  g_signal_emit (self, signals[JOB_ADDED], 0, job);
  _esp_queue_start_soon (self);
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
  _esp_queue_update_ticking (self);
  _esp_queue_start_soon (self);
}

void
_esp_queue_finish_job (EspQueue *self, EspJob *job, EspJobState state, const GError *error)
{
  g_autoptr (EspQueue) guard = g_object_ref (self);
  g_autoptr (EspJob) kept = g_object_ref (job);

  job->state = state;
  remove_job (self, job);
  _esp_job_set_state (job, state, error);

  if (state == ESP_JOB_DONE)
    {
      _esp_durations_learn (self->durations, job->node);
      estimate_waiting (self);
    }
  unwatch_document (self, job->document);
  if (state != ESP_JOB_WAITING)
    g_signal_emit (self, signals[JOB_FINISHED], 0, job);
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

  return _esp_queue_get_n_jobs (self) - self->n_running;
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
_esp_queue_expects (EspQueue *self, EspNode *node)
{
  return g_hash_table_contains (self->by_node, node) || g_hash_table_contains (self->retried, node);
}

gboolean
esp_queue_is_busy (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), FALSE);

  return _esp_queue_get_n_jobs (self) > 0 || g_hash_table_size (self->retried) > 0;
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

void
esp_queue_set_limit (EspQueue *self, guint limit)
{
  g_return_if_fail (ESP_IS_QUEUE (self));

  self->limit = limit;
  _esp_queue_start_soon (self);
}

guint
esp_queue_get_limit (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), 0);

  return self->limit;
}

gboolean
esp_queue_get_previews (EspQueue *self)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), FALSE);

  return self->previews;
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
    _esp_queue_start_soon (self);
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
  EspNode *node; /* owned by the queue's set */
} Requeue;

static void
on_queued_again (GObject *source, GAsyncResult *result, gpointer data)
{
  Requeue *requeue = data;
  g_autoptr (GError) error = NULL;

  if (esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error))
    esp_queue_add (requeue->queue, ESP_DOCUMENT (source), requeue->node, FALSE);
  else
    esp_node_show_end (requeue->node, ESP_NODE_FAILED, error->message);

  g_hash_table_remove (requeue->queue->retried, requeue->node);
  _esp_queue_start_soon (requeue->queue);
  g_object_unref (requeue->queue);
  g_free (requeue);
}

void
esp_queue_retry (EspQueue *self, EspDocument *document, EspNode *node)
{
  Requeue *requeue;

  g_return_if_fail (ESP_IS_QUEUE (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (node));

  if (_esp_queue_expects (self, node))
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
  requeue->node = node;
  g_hash_table_add (self->retried, g_object_ref (node));
  esp_document_set_state_async (document, node, ESP_NODE_QUEUED, NULL,
                                esp_node_get_remote_job (node), NULL, on_queued_again, requeue);
}

static void
stop_running (EspQueue *self, EspJob *job, gboolean suspend)
{
  EspBackend *backend
      = esp_registry_find_backend (self->registry, esp_node_get_backend (job->node));
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
  if (suspend && backend != NULL)
    esp_backend_let_go (backend, job->cancellable);
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
    stop_running (self, job, FALSE);
  else if (job->state == ESP_JOB_WAITING)
    _esp_queue_end_waiting (self, job, NULL);
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
  g_autoptr (GPtrArray) jobs = _esp_queue_dup_jobs (self);

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

  jobs = _esp_queue_dup_jobs (self);
  for (guint i = jobs->len; i > 0; i--)
    {
      EspJob *job = g_ptr_array_index (jobs, i - 1);

      if (job->document != document)
        continue;
      if (job->is_running && job->state != ESP_JOB_STOPPING)
        stop_running (self, job, TRUE);
      else if (job->state == ESP_JOB_WAITING)
        _esp_queue_finish_job (self, job, ESP_JOB_WAITING, NULL);
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

  from = _esp_queue_find_position (self, job);
  self->n_next = 0;
  _esp_queue_move_item (self, from,
                        self->n_running
                            + MIN (position, _esp_queue_get_n_jobs (self) - self->n_running - 1));
  _esp_queue_start_soon (self);
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

    case PROP_PREVIEWS:
      g_value_set_boolean (value, self->previews);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_queue_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EspQueue *self = ESP_QUEUE (object);

  switch (id)
    {
    case PROP_PREVIEWS:
      if (self->previews != g_value_get_boolean (value))
        {
          self->previews = g_value_get_boolean (value);
          g_object_notify_by_pspec (object, pspec);
        }
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
  g_hash_table_remove_all (self->retried);
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
  g_hash_table_unref (self->retried);
  g_clear_pointer (&self->durations, _esp_durations_free);

  G_OBJECT_CLASS (esp_queue_parent_class)->finalize (object);
}

static void
esp_queue_class_init (EspQueueClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = esp_queue_get_property;
  object_class->set_property = esp_queue_set_property;
  object_class->dispose = esp_queue_dispose;
  object_class->finalize = esp_queue_finalize;

  props[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, flags);
  props[PROP_SECONDS_LEFT]
      = g_param_spec_double ("seconds-left", NULL, NULL, -1, G_MAXDOUBLE, 0, flags);
  props[PROP_PREVIEWS] = g_param_spec_boolean (
      "previews", NULL, NULL, TRUE,
      G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
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
  self->retried = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
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
