/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-price-text.c: money and time in a few characters. */
#include "esp-price-text.h"

#include <glib/gi18n-lib.h>
#include <math.h>

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

char *
esp_seconds_about_format (double seconds)
{
  if (!(seconds >= 0) || seconds > 1e6)
    return NULL;
  if (seconds < 55)
    {
      int rounded = MAX (5, (int) (ceil (seconds / 5) * 5));

      return g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "about %d s", "about %d s", (gulong) rounded), rounded);
    }
  if (seconds < 90 * 60)
    {
      int minutes = MAX (1, (int) lround (seconds / 60));

      return g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "about %d min", "about %d min", (gulong) minutes), minutes);
    }
  return g_strdup_printf (_ ("about %.1f h"), seconds / 3600);
}
