/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-key.c: what can be a key, and where the command line has it from. No key ring. */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-key-store.h"

static void
test_key (void)
{
  g_autoptr (EspKey) key = esp_key_new (" \tsk-canary\n");
  g_autoptr (EspKey) same = esp_key_ref (key);
  g_autofree char *text = g_strnfill (10000, 'k');
  g_autoptr (EspKey) large = esp_key_new (text);

  g_assert_cmpstr (esp_key_get (same), ==, "sk-canary");
  g_assert_cmpstr (esp_key_get (large), ==, text);
}

static void
test_problems (void)
{
  static const char *const wrong[] = { "",
                                       "  \n",
                                       "a\nb",
                                       "a\r\nb",
                                       "a\tb",
                                       "a\x7f"
                                       "b",
                                       "schlüssel" };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_nonnull (esp_key_problem (wrong[i]));
  g_assert_null (esp_key_problem ("sk-live_12.34:56/=="));
  g_assert_null (esp_key_problem (" padded\n"));
}

static void
test_variable (void)
{
  g_autofree char *name = esp_key_variable_name ("oxen-flux-kontext-dev-2");
  g_autoptr (EspKey) key = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (name, ==, "ESPALIER_KEY_OXEN_FLUX_KONTEXT_DEV_2");
  g_setenv (name, "from-the-environment\n", TRUE);
  key = esp_key_find ("oxen-flux-kontext-dev-2", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (key), ==, "from-the-environment");

  g_setenv (name, "two\nlines", TRUE);
  g_assert_null (esp_key_find ("oxen-flux-kontext-dev-2", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_null (strstr (error->message, "two"));
  g_unsetenv (name);
}

static void
test_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("esp-key-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "key", NULL);
  g_autofree char *large = g_strnfill (70 * 1024, 'k');
  g_autoptr (EspKey) key = NULL;
  g_autoptr (GError) error = NULL;

  /* A file is asked first. */
  g_setenv ("ESPALIER_KEY_X", "from-the-environment", TRUE);
  g_assert_true (g_file_set_contents (path, "  from-the-file \nsecond line\n", -1, NULL));
  key = esp_key_find ("x", path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (key), ==, "from-the-file");

  g_assert_null (esp_key_find ("x", folder, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (path, "\n\n", -1, NULL));
  g_assert_null (esp_key_find ("x", path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (path, large, -1, NULL));
  g_assert_null (esp_key_find ("x", path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&error);

  g_remove (path);
  g_assert_null (esp_key_find ("x", path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_rmdir (folder);
  g_unsetenv ("ESPALIER_KEY_X");
}

/* A server: no bus, no key ring. */
static void
test_nowhere (void)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", TRUE);
  g_assert_null (esp_key_find ("nobody", NULL, &error));
  g_assert_no_error (error);
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
test_no_key_ring (void)
{
  g_autoptr (GAsyncResult) saved = NULL, loaded = NULL;
  g_autoptr (EspKey) key = esp_key_new ("sk-canary");
  g_autoptr (GError) error = NULL;

  esp_key_store_save_async ("a", "A", key, NULL, on_over, &saved);
  while (saved == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (esp_key_store_save_finish (saved, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_null (strstr (error->message, "canary"));
  g_clear_error (&error);

  esp_key_store_load_async ("a", NULL, on_over, &loaded);
  while (loaded == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (esp_key_store_load_finish (loaded, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("SECRET_BACKEND");
  g_test_add_func ("/accounts/key/memory", test_key);
  g_test_add_func ("/accounts/key/problems", test_problems);
  g_test_add_func ("/accounts/key/variable", test_variable);
  g_test_add_func ("/accounts/key/file", test_file);
  g_test_add_func ("/accounts/key/nowhere", test_nowhere);
  g_test_add_func ("/accounts/key/no-key-ring", test_no_key_ring);
  return g_test_run ();
}
