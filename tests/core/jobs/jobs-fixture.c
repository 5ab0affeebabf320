/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jobs-fixture.h"

#include <string.h>

static char *scratch;

/* (The test library could do this by itself, but leaks the names of its folders.) */
void
jobs_init (int *argc, char ***argv)
{
  static const char *const folders[]
      = { "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME" };

  scratch = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  g_assert_nonnull (scratch);
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (scratch, folders[i], NULL);

      g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
      g_setenv (folders[i], path, TRUE);
    }

  g_test_init (argc, argv, NULL);
}

int
jobs_run (void)
{
  int status = g_test_run ();
  const char *argv[] = { "rm", "-rf", scratch, NULL };

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                     NULL))
    g_printerr ("# %s could not be removed\n", scratch);
  g_clear_pointer (&scratch, g_free);
  return status;
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
on_finished (EspQueue *queue, EspJob *job, gpointer data)
{
  static const char *const words[]
      = { "waiting", "running", "stopping", "done", "failed", "cancelled" };
  JobsFixture *self = data;
  EspNode *node = esp_job_get_node (job);
  EspJobState state = esp_job_get_state (job);

  /* It is stored before it is told, and has left the list. */
  g_assert_null (esp_queue_find (queue, node));
  g_assert_null (esp_node_get_progress (node));
  g_assert_null (esp_job_get_progress (job));
  g_assert_cmpint (state == ESP_JOB_DONE, ==, esp_node_has_image (node));
  g_assert_cmpint (state == ESP_JOB_FAILED, ==, esp_job_get_error (job) != NULL);

  /* Who waits for a document's last job learns it here. */
  if (g_list_model_get_n_items (esp_queue_get_jobs (queue)) == 0)
    g_assert_false (esp_queue_has_document (queue, esp_job_get_document (job)));

  g_string_append_printf (self->finished, "%s%s:%s", self->finished->len > 0 ? " " : "",
                          esp_node_get_instruction (node), words[state]);
}

EspDocument *
jobs_create_document (const char *title)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  esp_document_create_async (NULL, title, NULL, take_result, &result);
  jobs_wait (result != NULL);
  document = esp_document_create_finish (result, &error);
  g_assert_no_error (error);
  return document;
}

EspDocument *
jobs_open_document (GFile *file)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, take_result, &result);
  jobs_wait (result != NULL);
  document = esp_document_open_finish (result, &error);
  g_assert_no_error (error);
  return document;
}

void
jobs_close_document (EspDocument *document)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_document_close_async (document, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_close_finish (document, result, &error));
  g_assert_no_error (error);
}

EspNode *
jobs_import (EspDocument *document, int side)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = esp_picture_new (side, side, &error);
  g_autoptr (GBytes) bytes = NULL;
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  EspNode *node;

  g_assert_no_error (error);
  memset (picture->pixels, 90, (gsize) side * (gsize) side * 3);
  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, &error);
  g_assert_no_error (error);

  esp_document_import_async (document, bytes, "photo.png", NULL, NULL, take_result, &result);
  jobs_wait (result != NULL);
  node = esp_document_import_finish (document, result, &error);
  g_assert_no_error (error);
  return node;
}

GBytes *
jobs_load_image (EspDocument *document, EspNode *node)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  esp_document_load_image_async (document, node, NULL, take_result, &result);
  jobs_wait (result != NULL);
  bytes = esp_document_load_image_finish (document, result, &error);
  g_assert_no_error (error);
  return bytes;
}

EspNode *
jobs_make_turn (EspDocument *document, EspNode *parent, const char *backend, const char *prompt,
                EspNode *reference)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspTurn turn = { .instruction = prompt,
                   .negative_prompt = reference != NULL ? "no blur" : NULL,
                   .backend = backend,
                   .model = "model",
                   .parameters = parameters,
                   .has_seed = TRUE,
                   .seed = 5,
                   .references = &reference,
                   .n_references = reference != NULL };

  json_object_set_int_member (parameters, "strength", 3);
  esp_document_add_turns_async (document, parent, &turn, 1, NULL, take_result, &result);
  jobs_wait (result != NULL);
  nodes = esp_document_add_turns_finish (document, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nodes->len, ==, 1);
  return g_ptr_array_index (nodes, 0);
}

EspNode *
jobs_add (JobsFixture *self, const char *prompt)
{
  EspNode *node = jobs_make_turn (self->document, self->photo, "fake", prompt, NULL);

  g_assert_nonnull (esp_queue_add (self->queue, self->document, node, FALSE));
  return node;
}

void
jobs_edit (EspDocument *document,
           void (*start) (EspDocument *, GCancellable *, GAsyncReadyCallback, gpointer))
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  start (document, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_edit_finish (document, result, &error));
  g_assert_no_error (error);
}

void
jobs_delete (EspDocument *document, EspNode *node)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  esp_document_delete_async (document, nodes, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_edit_finish (document, result, &error));
  g_assert_no_error (error);
}

char *
jobs_dup_list (JobsFixture *self)
{
  GListModel *jobs = esp_queue_get_jobs (self->queue);
  GString *text = g_string_new (NULL);
  guint n_running = 0;

  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);
      gboolean running = i < esp_queue_get_n_running (self->queue);

      n_running += esp_job_get_state (job) == ESP_JOB_RUNNING;
      g_string_append_printf (text, running ? "%s[%s]" : "%s%s", i > 0 ? " " : "",
                              esp_node_get_instruction (esp_job_get_node (job)));
    }

  g_assert_cmpuint (n_running, <=, esp_queue_get_n_running (self->queue));
  g_assert_cmpuint (g_list_model_get_n_items (jobs), ==,
                    esp_queue_get_n_running (self->queue) + esp_queue_get_n_waiting (self->queue));
  return g_string_free (text, FALSE);
}

/* Saving comes after all that was asked for before. */
static void
wait_for_document (EspDocument *document)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_document_save_async (document, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_save_finish (document, result, &error));
  g_assert_no_error (error);
}

void
jobs_settle (JobsFixture *self)
{
  for (int i = 0; i < 4; i++)
    {
      wait_for_document (self->document);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
}

void
jobs_set_up (JobsFixture *self, gconstpointer data)
{
  memset (self, 0, sizeof *self);
  self->registry = esp_registry_new ();
  self->fake = fake_backend_new ("fake", 1);
  self->other = fake_backend_new ("other", 3);
  fake_backend_set_stepped (self->fake, TRUE);
  fake_backend_set_stepped (self->other, TRUE);
  esp_registry_add (self->registry, ESP_BACKEND (self->fake));
  esp_registry_add (self->registry, ESP_BACKEND (self->other));
  self->queue = esp_queue_new (self->registry);
  self->finished = g_string_new (NULL);
  g_signal_connect (self->queue, "job-finished", G_CALLBACK (on_finished), self);
  self->document = jobs_create_document ("Jobs");
  self->photo = jobs_import (self->document, 32);
}

void
jobs_tear_down (JobsFixture *self, gconstpointer data)
{
  gpointer queue = self->queue;

  /* A test leaves nothing under way; then nothing is left of the queue. */
  g_assert_cmpuint (g_list_model_get_n_items (esp_queue_get_jobs (self->queue)), ==, 0);
  g_assert_false (esp_queue_has_document (self->queue, self->document));
  g_object_add_weak_pointer (G_OBJECT (self->queue), &queue);
  g_object_unref (self->queue);
  g_assert_null (queue);

  if (self->document != NULL)
    jobs_close_document (self->document);
  g_clear_object (&self->document);
  g_object_unref (self->registry);
  g_object_unref (self->fake);
  g_object_unref (self->other);
  g_string_free (self->finished, TRUE);
}
