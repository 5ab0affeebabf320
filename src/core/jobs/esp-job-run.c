/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-job-run-private.h"

/* People see no more than ten changes a second, and each costs the window a frame. */
#define SHOW_MIN_USEC (G_USEC_PER_SEC / 10)

void
_esp_job_run_clear_showing (Run *run)
{
  if (run->showing != NULL)
    g_source_destroy (run->showing);
  g_clear_pointer (&run->showing, g_source_unref);
}

void
_esp_job_run_leave_group (Run *run)
{
  g_autoptr (EspTurnGroup) group = g_steal_pointer (&run->group);

  if (group != NULL)
    esp_turn_group_leave (group);
}

static void
run_free (gpointer data)
{
  Run *run = data;

  g_clear_pointer (&run->asked, esp_composition_free);
  g_clear_pointer (&run->carry, _esp_carry_free);
  g_clear_pointer (&run->composed, _esp_composed_free);

  _esp_job_run_clear_showing (run);
  _esp_job_run_leave_group (run);
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

void
_esp_job_run_end (GTask *task, EspJobState outcome)
{
  Run *run = g_task_get_task_data (task);

  run->outcome = outcome;
  _esp_job_run_clear_showing (run);
  g_task_return_boolean (task, TRUE);
}

/* --- What is shown ---------------------------------------------------------------------------- */

void
_esp_job_run_show (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  g_autoptr (EspPicture) preview = g_steal_pointer (&run->preview);

  _esp_job_run_clear_showing (run);
  run->shown = g_get_monotonic_time ();
  run->progress.stopping = job->state == ESP_JOB_STOPPING;
  _esp_job_show_progress (job, &run->progress, preview);
}

static gboolean
on_show (gpointer data)
{
  _esp_job_run_show (data);
  return G_SOURCE_REMOVE;
}

static void
on_news (EspBackend *backend, const EspBackendNews *news, gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);
  gint64 wait;

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
    _esp_job_run_show (task);
  else if (run->showing == NULL)
    {
      run->showing = g_timeout_source_new ((guint) (wait / 1000) + 1);
      g_source_set_callback (run->showing, on_show, task, NULL);
      g_source_attach (run->showing, g_main_context_get_thread_default ());
    }
}

/* --- The way there ---------------------------------------------------------------------------- */

static void
on_made (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;

  run->made = esp_backend_run_finish (ESP_BACKEND (source), result, &error);
  if (run->made == NULL)
    _esp_job_run_fail (task, error);
  else if (run->asked != NULL && run->remote_job == NULL)
    _esp_job_run_keep (task);
  else
    _esp_job_run_store (task);
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
          .group = group,
          .latents = run->carry != NULL ? run->carry->latents : NULL,
          .latent_tokens = run->carry != NULL ? run->carry->tokens : NULL };

  esp_backend_run_async (run->backend, &request, job->cancellable, on_news, task, on_made,
                         g_object_ref (task));
}

static void
on_carry (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);

  run->carry = _esp_carry_load_finish (result);
  ask_backend (task);
}

static void
on_cut (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  GBytes *bytes = _esp_cut_finish (result, &error);

  if (bytes == NULL)
    {
      _esp_job_run_fail (task, error);
      return;
    }
  g_bytes_unref (g_ptr_array_index (run->images, 0));
  g_ptr_array_index (run->images, 0) = bytes;
  ask_backend (task);
}

/* Does its parent show what the turn is made from? */
static gboolean
is_parents (EspNode *node)
{
  return g_strcmp0 (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_SOURCE),
                    esp_node_get_sha256 (esp_node_get_parent (node)))
         == 0;
}

/* All pictures are there. */
static void
prepare (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  EspNode *parent = esp_node_get_parent (job->node);

  if (run->asked != NULL && run->asked->region != NULL && parent != NULL)
    _esp_cut_async (g_ptr_array_index (run->images, 0), run->asked, job->cancellable, on_cut,
                    g_object_ref (task));
  else if (run->remote_job == NULL && parent != NULL && esp_node_has_latents (parent)
           && is_parents (job->node))
    _esp_carry_load_async (job->document, parent, job->cancellable, on_carry, g_object_ref (task));
  else
    ask_backend (task);
}

static void load_next (GTask *task);

static void
on_image (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  GBytes *bytes = esp_document_load_node_bytes_finish (ESP_DOCUMENT (source), result, &error);

  if (bytes == NULL)
    {
      _esp_job_run_fail (task, error);
      return;
    }

  g_ptr_array_add (run->images, bytes);
  load_next (task);
}

/* Of the parent, what it showed when the turn began. */
static void
load_next (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  GError *error = NULL;
  EspNode *source;
  EspNodePicture which = ESP_NODE_PICTURE_SHOWN;

  if (g_cancellable_set_error_if_cancelled (job->cancellable, &error))
    {
      _esp_job_run_fail (task, error);
      return;
    }
  if (run->images->len == run->sources->len)
    {
      prepare (task);
      return;
    }
  source = g_ptr_array_index (run->sources, run->images->len);
  if (run->images->len == 0 && source == esp_node_get_parent (job->node)
      && esp_node_has_picture (job->node, ESP_NODE_PICTURE_SOURCE))
    {
      source = job->node;
      which = ESP_NODE_PICTURE_SOURCE;
    }
  esp_document_load_node_bytes_async (job->document, source, which, job->cancellable, on_image,
                                      g_object_ref (task));
}

/* What the node knows of a result that was kept (_esp_job_run_keep ()) before the program ended.
 * Takes `image`.
 */
static EspBackendResult *
new_kept_result (EspNode *node, GBytes *image)
{
  EspBackendResult *made = esp_backend_result_new (image);
  JsonObject *timings = esp_node_get_timings (node);

  g_bytes_unref (image);
  made->seconds = esp_node_get_seconds (node);
  made->cost = esp_node_get_cost (node);
  made->currency = g_strdup (esp_node_get_currency (node));
  made->timings = timings != NULL ? json_object_ref (timings) : NULL;
  return made;
}

static void
on_kept_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  EspJob *job = g_task_get_source_object (task);
  GError *error = NULL;
  GBytes *bytes = esp_document_load_node_bytes_finish (ESP_DOCUMENT (source), result, &error);

  /* What cannot be read any more is made again. */
  if (bytes == NULL)
    {
      g_debug ("The result that was kept: %s", error->message);
      g_error_free (error);
      run->is_kept = FALSE;
      load_next (task);
      return;
    }
  _esp_job_run_leave_group (run);
  run->made = new_kept_result (job->node, bytes);
  run->is_kept = TRUE;
  _esp_job_run_store (task);
}

static gboolean
has_kept_result (EspNode *node)
{
  return esp_node_get_composition (node) != NULL && esp_node_get_parent (node) != NULL
         && !esp_node_has_image (node) && esp_node_has_picture (node, ESP_NODE_PICTURE_RAW);
}

static void
on_begun (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspJob *job = g_task_get_source_object (task);
  GError *error = NULL;

  if (!esp_document_set_state_finish (ESP_DOCUMENT (source), result, &error))
    _esp_job_run_fail (task, error);
  else if (has_kept_result (job->node))
    esp_document_load_node_bytes_async (job->document, job->node, ESP_NODE_PICTURE_RAW,
                                        job->cancellable, on_kept_loaded, g_object_ref (task));
  else
    load_next (task);
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
  /* What starts from references alone has nothing that could stay untouched. */
  if (esp_node_get_parent (job->node) != NULL)
    run->asked = esp_composition_copy (esp_node_get_composition (job->node));
  run->is_kept = has_kept_result (job->node);
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

  _esp_job_run_show (task);
  if (made != NULL)
    {
      _esp_job_run_store (task);
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
