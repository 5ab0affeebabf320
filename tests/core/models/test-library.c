/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <utime.h>

#include "esp-installation.h"
#include "esp-local-backend.h"
#include "esp-model-library.h"
#include "models-fixture.h"

static guint
count (EspModelLibrary *library)
{
  return g_list_model_get_n_items (G_LIST_MODEL (library));
}

/* The demo model alone, which comes with the program. */
static void
test_installation (void)
{
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  EspLibraryModel *demo = esp_model_library_find (library, "demo");

  g_assert_cmpuint (count (library), ==, 1);
  g_assert_nonnull (demo);
  g_assert_true (esp_library_model_is_demo (demo));
  g_assert_false (esp_library_model_is_own (demo));
  g_assert_true (esp_library_model_is_default (demo));
  g_assert_null (esp_library_model_get_problem (demo));
  g_assert_cmpstr (esp_library_model_get_licence (demo), ==, "CC0-1.0");
  models_wait (esp_library_model_get_size (demo) > 10 << 20);
  g_assert_cmpuint (esp_library_model_measure (demo), ==, esp_library_model_get_size (demo));
}

static void
on_changed (gpointer source, guint *n)
{
  (*n)++;
}

/* What others do in the folder is seen. */
static void
test_follows (void)
{
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  g_autofree char *folder = models_install ("later", NULL);
  g_autofree char *transformer = g_build_filename (folder, "transformer", NULL);
  EspLibraryModel *model;
  guint changes = 0;

  models_wait (count (library) == 2);
  model = esp_model_library_find (library, "later");
  g_assert_true (esp_library_model_is_own (model));
  g_assert_true (esp_library_model_is_default (model));
  g_assert_null (esp_library_model_get_problem (model));
  g_signal_connect (model, "changed", G_CALLBACK (on_changed), &changes);

  /* A part that goes is named. */
  g_assert_cmpint (g_unlink (transformer), ==, 0);
  esp_model_library_refresh (library);
  g_assert_cmpuint (changes, >, 0);
  g_assert_cmpstr (esp_library_model_get_missing (model)[0], ==, "transformer");
  g_assert_nonnull (strstr (esp_library_model_get_problem (model), transformer));
  g_assert_true (esp_model_library_find (library, "later") == model);
  g_signal_handlers_disconnect_by_data (model, &changes);
}

/* The same default for window, command line and the backend. */
static void
test_default (void)
{
  g_autofree char *one = models_install ("one", NULL);
  g_autofree char *two = models_install ("two", "{\"id\": \"second\"}");
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  g_autoptr (EspModelLibrary) other = esp_model_library_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *chosen = NULL;

  g_assert_cmpstr (esp_library_model_get_id (esp_model_library_get_default (library)), !=,
                   "second");
  g_assert_true (esp_model_library_set_default (library, "second", &error));
  g_assert_no_error (error);
  chosen = esp_installation_find_default_model ();
  g_assert_cmpstr (chosen, ==, two);
  g_assert_cmpstr (esp_library_model_get_id (esp_model_library_get_default (library)), ==,
                   "second");
  models_wait (
      g_str_equal (esp_library_model_get_id (esp_model_library_get_default (other)), "second"));

  g_assert_false (esp_model_library_set_default (library, "third", &error));
  g_assert_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_UNKNOWN);
  g_clear_error (&error);
  g_assert_true (esp_model_library_set_default (library, NULL, &error));
  g_assert_cmpstr (esp_library_model_get_id (esp_model_library_get_default (library)), !=,
                   "second");
}

/* What is unfinished is hidden, and hidden is not listed. */
static void
test_hidden (void)
{
  g_autofree char *hidden = models_install (".downloads/x/files", NULL);
  g_autofree char *staged = models_install (".adding-x", NULL);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();

  for (guint i = 0; i < count (library); i++)
    {
      g_autoptr (EspLibraryModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);

      g_assert_null (strstr (esp_library_model_get_folder (model), "/."));
    }
}

/* A whole folder at once: an earlier library may still tidy up, and would take half of one. */
static char *
install_hidden (const char *name, gboolean long_ago)
{
  const struct utimbuf then = { 1000000000, 1000000000 };
  g_autofree char *made = models_install (".made", NULL);
  g_autofree char *parent = g_path_get_dirname (made);
  char *folder = g_build_filename (parent, name, NULL);

  if (long_ago)
    g_assert_cmpint (g_utime (made, (struct utimbuf *) &then), ==, 0);
  g_assert_cmpint (g_rename (made, folder), ==, 0);
  return folder;
}

/* What somebody was killed at does not stay for ever. */
static void
test_tidy (void)
{
  g_autofree char *removed = install_hidden (".removed-x-1", FALSE);
  g_autofree char *young = install_hidden (".adding-young", FALSE);
  g_autofree char *old = install_hidden (".adding-old", TRUE);
  g_autofree char *demo = g_build_filename (g_getenv ("ESP_DEMO_MODEL"), "model_index.json", NULL);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();

  models_wait (!g_file_test (removed, G_FILE_TEST_EXISTS)
               && !g_file_test (old, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (young, G_FILE_TEST_EXISTS));
  /* What links led to is somebody else's. */
  g_assert_true (g_file_test (demo, G_FILE_TEST_EXISTS));
}

static void
test_elsewhere (void)
{
  g_autofree char *file = models_write ("elsewhere/t.gguf", "12345", 5);
  g_autofree char *text = g_strdup_printf (
      "{\"name\": \"Far\", \"components\": {\"transformer\": \"%s\", \"clip\": \"c.bin\"}}", file);
  g_autofree char *manifest = models_write ("share/espalier/models/far/espalier.json", text, -1);
  g_autofree char *clip = models_write ("share/espalier/models/far/c.bin", "123", 3);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  EspLibraryModel *model = esp_model_library_find (library, "far");
  g_autoptr (EspModelRemoval) removal = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (model);
  g_assert_true (esp_library_model_is_elsewhere (model));
  g_assert_null (esp_library_model_get_problem (model));
  g_assert_cmpuint (esp_library_model_measure (model), ==, 5 + 3 + strlen (text));

  removal = esp_model_library_plan_removal (library, model);
  g_assert_cmpuint (removal->bytes, ==, 3 + strlen (text));
  g_assert_cmpstr (removal->kept[0], ==, file);
  g_assert_null (removal->kept[1]);

  /* A file elsewhere that goes is noticed. */
  g_unlink (file);
  models_wait (esp_library_model_get_problem (model) != NULL);
  g_free (models_write ("elsewhere/t.gguf", "12345", 5));
  models_wait (esp_library_model_get_problem (model) == NULL);

  esp_model_library_remove_async (library, model, FALSE, NULL, models_take, &result);
  models_wait (result != NULL);
  g_assert_true (esp_model_library_remove_finish (library, result, &error));
  g_assert_no_error (error);
  g_assert_null (esp_model_library_find (library, "far"));
  g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (manifest, G_FILE_TEST_EXISTS));
}

static EspModel *
find_in_backend (EspBackend *backend, const char *id)
{
  GListModel *models = esp_backend_get_models (backend);

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      if (g_str_equal (esp_model_get_id (model), id))
        return model; /* the list keeps it */
    }

  return NULL;
}

/* A disk that is unplugged and comes back: what is on it is missed, and there again by itself, in
 * the library as for turns. Its folder, or the folder that it is mounted on, comes and goes. */
static void
test_unplugged (void)
{
  static const char *const moved[] = { "media/disk/models", "media/disk", "media" };
  g_autofree char *file = models_write ("media/disk/models/t.gguf", "12345", 5);
  g_autofree char *text = g_strdup_printf ("{\"components\": {\"transformer\": \"%s\"}}", file);
  g_autofree char *manifest = models_write ("share/espalier/models/away/espalier.json", text, -1);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  g_autoptr (EspBackend) backend = esp_local_backend_new (NULL);
  EspLibraryModel *model = esp_model_library_find (library, "away");
  EspModel *usable = find_in_backend (backend, "away");

  g_assert_null (esp_library_model_get_problem (model));
  g_assert_cmpint (esp_model_get_state (usable), ==, ESP_MODEL_STARTING);
  for (guint i = 0; i < G_N_ELEMENTS (moved); i++)
    {
      g_autofree char *here = models_path (moved[i]);
      g_autofree char *there = g_strconcat (here, "-unplugged", NULL);

      g_assert_cmpint (g_rename (here, there), ==, 0);
      models_wait (esp_library_model_get_problem (model) != NULL);
      models_wait (esp_model_get_state (usable) == ESP_MODEL_BROKEN);
      g_assert_nonnull (strstr (esp_model_get_message (usable), file));
      g_assert_cmpint (g_rename (there, here), ==, 0);
      models_wait (esp_library_model_get_problem (model) == NULL);
      models_wait (esp_model_get_state (usable) == ESP_MODEL_STARTING);
    }
  g_assert_true (esp_model_library_find (library, "away") == model);
  g_unlink (manifest);
}

/* A model's folder that is a link onto another disk. */
static void
test_unplugged_link (void)
{
  g_autofree char *manifest
      = models_write ("disk/linked/espalier.json",
                      "{\"name\": \"Linked\", \"components\": {\"clip\": \"c.bin\"}}", -1);
  g_autofree char *clip = models_write ("disk/linked/c.bin", "123", 3);
  g_autofree char *target = models_path ("disk/linked");
  g_autofree char *link = models_path ("share/espalier/models/linked");
  g_autofree char *disk = models_path ("disk");
  g_autofree char *away = models_path ("disk-unplugged");
  g_autoptr (EspModelLibrary) library = NULL;

  g_assert_cmpint (symlink (target, link), ==, 0);
  library = esp_model_library_new ();
  g_assert_nonnull (esp_model_library_find (library, "linked"));
  g_assert_cmpint (g_rename (disk, away), ==, 0);
  models_wait (esp_model_library_find (library, "linked") == NULL);
  g_assert_cmpint (g_rename (away, disk), ==, 0);
  models_wait (esp_model_library_find (library, "linked") != NULL);
  g_unlink (link);
}

/* Nobody removes what somebody uses. */
static void
test_in_use (void)
{
  g_autofree char *folder = models_install ("used", NULL);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  EspLibraryModel *model = esp_model_library_find (library, "used");
  g_autoptr (GError) error = NULL;

  for (int used = 1; used >= 0; used--)
    {
      g_autoptr (GAsyncResult) result = NULL;
      int fd = used ? open (folder, O_RDONLY | O_CLOEXEC) : -1;
      gboolean removed;

      if (used)
        g_assert_cmpint (flock (fd, LOCK_SH), ==, 0);
      esp_model_library_remove_async (library, model, FALSE, NULL, models_take, &result);
      models_wait (result != NULL);
      removed = esp_model_library_remove_finish (library, result, &error);
      g_assert_cmpint (removed, ==, !used);
      g_assert_cmpint (g_file_test (folder, G_FILE_TEST_EXISTS), ==, used);
      if (used)
        {
          g_assert_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_IN_USE);
          g_clear_error (&error);
          close (fd);
        }
    }
}

static void
test_not_own (void)
{
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_model_library_remove_async (library, esp_model_library_find (library, "demo"), FALSE, NULL,
                                  models_take, &result);
  models_wait (result != NULL);
  g_assert_false (esp_model_library_remove_finish (library, result, &error));
  g_assert_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_NOT_OWN);
}

/* Formats that nobody noted are the engine's to tell. */
static void
test_examine (void)
{
  g_autofree char *folder = models_install ("unknown", NULL);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  g_autoptr (EspWorker) worker = esp_worker_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) stopped = NULL;
  g_autoptr (GError) error = NULL;
  EspLibraryModel *model = esp_model_library_find (library, "unknown");

  g_assert_null (esp_library_model_get_format (model));
  esp_model_library_examine_async (library, worker, NULL, models_take, &result);
  models_wait (result != NULL);
  g_assert_true (esp_model_library_examine_finish (library, result, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (esp_library_model_get_format (model), ==, "bf16");
  esp_worker_stop_async (worker, models_take, &stopped);
  models_wait (stopped != NULL);
}

/* What is in the library is in the backend's list. */
static void
test_backend (void)
{
  g_autoptr (EspBackend) backend = esp_local_backend_new (NULL);
  const char *demo = g_getenv ("ESP_DEMO_MODEL");
  g_autofree char *text = g_strdup_printf ("{\"components\": {\"transformer\": \"%s\"}}", demo);
  g_autofree char *manifest = models_write ("share/espalier/models/parts/espalier.json", text, -1);

  models_wait (find_in_backend (backend, "parts") != NULL);
}

int
main (int argc, char **argv)
{
  int status;

  models_home ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/models/library/installation", test_installation);
  g_test_add_func ("/models/library/follows", test_follows);
  g_test_add_func ("/models/library/default", test_default);
  g_test_add_func ("/models/library/hidden", test_hidden);
  g_test_add_func ("/models/library/tidy", test_tidy);
  g_test_add_func ("/models/library/elsewhere", test_elsewhere);
  g_test_add_func ("/models/library/unplugged", test_unplugged);
  g_test_add_func ("/models/library/unplugged-link", test_unplugged_link);
  g_test_add_func ("/models/library/in-use", test_in_use);
  g_test_add_func ("/models/library/not-own", test_not_own);
  g_test_add_func ("/models/library/examine", test_examine);
  g_test_add_func ("/models/library/backend", test_backend);
  status = g_test_run ();
  models_home_clear ();
  return status;
}
