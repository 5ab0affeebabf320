/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-controls.c: controls for all parameters of a model. */
#include "esp-parameter-controls.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-parameter-control.h"
#include "esp-parameter-names.h"
#include "esp-seed-entry.h"

struct _EspParameterControls
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkWidget *basic;
  GtkWidget *seed_row;
  GtkWidget *expander;
  GtkWidget *advanced;
  GtkWidget *reset;
  EspSeedEntry *seed;

  GPtrArray *controls; /* of EspParameterControl, borrowed */
  guint area;
  guint has_seed : 1;
  guint updating : 1;
};

G_DEFINE_FINAL_TYPE (EspParameterControls, esp_parameter_controls, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
emit_changed (EspParameterControls *self)
{
  gboolean changed = FALSE;

  if (self->updating)
    return;

  for (guint i = 0; i < self->controls->len && !changed; i++)
    changed = !esp_parameter_control_is_default (g_ptr_array_index (self->controls, i));
  gtk_widget_set_sensitive (self->reset,
                            changed || (self->has_seed && esp_seed_entry_get_locked (self->seed)));
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
esp_parameter_controls_dispose (GObject *object)
{
  EspParameterControls *self = ESP_PARAMETER_CONTROLS (object);

  self->updating = TRUE;
  g_clear_pointer (&self->controls, g_ptr_array_unref);
  g_clear_pointer (&self->box, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_parameter_controls_parent_class)->dispose (object);
}

static void
esp_parameter_controls_class_init (EspParameterControlsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_parameter_controls_dispose;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_parameter_controls_init (EspParameterControls *self)
{
  GtkWidget *label = gtk_label_new (_ ("Seed"));

  self->controls = g_ptr_array_new ();
  self->area = 1024 * 1024;
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));

  self->basic = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_box_append (GTK_BOX (self->box), self->basic);

  self->seed = ESP_SEED_ENTRY (esp_seed_entry_new ());
  self->seed_row = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_box_append (GTK_BOX (self->seed_row), label);
  gtk_box_append (GTK_BOX (self->seed_row), GTK_WIDGET (self->seed));
  gtk_box_append (GTK_BOX (self->box), self->seed_row);

  self->advanced = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_set_margin_top (self->advanced, 6);
  self->expander = gtk_expander_new (_ ("Advanced"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->expander), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Advanced"), -1);
  gtk_expander_set_child (GTK_EXPANDER (self->expander), self->advanced);
  gtk_box_append (GTK_BOX (self->box), self->expander);

  self->reset = gtk_button_new_with_mnemonic (_ ("_Reset All"));
  gtk_widget_add_css_class (self->reset, "flat");
  gtk_widget_set_halign (self->reset, GTK_ALIGN_END);
  gtk_widget_set_tooltip_text (self->reset, _ ("Reset all settings to their defaults"));
  gtk_box_append (GTK_BOX (self->box), self->reset);

  g_signal_connect_object (self->reset, "clicked", G_CALLBACK (esp_parameter_controls_reset), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->seed, "changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  esp_parameter_controls_set_schema (self, NULL);
}

GtkWidget *
esp_parameter_controls_new (void)
{
  return g_object_new (ESP_TYPE_PARAMETER_CONTROLS, NULL);
}

static void
add_parameter (EspParameterControls *self, const EspParameter *parameter)
{
  GtkWidget *control;

  if (g_str_equal (parameter->name, "prompt"))
    return;
  if (esp_parameter_is_seed (parameter))
    {
      double maximum = parameter->maximum;

      self->has_seed = TRUE;
      esp_seed_entry_set_maximum (self->seed, isfinite (maximum) && maximum < 0x1p63
                                                  ? (guint64) MAX (maximum, 0)
                                                  : G_MAXUINT64);
      return;
    }

  control = esp_parameter_control_new (parameter);
  esp_parameter_control_set_image_area (ESP_PARAMETER_CONTROL (control), self->area);
  g_signal_connect_object (control, "changed", G_CALLBACK (emit_changed), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (esp_parameter_is_advanced (parameter) ? self->advanced : self->basic),
                  control);
  g_ptr_array_add (self->controls, control);
}

void
esp_parameter_controls_set_schema (EspParameterControls *self, EspSchema *schema)
{
  g_autoptr (JsonObject) changed = NULL;
  GtkWidget *child;

  g_return_if_fail (ESP_IS_PARAMETER_CONTROLS (self));

  self->updating = TRUE;
  changed = esp_parameter_controls_dup_changed (self);
  g_ptr_array_set_size (self->controls, 0);
  while ((child = gtk_widget_get_first_child (self->basic)) != NULL)
    gtk_box_remove (GTK_BOX (self->basic), child);
  while ((child = gtk_widget_get_first_child (self->advanced)) != NULL)
    gtk_box_remove (GTK_BOX (self->advanced), child);
  self->has_seed = FALSE;
  for (guint i = 0; schema != NULL && i < esp_schema_get_n_parameters (schema); i++)
    add_parameter (self, esp_schema_get_parameter (schema, i));
  gtk_widget_set_visible (self->seed_row, self->has_seed);
  gtk_widget_set_visible (self->basic, gtk_widget_get_first_child (self->basic) != NULL);
  gtk_widget_set_visible (self->expander, gtk_widget_get_first_child (self->advanced) != NULL);
  gtk_widget_set_visible (self->reset, self->controls->len > 0 || self->has_seed);
  esp_parameter_controls_set_values (self, changed, FALSE);
  self->updating = FALSE;
  emit_changed (self);
}

void
esp_parameter_controls_set_image_area (EspParameterControls *self, guint area)
{
  g_return_if_fail (ESP_IS_PARAMETER_CONTROLS (self));

  self->area = area;
  for (guint i = 0; i < self->controls->len; i++)
    esp_parameter_control_set_image_area (g_ptr_array_index (self->controls, i), area);
}

guint
esp_parameter_controls_get_n_controls (EspParameterControls *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), 0);

  return self->controls->len;
}

static JsonObject *
dup_values (EspParameterControls *self, gboolean only_changed)
{
  JsonObject *values = json_object_new ();

  for (guint i = 0; i < self->controls->len; i++)
    {
      EspParameterControl *control = g_ptr_array_index (self->controls, i);
      JsonNode *value = NULL;

      if (!only_changed || !esp_parameter_control_is_default (control))
        value = esp_parameter_control_dup_value (control);
      if (value != NULL)
        json_object_set_member (values, esp_parameter_control_get_name (control), value);
    }

  return values;
}

JsonObject *
esp_parameter_controls_dup_values (EspParameterControls *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), NULL);

  return dup_values (self, FALSE);
}

JsonObject *
esp_parameter_controls_dup_changed (EspParameterControls *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), NULL);

  return dup_values (self, TRUE);
}

void
esp_parameter_controls_set_values (EspParameterControls *self, JsonObject *values, gboolean reset)
{
  gboolean updating;

  g_return_if_fail (ESP_IS_PARAMETER_CONTROLS (self));
  g_return_if_fail (values != NULL);

  updating = self->updating;
  self->updating = TRUE;
  for (guint i = 0; i < self->controls->len; i++)
    {
      EspParameterControl *control = g_ptr_array_index (self->controls, i);
      JsonNode *value = json_object_get_member (values, esp_parameter_control_get_name (control));

      if (value != NULL && esp_parameter_control_set_value (control, value))
        continue;
      if (reset)
        esp_parameter_control_reset (control);
    }
  self->updating = updating != FALSE;
  emit_changed (self);
}

void
esp_parameter_controls_reset (EspParameterControls *self)
{
  g_autoptr (JsonObject) nothing = json_object_new ();

  g_return_if_fail (ESP_IS_PARAMETER_CONTROLS (self));

  esp_seed_entry_set_locked (self->seed, FALSE);
  esp_parameter_controls_set_values (self, nothing, TRUE);
}

gboolean
esp_parameter_controls_has_seed (EspParameterControls *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), FALSE);

  return self->has_seed;
}

gboolean
esp_parameter_controls_is_seed_valid (EspParameterControls *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), FALSE);

  return !self->has_seed || esp_seed_entry_is_valid (self->seed);
}

guint64
esp_parameter_controls_get_seed (EspParameterControls *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), 0);

  return esp_seed_entry_get_seed (self->seed);
}

gboolean
esp_parameter_controls_get_seed_locked (EspParameterControls *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), FALSE);

  return esp_seed_entry_get_locked (self->seed);
}

void
esp_parameter_controls_set_seed (EspParameterControls *self, guint64 seed, gboolean locked)
{
  g_return_if_fail (ESP_IS_PARAMETER_CONTROLS (self));

  esp_seed_entry_set_seed (self->seed, seed);
  esp_seed_entry_set_locked (self->seed, locked);
}

guint64
esp_parameter_controls_take_seed (EspParameterControls *self, guint count)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), 0);

  return esp_seed_entry_take (self->seed, count);
}

char *
esp_parameter_controls_dup_summary (EspParameterControls *self)
{
  GString *summary;

  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROLS (self), NULL);

  summary = g_string_new (NULL);
  for (guint i = 0; i < self->controls->len; i++)
    {
      g_autofree char *part
          = esp_parameter_control_dup_summary (g_ptr_array_index (self->controls, i));

      if (part == NULL)
        continue;
      if (summary->len > 0)
        g_string_append (summary, " · ");
      g_string_append (summary, part);
    }
  if (summary->len == 0)
    g_string_append (summary, _ ("Settings"));

  return g_string_free (summary, FALSE);
}
