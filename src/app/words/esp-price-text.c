/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-price-text.c: money and time to come in a few characters. */
#include "esp-price-text.h"

#include <glib/gi18n-lib.h>
#include <math.h>

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
