/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-presets-popover.c: the list of presets. */
#include "esp-presets-popover.h"

#include <glib/gi18n-lib.h>

struct _EspPresetsPopover
{
  GtkPopover parent_instance;

  EspPresets *presets;
  EspPreset *renaming; /* whose new name is being entered, or NULL */
  EspPreset *removed;  /* the last one, to bring back */

  GtkWidget *scroller;
  GtkWidget *list;
  GtkEditable *name;
  GtkWidget *save;
  GtkWidget *undo_row;
  GtkLabel *undo_label;
};

G_DEFINE_FINAL_TYPE (EspPresetsPopover, esp_presets_popover, GTK_TYPE_POPOVER)

enum
{
  APPLY,
  SAVE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
update_save (EspPresetsPopover *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (self->name)));
  EspPreset *taken = name[0] != '\0' ? esp_presets_find (self->presets, name) : NULL;
  const char *label = _ ("_Save");

  if (self->renaming != NULL)
    label = _ ("_Rename");
  else if (taken != NULL)
    label = _ ("_Replace");
  gtk_button_set_label (GTK_BUTTON (self->save), label);
  gtk_widget_set_sensitive (
      self->save,
      name[0] != '\0' && (self->renaming == NULL || taken == NULL || taken == self->renaming));
}

static void
stop_renaming (EspPresetsPopover *self)
{
  g_clear_object (&self->renaming);
  gtk_editable_set_text (self->name, "");
  update_save (self);
}

static void
on_save (EspPresetsPopover *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (self->name)));

  if (!gtk_widget_get_sensitive (self->save))
    return;

  if (self->renaming != NULL)
    esp_presets_rename (self->presets, self->renaming, name);
  else
    g_signal_emit (self, signals[SAVE], 0, name);
  stop_renaming (self);
}

static EspPreset *
get_preset (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), "preset");
}

static void
on_rename (EspPresetsPopover *self, GtkWidget *button)
{
  g_set_object (&self->renaming, get_preset (button));
  gtk_editable_set_text (self->name, esp_preset_get_name (self->renaming));
  update_save (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->name));
}

static void
on_delete (EspPresetsPopover *self, GtkWidget *button)
{
  g_autoptr (EspPreset) preset = g_object_ref (get_preset (button));
  g_autofree char *text = g_strdup_printf (_ ("“%s” deleted"), esp_preset_get_name (preset));

  if (self->renaming == preset)
    stop_renaming (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->name));
  esp_presets_remove (self->presets, preset);
  g_set_object (&self->removed, preset);
  gtk_label_set_label (self->undo_label, text);
  gtk_widget_show (self->undo_row);
}

static void
on_undo (EspPresetsPopover *self)
{
  if (self->removed != NULL)
    esp_presets_restore (self->presets, self->removed);
  g_clear_object (&self->removed);
  gtk_widget_grab_focus (GTK_WIDGET (self->name));
  gtk_widget_hide (self->undo_row);
}

static GtkWidget *
create_icon_button (EspPresetsPopover *self, EspPreset *preset, const char *icon, const char *text,
                    GCallback callback)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);
  g_autofree char *label = g_strdup_printf ("%s: %s", text, esp_preset_get_name (preset));

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  g_object_set_data_full (G_OBJECT (button), "preset", g_object_ref (preset), g_object_unref);
  g_signal_connect_object (button, "clicked", callback, self, G_CONNECT_SWAPPED);

  return button;
}

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  EspPresetsPopover *self = user_data;
  EspPreset *preset = item;
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GtkWidget *label = gtk_label_new (esp_preset_get_name (preset));

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_margin_start (label, 6);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), create_icon_button (self, preset, "document-edit-symbolic",
                                                     _ ("Rename"), G_CALLBACK (on_rename)));
  gtk_box_append (GTK_BOX (box), create_icon_button (self, preset, "user-trash-symbolic",
                                                     _ ("Delete"), G_CALLBACK (on_delete)));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  esp_preset_get_name (preset), -1);
  g_object_set_data_full (G_OBJECT (row), "preset", g_object_ref (preset), g_object_unref);

  return row;
}

static void
on_row_activated (EspPresetsPopover *self, GtkListBoxRow *row)
{
  g_autoptr (EspPreset) preset = g_object_ref (get_preset (GTK_WIDGET (row)));

  gtk_popover_popdown (GTK_POPOVER (self));
  g_signal_emit (self, signals[APPLY], 0, preset);
}

static void
on_closed (EspPresetsPopover *self)
{
  stop_renaming (self);
  gtk_widget_hide (self->undo_row);
  g_clear_object (&self->removed);
}

static void
update_list (EspPresetsPopover *self)
{
  gtk_widget_set_visible (self->scroller,
                          g_list_model_get_n_items (G_LIST_MODEL (self->presets)) > 0);
  update_save (self);
}

static void
esp_presets_popover_dispose (GObject *object)
{
  EspPresetsPopover *self = ESP_PRESETS_POPOVER (object);

  g_clear_object (&self->presets);
  g_clear_object (&self->renaming);
  g_clear_object (&self->removed);

  G_OBJECT_CLASS (esp_presets_popover_parent_class)->dispose (object);
}

static void
esp_presets_popover_class_init (EspPresetsPopoverClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_presets_popover_dispose;

  signals[APPLY] = g_signal_new ("apply", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 1, ESP_TYPE_PRESET);
  signals[SAVE] = g_signal_new ("save", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
esp_presets_popover_init (EspPresetsPopover *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *undo = gtk_button_new_with_mnemonic (_ ("_Undo"));

  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (self->list, "navigation-sidebar");
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (on_row_activated), self,
                           G_CONNECT_SWAPPED);
  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (self->scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (self->scroller), 240);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), self->list);
  gtk_box_append (GTK_BOX (box), self->scroller);

  self->undo_row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  self->undo_label = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_ellipsize (self->undo_label, PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_xalign (self->undo_label, 0);
  gtk_widget_set_hexpand (GTK_WIDGET (self->undo_label), TRUE);
  gtk_box_append (GTK_BOX (self->undo_row), GTK_WIDGET (self->undo_label));
  gtk_box_append (GTK_BOX (self->undo_row), undo);
  gtk_widget_hide (self->undo_row);
  g_signal_connect_object (undo, "clicked", G_CALLBACK (on_undo), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), self->undo_row);

  self->name = GTK_EDITABLE (gtk_entry_new ());
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->name), _ ("Name of a new preset"));
  gtk_editable_set_width_chars (self->name, 18);
  gtk_widget_set_hexpand (GTK_WIDGET (self->name), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->name), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Name of the preset"), -1);
  self->save = gtk_button_new_with_mnemonic (_ ("_Save"));
  g_signal_connect_object (self->name, "changed", G_CALLBACK (update_save), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->name, "activate", G_CALLBACK (on_save), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->save, "clicked", G_CALLBACK (on_save), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (row), GTK_WIDGET (self->name));
  gtk_box_append (GTK_BOX (row), self->save);
  gtk_box_append (GTK_BOX (box), row);

  gtk_popover_set_child (GTK_POPOVER (self), box);
  g_signal_connect_object (self, "closed", G_CALLBACK (on_closed), self, G_CONNECT_SWAPPED);
}

GtkWidget *
esp_presets_popover_new (EspPresets *presets)
{
  EspPresetsPopover *self;

  g_return_val_if_fail (ESP_IS_PRESETS (presets), NULL);

  self = g_object_new (ESP_TYPE_PRESETS_POPOVER, NULL);
  self->presets = g_object_ref (presets);
  gtk_list_box_bind_model (GTK_LIST_BOX (self->list), G_LIST_MODEL (presets), create_row, self,
                           NULL);
  g_signal_connect_object (presets, "items-changed", G_CALLBACK (update_list), self,
                           G_CONNECT_SWAPPED);
  update_list (self);

  return GTK_WIDGET (self);
}
