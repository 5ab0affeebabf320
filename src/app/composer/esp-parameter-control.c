/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-parameter-control.c: one parameter of a model. */
#include "esp-parameter-control.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "esp-lora-list.h"
#include "esp-loras.h"
#include "esp-parameter-names.h"
#include "esp-ratio-icon.h"
#include "esp-size-chooser.h"

/* Further than this no spin button counts. */
#define UNBOUNDED 1e9

struct _EspParameterControl
{
  GtkWidget parent_instance;

  EspParameter parameter; /* our own copy */

  GtkWidget *box;
  GtkWidget *reset;
  GtkWidget *editor; /* spin button, switch, drop-down, entry, size chooser or list of LoRAs */
  GtkRange *scale;   /* beside a spin button, or NULL */
  guint updating : 1;
  guint touched : 1;
};

G_DEFINE_FINAL_TYPE (EspParameterControl, esp_parameter_control, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
copy_parameter (EspParameter *to, const EspParameter *from)
{
  *to = *from;
  to->name = g_strdup (from->name);
  to->choices = from->choices != NULL ? json_array_ref (from->choices) : NULL;
  to->fallback = from->fallback != NULL ? json_node_copy (from->fallback) : NULL;
  to->format = g_strdup (from->format);
  to->title = g_strdup (from->title);
  to->description = g_strdup (from->description);
  to->widget = g_strdup (from->widget);
}

static void
clear_parameter (EspParameter *parameter)
{
  g_clear_pointer (&parameter->name, g_free);
  g_clear_pointer (&parameter->choices, json_array_unref);
  g_clear_pointer (&parameter->fallback, json_node_unref);
  g_clear_pointer (&parameter->format, g_free);
  g_clear_pointer (&parameter->title, g_free);
  g_clear_pointer (&parameter->description, g_free);
  g_clear_pointer (&parameter->widget, g_free);
}

static gboolean
is_number (EspParameterControl *self)
{
  return self->parameter.type == ESP_PARAMETER_INTEGER
         || self->parameter.type == ESP_PARAMETER_NUMBER;
}

static gboolean
is_same_value (JsonNode *a, JsonNode *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  if (!JSON_NODE_HOLDS_VALUE (a) || !JSON_NODE_HOLDS_VALUE (b))
    return FALSE;
  if (json_node_get_value_type (a) == G_TYPE_STRING
      || json_node_get_value_type (b) == G_TYPE_STRING)
    return json_node_get_value_type (a) == json_node_get_value_type (b)
           && g_strcmp0 (json_node_get_string (a), json_node_get_string (b)) == 0;
  if (json_node_get_value_type (a) == G_TYPE_BOOLEAN)
    return json_node_get_boolean (a) == json_node_get_boolean (b);

  return fabs (json_node_get_double (a) - json_node_get_double (b)) < 1e-9;
}

static void
update_reset (EspParameterControl *self)
{
  gboolean changed = !esp_parameter_control_is_default (self);

  /* It keeps its place, so that nothing moves. */
  gtk_widget_set_sensitive (self->reset, changed);
  gtk_widget_set_opacity (self->reset, changed ? 1 : 0);
}

static void
emit_changed (EspParameterControl *self)
{
  self->touched = TRUE;
  update_reset (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

/* Schemas allow far more than anyone wants; a slider covers what makes sense, the entry all. */
static double
find_soft_maximum (EspParameterControl *self)
{
  const EspParameter *parameter = &self->parameter;
  double fallback = parameter->fallback != NULL ? json_node_get_double (parameter->fallback) : 0;
  double soft = fallback * 4;

  if (fallback <= 0 || parameter->maximum <= soft * 2)
    return parameter->maximum;

  return MIN (parameter->maximum, soft > 10 ? ceil (soft / 10) * 10 : soft);
}

static void
on_spin (EspParameterControl *self)
{
  if (self->updating)
    return;

  if (self->scale != NULL)
    {
      self->updating = TRUE;
      gtk_range_set_value (self->scale, gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->editor)));
      self->updating = FALSE;
    }
  emit_changed (self);
}

static void
on_scale (EspParameterControl *self)
{
  double value;

  if (self->updating)
    return;

  value = gtk_range_get_value (self->scale);
  if (self->parameter.type == ESP_PARAMETER_INTEGER)
    value = round (value);
  else
    value = round (value * 100) / 100;
  if (self->parameter.multiple_of > 0)
    value = round (value / self->parameter.multiple_of) * self->parameter.multiple_of;
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->editor), value);
}

/* As many digits as there are, not a fixed number. */
static gboolean
on_spin_output (EspParameterControl *self)
{
  GtkSpinButton *spin = GTK_SPIN_BUTTON (self->editor);
  g_autofree char *text = g_strdup_printf ("%.3f", gtk_spin_button_get_value (spin));
  char *end = text + strlen (text) - 1;

  while (*end == '0')
    *end-- = '\0';
  if (!g_ascii_isdigit (*end))
    *end = '\0';
  if (!g_str_equal (gtk_editable_get_text (GTK_EDITABLE (spin)), text))
    gtk_editable_set_text (GTK_EDITABLE (spin), text);

  return TRUE;
}

static GtkWidget *
create_spin (EspParameterControl *self)
{
  const EspParameter *parameter = &self->parameter;
  gboolean whole = parameter->type == ESP_PARAMETER_INTEGER;
  double minimum = MAX (parameter->minimum, -UNBOUNDED);
  double maximum = MIN (parameter->maximum, UNBOUNDED);
  double step = parameter->multiple_of > 0 ? parameter->multiple_of
                : whole                    ? 1
                : maximum - minimum <= 2   ? 0.01
                                           : 0.1;
  GtkWidget *spin = gtk_spin_button_new_with_range (minimum, maximum, step);

  self->editor = spin;
  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), whole ? 0 : 3);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), TRUE);
  gtk_spin_button_set_snap_to_ticks (GTK_SPIN_BUTTON (spin), parameter->multiple_of > 0);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 5);
  gtk_editable_set_max_width_chars (GTK_EDITABLE (spin), 7);
  if (!whole)
    g_signal_connect_object (spin, "output", G_CALLBACK (on_spin_output), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (spin, "value-changed", G_CALLBACK (on_spin), self, G_CONNECT_SWAPPED);

  return spin;
}

static void
create_scale (EspParameterControl *self)
{
  const EspParameter *parameter = &self->parameter;
  gboolean whole = parameter->type == ESP_PARAMETER_INTEGER;
  double soft = find_soft_maximum (self);
  double step = whole ? 1 : (soft - parameter->minimum) <= 2 ? 0.01 : 0.1;
  GtkWidget *scale
      = gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, parameter->minimum, soft, step);

  self->scale = GTK_RANGE (scale);
  gtk_scale_set_draw_value (GTK_SCALE (scale), FALSE);
  gtk_widget_set_hexpand (scale, TRUE);
  gtk_range_set_round_digits (self->scale, whole ? 0 : 2);
  if (parameter->fallback != NULL)
    gtk_scale_add_mark (GTK_SCALE (scale), json_node_get_double (parameter->fallback),
                        GTK_POS_BOTTOM, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (scale), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  esp_parameter_get_label (parameter), -1);
  g_signal_connect_object (scale, "value-changed", G_CALLBACK (on_scale), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (self->box), scale);
}

/* --- The others ------------------------------------------------------------------------------- */

/* "16:9" → 1.78; 0 for anything else. */
static double
get_ratio (const char *text)
{
  g_auto (GStrv) sides = g_strsplit (text, ":", 2);
  guint64 width, height;

  return g_strv_length (sides) == 2
                 && g_ascii_string_to_unsigned (sides[0], 10, 1, G_MAXUINT16, &width, NULL)
                 && g_ascii_string_to_unsigned (sides[1], 10, 1, G_MAXUINT16, &height, NULL)
             ? (double) width / (double) height
             : 0;
}

static gboolean
are_ratios (JsonArray *choices)
{
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (choices); i++)
    {
      JsonNode *choice = json_array_get_element (choices, i);

      if (json_node_get_value_type (choice) == G_TYPE_STRING
          && get_ratio (json_node_get_string (choice)) > 0)
        n++;
    }
  return n > 1;
}

static void
on_ratio_setup (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 8);

  gtk_box_append (GTK_BOX (box), gtk_label_new (NULL));
  gtk_list_item_set_child (item, box);
}

/* The shape, drawn before its numbers. */
static void
on_ratio_bind (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *box = gtk_list_item_get_child (item);
  GtkWidget *label = gtk_widget_get_last_child (box);
  const char *text
      = gtk_string_object_get_string (GTK_STRING_OBJECT (gtk_list_item_get_item (item)));
  double ratio = get_ratio (text);

  if (gtk_widget_get_first_child (box) != label)
    gtk_box_remove (GTK_BOX (box), gtk_widget_get_first_child (box));
  gtk_box_prepend (GTK_BOX (box),
                   esp_ratio_icon_new (ratio > 0 ? ESP_RATIO_ICON_RATIO : ESP_RATIO_ICON_MATCH,
                                       ratio > 0 ? ratio : 1));
  gtk_label_set_label (GTK_LABEL (label), text);
}

/* Where the model may decide by itself, that is the first thing to choose: GTK 4.18 always
 * selects something in a GtkDropDown. */
static gboolean
may_be_unset (EspParameterControl *self)
{
  return self->parameter.fallback == NULL && !self->parameter.required;
}

/* The place of the first choice in the list. */
static guint
get_first_choice (EspParameterControl *self)
{
  return may_be_unset (self) ? 1 : 0;
}

static GtkWidget *
create_choice (EspParameterControl *self)
{
  GtkStringList *labels = gtk_string_list_new (NULL);
  JsonArray *choices = self->parameter.choices;

  if (may_be_unset (self))
    gtk_string_list_append (labels, _ ("Default"));
  for (guint i = 0; i < json_array_get_length (choices); i++)
    {
      JsonNode *choice = json_array_get_element (choices, i);
      g_autofree char *text = json_node_get_value_type (choice) == G_TYPE_STRING
                                  ? g_strdup (json_node_get_string (choice))
                                  : json_to_string (choice, FALSE);

      gtk_string_list_append (labels, esp_parameter_get_choice_label (text));
    }
  self->editor = gtk_drop_down_new (G_LIST_MODEL (labels), NULL);
  if (are_ratios (choices))
    {
      g_autoptr (GtkListItemFactory) factory = gtk_signal_list_item_factory_new ();

      g_signal_connect (factory, "setup", G_CALLBACK (on_ratio_setup), NULL);
      g_signal_connect (factory, "bind", G_CALLBACK (on_ratio_bind), NULL);
      gtk_drop_down_set_factory (GTK_DROP_DOWN (self->editor), factory);
    }

  g_signal_connect_object (self->editor, "notify::selected", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);

  return self->editor;
}

static GtkWidget *
create_text (EspParameterControl *self)
{
  self->editor = gtk_entry_new ();
  gtk_widget_set_hexpand (self->editor, TRUE);
  g_signal_connect_object (self->editor, "changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);

  return self->editor;
}

static gboolean
has_choices (EspParameterControl *self)
{
  return self->parameter.choices != NULL && json_array_get_length (self->parameter.choices) > 0;
}

/* Makes the editor; TRUE if it goes beside the title, FALSE if below it. */
static gboolean
create_editor (EspParameterControl *self)
{
  const EspParameter *parameter = &self->parameter;

  if (has_choices (self))
    {
      create_choice (self);
      return TRUE;
    }
  if (is_number (self))
    {
      create_spin (self);
      return TRUE;
    }
  if (parameter->type == ESP_PARAMETER_BOOLEAN)
    {
      self->editor = gtk_switch_new ();
      g_signal_connect_object (self->editor, "notify::active", G_CALLBACK (emit_changed), self,
                               G_CONNECT_SWAPPED);
      return TRUE;
    }
  if (esp_parameter_is_size (parameter))
    {
      self->editor = esp_size_chooser_new ();
      g_signal_connect_object (self->editor, "changed", G_CALLBACK (emit_changed), self,
                               G_CONNECT_SWAPPED);
      return FALSE;
    }

  if (parameter->type == ESP_PARAMETER_LORAS)
    {
      self->editor = esp_lora_list_new (parameter->minimum, parameter->maximum);
      g_signal_connect_object (self->editor, "changed", G_CALLBACK (emit_changed), self,
                               G_CONNECT_SWAPPED);
      return FALSE;
    }

  create_text (self);
  return FALSE;
}

static gboolean
wants_scale (EspParameterControl *self)
{
  const EspParameter *parameter = &self->parameter;

  return is_number (self) && !has_choices (self) && isfinite (parameter->minimum)
         && isfinite (parameter->maximum) && g_strcmp0 (parameter->widget, "spin") != 0;
}

static void
build (EspParameterControl *self)
{
  const char *title = esp_parameter_get_label (&self->parameter);
  const char *hint = esp_parameter_get_hint (&self->parameter);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (title);
  g_autofree char *reset = g_strdup_printf (_ ("Reset %s to Default"), title);
  gboolean beside = create_editor (self);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_width_chars (GTK_LABEL (label), 12); /* most words are whole in a line */
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), hint);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->editor), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  title, -1);
  if (hint != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (self->editor),
                                    GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, hint, -1);

  self->reset = gtk_button_new_from_icon_name ("edit-undo-symbolic");
  gtk_widget_add_css_class (self->reset, "flat");
  gtk_widget_add_css_class (self->reset, "circular");
  gtk_widget_set_valign (self->reset, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (self->reset, _ ("Reset to Default"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->reset), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  reset, -1);
  g_signal_connect_object (self->reset, "clicked", G_CALLBACK (esp_parameter_control_reset), self,
                           G_CONNECT_SWAPPED);

  gtk_box_append (GTK_BOX (row), label);
  gtk_box_append (GTK_BOX (row), self->reset);
  gtk_box_append (GTK_BOX (self->box), row);
  if (beside)
    {
      gtk_widget_set_valign (self->editor, GTK_ALIGN_CENTER);
      gtk_box_append (GTK_BOX (row), self->editor);
    }
  else
    gtk_box_append (GTK_BOX (self->box), self->editor);
  if (wants_scale (self))
    create_scale (self);

  esp_parameter_control_reset (self);
}

static void
esp_parameter_control_dispose (GObject *object)
{
  EspParameterControl *self = ESP_PARAMETER_CONTROL (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_parameter_control_parent_class)->dispose (object);
}

static void
esp_parameter_control_finalize (GObject *object)
{
  EspParameterControl *self = ESP_PARAMETER_CONTROL (object);

  clear_parameter (&self->parameter);

  G_OBJECT_CLASS (esp_parameter_control_parent_class)->finalize (object);
}

static void
esp_parameter_control_class_init (EspParameterControlClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_parameter_control_dispose;
  object_class->finalize = esp_parameter_control_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_parameter_control_init (EspParameterControl *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

GtkWidget *
esp_parameter_control_new (const EspParameter *parameter)
{
  EspParameterControl *self;

  g_return_val_if_fail (parameter != NULL, NULL);

  self = g_object_new (ESP_TYPE_PARAMETER_CONTROL, NULL);
  copy_parameter (&self->parameter, parameter);
  build (self);

  return GTK_WIDGET (self);
}

const char *
esp_parameter_control_get_name (EspParameterControl *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROL (self), NULL);

  return self->parameter.name;
}

gboolean
esp_parameter_control_is_advanced (EspParameterControl *self)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROL (self), FALSE);

  return esp_parameter_is_advanced (&self->parameter);
}

JsonNode *
esp_parameter_control_dup_value (EspParameterControl *self)
{
  JsonNode *node;
  guint selected;

  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROL (self), NULL);

  if (!self->touched && self->parameter.fallback == NULL && !self->parameter.required)
    return NULL;

  if (ESP_IS_LORA_LIST (self->editor))
    return esp_lora_list_dup_value (ESP_LORA_LIST (self->editor));

  if (has_choices (self))
    {
      selected = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->editor));
      if (selected == GTK_INVALID_LIST_POSITION || selected < get_first_choice (self))
        return NULL;
      return json_node_copy (
          json_array_get_element (self->parameter.choices, selected - get_first_choice (self)));
    }

  node = json_node_alloc ();
  switch (self->parameter.type)
    {
    case ESP_PARAMETER_INTEGER:
      return json_node_init_int (
          node, (gint64) llround (gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->editor))));

    case ESP_PARAMETER_NUMBER:
      return json_node_init_double (node,
                                    gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->editor)));

    case ESP_PARAMETER_BOOLEAN:
      return json_node_init_boolean (node, gtk_switch_get_active (GTK_SWITCH (self->editor)));

    case ESP_PARAMETER_STRING:
    default:
      break;
    }

  if (ESP_IS_SIZE_CHOOSER (self->editor))
    return json_node_init_string (node,
                                  esp_size_chooser_get_value (ESP_SIZE_CHOOSER (self->editor)));

  if (gtk_editable_get_text (GTK_EDITABLE (self->editor))[0] == '\0')
    {
      json_node_unref (node);
      return NULL;
    }

  return json_node_init_string (node, gtk_editable_get_text (GTK_EDITABLE (self->editor)));
}

static gboolean
select_choice (EspParameterControl *self, JsonNode *value)
{
  for (guint i = 0; i < json_array_get_length (self->parameter.choices); i++)
    if (is_same_value (json_array_get_element (self->parameter.choices, i), value))
      {
        gtk_drop_down_set_selected (GTK_DROP_DOWN (self->editor), get_first_choice (self) + i);
        return TRUE;
      }

  return FALSE;
}

gboolean
esp_parameter_control_set_value (EspParameterControl *self, JsonNode *value)
{
  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROL (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (!esp_parameter_check (&self->parameter, value, NULL))
    return FALSE;
  if (ESP_IS_LORA_LIST (self->editor))
    {
      esp_lora_list_set_value (ESP_LORA_LIST (self->editor), value);
      return TRUE;
    }
  if (!JSON_NODE_HOLDS_VALUE (value))
    return FALSE;

  if (has_choices (self))
    return select_choice (self, value);
  if (is_number (self))
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->editor), json_node_get_double (value));
  else if (self->parameter.type == ESP_PARAMETER_BOOLEAN)
    gtk_switch_set_active (GTK_SWITCH (self->editor), json_node_get_boolean (value));
  else if (ESP_IS_SIZE_CHOOSER (self->editor))
    return esp_size_chooser_set_value (ESP_SIZE_CHOOSER (self->editor),
                                       json_node_get_string (value));
  else
    gtk_editable_set_text (GTK_EDITABLE (self->editor), json_node_get_string (value));

  return TRUE;
}

void
esp_parameter_control_reset (EspParameterControl *self)
{
  gboolean had_focus;

  g_return_if_fail (ESP_IS_PARAMETER_CONTROL (self));

  had_focus = gtk_widget_is_focus (self->reset);
  if (self->parameter.fallback != NULL)
    esp_parameter_control_set_value (self, self->parameter.fallback);
  else if (ESP_IS_LORA_LIST (self->editor))
    esp_lora_list_set_value (ESP_LORA_LIST (self->editor), NULL);
  else if (has_choices (self) && may_be_unset (self))
    gtk_drop_down_set_selected (GTK_DROP_DOWN (self->editor), 0);
  else if (self->parameter.type == ESP_PARAMETER_STRING && !has_choices (self)
           && GTK_IS_EDITABLE (self->editor))
    gtk_editable_set_text (GTK_EDITABLE (self->editor), "");
  self->touched = FALSE;

  /* The button that was pressed is about to become insensitive. */
  if (had_focus)
    gtk_widget_child_focus (self->editor, GTK_DIR_TAB_FORWARD);
  update_reset (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

gboolean
esp_parameter_control_is_default (EspParameterControl *self)
{
  g_autoptr (JsonNode) value = NULL;

  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROL (self), TRUE);

  value = esp_parameter_control_dup_value (self);

  return is_same_value (value, self->parameter.fallback);
}

void
esp_parameter_control_set_image_area (EspParameterControl *self, guint area)
{
  g_return_if_fail (ESP_IS_PARAMETER_CONTROL (self));

  if (ESP_IS_SIZE_CHOOSER (self->editor))
    esp_size_chooser_set_area (ESP_SIZE_CHOOSER (self->editor), area);
}

char *
esp_parameter_control_dup_summary (EspParameterControl *self)
{
  const char *name;

  g_return_val_if_fail (ESP_IS_PARAMETER_CONTROL (self), NULL);

  name = self->parameter.name;
  if (is_number (self) && GTK_IS_SPIN_BUTTON (self->editor))
    {
      GtkSpinButton *spin = GTK_SPIN_BUTTON (self->editor);

      if (g_str_equal (name, "steps") || g_str_equal (name, "num_inference_steps"))
        {
          int steps = gtk_spin_button_get_value_as_int (spin);

          return g_strdup_printf (
              g_dngettext (GETTEXT_PACKAGE, "%d step", "%d steps", (gulong) steps), steps);
        }
      if (g_str_equal (name, "guidance") || g_str_equal (name, "guidance_scale"))
        return g_strdup (gtk_editable_get_text (GTK_EDITABLE (spin)));
      return NULL;
    }

  if (has_choices (self) && g_str_has_prefix (name, "aspect")
      && !esp_parameter_control_is_default (self))
    {
      g_autoptr (JsonNode) value = esp_parameter_control_dup_value (self);

      if (value != NULL && json_node_get_value_type (value) == G_TYPE_STRING)
        return g_strdup (esp_parameter_get_choice_label (json_node_get_string (value)));
    }

  if (ESP_IS_LORA_LIST (self->editor))
    {
      g_autoptr (JsonNode) loras = esp_lora_list_dup_value (ESP_LORA_LIST (self->editor));

      return esp_loras_dup_summary (loras);
    }

  if (ESP_IS_SIZE_CHOOSER (self->editor) && !esp_parameter_control_is_default (self))
    {
      g_auto (GStrv) parts
          = g_strsplit (esp_size_chooser_get_value (ESP_SIZE_CHOOSER (self->editor)), "x", 2);

      if (g_strv_length (parts) == 2)
        return g_strdup_printf ("%s × %s", parts[0], parts[1]);
    }

  return NULL;
}
