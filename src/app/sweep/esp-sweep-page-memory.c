/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-page-memory.c: axes that were set up last, kept with the document. */
#include "esp-sweep-page-private.h"

#include "esp-json-member.h"

#define KEY "sweep.setup"

static const char *const orders[] = { "listed", "near", "random" };

void
_esp_sweep_page_remember (EspSweepPage *self)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonArray *axes = json_array_new ();
  g_autofree char *text = NULL;

  if (self->document == NULL || esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    {
      json_array_unref (axes);
      return;
    }
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->rows)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    {
      JsonObject *axis = json_object_new ();
      g_autofree char *values = esp_axis_row_dup_text (ESP_AXIS_ROW (row));

      json_object_set_string_member (axis, "name", esp_axis_row_get_name (ESP_AXIS_ROW (row)));
      json_object_set_string_member (axis, "text", values);
      json_array_add_object_element (axes, axis);
    }
  json_object_set_array_member (object, "axes", axes);
  json_object_set_string_member (object, "order", orders[gtk_drop_down_get_selected (self->order)]);
  json_object_set_int_member (object, "steps",
                              gtk_spin_button_get_value_as_int (self->draft_steps));
  json_object_set_boolean_member (object, "preview", gtk_check_button_get_active (self->draft));
  json_node_set_object (node, object);
  text = json_to_string (node, FALSE);
  if (g_strcmp0 (text, esp_document_get_view (self->document, KEY)) != 0)
    esp_document_set_view (self->document, KEY, text);
}

static void
recall_axes (EspSweepPage *self, JsonArray *axes)
{
  for (guint i = 0; i < MIN (json_array_get_length (axes), ESP_SWEEP_MAX_AXES); i++)
    {
      JsonNode *element = json_array_get_element (axes, i);
      JsonObject *axis = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const char *name = axis != NULL ? esp_json_get_string (axis, "name") : NULL;
      const char *text = axis != NULL ? esp_json_get_string (axis, "text") : NULL;

      if (name != NULL && *name != '\0' && text != NULL)
        _esp_sweep_page_add_row (self, name, text);
    }
}

/* The file may be anyone's: what is not understood is left out. */
gboolean
_esp_sweep_page_recall (EspSweepPage *self)
{
  const char *text = esp_document_get_view (self->document, KEY);
  g_autoptr (JsonNode) node = text != NULL ? json_from_string (text, NULL) : NULL;
  JsonObject *object
      = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonNode *axes, *steps, *preview;
  const char *order;

  if (object == NULL)
    return FALSE;
  axes = json_object_get_member (object, "axes");
  steps = json_object_get_member (object, "steps");
  preview = json_object_get_member (object, "preview");
  order = esp_json_get_string (object, "order");
  if (axes != NULL && JSON_NODE_HOLDS_ARRAY (axes))
    recall_axes (self, json_node_get_array (axes));
  for (guint i = 0; order != NULL && i < G_N_ELEMENTS (orders); i++)
    if (g_str_equal (order, orders[i]))
      gtk_drop_down_set_selected (self->order, i);
  if (steps != NULL && JSON_NODE_HOLDS_VALUE (steps)
      && json_node_get_value_type (steps) == G_TYPE_INT64)
    gtk_spin_button_set_value (self->draft_steps, (double) json_node_get_int (steps));
  if (preview != NULL && JSON_NODE_HOLDS_VALUE (preview)
      && json_node_get_value_type (preview) == G_TYPE_BOOLEAN)
    gtk_check_button_set_active (self->draft, json_node_get_boolean (preview));
  return _esp_sweep_page_count_rows (self) > 0;
}
