/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-history-label.c: the popover in which a node gets a name. */
#include "esp-history-private.h"

#include <glib/gi18n-lib.h>

static void
on_label_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    g_message ("Not renamed: %s", error->message);
}

static void
on_activate (EspHistory *self)
{
  g_autofree char *text
      = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->label_entry))));
  const char *old = self->label_node ? esp_node_get_label (self->label_node) : NULL;

  if (self->document && self->label_node && !esp_node_is_deleted (self->label_node)
      && g_strcmp0 (old ? old : "", text) != 0)
    esp_document_set_label_async (self->document, self->label_node, *text ? text : NULL, NULL,
                                  on_label_set, NULL);
  gtk_popover_popdown (GTK_POPOVER (self->label_popover));
}

static void
on_closed (EspHistory *self)
{
  g_clear_object (&self->label_node);
  gtk_widget_grab_focus (self->outline ? GTK_WIDGET (self->outline_list) : GTK_WIDGET (self->tree));
}

static void
make_popover (EspHistory *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("_Rename"));

  self->label_entry = gtk_entry_new ();
  gtk_editable_set_width_chars (GTK_EDITABLE (self->label_entry), 18);
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->label_entry), _ ("Label"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->label_entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Label"), -1);
  gtk_widget_add_css_class (button, "suggested-action");
  gtk_box_append (GTK_BOX (box), self->label_entry);
  gtk_box_append (GTK_BOX (box), button);
  gtk_widget_set_margin_start (box, 6);
  gtk_widget_set_margin_end (box, 6);
  gtk_widget_set_margin_top (box, 6);
  gtk_widget_set_margin_bottom (box, 6);

  self->label_popover = gtk_popover_new ();
  gtk_popover_set_child (GTK_POPOVER (self->label_popover), box);
  gtk_widget_set_parent (self->label_popover, GTK_WIDGET (self));
  g_signal_connect_swapped (self->label_entry, "activate", G_CALLBACK (on_activate), self);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (on_activate), self);
  g_signal_connect_swapped (self->label_popover, "closed", G_CALLBACK (on_closed), self);
}

void
esp_history_edit_label (EspHistory *self, EspNode *node)
{
  GdkRectangle area;

  g_return_if_fail (ESP_IS_HISTORY (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (!self->label_popover)
    make_popover (self);
  esp_history_reveal (self, node);
  g_set_object (&self->label_node, node);
  gtk_editable_set_text (GTK_EDITABLE (self->label_entry),
                         esp_node_get_label (node) ? esp_node_get_label (node) : "");
  _esp_history_get_node_area (self, node, &area);
  gtk_popover_set_pointing_to (GTK_POPOVER (self->label_popover), &area);
  gtk_popover_popup (GTK_POPOVER (self->label_popover));
  gtk_widget_grab_focus (self->label_entry);
  gtk_editable_select_region (GTK_EDITABLE (self->label_entry), 0, -1);
}

void
_esp_history_dispose_label (EspHistory *self)
{
  if (self->label_popover)
    g_signal_handlers_disconnect_by_data (self->label_popover, self);
  g_clear_pointer (&self->label_popover, gtk_widget_unparent);
  g_clear_object (&self->label_node);
}
