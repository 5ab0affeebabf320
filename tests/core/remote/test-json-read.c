/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-json-read.c: JSON of strangers, read with bounds and by the book. */
#include <math.h>
#include <string.h>

#include "esp-json-read.h"
#include "esp-provider.h"

static const char *const good[] = {
  "{}",
  "[]",
  " [ 1 , 2 ] ",
  "null",
  "true",
  "\"\"",
  "-0",
  "-0.5e+10",
  "1E5",
  "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83c\\udfa8\"",
  "{\"a\":{\"b\":[[]]}}",
  "\"\303\251\177\"",
};

static const char *const bad[] = {
  "",
  " ",
  "{",
  "[1,",
  "[1,]",
  "{\"a\":1,}",
  "{a:1}",
  "{'a':1}",
  "{\"a\" 1}",
  "{\"a\":}",
  "01",
  "1.",
  ".5",
  "+1",
  "1e",
  "0x10",
  "NaN",
  "Infinity",
  "-",
  "tru",
  "True",
  "\"a",
  "\"\\x41\"",
  "\"\\u12g4\"",
  "\"a\nb\"",
  "[] []",
  "// no\n{}",
  "/* no */ 1",
  "var a = 1",
  "\"\377\"",
  "<html>502 Bad Gateway</html>",
};

static void
test_read (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = esp_json_read (good[i], strlen (good[i]), &error);

      g_assert_no_error (error);
      g_assert_nonnull (node);
    }

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *shown = g_strescape (bad[i], NULL);

      g_test_message ("%s", shown);
      g_assert_null (esp_json_read (bad[i], strlen (bad[i]), &error));
      g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX);
      g_clear_error (&error);
      g_assert_null (esp_json_lines_new (bad[i], strlen (bad[i]), NULL, &error));
      g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX);
    }
}

static void
test_read_values (void)
{
  static const char text[] = "\357\273\277{\"a\":\"\\ud83c\\udfa8\",\"b\":\"x\\ud83cy\","
                             "\"a2\":1,\"a2\":2,\"c\":\"\\udfa8\"}";
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = esp_json_read (text, strlen (text), &error);
  JsonObject *object;

  g_assert_no_error (error);
  object = json_node_get_object (node);
  g_assert_cmpstr (json_object_get_string_member (object, "a"), ==, "\360\237\216\250");
  g_assert_cmpstr (json_object_get_string_member (object, "b"), ==, "x\357\277\275y");
  g_assert_cmpstr (json_object_get_string_member (object, "c"), ==, "\357\277\275");
  g_assert_cmpint (json_object_get_int_member (object, "a2"), ==, 2);
}

/* A text that ends without a NUL behind it. */
static void
test_no_terminator (void)
{
  g_autofree char *copy = g_memdup2 ("[12]", 4);
  g_autofree char *half = g_memdup2 ("[\"\\u00", 6);
  g_autoptr (JsonNode) node = esp_json_read (copy, 4, NULL);

  g_assert_nonnull (node);
  for (gsize length = 0; length <= 6; length++)
    g_assert_null (esp_json_read (half, length, NULL));
}

static void
test_deep (void)
{
  g_autofree char *open = g_strnfill (1 << 20, '[');
  g_autofree char *objects = NULL;
  GString *text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;

  g_assert_null (esp_json_read (open, strlen (open), &error));
  g_assert_nonnull (strstr (error->message, "too deeply"));
  g_assert_null (esp_json_lines_new (open, strlen (open), NULL, NULL));

  for (int i = 0; i < ESP_JSON_MAX_DEPTH; i++)
    g_string_append (text, "{\"a\":");
  g_string_append_c (text, '1');
  for (int i = 0; i < ESP_JSON_MAX_DEPTH; i++)
    g_string_append_c (text, '}');
  objects = g_string_free (text, FALSE);
  node = esp_json_read (objects, strlen (objects), NULL);
  g_assert_nonnull (node);
}

static void
test_lines (void)
{
  static const char text[] = "{\n"
                             "  \"id\": \"x\",\n"
                             "\n"
                             "  \"params\": [\n"
                             "    { \"id\": \"a\" }, { \"id\":\n"
                             "      \"b\",\n"
                             "      \"a/b~c\": 1 }\n"
                             "  ]\n"
                             "}\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (EspJsonLines) lines = esp_json_lines_new (text, strlen (text), NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (esp_json_lines_find (lines, ""), ==, 1);
  g_assert_cmpuint (esp_json_lines_find (lines, "/id"), ==, 2);
  g_assert_cmpuint (esp_json_lines_find (lines, "/params"), ==, 4);
  g_assert_cmpuint (esp_json_lines_find (lines, "/params/0"), ==, 5);
  g_assert_cmpuint (esp_json_lines_find (lines, "/params/1/id"), ==, 5);
  g_assert_cmpuint (esp_json_lines_find (lines, "/params/1/a~1b~0c"), ==, 7);
  g_assert_cmpuint (esp_json_lines_find (lines, "/params/1/missing"), ==, 5);
  g_assert_cmpuint (esp_json_lines_find (lines, "/missing/x"), ==, 1);
}

static void
test_lines_of_errors (void)
{
  static const struct
  {
    const char *text;
    guint line;
    const char *words;
  } cases[] = {
    { "{\n\"a\": 1,\n\"a\": 2\n}", 3, "column 1: this member is there twice" },
    { "{\n\"a\": 1\n\"b\": 2}", 3, "column 1: “,”" },
    { "{\n  \"a\": tru }", 2, "column 8: a value was expected" },
    { "{\n\n\"a\": \"b", 3, "breaks off" },
    { "{\"a\":\n\"\\ud800\"}", 2, "half of a character" },
    { "{\"a\":\n\"\\u0000\"}", 2, "\\u0000" },
    { "\n\n\"\377\"", 3, "UTF-8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      guint line = 0;

      g_assert_null (esp_json_lines_new (cases[i].text, strlen (cases[i].text), &line, &error));
      g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX);
      g_assert_cmpuint (line, ==, cases[i].line);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, cases[i].words));
    }
}

/* Long names in many places would make an index many times the file's size. */
static void
test_lines_bound (void)
{
  g_autofree char *name = g_strnfill (100000, 'n');
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  g_string_append_printf (text, "{\"%s\":[0", name);
  for (int i = 0; i < 100000; i++)
    g_string_append (text, ",0");
  g_string_append (text, "]}");

  g_assert_null (esp_json_lines_new (text->str, text->len, NULL, &error));
  g_assert_nonnull (strstr (error->message, "too much"));
}

static void
test_write (void)
{
  static const struct
  {
    double number;
    const char *text;
  } numbers[] = {
    { 0.1, "0.1" },       { 2.5, "2.5" },      { 1.0 / 3, "0.3333333333333333" },  { 3, "3" },
    { -0.025, "-0.025" }, { 1e300, "1e+300" }, { 123456789012.0, "123456789012" }, { -0.0, "0" },
  };
  static const char text[] = "{\"b\":[1,true,null,\"\\u00e9\\n\\\"\"],\"a\":{},\"n\":-5}";
  g_autoptr (JsonNode) node = esp_json_read (text, strlen (text), NULL);
  g_autofree char *written = esp_json_dup_text (node);

  g_assert_cmpstr (written, ==, "{\"b\":[1,true,null,\"é\\n\\\"\"],\"a\":{},\"n\":-5}");

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (JsonNode) number = json_node_init_double (json_node_alloc (), numbers[i].number);
      g_autofree char *digits = esp_json_dup_plain (number);

      g_assert_cmpstr (digits, ==, numbers[i].text);
      g_assert_cmpfloat (g_ascii_strtod (digits, NULL), ==, numbers[i].number);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/json-read/read", test_read);
  g_test_add_func ("/json-read/values", test_read_values);
  g_test_add_func ("/json-read/no-terminator", test_no_terminator);
  g_test_add_func ("/json-read/deep", test_deep);
  g_test_add_func ("/json-read/lines", test_lines);
  g_test_add_func ("/json-read/lines-of-errors", test_lines_of_errors);
  g_test_add_func ("/json-read/lines-bound", test_lines_bound);
  g_test_add_func ("/json-read/write", test_write);

  return g_test_run ();
}
