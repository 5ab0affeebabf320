/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-keep-chips.c: what the next turn does with the rest of the picture, where that is not the
 * usual. */
#include "esp-keep-chips.h"

#include <glib/gi18n-lib.h>

#include "esp-focus-chain.h"

struct _EspKeepChips
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkWidget *region; /* chips; each has its label and its button */
  GtkLabel *region_label;
  GtkWidget *off;
};

G_DEFINE_FINAL_TYPE (EspKeepChips, esp_keep_chips, GTK_TYPE_WIDGET)

enum
{
  KEEP,
  DROP_REGION,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
update (EspKeepChips *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self), gtk_widget_get_visible (self->region)
                                                 || gtk_widget_get_visible (self->off));
}

/* What had the keyboard goes: what is around gets it. */
static void
hide_chip (EspKeepChips *self, GtkWidget *chip)
{
  const gboolean had_focus = gtk_widget_get_focus_child (self->box) == chip;

  gtk_widget_set_visible (chip, FALSE);
  update (self);
  if (!had_focus)
    return;
  for (GtkWidget *above = GTK_WIDGET (self); above != NULL && !gtk_widget_grab_focus (above);
       above = gtk_widget_get_parent (above))
    ;
}

static GtkWidget *
create_chip (const char *icon, GtkLabel **label, const char *button_name, GCallback clicked,
             EspKeepChips *self)
{
  GtkWidget *chip = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  /* The words beside it say the same. */
  GtkWidget *image = g_object_new (GTK_TYPE_IMAGE, "icon-name", icon, "accessible-role",
                                   GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
  GtkWidget *button = gtk_button_new_from_icon_name ("window-close-symbolic");

  *label = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_ellipsize (*label, PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (*label, 0);
  gtk_widget_add_css_class (GTK_WIDGET (*label), "caption");
  gtk_widget_add_css_class (GTK_WIDGET (*label), "numeric");
  gtk_widget_set_margin_start (image, 9);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "circular");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, button_name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  button_name, -1);
  g_signal_connect_object (button, "clicked", clicked, self, G_CONNECT_SWAPPED);
  gtk_widget_add_css_class (chip, "esp-chip");
  gtk_widget_add_css_class (chip, "esp-keep-chip");
  gtk_box_append (GTK_BOX (chip), image);
  gtk_box_append (GTK_BOX (chip), GTK_WIDGET (*label));
  gtk_box_append (GTK_BOX (chip), button);
  gtk_widget_set_visible (chip, FALSE);
  gtk_box_append (GTK_BOX (self->box), chip);
  return chip;
}

static void
on_keep_clicked (EspKeepChips *self)
{
  g_signal_emit (self, signals[KEEP], 0);
}

static void
on_drop_clicked (EspKeepChips *self)
{
  g_signal_emit (self, signals[DROP_REGION], 0);
}

/* Of its chips, where one shows. */
static gboolean
esp_keep_chips_grab_focus (GtkWidget *widget)
{
  EspKeepChips *self = ESP_KEEP_CHIPS (widget);

  for (GtkWidget *chip = gtk_widget_get_first_child (self->box); chip != NULL;
       chip = gtk_widget_get_next_sibling (chip))
    if (gtk_widget_get_visible (chip) && gtk_widget_grab_focus (gtk_widget_get_last_child (chip)))
      return TRUE;
  return FALSE;
}

static void
esp_keep_chips_dispose (GObject *object)
{
  g_clear_pointer (&ESP_KEEP_CHIPS (object)->box, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_keep_chips_parent_class)->dispose (object);
}

static void
esp_keep_chips_class_init (EspKeepChipsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_keep_chips_dispose;
  widget_class->grab_focus = esp_keep_chips_grab_focus;
  widget_class->focus = esp_focus_chain_move;

  signals[KEEP] = g_signal_new ("keep", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 0);
  signals[DROP_REGION] = g_signal_new ("drop-region", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                       0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_keep_chips_init (EspKeepChips *self)
{
  GtkLabel *label;

  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  self->region = create_chip ("esp-region-chip-symbolic", &self->region_label,
                              _ ("Edit the Whole Image"), G_CALLBACK (on_drop_clicked), self);
  self->off = create_chip ("esp-keep-off-symbolic", &label, _ ("Keep Untouched Pixels Again"),
                           G_CALLBACK (on_keep_clicked), self);
  gtk_label_set_label (label, _ ("Untouched pixels are not kept"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("The rest of the image"), -1);
  update (self);
}

GtkWidget *
esp_keep_chips_new (void)
{
  return g_object_new (ESP_TYPE_KEEP_CHIPS, NULL);
}

void
esp_keep_chips_set_keep (EspKeepChips *self, gboolean keep)
{
  g_return_if_fail (ESP_IS_KEEP_CHIPS (self));

  if (keep)
    hide_chip (self, self->off);
  else
    gtk_widget_set_visible (self->off, TRUE);
  update (self);
}

void
esp_keep_chips_set_region (EspKeepChips *self, const EspRegion *region)
{
  g_autofree char *text = NULL;

  g_return_if_fail (ESP_IS_KEEP_CHIPS (self));

  if (region == NULL)
    {
      hide_chip (self, self->region);
      return;
    }
  /* Translators: the part of the image that alone is edited: width and height in pixels. */
  text = g_strdup_printf (_ ("Region %d × %d"), region->width, region->height);
  gtk_label_set_label (self->region_label, text);
  gtk_widget_set_visible (self->region, TRUE);
  update (self);
}
