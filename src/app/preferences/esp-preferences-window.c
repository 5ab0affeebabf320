/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-preferences-window.c: the program's settings; every change counts at once. */
#define G_LOG_DOMAIN "espalier-preferences"

#include "esp-preferences-window.h"

#include <glib/gi18n-lib.h>

#include "esp-account-page.h"
#include "esp-document.h"
#include "esp-folder-size.h"
#include "esp-models-page.h"
#include "esp-providers-page.h"
#include "esp-show-uri.h"

struct _EspPreferencesWindow
{
  AdwPreferencesWindow parent_instance;

  AdwToastOverlay *toasts;
  AdwLeaflet *leaflet;
  GtkWidget *main; /* of the leaflet: the pages */
  AdwBin *subpage; /* of the leaflet */
  AdwViewStack *pages;
  AdwComboRow *scheme_row;
  AdwComboRow *orientation_row;
  GtkSwitch *outline_switch;
  AdwExpanderRow *grey_row;
  GtkAdjustment *grey;
  AdwComboRow *model_row;
  GtkAdjustment *ask_cells, *ask_minutes, *ask_cost;
  GtkSwitch *notify_switch;
  GtkSwitch *previews_switch;
  AdwActionRow *library_row;
  AdwActionRow *size_row;
  EspModelsPage *models_page;
  EspProvidersPage *providers_page;
  EspAccountPage *account_page; /* in the window only while it shows */

  GSettings *settings;
  EspRegistry *registry;
  EspProviderCatalog *catalog;
  EspAccounts *accounts;
  GCancellable *cancellable;
  guint filling : 1;
};

G_DEFINE_FINAL_TYPE (EspPreferencesWindow, esp_preferences_window, ADW_TYPE_WINDOW)

/* --- General ---------------------------------------------------------------------------------- */

/* A choice of a list and the nick of an enumeration, in the order of the rows. */
static const char *const schemes[] = { "system", "light", "dark", NULL };
static const char *const orientations[] = { "top-down", "left-right", NULL };

static gboolean
nick_to_position (GValue *value, GVariant *variant, gpointer user_data)
{
  const char *const *nicks = user_data;

  for (guint i = 0; nicks[i] != NULL; i++)
    if (g_str_equal (nicks[i], g_variant_get_string (variant, NULL)))
      {
        g_value_set_uint (value, i);
        return TRUE;
      }
  return FALSE;
}

static GVariant *
position_to_nick (const GValue *value, const GVariantType *type, gpointer user_data)
{
  const char *const *nicks = user_data;

  return g_variant_new_string (
      nicks[MIN (g_value_get_uint (value), g_strv_length ((char **) nicks) - 1)]);
}

static void
on_grey_changed (EspPreferencesWindow *self)
{
  if (self->filling)
    return;
  g_settings_set_int (self->settings, "canvas-lightness",
                      adw_expander_row_get_enable_expansion (self->grey_row)
                          ? (int) gtk_adjustment_get_value (self->grey)
                          : -1);
}

static void
init_grey (EspPreferencesWindow *self)
{
  int lightness = g_settings_get_int (self->settings, "canvas-lightness");
  gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());

  self->filling = TRUE;
  adw_expander_row_set_enable_expansion (self->grey_row, lightness >= 0);
  gtk_adjustment_set_value (self->grey, lightness >= 0 ? lightness : dark ? 22 : 86);
  self->filling = FALSE;
  g_signal_connect_object (self->grey_row, "notify::enable-expansion", G_CALLBACK (on_grey_changed),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->grey, "value-changed", G_CALLBACK (on_grey_changed), self,
                           G_CONNECT_SWAPPED);
}

static void
on_model_chosen (EspPreferencesWindow *self)
{
  GListModel *models = esp_registry_get_models (self->registry);
  guint position = adw_combo_row_get_selected (self->model_row);
  g_autoptr (EspModel) model = NULL;

  if (self->filling || position >= g_list_model_get_n_items (models))
    return;
  model = g_list_model_get_item (models, position);
  if (esp_model_get_backend (model) == NULL)
    return;
  g_settings_set_string (self->settings, "last-backend",
                         esp_backend_get_id (esp_model_get_backend (model)));
  g_settings_set_string (self->settings, "last-model", esp_model_get_id (model));
}

static void
fill_model_row (EspPreferencesWindow *self)
{
  GListModel *models = esp_registry_get_models (self->registry);
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  g_autofree char *backend = g_settings_get_string (self->settings, "last-backend");
  g_autofree char *id = g_settings_get_string (self->settings, "last-model");
  EspModel *chosen = esp_registry_find_model (self->registry, backend, id);
  guint selected = GTK_INVALID_LIST_POSITION;

  if (self->model_row == NULL)
    return;
  if (chosen == NULL)
    chosen = esp_registry_get_default_model (self->registry);
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);
      EspBackend *of = esp_model_get_backend (model);
      g_autofree char *name = g_strdup_printf (
          _ ("%s · %s"), of != NULL ? esp_backend_get_title (of) : "", esp_model_get_name (model));

      gtk_string_list_append (names, name);
      if (model == chosen)
        selected = i;
    }
  self->filling = TRUE;
  adw_combo_row_set_model (self->model_row, G_LIST_MODEL (names));
  adw_combo_row_set_selected (self->model_row, selected);
  gtk_widget_set_sensitive (GTK_WIDGET (self->model_row), g_list_model_get_n_items (models) > 0);
  self->filling = FALSE;
}

/* --- Folders ---------------------------------------------------------------------------------- */

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspPreferencesWindow) self = ESP_PREFERENCES_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (!esp_show_uri_finish (GTK_WINDOW (self), result, &error))
    esp_preferences_window_tell (self, error->message);
}

static void
open_folder (EspPreferencesWindow *self, const char *path)
{
  g_autofree char *uri = NULL;

  if (path == NULL || g_mkdir_with_parents (path, 0755) != 0)
    return;
  uri = g_filename_to_uri (path, NULL, NULL);
  if (uri != NULL)
    esp_show_uri_async (GTK_WINDOW (self), uri, self->cancellable, on_opened, g_object_ref (self));
}

static void
on_open_library (EspPreferencesWindow *self)
{
  g_autofree char *path = esp_document_library_dup_path ();

  open_folder (self, path);
}

/* --- Storage ---------------------------------------------------------------------------------- */

static void
on_library_measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspPreferencesWindow) self = ESP_PREFERENCES_WINDOW (user_data);
  g_autofree char *text = NULL;
  guint64 bytes;

  if (!esp_folder_measure_finish (result, &bytes, NULL, NULL) || self->size_row == NULL)
    return;
  text = g_format_size (bytes);
  adw_action_row_set_subtitle (self->size_row, text);
}

static void
fill_storage (EspPreferencesWindow *self)
{
  g_autofree char *path = esp_document_library_dup_path ();

  adw_action_row_set_subtitle (self->library_row, path);
  esp_folder_measure_async (path, self->cancellable, on_library_measured, g_object_ref (self));
}

/* --- Subpages --------------------------------------------------------------------------------- */

static void
on_present (EspPreferencesWindow *self, GtkWidget *subpage)
{
  adw_bin_set_child (self->subpage, subpage);
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->subpage));
}

static void
on_close_subpage (EspPreferencesWindow *self)
{
  adw_leaflet_set_visible_child (self->leaflet, self->main);
}

/* A subpage stays until nothing of it is seen any more. */
static void
on_leaflet_moved (EspPreferencesWindow *self)
{
  if (self->subpage != NULL && !adw_leaflet_get_child_transition_running (self->leaflet)
      && adw_leaflet_get_visible_child (self->leaflet) == self->main)
    adw_bin_set_child (self->subpage, NULL);
}

static gboolean
on_escape (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  EspPreferencesWindow *self = ESP_PREFERENCES_WINDOW (widget);

  if (adw_leaflet_get_visible_child (self->leaflet) == self->main)
    gtk_window_close (GTK_WINDOW (self));
  else
    on_close_subpage (self);
  return GDK_EVENT_STOP;
}

void
esp_preferences_window_tell (EspPreferencesWindow *self, const char *message)
{
  g_autofree char *escaped = NULL;

  g_return_if_fail (ESP_IS_PREFERENCES_WINDOW (self));

  escaped = g_markup_escape_text (message, -1);
  if (self->toasts != NULL)
    adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}

/* --- Providers -------------------------------------------------------------------------------- */

static EspAccountPage *
show_account_page (EspPreferencesWindow *self)
{
  on_present (self, GTK_WIDGET (self->account_page));
  return self->account_page;
}

static void
on_add_account (EspPreferencesWindow *self)
{
  esp_account_page_choose (self->account_page);
  show_account_page (self);
}

static void
on_edit_account (EspPreferencesWindow *self, EspAccount *account)
{
  EspProvider *provider
      = esp_provider_catalog_find (self->catalog, esp_account_get_provider (account));

  /* What is wrong with one that is missing or has an error stands in its row. */
  if (provider == NULL || esp_provider_get_problem (provider) != NULL)
    return;
  esp_account_page_edit (self->account_page, account);
  show_account_page (self);
}

void
esp_preferences_window_set_models (EspPreferencesWindow *self, EspModelLibrary *library,
                                   GListModel *offers, EspModelDownloads *downloads)
{
  g_return_if_fail (ESP_IS_PREFERENCES_WINDOW (self));

  esp_models_page_set_up (self->models_page, library, offers, downloads, self->settings);
}

void
esp_preferences_window_show_page (EspPreferencesWindow *self, const char *name)
{
  g_return_if_fail (ESP_IS_PREFERENCES_WINDOW (self));

  adw_view_stack_set_visible_child_name (self->pages, name);
}

const char *
esp_preferences_window_get_page (EspPreferencesWindow *self)
{
  g_return_val_if_fail (ESP_IS_PREFERENCES_WINDOW (self), NULL);

  return adw_view_stack_get_visible_child_name (self->pages);
}

void
esp_preferences_window_set_up_provider (EspPreferencesWindow *self, const char *backend)
{
  EspAccount *account;
  EspProvider *provider;

  g_return_if_fail (ESP_IS_PREFERENCES_WINDOW (self));

  account = backend != NULL ? esp_accounts_find (self->accounts, backend) : NULL;
  provider = backend != NULL ? esp_provider_catalog_find (self->catalog, backend) : NULL;
  esp_preferences_window_show_page (self, "providers");
  if (account != NULL)
    on_edit_account (self, account);
  else if (provider != NULL && esp_provider_get_problem (provider) == NULL)
    esp_account_page_add (show_account_page (self), provider);
  else if (backend == NULL)
    on_add_account (self);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_preferences_window_dispose (GObject *object)
{
  EspPreferencesWindow *self = ESP_PREFERENCES_WINDOW (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->settings);
  g_clear_object (&self->registry);
  g_clear_object (&self->catalog);
  g_clear_object (&self->accounts);
  g_clear_object (&self->account_page);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_PREFERENCES_WINDOW);

  G_OBJECT_CLASS (esp_preferences_window_parent_class)->dispose (object);
}

static void
esp_preferences_window_class_init (EspPreferencesWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_preferences_window_dispose;
  g_type_ensure (ESP_TYPE_MODELS_PAGE);
  g_type_ensure (ESP_TYPE_PROVIDERS_PAGE);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/espalier/app/preferences/esp-preferences-window.ui");
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, on_escape, NULL);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, main);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, subpage);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, scheme_row);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, orientation_row);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, outline_switch);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, grey_row);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, grey);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, model_row);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, ask_cells);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, ask_minutes);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, ask_cost);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, notify_switch);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, previews_switch);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, models_page);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, library_row);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, size_row);
  gtk_widget_class_bind_template_child (widget_class, EspPreferencesWindow, providers_page);
  gtk_widget_class_bind_template_callback (widget_class, on_add_account);
  gtk_widget_class_bind_template_callback (widget_class, on_edit_account);
  gtk_widget_class_bind_template_callback (widget_class, on_open_library);
  gtk_widget_class_bind_template_callback (widget_class, on_present);
  gtk_widget_class_bind_template_callback (widget_class, on_close_subpage);
  gtk_widget_class_bind_template_callback (widget_class, on_leaflet_moved);
  gtk_widget_class_bind_template_callback_full (widget_class, "on_message",
                                                G_CALLBACK (esp_preferences_window_tell));
}

/* What a page is called and its icon stand in itself. */
static void
init_pages (EspPreferencesWindow *self)
{
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->pages)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      AdwPreferencesPage *page = ADW_PREFERENCES_PAGE (child);
      AdwViewStackPage *of = adw_view_stack_get_page (self->pages, child);

      adw_view_stack_page_set_name (of, adw_preferences_page_get_name (page));
      adw_view_stack_page_set_title (of, adw_preferences_page_get_title (page));
      adw_view_stack_page_set_icon_name (of, adw_preferences_page_get_icon_name (page));
    }
}

static void
esp_preferences_window_init (EspPreferencesWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  init_pages (self);
  self->settings = g_settings_new (ESP_APP_ID);
  self->cancellable = g_cancellable_new ();
  g_settings_bind_with_mapping (self->settings, "color-scheme", self->scheme_row, "selected",
                                G_SETTINGS_BIND_DEFAULT, nick_to_position, position_to_nick,
                                (gpointer) schemes, NULL);
  g_settings_bind_with_mapping (self->settings, "history-orientation", self->orientation_row,
                                "selected", G_SETTINGS_BIND_DEFAULT, nick_to_position,
                                position_to_nick, (gpointer) orientations, NULL);
  g_settings_bind (self->settings, "history-outline", self->outline_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "step-previews", self->previews_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "notify-when-done", self->notify_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "sweep-ask-cells", self->ask_cells, "value",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "sweep-ask-minutes", self->ask_minutes, "value",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "sweep-ask-cost", self->ask_cost, "value",
                   G_SETTINGS_BIND_DEFAULT);
  init_grey (self);
}

GtkWindow *
esp_preferences_window_new (GtkWindow *parent, EspRegistry *registry, EspProviderCatalog *catalog,
                            EspAccounts *accounts)
{
  EspPreferencesWindow *self;

  g_return_val_if_fail (ESP_IS_REGISTRY (registry), NULL);
  g_return_val_if_fail (ESP_IS_PROVIDER_CATALOG (catalog), NULL);
  g_return_val_if_fail (ESP_IS_ACCOUNTS (accounts), NULL);

  self = g_object_new (ESP_TYPE_PREFERENCES_WINDOW, "transient-for", parent, NULL);
  self->registry = g_object_ref (registry);
  self->catalog = g_object_ref (catalog);
  self->accounts = g_object_ref (accounts);
  self->account_page
      = ESP_ACCOUNT_PAGE (g_object_ref_sink (esp_account_page_new (catalog, accounts)));
  g_signal_connect_object (self->account_page, "close", G_CALLBACK (on_close_subpage), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->account_page, "message", G_CALLBACK (esp_preferences_window_tell),
                           self, G_CONNECT_SWAPPED);
  esp_providers_page_set_up (self->providers_page, registry, catalog, accounts);
  fill_model_row (self);
  g_signal_connect_object (self->model_row, "notify::selected", G_CALLBACK (on_model_chosen), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (esp_registry_get_models (registry), "items-changed",
                           G_CALLBACK (fill_model_row), self, G_CONNECT_SWAPPED);
  fill_storage (self);
  return GTK_WINDOW (self);
}
