/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-help.c: see esp-help.h.
 *
 * A sandbox hands a browser one file and no more, and no anchor in it. So the manual is one page
 * with everything in it, and what is opened is a copy among the caches that goes to its place by
 * itself. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-help.h"

#include <adwaita.h>
#include <errno.h>
#include <glib/gi18n-lib.h>

#include "esp-actions.h"
#include "esp-installation.h"
#include "esp-preferences-window.h"
#include "esp-show-uri.h"
#include "esp-window-private.h"

/* Stands once in the manual, at its end; docs/manual/join.py writes it. */
#define PLACE "<!-- place -->"

typedef struct
{
  char *manual; /* path of the page as installed */
  char *copy;
  char *uri; /* what is to be shown of the two */
  const char *topic;
} Help;

static void
help_free (Help *help)
{
  g_free (help->manual);
  g_free (help->copy);
  g_free (help->uri);
  g_free (help);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Help, help_free)

const char *
esp_help_get_topic (GtkWindow *window)
{
  if (ESP_IS_PREFERENCES_WINDOW (window))
    {
      const char *page = esp_preferences_window_get_page (ESP_PREFERENCES_WINDOW (window));

      if (g_strcmp0 (page, "models") == 0)
        return "models";
      if (g_strcmp0 (page, "providers") == 0)
        return "providers";
      if (g_strcmp0 (page, "storage") == 0)
        return "files";
    }
  if (!ESP_IS_WINDOW (window) || esp_window_is_empty (ESP_WINDOW (window)))
    return "first-edit";
  if (g_strcmp0 (gtk_stack_get_visible_child_name (ESP_WINDOW (window)->below), "sweep") == 0
      || esp_window_is_sweep_shown (ESP_WINDOW (window)))
    return "sweeps";
  if (esp_window_is_comparing (ESP_WINDOW (window)))
    return "compare";
  return "contents";
}

/* In a dialog: a toast has no room for a path. */
static void
say (GtkWindow *window, const char *text)
{
  GtkWidget *dialog = adw_message_dialog_new (window, NULL, text);

  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _ ("_Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
say_where (GtkWindow *window, const Help *help)
{
  g_autofree char *text = NULL;
  const char *path;

  /* The installed one may be in a sandbox, where nobody else sees it. */
  path = g_file_test (help->copy, G_FILE_TEST_IS_REGULAR) ? help->copy : help->manual;
  /* Translators: the path of a file */
  text = g_strdup_printf (_ ("No program here shows web pages. The manual is “%s”."), path);
  say (window, text);
}

static void
on_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Help) help = data;
  g_autoptr (GError) error = NULL;

  if (esp_show_uri_finish (GTK_WINDOW (source), result, &error)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_debug ("%s: %s", help->copy, error->message);
  if (gtk_widget_get_visible (GTK_WIDGET (source)))
    say_where (GTK_WINDOW (source), help);
}

/* Writes `contents`, the manual, to the copy, told where to go. */
static gboolean
write_copy (Help *help, const char *contents, gsize length, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (help->copy);
  const char *place = g_strrstr_len (contents, (gssize) length, PLACE);
  g_autoptr (GString) page = g_string_sized_new (length + 256);

  if (place == NULL)
    place = contents + length;
  g_string_append_len (page, contents, place - contents);
  g_string_append_printf (page, "<script>if (!location.hash) location.hash = '%s';</script>\n",
                          help->topic);
  g_string_append_len (page, place, contents + length - place);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", folder,
                   g_strerror (code));
      return FALSE;
    }
  return g_file_set_contents (help->copy, page->str, (gssize) page->len, error);
}

static void
copy_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Help *help = data;
  g_autofree char *contents = NULL;
  gsize length;
  GError *error = NULL;

  if (g_file_get_contents (help->manual, &contents, &length, &error)
      && write_copy (help, contents, length, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_copied (GObject *source, GAsyncResult *result, gpointer data)
{
  Help *help = g_task_get_task_data (G_TASK (result));
  g_autoptr (Help) next = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    uri = g_filename_to_uri (help->copy, NULL, NULL);
  else
    g_debug ("the manual cannot be copied: %s", error->message);
  /* Without its place, then. */
  if (uri == NULL)
    uri = g_filename_to_uri (help->manual, NULL, NULL);
  if (uri == NULL || !gtk_widget_get_visible (GTK_WIDGET (source)))
    return;

  next = g_new0 (Help, 1);
  next->manual = g_strdup (help->manual);
  next->copy = g_strdup (help->copy);
  next->uri = g_steal_pointer (&uri);
  uri = g_strdup (next->uri);
  esp_show_uri_async (GTK_WINDOW (source), uri, NULL, on_shown, g_steal_pointer (&next));
}

void
esp_help_show (GtkWindow *window)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (Help) help = NULL;

  g_return_if_fail (GTK_IS_WINDOW (window));

  help = g_new0 (Help, 1);
  help->manual = esp_installation_find_manual ();
  help->copy
      = g_build_filename (g_get_user_cache_dir (), "espalier", "manual", "espalier.html", NULL);
  help->topic = esp_help_get_topic (window);

  if (!g_file_test (help->manual, G_FILE_TEST_IS_REGULAR))
    {
      g_autofree char *text = NULL;

      /* Translators: the path of a file */
      text = g_strdup_printf (_ ("The manual is missing: “%s”"), help->manual);
      say (window, text);
      return;
    }
  task = g_task_new (window, NULL, on_copied, NULL);
  g_task_set_task_data (task, g_steal_pointer (&help), (GDestroyNotify) help_free);
  g_task_run_in_thread (task, copy_in_thread);
}

static gboolean
on_key (GtkWidget *widget, GVariant *args, gpointer user_data)
{
  esp_help_show (GTK_WINDOW (widget));
  return TRUE;
}

void
esp_help_add_key (GtkWindow *window)
{
  GtkEventController *controller;
  const EspActionInfo *info = esp_actions_find ("app.help");

  g_return_if_fail (GTK_IS_WINDOW (window));

  controller = gtk_shortcut_controller_new ();
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (controller),
      gtk_shortcut_new (gtk_shortcut_trigger_parse_string (info->keys[0]),
                        gtk_callback_action_new (on_key, NULL, NULL)));
  gtk_widget_add_controller (GTK_WIDGET (window), controller);
}
