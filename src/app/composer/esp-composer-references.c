/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-references.c: further images for the next turn: from files, nodes, the clipboard and
 * drops. They are imported into the document first, so that the tree knows them. */
#include "esp-composer-private.h"

#include <glib/gi18n-lib.h>

#include "esp-picture-work.h"

static gboolean
can_import (EspComposer *self)
{
  if (self->document == NULL)
    return FALSE;
  if (esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    {
      _esp_composer_emit_error (self, _ ("This document is read-only: no image can be added."));
      return FALSE;
    }

  return TRUE;
}

static void
on_imported (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspComposer) self = user_data;
  g_autoptr (GError) error = NULL;
  EspNode *node = esp_document_import_finish (ESP_DOCUMENT (object), result, &error);

  if (node != NULL && self->document == ESP_DOCUMENT (object))
    esp_composer_add_reference (self, node);
  else if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    _esp_composer_emit_error (self, error->message);
}

static void
import_bytes (EspComposer *self, GBytes *bytes, const char *name)
{
  if (can_import (self))
    esp_document_import_async (self->document, bytes, name, NULL, self->cancellable, on_imported,
                               g_object_ref (self));
}

static void
on_file_read (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspComposer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_file_load_bytes_finish (G_FILE (object), result, NULL, &error);
  g_autofree char *name = g_file_get_basename (G_FILE (object));

  if (bytes != NULL)
    import_bytes (self, bytes, name);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    _esp_composer_emit_error (self, error->message);
}

static void
import_file (EspComposer *self, GFile *file)
{
  if (can_import (self))
    g_file_load_bytes_async (file, self->cancellable, on_file_read, g_object_ref (self));
}

static void
encode_texture (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, gdk_texture_save_to_png_bytes (data),
                         (GDestroyNotify) g_bytes_unref);
}

static void
on_texture_encoded (GObject *object, GAsyncResult *result, gpointer user_data)
{
  EspComposer *self = ESP_COMPOSER (object);
  g_autoptr (GBytes) bytes = g_task_propagate_pointer (G_TASK (result), NULL);

  if (bytes != NULL)
    import_bytes (self, bytes, NULL);
}

static void
import_texture (EspComposer *self, GdkTexture *texture)
{
  g_autoptr (GTask) task = NULL;

  if (!can_import (self))
    return;

  task = g_task_new (self, self->cancellable, on_texture_encoded, NULL);
  g_task_set_task_data (task, g_object_ref (texture), g_object_unref);
  esp_picture_work_run (task, encode_texture);
}

void
esp_composer_add_reference (EspComposer *self, EspNode *node)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (self->document == NULL
      || esp_document_get_node (self->document, esp_node_get_id (node)) != node)
    {
      _esp_composer_emit_error (self, _ ("Only images of this document can be references."));
      return;
    }
  if (!esp_node_has_image (node))
    {
      _esp_composer_emit_error (self, _ ("This turn has no image yet."));
      return;
    }

  esp_reference_chips_add (self->references, node);
  if (self->model != NULL && esp_model_get_schema (self->model) != NULL
      && esp_reference_chips_get_nodes (self->references)->len
             > esp_model_get_max_references (self->model))
    {
      guint maximum = esp_model_get_max_references (self->model);
      g_autofree char *message = NULL;

      if (maximum == 0)
        message = g_strdup (_ ("The chosen model takes no references."));
      else
        message = g_strdup_printf (
            g_dngettext (GETTEXT_PACKAGE, "The chosen model takes no more than %u reference.",
                         "The chosen model takes no more than %u references.", maximum),
            maximum);
      _esp_composer_emit_error (self, message);
    }
}

void
_esp_composer_reference_current (EspComposer *self)
{
  if (self->current != NULL)
    esp_composer_add_reference (self, self->current);
}

/* --- Choosing files --------------------------------------------------------------------------- */

static void
on_chosen (EspComposer *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GListModel) files = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;

  files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (chooser));
  for (guint i = 0; i < g_list_model_get_n_items (files); i++)
    {
      g_autoptr (GFile) file = g_list_model_get_item (files, i);

      import_file (self, file);
    }
}

void
_esp_composer_choose_reference (EspComposer *self)
{
  g_autoptr (GtkFileFilter) filter = NULL;
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (self->chooser != NULL || !can_import (self))
    return;

  self->chooser = gtk_file_chooser_native_new (
      _ ("Add References"), GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
      GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Add"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (self->chooser), TRUE);
  filter = gtk_file_filter_new ();
  gtk_file_filter_set_name (filter, _ ("Images"));
  gtk_file_filter_add_mime_type (filter, "image/*");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_chosen), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

/* --- Clipboard and drops ---------------------------------------------------------------------- */

static void
on_pasted_texture (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspComposer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture
      = gdk_clipboard_read_texture_finish (GDK_CLIPBOARD (object), result, &error);

  if (texture != NULL)
    import_texture (self, texture);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    _esp_composer_emit_error (self, _ ("There is no image in the clipboard."));
}

static gboolean
take_value (EspComposer *self, const GValue *value)
{
  if (G_VALUE_HOLDS (value, ESP_TYPE_NODE))
    esp_composer_add_reference (self, g_value_get_object (value));
  else if (G_VALUE_HOLDS (value, GDK_TYPE_TEXTURE))
    import_texture (self, g_value_get_object (value));
  else if (G_VALUE_HOLDS (value, G_TYPE_FILE))
    import_file (self, g_value_get_object (value));
  else if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    {
      g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

      for (GSList *item = files; item != NULL; item = item->next)
        import_file (self, item->data);
    }
  else
    return FALSE;

  return TRUE;
}

static void
on_pasted_files (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspComposer) self = user_data;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (object), result, NULL);

  if (value != NULL)
    take_value (self, value);
}

void
_esp_composer_paste_reference (EspComposer *self)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  GdkContentFormats *formats = gdk_clipboard_get_formats (clipboard);

  if (!can_import (self))
    return;

  if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST))
    gdk_clipboard_read_value_async (clipboard, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT,
                                    self->cancellable, on_pasted_files, g_object_ref (self));
  else
    gdk_clipboard_read_texture_async (clipboard, self->cancellable, on_pasted_texture,
                                      g_object_ref (self));
}

static gboolean
on_drop (EspComposer *self, const GValue *value)
{
  return self->document != NULL && take_value (self, value);
}

void
_esp_composer_init_drop (EspComposer *self)
{
  GType types[] = { ESP_TYPE_NODE, GDK_TYPE_FILE_LIST, G_TYPE_FILE, GDK_TYPE_TEXTURE };
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY);

  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  g_signal_connect_object (target, "drop", G_CALLBACK (on_drop), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
  gtk_widget_add_css_class (GTK_WIDGET (self), "esp-drop-target");
}
