/* SPDX-License-Identifier: MIT */
#include "model/lora-alpha.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/json-file.h"
#include "files/regular-file.h"

#define CONFIG_MAX_BYTES (1 << 20)
/* Where the header's text is longer, it is not searched. */
#define HEADER_MAX_BYTES (16 << 20)

static const char metadata_key[] = "lora_adapter_metadata";

/* The header's JSON text, NUL-terminated; NULL if the file is no safetensors file or too long. */
static EspStatus
read_header (const char *path, char **header, size_t *length, EspError *error)
{
  unsigned char prefix[8] = { 0 };
  uint64_t size = 0, bytes = 0;
  int descriptor = -1;
  EspStatus status = esp_regular_file_open (path, &descriptor, &size, error);

  *header = NULL;
  *length = 0;
  if (status == ESP_OK && size > sizeof prefix)
    status = esp_regular_file_read_at (descriptor, path, 0, prefix, sizeof prefix, error);
  for (int i = 7; status == ESP_OK && size > sizeof prefix && i >= 0; i--)
    bytes = bytes << 8 | prefix[i];
  if (status == ESP_OK && bytes > 0 && bytes <= HEADER_MAX_BYTES && bytes <= size - sizeof prefix)
    {
      *header = malloc ((size_t) bytes + 1);
      if (*header == NULL)
        status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
      else
        {
          status = esp_regular_file_read_at (descriptor, path, sizeof prefix, *header,
                                             (size_t) bytes, error);
          (*header)[bytes] = '\0';
          *length = (size_t) bytes;
        }
    }
  if (descriptor >= 0)
    close (descriptor);
  if (status != ESP_OK)
    {
      free (*header);
      *header = NULL;
    }
  return status;
}

/* *config stays NULL where the header says nothing of it. */
static EspStatus
read_metadata (const char *path, json_t **config, EspError *error)
{
  char *header = NULL;
  size_t length = 0;
  json_t *root = NULL;
  EspStatus status = read_header (path, &header, &length, error);

  if (status == ESP_OK && header != NULL && strstr (header, metadata_key) != NULL)
    {
      const char *text;

      status = esp_json_parse_object (header, length, path, false, &root, error);
      text = json_string_value (
          json_object_get (json_object_get (root, "__metadata__"), metadata_key));
      if (status == ESP_OK && text != NULL)
        status = esp_json_parse_object (text, strlen (text), path, false, config, error);
    }
  json_decref (root);
  free (header);
  return status;
}

/* The same from adapter_config.json beside a file that PEFT wrote. */
static EspStatus
read_beside (const char *path, json_t **config, EspError *error)
{
  const char *slash = strrchr (path, '/'), *name = slash != NULL ? slash + 1 : path;
  char *folder, *beside;
  EspStatus status = ESP_OK;

  if (strcmp (name, "adapter_model.safetensors") != 0)
    return ESP_OK;
  folder = slash != NULL ? strndup (path, (size_t) (slash - path) + 1) : strdup (".");
  beside = folder != NULL ? esp_path_join (folder, "adapter_config.json") : NULL;
  if (beside == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  else if (access (beside, F_OK) == 0)
    status = esp_json_read_object (beside, CONFIG_MAX_BYTES, config, error);
  free (folder);
  free (beside);
  return status;
}

/* config[prefix + key] */
static const json_t *
value_of (const json_t *config, const char *prefix, const char *key)
{
  char name[64];

  snprintf (name, sizeof name, "%s%s", prefix, key);
  return json_object_get (config, name);
}

/* PEFT's patterns are regular expressions for the end of a module's name; what people write are
 * names. `pattern` may begin with ^ and escape its dots. */
static bool
matches (const char *pattern, const char *name)
{
  char plain[256];
  size_t used = 0, length = strlen (name);

  for (const char *p = *pattern == '^' ? pattern + 1 : pattern; *p != '\0'; p++)
    {
      if (*p == '\\' && p[1] == '.')
        continue;
      if (used + 1 == sizeof plain)
        return false;
      plain[used++] = *p;
    }
  plain[used] = '\0';
  return used > 0 && length >= used && strcmp (name + length - used, plain) == 0
         && (length == used || name[length - used - 1] == '.');
}

static bool
alpha_of (const json_t *config, const char *prefix, const char *name, double *alpha)
{
  const json_t *patterns = value_of (config, prefix, "alpha_pattern");
  const json_t *value = value_of (config, prefix, "lora_alpha");
  const char *pattern;
  json_t *special;

  json_object_foreach ((json_t *) patterns, pattern, special)
  {
    if (matches (pattern, name))
      {
        value = special;
        break;
      }
  }
  *alpha = json_number_value (value);
  return json_is_number (value) && isfinite (*alpha);
}

static void
apply (EspLoraFile *file, const json_t *config)
{
  static const char *const prefixes[] = { "text_encoder_2.", "text_encoder.", "transformer." };

  for (int64_t i = 0; i < file->count; i++)
    {
      EspLoraModule *module = &file->modules[i];
      const char *prefix = "", *name = module->name;
      double alpha, rank = (double) module->rank;

      if (module->refused != NULL || module->has_alpha)
        continue;
      for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes && *prefix == '\0'; p++)
        if (strncmp (name, prefixes[p], strlen (prefixes[p])) == 0)
          prefix = prefixes[p];
      if (value_of (config, prefix, "lora_alpha") == NULL)
        prefix = ""; /* PEFT's own file has none */
      if (alpha_of (config, prefix, name, &alpha))
        module->scale = json_is_true (value_of (config, prefix, "use_rslora")) ? alpha / sqrt (rank)
                                                                               : alpha / rank;
    }
}

EspStatus
esp_lora_read_alphas (EspLoraFile *file, EspError *error)
{
  json_t *config = NULL;
  EspStatus status = read_metadata (file->path, &config, error);

  if (status == ESP_OK && config == NULL)
    status = read_beside (file->path, &config, error);
  if (status == ESP_OK && config != NULL)
    apply (file, config);
  json_decref (config);
  return status;
}
