/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-variations-button.c: how many turns one run makes. */
#include "esp-variations-button.h"

#include <glib/gi18n-lib.h>

struct _EspVariationsButton
{
  GtkWidget parent_instance;

  GtkWidget *button;
  GtkLabel *label;
  GSimpleAction *action;
  guint count;
};

G_DEFINE_FINAL_TYPE (EspVariationsButton, esp_variations_button, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
on_change_state (EspVariationsButton *self, GVariant *value)
{
  esp_variations_button_set_count (
      self, (guint) CLAMP (g_variant_get_int32 (value), 1, ESP_MAX_VARIATIONS));
}

static void
esp_variations_button_dispose (GObject *object)
{
  EspVariationsButton *self = ESP_VARIATIONS_BUTTON (object);

  g_clear_pointer (&self->button, gtk_widget_unparent);
  g_clear_object (&self->action);

  G_OBJECT_CLASS (esp_variations_button_parent_class)->dispose (object);
}

static void
esp_variations_button_class_init (EspVariationsButtonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_variations_button_dispose;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
esp_variations_button_init (EspVariationsButton *self)
{
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();
  g_autoptr (GMenu) menu = g_menu_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 3);

  self->action
      = g_simple_action_new_stateful ("count", G_VARIANT_TYPE_INT32, g_variant_new_int32 (1));
  g_signal_connect_object (self->action, "change-state", G_CALLBACK (on_change_state), self,
                           G_CONNECT_SWAPPED);
  g_action_map_add_action (G_ACTION_MAP (group), G_ACTION (self->action));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "variations", G_ACTION_GROUP (group));

  for (int i = 1; i <= ESP_MAX_VARIATIONS; i++)
    {
      g_autofree char *label = g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "%d Variation", "%d Variations", (gulong) i), i);
      g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

      g_menu_item_set_action_and_target (item, "variations.count", "i", i);
      g_menu_append_item (menu, item);
    }

  self->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->label));
  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name ("pan-down-symbolic"));
  self->button = gtk_menu_button_new ();
  gtk_menu_button_set_child (GTK_MENU_BUTTON (self->button), box);
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->button), G_MENU_MODEL (menu));
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (self->button), GTK_ARROW_UP);
  gtk_widget_add_css_class (self->button, "flat");
  gtk_widget_set_tooltip_text (self->button, _ ("Number of Variations"));
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));

  esp_variations_button_set_count (self, 1);
}

GtkWidget *
esp_variations_button_new (void)
{
  return g_object_new (ESP_TYPE_VARIATIONS_BUTTON, NULL);
}

guint
esp_variations_button_get_count (EspVariationsButton *self)
{
  g_return_val_if_fail (ESP_IS_VARIATIONS_BUTTON (self), 1);

  return self->count;
}

void
esp_variations_button_set_count (EspVariationsButton *self, guint count)
{
  g_autofree char *label = NULL;
  g_autofree char *name = NULL;

  g_return_if_fail (ESP_IS_VARIATIONS_BUTTON (self));

  count = CLAMP (count, 1, ESP_MAX_VARIATIONS);
  if (self->count == count)
    return;

  self->count = count;
  g_simple_action_set_state (self->action, g_variant_new_int32 ((int) count));
  label = g_strdup_printf ("×%u", count);
  name = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d Variation", "%d Variations", count),
                          (int) count);
  gtk_label_set_label (self->label, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  g_signal_emit (self, signals[CHANGED], 0);
}
