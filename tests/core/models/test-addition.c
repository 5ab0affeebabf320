/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-model-addition.h"
#include "models-fixture.h"

typedef struct
{
  EspModelLibrary *library;
  EspWorker *worker;
  EspModelAddition *addition;
  char *folder; /* a copy of the demo model that nobody else has */
} World;

static void
world_set_up (World *self, gconstpointer data)
{
  static guint n;
  g_autofree char *name = g_strdup_printf ("files-%u/Demo Copy", ++n);

  self->library = esp_model_library_new ();
  self->worker = esp_worker_new (NULL);
  self->addition = esp_model_addition_new (self->library, self->worker);
  self->folder = models_path (name);
  models_copy (g_getenv ("ESP_DEMO_MODEL"), self->folder);
}

static void
world_tear_down (World *self, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_worker_stop_async (self->worker, models_take, &result);
  models_wait (result != NULL);
  g_clear_object (&self->addition);
  g_clear_object (&self->worker);
  g_clear_object (&self->library);
  g_free (self->folder);
}

static gboolean
add (World *self, const char *path, GError **error)
{
  const char *const paths[] = { path, NULL };
  g_autoptr (GAsyncResult) result = NULL;

  esp_model_addition_add_async (self->addition, paths, NULL, models_take, &result);
  models_wait (result != NULL);
  return esp_model_addition_add_finish (self->addition, result, error);
}

static char *
commit (World *self, EspModelAddMode mode, EspModelAddProgress progress, gpointer data,
        GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_model_addition_commit_async (self->addition, mode, NULL, progress, data, models_take,
                                   &result);
  models_wait (result != NULL);
  return esp_model_addition_commit_finish (self->addition, result, error);
}

static const EspModelPart *
find (World *self, const char *component)
{
  for (guint i = 0; i < esp_model_addition_get_n_parts (self->addition); i++)
    {
      const EspModelPart *part = esp_model_addition_get_part (self->addition, i);

      if (g_str_equal (part->component, component))
        return part;
    }

  g_assert_not_reached ();
}

/* Can an edit be made with it? */
static void
expect_usable (World *self, const char *id)
{
  EspLibraryModel *model = esp_model_library_find (self->library, id);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) loaded = NULL;

  g_assert_nonnull (model);
  g_assert_null (esp_library_model_get_problem (model));
  esp_worker_load_async (self->worker, esp_library_model_get_folder (model), NULL, models_take,
                         &result);
  models_wait (result != NULL);
  loaded = esp_worker_load_finish (self->worker, result, &error);
  g_assert_no_error (error);
}

static void
test_folder (World *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  EspLibraryModel *model;

  g_assert_nonnull (esp_model_addition_get_problem (self->addition));
  g_assert_true (add (self, self->folder, &error));
  g_assert_no_error (error);
  g_assert_null (esp_model_addition_get_problem (self->addition));
  g_assert_cmpstr (esp_model_addition_get_name (self->addition), ==, "Demo Copy");
  g_assert_cmpstr (find (self, "transformer")->format, ==, "bf16");
  g_assert_cmpuint (find (self, "vae")->size, >, MAX (1, 1 << 20));
  g_assert_false (find (self, "vae")->found_beside);

  id = commit (self, ESP_MODEL_ADD_REFER, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (id, ==, "Demo-Copy");
  model = esp_model_library_find (self->library, id);
  g_assert_true (esp_library_model_is_elsewhere (model));
  g_assert_true (esp_library_model_is_own (model));
  /* What the model's own manifest said stays: it is a demo model. */
  g_assert_true (esp_library_model_is_demo (model));
  g_assert_cmpstr (esp_library_model_get_format (model), ==, "bf16");
  expect_usable (self, id);
}

static void
test_missing (World *self, gconstpointer data)
{
  g_autofree char *loose = models_make_loose (self->folder, FALSE);
  g_autofree char *file = g_build_filename (loose, "unet/kontext.safetensors", NULL);
  g_autofree char *vae = g_build_filename (self->folder, "vae", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;

  g_assert_true (add (self, file, &error));
  g_assert_no_error (error);
  g_test_message ("%s", esp_model_addition_get_problem (self->addition));
  g_assert_nonnull (strstr (esp_model_addition_get_problem (self->addition), "VAE"));
  g_assert_null (find (self, "vae")->path);
  g_assert_null (commit (self, ESP_MODEL_ADD_REFER, NULL, NULL, &error));
  g_assert_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_MISSING);
  g_clear_error (&error);

  /* The person points to it. */
  g_assert_true (add (self, vae, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (find (self, "vae")->path, ==, vae);
  g_assert_false (find (self, "vae")->found_beside);
}

static void
test_junk (World *self, gconstpointer data)
{
  g_autofree char *junk = models_write ("junk.safetensors", "no weights", -1);
  g_autofree char *empty = models_path ("empty");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (empty, 0755), ==, 0);
  g_assert_true (add (self, self->folder, &error));
  g_assert_false (add (self, junk, &error));
  g_assert_nonnull (strstr (error->message, "junk.safetensors"));
  g_clear_error (&error);
  g_assert_false (add (self, empty, &error));
  g_assert_nonnull (error);
  /* What was there before is still there. */
  g_assert_nonnull (find (self, "transformer")->path);
  g_assert_null (esp_model_addition_get_problem (self->addition));
}

static void
on_progress (guint64 done, guint64 total, gpointer data)
{
  guint64 *last = data;

  g_assert_cmpuint (done, >=, *last);
  g_assert_cmpuint (done, <=, total);
  *last = done;
}

static void
test_copy (World *self, gconstpointer data)
{
  gboolean moved = GPOINTER_TO_INT (data);
  g_autofree char *weights
      = g_build_filename (self->folder, "transformer/diffusion_pytorch_model.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  guint64 copied = 0;

  esp_model_addition_set_name (self->addition, moved ? "Moved: mine/yours" : "Copied");
  g_assert_true (add (self, self->folder, &error));
  id = commit (self, moved ? ESP_MODEL_ADD_MOVE : ESP_MODEL_ADD_COPY, on_progress, &copied, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (id, ==, moved ? "Moved-mine-yours" : "Copied");
  g_assert_cmpuint (copied, >, 10 << 20);
  g_assert_false (esp_library_model_is_elsewhere (esp_model_library_find (self->library, id)));
  g_assert_cmpint (g_file_test (weights, G_FILE_TEST_EXISTS), ==, !moved);
  expect_usable (self, id);
}

static void
test_name_taken (World *self, gconstpointer data)
{
  g_autofree char *taken = models_install ("taken", NULL);
  g_autofree char *models = esp_installation_get_user_models ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  esp_model_addition_set_name (self->addition, "taken");
  g_assert_true (add (self, self->folder, &error));
  g_assert_null (commit (self, ESP_MODEL_ADD_REFER, NULL, NULL, &error));
  g_assert_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_EXISTS);

  dir = g_dir_open (models, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_assert_false (g_str_has_prefix (name, ".adding"));
}

static void
test_loose (World *self, gconstpointer data)
{
  g_autofree char *loose = models_make_loose (self->folder, TRUE);
  g_autofree char *file = g_build_filename (loose, "unet/kontext.safetensors", NULL);
  g_autofree char *vae = g_build_filename (loose, "vae/ae.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;

  g_assert_true (add (self, file, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (find (self, "vae")->path, ==, vae);
  g_assert_true (find (self, "vae")->found_beside);
  g_assert_nonnull (find (self, "clip")->path);
  g_assert_nonnull (find (self, "t5")->path);
  g_assert_nonnull (find (self, "tokenizer")->path);
  g_assert_nonnull (find (self, "tokenizer_2")->path);
  g_assert_null (esp_model_addition_get_problem (self->addition));
  id = commit (self, ESP_MODEL_ADD_REFER, NULL, NULL, &error);
  g_assert_no_error (error);
  expect_usable (self, id);
}

#define ADD(name, data, function)                                                                  \
  g_test_add ("/models/addition/" name, World, data, world_set_up, function, world_tear_down)

int
main (int argc, char **argv)
{
  int status;

  models_home ();
  g_test_init (&argc, &argv, NULL);
  ADD ("folder", NULL, test_folder);
  ADD ("missing", NULL, test_missing);
  ADD ("loose", NULL, test_loose);
  ADD ("junk", NULL, test_junk);
  ADD ("copy", GINT_TO_POINTER (FALSE), test_copy);
  ADD ("move", GINT_TO_POINTER (TRUE), test_copy);
  ADD ("name-taken", NULL, test_name_taken);
  status = g_test_run ();
  models_home_clear ();
  return status;
}
