/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-run-button.c: Run, or how far the current turn is and Cancel. */
#include "esp-run-button.h"

#include <glib/gi18n-lib.h>

#include "esp-cancel-text.h"
#include "esp-price-text.h"

/* The second press of a double click on Run meets Cancel in its place and must not count. */
#define DOUBLE_PRESS (500 * G_TIME_SPAN_MILLISECOND)

struct _EspRunButton
{
  GtkWidget parent_instance;

  GtkStack *stack;
  GtkWidget *run;
  GtkWidget *run_page;
  GtkWidget *busy_page;
  GtkWidget *cancel;
  GtkLabel *status;

  EspNode *node;
  EspBackend *backend; /* of the node; or NULL */
  gint64 pressed;      /* when the pointer pressed Run last */
};

G_DEFINE_FINAL_TYPE (EspRunButton, esp_run_button, GTK_TYPE_WIDGET)

char *
esp_run_button_format_progress (const EspNodeProgress *progress)
{
  g_autofree char *left = NULL;
  g_autofree char *step = NULL;

  if (progress == NULL)
    return g_strdup (_ ("Waiting…"));
  /* What is with a provider is told by its backend. */
  if (progress->phase != NULL)
    return g_strdup (progress->phase);
  if (progress->stopping)
    return g_strdup (_ ("Stopping after this step…"));
  if (progress->fraction < 0)
    return g_strdup (_ ("Waiting…"));

  if (progress->steps > 0)
    step = g_strdup_printf (_ ("Step %d of %d"), progress->step, progress->steps);
  else if (progress->fraction > 0)
    /* Translators: how much of a turn is done. */
    step = g_strdup_printf (_ ("%d %%"), (int) (progress->fraction * 100));
  else
    return g_strdup (_ ("Starting…"));
  if (progress->seconds_left < 0)
    return g_steal_pointer (&step);

  left = esp_seconds_left_format (progress->seconds_left);

  return g_strdup_printf ("%s · %s", step, left);
}

static void
update_progress (EspRunButton *self)
{
  const EspNodeProgress *progress = esp_node_get_progress (self->node);
  g_autofree char *text = esp_run_button_format_progress (progress);
  const char *cancel = esp_cancel_text_get (self->backend, progress);

  if (g_strcmp0 (gtk_label_get_label (self->status), text) != 0)
    {
      gtk_label_set_label (self->status, text);
      gtk_widget_set_tooltip_text (GTK_WIDGET (self->status), text);
    }
  if (g_strcmp0 (gtk_widget_get_tooltip_text (self->cancel), cancel) != 0)
    {
      gtk_widget_set_tooltip_text (self->cancel, cancel);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self->cancel),
                                      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                      cancel != NULL ? cancel : "", -1);
    }
  gtk_widget_set_sensitive (self->cancel, progress == NULL || !progress->stopping);
}

static void
on_run_pressed (EspRunButton *self)
{
  self->pressed = g_get_monotonic_time ();
}

static void
on_run (EspRunButton *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "composer.run", NULL);
}

static void
on_cancel (EspRunButton *self)
{
  if (self->pressed != 0 && g_get_monotonic_time () - self->pressed < DOUBLE_PRESS)
    return;

  gtk_widget_activate_action (GTK_WIDGET (self), "composer.stop", NULL);
}

static void
esp_run_button_dispose (GObject *object)
{
  EspRunButton *self = ESP_RUN_BUTTON (object);

  if (self->node != NULL)
    g_signal_handlers_disconnect_by_data (self->node, self);
  g_clear_object (&self->node);
  g_clear_object (&self->backend);
  if (self->stack != NULL)
    gtk_widget_unparent (GTK_WIDGET (self->stack));
  self->stack = NULL;

  G_OBJECT_CLASS (esp_run_button_parent_class)->dispose (object);
}

static void
esp_run_button_class_init (EspRunButtonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_run_button_dispose;

  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static GtkWidget *
create_run_page (EspRunButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GtkWidget *menu_button = gtk_menu_button_new ();
  GtkGesture *click = gtk_gesture_click_new ();
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autofree char *four = g_strdup_printf (_ ("Run ×%d"), 4);

  self->run = gtk_button_new_with_label (_ ("Run"));
  g_signal_connect_object (self->run, "clicked", G_CALLBACK (on_run), self, G_CONNECT_SWAPPED);
  gtk_widget_add_css_class (self->run, "suggested-action");
  gtk_widget_set_hexpand (self->run, TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->run), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Run"), -1);
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (click), GTK_PHASE_CAPTURE);
  g_signal_connect_object (click, "pressed", G_CALLBACK (on_run_pressed), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (self->run, GTK_EVENT_CONTROLLER (click));

  g_menu_append (menu, _ ("Run _Next"), "composer.run-next");
  g_menu_append (menu, four, "composer.run-times(4)");
  g_menu_append (menu, _ ("_Sweep…"), "win.sweep");
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (menu_button), G_MENU_MODEL (menu));
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (menu_button), GTK_ARROW_UP);
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (menu_button), "pan-down-symbolic");
  gtk_widget_add_css_class (menu_button, "suggested-action");
  gtk_widget_set_tooltip_text (menu_button, _ ("More Ways to Run"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (menu_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("More Ways to Run"), -1);

  gtk_widget_add_css_class (box, "linked");
  gtk_box_append (GTK_BOX (box), self->run);
  gtk_box_append (GTK_BOX (box), menu_button);

  return box;
}

static GtkWidget *
create_busy_page (EspRunButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  self->status = g_object_new (GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, NULL);
  gtk_label_set_ellipsize (self->status, PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (self->status, 1);
  gtk_label_set_width_chars (self->status, 24);
  gtk_widget_set_hexpand (GTK_WIDGET (self->status), TRUE);
  gtk_widget_add_css_class (GTK_WIDGET (self->status), "numeric");
  gtk_widget_add_css_class (GTK_WIDGET (self->status), "dim-label");

  self->cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->cancel), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Cancel"), -1);
  gtk_accessible_reset_relation (GTK_ACCESSIBLE (self->cancel),
                                 GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  g_signal_connect_object (self->cancel, "clicked", G_CALLBACK (on_cancel), self,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->status));
  gtk_box_append (GTK_BOX (box), self->cancel);

  return box;
}

static void
esp_run_button_init (EspRunButton *self)
{
  self->stack = GTK_STACK (gtk_stack_new ());
  /* Only as wide as what is shown; the other row of buttons takes the rest. */
  gtk_stack_set_hhomogeneous (self->stack, FALSE);
  self->run_page = create_run_page (self);
  self->busy_page = create_busy_page (self);
  gtk_stack_add_child (self->stack, self->run_page);
  gtk_stack_add_child (self->stack, self->busy_page);
  gtk_widget_set_parent (GTK_WIDGET (self->stack), GTK_WIDGET (self));
  esp_run_button_set_hint (self, NULL);
}

GtkWidget *
esp_run_button_new (void)
{
  return g_object_new (ESP_TYPE_RUN_BUTTON, NULL);
}

void
esp_run_button_set_price (EspRunButton *self, const char *price)
{
  g_autofree char *label = NULL;

  g_return_if_fail (ESP_IS_RUN_BUTTON (self));

  if (price != NULL)
    /* Translators: the button that runs a turn, with its price, as in "Run · $0.05". */
    label = g_strdup_printf (_ ("Run · %s"), price);
  gtk_button_set_label (GTK_BUTTON (self->run), label != NULL ? label : _ ("Run"));
  /* The label takes over the name. */
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->run), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Run"), -1);
}

/* Not left to the button's action: what an action's state is gets lost on the way to a button whose
 * ancestors are put elsewhere in the window (GTK 4.8). */
void
esp_run_button_set_can_run (EspRunButton *self, gboolean can_run)
{
  g_return_if_fail (ESP_IS_RUN_BUTTON (self));

  gtk_widget_set_sensitive (self->run, can_run);
}

void
esp_run_button_set_hint (EspRunButton *self, const char *hint)
{
  g_return_if_fail (ESP_IS_RUN_BUTTON (self));

  if (hint == NULL)
    hint = _ ("Make the change (Ctrl+Return)");
  /* GTK asks the screen for the pointer each time, and waits for the answer. */
  if (g_strcmp0 (gtk_widget_get_tooltip_text (self->run), hint) == 0)
    return;
  gtk_widget_set_tooltip_text (self->run, hint);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->run), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  hint, -1);
}

void
esp_run_button_set_backend (EspRunButton *self, EspBackend *backend)
{
  g_return_if_fail (ESP_IS_RUN_BUTTON (self));
  g_return_if_fail (backend == NULL || ESP_IS_BACKEND (backend));

  g_set_object (&self->backend, backend);
}

void
esp_run_button_set_node (EspRunButton *self, EspNode *node)
{
  g_return_if_fail (ESP_IS_RUN_BUTTON (self));
  g_return_if_fail (node == NULL || ESP_IS_NODE (node));

  if (self->node == node)
    {
      if (node != NULL)
        update_progress (self);
      return;
    }

  if (self->node != NULL)
    g_signal_handlers_disconnect_by_data (self->node, self);
  g_set_object (&self->node, node);
  if (node != NULL)
    {
      g_signal_connect_object (node, "progress", G_CALLBACK (update_progress), self,
                               G_CONNECT_SWAPPED);
      update_progress (self);
    }
  gtk_stack_set_visible_child (self->stack, node != NULL ? self->busy_page : self->run_page);
}

GtkWidget *
esp_run_button_get_button (EspRunButton *self)
{
  g_return_val_if_fail (ESP_IS_RUN_BUTTON (self), NULL);

  return self->run;
}

GtkWidget *
esp_run_button_get_cancel (EspRunButton *self)
{
  g_return_val_if_fail (ESP_IS_RUN_BUTTON (self), NULL);

  return self->cancel;
}

gboolean
esp_run_button_is_busy (EspRunButton *self)
{
  g_return_val_if_fail (ESP_IS_RUN_BUTTON (self), FALSE);

  return self->node != NULL;
}
