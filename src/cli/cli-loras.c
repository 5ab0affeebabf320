/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-loras.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <math.h>
#include <unistd.h>

#include "cli-options.h"
#include "cli-report.h"
#include "esp-backend.h"
#include "esp-loras.h"

int
cli_loras_check (char **loras)
{
  guint count = 0;

  for (char **lora = loras; lora != NULL && *lora != NULL; lora++, count++)
    {
      g_autofree char *path = NULL;
      double strength;

      /* It goes to the worker as text. */
      if (!cli_option_utf8 ("--lora", *lora))
        return CLI_EXIT_USAGE;
      if (!esp_lora_split (*lora, &path, &strength))
        return cli_usage (_ ("--lora: expected FILE or FILE:STRENGTH, found “%s”"), *lora);
      if (fabs (strength) > ESP_LORAS_MAX_STRENGTH)
        return cli_usage (_ ("--lora: %s: the strength is a number from %g to %g"), path,
                          -ESP_LORAS_MAX_STRENGTH, ESP_LORAS_MAX_STRENGTH);
      if (g_access (path, R_OK) != 0)
        return cli_fail ("--lora: %s: %s", path, g_strerror (errno));
    }
  if (count > ESP_LORAS_MAX_COUNT)
    return cli_usage (_ ("--lora: %u are given; at most %d are taken"), count, ESP_LORAS_MAX_COUNT);
  return CLI_EXIT_OK;
}

void
cli_loras_set (char **loras, gboolean partial, JsonObject *parameters)
{
  JsonArray *array;

  if (partial)
    json_object_set_boolean_member (parameters, "lora_partial", TRUE);
  if (loras == NULL || *loras == NULL)
    return;
  array = json_array_new ();
  for (char **lora = loras; *lora != NULL; lora++)
    {
      g_autofree char *path = NULL;
      double strength;

      if (esp_lora_split (*lora, &path, &strength))
        json_array_add_object_element (array, esp_lora_new (path, strength));
    }
  json_object_set_array_member (parameters, "loras", array);
}

int
cli_loras_set_for (char **loras, gboolean partial, GPtrArray *models, JsonObject *parameters)
{
  gboolean takes = FALSE;

  if ((loras == NULL || *loras == NULL) && !partial)
    return CLI_EXIT_OK;
  for (guint i = 0; i < models->len; i++)
    {
      EspSchema *schema = esp_model_get_schema (models->pdata[i]);

      takes = takes || (schema != NULL && esp_schema_find (schema, "loras") != NULL);
    }
  if (!takes)
    return cli_usage (_ ("--lora: “%s” takes no LoRAs"), esp_model_get_name (models->pdata[0]));
  cli_loras_set (loras, partial, parameters);
  return CLI_EXIT_OK;
}
