/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-loras.h"

#include <math.h>
#include <string.h>

#include "esp-json-member.h"
#include "esp-schema.h"

static gboolean G_GNUC_PRINTF (2, 3) fail (GError **error, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list arguments;

  va_start (arguments, format);
  sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_RANGE, sentence);
  return FALSE;
}

static gboolean
check_lora (JsonNode *node, double minimum, double maximum, GError **error)
{
  JsonObject *lora = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *path = lora != NULL ? esp_lora_get_path (lora) : NULL;
  JsonNode *member = lora != NULL ? json_object_get_member (lora, "strength") : NULL;
  double strength;

  if (path == NULL || *path == '\0')
    return fail (error, "a LoRA has no path");
  if (member != NULL
      && (!JSON_NODE_HOLDS_VALUE (member)
          || (json_node_get_value_type (member) != G_TYPE_INT64
              && json_node_get_value_type (member) != G_TYPE_DOUBLE)))
    return fail (error, "the strength of a LoRA is no number");
  strength = esp_lora_get_strength (lora);
  if (!isfinite (strength) || strength < minimum || strength > maximum)
    return fail (error, "the strength of a LoRA, %.10g, is out of range; allowed is %.10g to %.10g",
                 strength, minimum, maximum);
  return TRUE;
}

gboolean
esp_loras_check (JsonNode *value, double minimum, double maximum, GError **error)
{
  JsonArray *array;

  g_return_val_if_fail (value != NULL, FALSE);

  if (!JSON_NODE_HOLDS_ARRAY (value))
    return fail (error, "expected a list of LoRAs");
  array = json_node_get_array (value);
  if (json_array_get_length (array) > ESP_LORAS_MAX_COUNT)
    return fail (error, "at most %d LoRAs are possible", ESP_LORAS_MAX_COUNT);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!check_lora (json_array_get_element (array, i), minimum, maximum, error))
      return FALSE;
  return TRUE;
}

/* ---- as text */

static gboolean
read_strength (const char *text, double *strength)
{
  char *end = NULL;

  *strength = g_ascii_strtod (text, &end);
  return *text != '\0' && strspn (text, "+-.0123456789eE") == strlen (text) && *end == '\0'
         && isfinite (*strength);
}

gboolean
esp_lora_split (const char *text, char **path, double *strength)
{
  const char *colon;

  g_return_val_if_fail (text != NULL && path != NULL && strength != NULL, FALSE);

  colon = strrchr (text, ':');
  *strength = 1;
  if (colon == NULL || colon == text || g_file_test (text, G_FILE_TEST_EXISTS)
      || !read_strength (colon + 1, strength))
    {
      *strength = 1;
      colon = text + strlen (text);
    }
  if (colon == text)
    return FALSE;
  {
    g_autofree char *given = g_strndup (text, (gsize) (colon - text));

    *path = g_canonicalize_filename (given, NULL);
  }
  return TRUE;
}

JsonObject *
esp_lora_new (const char *path, double strength)
{
  JsonObject *lora = json_object_new ();

  g_return_val_if_fail (path != NULL, lora);

  json_object_set_string_member (lora, "path", path);
  json_object_set_double_member (lora, "strength", strength);
  return lora;
}

JsonNode *
esp_loras_parse (const char *text)
{
  g_autoptr (JsonArray) array = json_array_new ();
  g_auto (GStrv) parts = NULL;

  g_return_val_if_fail (text != NULL, NULL);

  parts = g_strsplit (text, strstr (text, "||") != NULL ? "||" : "\n", -1);
  for (char **part = parts; *part != NULL; part++)
    {
      g_autofree char *path = NULL;
      double strength;

      if (*g_strstrip (*part) == '\0')
        continue;
      if (!esp_lora_split (*part, &path, &strength))
        return NULL;
      json_array_add_object_element (array, esp_lora_new (path, strength));
    }
  return json_node_init_array (json_node_alloc (), array);
}

char *
esp_lora_dup_text (JsonObject *lora)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_return_val_if_fail (lora != NULL, NULL);

  return g_strdup_printf (
      "%s:%s", esp_lora_get_path (lora),
      g_ascii_formatd (number, sizeof number, "%.10g", esp_lora_get_strength (lora)));
}

/* ---- what they are called */

char *
esp_lora_dup_name (const char *path)
{
  char *name;

  g_return_val_if_fail (path != NULL, NULL);

  name = g_path_get_basename (path);
  if (g_str_has_suffix (name, ".safetensors") && strlen (name) > strlen (".safetensors"))
    name[strlen (name) - strlen (".safetensors")] = '\0';
  return name;
}

char *
esp_loras_dup_summary (JsonNode *value)
{
  JsonArray *array;
  GString *text;

  if (value == NULL || !JSON_NODE_HOLDS_ARRAY (value)
      || json_array_get_length (json_node_get_array (value)) == 0)
    return NULL;
  array = json_node_get_array (value);
  text = g_string_new (NULL);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *lora = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *path = lora != NULL ? esp_lora_get_path (lora) : NULL;
      g_autofree char *name = path != NULL ? esp_lora_dup_name (path) : NULL;

      if (name != NULL)
        g_string_append_printf (text, "%s%s %g", text->len > 0 ? ", " : "", name,
                                esp_lora_get_strength (lora));
    }
  return g_string_free (text, FALSE);
}

const char *
esp_lora_get_path (JsonObject *lora)
{
  return esp_json_get_string (lora, "path");
}

double
esp_lora_get_strength (JsonObject *lora)
{
  return esp_json_get_number (lora, "strength", 1);
}

/* ---- one among them */

static JsonObject *
get_lora (JsonNode *value, guint index)
{
  JsonNode *node = json_array_get_element (json_node_get_array (value), index);

  return JSON_NODE_HOLDS_OBJECT (node) && esp_lora_get_path (json_node_get_object (node)) != NULL
             ? json_node_get_object (node)
             : NULL;
}

JsonObject *
esp_loras_find (JsonNode *value, const char *name)
{
  g_return_val_if_fail (name != NULL, NULL);

  if (value == NULL || !JSON_NODE_HOLDS_ARRAY (value))
    return NULL;
  for (guint i = 0; i < json_array_get_length (json_node_get_array (value)); i++)
    {
      JsonObject *lora = get_lora (value, i);
      const char *path = lora != NULL ? esp_lora_get_path (lora) : "";
      g_autofree char *own = esp_lora_dup_name (path);
      g_autofree char *file = g_path_get_basename (path);

      if (lora != NULL
          && (strcmp (name, own) == 0 || strcmp (name, file) == 0 || strcmp (name, path) == 0))
        return lora;
    }
  return NULL;
}

JsonNode *
esp_loras_with_strength (JsonNode *value, const char *name, double strength)
{
  g_autofree char *text = NULL;
  JsonNode *copy;
  JsonObject *lora;

  g_return_val_if_fail (name != NULL, NULL);

  /* Deep: json_node_copy () shares the objects inside. */
  text = value != NULL && JSON_NODE_HOLDS_ARRAY (value) ? json_to_string (value, FALSE)
                                                        : g_strdup ("[]");
  copy = json_from_string (text, NULL);
  lora = esp_loras_find (copy, name);
  if (lora != NULL)
    json_object_set_double_member (lora, "strength", strength);
  else if (g_path_is_absolute (name))
    json_array_add_object_element (json_node_get_array (copy), esp_lora_new (name, strength));
  else
    g_clear_pointer (&copy, json_node_unref);
  return copy;
}

const char *
esp_lora_axis_get_lora (const char *axis)
{
  g_return_val_if_fail (axis != NULL, NULL);

  return g_str_has_prefix (axis, "lora:") && axis[strlen ("lora:")] != '\0'
             ? axis + strlen ("lora:")
             : NULL;
}

JsonNode *
esp_loras_dup_public (JsonNode *value)
{
  g_autofree char *text = json_to_string (value, FALSE);
  JsonNode *copy = json_from_string (text, NULL);

  for (guint i = 0;
       JSON_NODE_HOLDS_ARRAY (copy) && i < json_array_get_length (json_node_get_array (copy)); i++)
    {
      JsonObject *lora = get_lora (copy, i);
      g_autofree char *file = lora != NULL ? g_path_get_basename (esp_lora_get_path (lora)) : NULL;

      if (file != NULL)
        json_object_set_string_member (lora, "path", file);
    }
  return copy;
}
