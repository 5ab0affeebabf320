/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-catalog.c: descriptors in folders, and what changes there. */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-provider-catalog.h"

typedef struct
{
  char *scratch, *shipped, *own;
  char *text; /* of a descriptor with the id "small" and the name "A small one" */
  EspProviderCatalog *catalog;
  guint n_changes, position, removed, added;
} Fixture;

static void
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

/* The descriptor with another id and name. */
static char *
variant (Fixture *fixture, const char *id, const char *name)
{
  GString *text = g_string_new (fixture->text);

  g_string_replace (text, "\"small\"", id, 1);
  g_string_replace (text, "A small one", name, 1);
  return g_string_free (text, FALSE);
}

static void
write_variant (Fixture *fixture, const char *folder, const char *file, const char *id,
               const char *name)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", id);
  g_autofree char *text = variant (fixture, quoted, name);

  write_file (folder, file, text);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *small = g_build_filename (g_getenv ("ESP_PROVIDER_FILES"), "small.json", NULL);

  fixture->scratch = g_dir_make_tmp ("espalier-catalog-XXXXXX", NULL);
  fixture->shipped = g_build_filename (fixture->scratch, "shipped", NULL);
  fixture->own = g_build_filename (fixture->scratch, "config", "espalier", "providers", NULL);
  g_assert_true (g_file_get_contents (small, &fixture->text, NULL, NULL));
  g_assert_cmpint (g_mkdir (fixture->shipped, 0700), ==, 0);
  write_variant (fixture, fixture->shipped, "beta.json", "beta", "Beta");
  write_variant (fixture, fixture->shipped, "alpha.json", "alpha", "Alpha");
  write_file (fixture->shipped, "schema.json", "{}");
  write_file (fixture->shipped, "meson.build", "no");
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_tree (child);
      else
        g_remove (child);
    }

  g_remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_finalize_object (fixture->catalog);
  remove_tree (fixture->scratch);
  g_free (fixture->scratch);
  g_free (fixture->shipped);
  g_free (fixture->own);
  g_free (fixture->text);
}

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, Fixture *fixture)
{
  fixture->n_changes++;
  fixture->position = position;
  fixture->removed = removed;
  fixture->added = added;
}

static void
open_catalog (Fixture *fixture)
{
  fixture->catalog = esp_provider_catalog_new (fixture->shipped, fixture->own);
  g_signal_connect (fixture->catalog, "items-changed", G_CALLBACK (on_items_changed), fixture);
}

static void
make_own (Fixture *fixture)
{
  g_assert_cmpint (g_mkdir_with_parents (fixture->own, 0700), ==, 0);
}

/* "name|name (!)" of the list; "(!)" is one with a problem. */
static char *
describe (Fixture *fixture)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (fixture->catalog)); i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (G_LIST_MODEL (fixture->catalog), i);

      g_string_append_printf (text, "%s%s%s", i > 0 ? "|" : "", esp_provider_get_name (provider),
                              esp_provider_get_problem (provider) != NULL ? " (!)" : "");
    }

  return g_string_free (text, FALSE);
}

/* Waits until the list is so; what never comes ends with the test's time limit. */
static void
wait_for (Fixture *fixture, const char *expected)
{
  for (;;)
    {
      g_autofree char *now = describe (fixture);

      if (g_str_equal (now, expected))
        return;
      g_main_context_iteration (NULL, TRUE);
    }
}

static void
assert_is (Fixture *fixture, const char *expected)
{
  g_autofree char *now = describe (fixture);

  g_assert_cmpstr (now, ==, expected);
}

static void
test_shipped (Fixture *fixture, gconstpointer data)
{
  EspProvider *provider;

  open_catalog (fixture);
  assert_is (fixture, "Alpha|Beta");
  provider = esp_provider_catalog_find (fixture->catalog, "beta");
  g_assert_cmpstr (esp_provider_get_name (provider), ==, "Beta");
  g_assert_false (esp_provider_is_own (provider));
  g_assert_null (esp_provider_catalog_find (fixture->catalog, "gamma"));
  g_assert_cmpstr (esp_provider_catalog_get_own_folder (fixture->catalog), ==, fixture->own);
  g_assert_true (g_list_model_get_item_type (G_LIST_MODEL (fixture->catalog)) == ESP_TYPE_PROVIDER);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (fixture->catalog), 2));
  /* Looking makes nothing. */
  g_assert_false (g_file_test (fixture->own, G_FILE_TEST_EXISTS));
}

static void
test_own (Fixture *fixture, gconstpointer data)
{
  EspProvider *provider;

  make_own (fixture);
  write_variant (fixture, fixture->own, "mine.json", "mine", "Aardvark");
  write_variant (fixture, fixture->own, ".hidden.json", "hidden", "Hidden");
  write_variant (fixture, fixture->own, "mine.json~", "backup", "Backup");
  open_catalog (fixture);
  assert_is (fixture, "Aardvark|Alpha|Beta");
  provider = esp_provider_catalog_find (fixture->catalog, "mine");
  g_assert_true (esp_provider_is_own (provider));
  g_assert_true (g_str_has_suffix (esp_provider_get_path (provider), "/mine.json"));
}

/* A descriptor with an error is shown with it, and does no harm. */
static void
test_broken (Fixture *fixture, gconstpointer data)
{
  EspProvider *provider;

  make_own (fixture);
  write_file (fixture->own, "alpha.json", "{\n\"id\": 5 }");
  write_file (fixture->own, "nonsense.json", "\001\002");
  g_assert_cmpint (g_mkdir (fixture->own, 0700), ==, -1);
  {
    g_autofree char *folder = g_build_filename (fixture->own, "folder.json", NULL);

    g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  }
  open_catalog (fixture);
  assert_is (fixture, "Alpha|Beta|alpha.json (!)|folder.json (!)|nonsense.json (!)");

  /* The shipped one with this id is still what the id means. */
  provider = esp_provider_catalog_find (fixture->catalog, "alpha");
  g_assert_null (esp_provider_get_problem (provider));
  provider = esp_provider_catalog_find (fixture->catalog, "nonsense");
  g_assert_nonnull (strstr (esp_provider_get_problem (provider), "nonsense.json:1: no JSON"));
  g_assert_true (esp_provider_is_own (provider));
}

static void
test_own_instead_of_shipped (Fixture *fixture, gconstpointer data)
{
  make_own (fixture);
  write_variant (fixture, fixture->own, "better.json", "alpha", "Better alpha");
  open_catalog (fixture);
  assert_is (fixture, "Beta|Better alpha");
  g_assert_true (esp_provider_is_own (esp_provider_catalog_find (fixture->catalog, "alpha")));
}

static void
test_twins (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspProvider) twin = NULL;

  make_own (fixture);
  write_variant (fixture, fixture->own, "one.json", "mine", "One");
  write_variant (fixture, fixture->own, "two.json", "mine", "Two");
  open_catalog (fixture);
  assert_is (fixture, "Alpha|Beta|One|two.json (!)");
  twin = g_list_model_get_item (G_LIST_MODEL (fixture->catalog), 3);
  g_assert_cmpstr (esp_provider_get_problem (twin), ==,
                   "two.json:3: id: “mine” is the id of one.json, too");
}

static void
test_comes_and_goes (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->own, "mine.json", NULL);
  EspProvider *alpha;

  make_own (fixture);
  open_catalog (fixture);
  assert_is (fixture, "Alpha|Beta");
  alpha = esp_provider_catalog_find (fixture->catalog, "alpha");

  write_variant (fixture, fixture->own, "mine.json", "mine", "Amber");
  wait_for (fixture, "Alpha|Amber|Beta");
  g_assert_cmpuint (fixture->position, ==, 1);
  g_assert_cmpuint (fixture->removed, ==, 0);
  g_assert_cmpuint (fixture->added, ==, 1);

  write_variant (fixture, fixture->own, "mine.json", "mine", "Zebra");
  wait_for (fixture, "Alpha|Beta|Zebra");

  write_file (fixture->own, "mine.json", "{ \"id\": ");
  wait_for (fixture, "Alpha|Beta|mine.json (!)");

  write_variant (fixture, fixture->own, "mine.json", "mine", "Zebra");
  wait_for (fixture, "Alpha|Beta|Zebra");

  g_remove (path);
  wait_for (fixture, "Alpha|Beta");
  g_assert_true (esp_provider_catalog_find (fixture->catalog, "alpha") == alpha);
}

/* One that did not change stays the same object, and nothing is told of it. */
static void
test_unchanged (Fixture *fixture, gconstpointer data)
{
  EspProvider *mine;
  guint n_changes;

  make_own (fixture);
  write_variant (fixture, fixture->own, "mine.json", "mine", "Mine");
  open_catalog (fixture);
  mine = esp_provider_catalog_find (fixture->catalog, "mine");

  write_variant (fixture, fixture->own, "mine.json", "mine", "Mine");
  write_variant (fixture, fixture->own, "next.json", "next", "Next");
  wait_for (fixture, "Alpha|Beta|Mine|Next");
  g_assert_true (esp_provider_catalog_find (fixture->catalog, "mine") == mine);
  g_assert_cmpuint (fixture->removed, ==, 0);

  n_changes = fixture->n_changes;
  write_file (fixture->own, "notes.txt", "not a descriptor");
  write_variant (fixture, fixture->own, "other.json", "other", "Other");
  wait_for (fixture, "Alpha|Beta|Mine|Next|Other");
  g_assert_cmpuint (fixture->n_changes, ==, n_changes + 1);
}

/* Not even the folders above it are there when the program starts. */
static void
test_folder_comes_later (Fixture *fixture, gconstpointer data)
{
  g_autofree char *config = g_build_filename (fixture->scratch, "config", NULL);
  g_autofree char *between = g_build_filename (config, "espalier", NULL);

  open_catalog (fixture);
  assert_is (fixture, "Alpha|Beta");

  /* One at a time, with the main loop in between, and all at once. */
  g_assert_cmpint (g_mkdir (config, 0700), ==, 0);
  for (int i = 0; i < 3; i++)
    {
      g_usleep (60000);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
  g_assert_cmpint (g_mkdir_with_parents (fixture->own, 0700), ==, 0);
  write_variant (fixture, fixture->own, "mine.json", "mine", "Mine");
  wait_for (fixture, "Alpha|Beta|Mine");

  /* And again after everything went. */
  remove_tree (between);
  wait_for (fixture, "Alpha|Beta");
  g_assert_cmpint (g_mkdir_with_parents (fixture->own, 0700), ==, 0);
  write_variant (fixture, fixture->own, "again.json", "again", "Once more");
  wait_for (fixture, "Alpha|Beta|Once more");
}

/* As editors save: under another name, then renamed. */
static void
test_moved_into_place (Fixture *fixture, gconstpointer data)
{
  g_autofree char *from = g_build_filename (fixture->scratch, "elsewhere.json", NULL);
  g_autofree char *to = g_build_filename (fixture->own, "mine.json", NULL);
  g_autofree char *renamed = g_build_filename (fixture->own, "mine.txt", NULL);

  make_own (fixture);
  open_catalog (fixture);
  write_variant (fixture, fixture->scratch, "elsewhere.json", "mine", "Moved");
  g_assert_cmpint (g_rename (from, to), ==, 0);
  wait_for (fixture, "Alpha|Beta|Moved");
  g_assert_cmpint (g_rename (to, renamed), ==, 0);
  wait_for (fixture, "Alpha|Beta");
}

/* The folders of the program ($ESPALIER_DATA_DIR) and of the person. */
static void
test_default_folders (Fixture *fixture, gconstpointer data)
{
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "espalier", "providers", NULL);

  fixture->catalog = esp_provider_catalog_new (NULL, NULL);
  g_assert_nonnull (esp_provider_catalog_find (fixture->catalog, "runpod-flux-kontext-dev"));
  g_assert_cmpstr (esp_provider_catalog_get_own_folder (fixture->catalog), ==, own);
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  /* Nothing of the person's is looked at. */
  g_setenv ("XDG_CONFIG_HOME", "/nonexistent/espalier-test", TRUE);
  g_test_init (&argc, &argv, NULL);

  ADD ("/catalog/shipped", test_shipped);
  ADD ("/catalog/own", test_own);
  ADD ("/catalog/broken", test_broken);
  ADD ("/catalog/own-instead-of-shipped", test_own_instead_of_shipped);
  ADD ("/catalog/twins", test_twins);
  ADD ("/catalog/comes-and-goes", test_comes_and_goes);
  ADD ("/catalog/unchanged", test_unchanged);
  ADD ("/catalog/folder-comes-later", test_folder_comes_later);
  ADD ("/catalog/moved-into-place", test_moved_into_place);
  ADD ("/catalog/default-folders", test_default_folders);

  return g_test_run ();
}
