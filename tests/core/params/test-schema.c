/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "esp-json-text.h"
#include "esp-parameter-names.h"
#include "esp-schema.h"

static const char good[]
    = "{\"type\":\"object\",\"required\":[\"prompt\"],\"properties\":{"
      "\"prompt\":{\"type\":\"string\",\"title\":\"Prompt\",\"widget\":\"text\"},"
      "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":8},"
      "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"multipleOf\":0.1,\"default\":2.5},"
      "\"size\":{\"type\":\"string\",\"format\":\"image-size\",\"default\":\"auto\","
      "\"minimum\":16,\"maximum\":8192,\"multipleOf\":16},"
      "\"dtype\":{\"type\":\"string\",\"enum\":[\"auto\",\"f32\"],\"default\":\"auto\"},"
      "\"tiled\":{\"type\":\"boolean\",\"default\":false},"
      "\"side\":{\"type\":\"integer\",\"format\":\"image-size\",\"multipleOf\":16}}}";

static EspSchema *
schema_from (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  g_assert_nonnull (node);
  return esp_schema_new (node, error);
}

static void
test_reading (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspSchema) schema = schema_from (good, &error);
  const EspParameter *steps;

  g_assert_no_error (error);
  g_assert_cmpuint (esp_schema_get_n_parameters (schema), ==, 7);
  g_assert_cmpstr (esp_schema_get_parameter (schema, 0)->name, ==, "prompt");
  g_assert_cmpstr (esp_schema_get_parameter (schema, 5)->name, ==, "tiled");
  g_assert_true (esp_schema_find (schema, "prompt")->required);
  g_assert_cmpstr (esp_schema_find (schema, "prompt")->widget, ==, "text");
  g_assert_null (esp_schema_find (schema, "stepz"));

  steps = esp_schema_find (schema, "steps");
  g_assert_cmpint (steps->type, ==, ESP_PARAMETER_INTEGER);
  g_assert_cmpfloat (steps->minimum, ==, 1);
  g_assert_cmpfloat (steps->maximum, ==, 1000);
  g_assert_cmpint (json_node_get_int (steps->fallback), ==, 8);
}

static void
test_broken_schemas (void)
{
  static const char *const broken[] = {
    "[]",
    "{}",
    "{\"properties\":[]}",
    "{\"properties\":{\"a\":5}}",
    "{\"properties\":{\"\":{\"type\":\"string\"}}}",
    "{\"properties\":{\"a\":{}}}",
    "{\"properties\":{\"a\":{\"type\":\"colour\"}}}",
    "{\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":\"1\"}}}",
    "{\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":2,\"maximum\":1}}}",
    "{\"properties\":{\"a\":{\"type\":\"integer\",\"maximum\":5,\"default\":6}}}",
    "{\"properties\":{\"a\":{\"type\":\"string\",\"default\":6}}}",
    "{\"properties\":{\"a\":{\"type\":\"string\",\"enum\":[]}}}",
    "{\"properties\":{\"a\":{\"type\":\"string\",\"enum\":[1]}}}",
    "{\"properties\":{\"a\":{\"type\":\"string\",\"enum\":[\"x\"],\"default\":\"y\"}}}",
    "{\"properties\":{\"a\":{\"type\":\"string\",\"title\":[]}}}",
    "{\"properties\":{},\"required\":[\"a\"]}",
    "{\"properties\":{},\"required\":\"a\"}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (GError) error = NULL;
      EspSchema *schema = schema_from (broken[i], &error);

      if (schema != NULL)
        g_error ("taken: %s", broken[i]);
      g_assert_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_INVALID_SCHEMA);
    }
}

static void
test_values (void)
{
  static const struct
  {
    const char *name, *value;
    int code; /* -1 = fine */
  } cases[] = {
    { "steps", "8", -1 },
    { "steps", "0", ESP_SCHEMA_ERROR_RANGE },
    { "steps", "1001", ESP_SCHEMA_ERROR_RANGE },
    { "steps", "8.0", ESP_SCHEMA_ERROR_TYPE },
    { "steps", "\"8\"", ESP_SCHEMA_ERROR_TYPE },
    { "steps", "true", ESP_SCHEMA_ERROR_TYPE },
    { "steps", "null", ESP_SCHEMA_ERROR_TYPE },
    { "steps", "[8]", ESP_SCHEMA_ERROR_TYPE },
    { "guidance", "3", -1 },
    { "guidance", "0.3", -1 },
    { "guidance", "0.35", ESP_SCHEMA_ERROR_RANGE },
    { "guidance", "-1", ESP_SCHEMA_ERROR_RANGE },
    { "size", "\"match\"", -1 },
    { "size", "\"64x128\"", -1 },
    { "size", "\"064x128\"", ESP_SCHEMA_ERROR_RANGE },
    { "size", "\"64x\"", ESP_SCHEMA_ERROR_RANGE },
    { "size", "\"64x8192\"", -1 },
    { "size", "\"64x100\"", ESP_SCHEMA_ERROR_RANGE },
    { "size", "\"0x64\"", ESP_SCHEMA_ERROR_RANGE },
    { "size", "\"8x64\"", ESP_SCHEMA_ERROR_RANGE },
    { "size", "\"64x8208\"", ESP_SCHEMA_ERROR_RANGE },
    { "size", "\"64x64 \"", ESP_SCHEMA_ERROR_RANGE },
    { "dtype", "\"f32\"", -1 },
    { "dtype", "\"f16\"", ESP_SCHEMA_ERROR_RANGE },
    { "tiled", "true", -1 },
    { "tiled", "1", ESP_SCHEMA_ERROR_TYPE },
    { "side", "64", -1 }, /* a format of texts says nothing of a number */
    { "side", "\"64x64\"", ESP_SCHEMA_ERROR_TYPE },
  };
  g_autoptr (EspSchema) schema = schema_from (good, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) value = json_from_string (cases[i].value, NULL);
      gboolean fine = esp_parameter_check (esp_schema_find (schema, cases[i].name), value, &error);

      g_test_message ("%s = %s", cases[i].name, cases[i].value);
      g_assert_cmpint (fine, ==, cases[i].code == -1);
      if (!fine)
        {
          g_assert_error (error, ESP_SCHEMA_ERROR, cases[i].code);
          g_assert_nonnull (strstr (error->message, cases[i].name));
        }
    }
}

static void
test_typed_text (void)
{
  static const struct
  {
    const char *name, *text, *json; /* NULL = refused */
  } cases[] = {
    { "steps", "12", "12" },
    { "steps", "12x", NULL },
    { "steps", "", NULL },
    { "steps", " 12", NULL },
    { "guidance", "0.5", "0.5" },
    { "guidance", "nan", NULL },
    { "guidance", "1e999", NULL },
    { "tiled", "true", "true" },
    { "tiled", "yes", NULL },
    { "dtype", "f32", "\"f32\"" },
    { "dtype", "f64", NULL },
    { "prompt", "", "\"\"" },
    { "size", "64x64", "\"64x64\"" },
    { "steps", "99999999999999999999", NULL },
  };
  g_autoptr (EspSchema) schema = schema_from (good, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node
          = esp_parameter_parse (esp_schema_find (schema, cases[i].name), cases[i].text, &error);
      g_autofree char *json = node != NULL ? json_to_string (node, FALSE) : NULL;

      g_assert_cmpstr (json, ==, cases[i].json);
      g_assert_true ((error == NULL) == (node != NULL));
    }
}

static void
check_set (EspSchema *schema, const char *text, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  gboolean fine = esp_schema_check (schema, json_node_get_object (node), &error);

  if (code == -1)
    g_assert_no_error (error);
  else
    g_assert_error (error, ESP_SCHEMA_ERROR, code);
  g_assert_cmpint (fine, ==, code == -1);
}

static void
test_sets_and_defaults (void)
{
  g_autoptr (EspSchema) schema = schema_from (good, NULL);
  g_autoptr (JsonObject) defaults = esp_schema_dup_defaults (schema);

  check_set (schema, "{\"prompt\":\"x\"}", -1);
  check_set (schema, "{\"prompt\":\"x\",\"steps\":3}", -1);
  check_set (schema, "{\"steps\":3}", ESP_SCHEMA_ERROR_MISSING);
  check_set (schema, "{\"prompt\":\"x\",\"stepz\":3}", ESP_SCHEMA_ERROR_UNKNOWN);
  check_set (schema, "{\"prompt\":\"x\",\"steps\":0}", ESP_SCHEMA_ERROR_RANGE);

  g_assert_cmpuint (json_object_get_size (defaults), ==, 5);
  g_assert_cmpint (json_object_get_int_member (defaults, "steps"), ==, 8);
  g_assert_cmpstr (json_object_get_string_member (defaults, "size"), ==, "auto");
}

static void
test_json_text (void)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (JsonNode) node = NULL;

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "a", "q\"\\\n\x01\x7f ü", -1);
  esp_json_put_string (json, "n", "x\0y", 3);
  esp_json_put_string (json, "none", NULL, -1);
  esp_json_put_uint (json, "u", G_MAXUINT64);
  esp_json_open (json, "list", '[');
  esp_json_put_double (json, NULL, 2.5);
  esp_json_put_double (json, NULL, 0.1);
  esp_json_put_double (json, NULL, 1.0 / 3);
  esp_json_put_bool (json, NULL, TRUE);
  esp_json_open (json, NULL, '{');
  esp_json_close (json, '}');
  esp_json_put_raw (json, NULL, "[1]");
  esp_json_close (json, ']');
  esp_json_close (json, '}');

  g_assert_cmpstr (json->str, ==,
                   "{\"a\":\"q\\\"\\\\\\n\\u0001\\u007f ü\",\"n\":\"x\\u0000y\",\"none\":null,"
                   "\"u\":18446744073709551615,"
                   "\"list\":[2.5,0.1,0.3333333333333333,true,{},[1]]}");
  node = json_from_string (json->str, NULL);
  g_assert_nonnull (node);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node), "a"), ==,
                   "q\"\\\n\x01\x7f ü");
}

static void
test_names_of_choices (void)
{
  g_assert_cmpstr (esp_parameter_get_choice_label ("cpu"), ==, "Processor");
  g_assert_cmpstr (esp_parameter_get_choice_label ("cuda:1"), ==, "Graphics card 1");
  g_assert_cmpstr (esp_parameter_get_choice_label ("bf16"), ==, "bf16");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/params/schema/reading", test_reading);
  g_test_add_func ("/params/schema/broken-schemas", test_broken_schemas);
  g_test_add_func ("/params/schema/values", test_values);
  g_test_add_func ("/params/schema/typed-text", test_typed_text);
  g_test_add_func ("/params/schema/sets-and-defaults", test_sets_and_defaults);
  g_test_add_func ("/params/schema/names-of-choices", test_names_of_choices);
  g_test_add_func ("/params/json-text", test_json_text);
  return g_test_run ();
}
