/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-banner.c: a bar across the window for a condition that lasts. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-banner.h"

#define MARGIN  6   /* above and below */
#define SIDE    12  /* left and right, and between */
#define ONE_ROW 640 /* from this width sentence and buttons are side by side */

struct _EspBanner
{
  GtkWidget parent_instance;

  GtkWidget *label;
  GtkWidget *buttons;
};

G_DEFINE_FINAL_TYPE (EspBanner, esp_banner, GTK_TYPE_WIDGET)

static void
esp_banner_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                    int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspBanner *self = ESP_BANNER (widget);
  gboolean has_buttons = gtk_widget_get_visible (self->buttons);
  int label_min, label_nat, buttons_min = 0, buttons_nat = 0;

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      gtk_widget_measure (self->label, orientation, -1, &label_min, &label_nat, NULL, NULL);
      if (has_buttons)
        gtk_widget_measure (self->buttons, orientation, -1, &buttons_min, &buttons_nat, NULL, NULL);
      *minimum = MAX (label_min, buttons_min) + 2 * SIDE;
      *natural = label_nat + buttons_nat + 3 * SIDE;
    }
  else
    {
      gboolean one_row = for_size < 0 || for_size >= ONE_ROW;
      int width = for_size;

      if (has_buttons)
        gtk_widget_measure (self->buttons, orientation, -1, &buttons_min, &buttons_nat, NULL, NULL);
      if (width >= 0)
        {
          width -= 2 * SIDE;
          if (one_row && has_buttons)
            {
              int wide;

              gtk_widget_measure (self->buttons, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &wide, NULL,
                                  NULL);
              width -= wide + SIDE;
            }
          width = MAX (width, 1);
        }
      gtk_widget_measure (self->label, orientation, width, &label_min, &label_nat, NULL, NULL);
      *minimum = *natural = 2 * MARGIN
                            + (one_row       ? MAX (label_nat, buttons_nat)
                               : has_buttons ? label_nat + MARGIN + buttons_nat
                                             : label_nat);
    }
}

static void
esp_banner_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspBanner *self = ESP_BANNER (widget);
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  int wide = 0, tall = 0;

  if (gtk_widget_get_visible (self->buttons))
    {
      gtk_widget_measure (self->buttons, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &wide, NULL, NULL);
      gtk_widget_measure (self->buttons, GTK_ORIENTATION_VERTICAL, -1, NULL, &tall, NULL, NULL);
      wide = MIN (wide, width - 2 * SIDE);
    }
  if (width >= ONE_ROW || wide == 0)
    {
      int label_width = width - 2 * SIDE - (wide > 0 ? wide + SIDE : 0);
      GtkAllocation place = { SIDE, MARGIN, label_width, height - 2 * MARGIN };

      if (rtl)
        place.x = width - SIDE - label_width;
      gtk_widget_size_allocate (self->label, &place, -1);
      if (wide > 0)
        {
          place = (GtkAllocation){ SIDE, (height - tall) / 2, wide, tall };
          if (!rtl)
            place.x = width - SIDE - wide;
          gtk_widget_size_allocate (self->buttons, &place, -1);
        }
    }
  else
    {
      GtkAllocation place = { SIDE, MARGIN, width - 2 * SIDE, height - 3 * MARGIN - tall };

      gtk_widget_size_allocate (self->label, &place, -1);
      place = (GtkAllocation){ SIDE, height - MARGIN - tall, wide, tall };
      if (!rtl)
        place.x = width - SIDE - wide;
      gtk_widget_size_allocate (self->buttons, &place, -1);
    }
}

static GtkSizeRequestMode
esp_banner_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
esp_banner_dispose (GObject *object)
{
  EspBanner *self = ESP_BANNER (object);

  g_clear_pointer (&self->label, gtk_widget_unparent);
  g_clear_pointer (&self->buttons, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_banner_parent_class)->dispose (object);
}

static void
esp_banner_class_init (EspBannerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_banner_dispose;
  widget_class->measure = esp_banner_measure;
  widget_class->size_allocate = esp_banner_size_allocate;
  widget_class->get_request_mode = esp_banner_get_request_mode;
  gtk_widget_class_set_css_name (widget_class, "banner");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_banner_init (EspBanner *self)
{
  self->label = g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR,
                              "xalign", 0.0f, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, NULL);
  gtk_widget_set_parent (self->label, GTK_WIDGET (self));
  self->buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_widget_set_parent (self->buttons, GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
esp_banner_new (void)
{
  return g_object_new (ESP_TYPE_BANNER, NULL);
}

static gboolean
has_buttons (EspBanner *self, const EspBannerButton *buttons)
{
  GtkWidget *child = gtk_widget_get_first_child (self->buttons);

  for (; child != NULL && buttons != NULL && buttons->label != NULL; buttons++)
    {
      if (g_strcmp0 (gtk_button_get_label (GTK_BUTTON (child)), buttons->label) != 0
          || g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (child)), buttons->action)
                 != 0)
        return FALSE;
      child = gtk_widget_get_next_sibling (child);
    }
  return child == NULL && (buttons == NULL || buttons->label == NULL);
}

void
esp_banner_show (EspBanner *self, const char *text, const EspBannerButton *buttons)
{
  GtkWidget *child;

  g_return_if_fail (ESP_IS_BANNER (self));
  g_return_if_fail (text != NULL);

  gtk_label_set_text (GTK_LABEL (self->label), text);
  gtk_widget_set_visible (GTK_WIDGET (self), TRUE);
  /* A button that is being pressed must stay. */
  if (has_buttons (self, buttons))
    return;
  while ((child = gtk_widget_get_first_child (self->buttons)) != NULL)
    gtk_box_remove (GTK_BOX (self->buttons), child);
  for (; buttons != NULL && buttons->label != NULL; buttons++)
    {
      GtkWidget *button = gtk_button_new_with_mnemonic (buttons->label);

      gtk_label_set_ellipsize (GTK_LABEL (gtk_button_get_child (GTK_BUTTON (button))),
                               PANGO_ELLIPSIZE_END);
      gtk_actionable_set_detailed_action_name (GTK_ACTIONABLE (button), buttons->action);
      gtk_box_append (GTK_BOX (self->buttons), button);
    }
  gtk_widget_set_visible (self->buttons, gtk_widget_get_first_child (self->buttons) != NULL);
}

void
esp_banner_hide (EspBanner *self)
{
  g_return_if_fail (ESP_IS_BANNER (self));

  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

const char *
esp_banner_get_text (EspBanner *self)
{
  g_return_val_if_fail (ESP_IS_BANNER (self), NULL);

  if (!gtk_widget_get_visible (GTK_WIDGET (self)))
    return NULL;
  return gtk_label_get_text (GTK_LABEL (self->label));
}
