/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-popover.c: the settings of the next turn. */
#include "esp-parameter-popover.h"

#include <glib/gi18n-lib.h>

struct _EspParameterPopover
{
  GtkPopover parent_instance;

  GtkWidget *scroller;
  GtkLabel *message;
};

G_DEFINE_FINAL_TYPE (EspParameterPopover, esp_parameter_popover, GTK_TYPE_POPOVER)

/* As high as the window leaves room for. */
static void
update_height (EspParameterPopover *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  int height = root != NULL ? gtk_widget_get_height (GTK_WIDGET (root)) : 0;

  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (self->scroller),
                                              CLAMP (height - 200, 240, 620));
}

static void
esp_parameter_popover_class_init (EspParameterPopoverClass *klass)
{
}

static void
esp_parameter_popover_init (EspParameterPopover *self)
{
  g_signal_connect_object (self, "show", G_CALLBACK (update_height), self, G_CONNECT_SWAPPED);
}

GtkWidget *
esp_parameter_popover_new (EspParameterControls *controls, EspPresetsPopover *presets,
                           GtkWidget *keep)
{
  EspParameterPopover *self = g_object_new (ESP_TYPE_PARAMETER_POPOVER, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *header = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *title = gtk_label_new (_ ("Settings"));
  GtkWidget *button = gtk_menu_button_new ();

  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Presets"), -1);
  gtk_widget_add_css_class (title, "heading");
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_set_hexpand (title, TRUE);
  gtk_menu_button_set_label (GTK_MENU_BUTTON (button), _ ("Presets"));
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), GTK_WIDGET (presets));
  gtk_widget_add_css_class (button, "flat");
  gtk_box_append (GTK_BOX (header), title);
  gtk_box_append (GTK_BOX (header), button);

  self->message = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_wrap (self->message, TRUE);
  gtk_label_set_xalign (self->message, 0);
  gtk_widget_add_css_class (GTK_WIDGET (self->message), "dim-label");
  gtk_widget_hide (GTK_WIDGET (self->message));
  gtk_widget_set_margin_bottom (keep, 12);
  gtk_box_append (GTK_BOX (content), keep);
  gtk_box_append (GTK_BOX (content), GTK_WIDGET (self->message));
  gtk_box_append (GTK_BOX (content), GTK_WIDGET (controls));
  gtk_widget_set_margin_end (content, 6);

  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (self->scroller), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), content);
  gtk_widget_set_size_request (self->scroller, 292, -1);

  gtk_widget_set_margin_start (box, 6);
  gtk_widget_set_margin_end (box, 6);
  gtk_widget_set_margin_top (box, 6);
  gtk_widget_set_margin_bottom (box, 6);
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), self->scroller);
  gtk_popover_set_child (GTK_POPOVER (self), box);
  update_height (self);

  return GTK_WIDGET (self);
}

void
esp_parameter_popover_set_message (EspParameterPopover *self, const char *message)
{
  g_return_if_fail (ESP_IS_PARAMETER_POPOVER (self));

  gtk_label_set_label (self->message, message != NULL ? message : "");
  gtk_widget_set_visible (GTK_WIDGET (self->message), message != NULL);
}
