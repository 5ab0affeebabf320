/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-result.c: what becomes of a running job: its failure, or its pictures, put together and
 * stored. */
#define G_LOG_DOMAIN "espalier-jobs"

#include <glib/gi18n-lib.h>

#include "esp-job-run-private.h"
#include "esp-rescue.h"

/* --- A failure ----------------------------------------------------------------------------------
 */

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

  _esp_job_run_end (task, run->outcome);
}

/* Takes `error` over. */
void
_esp_job_run_fail (GTask *task, GError *error)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  const char *remote_job = NULL;

  _esp_job_run_leave_group (run);
  run->state = ESP_NODE_FAILED;
  run->error = error;
  if (esp_backend_has_kept (run->backend, run->remote_job))
    remote_job = run->remote_job;
  if (job->is_suspended)
    esp_backend_release (run->backend, run->remote_job);
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
    _esp_job_run_fail (
        task, g_error_new (ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                           _ ("The picture could not be stored in the document (%s). It is safe "
                              "in “%s”; when that is put right, try again."),
                           reason->message, path));
  else
    _esp_job_run_fail (
        task, g_error_new (ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                           _ ("The picture could not be stored in the document (%s) nor anywhere "
                              "else (%s). It is kept until the program ends: put that right, "
                              "then try again."),
                           reason->message, error->message));
}

/* Further images that the turn made come first: should it all break off here, the turn is gone on
 * with, and there is one more of them rather than one less. */
static GBytes *
get_next_image (const Run *run)
{
  GPtrArray *more = run->made->more;

  return more != NULL && more->len > 0 ? g_ptr_array_index (more, more->len - 1) : run->made->image;
}

static char *
dup_rescue_title (EspJob *job)
{
  return g_strdup_printf ("%s %" G_GINT64_FORMAT, esp_document_get_title (job->document),
                          esp_node_get_id (job->node));
}

static void
on_raw_rescued (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  g_autofree char *title = dup_rescue_title (g_task_get_source_object (task));
  g_autofree char *path = _esp_rescue_finish (result, NULL);

  _esp_rescue_async (run->composed->image, title, on_rescued, g_object_ref (task));
}

/* It was let go of, its document may be closed, and the next start goes on with what is kept. */
static gboolean
is_left_over (GTask *task)
{
  const Run *run = g_task_get_task_data (task);
  const EspJob *job = g_task_get_source_object (task);

  return job->is_suspended
         && (run->is_kept || esp_backend_has_kept (run->backend, run->remote_job));
}

/* The document could not take it (run->error). Of a picture that was put together, what was made
 * is saved, too, and first. */
static void
rescue (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  const gboolean is_composed = run->composed != NULL && run->composed->image != NULL;
  g_autofree char *title = dup_rescue_title (g_task_get_source_object (task));
  g_autofree char *raw_title = g_strconcat (title, " raw", NULL);

  if (is_left_over (task))
    {
      g_clear_error (&run->error);
      _esp_job_run_fail (task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "closed"));
      return;
    }
  run->unsaved = TRUE;
  _esp_rescue_async (get_next_image (run), is_composed ? raw_title : title,
                     is_composed ? on_raw_rescued : on_rescued, g_object_ref (task));
}

static void
on_settled (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  _esp_job_run_end (task, ESP_JOB_DONE);
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
        _esp_job_run_end (task, ESP_JOB_DONE);
      return;
    }

  rescue (task);
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

/* It is too late to stop it. */
static void
forget_stop (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);

  if (run->on_stop != 0)
    g_cancellable_disconnect (job->cancellable, run->on_stop);
  run->on_stop = 0;
  g_clear_object (&run->composing);
}

/* --- Putting it together ---------------------------------------------------------------------- */

static void
on_composed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);

  run->composed = _esp_compose_finish (result);
  forget_stop (task);
  _esp_job_run_store (task);
}

/* One that is only let go of until the next start is put together before: that takes a moment. */
static void
on_stop (GCancellable *cancellable, gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);

  if (!job->is_suspended)
    g_cancellable_cancel (run->composing);
}

static void
on_source (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autoptr (GBytes) bytes
      = esp_document_load_node_bytes_finish (ESP_DOCUMENT (source), result, NULL);

  run->composing = g_cancellable_new ();
  _esp_compose_async (bytes, get_next_image (run), run->asked, run->composing, on_composed,
                      g_object_ref (task));
  run->on_stop = g_cancellable_connect (job->cancellable, G_CALLBACK (on_stop), task, NULL);
}

static void
compose (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);

  g_free (run->phase);
  run->phase = g_strdup (_ ("Keeping untouched pixels"));
  run->progress = (EspNodeProgress){
    .fraction = 1, .seconds_left = -1, .stage = "composing", .phase = run->phase
  };
  _esp_job_run_show (task);
  esp_document_load_node_bytes_async (job->document, job->node, ESP_NODE_PICTURE_SOURCE, NULL,
                                      on_source, g_object_ref (task));
}

/* `image`: what was made, or NULL; the rest is the caller's. */
static void
set_pictures (const Run *run, GBytes *image, EspTurnOutcome *outcome)
{
  outcome->image = image;
  if (run->composed == NULL)
    return;
  if (run->composed->image != NULL)
    {
      outcome->image = run->composed->image;
      outcome->raw = image;
    }
  outcome->mask = run->composed->mask;
  outcome->composition = run->composed->composition;
}

/* --- Storing it ------------------------------------------------------------------------------- */

static void
on_more_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  GPtrArray *more = run->made->more;

  if (esp_document_add_made_finish (ESP_DOCUMENT (source), result, &run->error) != NULL)
    {
      g_ptr_array_remove_index (more, more->len - 1);
      g_clear_pointer (&run->composed, _esp_composed_free);
      _esp_job_run_store (task);
      return;
    }
  rescue (task);
}

static void
store_more (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autofree char *remote_job = dup_job (run);
  EspTurnOutcome outcome = { .seconds = -1,
                             .cost = -1,
                             .parameters = run->made->parameters,
                             .model_hash = run->made->model_hash,
                             .model_name = run->made->model_name,
                             .remote_job = remote_job };

  set_pictures (run, get_next_image (run), &outcome);
  esp_document_add_made_async (job->document, job->node, &outcome, NULL, on_more_stored,
                               g_object_ref (task));
}

/* All but the pictures and the job's id. What was made of a region is a picture of its own, of
 * which no turn is made. */
static EspTurnOutcome
get_outcome (const Run *run)
{
  const EspTurnOutcome outcome
      = { .has_seed = run->made->has_seed,
          .seed = run->made->seed,
          .seconds = run->made->seconds,
          .cost = run->made->cost,
          .currency = run->made->currency,
          .timings = run->made->timings,
          .parameters = run->made->parameters,
          .model_hash = run->made->model_hash,
          .model_name = run->made->model_name,
          .latents = run->asked == NULL || run->asked->region == NULL ? run->made->latents : NULL };

  return outcome;
}

void
_esp_job_run_store (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autofree char *remote_job = dup_job (run);
  EspTurnOutcome outcome = get_outcome (run);

  _esp_job_run_clear_showing (run);
  if (run->asked != NULL && run->composed == NULL)
    {
      compose (task);
      return;
    }
  if (run->made->more != NULL && run->made->more->len > 0)
    {
      store_more (task);
      return;
    }
  set_pictures (run, run->made->image, &outcome);
  outcome.remote_job = remote_job;
  if (run->is_kept)
    outcome.latents = NULL;
  esp_document_finish_turn_async (job->document, job->node, &outcome, NULL, on_stored,
                                  g_object_ref (task));
}

static void
on_kept (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  run->is_kept = esp_document_finish_turn_finish (ESP_DOCUMENT (source), result, &error);
  if (!run->is_kept)
    g_debug ("The result is not kept beforehand: %s", error->message);
  _esp_job_run_store (task);
}

/* What took this computer an hour is not to be lost in the moment that it takes to put it together.
 * (Of a provider's, the provider is asked again.) */
void
_esp_job_run_keep (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  EspTurnOutcome outcome = get_outcome (run);

  outcome.image = run->made->image;
  esp_document_keep_result_async (job->document, job->node, &outcome, NULL, on_kept,
                                  g_object_ref (task));
}
