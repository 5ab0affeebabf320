/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-sweep-presets.h"

#include <gio/gio.h>

#include "esp-json-member.h"

#define KEY "presets"

/* Without the schema GSettings would end the program. */
static char *
read_setting (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema
      = source != NULL ? g_settings_schema_source_lookup (source, ESP_APP_ID, TRUE) : NULL;
  g_autoptr (GSettings) settings = NULL;

  if (schema == NULL || !g_settings_schema_has_key (schema, KEY))
    return NULL;
  settings = g_settings_new_full (schema, NULL, NULL);
  return g_settings_get_string (settings, KEY);
}

JsonObject *
cli_sweep_dup_presets (void)
{
  g_autofree char *text = read_setting ();
  g_autoptr (JsonNode) root = text != NULL ? json_from_string (text, NULL) : NULL;
  JsonArray *array
      = root != NULL && JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
  JsonObject *presets = json_object_new ();

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *preset = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *name = preset != NULL ? esp_json_get_string (preset, "name") : NULL;

      if (name != NULL && esp_json_get_object (preset, "parameters") != NULL)
        json_object_set_object_member (presets, name, json_object_ref (preset));
    }
  return presets;
}
