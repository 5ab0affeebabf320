/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tag-picker.c: a row of coloured buttons, one of which is chosen. */
#define G_LOG_DOMAIN "espalier-details"

#include "esp-tag-picker.h"

#include <glib/gi18n-lib.h>

#include "esp-node.h"

#define N_BUTTONS (ESP_NODE_N_TAGS + 1)

struct _EspTagPicker
{
  GtkWidget parent_instance;

  GtkWidget *buttons[N_BUTTONS];
  int tag;
  guint setting : 1; /* by the program */
};

G_DEFINE_FINAL_TYPE (EspTagPicker, esp_tag_picker, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_TAG,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  PICKED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

const char *
esp_tag_picker_get_name (int tag)
{
  static const char *const names[N_BUTTONS] = {
    NC_ ("tag", "None"),   NC_ ("tag", "Blue"),   NC_ ("tag", "Green"),
    NC_ ("tag", "Yellow"), NC_ ("tag", "Orange"), NC_ ("tag", "Red"),
    NC_ ("tag", "Purple"), NC_ ("tag", "Brown"),  NC_ ("tag", "Grey"),
  };

  g_return_val_if_fail (tag >= 0 && tag < N_BUTTONS, NULL);

  return g_dpgettext2 (GETTEXT_PACKAGE, "tag", names[tag]);
}

int
esp_tag_picker_get_tag (EspTagPicker *self)
{
  g_return_val_if_fail (ESP_IS_TAG_PICKER (self), 0);

  return self->tag;
}

void
esp_tag_picker_set_tag (EspTagPicker *self, int tag)
{
  g_return_if_fail (ESP_IS_TAG_PICKER (self));

  tag = CLAMP (tag, 0, ESP_NODE_N_TAGS);
  if (self->tag == tag)
    return;
  self->tag = tag;
  self->setting = TRUE;
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->buttons[tag]), TRUE);
  self->setting = FALSE;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TAG]);
}

static void
on_toggled (EspTagPicker *self, GtkToggleButton *button)
{
  const gboolean active = gtk_toggle_button_get_active (button);

  gtk_accessible_update_state (
      GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_STATE_CHECKED,
      active ? GTK_ACCESSIBLE_TRISTATE_TRUE : GTK_ACCESSIBLE_TRISTATE_FALSE, -1);
  if (!active || self->setting)
    return;
  for (int tag = 0; tag < N_BUTTONS; tag++)
    if (self->buttons[tag] == GTK_WIDGET (button) && tag != self->tag)
      {
        self->tag = tag;
        g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TAG]);
        g_signal_emit (self, signals[PICKED], 0);
        break;
      }
}

static void
esp_tag_picker_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_TAG)
    g_value_set_int (value, ESP_TAG_PICKER (object)->tag);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_tag_picker_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_TAG)
    esp_tag_picker_set_tag (ESP_TAG_PICKER (object), g_value_get_int (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_tag_picker_dispose (GObject *object)
{
  EspTagPicker *self = ESP_TAG_PICKER (object);

  for (int tag = 0; tag < N_BUTTONS; tag++)
    g_clear_pointer (&self->buttons[tag], gtk_widget_unparent);

  G_OBJECT_CLASS (esp_tag_picker_parent_class)->dispose (object);
}

static void
esp_tag_picker_class_init (EspTagPickerClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_tag_picker_dispose;
  object_class->get_property = esp_tag_picker_get_property;
  object_class->set_property = esp_tag_picker_set_property;

  properties[PROP_TAG]
      = g_param_spec_int ("tag", NULL, NULL, 0, ESP_NODE_N_TAGS, 0,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[PICKED] = g_signal_new ("picked", ESP_TYPE_TAG_PICKER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_css_name (widget_class, "tag-picker");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_RADIO_GROUP);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
}

static void
esp_tag_picker_init (EspTagPicker *self)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Tag"),
                                  -1);
  for (int tag = 0; tag < N_BUTTONS; tag++)
    {
      g_autofree char *css_class = g_strdup_printf ("tag-%d", tag);
      GtkWidget *button
          = g_object_new (GTK_TYPE_TOGGLE_BUTTON, "accessible-role", GTK_ACCESSIBLE_ROLE_RADIO,
                          "valign", GTK_ALIGN_CENTER, NULL);

      self->buttons[tag] = button;
      if (tag == 0)
        gtk_button_set_icon_name (GTK_BUTTON (button), "window-close-symbolic");
      else
        {
          /* The number that the tag has everywhere, for who does not see its colour. */
          g_autofree char *number = g_strdup_printf ("%d", tag);

          gtk_button_set_label (GTK_BUTTON (button), number);
        }
      gtk_widget_add_css_class (button, css_class);
      gtk_widget_set_tooltip_text (button, esp_tag_picker_get_name (tag));
      gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                      esp_tag_picker_get_name (tag), -1);
      if (tag > 0)
        gtk_toggle_button_set_group (GTK_TOGGLE_BUTTON (button),
                                     GTK_TOGGLE_BUTTON (self->buttons[0]));
      gtk_widget_set_parent (button, GTK_WIDGET (self));
      g_signal_connect_object (button, "toggled", G_CALLBACK (on_toggled), self, G_CONNECT_SWAPPED);
    }
  self->setting = TRUE;
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->buttons[0]), TRUE);
  self->setting = FALSE;
}

GtkWidget *
esp_tag_picker_new (void)
{
  return g_object_new (ESP_TYPE_TAG_PICKER, NULL);
}
