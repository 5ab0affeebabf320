/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns that differ by their seeds alone, handed to the local backend as a group. */
#include <glib/gstdio.h>
#include <signal.h>

#include "esp-installation.h"
#include "esp-local-backend.h"

#define MOST 6

/* One of the turns. */
typedef struct
{
  GCancellable *cancellable;
  GAsyncResult *result;
  EspBackendResult *made;
  GError *error;
  int n_news, n_previews, step;
} Turn;

typedef struct
{
  char *scratch, *pid_file, *engine, *log;
  EspBackend *backend;
  GPtrArray *images;
  Turn turns[MOST];
} Fixture;

static void
remove_folder (const char *path)
{
  const char *argv[] = { "rm", "-rf", path, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
}

/* An engine whose requests are written down, and whose process can be killed. */
static void
set_up (Fixture *self, gconstpointer data)
{
  g_autofree char *script = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("ESP_PHOTOS"), "cat.png", NULL);
  char *contents = NULL;
  gsize length = 0;

  memset (self, 0, sizeof *self);
  self->scratch = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  self->pid_file = g_build_filename (self->scratch, "pid", NULL);
  self->log = g_build_filename (self->scratch, "log", NULL);
  self->engine = g_build_filename (self->scratch, "engine", NULL);
  script = g_strdup_printf ("#!/bin/bash\n"
                            "echo $$ >'%s'\n"
                            "exec '%s' \"$@\" < <(exec tee -a '%s' 2>/dev/null)\n",
                            self->pid_file, g_getenv ("ESPALIER_ENGINE"), self->log);
  g_assert_true (g_file_set_contents_full (self->engine, script, -1, 0, 0755, NULL));
  self->backend = esp_local_backend_new (self->engine);

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  self->images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (self->images, g_bytes_new_take (contents, length));
  for (int i = 0; i < MOST; i++)
    self->turns[i].cancellable = g_cancellable_new ();
}

static void
clear_turns (Fixture *self)
{
  for (int i = 0; i < MOST; i++)
    {
      Turn *turn = &self->turns[i];

      g_clear_object (&turn->result);
      g_clear_pointer (&turn->made, esp_backend_result_free);
      g_clear_error (&turn->error);
      g_cancellable_reset (turn->cancellable);
      turn->n_news = turn->n_previews = turn->step = 0;
    }
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_backend_stop_async (self->backend, take_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (esp_backend_stop_finish (self->backend, result, NULL));
  clear_turns (self);
  for (int i = 0; i < MOST; i++)
    g_object_unref (self->turns[i].cancellable);
  g_ptr_array_unref (self->images);
  g_object_unref (self->backend);
  remove_folder (self->scratch);
  g_free (self->scratch);
  g_free (self->pid_file);
  g_free (self->engine);
  g_free (self->log);
}

static void
on_news (EspBackend *backend, const EspBackendNews *news, gpointer data)
{
  Turn *turn = data;

  g_assert_null (turn->result);
  turn->n_news++;
  turn->n_previews += news->preview != NULL;
  turn->step = MAX (turn->step, news->step);
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  Turn *turn = data;

  g_assert_null (turn->result);
  turn->result = g_object_ref (result);
  turn->made = esp_backend_run_finish (ESP_BACKEND (source), result, &turn->error);
}

static void
start (Fixture *self, int index, EspTurnGroup *group, int steps)
{
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspBackendRequest request = { .model = "demo",
                                .images = self->images,
                                .parameters = parameters,
                                .previews = TRUE,
                                .group = group };

  json_object_set_string_member (parameters, "prompt", "Make it snow");
  json_object_set_int_member (parameters, "steps", steps);
  json_object_set_string_member (parameters, "size", "match");
  /* One has none, one a large one. */
  if (index == 2)
    json_object_set_string_member (parameters, "seed", "18446744073709551615");
  else if (index != 1)
    json_object_set_int_member (parameters, "seed", 10 + index);
  esp_backend_run_async (self->backend, &request, self->turns[index].cancellable, on_news,
                         &self->turns[index], on_over, &self->turns[index]);
}

static void
wait_for (Fixture *self, int count)
{
  for (int i = 0; i < count; i++)
    {
      while (self->turns[i].result == NULL)
        g_main_context_iteration (NULL, TRUE);
    }
}

static guint
count_in_log (Fixture *self, const char *word)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) parts = NULL;

  g_assert_true (g_file_get_contents (self->log, &text, NULL, NULL));
  parts = g_strsplit (text, word, -1);
  return g_strv_length (parts) - 1;
}

/* The engine may have read a line before it is in the log. */
static void
check_log (Fixture *self, const char *word, guint count)
{
  while (count_in_log (self, word) < count)
    g_usleep (1000);
  g_assert_cmpuint (count_in_log (self, word), ==, count);
}

/* --- Groups ----------------------------------------------------------------------------------- */

static void
count_call (gpointer data)
{
  ++*(int *) data;
}

static void
test_group (void)
{
  int completed = 0, freed = 0;
  EspTurnGroup *group = esp_turn_group_new (3);

  /* The first that comes decides; what others bring goes at once. */
  esp_turn_group_leave (group);
  g_assert_null (esp_turn_group_get_data (group));
  esp_turn_group_come (group, count_call, &completed, NULL);
  g_assert_true (esp_turn_group_get_data (group) == &completed);
  g_assert_cmpint (completed, ==, 0);
  esp_turn_group_come (group, count_call, &freed, count_call);
  g_assert_cmpint (freed, ==, 1);
  g_assert_cmpint (completed, ==, 1);
  esp_turn_group_unref (group);

  /* The last one leaves; nobody comes at all. */
  group = esp_turn_group_new (2);
  esp_turn_group_come (group, count_call, &completed, count_call);
  esp_turn_group_leave (group);
  g_assert_cmpint (completed, ==, 2);
  esp_turn_group_unref (group);
  g_assert_cmpint (completed, ==, 3);
  group = esp_turn_group_new (2);
  esp_turn_group_leave (group);
  esp_turn_group_leave (group);
  esp_turn_group_unref (group);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void
test_same (Fixture *self, gconstpointer data)
{
  GBytes *alone[4] = { NULL };
  g_autoptr (EspTurnGroup) group = esp_turn_group_new (4);
  double seconds = 0;
  gint64 began;

  for (int i = 0; i < 4; i++)
    {
      start (self, i, NULL, 2);
      while (self->turns[i].result == NULL)
        g_main_context_iteration (NULL, TRUE);
      g_assert_no_error (self->turns[i].error);
      alone[i] = g_bytes_ref (self->turns[i].made->image);
    }
  check_log (self, "\"edit\"", 4);
  clear_turns (self);

  began = g_get_monotonic_time ();
  for (int i = 0; i < 4; i++)
    start (self, i, group, 2);
  wait_for (self, 4);
  for (int i = 0; i < 4; i++)
    {
      EspBackendResult *made = self->turns[i].made;

      g_assert_no_error (self->turns[i].error);
      g_assert_true (g_bytes_equal (made->image, alone[i]));
      g_assert_true (made->has_seed);
      g_assert_cmpuint (made->seed, ==, i == 2 ? G_MAXUINT64 : i == 1 ? 0u : 10u + (guint) i);
      g_assert_false (json_object_has_member (made->parameters, "seed"));
      g_assert_cmpint (self->turns[i].step, ==, 2);
      g_assert_cmpint (self->turns[i].n_previews, >=, 1);
      g_assert_cmpfloat (made->seconds, >, 0);
      seconds += made->seconds;
      g_bytes_unref (alone[i]);
    }
  /* Each says its share of what they took together. */
  g_assert_cmpfloat (seconds, <=, (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);

  /* One request, with one photo. */
  check_log (self, "\"edit\"", 5);
  check_log (self, "\"batch\"", 1);
  check_log (self, "-0.ppm", 5);
}

/* Those that leave are not waited for; one that was cancelled before the others came is not made.
 */
static void
test_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (EspTurnGroup) group = esp_turn_group_new (5);

  start (self, 0, group, 1);
  start (self, 1, group, 1);
  esp_turn_group_leave (group);
  g_cancellable_cancel (self->turns[0].cancellable);
  start (self, 2, group, 1);
  esp_turn_group_leave (group);
  wait_for (self, 3);
  g_assert_error (self->turns[0].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_no_error (self->turns[1].error);
  g_assert_no_error (self->turns[2].error);
  g_assert_cmpuint (self->turns[1].made->seed, ==, 0);
  check_log (self, "\"edit\"", 1);
}

static void
test_cancelled (Fixture *self, gconstpointer data)
{
  g_autoptr (EspTurnGroup) group = esp_turn_group_new (3);
  int step;

  for (int i = 0; i < 3; i++)
    start (self, i, group, 1000);
  while (self->turns[0].step < 3)
    g_main_context_iteration (NULL, TRUE);
  g_cancellable_cancel (self->turns[0].cancellable);
  wait_for (self, 1);
  g_assert_error (self->turns[0].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* The others go on. */
  step = self->turns[1].step;
  while (self->turns[1].step < step + 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (self->turns[1].result);
  g_cancellable_cancel (self->turns[1].cancellable);
  g_cancellable_cancel (self->turns[2].cancellable);
  wait_for (self, 3);
  for (int i = 1; i < 3; i++)
    g_assert_error (self->turns[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* The engine is still there. */
  clear_turns (self);
  start (self, 0, NULL, 1);
  wait_for (self, 1);
  g_assert_no_error (self->turns[0].error);
}

static void
test_killed (Fixture *self, gconstpointer data)
{
  g_autoptr (EspTurnGroup) group = esp_turn_group_new (3);
  g_autofree char *pid = NULL;

  for (int i = 0; i < 3; i++)
    start (self, i, group, 1000);
  while (self->turns[0].step < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (g_file_get_contents (self->pid_file, &pid, NULL, NULL));
  g_assert_cmpint (kill ((pid_t) g_ascii_strtoll (pid, NULL, 10), SIGKILL), ==, 0);
  wait_for (self, 3);
  for (int i = 0; i < 3; i++)
    g_assert_error (self->turns[i].error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_CRASHED);
}

static void
test_refused (Fixture *self, gconstpointer data)
{
  g_autoptr (EspTurnGroup) group = esp_turn_group_new (3);

  for (int i = 0; i < 3; i++)
    start (self, i, group, 5000);
  wait_for (self, 3);
  for (int i = 0; i < 3; i++)
    {
      g_assert_error (self->turns[i].error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT);
      g_assert_nonnull (strstr (self->turns[i].error->message, "steps"));
    }

  /* Pictures that are none. */
  g_ptr_array_set_size (self->images, 0);
  g_ptr_array_add (self->images, g_bytes_new_static ("no picture", 10));
  clear_turns (self);
  g_clear_pointer (&group, esp_turn_group_unref);
  group = esp_turn_group_new (2);
  start (self, 0, group, 1);
  start (self, 1, group, 1);
  wait_for (self, 2);
  for (int i = 0; i < 2; i++)
    g_assert_error (self->turns[i].error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT);
}

/* How many pay is what the engine says, for what it says it of. */
static void
test_how_many (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (EspModel) demo = NULL;
  guint batch;

  g_assert_cmpuint (esp_backend_get_batch (self->backend, "demo", parameters), ==, 1);
  g_assert_cmpuint (esp_backend_get_batch (self->backend, "nothing", parameters), ==, 1);
  for (guint i = 0; demo == NULL; i++)
    {
      demo = g_list_model_get_item (esp_backend_get_models (self->backend), i);
      if (!g_str_equal (esp_model_get_id (demo), "demo"))
        g_clear_object (&demo);
    }
  esp_model_prepare (demo);
  while (esp_model_get_state (demo) != ESP_MODEL_READY)
    g_main_context_iteration (NULL, TRUE);

  batch = esp_backend_get_batch (self->backend, "demo", parameters);
  g_test_message ("%u at once", batch);
  g_assert_cmpuint (batch, >=, 1);
  g_assert_cmpuint (batch, <=, 8);
  g_assert_cmpuint (esp_backend_get_batch (self->backend, NULL, parameters), ==, batch);
  json_object_set_string_member (parameters, "dtype", "auto");
  g_assert_cmpuint (esp_backend_get_batch (self->backend, "demo", parameters), ==, batch);
  json_object_set_string_member (parameters, "dtype", "f32");
  g_assert_cmpuint (esp_backend_get_batch (self->backend, "demo", parameters), ==, 1);
}

#define ADD(path, func)                                                                            \
  g_test_add ("/backend/local-batch/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_autofree char *data = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  int status;

  g_setenv ("XDG_DATA_HOME", data, TRUE);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/backend/turn-group", test_group);
  ADD ("same", test_same);
  ADD ("missing", test_missing);
  ADD ("cancelled", test_cancelled);
  ADD ("killed", test_killed);
  ADD ("refused", test_refused);
  ADD ("how-many", test_how_many);

  status = g_test_run ();
  remove_folder (data);
  return status;
}
