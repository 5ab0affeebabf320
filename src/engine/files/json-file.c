/* SPDX-License-Identifier: MIT */
#include "files/json-file.h"

#include <stdlib.h>
#include <string.h>

#include "files/regular-file.h"
#include "json-memory.h"

/* --- Parsing ----------------------------------------------------------------------------- */

/* The parser recurses once a level and makes up to some 250 bytes of every two in the file. Both
 * are bounded here, before it runs: a string-aware count of levels and of values. */
static EspStatus
check_size (const char *bytes, size_t length, const char *path, EspError *error)
{
  size_t values = 1, depth = 0;

  for (size_t i = 0; i < length; i++)
    switch (bytes[i])
      {
      case '"':
        for (i++; i < length && bytes[i] != '"'; i++)
          if (bytes[i] == '\\')
            i++;
        break;
      case '{':
      case '[':
        values++;
        if (++depth > ESP_JSON_MAX_DEPTH)
          return esp_error_set (error, ESP_ERROR_FORMAT,
                                "%s: JSON is nested deeper than %d levels at byte %zu", path,
                                ESP_JSON_MAX_DEPTH, i);
        break;
      case '}':
      case ']':
        depth -= depth > 0;
        break;
      case ',':
        if (++values > ESP_JSON_MAX_VALUES)
          return esp_error_set (error, ESP_ERROR_FORMAT, "%s: JSON has more than %d values", path,
                                ESP_JSON_MAX_VALUES);
        break;
      default:
        break;
      }
  return ESP_OK;
}

EspStatus
esp_json_parse_object (const char *bytes, size_t length, const char *path, bool unique_keys,
                       json_t **root, EspError *error)
{
  json_error_t problem;
  bool no_memory;
  json_t *value;
  EspStatus status;

  status = check_size (bytes, length, path, error);
  if (status != ESP_OK)
    return status;

  value = esp_json_load (bytes, length, unique_keys ? JSON_REJECT_DUPLICATES : 0, &problem,
                         &no_memory);
  if (no_memory)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to parse its JSON", path);
  if (value == NULL)
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: broken JSON at line %d, column %d: %s",
                          path, problem.line, problem.column, problem.text);
  if (!json_is_object (value))
    {
      json_decref (value);
      return esp_error_set (error, ESP_ERROR_FORMAT, "%s: expected a JSON object, found an array",
                            path);
    }
  *root = value;
  return ESP_OK;
}

EspStatus
esp_json_read_object (const char *path, size_t max_bytes, json_t **root, EspError *error)
{
  char *bytes;
  size_t length;
  EspStatus status;

  status = esp_regular_file_read (path, max_bytes, &bytes, &length, error);
  if (status != ESP_OK)
    return status;
  if (length == 0)
    status = esp_error_set (error, ESP_ERROR_FORMAT, "%s: is empty, expected a JSON object", path);
  else
    status = esp_json_parse_object (bytes, length, path, false, root, error);
  free (bytes);
  return status;
}

/* --- Fields ------------------------------------------------------------------------------ */

static const char *
type_name (const json_t *value)
{
  switch (json_typeof (value))
    {
    case JSON_OBJECT:
      return "an object";
    case JSON_ARRAY:
      return "an array";
    case JSON_STRING:
      return "a string";
    case JSON_INTEGER:
      return "an integer";
    case JSON_REAL:
      return "a fraction";
    case JSON_TRUE:
      return "true";
    case JSON_FALSE:
      return "false";
    case JSON_NULL:
      return "null";
    }
  return "something unknown";
}

/* The field's value, or NULL where it is missing or null; *status tells whether that is allowed. */
static const json_t *
get_field (const json_t *object, const char *path, const char *key, bool required,
           EspStatus *status, EspError *error)
{
  const json_t *value = json_object_get (object, key);

  *status = ESP_OK;
  if (value != NULL && !json_is_null (value))
    return value;
  if (required)
    *status = esp_error_set (error, ESP_ERROR_FORMAT, "%s: field \"%s\" is missing", path, key);
  return NULL;
}

static EspStatus
wrong_type (const char *path, const char *key, const char *expected, const json_t *found,
            EspError *error)
{
  return esp_error_set (error, ESP_ERROR_FORMAT, "%s: field \"%s\": expected %s, found %s", path,
                        key, expected, type_name (found));
}

static EspStatus
integer_out_of_range (const char *path, const char *key, int64_t minimum, int64_t maximum,
                      json_int_t found, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_FORMAT,
                        "%s: field \"%s\": expected %lld to %lld, found %lld", path, key,
                        (long long) minimum, (long long) maximum, (long long) found);
}

EspStatus
esp_json_get_int (const json_t *object, const char *path, const char *key, bool required,
                  int64_t minimum, int64_t maximum, int64_t fallback, int64_t *value,
                  EspError *error)
{
  EspStatus status;
  const json_t *field = get_field (object, path, key, required, &status, error);
  json_int_t number;

  if (status != ESP_OK)
    return status;
  if (field == NULL)
    {
      *value = fallback;
      return ESP_OK;
    }
  if (!json_is_integer (field))
    return wrong_type (path, key, "an integer", field, error);
  number = json_integer_value (field);
  if (number < minimum || number > maximum)
    return integer_out_of_range (path, key, minimum, maximum, number, error);
  *value = number;
  return ESP_OK;
}

EspStatus
esp_json_get_double (const json_t *object, const char *path, const char *key, bool required,
                     double minimum, double maximum, double fallback, double *value,
                     EspError *error)
{
  EspStatus status;
  const json_t *field = get_field (object, path, key, required, &status, error);
  double number;

  if (status != ESP_OK)
    return status;
  if (field == NULL)
    {
      *value = fallback;
      return ESP_OK;
    }
  if (!json_is_number (field))
    return wrong_type (path, key, "a number", field, error);
  number = json_number_value (field);
  if (!(number >= minimum && number <= maximum))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: field \"%s\": expected %g to %g, found %g",
                          path, key, minimum, maximum, number);
  *value = number;
  return ESP_OK;
}

EspStatus
esp_json_get_bool (const json_t *object, const char *path, const char *key, bool fallback,
                   bool *value, EspError *error)
{
  EspStatus status;
  const json_t *field = get_field (object, path, key, false, &status, error);

  if (field == NULL)
    {
      *value = fallback;
      return ESP_OK;
    }
  if (!json_is_boolean (field))
    return wrong_type (path, key, "true or false", field, error);
  *value = json_is_true (field);
  return ESP_OK;
}

EspStatus
esp_json_get_string (const json_t *object, const char *path, const char *key, bool required,
                     const char *fallback, const char **value, EspError *error)
{
  EspStatus status;
  const json_t *field = get_field (object, path, key, required, &status, error);

  if (status != ESP_OK)
    return status;
  if (field == NULL)
    {
      *value = fallback;
      return ESP_OK;
    }
  if (!json_is_string (field))
    return wrong_type (path, key, "a string", field, error);
  *value = json_string_value (field);
  return ESP_OK;
}

EspStatus
esp_json_get_ints (const json_t *object, const char *path, const char *key, bool required,
                   int64_t minimum, int64_t maximum, int capacity, int64_t *values, int *count,
                   EspError *error)
{
  EspStatus status;
  const json_t *field = get_field (object, path, key, required, &status, error);
  size_t length;

  if (status != ESP_OK)
    return status;
  *count = 0;
  if (field == NULL)
    return ESP_OK;
  if (!json_is_array (field))
    return wrong_type (path, key, "an array of integers", field, error);
  length = json_array_size (field);
  if (capacity < 0 || length > (size_t) capacity)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: field \"%s\": expected at most %d numbers, found %zu", path, key,
                          capacity, length);
  for (size_t i = 0; i < length; i++)
    {
      const json_t *item = json_array_get (field, i);
      json_int_t number;

      if (!json_is_integer (item))
        return wrong_type (path, key, "an array of integers", item, error);
      number = json_integer_value (item);
      if (number < minimum || number > maximum)
        return integer_out_of_range (path, key, minimum, maximum, number, error);
      values[i] = number;
    }
  *count = (int) length;
  return ESP_OK;
}

char *
esp_path_join (const char *folder, const char *name)
{
  size_t folder_length = strlen (folder), name_length = strlen (name);
  bool slash = folder_length > 0 && folder[folder_length - 1] != '/';
  char *path = esp_memory_noted (malloc (folder_length + slash + name_length + 1));

  if (path == NULL)
    return NULL;
  memcpy (path, folder, folder_length);
  if (slash)
    path[folder_length] = '/';
  memcpy (path + folder_length + slash, name, name_length + 1);
  return path;
}
