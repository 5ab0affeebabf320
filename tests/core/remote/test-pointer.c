/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-pointer.c: where in a JSON answer something stands, and what is said there. */
#include <locale.h>
#include <string.h>

#include "esp-json-read.h"
#include "esp-pointer.h"
#include "esp-provider.h"

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = esp_json_read (text, strlen (text), &error);

  g_assert_no_error (error);
  return node;
}

/* The hits of a pointer as one JSON text each, joined by " ". */
static char *
hits (const char *pointer, const char *text)
{
  g_autoptr (JsonNode) root = parse (text);
  g_autoptr (GPtrArray) found = esp_pointer_find_all (pointer, root);
  GString *all = g_string_new (NULL);

  for (guint i = 0; i < found->len; i++)
    {
      g_autofree char *one = esp_json_dup_text (g_ptr_array_index (found, i));

      g_string_append_printf (all, "%s%s", i > 0 ? " " : "", one);
    }

  return g_string_free (all, FALSE);
}

static void
assert_hits (const char *pointer, const char *text, const char *expected)
{
  g_autofree char *found = hits (pointer, text);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_check (void)
{
  static const char *const good[]
      = { "", "/", "/a", "/a/0/b", "/a~0b", "/a~1b", "/*", "//", "/{{job.id}}/x", "/~01" };
  static const char *const bad[] = { "a", "a/b", "#/a", "/~", "/a~2", "/a/~x", "~0", " /a" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (esp_pointer_check (good[i], NULL));

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (esp_pointer_check (bad[i], &error));
      g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, bad[i]));
    }
}

/* RFC 6901, section 5. */
static void
test_rfc (void)
{
  static const char text[]
      = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
        "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";
  static const struct
  {
    const char *pointer, *value;
  } examples[] = {
    { "/foo", "[\"bar\",\"baz\"]" },
    { "/foo/0", "\"bar\"" },
    { "/", "0" },
    { "/a~1b", "1" },
    { "/c%d", "2" },
    { "/e^f", "3" },
    { "/g|h", "4" },
    { "/i\\j", "5" },
    { "/k\"l", "6" },
    { "/ ", "7" },
    { "/m~0n", "8" },
  };
  g_autofree char *whole = hits ("", text);

  g_assert_true (g_str_has_prefix (whole, "{\"foo\":"));
  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    assert_hits (examples[i].pointer, text, examples[i].value);
}

static void
test_nothing (void)
{
  assert_hits ("/b", "{\"a\":1}", "");
  assert_hits ("/a", "{\"a\":null}", "");
  assert_hits ("", "null", "");
  assert_hits ("/a/b", "{\"a\":1}", "");
  assert_hits ("/a/b", "{\"a\":\"b\"}", "");
  assert_hits ("a", "{\"a\":1}", "");
  /* Indices: no signs, no leading zeros, no end-of-array mark, no overflow. */
  assert_hits ("/2", "[1,2]", "");
  assert_hits ("/-", "[1,2]", "");
  assert_hits ("/-1", "[1,2]", "");
  assert_hits ("/+1", "[1,2]", "");
  assert_hits ("/01", "[1,2]", "");
  assert_hits ("/4294967296", "[1,2]", "");
  assert_hits ("/18446744073709551616", "[1,2]", "");
  assert_hits ("/0", "{\"0\":\"a member\"}", "\"a member\"");
  /* "~01" is "~1", not "/". */
  assert_hits ("/~01", "{\"~1\":1,\"/\":2}", "1");

  {
    g_autoptr (GPtrArray) none = esp_pointer_find_all ("/a", NULL);

    g_assert_cmpuint (none->len, ==, 0);
  }
}

static void
test_star (void)
{
  static const char text[] = "{\"images\":[{\"url\":\"a\"},{\"b64\":\"x\"},{\"url\":\"c\"},"
                             "{\"url\":null}]}";

  assert_hits ("/images/*/url", text, "\"a\" \"c\"");
  assert_hits ("/*/*/url", text, "\"a\" \"c\"");
  assert_hits ("/*", "{\"b\":1,\"a\":2,\"c\":null}", "1 2");
  assert_hits ("/*/*", "[[1,2],{\"z\":3,\"y\":4},5]", "1 2 3 4");
  assert_hits ("/*", "[]", "");
  assert_hits ("/*", "7", "");
  assert_hits ("/outputs/*/images/*/filename",
               "{\"outputs\":{\"13\":{\"images\":[{\"filename\":\"a\"},{\"filename\":\"b\"}]},"
               "\"9\":{\"text\":[1]},\"20\":{\"images\":[{\"filename\":\"c\"}]}}}",
               "\"a\" \"b\" \"c\"");

  /* Names that are all numbers are in their order; others as they come. */
  assert_hits ("/*", "{\"10:2\":5,\"10\":3,\"9\":2,\"10:1\":4,\"1\":1,\"10:1:7\":6}",
               "1 2 3 4 6 5");
  assert_hits ("/*", "{\"10\":1,\"9\":2,\"x\":3}", "1 2 3");
}

/* Many stars in a wide answer do not multiply without end. */
static void
test_star_bound (void)
{
  g_autoptr (GString) text = g_string_new ("[");
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GPtrArray) found = NULL;

  for (int i = 0; i < 300; i++)
    {
      g_string_append (text, i > 0 ? ",[0" : "[0");
      for (int j = 0; j < 299; j++)
        g_string_append (text, ",0");
      g_string_append_c (text, ']');
    }
  g_string_append_c (text, ']');

  root = parse (text->str);
  found = esp_pointer_find_all ("/*/*", root);
  g_assert_cmpuint (found->len, ==, 10000);
}

static void
test_find (void)
{
  g_autoptr (JsonNode) root = parse ("{\"a\":null,\"b\":[],\"c\":[{\"d\":5}],\"e\":6}");
  static const char *const first[] = { "/a", "/b/0", "/c/*/d", "/e", NULL };
  static const char *const none[] = { "/a", "/x", NULL };

  g_assert_cmpint (json_node_get_int (esp_pointer_find (first, root)), ==, 5);
  g_assert_null (esp_pointer_find (none, root));
  g_assert_null (esp_pointer_find (NULL, root));
  g_assert_null (esp_pointer_find (first, NULL));
}

static void
assert_text (const char *json, const char *expected)
{
  static const char *const at[] = { "/a", "/b", NULL };
  g_autoptr (JsonNode) root = parse (json);
  g_autofree char *text = esp_pointer_dup_text (at, root);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_text (void)
{
  assert_text ("{\"a\":\"words\"}", "words");
  assert_text ("{\"a\":\"\"}", "");
  assert_text ("{\"a\":null,\"b\":\"second\"}", "second");
  assert_text ("{\"a\":0.04}", "0.04");
  assert_text ("{\"a\":0.1}", "0.1");
  assert_text ("{\"a\":3.0}", "3");
  assert_text ("{\"a\":1e3}", "1000");
  assert_text ("{\"a\":-7}", "-7");
  assert_text ("{\"a\":9007199254740993}", "9007199254740993");
  assert_text ("{\"a\":true}", "true");
  assert_text ("{\"a\":false}", "false");
  assert_text ("{\"a\":[1]}", NULL);
  assert_text ("{\"a\":{}}", NULL);
  assert_text ("{\"c\":1}", NULL);
}

static void
assert_number (const char *json, gboolean is_number, double expected)
{
  static const char *const at[] = { "/a", "/b", NULL };
  g_autoptr (JsonNode) root = parse (json);
  double number = -1;

  g_assert_true (esp_pointer_get_number (at, root, &number) == is_number);
  g_assert_cmpfloat (number, ==, is_number ? expected : -1);
}

static void
test_number (void)
{
  assert_number ("{\"a\":0.025}", TRUE, 0.025);
  assert_number ("{\"a\":12}", TRUE, 12);
  assert_number ("{\"a\":\"0.04\"}", TRUE, 0.04);
  assert_number ("{\"a\":\"1e-3\"}", TRUE, 0.001);
  assert_number ("{\"b\":\"-2\"}", TRUE, -2);
  assert_number ("{\"a\":\"\"}", FALSE, 0);
  assert_number ("{\"a\":\"4 cents\"}", FALSE, 0);
  assert_number ("{\"a\":\" 4\"}", FALSE, 0);
  assert_number ("{\"a\":\"0x10\"}", FALSE, 0);
  assert_number ("{\"a\":\"nan\"}", FALSE, 0);
  assert_number ("{\"a\":\"inf\"}", FALSE, 0);
  assert_number ("{\"a\":\"1e999\"}", FALSE, 0);
  assert_number ("{\"a\":1e999}", FALSE, 0);
  assert_number ("{\"a\":true}", FALSE, 0);
  assert_number ("{\"a\":[1]}", FALSE, 0);
}

static void
assert_message (const char *json, const char *expected)
{
  static const char *const at[] = { "/error", "/detail", "/detail/*/msg", "/message", NULL };
  g_autoptr (JsonNode) root = parse (json);
  g_autofree char *text = esp_pointer_dup_message (at, root);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_message (void)
{
  assert_message ("{\"error\":\"Out of credit\"}", "Out of credit");
  assert_message ("{\"error\":\"\",\"message\":\"later\"}", "later");
  assert_message ("{\"error\":null,\"message\":\"later\"}", "later");
  assert_message ("{\"error\":false,\"message\":\"later\"}", "later");
  assert_message ("{\"error\":{},\"message\":\"later\"}", "later");
  assert_message ("{\"error\":[],\"message\":\"later\"}", "later");
  assert_message ("{\"error\":{\"message\":\"no such model\",\"code\":5}}", "no such model");
  assert_message ("{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"},"
                  "{\"msg\":\"too large\"}]}",
                  "field required; too large");
  assert_message ("{\"detail\":[\"one\",\"two\"]}", "one; two");
  assert_message ("{\"detail\":[{\"detail\":\"x\"},{\"message\":\"y\"}]}", "x; y");
  assert_message ("{\"error\":{\"code\":17}}", "{\"code\":17}");
  assert_message ("{\"error\":42}", "42");
  assert_message ("{\"ok\":1}", NULL);
  assert_message ("{\"error\":\"  \\n\\t \"}", NULL);
  assert_message ("{\"error\":\"a\\n\\n  b\\tc\"}", "a b c");
}

static void
assert_clean (const char *text, const char *expected)
{
  g_autofree char *clean = esp_foreign_text_dup_clean (text, -1);

  g_assert_cmpstr (clean, ==, expected);
}

static void
test_clean (void)
{
  g_autofree char *zero = esp_foreign_text_dup_clean ("a\0b", 3);

  g_assert_cmpstr (zero, ==, "ab");
  assert_clean ("", "");
  assert_clean ("plain", "plain");
  assert_clean ("  two \r\n lines  ", "two lines");
  assert_clean ("\033[31mred\033[0m alert", "red alert");
  assert_clean ("\033]0;title\atext", "text");
  assert_clean ("\033]0;title\033\\text", "text");
  assert_clean ("open \033[31", "open [31");
  assert_clean ("\033", "");
  assert_clean ("bell\a back\b del\177", "bell back del");
  assert_clean ("c1 \302\233 31m", "c1 31m");
  assert_clean ("left \342\200\256thgir", "left thgir");
  assert_clean ("nbsp\302\240here", "nbsp here");
  assert_clean ("line\342\200\250sep", "line sep");
  assert_clean ("broken \377 byte", "broken \357\277\275 byte");
  assert_clean ("Gr\303\274\303\237e", "Gr\303\274\303\237e");
}

static void
test_clean_long (void)
{
  g_autofree char *many = g_strnfill (100000, 'x');
  g_autofree char *clean = esp_foreign_text_dup_clean (many, -1);
  g_autoptr (GString) wide = g_string_new (NULL);
  g_autofree char *clean_wide = NULL;

  g_assert_cmpint (g_utf8_strlen (clean, -1), ==, 500);
  g_assert_true (g_str_has_suffix (clean, "x…"));

  many[500] = '\0';
  g_free (clean);
  clean = esp_foreign_text_dup_clean (many, -1);
  g_assert_cmpint (g_utf8_strlen (clean, -1), ==, 500);

  many[499] = '\0';
  g_free (clean);
  clean = esp_foreign_text_dup_clean (many, -1);
  g_assert_cmpstr (clean, ==, many);

  for (int i = 0; i < 1000; i++)
    g_string_append (wide, "\360\237\216\250 ");
  clean_wide = esp_foreign_text_dup_clean (wide->str, -1);
  g_assert_cmpint (g_utf8_strlen (clean_wide, -1), <=, 500);
  g_assert_true (g_utf8_validate (clean_wide, -1, NULL));
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pointer/check", test_check);
  g_test_add_func ("/pointer/rfc6901", test_rfc);
  g_test_add_func ("/pointer/nothing", test_nothing);
  g_test_add_func ("/pointer/star", test_star);
  g_test_add_func ("/pointer/star-bound", test_star_bound);
  g_test_add_func ("/pointer/find", test_find);
  g_test_add_func ("/pointer/text", test_text);
  g_test_add_func ("/pointer/number", test_number);
  g_test_add_func ("/pointer/message", test_message);
  g_test_add_func ("/pointer/clean", test_clean);
  g_test_add_func ("/pointer/clean-long", test_clean_long);

  return g_test_run ();
}
