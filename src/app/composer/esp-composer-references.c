/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-references.c: further images for the next turn: from files, nodes, the clipboard and
 * drops. They are imported into the document first, so that the tree knows them. */
#include "esp-composer-private.h"

#include <glib/gi18n-lib.h>

#include "esp-drop.h"

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
  g_autoptr (GBytes) bytes = esp_incoming_load_file_finish (G_FILE (object), result, &error);
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
    esp_incoming_load_file_async (file, self->cancellable, on_file_read, g_object_ref (self));
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

static gboolean
take_value (EspComposer *self, const GValue *value)
{
  if (G_VALUE_HOLDS (value, G_TYPE_BYTES))
    import_bytes (self, g_value_get_boxed (value), NULL);
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
on_pasted (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspComposer) self = user_data;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  if (esp_incoming_read_finish (result, &value, &error))
    take_value (self, &value);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    _esp_composer_emit_error (self, _ ("There is no image in the clipboard."));
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    _esp_composer_emit_error (self, error->message);
}

void
_esp_composer_paste_reference (EspComposer *self)
{
  if (can_import (self))
    esp_incoming_read_clipboard_async (gtk_widget_get_clipboard (GTK_WIDGET (self)),
                                       ESP_INCOMING_FILES | ESP_INCOMING_IMAGE, NULL,
                                       self->cancellable, on_pasted, g_object_ref (self));
}

static gboolean
on_node (GtkWidget *widget, GObject *own, gboolean move, double x, double y)
{
  EspComposer *self = ESP_COMPOSER (widget);

  if (self->document != NULL)
    esp_composer_add_reference (self, ESP_NODE (own));
  return self->document != NULL;
}

static gboolean
on_take (GtkWidget *widget, GObject *place, const GValue *value)
{
  EspComposer *self = ESP_COMPOSER (widget);

  return self->document != NULL && take_value (self, value);
}

static void
on_fail (GtkWidget *widget, const GError *error)
{
  _esp_composer_emit_error (ESP_COMPOSER (widget), error->message);
}

void
_esp_composer_init_drop (EspComposer *self)
{
  static EspDrop drop = {
    .kinds = ESP_INCOMING_FILES | ESP_INCOMING_IMAGE,
    .actions = GDK_ACTION_COPY,
    .take_own = on_node,
    .take = on_take,
    .fail = on_fail,
  };

  drop.own = ESP_TYPE_NODE;
  esp_drop_attach (GTK_WIDGET (self), &drop);
  gtk_widget_add_css_class (GTK_WIDGET (self), "esp-drop-target");
}
