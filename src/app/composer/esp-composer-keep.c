/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-keep.c: what the next turn does with the rest of the picture: untouched pixels are
 * kept or not; only a region is edited. */
#include "esp-composer-private.h"

#include <glib/gi18n-lib.h>

#define KEY "keep-untouched"

static void
update_chips (EspComposer *self)
{
  if (self->box == NULL)
    return;
  esp_keep_chips_set_keep (self->keep_chips, self->keep);
  esp_keep_chips_set_region (self->keep_chips, self->region);
}

static void
set_keep (EspComposer *self, gboolean keep)
{
  self->keep = keep != FALSE;
  if (gtk_switch_get_active (self->keep_switch) != self->keep)
    gtk_switch_set_active (self->keep_switch, self->keep);
  update_chips (self);
  _esp_composer_update (self);
}

/* By hand: it is what the next window begins with, too. */
static void
on_switched (EspComposer *self)
{
  if (gtk_switch_get_active (self->keep_switch) == self->keep)
    return;
  set_keep (self, gtk_switch_get_active (self->keep_switch));
  g_settings_set_boolean (self->settings, KEY, self->keep);
}

static void
on_keep (EspComposer *self)
{
  gtk_switch_set_active (self->keep_switch, TRUE);
}

static void
on_drop_region (EspComposer *self)
{
  esp_composer_set_region (self, NULL);
}

/* The row of the settings. */
GtkWidget *
_esp_composer_create_keep_row (EspComposer *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *title = gtk_label_new_with_mnemonic (_ ("_Keep untouched pixels"));
  GtkWidget *caption = gtk_label_new (
      _ ("What the instruction does not mean stays as it is, in full resolution."));

  self->keep_switch = GTK_SWITCH (gtk_switch_new ());
  gtk_widget_set_valign (GTK_WIDGET (self->keep_switch), GTK_ALIGN_CENTER);
  gtk_label_set_mnemonic_widget (GTK_LABEL (title), GTK_WIDGET (self->keep_switch));
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_wrap (GTK_LABEL (title), TRUE);
  gtk_label_set_xalign (GTK_LABEL (caption), 0);
  gtk_label_set_wrap (GTK_LABEL (caption), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (caption), 30);
  gtk_widget_add_css_class (caption, "caption");
  gtk_widget_add_css_class (caption, "dim-label");
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->keep_switch),
                                  GTK_ACCESSIBLE_RELATION_LABELLED_BY, title, NULL,
                                  GTK_ACCESSIBLE_RELATION_DESCRIBED_BY, caption, NULL, -1);
  gtk_widget_set_hexpand (column, TRUE);
  gtk_box_append (GTK_BOX (column), title);
  gtk_box_append (GTK_BOX (column), caption);
  gtk_box_append (GTK_BOX (row), column);
  gtk_box_append (GTK_BOX (row), GTK_WIDGET (self->keep_switch));
  return row;
}

GtkWidget *
_esp_composer_create_keep_chips (EspComposer *self)
{
  self->keep_chips = ESP_KEEP_CHIPS (esp_keep_chips_new ());
  g_signal_connect_object (self->keep_chips, "keep", G_CALLBACK (on_keep), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->keep_chips, "drop-region", G_CALLBACK (on_drop_region), self,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self->keep_chips);
}

/* When all widgets are there. */
void
_esp_composer_init_keep (EspComposer *self)
{
  g_signal_connect_object (self->keep_switch, "notify::active", G_CALLBACK (on_switched), self,
                           G_CONNECT_SWAPPED);
  set_keep (self, g_settings_get_boolean (self->settings, KEY));
}

/* What is asked for; the caller frees. */
EspComposition *
_esp_composer_dup_composition (EspComposer *self)
{
  EspComposition *composition = esp_composition_new (self->keep ? ESP_KEEP_AUTO : ESP_KEEP_OFF);

  if (self->region != NULL)
    composition->region = esp_region_copy (self->region);
  return composition;
}

/* Takes over what a turn asked for. A region counts in pixels of its own picture: it is taken where
 * the picture that the next turn starts from is as large. */
void
_esp_composer_use_composition (EspComposer *self, EspNode *node)
{
  const EspComposition *old = esp_node_get_composition (node);
  EspNode *parent = esp_node_get_parent (node);
  EspNode *base = _esp_composer_get_base (self);

  set_keep (self, old != NULL && old->keep != ESP_KEEP_OFF);
  if (old == NULL || old->region == NULL
      || (parent != NULL && base != NULL && esp_node_get_width (parent) == esp_node_get_width (base)
          && esp_node_get_height (parent) == esp_node_get_height (base)))
    {
      esp_composer_set_region (self, old != NULL ? old->region : NULL);
      return;
    }
  esp_composer_set_region (self, NULL);
  _esp_composer_emit_error (self, _ ("The region of this turn was left out: this image has another "
                                     "size."));
}

const EspRegion *
esp_composer_get_region (EspComposer *self)
{
  g_return_val_if_fail (ESP_IS_COMPOSER (self), NULL);

  return self->region;
}

void
esp_composer_set_region (EspComposer *self, const EspRegion *region)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));

  if (esp_region_equal (self->region, region))
    return;
  g_clear_pointer (&self->region, esp_region_free);
  self->region = region != NULL ? esp_region_copy (region) : NULL;
  update_chips (self);
  _esp_composer_notify_region (self);
  _esp_composer_update (self);
}

gboolean
esp_composer_get_keep (EspComposer *self)
{
  g_return_val_if_fail (ESP_IS_COMPOSER (self), FALSE);

  return self->keep;
}

void
esp_composer_set_keep (EspComposer *self, gboolean keep)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));

  set_keep (self, keep);
}
