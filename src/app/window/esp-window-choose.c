/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-choose.c: the dialogs that a file is opened and a document saved with. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-window-private.h"

static void
add_filter (GtkFileChooser *chooser, const char *name, gboolean images, gboolean documents)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  if (images)
    gtk_file_filter_add_pixbuf_formats (filter);
  if (images)
    gtk_file_filter_add_mime_type (filter, "image/webp");
  if (documents)
    gtk_file_filter_add_suffix (filter, "espalier");
  gtk_file_chooser_add_filter (chooser, filter);
}

static void
on_files_chosen (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  g_autoptr (GtkNativeDialog) owned = dialog;
  g_autoptr (GListModel) files = NULL;
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  if (response != GTK_RESPONSE_ACCEPT || application == NULL)
    return;
  files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (dialog));
  for (guint i = 0; i < g_list_model_get_n_items (files); i++)
    {
      g_autoptr (GFile) file = g_list_model_get_item (files, i);

      esp_application_open_file (ESP_APPLICATION (application), self, file);
    }
}

void
esp_window_choose_file (EspWindow *self)
{
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (_ ("Open a Photo or a Document"), GTK_WINDOW (self),
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Open"), _ ("_Cancel"));
  GtkFileChooser *chooser = GTK_FILE_CHOOSER (dialog);

  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  gtk_file_chooser_set_select_multiple (chooser, TRUE);
  add_filter (chooser, _ ("Photos and documents"), TRUE, TRUE);
  add_filter (chooser, _ ("Photos"), TRUE, FALSE);
  add_filter (chooser, _ ("Espalier documents"), FALSE, TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_files_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
on_saved_as (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (!esp_document_save_as_finish (ESP_DOCUMENT (source), result, &error))
    esp_window_toast_error (self, _ ("The document could not be saved"), error);
  else
    esp_window_toast (self, _ ("Saved"));
}

static void
on_target_queried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GFileInfo) info = g_file_query_info_finish (G_FILE (source), result, NULL);

  if (self->document == NULL)
    return;
  if (info != NULL)
    {
      g_autofree char *name = g_file_get_basename (G_FILE (source));
      g_autofree char *text = g_strdup_printf (_ ("“%s” exists already."), name);

      esp_window_toast (self, text);
      return;
    }
  esp_document_save_as_async (self->document, G_FILE (source), NULL, on_saved_as,
                              g_object_ref (self));
}

static void
on_save_as_chosen (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  g_autoptr (GtkNativeDialog) owned = dialog;
  g_autoptr (GFile) file = NULL;

  if (response != GTK_RESPONSE_ACCEPT || self->document == NULL)
    return;
  file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  if (esp_window_is_document (file))
    esp_document_save_as_async (self->document, file, NULL, on_saved_as, g_object_ref (self));
  else
    {
      /* A name without the ending. The dialog asked about replacing another file than the one
       * with it, so that one that exists is left alone. */
      g_autofree char *uri = g_file_get_uri (file);
      g_autofree char *with_ending = g_strconcat (uri, ".espalier", NULL);
      g_autoptr (GFile) target = g_file_new_for_uri (with_ending);

      g_file_query_info_async (target, G_FILE_ATTRIBUTE_STANDARD_TYPE, G_FILE_QUERY_INFO_NONE,
                               G_PRIORITY_DEFAULT, self->cancellable, on_target_queried,
                               g_object_ref (self));
    }
}

void
esp_window_choose_save_as (EspWindow *self)
{
  GtkFileChooserNative *dialog;
  g_autofree char *name = NULL;

  if (self->document == NULL)
    return;
  dialog = gtk_file_chooser_native_new (_ ("Save As"), GTK_WINDOW (self),
                                        GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  name = g_strconcat (esp_document_get_title (self->document), ".espalier", NULL);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), name);
  add_filter (GTK_FILE_CHOOSER (dialog), _ ("Espalier documents"), FALSE, TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_save_as_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}
