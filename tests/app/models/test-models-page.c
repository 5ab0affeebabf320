/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-models-page.c: what is installed, adding files, what can be downloaded and what that asks.
 */
#include <adwaita.h>

#include "esp-installation.h"
#include "esp-models-page.h"
#include "esp-offer-page.h"
#include "models-fixture.h"
#include "widgets.h"

typedef struct
{
  EspModelLibrary *library;
  GListModel *offers;
  EspModelDownloads *downloads;
  GSettings *settings;
  GtkWidget *page;
  GtkWidget *window;
  GtkWidget *subpage; /* in a window of its own */
  char *message;
} World;

static void
on_present (World *world, GtkWidget *subpage)
{
  world->subpage = subpage;
  widgets_show (subpage, 600, 700);
}

static void
on_close (World *world)
{
  if (world->subpage != NULL)
    gtk_window_destroy (GTK_WINDOW (gtk_widget_get_root (world->subpage)));
  world->subpage = NULL;
}

static void
on_message (World *world, const char *message)
{
  g_free (world->message);
  world->message = g_strdup (message);
}

static void
world_set_up (World *world, gconstpointer data)
{
  world->library = esp_model_library_new ();
  world->offers = esp_model_offers_load ();
  world->downloads = esp_model_downloads_new (world->offers);
  world->settings = g_settings_new (ESP_APP_ID);
  world->page = g_object_new (ESP_TYPE_MODELS_PAGE, NULL);
  g_signal_connect_swapped (world->page, "present", G_CALLBACK (on_present), world);
  g_signal_connect_swapped (world->page, "close", G_CALLBACK (on_close), world);
  g_signal_connect_swapped (world->page, "message", G_CALLBACK (on_message), world);
  esp_models_page_set_up (ESP_MODELS_PAGE (world->page), world->library, world->offers,
                          world->downloads, world->settings);
  world->window = widgets_show (world->page, 600, 700);
}

static void
world_tear_down (World *world, gconstpointer data)
{
  on_close (world);
  gtk_window_destroy (GTK_WINDOW (world->window));
  g_object_unref (world->downloads);
  g_object_unref (world->offers);
  g_object_unref (world->library);
  g_object_unref (world->settings);
  g_free (world->message);
}

/* --- Finding ---------------------------------------------------------------------------------- */

static gboolean
is_row_titled (GtkWidget *widget, gconstpointer title)
{
  return ADW_IS_PREFERENCES_ROW (widget)
         && g_strcmp0 (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (widget)), title) == 0;
}

static GtkWidget *
find_row (GtkWidget *root, const char *title)
{
  return widgets_find_shown (root, is_row_titled, title);
}

static GtkCheckButton *
find_check (GtkWidget *root)
{
  return GTK_CHECK_BUTTON (widgets_find_type (root, GTK_TYPE_CHECK_BUTTON));
}

static gboolean
is_button_with (GtkWidget *widget, gconstpointer words)
{
  return GTK_IS_BUTTON (widget)
         && (g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), words) == 0
             || g_strcmp0 (gtk_widget_get_tooltip_text (widget), words) == 0);
}

static GtkWidget *
find_button (GtkWidget *root, const char *words)
{
  GtkWidget *button = widgets_find_shown (root, is_button_with, words);

  g_assert_nonnull (button);
  return button;
}

static GtkWindow *
find_dialog (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);

      if (ADW_IS_MESSAGE_DIALOG (window))
        return window;
    }
  return NULL;
}

static void
respond (const char *response)
{
  GtkWindow *dialog = find_dialog ();

  adw_message_dialog_response (ADW_MESSAGE_DIALOG (dialog), response);
  gtk_window_destroy (dialog);
}

/* --- Installed -------------------------------------------------------------------------------- */

static void
test_installed (World *world, gconstpointer data)
{
  GtkWidget *row = find_row (world->page, "Espalier demo model");
  GtkCheckButton *check;

  g_assert_nonnull (row);
  models_wait (strstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), "MB") != NULL);
  g_assert_nonnull (strstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), "CC0-1.0"));
  g_assert_nonnull (strstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), "/models/demo"));
  g_assert_null (widgets_find_shown (row, is_button_with, "Remove…")); /* not the person's */
  /* The default, and nothing takes that away but another one. */
  check = find_check (row);
  g_assert_true (gtk_check_button_get_active (check));
  gtk_widget_activate (GTK_WIDGET (check));
  g_assert_true (gtk_check_button_get_active (check));
}

/* One that comes while the page shows; it is chosen; it goes again, after a question that says what
 * goes and what stays. */
static void
test_own (World *world, gconstpointer data)
{
  g_autofree char *folder = models_install ("mine", NULL);
  g_autofree char *chosen = NULL;
  GtkWidget *row;
  GtkWindow *dialog;

  models_wait (find_row (world->page, "mine") != NULL);
  row = find_row (world->page, "mine");
  g_assert_true (esp_model_library_set_default (world->library, "demo", NULL));
  models_wait (!gtk_check_button_get_active (find_check (row)));
  gtk_check_button_set_active (find_check (row), TRUE);
  chosen = esp_installation_get_default_id ();
  g_assert_cmpstr (chosen, ==, "mine");

  g_signal_emit_by_name (find_button (row, "Remove…"), "clicked");
  dialog = find_dialog ();
  g_assert_nonnull (dialog);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (ADW_MESSAGE_DIALOG (dialog)), folder));
  respond ("remove");
  models_wait (world->message != NULL || find_dialog () != NULL);
  if (find_dialog () != NULL) /* there is no trash here */
    respond ("remove");
  models_wait (world->message != NULL);
  g_assert_nonnull (strstr (world->message, "mine"));
  models_wait (find_row (world->page, "mine") == NULL);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_true (esp_model_library_set_default (world->library, NULL, NULL));
}

/* --- Adding ----------------------------------------------------------------------------------- */

/* A folder with all parts becomes a model; a file that is no model says so and leaves nothing. */
static void
test_adding (World *world, gconstpointer data)
{
  const char *paths[] = { g_getenv ("ESP_DEMO_MODEL"), NULL };
  g_autofree char *text = models_write ("letter.safetensors", "not a model", -1);
  const char *wrong[] = { text, NULL };
  GtkWidget *row, *name, *add;

  esp_models_page_add_files (ESP_MODELS_PAGE (world->page), wrong);
  g_assert_nonnull (world->subpage);
  add = find_button (world->subpage, "_Add");
  models_wait (widgets_find_type (world->subpage, GTK_TYPE_SPINNER) != NULL
               && !gtk_spinner_get_spinning (
                   GTK_SPINNER (widgets_find_type (world->subpage, GTK_TYPE_SPINNER))));
  g_assert_false (gtk_widget_get_sensitive (add));
  on_close (world);

  esp_models_page_add_files (ESP_MODELS_PAGE (world->page), paths);
  add = find_button (world->subpage, "_Add");
  models_wait (gtk_widget_get_sensitive (add));
  for (guint i = 0; esp_model_components ()[i] != NULL; i++)
    {
      row = find_row (world->subpage, esp_model_component_title (esp_model_components ()[i]));
      g_assert_nonnull (row);
      g_assert_cmpstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), !=, "Missing");
    }
  name = find_row (world->subpage, "Name");
  gtk_editable_set_text (GTK_EDITABLE (name), "");
  g_assert_false (gtk_widget_get_sensitive (add));
  gtk_editable_set_text (GTK_EDITABLE (name), "Added Here");
  g_assert_true (gtk_widget_get_sensitive (add));
  g_signal_emit_by_name (add, "clicked");
  models_wait (world->message != NULL);
  g_assert_null (world->subpage);
  models_wait (find_row (world->page, "Added Here") != NULL);
}

/* --- Downloading ------------------------------------------------------------------------------ */

/* Nothing is fetched before the licence is accepted and a token is there. */
static void
test_offer (World *world, gconstpointer data)
{
  GtkWidget *row = find_row (world->page, "FLUX.1 Kontext [dev]");
  GtkWidget *download, *token, *accept;

  g_assert_nonnull (row);
  g_signal_emit_by_name (row, "activated");
  g_assert_true (ESP_IS_OFFER_PAGE (world->subpage));
  download = find_button (world->subpage, "_Download");
  accept = find_row (world->subpage, "I Have Read the Licence and Accept It");
  token = find_row (world->subpage, "Access Token");
  g_assert_nonnull (accept);
  g_assert_nonnull (token);
  g_assert_false (gtk_widget_get_sensitive (download));
  gtk_editable_set_text (GTK_EDITABLE (token), "hf_abcdefgh");
  g_assert_false (gtk_widget_get_sensitive (download));
  gtk_check_button_set_active (find_check (accept), TRUE);
  g_assert_true (gtk_widget_get_sensitive (download));
  gtk_editable_set_text (GTK_EDITABLE (token), "");
  g_assert_false (gtk_widget_get_sensitive (download));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (world->downloads)), ==, 0);
  g_assert_null (find_row (world->page, "Downloads"));
}

/* One of the forms is advised, and that one is chosen; a person's choice stays when more is known
 * of the computer. */
static void
test_advice (World *world, gconstpointer data)
{
  g_autoptr (EspModelOffer) offer = esp_model_offers_find (world->offers, "flux-kontext-dev");
  g_autoptr (EspMachine) small = esp_machine_new ();
  g_autoptr (EspMachine) large = esp_machine_new ();
  const EspModelVariant *little, *much;
  GtkWidget *page, *window, *row;

  small->memory = (guint64) 16 << 30;
  large->memory = (guint64) 128 << 30;
  little = esp_model_recommend (offer, small, NULL, NULL);
  much = esp_model_recommend (offer, large, NULL, NULL);
  g_assert_true (little != much);
  page = esp_offer_page_new (offer, world->downloads, small);
  window = widgets_show (page, 600, 700);
  g_assert_true (gtk_check_button_get_active (find_check (find_row (page, little->name))));
  esp_offer_page_set_machine (ESP_OFFER_PAGE (page), large);
  row = find_row (page, much->name);
  g_assert_true (gtk_check_button_get_active (find_check (row)));
  gtk_check_button_set_active (find_check (find_row (page, little->name)), TRUE);
  esp_offer_page_set_machine (ESP_OFFER_PAGE (page), large);
  g_assert_true (gtk_check_button_get_active (find_check (find_row (page, little->name))));
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
test_limit (World *world, gconstpointer data)
{
  GtkWidget *spin = widgets_find_type (find_row (world->page, "Speed Limit"), GTK_TYPE_SPIN_BUTTON);

  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), 2.5);
  g_assert_cmpfloat (g_settings_get_double (world->settings, "download-limit"), ==, 2.5);
  g_settings_reset (world->settings, "download-limit");
}

int
main (int argc, char **argv)
{
  int status;

  models_home ();
  widgets_init (&argc, &argv);
  g_test_add ("/models-page/installed", World, NULL, world_set_up, test_installed, world_tear_down);
  g_test_add ("/models-page/own", World, NULL, world_set_up, test_own, world_tear_down);
  g_test_add ("/models-page/adding", World, NULL, world_set_up, test_adding, world_tear_down);
  g_test_add ("/models-page/offer", World, NULL, world_set_up, test_offer, world_tear_down);
  g_test_add ("/models-page/advice", World, NULL, world_set_up, test_advice, world_tear_down);
  g_test_add ("/models-page/limit", World, NULL, world_set_up, test_limit, world_tear_down);
  status = g_test_run ();
  models_home_clear ();
  return status;
}
