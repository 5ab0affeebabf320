/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-application.c: the program: windows, files, the queue, and what outlives a window. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-application.h"

#include <glib/gi18n-lib.h>

#include "esp-actions.h"
#include "esp-awake.h"
#include "esp-document-file.h"
#include "esp-downloads-watch.h"
#include "esp-help.h"
#include "esp-icon-keep.h"
#include "esp-installation.h"
#include "esp-local-backend.h"
#include "esp-model-downloads.h"
#include "esp-model-library.h"
#include "esp-notifier.h"
#include "esp-preferences-window.h"
#include "esp-remote-backend.h"
#include "esp-search-provider.h"
#include "esp-spoken-names.h"
#include "esp-style.h"
#include "esp-window.h"

struct _EspApplication
{
  AdwApplication parent_instance;

  GSettings *settings;
  EspProviderCatalog *catalog;
  EspAccounts *accounts;
  EspModelLibrary *library;
  GListModel *offers; /* of EspModelOffer */
  EspModelDownloads *downloads;
  EspRegistry *registry;
  EspQueue *queue;

  guint session_source;
  guint first_frame_seen : 1;
  guint quitting : 1;
  guint quit_asked : 1; /* the dialog about turns under way shows */
};

G_DEFINE_FINAL_TYPE (EspApplication, esp_application, ADW_TYPE_APPLICATION)

/* When the process started, for ESPALIER_PRINT_FIRST_FRAME. */
static gint64
process_start (void)
{
  g_autofree char *stat = NULL;
  const char *p;
  guint64 ticks = 0;
  double uptime = 0;

  /* Field 22 of /proc/self/stat, in ticks since the machine started. */
  if (!g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL)
      || (p = strrchr (stat, ')')) == NULL)
    return -1;
  for (int field = 2; field < 22 && p != NULL; field++)
    p = strchr (p + 1, ' ');
  if (p == NULL)
    return -1;
  ticks = g_ascii_strtoull (p + 1, NULL, 10);
  g_clear_pointer (&stat, g_free);
  if (!g_file_get_contents ("/proc/uptime", &stat, NULL, NULL))
    return -1;
  uptime = g_ascii_strtod (stat, NULL);
  return (gint64) (uptime * 1000) - (gint64) (ticks * 1000 / (guint64) sysconf (_SC_CLK_TCK));
}

/* --- Windows ---------------------------------------------------------------------------------- */

static gboolean
warm_up (gpointer user_data)
{
  EspApplication *self = ESP_APPLICATION (user_data);
  EspBackend *local = NULL;

  /* Not when the program has ended meanwhile. */
  if (self->registry != NULL)
    local = esp_registry_find_backend (self->registry, "local");
  if (local != NULL && !self->quitting)
    esp_local_backend_warm_up (ESP_LOCAL_BACKEND (local), NULL);
  return G_SOURCE_REMOVE;
}

static void
on_after_paint (GdkFrameClock *clock, EspApplication *self)
{
  g_signal_handlers_disconnect_by_func (clock, on_after_paint, self);
  if (self->first_frame_seen)
    return;
  self->first_frame_seen = TRUE;
  if (g_getenv ("ESPALIER_PRINT_FIRST_FRAME") != NULL)
    g_print ("first frame: %" G_GINT64_FORMAT " ms\n", process_start ());
  /* The window came first; now the worker may have the processor. */
  g_timeout_add_full (G_PRIORITY_LOW, 300, warm_up, g_object_ref (self), g_object_unref);
}

static void
on_realize (GtkWidget *window, EspApplication *self)
{
  g_signal_connect_object (gtk_widget_get_frame_clock (window), "after-paint",
                           G_CALLBACK (on_after_paint), self, G_CONNECT_AFTER);
}

static EspWindow *
create_window (EspApplication *self)
{
  EspWindow *window = esp_window_new (self);

  if (!self->first_frame_seen)
    g_signal_connect_object (window, "realize", G_CALLBACK (on_realize), self, G_CONNECT_AFTER);
  return window;
}

EspWindow *
esp_application_find_window (EspApplication *self, GFile *file)
{
  g_return_val_if_fail (ESP_IS_APPLICATION (self), NULL);
  g_return_val_if_fail (G_IS_FILE (file), NULL);

  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    if (ESP_IS_WINDOW (l->data) && esp_window_get_file (l->data) != NULL
        && esp_document_file_is_same (esp_window_get_file (l->data), file))
      return l->data;
  return NULL;
}

EspWindow *
esp_application_window_for_opening (EspApplication *self, EspWindow *window)
{
  g_return_val_if_fail (ESP_IS_APPLICATION (self), NULL);

  if (window != NULL && esp_window_is_empty (window))
    return window;
  return create_window (self);
}

/* The window in front that is empty, or NULL. */
static EspWindow *
find_empty_window (EspApplication *self)
{
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    if (ESP_IS_WINDOW (l->data) && esp_window_is_empty (l->data)
        && gtk_widget_get_visible (l->data))
      return l->data;
  return NULL;
}

void
esp_application_open_file (EspApplication *self, EspWindow *window, GFile *file)
{
  EspWindow *asked_from = window;

  g_return_if_fail (ESP_IS_APPLICATION (self));
  g_return_if_fail (window == NULL || ESP_IS_WINDOW (window));
  g_return_if_fail (G_IS_FILE (file));

  if (esp_document_file_is_one (file))
    {
      EspWindow *there = esp_application_find_window (self, file);

      if (there != NULL)
        {
          esp_window_leave_background (there);
          gtk_window_present (GTK_WINDOW (there));
          return;
        }
      window = esp_application_window_for_opening (self, window);
      esp_window_open_document (window, file);
    }
  else if (window != NULL && esp_window_get_document (window) != NULL)
    {
      /* Read there: what carries a recipe may be meant for its document. */
      esp_window_open_photo (window, file);
      return;
    }
  else
    {
      window = esp_application_window_for_opening (self, window);
      esp_window_open_photo (window, file);
    }
  if (window != asked_from)
    esp_window_set_made_for_file (window);
  gtk_window_present (GTK_WINDOW (window));
}

/* --- The session ------------------------------------------------------------------------------ */

static void
save_session (EspApplication *self)
{
  GVariantBuilder builder;
  guint n_open = 0;

  g_clear_handle_id (&self->session_source, g_source_remove);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (GList *l = g_list_last (gtk_application_get_windows (GTK_APPLICATION (self))); l != NULL;
       l = l->prev)
    if (ESP_IS_WINDOW (l->data) && !esp_window_is_closing (l->data))
      {
        g_autoptr (GVariant) state = esp_window_dup_state (l->data);

        n_open++;
        if (state != NULL)
          g_variant_builder_add_value (&builder, state);
      }
  /* Closing the last window is leaving: what it showed is what the next start shows. */
  if (n_open > 0)
    g_settings_set_value (self->settings, "session", g_variant_builder_end (&builder));
  else
    g_variant_builder_clear (&builder);
}

static gboolean
on_session_timeout (gpointer user_data)
{
  EspApplication *self = ESP_APPLICATION (user_data);

  self->session_source = 0;
  if (!self->quitting)
    save_session (self);
  return G_SOURCE_REMOVE;
}

void
esp_application_session_changed (EspApplication *self)
{
  g_return_if_fail (ESP_IS_APPLICATION (self));

  if (self->session_source == 0)
    self->session_source = g_timeout_add_seconds (1, on_session_timeout, self);
}

void
esp_application_window_closing (EspApplication *self, EspWindow *window)
{
  g_return_if_fail (ESP_IS_APPLICATION (self));

  if (self->quitting)
    return;
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    if (ESP_IS_WINDOW (l->data) && l->data != window && !esp_window_is_closing (l->data))
      {
        esp_application_session_changed (self);
        return;
      }
  save_session (self);
}

static gboolean
restore_session (EspApplication *self)
{
  g_autoptr (GVariant) session = g_settings_get_value (self->settings, "session");
  gboolean restored = FALSE;

  for (gsize i = 0; i < g_variant_n_children (session); i++)
    {
      g_autoptr (GVariant) state = g_variant_get_child_value (session, i);
      g_autoptr (GFile) file = NULL;
      EspWindow *window;
      const char *uri;

      if (!g_variant_lookup (state, "uri", "&s", &uri))
        continue;
      file = g_file_new_for_uri (uri);
      /* A stat of a local file, before there is a window; what is gone is not asked about. */
      if (g_file_is_native (file) && !g_file_query_exists (file, NULL))
        continue;
      window = create_window (self);
      esp_window_restore_state (window, state);
      esp_window_open_document (window, file);
      gtk_window_present (GTK_WINDOW (window));
      restored = TRUE;
    }
  return restored;
}

/* --- Actions ---------------------------------------------------------------------------------- */

static void
new_window (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_window_present (GTK_WINDOW (create_window (ESP_APPLICATION (user_data))));
}

/* The one that is empty, or a new one: where nothing is open yet, and for what gets a window
 * anyway. */
static EspWindow *
ensure_empty_window (EspApplication *self)
{
  EspWindow *window = find_empty_window (self);

  return window != NULL ? window : create_window (self);
}

static void
new_from_clipboard (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_paste_in_front (ensure_empty_window (ESP_APPLICATION (user_data)));
}

/* Asks for files, over the window that is there. */
static void
choose_files (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspApplication *self = ESP_APPLICATION (user_data);
  GtkWindow *active = gtk_application_get_active_window (GTK_APPLICATION (self));
  EspWindow *window = ESP_IS_WINDOW (active) ? ESP_WINDOW (active) : ensure_empty_window (self);

  esp_window_leave_background (window);
  gtk_window_present (GTK_WINDOW (window));
  gtk_widget_activate_action (GTK_WIDGET (window), "win.open", NULL);
}

static void
open_uri (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspApplication *self = ESP_APPLICATION (user_data);
  GtkWindow *active = gtk_application_get_active_window (GTK_APPLICATION (self));
  g_autoptr (GFile) file = g_file_new_for_uri (g_variant_get_string (parameter, NULL));

  esp_application_open_file (self, ESP_IS_WINDOW (active) ? ESP_WINDOW (active) : NULL, file);
}

/* The window that has the document or opens it. */
static EspWindow *
ensure_window (EspApplication *self, const char *uri)
{
  g_autoptr (GFile) file = g_file_new_for_uri (uri);

  if (esp_application_find_window (self, file) == NULL)
    esp_application_open_file (self, find_empty_window (self), file);
  return esp_application_find_window (self, file);
}

/* A document, a node of it, and what is to be done to that. */
static void
on_node (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *window;
  const char *uri, *verb;
  gint64 id;

  g_variant_get (parameter, "(&sx&s)", &uri, &id, &verb);
  window = ensure_window (ESP_APPLICATION (user_data), uri);
  if (window != NULL)
    esp_window_do_to_node (window, id, verb);
}

static GtkWindow *
create_preferences (EspApplication *self)
{
  GtkWindow *window
      = esp_preferences_window_new (gtk_application_get_active_window (GTK_APPLICATION (self)),
                                    self->registry, self->catalog, self->accounts);

  esp_help_add_key (window);
  /* Looked at nowhere else: it waits until someone wants to see it. */
  if (self->library == NULL)
    self->library = esp_model_library_new ();
  esp_preferences_window_set_models (ESP_PREFERENCES_WINDOW (window), self->library, self->offers,
                                     self->downloads);
  return window;
}

static void
present_preferences (EspApplication *self, const char *page)
{
  GtkWindow *window = create_preferences (self);

  if (page != NULL)
    esp_preferences_window_show_page (ESP_PREFERENCES_WINDOW (window), page);
  gtk_window_present (window);
}

static void
show_preferences (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  present_preferences (ESP_APPLICATION (user_data), NULL);
}

static void
show_models (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  present_preferences (ESP_APPLICATION (user_data), "models");
}

static void
show_providers (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  present_preferences (ESP_APPLICATION (user_data), "providers");
}

/* With the backend that needs it, or "": any. */
static void
setup_provider (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWindow *window = create_preferences (ESP_APPLICATION (user_data));
  const char *backend = g_variant_get_string (parameter, NULL);

  gtk_window_present (window);
  esp_preferences_window_set_up_provider (ESP_PREFERENCES_WINDOW (window),
                                          *backend != '\0' ? backend : NULL);
}

static void
show_help (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (user_data));

  if (window != NULL)
    esp_help_show (window);
}

static void
show_about (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspApplication *self = ESP_APPLICATION (user_data);

  esp_application_show_about (self, gtk_application_get_active_window (GTK_APPLICATION (self)));
}

/* `response` says what becomes of turns under way. */
static void
close_all (EspApplication *self, const char *response)
{
  g_autoptr (GList) windows = NULL;

  /* As they are now, before the first of them goes. */
  save_session (self);
  esp_downloads_watch_quit (G_APPLICATION (self));
  self->quitting = TRUE;
  windows = g_list_copy (gtk_application_get_windows (GTK_APPLICATION (self)));
  for (GList *l = windows; l != NULL; l = l->next)
    if (ESP_IS_WINDOW (l->data) && response != NULL && esp_window_has_turns (l->data))
      esp_window_close_with_turns (l->data, response);
    else if (ESP_IS_WINDOW (l->data))
      {
        esp_window_leave_background (l->data);
        esp_window_start_close (l->data);
      }
    else
      gtk_window_destroy (l->data);
  /* Someone may have been asked, and stay. */
  self->quitting = FALSE;
}

static void
on_quit_answer (EspApplication *self, const char *response)
{
  self->quit_asked = FALSE;
  if (!g_str_equal (response, "wait"))
    close_all (self, response);
}

static void
on_quit_dialog_gone (EspApplication *self)
{
  self->quit_asked = FALSE;
}

/* One question for all windows, before the first of them goes. */
static void
quit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspApplication *self = ESP_APPLICATION (user_data);
  EspWindow *at_work = NULL;
  GtkWidget *dialog;

  if (self->quit_asked)
    return;
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    if (at_work == NULL && ESP_IS_WINDOW (l->data) && esp_window_has_turns (l->data))
      at_work = l->data;
  if (at_work == NULL)
    {
      close_all (self, NULL);
      return;
    }
  esp_window_leave_background (at_work);
  dialog = esp_window_create_turns_dialog (at_work);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_quit_answer), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (dialog, "destroy", G_CALLBACK (on_quit_dialog_gone), self,
                           G_CONNECT_SWAPPED);
  self->quit_asked = TRUE;
  gtk_window_present (GTK_WINDOW (dialog));
}

static const GActionEntry entries[] = {
  { "new-window", new_window },
  { "open-uri", open_uri, "s" },
  { "open", choose_files },
  { "new-from-clipboard", new_from_clipboard },
  { "on-node", on_node, "(sxs)" },
  { "preferences", show_preferences },
  { "show-models", show_models },
  { "show-providers", show_providers },
  { "setup-provider", setup_provider, "s" },
  { "help", show_help },
  { "about", show_about },
  { "quit", quit },
};

/* --- The application -------------------------------------------------------------------------- */

static void
on_color_scheme (EspApplication *self)
{
  adw_style_manager_set_color_scheme (
      adw_application_get_style_manager (ADW_APPLICATION (self)),
      (AdwColorScheme) g_settings_get_enum (self->settings, "color-scheme"));
}

static void
on_download_limit (EspApplication *self)
{
  esp_model_downloads_set_limit (
      self->downloads, (guint64) (g_settings_get_double (self->settings, "download-limit") * 1e6));
}

static void
esp_application_startup (GApplication *application)
{
  EspApplication *self = ESP_APPLICATION (application);

  G_APPLICATION_CLASS (esp_application_parent_class)->startup (application);
  esp_spoken_names_ensure ();
  esp_icon_keep_from_threads ();
  /* Not by the names that libadwaita takes by itself, of which it gives up one after the other. */
  esp_style_ensure (gdk_display_get_default (), "/espalier/app/window", "window.css");

  g_set_application_name (_ ("Espalier"));
  gtk_window_set_default_icon_name (ESP_APP_ID);
  self->settings = g_settings_new (ESP_APP_ID);
  on_color_scheme (self);
  g_signal_connect_object (self->settings, "changed::color-scheme", G_CALLBACK (on_color_scheme),
                           self, G_CONNECT_SWAPPED);

  self->registry = esp_registry_new_installed ();
  self->catalog = esp_provider_catalog_new (NULL, NULL);
  self->accounts = esp_accounts_new (NULL);
  esp_remote_backends_attach (self->registry, self->catalog, self->accounts);
  self->offers = esp_model_offers_load ();
  self->downloads = esp_model_downloads_new (self->offers);
  esp_downloads_watch_attach (application, self->downloads);
  on_download_limit (self);
  g_signal_connect_object (self->settings, "changed::download-limit",
                           G_CALLBACK (on_download_limit), self, G_CONNECT_SWAPPED);
  self->queue = esp_queue_new (self->registry);
  g_settings_bind (self->settings, "step-previews", self->queue, "previews", G_SETTINGS_BIND_GET);
  esp_notifier_attach (GTK_APPLICATION (self), self->queue);
  esp_awake_attach (GTK_APPLICATION (self), self->queue, self->downloads);

  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  esp_actions_set_accels (GTK_APPLICATION (self));
}

static void
esp_application_activate (GApplication *application)
{
  EspApplication *self = ESP_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (window != NULL)
    {
      if (ESP_IS_WINDOW (window))
        esp_window_leave_background (ESP_WINDOW (window));
      gtk_window_present (window);
    }
  else if (!restore_session (self))
    gtk_window_present (GTK_WINDOW (create_window (self)));
}

static void
esp_application_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  EspApplication *self = ESP_APPLICATION (application);

  for (int i = 0; i < n_files; i++)
    esp_application_open_file (self, find_empty_window (self), files[i]);
}

static int
esp_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  /* Of the same names. */
  static const char *const actions[] = { "new-window", "new-from-clipboard", "open" };

  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("espalier %s\n", ESP_VERSION);
      return 0;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (g_variant_dict_contains (options, actions[i]))
      {
        g_autoptr (GError) error = NULL;

        if (!g_application_register (application, NULL, &error))
          {
            g_printerr ("%s\n", error->message);
            return 1;
          }
        g_action_group_activate_action (G_ACTION_GROUP (application), actions[i], NULL);
        /* The first process stays for its window; a second one has told the first. */
        return g_application_get_is_remote (application) ? 0 : -1;
      }
  return -1;
}

static gboolean
esp_application_dbus_register (GApplication *application, GDBusConnection *connection,
                               const char *path, GError **error)
{
  return G_APPLICATION_CLASS (esp_application_parent_class)
             ->dbus_register (application, connection, path, error)
         && esp_search_provider_register (application, connection, path, error);
}

static void
esp_application_dbus_unregister (GApplication *application, GDBusConnection *connection,
                                 const char *path)
{
  esp_search_provider_unregister (application, connection);
  G_APPLICATION_CLASS (esp_application_parent_class)
      ->dbus_unregister (application, connection, path);
}

/* What the end of the program waits for. */
typedef struct
{
  gboolean registry, downloads, late;
} Ending;

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ending *ending = user_data;

  (void) esp_registry_stop_finish (ESP_REGISTRY (source), result, NULL);
  ending->registry = TRUE;
}

static void
on_downloads_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ending *ending = user_data;

  (void) esp_model_downloads_stop_finish (ESP_MODEL_DOWNLOADS (source), result, NULL);
  ending->downloads = TRUE;
}

static gboolean
on_stop_timeout (gpointer user_data)
{
  Ending *ending = user_data;

  ending->late = TRUE;
  return G_SOURCE_CONTINUE; /* removed below */
}

static void
esp_application_shutdown (GApplication *application)
{
  EspApplication *self = ESP_APPLICATION (application);
  Ending ending = { FALSE };
  guint timeout;

  g_clear_handle_id (&self->session_source, g_source_remove);
  g_settings_sync ();

  /* The workers end with us, and downloads note how far they came; they get two seconds to do so by
   * themselves. */
  esp_registry_stop_async (self->registry, on_stopped, &ending);
  esp_model_downloads_stop_async (self->downloads, on_downloads_stopped, &ending);
  timeout = g_timeout_add_seconds (2, on_stop_timeout, &ending);
  while (!ending.late && !(ending.registry && ending.downloads))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timeout);

  esp_notifier_detach (GTK_APPLICATION (self));
  esp_awake_detach (GTK_APPLICATION (self));
  esp_downloads_watch_detach (application);
  g_clear_object (&self->queue);
  g_clear_object (&self->registry);
  g_clear_object (&self->accounts);
  g_clear_object (&self->downloads);
  g_clear_object (&self->offers);
  g_clear_object (&self->library);
  g_clear_object (&self->catalog);
  g_clear_object (&self->settings);

  G_APPLICATION_CLASS (esp_application_parent_class)->shutdown (application);
}

static void
esp_application_class_init (EspApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  application_class->startup = esp_application_startup;
  application_class->activate = esp_application_activate;
  application_class->open = esp_application_open;
  application_class->shutdown = esp_application_shutdown;
  application_class->handle_local_options = esp_application_handle_local_options;
  application_class->dbus_register = esp_application_dbus_register;
  application_class->dbus_unregister = esp_application_dbus_unregister;
}

static void
esp_application_init (EspApplication *self)
{
  static const GOptionEntry options[] = {
    { "version", 'v', 0, G_OPTION_ARG_NONE, NULL, N_ ("Print the version and exit"), NULL },
    { "new-window", 'w', 0, G_OPTION_ARG_NONE, NULL, N_ ("Open a new window"), NULL },
    { "new-from-clipboard", 0, 0, G_OPTION_ARG_NONE, NULL,
      N_ ("Make a document of the image that was copied"), NULL },
    { "open", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Ask for files to open"), NULL },
    { NULL },
  };

  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), _ ("[FILE…]"));
}

EspApplication *
esp_application_new (void)
{
  return g_object_new (ESP_TYPE_APPLICATION, "application-id", ESP_APP_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path", "/espalier/app/window",
                       NULL);
}

EspQueue *
esp_application_get_queue (EspApplication *self)
{
  g_return_val_if_fail (ESP_IS_APPLICATION (self), NULL);
  return self->queue;
}

EspProviderCatalog *
esp_application_get_catalog (EspApplication *self)
{
  g_return_val_if_fail (ESP_IS_APPLICATION (self), NULL);
  return self->catalog;
}

EspAccounts *
esp_application_get_accounts (EspApplication *self)
{
  g_return_val_if_fail (ESP_IS_APPLICATION (self), NULL);
  return self->accounts;
}

GSettings *
esp_application_get_settings (EspApplication *self)
{
  g_return_val_if_fail (ESP_IS_APPLICATION (self), NULL);
  return self->settings;
}

GFile *
esp_application_dup_sample_photo (EspApplication *self)
{
  g_autofree char *data = NULL;
  g_autofree char *path = NULL;

  g_return_val_if_fail (ESP_IS_APPLICATION (self), NULL);

  data = esp_installation_find_data ();
  path = data != NULL ? g_build_filename (data, "photos", "cat.png", NULL) : NULL;
  return path != NULL ? g_file_new_for_path (path) : NULL;
}
