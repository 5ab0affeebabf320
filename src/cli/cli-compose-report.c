/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-compose-report.h"

#include <glib/gi18n.h>

#include "esp-json-text.h"

static void
put_numbers (GString *json, const char *key, const double *numbers, int n)
{
  esp_json_open (json, key, '[');
  for (int i = 0; i < n; i++)
    esp_json_put_double (json, NULL, numbers[i]);
  esp_json_close (json, ']');
}

void
cli_compose_put (GString *json, const EspComposition *composition)
{
  const EspRegistration *registration = &composition->registration;
  const double shift[2] = { registration->shift_x, registration->shift_y };

  esp_json_put_bool (json, "global", composition->global);
  put_numbers (json, "shift", shift, 2);
  esp_json_put_double (json, "scale", registration->scale);
  put_numbers (json, "colour_offset", registration->tint, 3);
  put_numbers (json, "colour_gain", registration->gain, 3);
  esp_json_put_bool (json, "certain", registration->certain);
  esp_json_put_double (json, "changed_fraction", composition->changed);
  if (composition->problem != NULL)
    esp_json_put_string (json, "problem", composition->problem, -1);
}

char *
cli_compose_describe (const EspComposition *composition)
{
  const EspRegistration *registration = &composition->registration;

  if (composition->problem != NULL)
    return g_strdup (composition->problem);
  if (composition->region != NULL && (composition->global || composition->keep == ESP_KEEP_OFF))
    return g_strdup_printf (_ ("the region as a whole is taken, %.1f %% of the picture"),
                            100 * composition->changed);
  if (composition->global)
    return g_strdup (_ ("the picture as a whole changed, all of the result is taken"));
  /* Translators: how much of a picture is the result's, and how the result lay on it. */
  return g_strdup_printf (_ ("%.1f %% changed; the result was moved by %.2f, %.2f px and scaled by "
                             "%.4f"),
                          100 * composition->changed, registration->shift_x, registration->shift_y,
                          registration->scale);
}
