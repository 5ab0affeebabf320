/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-suggestions.c: instructions that the model is known to understand. */
#include "esp-suggestions.h"

#include <glib/gi18n-lib.h>

struct _EspSuggestions
{
  GtkWidget parent_instance;

  GtkWidget *scroller;
  GtkWidget *box;
  char **texts;
};

G_DEFINE_FINAL_TYPE (EspSuggestions, esp_suggestions, GTK_TYPE_WIDGET)

enum
{
  CHOSEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
on_clicked (EspSuggestions *self, GtkWidget *button)
{
  g_signal_emit (self, signals[CHOSEN], 0, gtk_button_get_label (GTK_BUTTON (button)));
}

/* A wheel has one direction, and there is nothing to scroll in the other. */
static gboolean
on_scroll (EspSuggestions *self, double dx, double dy)
{
  GtkAdjustment *adjustment
      = gtk_scrolled_window_get_hadjustment (GTK_SCROLLED_WINDOW (self->scroller));
  double step = gtk_adjustment_get_page_size (adjustment) / 4;

  if (dx != 0)
    return GDK_EVENT_PROPAGATE;
  if (gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL)
    dy = -dy;
  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_value (adjustment) + dy * step);

  return GDK_EVENT_STOP;
}

static void
esp_suggestions_dispose (GObject *object)
{
  EspSuggestions *self = ESP_SUGGESTIONS (object);

  g_clear_pointer (&self->scroller, gtk_widget_unparent);
  g_clear_pointer (&self->texts, g_strfreev);

  G_OBJECT_CLASS (esp_suggestions_parent_class)->dispose (object);
}

static void
esp_suggestions_class_init (EspSuggestionsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_suggestions_dispose;

  signals[CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_suggestions_init (EspSuggestions *self)
{
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);

  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_EXTERNAL,
                                  GTK_POLICY_NEVER);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), self->box);
  gtk_event_controller_set_propagation_phase (scroll, GTK_PHASE_CAPTURE);
  g_signal_connect_object (scroll, "scroll", G_CALLBACK (on_scroll), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (self->scroller, scroll);
  gtk_widget_set_parent (self->scroller, GTK_WIDGET (self));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Suggestions"), -1);
  gtk_widget_hide (GTK_WIDGET (self));
}

GtkWidget *
esp_suggestions_new (void)
{
  return g_object_new (ESP_TYPE_SUGGESTIONS, NULL);
}

void
esp_suggestions_set_texts (EspSuggestions *self, const char *const *texts)
{
  static const char *const none[] = { NULL };
  GtkWidget *child;

  g_return_if_fail (ESP_IS_SUGGESTIONS (self));

  if (texts == NULL)
    texts = none;
  if (self->texts != NULL && g_strv_equal ((const char *const *) self->texts, texts))
    return;

  g_strfreev (self->texts);
  self->texts = g_strdupv ((char **) texts);
  while ((child = gtk_widget_get_first_child (self->box)) != NULL)
    gtk_box_remove (GTK_BOX (self->box), child);
  for (; *texts != NULL; texts++)
    {
      GtkWidget *button = gtk_button_new_with_label (*texts);

      gtk_widget_add_css_class (button, "pill");
      gtk_widget_add_css_class (button, "caption");
      gtk_widget_add_css_class (button, "esp-suggestion");
      g_signal_connect_object (button, "clicked", G_CALLBACK (on_clicked), self, G_CONNECT_SWAPPED);
      gtk_box_append (GTK_BOX (self->box), button);
    }
  gtk_widget_set_visible (GTK_WIDGET (self), self->texts[0] != NULL);
}
