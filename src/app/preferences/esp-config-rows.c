/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-config-rows.c: the settings that a provider's descriptor has, as rows of an expander. */
#define G_LOG_DOMAIN "espalier-preferences"

#include "esp-config-rows.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-plain-row.h"

struct _EspConfigRows
{
  AdwExpanderRow *expander;
  EspProvider *provider;
  GPtrArray *rows; /* of Row */
};

typedef struct
{
  const EspProviderParam *param;
  GtkWidget *widget; /* the row; borrowed */
  GtkSwitch *toggle; /* of a "bool" */
  JsonNode *json;    /* of a "json": what was chosen, or NULL for the descriptor's own */
  GtkFileChooserNative *chooser;
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  if (row->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (row->chooser));
  g_clear_object (&row->chooser);
  g_clear_pointer (&row->json, json_node_unref);
  g_free (row);
}

/* "" for none. */
static char *
dup_text (JsonNode *node)
{
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("");
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));
  return json_to_string (node, FALSE);
}

/* --- Making them ------------------------------------------------------------------------------ */

static GtkWidget *
create_entry (Row *row, JsonNode *value)
{
  g_autofree char *text = dup_text (value);

  row->widget = g_object_new (ADW_TYPE_ENTRY_ROW, "use-markup", FALSE, NULL);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row->widget),
                                 esp_provider_param_get_label (row->param));
  gtk_editable_set_text (GTK_EDITABLE (row->widget), text);
  gtk_widget_set_tooltip_text (row->widget, esp_provider_param_get_hint (row->param));
  return row->widget;
}

static GtkWidget *
create_switch (Row *row, JsonNode *value)
{
  row->widget = esp_plain_row_new (ADW_TYPE_ACTION_ROW, esp_provider_param_get_label (row->param),
                                   esp_provider_param_get_hint (row->param), 3);
  row->toggle = GTK_SWITCH (gtk_switch_new ());
  gtk_widget_set_valign (GTK_WIDGET (row->toggle), GTK_ALIGN_CENTER);
  gtk_switch_set_active (row->toggle, value != NULL && JSON_NODE_HOLDS_VALUE (value)
                                          && json_node_get_boolean (value));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row->widget), GTK_WIDGET (row->toggle));
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row->widget), GTK_WIDGET (row->toggle));
  return row->widget;
}

static GtkWidget *
create_choice (Row *row, JsonNode *value)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint selected = 0;

  for (guint i = 0; i < json_array_get_length (row->param->values); i++)
    {
      JsonNode *node = json_array_get_element (row->param->values, i);
      g_autofree char *text = dup_text (node);

      gtk_string_list_append (names, text);
      if (value != NULL && json_node_equal (node, value))
        selected = i;
    }
  row->widget = esp_plain_row_new (ADW_TYPE_COMBO_ROW, esp_provider_param_get_label (row->param),
                                   esp_provider_param_get_hint (row->param), 3);
  adw_combo_row_set_model (ADW_COMBO_ROW (row->widget), G_LIST_MODEL (names));
  adw_combo_row_set_selected (ADW_COMBO_ROW (row->widget), selected);
  return row->widget;
}

static void
update_json (Row *row, const char *problem)
{
  const char *text = problem != NULL     ? problem
                     : row->json != NULL ? _ ("Taken from a file")
                     : esp_provider_param_get_hint (row->param) != NULL
                         ? esp_provider_param_get_hint (row->param)
                         : _ ("As it comes with the provider");

  adw_action_row_set_subtitle (ADW_ACTION_ROW (row->widget), text);
}

static void
on_json_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GtkWidget) widget = data;
  Row *row = g_object_get_data (G_OBJECT (widget), "esp-row");
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;

  if (row == NULL) /* the page shows another provider by now */
    return;
  if (!g_file_load_contents_finish (G_FILE (source), result, &text, NULL, NULL, &error))
    {
      update_json (row, error->message);
      return;
    }
  node = json_from_string (text, &error);
  if (node == NULL)
    {
      g_autofree char *problem = NULL;

      /* Translators: %s says why. */
      problem
          = g_strdup_printf (_ ("The file is no JSON: %s"), error != NULL ? error->message : "");
      update_json (row, problem);
      return;
    }
  g_clear_pointer (&row->json, json_node_unref);
  row->json = g_steal_pointer (&node);
  update_json (row, NULL);
}

static void
on_json_chosen (GtkNativeDialog *dialog, int response, GtkWidget *widget)
{
  Row *row = g_object_get_data (G_OBJECT (widget), "esp-row");
  g_autoptr (GFile) file = NULL;

  if (row == NULL)
    return;
  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  g_clear_object (&row->chooser);
  if (file != NULL)
    g_file_load_contents_async (file, NULL, on_json_read, g_object_ref (widget));
}

static void
on_json_clicked (GtkWidget *widget)
{
  Row *row = g_object_get_data (G_OBJECT (widget), "esp-row");
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  if (row == NULL || row->chooser != NULL)
    return;
  row->chooser = gtk_file_chooser_native_new (esp_provider_param_get_label (row->param),
                                              GTK_WINDOW (gtk_widget_get_root (widget)),
                                              GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Open"), NULL);
  gtk_file_filter_set_name (filter, "JSON");
  gtk_file_filter_add_suffix (filter, "json");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (row->chooser), filter);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (row->chooser), TRUE);
  g_signal_connect_object (row->chooser, "response", G_CALLBACK (on_json_chosen), widget, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (row->chooser));
}

static GtkWidget *
create_json (Row *row, JsonNode *value)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("Open _File…"));

  row->widget
      = esp_plain_row_new (ADW_TYPE_ACTION_ROW, esp_provider_param_get_label (row->param), NULL, 3);
  if (value != NULL && value != row->param->fallback)
    row->json = json_node_copy (value);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_json_clicked), row->widget,
                           G_CONNECT_SWAPPED);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row->widget), button);
  update_json (row, NULL);
  return row->widget;
}

EspConfigRows *
esp_config_rows_new (AdwExpanderRow *expander, EspProvider *provider, JsonObject *values)
{
  EspConfigRows *self;
  const EspDescriptor *descriptor;

  g_return_val_if_fail (ADW_IS_EXPANDER_ROW (expander), NULL);
  g_return_val_if_fail (ESP_IS_PROVIDER (provider), NULL);

  self = g_new0 (EspConfigRows, 1);
  self->expander = g_object_ref (expander);
  self->provider = g_object_ref (provider);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  descriptor = esp_provider_get_descriptor (provider);
  for (guint i = 0; descriptor->config != NULL && i < descriptor->config->len; i++)
    {
      Row *row = g_new0 (Row, 1);
      JsonNode *value;

      row->param = g_ptr_array_index (descriptor->config, i);
      value = values != NULL ? json_object_get_member (values, row->param->id) : NULL;
      if (value == NULL)
        value = row->param->fallback;
      if (row->param->values != NULL)
        create_choice (row, value);
      else if (g_strcmp0 (row->param->type, "bool") == 0)
        create_switch (row, value);
      else if (g_strcmp0 (row->param->type, "json") == 0)
        create_json (row, value);
      else
        create_entry (row, value);
      g_object_set_data (G_OBJECT (row->widget), "esp-row", row);
      adw_expander_row_add_row (expander, row->widget);
      g_ptr_array_add (self->rows, row);
    }
  gtk_widget_set_visible (GTK_WIDGET (expander), self->rows->len > 0);
  return self;
}

void
esp_config_rows_free (EspConfigRows *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);

      g_object_set_data (G_OBJECT (row->widget), "esp-row", NULL);
      adw_expander_row_remove (self->expander, row->widget);
    }
  g_ptr_array_unref (self->rows);
  g_object_unref (self->expander);
  g_object_unref (self->provider);
  g_free (self);
}

/* --- Reading them ----------------------------------------------------------------------------- */

static gboolean
parse_number (const char *text, gboolean whole, JsonNode **node)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  char *end = NULL;
  double value = 0;

  /* As people write it here, or as it is written in files. */
  value = g_strtod (stripped, &end);
  if (*stripped == '\0' || end == NULL || *end != '\0' || !isfinite (value)
      || (whole && value != floor (value)))
    return FALSE;
  *node = json_node_new (JSON_NODE_VALUE);
  if (whole)
    json_node_set_int (*node, (gint64) value);
  else
    json_node_set_double (*node, value);
  return TRUE;
}

/* FALSE with error; *node stays NULL where there is no value. */
static gboolean
read_row (Row *row, JsonNode **node, GError **error)
{
  const EspProviderParam *param = row->param;
  const char *text;

  if (param->values != NULL)
    {
      guint position = adw_combo_row_get_selected (ADW_COMBO_ROW (row->widget));

      if (position < json_array_get_length (param->values))
        *node = json_node_copy (json_array_get_element (param->values, position));
      return TRUE;
    }
  if (row->toggle != NULL)
    {
      *node = json_node_new (JSON_NODE_VALUE);
      json_node_set_boolean (*node, gtk_switch_get_active (row->toggle));
      return TRUE;
    }
  if (g_strcmp0 (param->type, "json") == 0)
    {
      *node = row->json != NULL ? json_node_copy (row->json) : NULL;
      return TRUE;
    }

  text = gtk_editable_get_text (GTK_EDITABLE (row->widget));
  if (*text == '\0')
    return TRUE;
  if (g_strcmp0 (param->type, "int") == 0 || g_strcmp0 (param->type, "float") == 0)
    {
      if (!parse_number (text, g_str_equal (param->type, "int"), node)
          || json_node_get_double (*node) < param->minimum
          || json_node_get_double (*node) > param->maximum)
        {
          g_clear_pointer (node, json_node_unref);
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       _ ("“%s” is not a number that can be used."),
                       esp_provider_param_get_label (param));
          return FALSE;
        }
      return TRUE;
    }
  *node = json_node_new (JSON_NODE_VALUE);
  json_node_set_string (*node, text);
  return TRUE;
}

JsonObject *
esp_config_rows_dup_values (EspConfigRows *self, GError **error)
{
  g_autoptr (JsonObject) values = json_object_new ();

  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);
      g_autoptr (JsonNode) node = NULL;

      if (!read_row (row, &node, error))
        {
          adw_expander_row_set_expanded (self->expander, TRUE);
          return NULL;
        }
      if (node == NULL && row->param->required && row->param->fallback == NULL)
        {
          adw_expander_row_set_expanded (self->expander, TRUE);
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _ ("“%s” is missing."),
                       esp_provider_param_get_label (row->param));
          return NULL;
        }
      if (node != NULL
          && (row->param->fallback == NULL || !json_node_equal (node, row->param->fallback)))
        json_object_set_member (values, row->param->id, g_steal_pointer (&node));
    }
  return g_steal_pointer (&values);
}
