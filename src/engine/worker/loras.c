/* SPDX-License-Identifier: MIT */
#include "worker/loras.h"

#include <math.h>
#include <string.h>

#include "files/sha256.h"
#include "worker/channel.h"

/* A string without a NUL inside. */
static bool
is_text (const json_t *value)
{
  return json_is_string (value) && strlen (json_string_value (value)) == json_string_length (value);
}

static bool
is_digest (const json_t *value)
{
  return is_text (value) && json_string_length (value) == ESP_SHA256_HEX_SIZE - 1
         && strspn (json_string_value (value), "0123456789abcdef") == ESP_SHA256_HEX_SIZE - 1;
}

static EspStatus
read_lora (const json_t *entry, size_t index, EspLora *lora, EspError *error)
{
  const json_t *path = json_object_get (entry, "path");
  const json_t *strength = json_object_get (entry, "strength");
  const json_t *digest = json_object_get (entry, "sha256");
  const char *key;
  json_t *value;

  if (!json_is_object (entry))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "loras: entry %zu: expected an object", index);
  json_object_foreach ((json_t *) entry, key, value)
  {
    if (strcmp (key, "path") != 0 && strcmp (key, "strength") != 0 && strcmp (key, "sha256") != 0)
      return esp_error_set (error, ESP_ERROR_ARGUMENT, "loras: entry %zu: unknown field \"%.80s\"",
                            index, key);
  }
  if (!is_text (path) || json_string_length (path) == 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "loras: entry %zu: path: expected a path as a string", index);
  if (strength != NULL && !json_is_null (strength)
      && (!json_is_number (strength) || !isfinite (json_number_value (strength))
          || fabs (json_number_value (strength)) > ESP_LORA_STRENGTH_MAX))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "loras: entry %zu: strength: expected a number from %g to %g", index,
                          -ESP_LORA_STRENGTH_MAX, ESP_LORA_STRENGTH_MAX);
  if (digest != NULL && !json_is_null (digest) && !is_digest (digest))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "loras: entry %zu: sha256: expected 64 hexadecimal digits", index);

  lora->path = json_string_value (path);
  lora->strength = json_is_number (strength) ? json_number_value (strength) : 1;
  lora->hash = json_string_value (digest);
  return ESP_OK;
}

EspStatus
esp_loras_read (const json_t *value, EspLora loras[ESP_LORAS_MAX], int *count, EspError *error)
{
  *count = 0;
  if (value == NULL || json_is_null (value))
    return ESP_OK;
  if (!json_is_array (value))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "loras: expected an array of objects");
  if (json_array_size (value) > ESP_LORAS_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "loras: at most %d are taken, found %zu",
                          ESP_LORAS_MAX, json_array_size (value));
  for (size_t i = 0; i < json_array_size (value); i++)
    {
      EspStatus status = read_lora (json_array_get (value, i), i, &loras[i], error);

      if (status != ESP_OK)
        return status;
    }
  *count = (int) json_array_size (value);
  return ESP_OK;
}

json_t *
esp_loras_json (const EspEditResult *result)
{
  json_t *array = json_array ();

  for (int i = 0; i < result->lora_count; i++)
    {
      const EspLoraUse *use = &result->loras[i];

      json_array_append_new (
          array, json_pack ("{s:o, s:s, s:f, s:I, s:I}", "path", esp_json_text (use->path),
                            "sha256", use->hash, "strength", use->strength, "modules",
                            (json_int_t) use->modules, "used", (json_int_t) use->used));
    }
  return array;
}
