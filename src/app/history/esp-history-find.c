/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-history-find.c: find: what matches is marked in the tree and the rest dimmed; Return goes
 * from one to the next. */
#include "esp-history-private.h"

#include <glib/gi18n-lib.h>

static void
show_count (EspHistory *self)
{
  g_autofree char *text = NULL;
  guint n = self->found ? self->found->len : 0;

  if (!self->found)
    text = g_strdup ("");
  else if (n == 0)
    text = g_strdup (_ ("No matches"));
  else if (self->found_at == G_MAXUINT)
    text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u match", "%u matches", n), n);
  else
    /* Translators: which of the matches is shown: "2 of 7". */
    text = g_strdup_printf (_ ("%u of %u"), self->found_at + 1, n);
  gtk_label_set_text (self->find_count, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->find_count), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  text, -1);
  gtk_widget_set_visible (GTK_WIDGET (self->find_count), *text != '\0');
  gtk_widget_set_sensitive (self->find_previous, n > 0);
  gtk_widget_set_sensitive (self->find_next, n > 0);
  if (self->found && n == 0)
    gtk_widget_add_css_class (GTK_WIDGET (self->find_entry), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->find_entry), "error");
}

static void
show_matches (EspHistory *self)
{
  g_autoptr (GHashTable) set = NULL;

  if (self->found)
    {
      set = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
      for (guint i = 0; i < self->found->len; i++)
        g_hash_table_add (set, g_object_ref (g_ptr_array_index (self->found, i)));
    }
  esp_tree_view_set_matches (self->tree, set);
  esp_outline_set_matches (self->outline_list, set);
  show_count (self);
}

void
_esp_history_find_clear (EspHistory *self)
{
  g_clear_handle_id (&self->find_id, g_source_remove);
  if (!self->found)
    return;
  g_clear_pointer (&self->found, g_ptr_array_unref);
  show_matches (self);
}

void
_esp_history_find_again (EspHistory *self)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (self->find_entry)));
  g_autoptr (GPtrArray) old = NULL;
  EspNode *at = NULL;

  if (!self->document || !*text || !gtk_revealer_get_reveal_child (self->find_bar))
    {
      _esp_history_find_clear (self);
      show_count (self);
      return;
    }
  old = g_steal_pointer (&self->found);
  if (old && self->found_at < old->len)
    at = g_ptr_array_index (old, self->found_at);
  self->found = esp_document_find (self->document, text);
  self->found_at = G_MAXUINT;
  for (guint i = 0; at && i < self->found->len; i++)
    if (g_ptr_array_index (self->found, i) == at)
      self->found_at = i;
  show_matches (self);
}

/* To the next match; the first one is the one after the current node. */
void
_esp_history_find_step (EspHistory *self, int step)
{
  EspNode *node;
  int n;

  if (!self->found || self->found->len == 0)
    return;
  n = (int) self->found->len;
  if (self->found_at == G_MAXUINT)
    self->found_at = step > 0 ? 0 : (guint) n - 1;
  else
    self->found_at = (guint) (((int) self->found_at + step + n) % n);
  node = g_ptr_array_index (self->found, self->found_at);
  esp_history_reveal (self, node);
  /* One look at it is what one wants; the keyboard stays in the entry. */
  esp_document_set_current (self->document, node);
  show_count (self);
}

void
esp_history_start_find (EspHistory *self)
{
  g_return_if_fail (ESP_IS_HISTORY (self));

  if (!self->document)
    return;
  gtk_revealer_set_reveal_child (self->find_bar, TRUE);
  gtk_widget_set_visible (GTK_WIDGET (self->find_bar), TRUE);
  gtk_toggle_button_set_active (self->find_button, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->find_entry));
  gtk_editable_select_region (self->find_entry, 0, -1);
  _esp_history_find_again (self);
}

void
esp_history_stop_find (EspHistory *self)
{
  gboolean had_focus;

  g_return_if_fail (ESP_IS_HISTORY (self));

  had_focus = gtk_widget_get_focus_child (GTK_WIDGET (self)) == GTK_WIDGET (self->find_bar);
  gtk_revealer_set_reveal_child (self->find_bar, FALSE);
  gtk_toggle_button_set_active (self->find_button, FALSE);
  _esp_history_find_clear (self);
  if (had_focus)
    gtk_widget_grab_focus (self->outline ? GTK_WIDGET (self->outline_list)
                                         : GTK_WIDGET (self->tree));
}
