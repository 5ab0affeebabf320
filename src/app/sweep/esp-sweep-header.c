/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-header.c: see esp-sweep-header.h. */
#include "esp-sweep-header.h"

#define MAX_LINES 3

struct _EspSweepHeader
{
  GtkWidget parent_instance;

  GtkLabel *label;
};

G_DEFINE_FINAL_TYPE (EspSweepHeader, esp_sweep_header, GTK_TYPE_WIDGET)

void
esp_sweep_header_set_text (EspSweepHeader *self, const char *text, const char *name)
{
  g_return_if_fail (ESP_IS_SWEEP_HEADER (self));
  g_return_if_fail (text != NULL && name != NULL);

  if (!g_str_equal (gtk_label_get_text (self->label), text))
    gtk_label_set_text (self->label, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

const char *
esp_sweep_header_get_text (EspSweepHeader *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_HEADER (self), NULL);
  return gtk_label_get_text (self->label);
}

void
esp_sweep_header_set_selected (EspSweepHeader *self, gboolean selected)
{
  g_return_if_fail (ESP_IS_SWEEP_HEADER (self));

  if (selected)
    gtk_widget_set_state_flags (GTK_WIDGET (self), GTK_STATE_FLAG_SELECTED, FALSE);
  else
    gtk_widget_unset_state_flags (GTK_WIDGET (self), GTK_STATE_FLAG_SELECTED);
}

static gboolean
esp_sweep_header_query_tooltip (GtkWidget *widget, int x, int y, gboolean keyboard,
                                GtkTooltip *tooltip)
{
  EspSweepHeader *self = ESP_SWEEP_HEADER (widget);

  if (!pango_layout_is_ellipsized (gtk_label_get_layout (self->label)))
    return FALSE;
  gtk_tooltip_set_text (tooltip, gtk_label_get_text (self->label));
  return TRUE;
}

static void
esp_sweep_header_dispose (GObject *object)
{
  EspSweepHeader *self = ESP_SWEEP_HEADER (object);

  if (self->label != NULL)
    gtk_widget_unparent (GTK_WIDGET (self->label));
  self->label = NULL;
  G_OBJECT_CLASS (esp_sweep_header_parent_class)->dispose (object);
}

static void
esp_sweep_header_class_init (EspSweepHeaderClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_sweep_header_dispose;
  widget_class->query_tooltip = esp_sweep_header_query_tooltip;
  gtk_widget_class_set_css_name (widget_class, "sweepheader");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
esp_sweep_header_init (EspSweepHeader *self)
{
  self->label = g_object_new (GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION,
                              "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR, "lines", MAX_LINES,
                              "ellipsize", PANGO_ELLIPSIZE_END, NULL);
  gtk_widget_set_parent (GTK_WIDGET (self->label), GTK_WIDGET (self));
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
}

GtkWidget *
esp_sweep_header_new (GtkOrientation orientation)
{
  gboolean column = orientation == GTK_ORIENTATION_HORIZONTAL;
  EspSweepHeader *self = g_object_new (
      ESP_TYPE_SWEEP_HEADER, "accessible-role",
      column ? GTK_ACCESSIBLE_ROLE_COLUMN_HEADER : GTK_ACCESSIBLE_ROLE_ROW_HEADER, NULL);

  gtk_label_set_xalign (self->label, column ? 0.5f : 1);
  gtk_label_set_justify (self->label, column ? GTK_JUSTIFY_CENTER : GTK_JUSTIFY_RIGHT);
  if (column)
    gtk_widget_set_valign (GTK_WIDGET (self->label), GTK_ALIGN_END);
  return GTK_WIDGET (self);
}
