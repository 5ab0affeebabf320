/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-preferences.c: what is chosen is stored at once, and what is stored is shown. */
#include <adwaita.h>

#include "esp-folder-size.h"
#include "esp-preferences-window.h"
#include "fake-backend.h"
#include "scratch-wait.h"
#include "widgets.h"

static gboolean
is_row_titled (GtkWidget *widget, gconstpointer title)
{
  return ADW_IS_PREFERENCES_ROW (widget)
         && g_strcmp0 (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (widget)), title) == 0;
}

static GtkWidget *
find_row (GtkWidget *widget, const char *title)
{
  return widgets_find (widget, is_row_titled, title);
}

static void
test_settings (void)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  g_autoptr (EspRegistry) registry = esp_registry_new ();
  g_autoptr (FakeBackend) fake = fake_backend_new ("fake", 1);
  GtkWindow *window;
  GtkWidget *row;
  g_autofree char *text = NULL;

  esp_registry_add (registry, ESP_BACKEND (fake));
  g_settings_set_string (settings, "history-orientation", "left-right");
  g_settings_set_int (settings, "canvas-lightness", 40);
  window = esp_preferences_window_new (NULL, registry);
  gtk_window_present (window);

  row = find_row (GTK_WIDGET (window), "Style");
  adw_combo_row_set_selected (ADW_COMBO_ROW (row), 2);
  text = g_settings_get_string (settings, "color-scheme");
  g_assert_cmpstr (text, ==, "dark");

  row = find_row (GTK_WIDGET (window), "History Grows");
  g_assert_cmpuint (adw_combo_row_get_selected (ADW_COMBO_ROW (row)), ==, 1);
  adw_combo_row_set_selected (ADW_COMBO_ROW (row), 0);
  g_assert_cmpint (g_settings_get_enum (settings, "history-orientation"), ==,
                   GTK_ORIENTATION_VERTICAL);

  row = find_row (GTK_WIDGET (window), "Show the Steps");
  g_assert_true (gtk_widget_activate (row));
  g_assert_false (g_settings_get_boolean (settings, "step-previews"));

  row = find_row (GTK_WIDGET (window), "Own Grey Around the Image");
  g_assert_true (adw_expander_row_get_enable_expansion (ADW_EXPANDER_ROW (row)));
  g_assert_cmpint (g_settings_get_int (settings, "canvas-lightness"), ==, 40);
  adw_expander_row_set_enable_expansion (ADW_EXPANDER_ROW (row), FALSE);
  g_assert_cmpint (g_settings_get_int (settings, "canvas-lightness"), ==, -1);

  /* The model is what new turns start with. */
  row = find_row (GTK_WIDGET (window), "Model");
  g_assert_cmpuint (g_list_model_get_n_items (adw_combo_row_get_model (ADW_COMBO_ROW (row))), ==,
                    1);
  gtk_window_destroy (window);
}

/* The models that are installed are listed with where they are. */
static void
test_models (void)
{
  g_autoptr (EspRegistry) registry = esp_registry_new ();
  GtkWindow *window = esp_preferences_window_new (NULL, registry);
  GtkWidget *row = find_row (GTK_WIDGET (window), "Espalier demo model");

  g_assert_nonnull (row);
  g_assert_true (
      g_str_has_suffix (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), "/models/demo"));
  gtk_window_destroy (window);
}

static void
test_folder_size (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("size-XXXXXX", NULL);
  g_autofree char *one = g_build_filename (folder, "one", NULL);
  g_autofree char *two = g_build_filename (folder, "two", NULL);
  guint64 bytes = 0, n_files = 0;

  g_assert_true (g_file_set_contents (one, "12345", 5, NULL));
  g_assert_true (g_file_set_contents (two, "1234567", 7, NULL));
  esp_folder_measure_async (folder, NULL, scratch_take_result, &result);
  g_assert_true (
      esp_folder_measure_finish (scratch_wait_for_result (&result), &bytes, &n_files, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_files, ==, 2);
  g_assert_cmpuint (bytes, >=, 12);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);

  g_test_add_func ("/preferences/settings", test_settings);
  g_test_add_func ("/preferences/models", test_models);
  g_test_add_func ("/preferences/folder-size", test_folder_size);
  return g_test_run ();
}
