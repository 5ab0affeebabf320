/* SPDX-License-Identifier: MIT */
#include "worker/carry.h"

#include <stdlib.h>
#include <string.h>

#include "files/sha256.h"

#define DIGITS "0123456789abcdef"

/* A string without a NUL inside. */
static bool
is_text (const json_t *value)
{
  return json_is_string (value) && strlen (json_string_value (value)) == json_string_length (value);
}

static bool
is_given (const json_t *value)
{
  return value != NULL && !json_is_null (value);
}

static EspStatus
read_side (const json_t *object, const char *name, int *side, EspError *error)
{
  const json_t *value = json_object_get (object, name);
  json_int_t number = json_integer_value (value);

  if (!json_is_integer (value) || number < ESP_SIZE_MIN || number > ESP_SIZE_MAX
      || number % ESP_SIZE_MULTIPLE != 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "carry: %s: expected a multiple of %d from %d to %d", name,
                          ESP_SIZE_MULTIPLE, ESP_SIZE_MIN, ESP_SIZE_MAX);
  *side = (int) number;
  return ESP_OK;
}

/* Four tokens a digit, the first one in its highest bit; what the last digit has too much is 0. */
static EspStatus
read_tokens (const char *digits, EspCarryField *carry, EspError *error)
{
  size_t count
      = (size_t) (carry->width / ESP_SIZE_MULTIPLE) * (size_t) (carry->height / ESP_SIZE_MULTIPLE);
  size_t length = strlen (digits);

  if (length != (count + 3) / 4)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "carry: tokens: expected %zu hexadecimal digits for %zu tokens, found "
                          "%zu",
                          (count + 3) / 4, count, length);
  carry->tokens = malloc (4 * length);
  if (carry->tokens == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "carry: tokens: out of memory");
  for (size_t i = 0; i < length; i++)
    {
      const char *digit = strchr (DIGITS, digits[i]);

      if (digit == NULL)
        return esp_error_set (error, ESP_ERROR_ARGUMENT,
                              "carry: tokens: expected digits 0 to 9 and a to f");
      for (size_t bit = 0; bit < 4; bit++)
        carry->tokens[4 * i + bit] = (uint8_t) ((digit - DIGITS) >> (3 - bit) & 1);
    }
  for (size_t i = count; i < 4 * length; i++)
    if (carry->tokens[i] != 0)
      return esp_error_set (error, ESP_ERROR_ARGUMENT,
                            "carry: tokens: there are only %zu, and one after them is set", count);
  return ESP_OK;
}

EspStatus
esp_carry_read (const json_t *value, EspCarryField *carry, EspError *error)
{
  const json_t *path = json_object_get (value, "latents");
  const json_t *tokens = json_object_get (value, "tokens");
  const json_t *model = json_object_get (value, "model");
  const char *key;
  json_t *field;
  EspStatus status;

  *carry = (EspCarryField){ .path = NULL };
  if (!is_given (value))
    return ESP_OK;
  if (!json_is_object (value))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "carry: expected an object");
  json_object_foreach ((json_t *) value, key, field)
  {
    if (strcmp (key, "latents") != 0 && strcmp (key, "width") != 0 && strcmp (key, "height") != 0
        && strcmp (key, "tokens") != 0 && strcmp (key, "model") != 0)
      return esp_error_set (error, ESP_ERROR_ARGUMENT, "carry: unknown field \"%.80s\"", key);
  }
  if (!is_text (path) || json_string_length (path) == 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "carry: latents: expected a path as a string");
  if (is_given (model)
      && (!is_text (model) || json_string_length (model) != ESP_SHA256_HEX_SIZE - 1
          || strspn (json_string_value (model), DIGITS) != ESP_SHA256_HEX_SIZE - 1))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "carry: model: expected a model's hash, 64 hexadecimal digits");
  if (is_given (tokens) && !is_text (tokens))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "carry: tokens: expected hexadecimal digits as a string");

  status = read_side (value, "width", &carry->width, error);
  if (status == ESP_OK)
    status = read_side (value, "height", &carry->height, error);
  if (status == ESP_OK && is_given (tokens))
    status = read_tokens (json_string_value (tokens), carry, error);
  if (status == ESP_OK)
    {
      carry->path = json_string_value (path);
      carry->model_hash = json_string_value (model);
    }
  return status;
}

void
esp_carry_clear (EspCarryField *carry)
{
  free (carry->tokens);
  *carry = (EspCarryField){ .path = NULL };
}
