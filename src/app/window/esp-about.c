/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-about.c: the window that says what the program is, and what it is made of. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <sqlite3.h>

#include "esp-application.h"
#include "esp-installation.h"
#include "esp-legal-parts.h"
#include "esp-local-backend.h"

/* Of the parts those whose names are words, for translators. */
G_GNUC_UNUSED static const char *const names_of_parts[]
    = { N_ ("Engine"), N_ ("Demo Model"), N_ ("Sample Photos") };

/* What the kernel holds the engine to, which depends on the system. */
static const char *
describe_confinement (EspApplication *self)
{
  EspRegistry *registry = esp_queue_get_registry (esp_application_get_queue (self));
  EspBackend *local = esp_registry_find_backend (registry, "local");
  gboolean files, calls;

  if (local == NULL || !esp_local_backend_get_confined (ESP_LOCAL_BACKEND (local), &files, &calls))
    return "not known yet";
  if (files)
    return calls ? "files (Landlock) and system calls (seccomp)" : "files (Landlock) only";
  return calls ? "system calls (seccomp) only" : "no";
}

/* For reports of faults: versions and paths, nothing of the person's work. */
static char *
dup_debug_info (EspApplication *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *engine = esp_installation_find_engine ();
  g_autofree char *data = esp_installation_find_data ();
  g_autofree char *os = g_get_os_info (G_OS_INFO_KEY_PRETTY_NAME);
  g_autoptr (GPtrArray) models = esp_installation_list_models ();
  GdkDisplay *display = gdk_display_get_default ();

  g_string_append_printf (text, "Espalier %s\n", ESP_VERSION);
  g_string_append_printf (text, "System: %s\n", os != NULL ? os : "?");
  g_string_append_printf (text, "GTK %u.%u.%u, libadwaita %u.%u.%u, GLib %u.%u.%u, SQLite %s\n",
                          gtk_get_major_version (), gtk_get_minor_version (),
                          gtk_get_micro_version (), adw_get_major_version (),
                          adw_get_minor_version (), adw_get_micro_version (), glib_major_version,
                          glib_minor_version, glib_micro_version, sqlite3_libversion ());
  g_string_append_printf (text, "Display: %s\n",
                          display != NULL ? G_OBJECT_TYPE_NAME (display) : "?");
  g_string_append_printf (text, "Flatpak: %s\n",
                          g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS) ? "yes" : "no");
  g_string_append_printf (text, "Engine: %s\nData: %s\n", engine, data != NULL ? data : "?");
  g_string_append_printf (text, "Engine is confined: %s\n", describe_confinement (self));
  for (guint i = 0; i < models->len; i++)
    {
      const EspInstalledModel *model = g_ptr_array_index (models, i);

      g_string_append_printf (text, "Model: %s, %s\n", model->id, model->path);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
esp_application_show_about (EspApplication *self, GtkWindow *parent)
{
  GtkWidget *about = adw_about_window_new ();
  AdwAboutWindow *window = ADW_ABOUT_WINDOW (about);
  g_autofree char *debug = NULL;

  g_return_if_fail (ESP_IS_APPLICATION (self));

  debug = dup_debug_info (self);
  gtk_window_set_transient_for (GTK_WINDOW (about), parent);
  adw_about_window_set_application_name (window, _ ("Espalier"));
  adw_about_window_set_application_icon (window, ESP_APP_ID);
  adw_about_window_set_version (window, ESP_VERSION);
  adw_about_window_set_developer_name (window, _ ("The Espalier developers"));
  adw_about_window_set_comments (
      window, _ ("Change photos in words, turn by turn, and keep every turn in a tree."));
  adw_about_window_set_license_type (window, GTK_LICENSE_GPL_3_0);
  adw_about_window_set_copyright (window, _ ("© 2026 The Espalier developers"));
  /* Translators: your names, one a line, with an e-mail address if you like. */
  adw_about_window_set_translator_credits (window, _ ("translator-credits"));
  adw_about_window_set_debug_info (window, debug);
  adw_about_window_set_debug_info_filename (window, "espalier-debug-info.txt");
  for (gsize i = 0; i < G_N_ELEMENTS (legal_parts); i++)
    adw_about_window_add_legal_section (
        window, legal_parts[i].translated ? _ (legal_parts[i].title) : legal_parts[i].title,
        legal_parts[i].copyright, legal_parts[i].type, legal_parts[i].licence);
  gtk_window_present (GTK_WINDOW (about));
}
