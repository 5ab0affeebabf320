/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values, times and prices in the words that people read. */
#include "esp-value-text.h"

#define assert_text(made, expected)                                                                \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *text_ = (made);                                                               \
    g_assert_cmpstr (text_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

static void
assert_value (const char *json, const char *expected)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);

  assert_text (esp_value_dup_text (node), expected);
}

static void
test_values (void)
{
  assert_value ("28", "28");
  assert_value ("2.50", "2.5");
  assert_value ("3.0", "3");
  assert_value ("0.1", "0.1");
  assert_value ("-7", "-7");
  assert_value ("true", "Yes");
  assert_value ("false", "No");
  assert_value ("\"auto\"", "Automatic");
  assert_value ("\"16:9\"", "16:9");
  assert_value ("null", "null");
  assert_value ("[1,2]", "[1,2]");
}

static void
test_durations (void)
{
  assert_text (esp_duration_format (0), "0.0 s");
  assert_text (esp_duration_format (3.24), "3.2 s");
  assert_text (esp_duration_format (125.9), "2 min 5 s");
  assert_text (esp_duration_format (4000), "66 min 40 s");
}

static void
test_costs (void)
{
  assert_text (esp_price_format (0.04, "USD"), "$0.04");
  assert_text (esp_price_format (0.0025, "EUR"), "€0.0025");
  assert_text (esp_price_format (0.025, "GBP"), "£0.025");
  assert_text (esp_price_format (12, "CHF"), "12.00 CHF");
  assert_text (esp_price_format (12, NULL), "12.00");
  assert_text (esp_cost_format (-1, "USD"), NULL);
  assert_text (esp_cost_format (0, NULL), "Free");
  assert_text (esp_cost_format (0.05, NULL), "$0.05");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/params/value-text/values", test_values);
  g_test_add_func ("/params/value-text/durations", test_durations);
  g_test_add_func ("/params/value-text/costs", test_costs);
  return g_test_run ();
}
