/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-properties-window.c: what a document is, how large it is, and what can be thrown away. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-deleted-turns.h"
#include "esp-window-private.h"

#define ESP_TYPE_PROPERTIES_WINDOW (esp_properties_window_get_type ())

G_DECLARE_FINAL_TYPE (EspPropertiesWindow, esp_properties_window, ESP, PROPERTIES_WINDOW, AdwWindow)

struct _EspPropertiesWindow
{
  AdwWindow parent_instance;

  AdwToastOverlay *toasts;
  GtkWidget *name_row;
  AdwActionRow *place_row;
  AdwActionRow *created_row;
  AdwActionRow *turns_row;
  AdwActionRow *images_row;
  AdwActionRow *file_row;
  AdwActionRow *deleted_row;
  GtkWidget *purge_button;
  EspDeletedTurns *deleted_turns;
  AdwActionRow *health_row;
  GtkWidget *verify_button;

  EspDocument *document;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (EspPropertiesWindow, esp_properties_window, ADW_TYPE_WINDOW)

static void
toast_error (EspPropertiesWindow *self, const GError *error)
{
  g_autofree char *escaped = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->toasts == NULL)
    return;
  escaped = g_markup_escape_text (error->message, -1);
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}

static void
on_measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspPropertiesWindow) self = ESP_PROPERTIES_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  g_autofree char *images = NULL;
  g_autofree char *file = NULL;
  g_autofree char *turns = NULL;
  g_autofree char *text = NULL;
  g_autofree char *size = NULL;
  EspDocumentStatistics statistics;

  if (!esp_document_measure_finish (ESP_DOCUMENT (source), result, &statistics, &error))
    {
      toast_error (self, error);
      return;
    }
  if (self->turns_row == NULL)
    return;

  turns = g_strdup_printf ("%u", statistics.n_nodes);
  adw_action_row_set_subtitle (self->turns_row, turns);
  size = g_format_size (statistics.image_bytes);
  text = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%u image, %s", "%u images, %s", statistics.n_images),
      statistics.n_images, size);
  adw_action_row_set_subtitle (self->images_row, text);
  file = g_format_size (statistics.file_bytes);
  adw_action_row_set_subtitle (self->file_row, file);
  if (statistics.created > 0)
    {
      g_autoptr (GDateTime) utc
          = g_date_time_new_from_unix_utc (statistics.created / G_USEC_PER_SEC);
      g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;
      g_autofree char *words = local != NULL ? g_date_time_format (local, "%c") : NULL;

      adw_action_row_set_subtitle (self->created_row, words != NULL ? words : "");
    }

  gtk_widget_set_sensitive (self->purge_button, statistics.n_deleted > 0
                                                    && esp_document_get_access (self->document)
                                                           == ESP_DOCUMENT_WRITABLE);
  if (statistics.n_deleted == 0)
    adw_action_row_set_subtitle (self->deleted_row, _ ("Nothing is kept of what was deleted"));
  else
    {
      g_autofree char *free_bytes = g_format_size (statistics.deleted_bytes);
      g_autofree char *words = g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE,
                       "%u deleted image or turn is kept for undo; purging it frees about %s",
                       "%u deleted images and turns are kept for undo; purging them frees about %s",
                       statistics.n_deleted),
          statistics.n_deleted, free_bytes);

      adw_action_row_set_subtitle (self->deleted_row, words);
    }
}

static void
measure (EspPropertiesWindow *self)
{
  esp_document_measure_async (self->document, self->cancellable, on_measured, g_object_ref (self));
}

static void
update_place (EspPropertiesWindow *self)
{
  GFile *file = esp_document_get_file (self->document);
  g_autofree char *name = g_file_get_parse_name (file);

  gtk_editable_set_text (GTK_EDITABLE (self->name_row), esp_document_get_title (self->document));
  adw_action_row_set_subtitle (self->place_row, esp_document_is_in_library (self->document)
                                                    ? _ ("Espalier’s library")
                                                    : name);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->place_row), name);
  gtk_widget_set_sensitive (self->name_row,
                            esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE
                                && esp_document_is_in_library (self->document));
}

static void
on_renamed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspPropertiesWindow) self = ESP_PROPERTIES_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (!esp_document_save_as_finish (ESP_DOCUMENT (source), result, &error))
    toast_error (self, error);
  if (self->name_row != NULL)
    update_place (self);
}

typedef struct
{
  EspPropertiesWindow *window;
  GFile *target;
} Rename;

static void
on_rename_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Rename *rename = user_data;
  g_autoptr (EspPropertiesWindow) self = rename->window;
  g_autoptr (GFile) target = rename->target;
  g_autoptr (GFileInfo) info = g_file_query_info_finish (G_FILE (source), result, NULL);

  g_free (rename);
  if (info != NULL)
    {
      adw_toast_overlay_add_toast (self->toasts,
                                   adw_toast_new (_ ("Another document has this name.")));
      update_place (self);
      return;
    }
  /* A document of the library moves. */
  esp_document_save_as_async (self->document, target, NULL, on_renamed, g_object_ref (self));
}

static void
on_name_applied (EspPropertiesWindow *self)
{
  g_autofree char *name
      = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->name_row))));
  g_autofree char *base = NULL;
  g_autoptr (GFile) folder = g_file_get_parent (esp_document_get_file (self->document));
  Rename *rename;

  g_strdelimit (name, "/\\", '-');
  if (name[0] == '\0' || name[0] == '.' || folder == NULL)
    {
      update_place (self);
      return;
    }
  base = g_strconcat (name, ".espalier", NULL);
  rename = g_new0 (Rename, 1);
  rename->window = g_object_ref (self);
  rename->target = g_file_get_child (folder, base);
  g_file_query_info_async (rename->target, G_FILE_ATTRIBUTE_STANDARD_TYPE, G_FILE_QUERY_INFO_NONE,
                           G_PRIORITY_DEFAULT, self->cancellable, on_rename_checked, rename);
}

static void
on_save_as (EspPropertiesWindow *self)
{
  GtkWindow *window = gtk_window_get_transient_for (GTK_WINDOW (self));

  if (ESP_IS_WINDOW (window))
    esp_window_choose_save_as (ESP_WINDOW (window));
  gtk_window_close (GTK_WINDOW (self));
}

/* --- Purge ------------------------------------------------------------------------------------ */

static void
on_purged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspPropertiesWindow) self = ESP_PROPERTIES_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    toast_error (self, error);
  if (self->turns_row != NULL)
    {
      esp_deleted_turns_update (self->deleted_turns);
      measure (self);
    }
}

static void
on_purge_answer (EspPropertiesWindow *self, const char *response)
{
  if (!g_str_equal (response, "purge"))
    return;
  gtk_widget_set_sensitive (self->purge_button, FALSE);
  esp_document_purge_async (self->document, NULL, on_purged, g_object_ref (self));
}

/* One of the two things that undo cannot bring back, so that it is asked about. */
static void
on_purge (EspPropertiesWindow *self)
{
  GtkWidget *dialog
      = adw_message_dialog_new (GTK_WINDOW (self), _ ("Purge What Was Deleted?"),
                                _ ("Deleted images and turns are removed from the file for good, "
                                   "and undo begins anew. Their instructions stay known."));
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);

  adw_message_dialog_add_responses (message, "cancel", _ ("_Cancel"), "purge", _ ("_Purge"), NULL);
  adw_message_dialog_set_response_appearance (message, "purge", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_purge_answer), self,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- What was deleted ------------------------------------------------------------------------- */

static void
on_restored (EspPropertiesWindow *self, guint n_nodes)
{
  g_autofree char *words
      = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u image or turn restored",
                                      "%u images and turns restored", n_nodes),
                         n_nodes);

  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (words));
  measure (self);
}

static void
on_restore_failed (EspPropertiesWindow *self, const char *message)
{
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}

/* --- Verify ----------------------------------------------------------------------------------- */

static void
on_verified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspPropertiesWindow) self = ESP_PROPERTIES_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) problems = NULL;
  g_autofree char *text = NULL;
  guint n_images = 0, n_nodes = 0;

  if (!esp_document_verify_finish (ESP_DOCUMENT (source), result, &n_images, &n_nodes, &problems,
                                   &error))
    toast_error (self, error);
  if (self->verify_button == NULL)
    return;
  gtk_widget_set_sensitive (self->verify_button, TRUE);
  if (error != NULL)
    return;
  if (problems == NULL || problems->len == 0)
    text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u image checked, all is well",
                                         "%u images checked, all is well", n_images),
                            n_images);
  else
    text = g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "%u problem: %s", "%u problems: %s", problems->len),
        problems->len, (const char *) g_ptr_array_index (problems, 0));
  adw_action_row_set_subtitle (self->health_row, text);
}

static void
on_verify (EspPropertiesWindow *self)
{
  gtk_widget_set_sensitive (self->verify_button, FALSE);
  adw_action_row_set_subtitle (self->health_row, _ ("Checking…"));
  esp_document_verify_async (self->document, self->cancellable, on_verified, g_object_ref (self));
}

static void
esp_properties_window_dispose (GObject *object)
{
  EspPropertiesWindow *self = ESP_PROPERTIES_WINDOW (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->document);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_PROPERTIES_WINDOW);

  G_OBJECT_CLASS (esp_properties_window_parent_class)->dispose (object);
}

static void
esp_properties_window_class_init (EspPropertiesWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_properties_window_dispose;
  g_type_ensure (ESP_TYPE_DELETED_TURNS);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/window/esp-properties-window.ui");
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, name_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, place_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, created_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, turns_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, images_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, file_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, deleted_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, purge_button);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, deleted_turns);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, health_row);
  gtk_widget_class_bind_template_child (widget_class, EspPropertiesWindow, verify_button);
  gtk_widget_class_bind_template_callback (widget_class, on_name_applied);
  gtk_widget_class_bind_template_callback (widget_class, on_save_as);
  gtk_widget_class_bind_template_callback (widget_class, on_purge);
  gtk_widget_class_bind_template_callback (widget_class, on_restored);
  gtk_widget_class_bind_template_callback (widget_class, on_restore_failed);
  gtk_widget_class_bind_template_callback (widget_class, on_verify);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
esp_properties_window_init (EspPropertiesWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

GtkWindow *
esp_properties_window_new (GtkWindow *parent, EspDocument *document)
{
  EspPropertiesWindow *self;

  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);

  self = g_object_new (ESP_TYPE_PROPERTIES_WINDOW, "transient-for", parent, NULL);
  self->document = g_object_ref (document);
  update_place (self);
  measure (self);
  esp_deleted_turns_set_document (self->deleted_turns, document);
  return GTK_WINDOW (self);
}
