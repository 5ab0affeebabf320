/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Committing an addition: staged in a thread, opened by the engine, then the library's. */
#define G_LOG_DOMAIN "espalier-models"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-model-addition-private.h"

/* A folder's name made of the model's: no separators, not hidden, and not one that is taken. */
static char *
dup_id (EspModelAddition *self)
{
  g_autoptr (GString) id = g_string_new (NULL);
  g_autofree char *models = esp_installation_get_user_models ();

  for (const char *c = self->name != NULL ? self->name : ""; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar letter = g_utf8_get_char (c);

      if (g_unichar_isalnum (letter) || strchr ("-_.[]()+", (int) MIN (letter, 127)) != NULL)
        g_string_append_unichar (id, letter);
      else if (id->len > 0 && id->str[id->len - 1] != '-')
        g_string_append_c (id, '-');
    }
  while (id->len > 0 && strchr (".-", id->str[0]) != NULL)
    g_string_erase (id, 0, 1);
  if (id->len == 0)
    g_string_append (id, "model");
  if (id->len > 100)
    {
      g_string_truncate (id, 100);
      while (!g_utf8_validate (id->str, -1, NULL))
        g_string_truncate (id, id->len - 1);
    }

  for (guint i = 2;; i++)
    {
      g_autofree char *tried
          = i == 2 ? g_strdup (id->str) : g_strdup_printf ("%s-%u", id->str, i - 1);
      g_autofree char *target = g_build_filename (models, tried, NULL);

      if (!g_file_test (target, G_FILE_TEST_EXISTS)
          && esp_model_library_find (self->library, tried) == NULL)
        return g_steal_pointer (&tried);
      /* A name that somebody chose is that or nothing. */
      if (self->named)
        return g_steal_pointer (&tried);
    }
}

static void
run_undo (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  _esp_model_commit_undo (g_task_get_task_data (data));
  g_task_return_boolean (task, TRUE);
}

static void
run_publish (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EspModelCommit *commit = g_task_get_task_data (data);
  GError *error = NULL;

  if (_esp_model_commit_publish (commit, &error))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  _esp_model_commit_undo (commit);
  g_task_return_error (task, error);
}

static void
run_stage (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EspModelCommit *commit = g_task_get_task_data (data);
  GError *error = NULL;

  if (_esp_model_commit_stage (commit, cancellable, &error))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  /* What exists is somebody else's. */
  if (!g_error_matches (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_EXISTS))
    _esp_model_commit_undo (commit);
  g_task_return_error (task, error);
}

/* Runs a step in a thread; its data is the whole commit's task. */
static void
run_step (GTask *task, GTaskThreadFunc func, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) step
      = g_task_new (g_task_get_source_object (task), g_task_get_cancellable (task), callback, task);

  g_task_set_check_cancellable (step, FALSE);
  g_task_set_task_data (step, g_object_ref (task), g_object_unref);
  g_task_run_in_thread (step, func);
}

static void
on_undone (GObject *source, GAsyncResult *result, gpointer data)
{
}

static void
on_published (GObject *source, GAsyncResult *result, gpointer data)
{
  EspModelAddition *self = ESP_MODEL_ADDITION (source);
  GTask *task = data;
  EspModelCommit *commit = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  esp_model_library_refresh (self->library);
  g_task_return_pointer (task, g_strdup (commit->id), g_free);
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (JsonObject) description
      = esp_worker_describe_finish (ESP_WORKER (source), result, &error);

  if (description != NULL)
    {
      run_step (task, run_publish, on_published);
      return;
    }
  run_step (task, run_undo, on_undone);
  g_task_return_error (task, error);
}

/* Whether it can be used shows when the engine opens it: before anybody sees it. */
static void
on_staged (GObject *source, GAsyncResult *result, gpointer data)
{
  EspModelAddition *self = ESP_MODEL_ADDITION (source);
  GTask *task = data;
  EspModelCommit *commit = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    esp_worker_describe_async (self->worker, commit->staged, g_task_get_cancellable (task),
                               on_described, g_object_ref (task));
  else
    g_task_return_error (task, error);
}

static EspModelCommit *
make_commit (EspModelAddition *self, EspModelAddMode mode)
{
  EspModelCommit *commit = g_new0 (EspModelCommit, 1);
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *hidden = NULL;

  commit->mends = self->model != NULL;
  commit->id = commit->mends ? g_strdup (esp_library_model_get_id (self->model)) : dup_id (self);
  commit->name = g_strdup (self->name != NULL ? self->name : commit->id);
  commit->format = g_strdup (_esp_model_addition_find_part (self, "transformer")->format);
  commit->folder
      = g_strdup (commit->mends ? esp_library_model_get_folder (self->model) : self->folder);
  commit->mode = commit->mends ? ESP_MODEL_ADD_REFER : mode;
  hidden = g_strdup_printf (".adding-%s-%08x", commit->id, g_random_int ());
  commit->staged = g_build_filename (models, hidden, NULL);
  commit->target
      = commit->mends ? g_strdup (commit->folder) : g_build_filename (models, commit->id, NULL);
  commit->context = g_main_context_ref_thread_default ();
  for (guint i = 0; i < ESP_N_PARTS; i++)
    _esp_model_part_copy (&self->parts[i], &commit->parts[i]);

  return commit;
}

void
esp_model_addition_commit_async (EspModelAddition *self, EspModelAddMode mode,
                                 GCancellable *cancellable, EspModelAddProgress progress,
                                 gpointer progress_data, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  EspModelCommit *commit;

  g_return_if_fail (ESP_IS_MODEL_ADDITION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_model_addition_commit_async);
  g_task_set_check_cancellable (task, FALSE);
  if (_esp_model_addition_find_part (self, "transformer")->path == NULL || self->problem != NULL)
    {
      g_task_return_new_error (task, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_MISSING, "%s",
                               self->problem != NULL ? self->problem : _ ("Nothing was added."));
      return;
    }

  if (self->model != NULL && !esp_library_model_is_own (self->model))
    {
      g_task_return_new_error (task, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_NOT_OWN,
                               _ ("“%s” is part of the installation and cannot be changed."),
                               self->name);
      return;
    }

  commit = make_commit (self, mode);
  commit->progress = progress;
  commit->progress_data = progress_data;
  g_task_set_task_data (task, commit, _esp_model_commit_free);
  run_step (task, run_stage, on_staged);
}

char *
esp_model_addition_commit_finish (EspModelAddition *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
