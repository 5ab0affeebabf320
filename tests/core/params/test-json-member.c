/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-json-member.c: members that are missing or of another kind are as good as none. */
#include "esp-json-member.h"

static JsonObject *
parse (void)
{
  g_autoptr (JsonNode) node = json_from_string (
      "{\"text\":\"a\",\"whole\":7,\"half\":0.5,\"null\":null,\"list\":[1],\"object\":{\"x\":1}}",
      NULL);

  g_assert_nonnull (node);
  return json_object_ref (json_node_get_object (node));
}

static void
test_string (void)
{
  static const char *const others[] = { "whole", "half", "null", "list", "object", "missing" };
  g_autoptr (JsonObject) object = parse ();

  g_assert_cmpstr (esp_json_get_string (object, "text"), ==, "a");
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_null (esp_json_get_string (object, others[i]));
}

static void
test_number (void)
{
  static const char *const others[] = { "null", "list", "object", "missing" };
  g_autoptr (JsonObject) object = parse ();

  g_assert_cmpfloat (esp_json_get_number (object, "whole", -1), ==, 7);
  g_assert_cmpfloat (esp_json_get_number (object, "half", -1), ==, 0.5);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_cmpfloat (esp_json_get_number (object, others[i], -1), ==, -1);
}

static void
test_object (void)
{
  static const char *const others[] = { "text", "whole", "null", "list", "missing" };
  g_autoptr (JsonObject) object = parse ();

  g_assert_true (json_object_has_member (esp_json_get_object (object, "object"), "x"));
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_null (esp_json_get_object (object, others[i]));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-member/string", test_string);
  g_test_add_func ("/json-member/number", test_number);
  g_test_add_func ("/json-member/object", test_object);
  return g_test_run ();
}
