/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue with the real engine and the demo model; the engine is killed. */
#include <signal.h>
#include <string.h>

#include "esp-local-backend.h"
#include "jobs-fixture.h"

typedef struct
{
  JobsFixture jobs;
  EspBackend *local;
  char *pid_file;
} Fixture;

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static EspNode *
import_photo (EspDocument *document)
{
  g_autofree char *path = g_build_filename (g_getenv ("ESP_PHOTOS"), "cat.png", NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspNode *node;
  char *data;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  bytes = g_bytes_new_take (data, size);
  esp_document_import_async (document, bytes, "cat.png", NULL, NULL, take_result, &result);
  jobs_wait (result != NULL);
  node = esp_document_import_finish (document, result, &error);
  g_assert_no_error (error);
  return node;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autofree char *engine = g_build_filename (g_get_user_data_dir (), "engine", NULL);
  g_autofree char *script = NULL;

  jobs_set_up (&self->jobs, NULL);
  self->pid_file = g_build_filename (g_get_user_data_dir (), "pid", NULL);
  script = g_strdup_printf ("#!/bin/sh\necho $$ >'%s'\nexec '%s' \"$@\"\n", self->pid_file,
                            g_getenv ("ESPALIER_ENGINE"));
  g_assert_true (g_file_set_contents_full (engine, script, -1, 0, 0755, NULL));
  self->local = esp_local_backend_new (engine);
  esp_registry_add (self->jobs.registry, self->local);
  self->jobs.photo = import_photo (self->jobs.document);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_backend_stop_async (self->local, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_backend_stop_finish (self->local, result, NULL));
  jobs_tear_down (&self->jobs, NULL);
  g_object_unref (self->local);
  g_free (self->pid_file);
}

static EspNode *
add (Fixture *self, EspNode *parent, const char *prompt, int steps)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspTurn turn = { .instruction = prompt,
                   .backend = "local",
                   .model = "demo",
                   .parameters = parameters,
                   .has_seed = TRUE,
                   .seed = 1 };
  EspNode *node;

  json_object_set_int_member (parameters, "steps", steps);
  esp_document_add_turns_async (self->jobs.document, parent, &turn, 1, NULL, take_result, &result);
  jobs_wait (result != NULL);
  nodes = esp_document_add_turns_finish (self->jobs.document, result, &error);
  g_assert_no_error (error);
  node = g_ptr_array_index (nodes, 0);
  esp_queue_add (self->jobs.queue, self->jobs.document, node, FALSE);
  return node;
}

static void
test_branches (Fixture *self, gconstpointer data)
{
  EspNode *a = add (self, self->jobs.photo, "Make it snow", 2);
  EspNode *b = add (self, a, "Make it night", 2);
  EspNode *c = add (self, self->jobs.photo, "Add a vignette", 2);
  g_autoptr (GBytes) image = NULL;
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (GError) error = NULL;

  jobs_wait (!esp_queue_has_document (self->jobs.queue, self->jobs.document));
  g_assert_cmpstr (self->jobs.finished->str, ==,
                   "Make it snow:done Make it night:done Add a vignette:done");
  g_assert_cmpstr (esp_node_get_model_name (c), ==, "Espalier demo model");
  g_assert_cmpuint (strlen (esp_node_get_model_hash (c)), ==, 64);
  g_assert_cmpfloat (esp_node_get_seconds (c), >, 0);
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (c), "steps"), ==, 2);
  g_assert_cmpstr (esp_node_get_media_type (b), ==, "image/png");
  g_assert_cmpstr (esp_node_get_sha256 (a), !=, esp_node_get_sha256 (b));

  image = jobs_load_image (self->jobs.document, b);
  picture = esp_picture_load_bytes (image, "b", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (picture->width, ==, esp_node_get_width (b));
}

static void
test_killed (Fixture *self, gconstpointer data)
{
  EspNode *a = add (self, self->jobs.photo, "Make it snow", 1000);
  EspNode *b = add (self, self->jobs.photo, "Make it rain", 2);
  g_autofree char *pid = NULL;

  /* In the middle of its steps. */
  jobs_wait (esp_node_get_progress (a) == NULL || esp_node_get_progress (a)->step > 2);
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_RUNNING);
  g_assert_true (g_file_get_contents (self->pid_file, &pid, NULL, NULL));
  g_assert_cmpint (kill ((pid_t) g_ascii_strtoll (pid, NULL, 10), SIGKILL), ==, 0);

  jobs_wait (!esp_queue_has_document (self->jobs.queue, self->jobs.document));
  g_assert_cmpstr (self->jobs.finished->str, ==, "Make it snow:failed Make it rain:done");
  g_assert_nonnull (strstr (esp_node_get_message (a), "stopped unexpectedly"));
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_DONE);
}

static void
test_stopped (Fixture *self, gconstpointer data)
{
  EspNode *a = add (self, self->jobs.photo, "Make it snow", 1000);
  EspNode *b = add (self, self->jobs.photo, "Make it rain", 1);

  jobs_wait (esp_node_get_preview (a) != NULL);
  esp_queue_stop (self->jobs.queue, esp_queue_find (self->jobs.queue, a));
  jobs_wait (!esp_queue_has_document (self->jobs.queue, self->jobs.document));
  g_assert_cmpstr (self->jobs.finished->str, ==, "Make it snow:cancelled Make it rain:done");
  g_assert_null (esp_node_get_preview (a));
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_DONE);
}

int
main (int argc, char **argv)
{
  jobs_init (&argc, &argv);

  g_test_add ("/jobs/engine/branches", Fixture, NULL, set_up, test_branches, tear_down);
  g_test_add ("/jobs/engine/killed", Fixture, NULL, set_up, test_killed, tear_down);
  g_test_add ("/jobs/engine/stopped", Fixture, NULL, set_up, test_stopped, tear_down);

  return jobs_run ();
}
