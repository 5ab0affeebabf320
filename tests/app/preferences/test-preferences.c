/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-preferences.c: what is chosen is stored at once, and what is stored is shown. */
#include <adwaita.h>
#include <glib/gstdio.h>

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

/* Descriptors and accounts of nobody, in a folder of their own. */
typedef struct
{
  char *folder, *own;
  EspProviderCatalog *catalog;
  EspAccounts *accounts;
  EspRegistry *registry;
} Scratch;

static Scratch *
scratch_new (void)
{
  Scratch *scratch = g_new0 (Scratch, 1);
  g_autofree char *file = NULL;

  scratch->folder = g_dir_make_tmp ("preferences-XXXXXX", NULL);
  scratch->own = g_build_filename (scratch->folder, "providers", NULL);
  g_assert_cmpint (g_mkdir (scratch->own, 0700), ==, 0);
  file = g_build_filename (scratch->folder, "accounts.json", NULL);
  scratch->catalog = esp_provider_catalog_new (NULL, scratch->own);
  scratch->accounts = esp_accounts_new (file);
  scratch->registry = esp_registry_new ();
  return scratch;
}

static void
scratch_free (Scratch *scratch)
{
  g_object_unref (scratch->registry);
  g_object_unref (scratch->accounts);
  g_object_unref (scratch->catalog);
  g_free (scratch->folder);
  g_free (scratch->own);
  g_free (scratch);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scratch, scratch_free)

static GtkWindow *
scratch_open (Scratch *scratch)
{
  GtkWindow *window
      = esp_preferences_window_new (NULL, scratch->registry, scratch->catalog, scratch->accounts);

  gtk_window_present (window);
  return window;
}

/* That of the row with this title. */
static GtkWidget *
find_spin (GtkWindow *window, const char *title)
{
  GtkWidget *row = find_row (GTK_WIDGET (window), title);

  g_assert_nonnull (row);
  return widgets_find_type (row, GTK_TYPE_SPIN_BUTTON);
}

static void
test_settings (void)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  g_autoptr (Scratch) scratch = scratch_new ();
  g_autoptr (FakeBackend) fake = fake_backend_new ("fake", 1);
  GtkWindow *window;
  GtkWidget *row;
  g_autofree char *text = NULL;

  esp_registry_add (scratch->registry, ESP_BACKEND (fake));
  g_settings_set_string (settings, "history-orientation", "left-right");
  g_settings_set_int (settings, "canvas-lightness", 40);
  window = scratch_open (scratch);

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

  /* What asks first: all three both ways. */
  row = find_spin (window, "Cells");
  g_assert_cmpfloat (gtk_spin_button_get_value (GTK_SPIN_BUTTON (row)), ==, 64);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (row), 10);
  g_assert_cmpint (g_settings_get_int (settings, "sweep-ask-cells"), ==, 10);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (find_spin (window, "Minutes")), 0);
  g_assert_cmpint (g_settings_get_int (settings, "sweep-ask-minutes"), ==, 0);
  g_settings_set_double (settings, "sweep-ask-cost", 1.25);
  g_assert_cmpfloat (gtk_spin_button_get_value (GTK_SPIN_BUTTON (find_spin (window, "Cost"))), ==,
                     1.25);

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

/* --- Providers -------------------------------------------------------------------------------- */

static gboolean
is_button_labelled (GtkWidget *widget, gconstpointer label)
{
  return GTK_IS_BUTTON (widget)
         && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0;
}

static void
press (GtkWindow *window, const char *label)
{
  GtkWidget *button = widgets_find_shown (GTK_WIDGET (window), is_button_labelled, label);

  g_assert_nonnull (button);
  g_signal_emit_by_name (button, "clicked");
}

static gboolean
is_label_with (GtkWidget *widget, gconstpointer text)
{
  return GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL;
}

static gboolean
says (GtkWindow *window, const char *text)
{
  return widgets_find_shown (GTK_WIDGET (window), is_label_with, text) != NULL;
}

static gboolean
has_no_spinner (gpointer data)
{
  GtkWidget *spinner = widgets_find_type (data, GTK_TYPE_SPINNER);

  return spinner == NULL || !gtk_spinner_get_spinning (GTK_SPINNER (spinner));
}

static void
write_own (Scratch *scratch, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (scratch->own, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* Every provider that comes with the program can be chosen, with its price; one of the person's
 * that has an error is there with it, and cannot. */
static void
test_catalog (void)
{
  g_autoptr (Scratch) scratch = scratch_new ();
  GtkWindow *window;
  GtkWidget *row;

  write_own (scratch, "mine.json", "{\n  \"schema\": \"kontext-provider/1\",\n  \"id\": 7\n}\n");
  g_clear_object (&scratch->catalog);
  scratch->catalog = esp_provider_catalog_new (NULL, scratch->own);
  window = scratch_open (scratch);
  esp_preferences_window_set_up_provider (ESP_PREFERENCES_WINDOW (window), NULL);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (scratch->catalog)); i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (G_LIST_MODEL (scratch->catalog), i);

      row = find_row (GTK_WIDGET (window), esp_provider_get_name (provider));
      g_assert_nonnull (row);
      g_assert_cmpint (gtk_list_box_row_get_activatable (GTK_LIST_BOX_ROW (row)), ==,
                       esp_provider_get_problem (provider) == NULL);
      if (esp_provider_get_problem (provider) != NULL)
        g_assert_cmpstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), ==,
                         esp_provider_get_problem (provider));
    }
  g_assert_true (says (window, "mine.json:3:"));
  g_assert_true (says (window, "per image"));
  gtk_window_destroy (window);
}

/* What is missing or wrong is said, and nothing is added before it is right. */
static void
test_add (void)
{
  g_autoptr (Scratch) scratch = scratch_new ();
  GtkWindow *window = scratch_open (scratch);
  GtkWidget *row;
  EspAccount *account;
  GListModel *list = G_LIST_MODEL (scratch->accounts);

  esp_accounts_set_offline (scratch->accounts, TRUE); /* nothing is tested */
  esp_preferences_window_set_up_provider (ESP_PREFERENCES_WINDOW (window),
                                          "runpod-flux-kontext-dev");
  press (window, "_Add");
  g_assert_true (says (window, "The key is missing."));
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 0);

  esp_preferences_window_set_up_provider (ESP_PREFERENCES_WINDOW (window), "comfyui");
  row = find_row (GTK_WIDGET (window), "Address of the Server");
  gtk_editable_set_text (GTK_EDITABLE (row), "workshop");
  press (window, "_Add");
  g_assert_true (says (window, "“workshop” is no address of a server."));
  gtk_editable_set_text (GTK_EDITABLE (row), "http://workshop:8188");
  press (window, "_Add");
  g_assert_true (says (window, "Without encryption"));
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 0);

  g_assert_true (gtk_widget_activate (find_row (GTK_WIDGET (window), "This Server Is Mine")));
  gtk_editable_set_text (GTK_EDITABLE (find_row (GTK_WIDGET (window), "Name")), "Workshop");
  gtk_editable_set_text (GTK_EDITABLE (find_row (GTK_WIDGET (window), "Model file")),
                         "other.safetensors");
  press (window, "_Add");
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 1);
  account = esp_accounts_find (scratch->accounts, "comfyui");
  g_assert_nonnull (account);
  g_assert_cmpstr (esp_account_get_name (account), ==, "Workshop");
  g_assert_cmpstr (esp_account_get_base_url (account), ==, "http://workshop:8188");
  g_assert_true (esp_account_get_base_is_own (account));
  g_assert_cmpstr (json_object_get_string_member (esp_account_get_config (account), "unet"), ==,
                   "other.safetensors");
  /* What was left as it was is left to the descriptor. */
  g_assert_false (json_object_has_member (esp_account_get_config (account), "graph"));
  g_assert_true (scratch_wait_for (has_no_spinner, window));
  gtk_window_destroy (window);
}

static gboolean
has_account_row (gpointer data)
{
  return find_row (data, "Second") != NULL;
}

static gboolean
has_no_account_row (gpointer data)
{
  return find_row (data, "Second") == NULL;
}

/* An account is changed, moved and removed; the list follows. */
static void
test_change (void)
{
  g_autoptr (Scratch) scratch = scratch_new ();
  g_autoptr (JsonObject) config = json_object_new ();
  GtkWindow *window = scratch_open (scratch);
  GListModel *list = G_LIST_MODEL (scratch->accounts);
  EspAccount *second;
  GtkWidget *dialog = NULL;

  esp_accounts_set_offline (scratch->accounts, TRUE);
  g_assert_nonnull (
      esp_accounts_add (scratch->accounts, "comfyui", "First", NULL, FALSE, config, NULL));
  second = esp_accounts_add (scratch->accounts, "comfyui", "Second", "http://127.0.0.1:9", FALSE,
                             config, NULL);
  g_assert_true (scratch_wait_for (has_account_row, window));
  esp_preferences_window_set_up_provider (ESP_PREFERENCES_WINDOW (window),
                                          esp_account_get_id (second));
  gtk_editable_set_text (GTK_EDITABLE (find_row (GTK_WIDGET (window), "Name")), "Best & <second>");
  press (window, "_Save");
  g_assert_cmpstr (esp_account_get_name (second), ==, "Best & <second>");
  g_assert_true (scratch_wait_for (has_no_account_row, window));

  esp_preferences_window_set_up_provider (ESP_PREFERENCES_WINDOW (window),
                                          esp_account_get_id (second));
  {
    GtkWidget *up = NULL;
    g_autoptr (GPtrArray) buttons = widgets_find_all (GTK_WIDGET (window), widgets_has_type,
                                                      GSIZE_TO_POINTER (GTK_TYPE_BUTTON));

    for (guint i = 0; i < buttons->len; i++)
      if (g_strcmp0 (gtk_button_get_icon_name (buttons->pdata[i]), "go-up-symbolic") == 0)
        up = buttons->pdata[i];
    g_assert_nonnull (up);
    g_assert_true (gtk_widget_get_sensitive (up));
    g_signal_emit_by_name (up, "clicked");
    g_assert_false (gtk_widget_get_sensitive (up));
  }
  {
    g_autoptr (EspAccount) first = g_list_model_get_item (list, 0);

    g_assert_true (first == second);
  }

  press (window, "_Remove…");
  {
    GListModel *windows = gtk_window_get_toplevels ();

    for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
      {
        g_autoptr (GtkWidget) toplevel = g_list_model_get_item (windows, i);

        if (ADW_IS_MESSAGE_DIALOG (toplevel))
          dialog = toplevel;
      }
  }
  g_assert_nonnull (dialog);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 2);
  /* A name may be too long for a heading. */
  g_assert_cmpstr (adw_message_dialog_get_heading (ADW_MESSAGE_DIALOG (dialog)), ==,
                   "Remove Account?");
  g_assert_nonnull (
      strstr (adw_message_dialog_get_body (ADW_MESSAGE_DIALOG (dialog)), "“Best & <second>”"));
  adw_message_dialog_response (ADW_MESSAGE_DIALOG (dialog), "remove");
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 1);
  gtk_window_destroy (window);
}

/* The switch and the limit are the accounts' own, both ways. */
static void
test_limits (void)
{
  g_autoptr (Scratch) scratch = scratch_new ();
  GtkWindow *window = scratch_open (scratch);
  GtkWidget *row = find_row (GTK_WIDGET (window), "Nothing Leaves This Computer");
  GtkWidget *spin;

  g_assert_true (gtk_widget_activate (row));
  g_assert_true (esp_accounts_get_offline (scratch->accounts));
  g_assert_true (gtk_widget_activate (row));
  g_assert_false (esp_accounts_get_offline (scratch->accounts));

  spin = widgets_find_type (find_row (GTK_WIDGET (window), "Monthly Limit in Dollars"),
                            GTK_TYPE_SPIN_BUTTON);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), 12.5);
  g_assert_cmpfloat (esp_accounts_get_monthly_stop (scratch->accounts), ==, 12.5);
  esp_accounts_set_monthly_stop (scratch->accounts, 3);
  g_assert_cmpfloat (gtk_spin_button_get_value (GTK_SPIN_BUTTON (spin)), ==, 3);
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

static void
note_end (gpointer count)
{
  (*(guint *) count)--;
}

/* Nothing of a window stays when it has gone: an AdwPreferencesWindow of libadwaita 1.2 would keep
 * its rows. */
static void
test_gone (void)
{
  static const char *const titles[] = { "Style", "History Grows", "Show the Steps" };
  g_autoptr (Scratch) scratch = scratch_new ();
  GtkWindow *window = scratch_open (scratch);
  guint alive = G_N_ELEMENTS (titles);

  for (guint i = 0; i < G_N_ELEMENTS (titles); i++)
    g_object_set_data_full (G_OBJECT (find_row (GTK_WIDGET (window), titles[i])), "alive", &alive,
                            note_end);
  scratch_wait (50);
  gtk_window_destroy (window);
  scratch_wait (50);
  g_assert_cmpuint (alive, ==, 0);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);

  g_test_add_func ("/preferences/settings", test_settings);
  g_test_add_func ("/preferences/providers/catalog", test_catalog);
  g_test_add_func ("/preferences/providers/add", test_add);
  g_test_add_func ("/preferences/providers/change", test_change);
  g_test_add_func ("/preferences/providers/limits", test_limits);
  g_test_add_func ("/preferences/folder-size", test_folder_size);
  g_test_add_func ("/preferences/gone", test_gone);
  return g_test_run ();
}
