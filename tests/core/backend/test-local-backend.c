/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The local backend with the real engine and the demo model, and with an engine that is killed. */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "esp-installation.h"
#include "esp-local-backend.h"

typedef struct
{
  char *scratch;
  char *pid_file; /* the running engine's */
  char *engine;   /* a script that becomes the engine, and says under which process id */
  EspBackend *backend;
  GAsyncResult *result;
  GCancellable *cancellable;
  int n_news, n_previews;
  double fraction;
  int kill_at, cancel_at; /* news */
} Fixture;

static void
remove_folder (const char *path)
{
  const char *argv[] = { "rm", "-rf", path, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
}

static void
set_up (Fixture *self, gconstpointer data)
{
  const char *engine = g_getenv ("ESPALIER_ENGINE");
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *script = NULL;

  remove_folder (models);
  memset (self, 0, sizeof *self);
  self->scratch = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  self->pid_file = g_build_filename (self->scratch, "pid", NULL);
  self->engine = g_build_filename (self->scratch, "engine", NULL);
  script = g_strdup_printf ("#!/bin/sh\necho $$ >'%s'\nexec '%s' \"$@\"\n", self->pid_file, engine);
  g_assert_true (g_file_set_contents_full (self->engine, script, -1, 0, 0755, NULL));
  self->backend = esp_local_backend_new (self->engine);
  self->cancellable = g_cancellable_new ();
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *self = data;

  self->result = g_object_ref (result);
}

static GAsyncResult *
wait_for_result (Fixture *self)
{
  while (self->result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return g_steal_pointer (&self->result);
}

static void
stop (Fixture *self)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_backend_stop_async (self->backend, take_result, self);
  result = wait_for_result (self);
  g_assert_true (esp_backend_stop_finish (self->backend, result, &error));
  g_assert_no_error (error);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  gpointer gone = self->backend;

  stop (self);
  g_object_add_weak_pointer (G_OBJECT (self->backend), &gone);
  g_object_unref (self->backend);
  while (gone != NULL)
    g_main_context_iteration (NULL, TRUE);

  remove_folder (self->scratch);
  g_free (self->scratch);
  g_free (self->pid_file);
  g_free (self->engine);
  g_clear_object (&self->cancellable);
}

static void
kill_engine (Fixture *self)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (self->pid_file, &text, NULL, NULL));
  g_assert_cmpint (kill ((pid_t) g_ascii_strtoll (text, NULL, 10), SIGKILL), ==, 0);
}

static void
on_news (EspBackend *backend, const EspBackendNews *news, gpointer data)
{
  Fixture *self = data;

  g_assert_true (backend == self->backend);
  g_assert_cmpfloat (news->fraction, >=, self->fraction);
  g_assert_cmpfloat (news->fraction, <=, 1);
  g_assert_cmpint (news->step, <=, news->steps);
  self->fraction = news->fraction;
  self->n_news++;
  if (news->preview != NULL)
    {
      self->n_previews++;
      g_assert_cmpint (news->preview->width, >, 0);
    }

  if (self->n_news == self->kill_at)
    kill_engine (self);
  if (self->n_news == self->cancel_at)
    g_cancellable_cancel (self->cancellable);
}

static GBytes *
load_photo (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("ESP_PHOTOS"), "cat.png", NULL);
  char *data;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  return g_bytes_new_take (data, size);
}

static EspBackendResult *
run_with (Fixture *self, const char *model, GBytes *image, JsonObject *parameters, GError **error)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new ();
  g_autoptr (GAsyncResult) result = NULL;
  EspBackendRequest request
      = { .model = model, .images = images, .parameters = parameters, .previews = TRUE };

  self->fraction = 0;
  g_ptr_array_add (images, image);
  esp_backend_run_async (self->backend, &request, self->cancellable, on_news, self, take_result,
                         self);
  result = wait_for_result (self);
  return esp_backend_run_finish (self->backend, result, error);
}

static EspBackendResult *
run (Fixture *self, const char *model, int steps, GError **error)
{
  g_autoptr (GBytes) photo = load_photo ();
  g_autoptr (JsonObject) parameters = json_object_new ();

  json_object_set_string_member (parameters, "prompt", "Make the photo black and white");
  json_object_set_int_member (parameters, "seed", 7);
  if (steps > 0)
    json_object_set_int_member (parameters, "steps", steps);
  return run_with (self, model, photo, parameters, error);
}

static EspModel *
find_model (Fixture *self, const char *id)
{
  GListModel *models = esp_backend_get_models (self->backend);

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      if (g_str_equal (esp_model_get_id (model), id))
        return model;
    }

  return NULL;
}

static void
wait_for_state (EspModel *model, EspModelState state)
{
  while (esp_model_get_state (model) != state)
    g_main_context_iteration (NULL, TRUE);
}

/* --- Models ----------------------------------------------------------------------------------- */

static void
test_models (Fixture *self, gconstpointer data)
{
  EspModel *demo = find_model (self, "demo");
  EspModel *wanted = find_model (self, "FLUX.1-Kontext-dev");
  const EspParameter *steps;

  g_assert_cmpstr (esp_backend_get_id (self->backend), ==, "local");
  g_assert_false (esp_backend_is_remote (self->backend));
  g_assert_cmpuint (esp_backend_get_concurrency (self->backend), ==, 1);

  g_assert_nonnull (demo);
  g_assert_true (esp_model_get_backend (demo) == self->backend);
  g_assert_cmpint (esp_model_get_state (demo), ==, ESP_MODEL_STARTING);
  g_assert_null (esp_model_get_schema (demo));
  g_assert_cmpint (esp_model_get_features (demo), ==,
                   ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT | ESP_MODEL_PREVIEWS
                       | ESP_MODEL_DEMO);
  g_assert_cmpuint (esp_model_get_max_references (demo), ==, 7);
  g_assert_cmpfloat (esp_model_get_price (demo), ==, 0);
  g_assert_cmpuint (g_strv_length ((char **) esp_model_get_instructions (demo)), >, 10);
  /* Listing them starts no engine. */
  g_assert_false (g_file_test (self->pid_file, G_FILE_TEST_EXISTS));

  g_assert_nonnull (wanted);
  g_assert_cmpint (esp_model_get_state (wanted), ==, ESP_MODEL_NEEDS_MODEL);
  g_assert_nonnull (esp_model_get_message (wanted));
  esp_model_prepare (wanted);
  g_assert_cmpint (esp_model_get_state (wanted), ==, ESP_MODEL_NEEDS_MODEL);

  g_assert_false (esp_model_get_preparing (demo));
  esp_model_prepare (demo);
  esp_model_prepare (demo);
  g_assert_true (esp_model_get_preparing (demo));
  wait_for_state (demo, ESP_MODEL_READY);
  g_assert_nonnull (esp_model_get_schema (demo));
  g_assert_false (esp_model_get_preparing (demo));
  steps = esp_schema_find (esp_model_get_schema (demo), "steps");
  g_assert_nonnull (steps);
  g_assert_cmpint (json_node_get_int (steps->fallback), ==, 8);
}

static void
test_no_engine (Fixture *self, gconstpointer data)
{
  EspModel *demo = find_model (self, "demo");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (self->engine), ==, 0);
  g_test_expect_message ("espalier-backend", G_LOG_LEVEL_MESSAGE, "*cannot be started*");
  esp_model_prepare (demo);
  wait_for_state (demo, ESP_MODEL_BROKEN);
  g_test_assert_expected_messages ();
  g_assert_nonnull (strstr (esp_model_get_message (demo), "started"));

  g_assert_null (run (self, "demo", 1, &error));
  g_assert_error (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED);
}

/* Links the demo model's files into a folder of the user's. */
static char *
install_model (const char *name, const char *id)
{
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *manifest
      = g_strdup_printf ("{\"id\":\"%s\",\"name\":\"%s\",\"kind\":\"full\",\"t5_tokens\":64,"
                         "\"working_pixels\":65536,\"default_steps\":8}",
                         id, name);
  char *folder = g_build_filename (models, name, NULL);
  g_autofree char *own = g_build_filename (folder, "espalier.json", NULL);
  g_autoptr (GDir) dir = g_dir_open (g_getenv ("ESP_DEMO_MODEL"), 0, NULL);
  const char *part;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (own, manifest, -1, NULL));
  while ((part = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *from = g_build_filename (g_getenv ("ESP_DEMO_MODEL"), part, NULL);
      g_autofree char *to = g_build_filename (folder, part, NULL);

      if (!g_str_equal (part, "espalier.json"))
        g_assert_cmpint (symlink (from, to), ==, 0);
    }

  return folder;
}

static void
test_installed (Fixture *self, gconstpointer data)
{
  g_autofree char *folder = install_model ("My Model", "mine");
  g_autofree char *moved = g_strconcat (folder, "-moved", NULL);
  g_autofree char *hidden = g_build_filename (self->scratch, "hidden", NULL);
  g_autoptr (EspBackendResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspModel *mine;

  esp_local_backend_refresh (ESP_LOCAL_BACKEND (self->backend));
  mine = find_model (self, "mine");
  g_assert_nonnull (mine);
  /* The user's come first, and a full model need not be offered any more. */
  g_assert_true (g_list_model_get_item (esp_backend_get_models (self->backend), 0) == mine);
  g_object_unref (mine);
  g_assert_null (find_model (self, "FLUX.1-Kontext-dev"));
  g_assert_cmpuint (esp_model_get_features (mine) & ESP_MODEL_DEMO, ==, 0);

  esp_model_prepare (mine);
  wait_for_state (mine, ESP_MODEL_READY);
  result = run (self, "mine", 1, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (result->model_name, ==, "My Model");

  /* Its folder goes away (a disk is taken out), and comes back. */
  g_assert_cmpint (g_rename (folder, hidden), ==, 0);
  g_assert_null (run (self, "mine", 1, &error));
  g_assert_error (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NEEDS_MODEL);
  g_clear_error (&error);
  g_assert_cmpint (esp_model_get_state (mine), ==, ESP_MODEL_BROKEN);
  g_assert_nonnull (strstr (esp_model_get_message (mine), folder));
  esp_local_backend_refresh (ESP_LOCAL_BACKEND (self->backend));
  g_assert_true (find_model (self, "mine") == mine);

  g_assert_cmpint (g_rename (hidden, moved), ==, 0);
  esp_local_backend_refresh (ESP_LOCAL_BACKEND (self->backend));
  g_assert_true (find_model (self, "mine") == mine);
  g_assert_cmpint (esp_model_get_state (mine), ==, ESP_MODEL_STARTING);
  g_clear_pointer (&result, esp_backend_result_free);
  result = run (self, "mine", 1, &error);
  g_assert_no_error (error);
  wait_for_state (mine, ESP_MODEL_READY);

  remove_folder (moved);
}

/* A model that is copied into its place appears by itself. */
static void
test_watched (Fixture *self, gconstpointer data)
{
  g_autofree char *folder = NULL;

  /* The folder of the user's models was not there when the backend was made. */
  folder = install_model ("Late", "late");
  while (find_model (self, "late") == NULL)
    g_main_context_iteration (NULL, TRUE);

  remove_folder (folder);
  while (find_model (self, "late") != NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void
test_turn (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspBackendResult) result = run (self, "demo", 0, &error);
  g_autoptr (EspBackendResult) again = NULL;
  g_autoptr (EspPicture) picture = NULL;
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;

  g_assert_no_error (error);
  picture = esp_picture_load_bytes (result->image, "result", &info, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (info.format, ==, "PNG");
  esp_picture_info_clear (&info);
  g_assert_cmpint (picture->width, >=, 64);

  /* Black and white is what was asked for. */
  for (int i = 0; i < picture->width * picture->height; i += 97)
    {
      const guint8 *p = picture->pixels + 3 * i;

      g_assert_cmpint (ABS (p[0] - p[1]), <, 60);
      g_assert_cmpint (ABS (p[1] - p[2]), <, 60);
    }

  g_assert_true (result->has_seed);
  g_assert_cmpuint (result->seed, ==, 7);
  g_assert_cmpfloat (result->seconds, >, 0);
  g_assert_cmpfloat (result->cost, ==, 0);
  g_assert_cmpuint (strlen (result->model_hash), ==, 64);
  g_assert_cmpstr (result->model_name, ==, "Espalier demo model");
  g_assert_true (json_object_has_member (result->timings, "sample"));
  g_assert_cmpint (json_object_get_int_member (result->parameters, "steps"), ==, 8);
  g_assert_cmpfloat (json_object_get_double_member (result->parameters, "guidance"), ==, 2.5);
  g_assert_false (json_object_has_member (result->parameters, "prompt"));
  g_assert_false (json_object_has_member (result->parameters, "seed"));
  g_assert_cmpint (self->n_news, >, 8);
  g_assert_cmpint (self->n_previews, >=, 1);
  g_assert_cmpfloat (self->fraction, >, 0.5);

  /* The same again is the same bytes; the demo model is the default here. */
  again = run (self, NULL, 0, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (result->image, again->image));
}

/* Nothing that the turns wrote stays in the engine's folder. */
static void
test_spool (Fixture *self, gconstpointer data)
{
  g_autofree char *tmp = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  g_autofree char *old = g_strdup (g_getenv ("TMPDIR"));
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  g_setenv ("TMPDIR", tmp, TRUE);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (EspBackendResult) result = run (self, "demo", 1, &error);

      g_assert_no_error (error);
    }

  dir = g_dir_open (tmp, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *spool = g_build_filename (tmp, name, NULL);
      g_autoptr (GDir) files = NULL;
      const char *file;

      if (!g_str_has_prefix (name, "espalier-spool-"))
        continue;
      files = g_dir_open (spool, 0, NULL);
      while ((file = g_dir_read_name (files)) != NULL)
        g_assert_true (g_str_equal (file, "lock") || strstr (file, "preview") != NULL);
    }

  stop (self);
  if (old != NULL)
    g_setenv ("TMPDIR", old, TRUE);
  else
    g_unsetenv ("TMPDIR");
  remove_folder (tmp);
}

static void
test_refused (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) photo = load_photo ();
  g_autoptr (GBytes) junk = g_bytes_new_static ("no picture", 10);
  g_autoptr (JsonObject) parameters = json_object_new ();

  g_assert_null (run (self, "nothing", 1, &error));
  g_assert_error (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NEEDS_MODEL);
  g_assert_nonnull (strstr (error->message, "nothing"));
  g_clear_error (&error);

  json_object_set_string_member (parameters, "prompt", "Make it snow");
  g_assert_null (run_with (self, "demo", junk, parameters, &error));
  g_assert_error (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT);
  g_clear_error (&error);

  json_object_set_int_member (parameters, "stepz", 3);
  g_assert_null (run_with (self, "demo", photo, parameters, &error));
  g_assert_error (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "stepz"));
}

static void
test_cancelled (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspBackendResult) result = NULL;

  self->cancel_at = 3;
  g_assert_null (run (self, "demo", 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  /* One that was cancelled before it began. */
  g_assert_null (run (self, "demo", 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  g_cancellable_reset (self->cancellable);
  result = run (self, "demo", 1, &error);
  g_assert_no_error (error);
}

static void
test_killed (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspBackendResult) result = NULL;

  self->kill_at = 4;
  g_assert_null (run (self, "demo", 1000, &error));
  g_assert_error (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_CRASHED);
  g_clear_error (&error);

  result = run (self, "demo", 1, &error);
  g_assert_no_error (error);
}

/* The controls of a model do not wait for a long turn with another one. */
static void
test_described_meanwhile (Fixture *self, gconstpointer data)
{
  g_autofree char *folder = install_model ("Other", "other");
  g_autoptr (GPtrArray) images = g_ptr_array_new ();
  g_autoptr (GBytes) photo = load_photo ();
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspBackendRequest request = { .model = "demo", .images = images, .parameters = parameters };
  EspModel *other;

  esp_local_backend_refresh (ESP_LOCAL_BACKEND (self->backend));
  json_object_set_string_member (parameters, "prompt", "Make it snow");
  json_object_set_int_member (parameters, "steps", 1000);
  g_ptr_array_add (images, photo);
  esp_backend_run_async (self->backend, &request, self->cancellable, on_news, self, take_result,
                         self);
  while (self->n_news < 3)
    g_main_context_iteration (NULL, TRUE);

  other = find_model (self, "other");
  esp_model_prepare (other);
  wait_for_state (other, ESP_MODEL_READY);
  g_assert_null (self->result);

  g_cancellable_cancel (self->cancellable);
  result = wait_for_result (self);
  g_assert_null (esp_backend_run_finish (self->backend, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  remove_folder (folder);
}

static void
test_warm_up (Fixture *self, gconstpointer data)
{
  EspModel *demo = find_model (self, "demo");

  esp_local_backend_warm_up (ESP_LOCAL_BACKEND (self->backend), NULL);
  wait_for_state (demo, ESP_MODEL_READY);
  g_assert_true (g_file_test (self->pid_file, G_FILE_TEST_EXISTS));
}

#define ADD(path, func) g_test_add ("/backend/local/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_autofree char *data = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  int status;

  g_setenv ("XDG_DATA_HOME", data, TRUE);
  g_test_init (&argc, &argv, NULL);

  ADD ("models", test_models);
  ADD ("no-engine", test_no_engine);
  ADD ("installed", test_installed);
  ADD ("watched", test_watched);
  ADD ("turn", test_turn);
  ADD ("spool", test_spool);
  ADD ("refused", test_refused);
  ADD ("cancelled", test_cancelled);
  ADD ("killed", test_killed);
  ADD ("described-meanwhile", test_described_meanwhile);
  ADD ("warm-up", test_warm_up);

  status = g_test_run ();
  remove_folder (data);
  return status;
}
