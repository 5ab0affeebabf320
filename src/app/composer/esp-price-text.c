/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-price-text.c: money and time in a few characters. */
#include "esp-price-text.h"

#include <glib/gi18n-lib.h>
#include <math.h>

char *
esp_price_format (double price, const char *currency)
{
  static const struct
  {
    const char *code;
    const char *sign;
  } signs[] = { { "USD", "$" }, { "EUR", "€" }, { "GBP", "£" } };
  /* Prices below a cent are common. */
  int digits = price > 0 && price < 0.01 ? 4 : 2;

  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    if (g_strcmp0 (signs[i].code, currency) == 0)
      return g_strdup_printf ("%s%.*f", signs[i].sign, digits, price);

  if (currency == NULL)
    return g_strdup_printf ("%.*f", digits, price);

  return g_strdup_printf ("%.*f %s", digits, price, currency);
}

char *
esp_seconds_left_format (double seconds)
{
  if (seconds < 90)
    /* Translators: seconds until a turn is done. */
    return g_strdup_printf (_ ("%d s left"), (int) ceil (MAX (seconds, 0)));
  if (seconds < 90 * 60)
    /* Translators: minutes until a turn is done. */
    return g_strdup_printf (_ ("%d min left"), (int) round (seconds / 60));

  /* Translators: hours until a turn is done. */
  return g_strdup_printf (_ ("%d h left"), (int) round (seconds / 3600));
}
