/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker may use the files alone that requests name: what the client does so that nobody notices.
 * With the real engine, and models that are in no library. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-worker-access.h"
#include "esp-worker.h"

#define VAE "vae/diffusion_pytorch_model.safetensors"

typedef struct
{
  char *scratch;
  EspWorker *worker;
} Fixture;

typedef struct
{
  GAsyncResult *result;
  int progress;
  GCancellable *cancel_now; /* at the first progress */
} Answer;

static void
run (const char *const *argv)
{
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

static char *
copy_model (Fixture *self, const char *name)
{
  char *place = g_build_filename (self->scratch, name, NULL);
  const char *const argv[] = { "cp", "-r", g_getenv ("ESP_DEMO_MODEL"), place, NULL };

  run (argv);
  return place;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->scratch = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  self->worker = esp_worker_new (g_getenv ("ESPALIER_ENGINE"));
}

static void
take (GObject *source, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  answer->result = g_object_ref (result);
}

static void
wait_for (Answer *answer)
{
  while (answer->result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
stop (Fixture *self)
{
  Answer answer = { NULL };

  esp_worker_stop_async (self->worker, take, &answer);
  wait_for (&answer);
  g_assert_true (esp_worker_stop_finish (self->worker, answer.result, NULL));
  g_object_unref (answer.result);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  const char *const argv[] = { "rm", "-rf", self->scratch, NULL };

  stop (self);
  g_object_unref (self->worker);
  run (argv);
  g_free (self->scratch);
}

static char *
hello (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  Answer answer = { NULL };
  char *spool;

  esp_worker_hello_async (self->worker, NULL, take, &answer);
  wait_for (&answer);
  spool = esp_worker_hello_finish (self->worker, answer.result, &error);
  g_assert_no_error (error);
  g_object_unref (answer.result);
  return spool;
}

static void
load (Fixture *self, const char *model)
{
  g_autoptr (JsonObject) loaded = NULL;
  g_autoptr (GError) error = NULL;
  Answer answer = { NULL };

  esp_worker_load_async (self->worker, model, NULL, take, &answer);
  wait_for (&answer);
  loaded = esp_worker_load_finish (self->worker, answer.result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (loaded);
  g_object_unref (answer.result);
}

static char *
write_photo (const char *spool)
{
  char *path = g_build_filename (spool, "photo.ppm", NULL);
  g_autoptr (GString) bytes = g_string_new ("P6\n48 32\n255\n");

  for (int i = 0; i < 48 * 32 * 3; i++)
    g_string_append_c (bytes, (char) (i * 7));
  g_assert_true (g_file_set_contents (path, bytes->str, (gssize) bytes->len, NULL));
  return path;
}

static void
on_event (EspWorker *worker, const EspWorkerEvent *event, gpointer data)
{
  Answer *answer = data;

  answer->progress++;
  if (answer->cancel_now != NULL)
    g_cancellable_cancel (answer->cancel_now);
}

static void
begin_edit (Fixture *self, const char *model, const char *photo, const char *lora, int steps,
            GCancellable *cancellable, Answer *answer)
{
  const char *const images[] = { photo, NULL };
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspWorkerEdit edit = { .model = model, .images = images, .parameters = parameters };

  json_object_set_string_member (parameters, "prompt", "Make it snow");
  json_object_set_string_member (parameters, "size", "match");
  json_object_set_int_member (parameters, "steps", steps);
  if (lora != NULL)
    {
      JsonArray *loras = json_array_new ();
      JsonObject *one = json_object_new ();

      json_object_set_string_member (one, "path", lora);
      json_array_add_object_element (loras, one);
      json_object_set_array_member (parameters, "loras", loras);
    }
  esp_worker_edit_async (self->worker, &edit, cancellable, on_event, answer, take, answer);
}

static JsonObject *
end_edit (Fixture *self, Answer *answer, GError **error)
{
  JsonObject *result;

  wait_for (answer);
  result = esp_worker_edit_finish (self->worker, answer->result, error);
  g_clear_object (&answer->result);
  return result;
}

/* The process is another one; the folder, and what was put there, are the same. */
static void
test_elsewhere (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  g_autofree char *spool = hello (self);
  g_autofree char *before = g_strdup (esp_worker_get_identifier (self->worker));
  g_autofree char *photo = write_photo (spool);
  g_autofree char *later = NULL;
  g_autofree char *after = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;
  Answer answer = { NULL };

  begin_edit (self, model, photo, NULL, 1, NULL, &answer);
  result = end_edit (self, &answer, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_test (json_object_get_string_member (result, "path"), G_FILE_TEST_EXISTS));
  after = g_strdup (esp_worker_get_identifier (self->worker));
  g_assert_cmpstr (after, !=, before);
  later = hello (self);
  g_assert_cmpstr (later, ==, spool);

  /* Once it may use it, it stays. */
  load (self, model);
  load (self, g_getenv ("ESP_DEMO_MODEL"));
  load (self, model);
  g_assert_cmpstr (esp_worker_get_identifier (self->worker), ==, after);
  stop (self);
  g_assert_false (g_file_test (spool, G_FILE_TEST_EXISTS));
}

static void
test_expected (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  EspWorkerEdit edit = { .model = model };
  g_autofree char *spool = NULL;
  g_autofree char *before = NULL;

  esp_worker_expect_edit (self->worker, &edit);
  spool = hello (self);
  before = g_strdup (esp_worker_get_identifier (self->worker));
  load (self, model);
  g_assert_cmpstr (esp_worker_get_identifier (self->worker), ==, before);
}

/* What is under way ends first; what came meanwhile is answered, in order. */
static void
test_busy (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  g_autofree char *spool = hello (self);
  g_autofree char *photo = write_photo (spool);
  g_autofree char *before = g_strdup (esp_worker_get_identifier (self->worker));
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) second = NULL;
  Answer answers[2] = { 0 };

  begin_edit (self, g_getenv ("ESP_DEMO_MODEL"), photo, NULL, 30, NULL, &answers[0]);
  begin_edit (self, model, photo, NULL, 1, NULL, &answers[1]);
  load (self, g_getenv ("ESP_DEMO_MODEL"));
  first = end_edit (self, &answers[0], &error);
  g_assert_no_error (error);
  second = end_edit (self, &answers[1], &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_worker_get_identifier (self->worker), !=, before);
  /* The first one's was made by the process before. */
  g_assert_true (g_file_test (json_object_get_string_member (first, "path"), G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (json_object_get_string_member (second, "path"), G_FILE_TEST_EXISTS));
}

static void
test_cancelled_while_it_waits (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  g_autofree char *spool = hello (self);
  g_autofree char *photo = write_photo (spool);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) second = NULL;
  Answer answers[2] = { { .cancel_now = cancellable } };

  begin_edit (self, g_getenv ("ESP_DEMO_MODEL"), photo, NULL, 30, NULL, &answers[0]);
  begin_edit (self, model, photo, NULL, 1000, cancellable, &answers[1]);
  second = end_edit (self, &answers[1], &error);
  g_assert_null (second);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (answers[1].progress, ==, 0);
  g_assert_null (answers[0].result);
  first = end_edit (self, &answers[0], &error);
  g_assert_no_error (error);
  /* It was sent and cancelled; those behind it are not kept waiting by its thousand steps. */
  load (self, model);
}

static void
test_stopped_while_it_waits (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  g_autofree char *spool = hello (self);
  g_autofree char *photo = write_photo (spool);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = NULL;
  Answer answers[2] = { 0 };

  begin_edit (self, g_getenv ("ESP_DEMO_MODEL"), photo, NULL, 1000, NULL, &answers[0]);
  begin_edit (self, model, photo, NULL, 1, NULL, &answers[1]);
  stop (self);
  for (int i = 0; i < 2; i++)
    {
      result = end_edit (self, &answers[i], &error);
      g_assert_null (result);
      g_assert_nonnull (error);
      g_clear_error (&error);
    }
  g_assert_null (esp_worker_get_identifier (self->worker));
  g_assert_false (g_file_test (spool, G_FILE_TEST_EXISTS));
  load (self, model);
}

/* Links in models and to models, as caches of downloads and libraries have them. */
static void
test_links (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  g_autofree char *weights = g_build_filename (model, VAE, NULL);
  g_autofree char *blob = g_build_filename (self->scratch, "0123abcd", NULL);
  g_autofree char *linked = g_build_filename (self->scratch, "linked", NULL);
  g_autofree char *relative = g_strconcat ("../../", "0123abcd", NULL);

  g_assert_cmpint (g_rename (weights, blob), ==, 0);
  g_assert_cmpint (symlink (relative, weights), ==, 0);
  g_assert_cmpint (symlink (model, linked), ==, 0);
  load (self, linked);
}

/* A file that takes another's place is another file for the kernel. */
static void
test_replaced (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  g_autofree char *single = g_build_filename (model, VAE, NULL);
  g_autofree char *copy = g_strconcat (single, ".part", NULL);
  const char *const argv[] = { "cp", single, copy, NULL };

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (JsonObject) inspection = NULL;
      g_autoptr (GError) error = NULL;
      Answer answer = { NULL };

      esp_worker_inspect_async (self->worker, single, NULL, NULL, take, &answer);
      wait_for (&answer);
      inspection = esp_worker_inspect_finish (self->worker, answer.result, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (json_object_get_string_member (inspection, "kind"), ==, "component");
      g_object_unref (answer.result);
      run (argv);
      g_assert_cmpint (g_rename (copy, single), ==, 0);
    }
}

/* What does not fit is refused for what it is, not because it may not be read. */
static void
test_lora (Fixture *self, gconstpointer data)
{
  g_autofree char *model = copy_model (self, "model");
  g_autofree char *lora = g_build_filename (self->scratch, "lora.safetensors", NULL);
  g_autofree char *spool = hello (self);
  g_autofree char *photo = write_photo (spool);
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;
  Answer answer = { NULL };

  g_assert_true (g_file_set_contents (lora, "\x02\0\0\0\0\0\0\0{}", 10, NULL));
  begin_edit (self, g_getenv ("ESP_DEMO_MODEL"), photo, lora, 1, NULL, &answer);
  result = end_edit (self, &answer, &error);
  g_assert_null (result);
  g_assert_nonnull (strstr (error->message, lora));
  g_assert_null (strstr (error->message, "Permission denied"));
}

static gboolean
set_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* Whoever kills it, it was not us: the message says what people can do something about. */
static void
test_killed_by_the_system (Fixture *self, gconstpointer data)
{
  g_autofree char *spool = hello (self);
  g_autofree char *photo = write_photo (spool);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = NULL;
  gboolean waited = FALSE;
  Answer answer = { NULL };

  begin_edit (self, g_getenv ("ESP_DEMO_MODEL"), photo, NULL, 1000, NULL, &answer);
  g_timeout_add (100, set_flag, &waited);
  while (!waited)
    g_main_context_iteration (NULL, TRUE);
  kill ((pid_t) g_ascii_strtoll (esp_worker_get_identifier (self->worker), NULL, 10), SIGKILL);
  result = end_edit (self, &answer, &error);
  g_assert_null (result);
  g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "memory"));
  g_assert_false (g_file_test (spool, G_FILE_TEST_EXISTS));
}

/* --- What the arguments are ------------------------------------------------------------------- */

static gboolean
gives (GPtrArray *arguments, const char *option, const char *path)
{
  for (guint i = 1; i < arguments->len; i++)
    if (g_str_equal (g_ptr_array_index (arguments, i - 1), option)
        && g_str_equal (g_ptr_array_index (arguments, i), path))
      return TRUE;

  return FALSE;
}

static char *
make (const char *folder, const char *name)
{
  char *path = g_build_filename (folder, name, NULL);
  g_autofree char *above = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (above, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "x", 1, NULL));
  return path;
}

/* A model's file that lies where a person keeps everything. */
static void
test_a_file_is_not_its_folder (Fixture *self, gconstpointer data)
{
  g_autofree char *file = make (self->scratch, "home/flux.gguf");
  g_autofree char *beside = make (self->scratch, "home/ae.safetensors");
  g_autofree char *secret = make (self->scratch, "home/diary.odt");
  g_autofree char *key = make (self->scratch, "home/.ssh/id_ed25519");
  g_autofree char *part = make (self->scratch, "home/text_encoders/clip.safetensors");
  g_autofree char *home = g_path_get_dirname (file);
  g_autofree char *parts = g_path_get_dirname (part);
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (EspWorkerAccess) access = _esp_worker_access_new ();

  _esp_worker_access_add_model (access, file);
  g_assert_false (_esp_worker_access_is_given (access));
  _esp_worker_access_give (access, arguments);
  g_assert_true (_esp_worker_access_is_given (access));
  g_assert_cmpstr (g_ptr_array_index (arguments, 0), ==, "--no-other-files");
  g_assert_true (gives (arguments, "--may-read", file));
  g_assert_true (gives (arguments, "--may-read", beside));
  g_assert_true (gives (arguments, "--may-read", parts));
  g_assert_true (gives (arguments, "--may-list", home));
  g_assert_false (gives (arguments, "--may-read", home));
  g_assert_false (gives (arguments, "--may-read", secret));
  g_assert_cmpuint (arguments->len, ==, 1 + 2 * 4);
}

static void
test_more_is_noticed (Fixture *self, gconstpointer data)
{
  g_autofree char *first = make (self->scratch, "loras/a.safetensors");
  g_autofree char *folder = g_path_get_dirname (first);
  g_autofree char *second = NULL;
  g_autofree char *out = g_build_filename (self->scratch, "out.gguf", NULL);
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (EspWorkerAccess) access = _esp_worker_access_new ();

  _esp_worker_access_add_weights (access, first);
  _esp_worker_access_give (access, arguments);
  _esp_worker_access_add_weights (access, first);
  g_assert_true (_esp_worker_access_is_given (access));

  /* One more beside it is no reason to start anew, until it is asked for. */
  second = make (self->scratch, "loras/b.safetensors");
  _esp_worker_access_add_weights (access, first);
  g_assert_true (_esp_worker_access_is_given (access));
  _esp_worker_access_add_weights (access, second);
  g_assert_false (_esp_worker_access_is_given (access));
  _esp_worker_access_give (access, arguments);

  /* The folder is more than its files, and then enough for all of them. */
  _esp_worker_access_add_weights (access, folder);
  g_assert_false (_esp_worker_access_is_given (access));
  _esp_worker_access_give (access, arguments);
  g_free (make (folder, "c.safetensors"));
  _esp_worker_access_add_weights (access, folder);
  g_assert_true (_esp_worker_access_is_given (access));

  /* Reading is not writing; and what is not there is left to the engine. */
  _esp_worker_access_add_output (access, first);
  g_assert_false (_esp_worker_access_is_given (access));
  _esp_worker_access_give (access, arguments);
  g_assert_true (gives (arguments, "--may-write", folder));
  _esp_worker_access_add_file (access, out);
  _esp_worker_access_add_model (access, "/nowhere/at/all");
  _esp_worker_access_add_model (access, "/");
  g_assert_true (_esp_worker_access_is_given (access));
}

#define ADD(path, test) g_test_add ("/backend/access/" path, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  /* G_TEST_OPTION_ISOLATE_DIRS leaks what it sets. */
  static const char *const names[]
      = { "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME" };
  g_autofree char *home = g_dir_make_tmp ("esp-worker-access-XXXXXX", NULL);
  int status;

  g_assert_nonnull (home);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *folder = g_build_filename (home, names[i], NULL);

      g_setenv (names[i], folder, TRUE);
    }
  g_test_init (&argc, &argv, NULL);
  ADD ("elsewhere", test_elsewhere);
  ADD ("expected", test_expected);
  ADD ("busy", test_busy);
  ADD ("cancelled-while-it-waits", test_cancelled_while_it_waits);
  ADD ("stopped-while-it-waits", test_stopped_while_it_waits);
  ADD ("links", test_links);
  ADD ("replaced", test_replaced);
  ADD ("lora", test_lora);
  ADD ("killed-by-the-system", test_killed_by_the_system);
  ADD ("a-file-is-not-its-folder", test_a_file_is_not_its_folder);
  ADD ("more-is-noticed", test_more_is_noticed);
  status = g_test_run ();
  run ((const char *const[]){ "rm", "-rf", home, NULL });
  return status;
}
