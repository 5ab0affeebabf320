/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-mending.c: files of a model that were moved are found again, are the same or said not to be,
 * and the model is the one that it was. */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-model-addition.h"
#include "esp-model-facts.h"
#include "models-fixture.h"

typedef struct
{
  EspModelLibrary *library;
  EspWorker *worker;
  EspModelAddition *addition; /* of the model whose files are looked for; or NULL */
  char *base;                 /* what the case moves about in */
  char *loose;                /* base/ComfyUI, which the model refers to */
  char *id;
} World;

/* A model that refers to files elsewhere, and is the default. */
static void
world_set_up (World *self, gconstpointer data)
{
  static guint n;
  g_autofree char *name = g_strdup_printf ("mending-%u", ++n);
  g_autofree char *copy = NULL;
  g_autofree char *file = NULL;
  g_autoptr (EspModelAddition) addition = NULL;
  g_autoptr (GAsyncResult) added = NULL;
  g_autoptr (GAsyncResult) committed = NULL;
  g_autoptr (GError) error = NULL;

  self->library = esp_model_library_new ();
  self->worker = esp_worker_new (NULL);
  self->base = models_path (name);
  copy = g_build_filename (self->base, "copy", NULL);
  models_copy (g_getenv ("ESP_DEMO_MODEL"), copy);
  self->loose = models_make_loose (copy, TRUE);
  file = g_build_filename (self->loose, "unet/kontext.safetensors", NULL);

  addition = esp_model_addition_new (self->library, self->worker);
  esp_model_addition_set_name (addition, name);
  esp_model_addition_add_async (addition, (const char *const[]){ file, NULL }, NULL, models_take,
                                &added);
  models_wait (added != NULL);
  g_assert_true (esp_model_addition_add_finish (addition, added, &error));
  esp_model_addition_commit_async (addition, ESP_MODEL_ADD_REFER, NULL, NULL, NULL, models_take,
                                   &committed);
  models_wait (committed != NULL);
  self->id = esp_model_addition_commit_finish (addition, committed, &error);
  g_assert_no_error (error);
  g_assert_true (esp_model_library_set_default (self->library, self->id, &error));
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
  g_free (self->base);
  g_free (self->loose);
  g_free (self->id);
}

/* base/`from` becomes base/`to`. */
static void
move (World *self, const char *from, const char *to)
{
  g_autofree char *source = g_build_filename (self->base, from, NULL);
  g_autofree char *target = g_build_filename (self->base, to, NULL);
  g_autofree char *folder = g_path_get_dirname (target);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_cmpint (g_rename (source, target), ==, 0);
}

static EspLibraryModel *
get_model (World *self)
{
  return esp_model_library_find (self->library, self->id);
}

static void
begin (World *self)
{
  esp_model_library_refresh (self->library);
  g_assert_nonnull (esp_library_model_get_problem (get_model (self)));
  g_clear_object (&self->addition);
  self->addition = esp_model_addition_new_for_model (self->library, self->worker, get_model (self));
  g_assert_nonnull (esp_model_addition_get_problem (self->addition));
}

static gboolean
look (World *self, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (self->base, name, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  esp_model_addition_add_async (self->addition, (const char *const[]){ path, NULL }, NULL,
                                models_take, &result);
  models_wait (result != NULL);
  return esp_model_addition_add_finish (self->addition, result, error);
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

/* It is what it was, and can be used. */
static void
expect_mended (World *self)
{
  g_autofree char *folder = g_strdup (esp_library_model_get_folder (get_model (self)));
  g_autofree char *name = g_strdup (esp_library_model_get_name (get_model (self)));
  g_autofree char *staged = NULL;
  g_autoptr (GAsyncResult) committed = NULL;
  g_autoptr (GAsyncResult) loaded = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  g_autoptr (JsonObject) model = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *entry;

  g_assert_cmpstr (esp_model_addition_get_problem (self->addition), ==, NULL);
  esp_model_addition_commit_async (self->addition, ESP_MODEL_ADD_MOVE, NULL, NULL, NULL,
                                   models_take, &committed);
  models_wait (committed != NULL);
  id = esp_model_addition_commit_finish (self->addition, committed, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (id, ==, self->id);
  g_assert_cmpstr (esp_library_model_get_folder (get_model (self)), ==, folder);
  g_assert_cmpstr (esp_library_model_get_name (get_model (self)), ==, name);
  g_assert_cmpstr (esp_library_model_get_problem (get_model (self)), ==, NULL);
  g_assert_true (esp_library_model_is_default (get_model (self)));
  g_assert_true (esp_library_model_is_demo (get_model (self)) == (strstr (id, "mending") == NULL));

  esp_worker_load_async (self->worker, folder, NULL, models_take, &loaded);
  models_wait (loaded != NULL);
  model = esp_worker_load_finish (self->worker, loaded, &error);
  g_assert_no_error (error);

  staged = esp_installation_get_user_models ();
  dir = g_dir_open (staged, 0, NULL);
  while ((entry = g_dir_read_name (dir)) != NULL)
    g_assert_false (g_str_has_prefix (entry, ".adding"));
}

/* The folder that holds them all was moved: they are found wherever in it they are. */
static void
test_folder (World *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  move (self, "ComfyUI", "other disk/programs/ComfyUI");
  begin (self);
  g_assert_cmpuint (g_strv_length ((char **) esp_library_model_get_missing (get_model (self))), ==,
                    6);
  g_assert_true (look (self, "other disk", &error));
  g_assert_no_error (error);
  g_assert_nonnull (strstr (find (self, "clip")->path, "other disk/programs/ComfyUI/clip/clip_l"));
  g_assert_nonnull (strstr (find (self, "tokenizer_2")->path, "/ComfyUI/tokenizer_2"));
  g_assert_null (esp_model_addition_get_differences (self->addition)[0]);
  expect_mended (self);
}

/* One file is shown, the others lie where they lay from there. */
static void
test_beside (World *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  move (self, "ComfyUI", "moved/here");
  begin (self);
  g_assert_true (look (self, "moved/here/clip/t5xxl.safetensors", &error));
  g_assert_no_error (error);
  g_assert_nonnull (strstr (find (self, "transformer")->path, "moved/here/unet/kontext"));
  g_assert_nonnull (strstr (find (self, "tokenizer")->path, "moved/here/tokenizer"));
  expect_mended (self);
}

/* One that was moved and called something else; the rest stays as it is. */
static void
test_renamed (World *self, gconstpointer data)
{
  g_autofree char *vae = NULL;
  g_autoptr (GError) error = NULL;

  move (self, "ComfyUI/unet/kontext.safetensors", "big/flux.safetensors");
  begin (self);
  vae = g_strdup (find (self, "vae")->path);
  g_assert_nonnull (vae);
  g_assert_nonnull (find (self, "transformer")->was);
  g_assert_true (look (self, "big/flux.safetensors", &error));
  g_assert_no_error (error);
  g_assert_cmpstr (find (self, "vae")->path, ==, vae);
  g_assert_null (esp_model_addition_get_differences (self->addition)[0]);
  expect_mended (self);
}

/* Something else than what is gone is refused, and nothing is changed by it. */
static void
test_wrong (World *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *letter = models_write ("mending-letter/letter.txt", "hello", -1);
  g_autofree char *vae = NULL;

  move (self, "ComfyUI/clip/t5xxl.safetensors", "away/t5xxl.safetensors");
  begin (self);
  vae = g_strdup (find (self, "vae")->path);
  g_assert_false (look (self, "copy/vae/diffusion_pytorch_model.safetensors", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "t5xxl.safetensors"));
  g_clear_error (&error);
  g_assert_false (look (self, "../mending-letter", &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_cmpstr (find (self, "vae")->path, ==, vae);
  g_assert_null (find (self, "t5")->path);
  g_assert_nonnull (esp_model_addition_get_problem (self->addition));

  /* What is refused does not stand in the way. */
  g_assert_true (look (self, "away", &error));
  g_assert_no_error (error);
  expect_mended (self);
}

/* One of the same kind and size that is not the same says so. */
static void
test_other (World *self, gconstpointer data)
{
  g_autofree char *path = g_build_filename (self->base, "ComfyUI/unet/kontext.safetensors", NULL);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  for (gsize i = length / 4; i < length; i += 2) /* the low bytes of bf16: still numbers */
    bytes[i & ~(gsize) 1] ^= 1;
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_free (models_write ("mending-other/kontext.safetensors", bytes, (gssize) length));
  begin (self);
  g_assert_true (look (self, "../mending-other/kontext.safetensors", &error));
  g_assert_no_error (error);
  g_assert_nonnull (esp_model_addition_get_differences (self->addition)[0]);
  g_assert_nonnull (
      strstr (esp_model_addition_get_differences (self->addition)[0], "as large as before"));
  expect_mended (self);
}

/* A diffusers folder among the models from which a part was moved: the others stay named from the
 * folder, so that this can be moved on. */
static void
test_own_folder (World *self, gconstpointer data)
{
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *folder = g_build_filename (models, "whole", NULL);
  g_autofree char *vae = g_build_filename (folder, "vae", NULL);
  g_autofree char *away = g_build_filename (self->base, "vae moved", NULL);
  g_autofree char *path = g_build_filename (folder, "espalier.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) manifest = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *components;

  models_copy (g_getenv ("ESP_DEMO_MODEL"), folder);
  esp_model_library_refresh (self->library);
  g_free (self->id);
  self->id = g_strdup (esp_library_model_get_id (esp_model_library_find (self->library, "demo")));
  g_assert_cmpstr (esp_library_model_get_folder (get_model (self)), ==, folder);
  g_assert_true (esp_model_library_set_default (self->library, self->id, &error));
  g_assert_cmpint (g_rename (vae, away), ==, 0);
  begin (self);
  g_assert_true (look (self, "vae moved", &error));
  g_assert_no_error (error);
  expect_mended (self);

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  manifest = esp_json_parse_object (text);
  components = esp_json_get_object (manifest, "components");
  g_assert_cmpstr (esp_json_get_string (components, "vae"), ==, away);
  g_assert_cmpstr (esp_json_get_string (components, "transformer"), ==, "transformer");
  g_assert_nonnull (esp_json_get_array (manifest, "instructions")); /* all it said is still there */
}

/* --- Facts ------------------------------------------------------------------------------------ */

static void
test_facts (void)
{
  g_autofree guint8 *bytes = g_malloc0 (3 << 20);
  g_autofree char *one = models_write ("facts/one.bin", bytes, 3 << 20);
  g_autofree char *two = models_write ("facts/two.bin", bytes, 3 << 20);
  g_autofree char *nothing = models_write ("facts/nothing.bin", "", 0);
  g_autofree char *folder = models_path ("facts");
  g_autofree char *absent = models_path ("facts-absent");
  g_autoptr (JsonObject) first = _esp_model_facts_new (one, "bf16");
  g_autoptr (JsonObject) second = _esp_model_facts_new (two, NULL);
  g_autoptr (JsonObject) empty = _esp_model_facts_new (nothing, NULL);
  g_autoptr (JsonObject) whole = _esp_model_facts_new (folder, NULL);
  g_autoptr (JsonObject) other = NULL;
  g_autoptr (JsonObject) again = NULL;

  g_assert_null (_esp_model_facts_new (absent, NULL));
  g_assert_cmpint (_esp_model_facts_compare (first, second), ==, ESP_MODEL_FACTS_SAME);
  g_assert_cmpint (_esp_model_facts_compare (first, empty), ==, ESP_MODEL_FACTS_SIZE);
  g_assert_cmpint (_esp_model_facts_compare (NULL, second), ==, ESP_MODEL_FACTS_UNKNOWN);
  g_assert_cmpint (_esp_model_facts_compare (first, NULL), ==, ESP_MODEL_FACTS_UNKNOWN);
  g_assert_cmpfloat (esp_json_get_number (whole, "bytes", 0), ==, 2 * (3 << 20));

  bytes[(3 << 20) - 1] = 1; /* the last byte */
  g_free (models_write ("facts/two.bin", bytes, 3 << 20));
  other = _esp_model_facts_new (two, NULL);
  g_assert_cmpint (_esp_model_facts_compare (first, other), ==, ESP_MODEL_FACTS_CONTENTS);
  again = _esp_model_facts_new (folder, NULL);
  g_assert_cmpint (_esp_model_facts_compare (whole, again), ==, ESP_MODEL_FACTS_CONTENTS);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/models/mending/" name, World, NULL, world_set_up, function, world_tear_down)

int
main (int argc, char **argv)
{
  int status;

  models_home ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/models/mending/facts", test_facts);
  ADD ("folder", test_folder);
  ADD ("beside", test_beside);
  ADD ("renamed", test_renamed);
  ADD ("wrong", test_wrong);
  ADD ("other", test_other);
  ADD ("own-folder", test_own_folder);
  status = g_test_run ();
  models_home_clear ();
  return status;
}
