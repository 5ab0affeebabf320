/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>

#include "esp-installation.h"

static char *scratch;

static char *
make_model (const char *parent, const char *name, const char *manifest)
{
  char *folder = g_build_filename (parent, name, NULL);
  g_autofree char *index = g_build_filename (folder, "model_index.json", NULL);
  g_autofree char *file = g_build_filename (folder, "espalier.json", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (index, "{}", -1, NULL));
  if (manifest != NULL)
    g_assert_true (g_file_set_contents (file, manifest, -1, NULL));
  return folder;
}

static void
test_manifest (void)
{
  g_autofree char *demo = make_model (
      scratch, "d",
      "{\"id\":\"i\",\"name\":\"N\",\"kind\":\"demo\",\"instructions\":[\"a\",1,\"b\"]}");
  g_autofree char *bare = make_model (scratch, "bare", NULL);
  g_autofree char *broken = make_model (scratch, "broken", "{\"id\":");
  g_autoptr (EspInstalledModel) a = esp_installed_model_new (demo);
  g_autoptr (EspInstalledModel) b = esp_installed_model_new (bare);
  g_autoptr (EspInstalledModel) c = esp_installed_model_new (broken);

  g_assert_cmpstr (a->id, ==, "i");
  g_assert_cmpstr (a->name, ==, "N");
  g_assert_true (a->is_demo);
  g_assert_cmpuint (g_strv_length (a->instructions), ==, 2);
  g_assert_cmpstr (b->id, ==, "bare");
  g_assert_cmpstr (b->name, ==, "bare");
  g_assert_false (b->is_demo);
  g_assert_cmpstr (c->id, ==, "broken");
  g_assert_null (esp_installed_model_new (scratch));
  g_assert_null (esp_installed_model_new ("/nonexistent"));
}

static void
test_default_model (void)
{
  g_autofree char *data = g_build_filename (scratch, "data", NULL);
  g_autofree char *models = g_build_filename (data, "models", NULL);
  g_autofree char *demo = make_model (models, "demo", "{\"kind\":\"demo\"}");
  g_autofree char *user = esp_installation_get_user_models ();
  g_autofree char *first = NULL;
  g_autofree char *full = NULL;
  g_autofree char *second = NULL;
  g_autofree char *named = NULL;
  g_autoptr (GPtrArray) listed = NULL;

  g_assert_true (g_str_has_prefix (user, scratch));
  g_setenv ("ESPALIER_DATA_DIR", data, TRUE);
  g_unsetenv ("ESPALIER_MODEL");

  first = esp_installation_find_default_model ();
  g_assert_cmpstr (first, ==, demo);

  full = make_model (user, "full", NULL);
  second = esp_installation_find_default_model ();
  g_assert_cmpstr (second, ==, full);
  listed = esp_installation_list_models ();
  g_assert_cmpuint (listed->len, ==, 2);
  g_assert_true (((EspInstalledModel *) g_ptr_array_index (listed, 0))->is_user);

  g_setenv ("ESPALIER_MODEL", "/somewhere", TRUE);
  named = esp_installation_find_default_model ();
  g_assert_cmpstr (named, ==, "/somewhere");
}

static void
test_engine (void)
{
  g_autofree char *named = NULL;
  g_autofree char *found = NULL;

  g_setenv ("ESPALIER_ENGINE", "/x/engine", TRUE);
  named = esp_installation_find_engine ();
  g_assert_cmpstr (named, ==, "/x/engine");

  g_unsetenv ("ESPALIER_ENGINE");
  found = esp_installation_find_engine ();
  g_assert_true (g_str_has_suffix (found, "/espalier-engine"));
  g_assert_true (g_file_test (found, G_FILE_TEST_IS_EXECUTABLE));
}

/* This program is in a build folder, three levels down as the window's is. */
static void
test_build_folder (void)
{
  g_autofree char *data = NULL;
  g_autofree char *models = NULL;
  g_autofree char *translations = NULL;
  g_autofree char *named = NULL;

  g_unsetenv ("ESPALIER_DATA_DIR");
  g_unsetenv ("ESPALIER_LOCALE_DIR");
  data = esp_installation_find_data ();
  models = g_build_filename (data, "models", NULL);
  if (g_file_test (models, G_FILE_TEST_IS_DIR))
    g_assert_true (g_path_is_absolute (data));
  else
    g_test_skip ("the build folder is not in the source tree");

  translations = esp_installation_find_translations ();
  g_assert_true (g_str_has_suffix (translations, "/po"));
  g_setenv ("ESPALIER_LOCALE_DIR", "/x/locale", TRUE);
  named = esp_installation_find_translations ();
  g_assert_cmpstr (named, ==, "/x/locale");
}

int
main (int argc, char **argv)
{
  g_autofree char *home = NULL;
  int status;

  scratch = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  home = g_build_filename (scratch, "home", NULL);
  g_setenv ("XDG_DATA_HOME", home, TRUE);

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/backend/installation/manifest", test_manifest);
  g_test_add_func ("/backend/installation/default-model", test_default_model);
  g_test_add_func ("/backend/installation/engine", test_engine);
  g_test_add_func ("/backend/installation/build-folder", test_build_folder);
  status = g_test_run ();

  {
    g_autofree char *command = g_strdup_printf ("rm -rf '%s'", scratch);

    if (!g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL))
      g_printerr ("# %s could not be removed\n", scratch);
  }
  g_free (scratch);
  return status;
}
