/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-loras.c: lists of LoRAs as text, as JSON, for people and in schemas. */
#include <glib.h>
#include <glib/gstdio.h>

#include "esp-loras.h"
#include "esp-schema.h"
#include "esp-value-text.h"

static void
check_split (const char *text, const char *path, double strength)
{
  g_autofree char *found = NULL;
  double number = 0;

  g_assert_true (esp_lora_split (text, &found, &number));
  g_assert_cmpstr (found, ==, path);
  g_assert_cmpfloat (number, ==, strength);
}

static void
test_split (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("espalier-loras-XXXXXX", &error);
  g_autofree char *odd = g_build_filename (folder, "a:2", NULL);
  g_autofree char *weak = g_strconcat (odd, ":0.5", NULL);
  g_autofree char *found = NULL;
  double number;

  g_assert_no_error (error);
  check_split ("/a/ink.safetensors", "/a/ink.safetensors", 1);
  check_split ("/a/ink.safetensors:0.8", "/a/ink.safetensors", 0.8);
  check_split ("/a/ink.safetensors:-1.5", "/a/ink.safetensors", -1.5);
  check_split ("/a/b:c.safetensors", "/a/b:c.safetensors", 1);
  check_split ("/a/b:c.safetensors:0", "/a/b:c.safetensors", 0);
  check_split ("/a/ink:0x2", "/a/ink:0x2", 1);
  check_split ("/a/ink:nan", "/a/ink:nan", 1);
  g_assert_false (esp_lora_split ("", &found, &number));

  /* A file that is called so is meant. */
  check_split (weak, odd, 0.5);
  g_assert_true (g_file_set_contents (odd, "x", 1, &error));
  check_split (odd, odd, 1);
  check_split (weak, odd, 0.5);
  g_unlink (odd);
  g_rmdir (folder);
}

/* As a command that makes the image again has them, one after the other. */
static char *
dup_text (JsonNode *value)
{
  JsonArray *array = json_node_get_array (value);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *one = esp_lora_dup_text (json_array_get_object_element (array, i));

      g_string_append_printf (text, "%s%s", i > 0 ? " || " : "", one);
    }
  return g_string_free (text, FALSE);
}

static void
test_texts (void)
{
  g_autoptr (JsonNode) loras = esp_loras_parse ("/a/ink.safetensors:0.5 || /b/paper.safetensors");
  g_autoptr (JsonNode) stronger = esp_loras_with_strength (loras, "ink", 2);
  g_autoptr (JsonNode) added = esp_loras_with_strength (NULL, "/c/oil.safetensors", 0.25);
  g_autoptr (JsonNode) unknown = esp_loras_with_strength (loras, "oil", 1);
  g_autoptr (JsonNode) public = esp_loras_dup_public (loras);
  g_autofree char *text = dup_text (loras);
  g_autofree char *stronger_text = dup_text (stronger);
  g_autofree char *added_text = dup_text (added);
  g_autofree char *public_text = dup_text (public);
  g_autofree char *shown = esp_value_dup_text (loras);

  g_assert_cmpstr (text, ==, "/a/ink.safetensors:0.5 || /b/paper.safetensors:1");
  g_assert_cmpstr (stronger_text, ==, "/a/ink.safetensors:2 || /b/paper.safetensors:1");
  g_assert_cmpstr (added_text, ==, "/c/oil.safetensors:0.25");
  g_assert_null (unknown);
  g_assert_cmpstr (public_text, ==, "ink.safetensors:0.5 || paper.safetensors:1");
  g_assert_cmpstr (shown, ==, "ink 0.5, paper 1");
  g_assert_cmpstr (esp_lora_axis_get_lora ("lora:ink"), ==, "ink");
  g_assert_null (esp_lora_axis_get_lora ("loras"));
  g_assert_null (esp_lora_axis_get_lora ("lora:"));
}

static void
check_value (const EspParameter *parameter, const char *text, gboolean allowed)
{
  g_autoptr (JsonNode) value = json_from_string (text, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (esp_parameter_check (parameter, value, &error) == allowed);
  g_assert_true ((error == NULL) == allowed);
}

static void
test_schema (void)
{
  g_autoptr (JsonNode) node = json_from_string (
      "{\"properties\":{\"loras\":{\"type\":\"array\",\"format\":\"loras\",\"minimum\":-2,"
      "\"maximum\":2}}}",
      NULL);
  g_autoptr (JsonNode) other
      = json_from_string ("{\"properties\":{\"x\":{\"type\":\"array\"}}}", NULL);
  g_autoptr (EspSchema) schema = esp_schema_new (node, NULL);
  g_autoptr (EspSchema) wrong = esp_schema_new (other, NULL);
  const EspParameter *parameter;

  g_assert_nonnull (schema);
  g_assert_null (wrong);
  parameter = esp_schema_find (schema, "loras");
  g_assert_cmpint (parameter->type, ==, ESP_PARAMETER_LORAS);
  check_value (parameter, "[]", TRUE);
  check_value (parameter, "[{\"path\":\"/a\"}]", TRUE);
  check_value (parameter, "[{\"path\":\"/a\",\"strength\":-2}]", TRUE);
  check_value (parameter, "[{\"path\":\"/a\",\"strength\":2.5}]", FALSE);
  check_value (parameter, "[{\"path\":\"/a\",\"strength\":\"1\"}]", FALSE);
  check_value (parameter, "[{\"path\":\"\"}]", FALSE);
  check_value (parameter, "[{}]", FALSE);
  check_value (parameter, "[1]", FALSE);
  check_value (parameter, "\"/a\"", FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/params/loras/split", test_split);
  g_test_add_func ("/params/loras/texts", test_texts);
  g_test_add_func ("/params/loras/schema", test_schema);

  return g_test_run ();
}
