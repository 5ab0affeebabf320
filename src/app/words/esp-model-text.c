/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-text.c: see esp-model-text.h. */
#include "esp-model-text.h"

#include <glib/gi18n-lib.h>

char *
esp_model_dup_title (EspModel *model)
{
  EspBackend *backend;

  g_return_val_if_fail (ESP_IS_MODEL (model), NULL);

  backend = esp_model_get_backend (model);
  if (backend == NULL
      || g_strcmp0 (esp_backend_get_title (backend), esp_model_get_name (model)) == 0)
    return g_strdup (esp_model_get_name (model));
  return g_strdup_printf ("%s · %s", esp_backend_get_title (backend), esp_model_get_name (model));
}

char *
esp_model_dup_obstacle (EspModel *model)
{
  g_return_val_if_fail (ESP_IS_MODEL (model), NULL);

  switch (esp_model_get_state (model))
    {
    case ESP_MODEL_NEEDS_KEY:
      return g_strdup (_ ("The chosen model needs a key."));
    case ESP_MODEL_NEEDS_MODEL:
      return g_strdup (_ ("The chosen model’s files are missing."));
    case ESP_MODEL_BROKEN:
      return g_strdup (esp_model_get_message (model) != NULL
                           ? esp_model_get_message (model)
                           : _ ("The chosen model cannot be used."));
    case ESP_MODEL_STARTING:
    case ESP_MODEL_READY:
    default:
      return esp_model_get_schema (model) == NULL ? g_strdup (_ ("The model is starting.")) : NULL;
    }
}
