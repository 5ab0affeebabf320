/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-value-text.c: values, money and time as people read them. */
#define G_LOG_DOMAIN "esp-params"

#include "esp-value-text.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-loras.h"
#include "esp-parameter-names.h"

char *
esp_value_dup_text (JsonNode *value)
{
  GType type;

  g_return_val_if_fail (value != NULL, NULL);

  type = JSON_NODE_HOLDS_VALUE (value) ? json_node_get_value_type (value) : G_TYPE_NONE;
  if (type == G_TYPE_STRING)
    return g_strdup (esp_parameter_get_choice_label (json_node_get_string (value)));
  if (type == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (value) ? C_ ("value", "Yes") : C_ ("value", "No"));
  if (type == G_TYPE_DOUBLE)
    return g_strdup_printf ("%g", json_node_get_double (value));
  if (esp_loras_check (value, -HUGE_VAL, HUGE_VAL, NULL))
    {
      char *summary = esp_loras_dup_summary (value);

      return summary != NULL ? summary : g_strdup (C_ ("LoRAs", "None"));
    }
  return json_to_string (value, FALSE);
}

char *
esp_duration_format (double seconds)
{
  if (seconds < 60)
    /* Translators: how long something took */
    return g_strdup_printf (C_ ("duration", "%.1f s"), seconds);
  /* Translators: minutes and seconds */
  return g_strdup_printf (C_ ("duration", "%d min %d s"), (int) (seconds / 60), (int) seconds % 60);
}

/* Parts of a cent are common, and add up: two digits, or up to four where they say something. */
static int
get_digits (double price)
{
  const long parts = lround (price * 10000);

  return parts % 100 == 0 ? 2 : parts % 10 == 0 ? 3 : 4;
}

char *
esp_price_format (double price, const char *currency)
{
  static const struct
  {
    const char *code;
    const char *sign;
  } signs[] = { { "USD", "$" }, { "EUR", "€" }, { "GBP", "£" } };
  const int digits = get_digits (price);

  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    if (g_strcmp0 (signs[i].code, currency) == 0)
      return g_strdup_printf ("%s%.*f", signs[i].sign, digits, price);

  if (currency == NULL)
    return g_strdup_printf ("%.*f", digits, price);

  return g_strdup_printf ("%.*f %s", digits, price, currency);
}

char *
esp_cost_format (double cost, const char *currency)
{
  if (cost < 0)
    return NULL;
  if (cost == 0)
    return g_strdup (_ ("Free"));
  return esp_price_format (cost, currency != NULL ? currency : "USD");
}
