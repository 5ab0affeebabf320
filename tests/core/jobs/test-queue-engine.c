/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue with the real engine and the demo model; the engine is killed. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "esp-local-backend.h"
#include "jobs-fixture.h"

typedef struct
{
  JobsFixture jobs;
  EspBackend *local;
  char *pid_file;
  char *die_file; /* what the shell is told before it becomes the engine, if it is there */
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
  self->die_file = g_build_filename (g_get_user_data_dir (), "die", NULL);
  script = g_strdup_printf ("#!/bin/sh\necho $$ >'%s'\n[ ! -e '%s' ] || . '%s'\nexec '%s' \"$@\"\n",
                            self->pid_file, self->die_file, self->die_file,
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
  g_free (self->die_file);
}

static EspNode *
add_seed (Fixture *self, EspNode *parent, const char *prompt, int steps, guint64 seed)
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
                   .seed = seed };
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

static EspNode *
add (Fixture *self, EspNode *parent, const char *prompt, int steps)
{
  return add_seed (self, parent, prompt, steps, 1);
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

/* Nothing of a worker is left: no process, dead or alive, and no folder. */
static void
check_nothing_left (Fixture *self, const char *spools)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GDir) folder = NULL;
  g_autofree char *children = NULL;
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", (int) getpid ());
  const char *name;

  esp_backend_stop_async (self->local, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_backend_stop_finish (self->local, result, NULL));
  if (g_file_get_contents (path, &children, NULL, NULL))
    g_assert_cmpstr (children, ==, "");
  folder = g_dir_open (spools, 0, NULL);
  while ((name = g_dir_read_name (folder)) != NULL)
    g_assert_false (g_str_has_prefix (name, "espalier-spool-"));
}

typedef struct
{
  const char *name, *text; /* what it is about to say when it dies */
  int how;
} Death;

/* The engine ends, or stops, at a stage of its work: the turn fails with words, or can be
 * cancelled; the next one has a fresh engine. */
static void
test_death (Fixture *self, gconstpointer data)
{
  const Death *death = data;
  g_autofree char *spools = g_dir_make_tmp ("espalier-deaths-XXXXXX", NULL);
  g_autofree char *die
      = g_strdup_printf ("export LD_PRELOAD=\"%s $LD_PRELOAD\" DIE_AT='%s' DIE_HOW=%d "
                         "ASAN_OPTIONS=\"verify_asan_link_order=0:$ASAN_OPTIONS\" "
                         "TSAN_OPTIONS=\"handle_segv=0:$TSAN_OPTIONS\"\n",
                         g_getenv ("DIE_AT_LIBRARY"), death->text, death->how);
  g_autofree char *before = g_strdup (g_getenv ("TMPDIR"));
  EspNode *a, *b;

  g_setenv ("TMPDIR", spools, TRUE);
  g_assert_true (g_file_set_contents (self->die_file, die, -1, NULL));
  a = add (self, self->jobs.photo, "Make it snow", 1);
  b = add (self, self->jobs.photo, "Make it rain", 1);
  if (death->how == SIGSTOP)
    {
      gboolean stopped = FALSE;

      while (!stopped)
        {
          g_autofree char *pid = NULL, *path = NULL, *stat = NULL;

          g_main_context_iteration (NULL, FALSE);
          g_assert_null (esp_node_get_message (a)); /* it has not ended */
          g_usleep (10000);
          if (!g_file_get_contents (self->pid_file, &pid, NULL, NULL))
            continue;
          path = g_strdup_printf ("/proc/%d/stat", (int) g_ascii_strtoll (pid, NULL, 10));
          stopped = g_file_get_contents (path, &stat, NULL, NULL) && strstr (stat, ") T ") != NULL;
        }
      g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_RUNNING);
      esp_queue_stop (self->jobs.queue, esp_queue_find (self->jobs.queue, a));
    }
  jobs_wait (esp_node_get_state (a) != ESP_NODE_RUNNING
             && esp_node_get_state (a) != ESP_NODE_QUEUED);
  g_unlink (self->die_file);

  jobs_wait (!esp_queue_has_document (self->jobs.queue, self->jobs.document));
  g_assert_cmpstr (self->jobs.finished->str, ==,
                   death->how == SIGSTOP ? "Make it snow:cancelled Make it rain:done"
                                         : "Make it snow:failed Make it rain:done");
  if (death->how != SIGSTOP)
    g_assert_nonnull (strstr (esp_node_get_message (a), "stopped unexpectedly"));
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_DONE);
  check_nothing_left (self, spools);
  g_rmdir (spools);
  if (before != NULL)
    g_setenv ("TMPDIR", before, TRUE);
  else
    g_unsetenv ("TMPDIR");
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

/* "Run ×4": seeds go to the engine together where that pays, and each is a turn of its own; one
 * that is stopped leaves the others alone. */
static void
test_seeds (Fixture *self, gconstpointer data)
{
  g_autoptr (GHashTable) pictures = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (JsonObject) none = json_object_new ();
  EspModel *model = esp_registry_find_model (self->jobs.registry, "local", "demo");
  EspNode *first, *nodes[4];
  guint batch;

  esp_model_prepare (model);
  jobs_wait (esp_model_get_state (model) == ESP_MODEL_READY);
  batch = MIN (4, esp_backend_get_batch (self->local, "demo", none));

  /* Behind a long one, so that they wait together. */
  first = add (self, self->jobs.photo, "Make it rain", 1000);
  jobs_wait (esp_node_get_progress (first) == NULL || esp_node_get_progress (first)->step > 0);
  for (guint i = 0; i < 4; i++)
    nodes[i] = add_seed (self, self->jobs.photo, "Make it snow", 30, i + 1);
  esp_queue_stop (self->jobs.queue, esp_queue_find (self->jobs.queue, first));
  jobs_wait (esp_node_get_state (nodes[0]) == ESP_NODE_RUNNING
             && esp_node_get_progress (nodes[0])->step > 1);
  g_assert_cmpuint (esp_queue_get_n_running (self->jobs.queue), ==, batch);
  esp_queue_stop (self->jobs.queue, esp_queue_find (self->jobs.queue, nodes[0]));

  jobs_wait (!esp_queue_has_document (self->jobs.queue, self->jobs.document));
  g_assert_cmpint (esp_node_get_state (nodes[0]), ==, ESP_NODE_CANCELLED);
  for (guint i = 1; i < 4; i++)
    {
      g_assert_cmpint (esp_node_get_state (nodes[i]), ==, ESP_NODE_DONE);
      g_assert_cmpuint (esp_node_get_seed (nodes[i]), ==, i + 1);
      g_assert_cmpfloat (esp_node_get_seconds (nodes[i]), >, 0);
      g_assert_true (g_hash_table_add (pictures, (gpointer) esp_node_get_sha256 (nodes[i])));
    }
}

/* The engine dies while it has several: all of them fail, and all can be tried again. */
static void
test_seeds_killed (Fixture *self, gconstpointer data)
{
  EspModel *model = esp_registry_find_model (self->jobs.registry, "local", "demo");
  EspNode *nodes[3];
  g_autofree char *pid = NULL;
  guint running;

  esp_model_prepare (model);
  jobs_wait (esp_model_get_state (model) == ESP_MODEL_READY);
  for (guint i = 0; i < 3; i++)
    nodes[i] = add_seed (self, self->jobs.photo, "Make it snow", 1000, i + 1);
  jobs_wait (esp_node_get_progress (nodes[0]) == NULL
             || esp_node_get_progress (nodes[0])->step > 2);
  running = esp_queue_get_n_running (self->jobs.queue);
  esp_queue_stop_after_running (self->jobs.queue);
  g_assert_true (g_file_get_contents (self->pid_file, &pid, NULL, NULL));
  g_assert_cmpint (kill ((pid_t) g_ascii_strtoll (pid, NULL, 10), SIGKILL), ==, 0);
  jobs_wait (esp_queue_get_n_running (self->jobs.queue) == 0);
  for (guint i = 0; i < running; i++)
    {
      g_assert_cmpint (esp_node_get_state (nodes[i]), ==, ESP_NODE_FAILED);
      g_assert_nonnull (strstr (esp_node_get_message (nodes[i]), "stopped unexpectedly"));
    }

  esp_queue_clear (self->jobs.queue, self->jobs.document);
  jobs_wait (!esp_queue_has_document (self->jobs.queue, self->jobs.document));
  esp_queue_retry (self->jobs.queue, self->jobs.document, nodes[0]);
  jobs_wait (esp_node_get_progress (nodes[0]) != NULL
             && esp_node_get_progress (nodes[0])->step > 0);
  esp_queue_stop (self->jobs.queue, esp_queue_find (self->jobs.queue, nodes[0]));
  jobs_wait (!esp_queue_has_document (self->jobs.queue, self->jobs.document));
}

int
main (int argc, char **argv)
{
  static const Death deaths[] = {
    { "text", "\"stage\":\"text\"", SIGKILL },     { "encode", "\"stage\":\"encode\"", SIGSEGV },
    { "sample", "\"stage\":\"sample\"", SIGKILL }, { "decode", "\"stage\":\"decode\"", SIGSEGV },
    { "result", "\"type\":\"result\"", SIGKILL },  { "stalled", "\"stage\":\"sample\"", SIGSTOP },
  };

  jobs_init (&argc, &argv);

  g_test_add ("/jobs/engine/branches", Fixture, NULL, set_up, test_branches, tear_down);
  g_test_add ("/jobs/engine/killed", Fixture, NULL, set_up, test_killed, tear_down);
  for (guint i = 0; i < G_N_ELEMENTS (deaths); i++)
    {
      g_autofree char *path = g_strdup_printf ("/jobs/engine/death/%s", deaths[i].name);

      g_test_add (path, Fixture, &deaths[i], set_up, test_death, tear_down);
    }
  g_test_add ("/jobs/engine/stopped", Fixture, NULL, set_up, test_stopped, tear_down);

  g_test_add ("/jobs/engine/seeds", Fixture, NULL, set_up, test_seeds, tear_down);
  g_test_add ("/jobs/engine/seeds-killed", Fixture, NULL, set_up, test_seeds_killed, tear_down);

  return jobs_run ();
}
