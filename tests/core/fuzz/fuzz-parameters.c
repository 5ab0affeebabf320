/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A schema, values as JSON, and a text, a zero byte between them: the text as each parameter's
 * value, as LoRAs and as a size. What is accepted must be accepted again as it was written. */
#include "fuzz-core.h"

#include "esp-csv-text.h"
#include "esp-json-object.h"
#include "esp-json-text.h"
#include "esp-loras.h"
#include "esp-parameter-names.h"
#include "esp-schema.h"
#include "esp-value-text.h"

#include <math.h>

static void
try_parameter (const EspParameter *parameter, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) value = esp_parameter_parse (parameter, text, &error);

  fuzz_check_error (value != NULL, &error);
  PROMISE (parameter->name[0] != '\0');
  PROMISE (esp_parameter_get_label (parameter) != NULL);
  esp_parameter_get_hint (parameter);
  esp_parameter_is_advanced (parameter);
  esp_parameter_is_seed (parameter);
  esp_parameter_is_size (parameter);
  for (guint i = 0; parameter->choices != NULL && i < json_array_get_length (parameter->choices);
       i++)
    {
      JsonNode *choice = json_array_get_element (parameter->choices, i);

      if (json_node_get_value_type (choice) == G_TYPE_STRING)
        esp_parameter_get_choice_label (json_node_get_string (choice));
    }
  if (value != NULL)
    {
      g_autofree char *shown = esp_value_dup_text (value);

      PROMISE (esp_parameter_check (parameter, value, NULL));
      PROMISE (shown != NULL && g_utf8_validate (shown, -1, NULL));
    }
  if (parameter->fallback != NULL)
    PROMISE (esp_parameter_check (parameter, parameter->fallback, NULL));
}

static void
try_loras (JsonNode *value)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = esp_loras_check (value, -2, 2, &error);

  fuzz_check_error (ok, &error);
  if (ok)
    {
      JsonArray *loras = json_node_get_array (value);
      g_autofree char *summary = esp_loras_dup_summary (value);
      g_autoptr (JsonNode) public = esp_loras_dup_public (value);
      g_autoptr (JsonNode) weaker = esp_loras_with_strength (value, "a", 0.5);

      esp_loras_find (value, "a");
      for (guint i = 0; i < json_array_get_length (loras); i++)
        {
          JsonObject *lora = json_array_get_object_element (loras, i);
          g_autofree char *text = esp_lora_dup_text (lora);
          g_autofree char *path = NULL;
          double strength;

          PROMISE (esp_lora_split (text, &path, &strength));
          PROMISE (fabs (strength - esp_lora_get_strength (lora)) < 1e-9);
        }
    }
}

static void
try_text (const char *text)
{
  g_autoptr (JsonNode) loras = esp_loras_parse (text);
  g_autoptr (GString) written = g_string_new (NULL);
  g_autoptr (JsonObject) again = NULL;
  g_autofree char *path = NULL;
  g_autofree char *label = esp_parameter_dup_label_of (text);
  const char *axis = esp_lora_axis_get_lora (text);
  double strength;
  int sides[2];

  PROMISE (axis == NULL || g_str_has_suffix (text, axis));
  if (loras != NULL)
    try_loras (loras);
  if (esp_lora_split (text, &path, &strength))
    {
      g_autofree char *name = esp_lora_dup_name (path);

      PROMISE (name != NULL);
    }
  if (esp_size_parse (text, sides))
    PROMISE (sides[0] > 0 && sides[1] > 0);

  /* What is written digit by digit is JSON again. */
  esp_json_open (written, NULL, '{');
  esp_json_put_string (written, "text", text, -1);
  esp_json_put_double (written, "number", g_ascii_strtod (text, NULL) < 1e300 ? 0.1 : 1e300);
  esp_json_close (written, '}');
  again = esp_json_parse_object (written->str);
  PROMISE (again != NULL);
  PROMISE (g_strcmp0 (json_object_get_string_member (again, "text"), text) == 0);
  g_string_truncate (written, 0);
  esp_csv_begin_field (written);
  esp_csv_put_text (written, text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  g_autofree char *schema_text = fuzz_take_text (&input);
  g_autofree char *values_text = fuzz_take_text (&input);
  g_autofree char *text = fuzz_take_text (&input);
  g_autoptr (JsonObject) root = esp_json_parse_object (schema_text);
  g_autoptr (JsonObject) values = esp_json_parse_object (values_text);
  g_autoptr (EspSchema) schema = NULL;
  g_autoptr (GError) error = NULL;

  /* What comes from a terminal or an entry has been looked at. */
  if (!g_utf8_validate (text, -1, NULL))
    return 0;
  if (root != NULL)
    {
      g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

      json_node_set_object (node, root);
      schema = esp_schema_new (node, &error);
      fuzz_check_error (schema != NULL, &error);
    }
  for (guint i = 0; schema != NULL && i < esp_schema_get_n_parameters (schema); i++)
    {
      const EspParameter *parameter = esp_schema_get_parameter (schema, i);

      PROMISE (esp_schema_find (schema, parameter->name) != NULL);
      try_parameter (parameter, text);
    }
  if (schema != NULL && values != NULL)
    {
      g_autoptr (JsonObject) defaults = esp_schema_dup_defaults (schema);
      gboolean ok = esp_schema_check (schema, values, &error);

      fuzz_check_error (ok, &error);
    }
  if (values != NULL && json_object_has_member (values, "loras"))
    try_loras (json_object_get_member (values, "loras"));
  try_text (text);
  return 0;
}
