/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-template.c: descriptors with holes, and what is put into them. */
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

#include "esp-json-read.h"
#include "esp-template.h"

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = esp_json_read (text, strlen (text), &error);

  g_assert_no_error (error);
  return node;
}

static EspScope *
new_scope (void)
{
  EspScope *scope = esp_scope_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("PNG", 3);

  esp_scope_set_text (scope, "param.prompt", "make \"it\" {{secret.api_key}} & snow/50%");
  esp_scope_set_int (scope, "param.seed", 2147483647);
  esp_scope_set_node (scope, "param.guidance", parse ("0.1"));
  esp_scope_set_node (scope, "param.steps", parse ("28"));
  esp_scope_set_node (scope, "param.safety", parse ("false"));
  esp_scope_set_node (scope, "param.nothing", parse ("null"));
  esp_scope_set_text (scope, "job.id", "a/b~c ü?");
  esp_scope_set_text (scope, "job.url", "https://example.com/a/b?c=d&e=%20");
  esp_scope_set_text (scope, "config.model", "owner/a model");
  esp_scope_set_text (scope, "secret.api_key", "canary");
  esp_scope_set_bytes (scope, "image.bytes", bytes);

  return scope;
}

static char *
expand (EspScope *scope, const char *json, GError **error)
{
  g_autoptr (JsonNode) node = parse (json);
  g_autoptr (JsonNode) expanded = esp_template_expand (node, scope, error);

  return expanded != NULL ? esp_json_dup_text (expanded) : NULL;
}

static void
assert_expands (const char *json, const char *expected)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = expand (scope, json, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_refused (const char *json, EspTemplateError code)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = expand (scope, json, &error);

  g_assert_null (text);
  g_assert_error (error, ESP_TEMPLATE_ERROR, (int) code);
}

static void
test_types (void)
{
  assert_expands ("{\"a\":\"{{param.seed}}\"}", "{\"a\":2147483647}");
  assert_expands ("{\"a\":\"{{param.guidance}}\"}", "{\"a\":0.1}");
  assert_expands ("{\"a\":\"{{param.steps}}\"}", "{\"a\":28}");
  assert_expands ("{\"a\":\"{{param.safety}}\"}", "{\"a\":false}");
  assert_expands ("{\"a\":\"{{param.nothing}}\"}", "{\"a\":null}");
  assert_expands ("\"{{param.seed}}\"", "2147483647");
  assert_expands ("[1,2.5,true,null,\"x\",{}]", "[1,2.5,true,null,\"x\",{}]");
  assert_expands ("{\"size\":\"{{param.steps}}*{{param.seed}}\"}", "{\"size\":\"28*2147483647\"}");
  assert_expands ("\"{{param.safety}} {{param.guidance}}\"", "\"false 0.1\"");
}

static void
test_dropping (void)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (GError) error = NULL;

  assert_expands ("{\"a\":1,\"b\":\"{{param.unset}}\",\"c\":2}", "{\"a\":1,\"c\":2}");
  assert_expands ("[1,\"{{param.unset}}\",2]", "[1,2]");
  assert_expands ("{\"a\":{\"b\":[\"{{param.unset}}\"]}}", "{\"a\":{\"b\":[]}}");

  g_assert_null (expand (scope, "\"{{param.unset}}\"", &error));
  g_assert_no_error (error);

  assert_refused ("{\"a\":\"x{{param.unset}}\"}", ESP_TEMPLATE_ERROR_UNSET);
  assert_refused ("{\"a\":\"x{{param.nothing}}\"}", ESP_TEMPLATE_ERROR_UNSET);
  assert_refused ("{\"a{{param.unset}}\":1}", ESP_TEMPLATE_ERROR_UNSET);
}

/* What a person wrote is text, whatever it looks like. */
static void
test_values_are_no_templates (void)
{
  assert_expands ("{\"p\":\"{{param.prompt}}\"}",
                  "{\"p\":\"make \\\"it\\\" {{secret.api_key}} & snow/50%\"}");
  assert_expands ("{\"p\":\"<{{param.prompt}}>\"}",
                  "{\"p\":\"<make \\\"it\\\" {{secret.api_key}} & snow/50%>\"}");
}

static void
test_captured_json_is_no_template (void)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autofree char *text = NULL;

  esp_scope_set_node (scope, "job.put_headers",
                      parse ("{\"x-steal\":\"{{param.seed}}\",\"{{job.id}}\":\"1\"}"));
  text = expand (scope, "[\"{{job.put_headers}}\"]", NULL);
  g_assert_cmpstr (text, ==, "[{\"x-steal\":\"{{param.seed}}\",\"{{job.id}}\":\"1\"}]");
}

static void
test_secret (void)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autofree char *header = NULL;

  header = esp_template_expand_text ("Bearer {{secret.api_key}}", scope, ESP_TEMPLATE_PLAIN, NULL);
  g_assert_cmpstr (header, ==, "Bearer canary");

  assert_refused ("{\"a\":\"{{secret.api_key}}\"}", ESP_TEMPLATE_ERROR_SYNTAX);
  assert_refused ("{\"a\":\"x {{secret.api_key}}\"}", ESP_TEMPLATE_ERROR_SYNTAX);
  assert_refused ("{\"{{secret.api_key}}\":1}", ESP_TEMPLATE_ERROR_SYNTAX);
}

static void
test_graph (void)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  esp_scope_set_node (
      scope, "config.graph",
      parse ("{\"7\":{\"inputs\":{\"text\":\"{{param.prompt}}\",\"seed\":\"{{param.seed}}\","
             "\"clip\":[\"2\",0],\"none\":\"{{param.unset}}\"}},"
             "\"9\":[\"{{config.model}}\"]}"));
  text = expand (scope, "{\"prompt\":\"{{config.graph}}\"}", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==,
                   "{\"prompt\":{\"7\":{\"inputs\":{\"text\":\"make \\\"it\\\" "
                   "{{secret.api_key}} & snow/50%\",\"seed\":2147483647,\"clip\":[\"2\",0]}},"
                   "\"9\":[\"owner/a model\"]}}");

  esp_scope_set_node (scope, "config.graph", parse ("{\"a\":[\"{{secret.api_key}}\"]}"));
  g_assert_null (expand (scope, "\"{{config.graph}}\"", &error));
  g_assert_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX);
}

static void
test_recursion (void)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (GError) error = NULL;

  esp_scope_set_node (scope, "config.a", parse ("{\"x\":\"{{config.b}}\"}"));
  esp_scope_set_node (scope, "config.b", parse ("[\"{{config.a}}\"]"));
  g_assert_null (expand (scope, "\"{{config.a}}\"", &error));
  g_assert_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX);
  g_clear_error (&error);

  /* Each ten times the next: not deep, but very wide. */
  for (int c = 'a'; c <= 'h'; c++)
    {
      g_autofree char *name = g_strdup_printf ("config.%c", c);
      g_autoptr (GString) wide = g_string_new ("[0");

      for (int i = 0; i < 10; i++)
        g_string_append_printf (wide, ",\"{{config.%c}}\"", c + 1);
      g_string_append_c (wide, ']');
      esp_scope_set_node (scope, name, parse (wide->str));
    }
  esp_scope_set_node (scope, "config.i", parse ("[1]"));
  g_assert_null (expand (scope, "\"{{config.a}}\"", &error));
  g_assert_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX);
}

static void
test_bytes (void)
{
  g_autoptr (EspScope) scope = new_scope ();

  assert_refused ("{\"a\":\"{{image.bytes}}\"}", ESP_TEMPLATE_ERROR_SYNTAX);
  g_assert_cmpuint (g_bytes_get_size (esp_scope_get_bytes (scope, "image.bytes")), ==, 3);
  g_assert_null (esp_scope_get_bytes (scope, "image2.bytes"));
  esp_scope_set_bytes (scope, "image.bytes", NULL);
  g_assert_null (esp_scope_get_bytes (scope, "image.bytes"));
  assert_expands ("{\"a\":\"{{image2.bytes}}\"}", "{}");
}

static void
test_syntax (void)
{
  static const char *const bad[] = { "\"{{\"",
                                     "\"{{param.seed\"",
                                     "\"{{}}\"",
                                     "\"{{seed}}\"",
                                     "\"{{param.}}\"",
                                     "\"{{.seed}}\"",
                                     "\"{{ param.x }}\"",
                                     "\"{{param..x}}\"",
                                     "\"{{param.x y}}\"",
                                     "\"a {{param.é}}\"",
                                     "{\"{{x}}\":1}",
                                     "\"{{{param.seed}}}\"" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (bad[i], ESP_TEMPLATE_ERROR_SYNTAX);

  assert_expands ("\"} }} {\"", "\"} }} {\"");
}

static void
assert_text (const char *text, EspTemplateEscape escape, const char *expected)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (GError) error = NULL;
  g_autofree char *expanded = esp_template_expand_text (text, scope, escape, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (expanded, ==, expected);
}

static void
test_text (void)
{
  assert_text ("", ESP_TEMPLATE_PLAIN, "");
  assert_text ("plain", ESP_TEMPLATE_URL, "plain");
  assert_text ("{{job.id}}", ESP_TEMPLATE_PLAIN, "a/b~c ü?");
  assert_text ("status/{{job.id}}", ESP_TEMPLATE_URL, "status/a%2Fb~c%20%C3%BC%3F");
  assert_text ("{{job.url}}", ESP_TEMPLATE_URL, "https://example.com/a/b?c=d&e=%20");
  assert_text ("{{job.url}}/stream", ESP_TEMPLATE_URL,
               "https%3A%2F%2Fexample.com%2Fa%2Fb%3Fc%3Dd%26e%3D%2520/stream");
  assert_text ("v1/models/{{config.model}}/runs", ESP_TEMPLATE_URL,
               "v1/models/owner/a%20model/runs");
  assert_text ("/{{job.id}}/status", ESP_TEMPLATE_POINTER, "/a~1b~0c ü?/status");
  assert_text ("{{param.seed}}/{{param.guidance}}/{{param.safety}}", ESP_TEMPLATE_PLAIN,
               "2147483647/0.1/false");
}

static void
test_text_refused (void)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_template_expand_text ("{{param.unset}}", scope, ESP_TEMPLATE_PLAIN, &error));
  g_assert_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_UNSET);
  g_clear_error (&error);
  g_assert_null (esp_template_expand_text ("a{{b", scope, ESP_TEMPLATE_URL, &error));
  g_assert_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX);
}

static void
test_only_name (void)
{
  static const struct
  {
    const char *text, *name;
  } cases[] = {
    { "{{param.seed}}", "param.seed" },
    { "{{a.b.c}}", "a.b.c" },
    { " {{param.seed}}", NULL },
    { "{{param.seed}} ", NULL },
    { "{{param.seed}}{{param.seed}}", NULL },
    { "param.seed", NULL },
    { "{{seed}}", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = esp_template_dup_only_name (cases[i].text);

      g_assert_cmpstr (name, ==, cases[i].name);
    }
}

static void
test_names (void)
{
  g_autoptr (JsonNode) node = parse ("{\"{{config.field}}\":[\"{{image.bytes}}\",3,"
                                     "{\"a\":\"x{{param.a}}y{{param.b}}\"}],\"b\":null}");
  g_autoptr (JsonNode) broken = parse ("[\"{{a.b}} {{\"]");
  g_autoptr (GPtrArray) names = esp_template_dup_names (node, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (names->len, ==, 4);
  g_assert_cmpstr (g_ptr_array_index (names, 0), ==, "config.field");
  g_assert_cmpstr (g_ptr_array_index (names, 1), ==, "image.bytes");
  g_assert_cmpstr (g_ptr_array_index (names, 2), ==, "param.a");
  g_assert_cmpstr (g_ptr_array_index (names, 3), ==, "param.b");

  g_assert_null (esp_template_dup_names (broken, &error));
  g_assert_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX);
}

static void
test_scope_copy (void)
{
  g_autoptr (EspScope) scope = new_scope ();
  g_autoptr (EspScope) copy = esp_scope_copy (scope);

  esp_scope_set_text (copy, "param.prompt", NULL);
  esp_scope_set_text (copy, "item.filename", "x");
  g_assert_nonnull (esp_scope_get (scope, "param.prompt"));
  g_assert_null (esp_scope_get (scope, "item.filename"));
  g_assert_null (esp_scope_get (copy, "param.prompt"));
  g_assert_true (esp_scope_get (copy, "param.seed") == esp_scope_get (scope, "param.seed"));
  g_assert_nonnull (esp_scope_get_bytes (copy, "image.bytes"));
}

/* A locale with a decimal comma, made where none is installed. */
static gboolean
take_comma_locale (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "de_DE.UTF-8", NULL);
  const char *arguments[] = { "localedef", "-i", "de_DE", "-f", "UTF-8", path, NULL };

  if (setlocale (LC_NUMERIC, "de_DE.UTF-8") != NULL)
    return TRUE;

  if (!g_spawn_sync (NULL, (char **) arguments, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, NULL, NULL, NULL, NULL))
    return FALSE;

  g_setenv ("LOCPATH", folder, TRUE);
  return setlocale (LC_NUMERIC, "de_DE.UTF-8") != NULL;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }

  g_remove (path);
}

/* Numbers are written with a point where the person's language has a comma. */
static void
test_locale (void)
{
  g_autofree char *before = g_strdup (setlocale (LC_NUMERIC, NULL));
  g_autofree char *folder = g_dir_make_tmp ("espalier-locale-XXXXXX", NULL);
  g_autofree char *comma = NULL;

  if (take_comma_locale (folder))
    {
      comma = g_strdup_printf ("%.1f", 0.5);
      g_assert_cmpstr (comma, ==, "0,5");
      assert_expands ("{\"a\":\"{{param.guidance}}\",\"b\":2.5}", "{\"a\":0.1,\"b\":2.5}");
      assert_text ("{{param.guidance}}", ESP_TEMPLATE_PLAIN, "0.1");
      setlocale (LC_NUMERIC, before);
    }
  else
    {
      g_test_skip ("no locale with a decimal comma is installed");
    }

  g_unsetenv ("LOCPATH");
  remove_tree (folder);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/template/types", test_types);
  g_test_add_func ("/template/dropping", test_dropping);
  g_test_add_func ("/template/values-are-no-templates", test_values_are_no_templates);
  g_test_add_func ("/template/captured-json-is-no-template", test_captured_json_is_no_template);
  g_test_add_func ("/template/secret", test_secret);
  g_test_add_func ("/template/graph", test_graph);
  g_test_add_func ("/template/recursion", test_recursion);
  g_test_add_func ("/template/bytes", test_bytes);
  g_test_add_func ("/template/syntax", test_syntax);
  g_test_add_func ("/template/text", test_text);
  g_test_add_func ("/template/text-refused", test_text_refused);
  g_test_add_func ("/template/only-name", test_only_name);
  g_test_add_func ("/template/names", test_names);
  g_test_add_func ("/template/scope-copy", test_scope_copy);
  g_test_add_func ("/template/locale", test_locale);

  return g_test_run ();
}
