/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-job-run.h"

#include <glib/gi18n-lib.h>

#include "esp-rescue.h"

/* People see no more than ten changes a second, and each costs the window a frame. */
#define SHOW_MIN_USEC (G_USEC_PER_SEC / 10)

/* The data of the run's task; its source object is the job. */
typedef struct
{
  EspBackend *backend;
  EspTurnGroup *group; /* until it has come to it or left it; or NULL */
  GPtrArray *sources;  /* of EspNode: the parent, then the references */
  GPtrArray *images;   /* of GBytes, of the same */
  EspBackendResult *made;
  char *remote_job; /* the turn's own id with a remote backend, or NULL */
  gboolean resume;  /* it was begun under it before */
  gboolean unsaved;
  gboolean is_over; /* no more news */

  EspNodeProgress progress;
  char *phase;         /* progress.phase */
  EspPicture *preview; /* not shown yet, or NULL */
  gint64 shown;        /* monotonic time of the last that was shown */
  GSource *showing;    /* will show the rest */

  EspJobState outcome;
  EspNodeState state;  /* of the node then, if it is not done */
  const char *message; /* the error's, if that is to be told with the state */
  GError *error;
} Run;

static void
clear_showing (Run *run)
{
  if (run->showing != NULL)
    g_source_destroy (run->showing);
  g_clear_pointer (&run->showing, g_source_unref);
}

/* The others need not wait for it. */
static void
leave_group (Run *run)
{
  g_autoptr (EspTurnGroup) group = g_steal_pointer (&run->group);

  if (group != NULL)
    esp_turn_group_leave (group);
}

static void
run_free (gpointer data)
{
  Run *run = data;

  clear_showing (run);
  leave_group (run);
  g_clear_object (&run->backend);
  g_clear_pointer (&run->sources, g_ptr_array_unref);
  g_clear_pointer (&run->images, g_ptr_array_unref);
  g_clear_pointer (&run->made, esp_backend_result_free);
  g_clear_pointer (&run->preview, esp_picture_unref);
  g_clear_error (&run->error);
  g_free (run->remote_job);
  g_clear_pointer (&run->phase, g_free);
  g_free (run);
}

static void
end (GTask *task, EspJobState outcome)
{
  Run *run = g_task_get_task_data (task);

  run->outcome = outcome;
  run->is_over = TRUE;
  clear_showing (run);
  g_task_return_boolean (task, TRUE);
}

/* --- What is shown ---------------------------------------------------------------------------- */

static void
show (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autoptr (EspPicture) preview = g_steal_pointer (&run->preview);

  clear_showing (run);
  run->shown = g_get_monotonic_time ();
  run->progress.stopping = job->state == ESP_JOB_STOPPING;
  _esp_job_show_progress (job, &run->progress, preview);
}

static gboolean
on_show (gpointer data)
{
  show (data);
  return G_SOURCE_REMOVE;
}

static void
on_news (EspBackend *backend, const EspBackendNews *news, gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);
  gint64 wait;

  if (run->is_over)
    return;

  run->progress.fraction = MAX (0, news->fraction);
  run->progress.step = news->step;
  run->progress.steps = news->steps;
  run->progress.seconds_left = news->seconds_left;
  run->progress.stage = news->stage;
  if (g_strcmp0 (run->phase, news->phase) != 0)
    {
      g_free (run->phase);
      run->phase = g_strdup (news->phase);
    }
  run->progress.phase = run->phase;
  if (news->preview != NULL)
    {
      g_clear_pointer (&run->preview, esp_picture_unref);
      run->preview = esp_picture_ref (news->preview);
    }

  wait = run->shown + SHOW_MIN_USEC - g_get_monotonic_time ();
  if (wait <= 0)
    show (task);
  else if (run->showing == NULL)
    {
      run->showing = g_timeout_source_new ((guint) (wait / 1000) + 1);
      g_source_set_callback (run->showing, on_show, task, NULL);
      g_source_attach (run->showing, g_main_context_get_thread_default ());
    }
}

/* --- The end ---------------------------------------------------------------------------------- */

static void
on_failure_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;

  /* The person learns why the turn failed all the same, and at the next start it is offered again.
   */
  if (!esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error))
    {
      g_debug ("The end of a turn could not be stored: %s", error->message);
      if (run->outcome != ESP_JOB_WAITING)
        esp_node_show_end (job->node, run->state, run->message);
    }

  end (task, run->outcome);
}

/* Takes `error` over. */
static void
fail (GTask *task, GError *error)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  const char *remote_job = NULL;

  run->is_over = TRUE;
  leave_group (run);
  run->state = ESP_NODE_FAILED;
  run->error = error;
  if (esp_backend_has_kept (run->backend, run->remote_job))
    remote_job = run->remote_job;
  run->outcome = ESP_JOB_FAILED;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      run->outcome = job->is_suspended ? ESP_JOB_WAITING : ESP_JOB_CANCELLED;
      run->state = job->is_suspended ? ESP_NODE_QUEUED : ESP_NODE_CANCELLED;
    }
  else if (g_error_matches (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_BLOCKED))
    run->state = ESP_NODE_BLOCKED;

  if (run->outcome == ESP_JOB_FAILED)
    esp_node_set_error (job->node, error);

  /* Of one that was cancelled it is only of interest what the provider still has. */
  if (run->outcome == ESP_JOB_FAILED || (run->outcome == ESP_JOB_CANCELLED && remote_job != NULL))
    run->message = error->message;

  esp_document_set_state_async (job->document, job->node, run->state, run->message, remote_job,
                                NULL, on_failure_stored, g_object_ref (task));
}

static void
on_rescued (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  g_autoptr (GError) reason = g_steal_pointer (&run->error);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = _esp_rescue_finish (result, &error);

  if (path != NULL)
    fail (task, g_error_new (ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                             _ ("The picture could not be stored in the document (%s). It is safe "
                                "in “%s”; try again when there is space."),
                             reason->message, path));
  else
    fail (task, g_error_new (ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                             _ ("The picture could not be stored in the document (%s) nor anywhere "
                                "else (%s). It is kept until the program ends: make space, then "
                                "try again."),
                             reason->message, error->message));
}

/* The document could not take it (run->error). */
static void
rescue (GTask *task, GBytes *image)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autofree char *title = g_strdup_printf (
      "%s %" G_GINT64_FORMAT, esp_document_get_title (job->document), esp_node_get_id (job->node));

  run->unsaved = TRUE;
  _esp_rescue_async (image, title, on_rescued, g_object_ref (task));
}

static void
on_settled (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  end (task, ESP_JOB_DONE);
}

static void
on_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);

  if (esp_document_finish_turn_finish (ESP_DOCUMENT (source), result, &run->error))
    {
      if (run->remote_job != NULL)
        esp_backend_settle_async (run->backend, run->remote_job, run->made,
                                  esp_document_get_title (job->document), on_settled,
                                  g_object_ref (task));
      else
        end (task, ESP_JOB_DONE);
      return;
    }

  rescue (task, run->made->image);
}

/* Under which a record that was not removed any more is found to belong to a picture that is stored
 * (esp_backend_tidy ()). */
static char *
dup_job (const Run *run)
{
  if (run->made->provider_job != NULL || run->remote_job == NULL)
    return g_strdup (run->made->provider_job);
  return g_strconcat (ESP_BACKEND_OWN_JOB, run->remote_job, NULL);
}

static void store (GTask *task);

static void
on_more_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  GPtrArray *more = run->made->more;

  if (esp_document_add_made_finish (ESP_DOCUMENT (source), result, &run->error) != NULL)
    {
      g_ptr_array_remove_index (more, more->len - 1);
      store (task);
      return;
    }
  rescue (task, g_ptr_array_index (more, more->len - 1));
}

/* Further images that the turn made come first: should it all break off here, the turn is gone on
 * with, and there is one more of them rather than one less. */
static void
store_more (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autofree char *remote_job = dup_job (run);
  EspTurnOutcome outcome = { .image = g_ptr_array_index (run->made->more, run->made->more->len - 1),
                             .seconds = -1,
                             .cost = -1,
                             .parameters = run->made->parameters,
                             .model_hash = run->made->model_hash,
                             .model_name = run->made->model_name,
                             .remote_job = remote_job };

  esp_document_add_made_async (job->document, job->node, &outcome, NULL, on_more_stored,
                               g_object_ref (task));
}

static void
store (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autofree char *remote_job = dup_job (run);
  EspTurnOutcome outcome = { .image = run->made->image,
                             .has_seed = run->made->has_seed,
                             .seed = run->made->seed,
                             .seconds = run->made->seconds,
                             .cost = run->made->cost,
                             .currency = run->made->currency,
                             .timings = run->made->timings,
                             .parameters = run->made->parameters,
                             .model_hash = run->made->model_hash,
                             .model_name = run->made->model_name,
                             .remote_job = remote_job };

  run->is_over = TRUE;
  clear_showing (run);
  if (run->made->more != NULL && run->made->more->len > 0)
    {
      store_more (task);
      return;
    }
  esp_document_finish_turn_async (job->document, job->node, &outcome, NULL, on_stored,
                                  g_object_ref (task));
}

/* --- The way there ---------------------------------------------------------------------------- */

static void
on_made (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;

  run->made = esp_backend_run_finish (ESP_BACKEND (source), result, &error);
  run->is_over = TRUE;
  if (run->made != NULL)
    store (task);
  else
    fail (task, error);
}

static JsonObject *
dup_parameters (EspNode *node)
{
  JsonObject *parameters = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_set_string_member (parameters, "prompt", esp_node_get_instruction (node));
  if (esp_node_get_negative_prompt (node) != NULL)
    json_object_set_string_member (parameters, "negative_prompt",
                                   esp_node_get_negative_prompt (node));

  /* JSON numbers of this library are signed. */
  if (esp_node_has_seed (node) && esp_node_get_seed (node) <= G_MAXINT64)
    json_object_set_int_member (parameters, "seed", (gint64) esp_node_get_seed (node));
  else if (esp_node_has_seed (node))
    {
      g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, esp_node_get_seed (node));

      json_object_set_string_member (parameters, "seed", text);
    }

  json_object_iter_init_ordered (&iter, esp_node_get_parameters (node));
  while (json_object_iter_next_ordered (&iter, &name, &value))
    json_object_set_member (parameters, name, json_node_copy (value));

  return parameters;
}

static void
ask_backend (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autoptr (JsonObject) parameters = dup_parameters (job->node);
  g_autoptr (GPtrArray) images = g_steal_pointer (&run->images);
  g_autoptr (EspTurnGroup) group = g_steal_pointer (&run->group);
  EspBackendRequest request
      = { .model = esp_node_get_model (job->node),
          .images = images,
          .parameters = parameters,
          .previews = job->previews,
          .remote_job = run->remote_job,
          .document = g_file_peek_path (esp_document_get_file (job->document)),
          .resume = run->resume,
          .group = group };

  esp_backend_run_async (run->backend, &request, job->cancellable, on_news, task, on_made,
                         g_object_ref (task));
}

static void load_next (GTask *task);

static void
on_image (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  GBytes *bytes = esp_document_load_image_finish (ESP_DOCUMENT (source), result, &error);

  if (bytes == NULL)
    {
      fail (task, error);
      return;
    }

  g_ptr_array_add (run->images, bytes);
  load_next (task);
}

static void
load_next (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (job->cancellable, &error))
    fail (task, error);
  else if (run->images->len < run->sources->len)
    esp_document_load_image_async (job->document,
                                   g_ptr_array_index (run->sources, run->images->len),
                                   job->cancellable, on_image, g_object_ref (task));
  else
    ask_backend (task);
}

static void
on_begun (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error))
    load_next (task);
  else
    fail (task, error);
}

void
_esp_job_run_async (EspJob *job, EspBackend *backend, EspTurnGroup *group, EspBackendResult *made,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (job, NULL, callback, user_data);
  Run *run = g_new0 (Run, 1);
  GPtrArray *references = esp_node_get_references (job->node);

  run->backend = g_object_ref (backend);
  run->group = group != NULL ? esp_turn_group_ref (group) : NULL;
  run->sources = g_ptr_array_new_with_free_func (g_object_unref);
  run->images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  run->made = made;
  run->progress.seconds_left = -1;
  if (esp_backend_is_remote (backend))
    {
      run->remote_job = g_strdup (esp_node_get_remote_job (job->node));
      run->resume = run->remote_job != NULL;
      if (!run->resume)
        run->remote_job = g_uuid_string_random ();
    }
  esp_node_set_error (job->node, NULL);
  g_task_set_source_tag (task, _esp_job_run_async);
  g_task_set_task_data (task, run, run_free);

  show (task);
  if (made != NULL)
    {
      store (task);
      return;
    }

  if (esp_node_get_parent (job->node) != NULL)
    g_ptr_array_add (run->sources, g_object_ref (esp_node_get_parent (job->node)));
  for (guint i = 0; i < references->len; i++)
    g_ptr_array_add (run->sources, g_object_ref (g_ptr_array_index (references, i)));

  /* In one write with the state, before the backend hears of it: whatever happens from here on, the
   * document knows under which id the turn was begun. */
  esp_document_set_state_async (job->document, job->node, ESP_NODE_RUNNING, NULL, run->remote_job,
                                NULL, on_begun, g_object_ref (task));
}

EspJobState
_esp_job_run_finish (EspJob *job, GAsyncResult *result, EspBackendResult **unsaved, GError **error)
{
  Run *run = g_task_get_task_data (G_TASK (result));

  g_return_val_if_fail (g_task_is_valid (result, job), ESP_JOB_FAILED);

  *unsaved = run->unsaved ? g_steal_pointer (&run->made) : NULL;
  if (run->outcome == ESP_JOB_FAILED && error != NULL)
    *error = g_steal_pointer (&run->error);

  return run->outcome;
}
