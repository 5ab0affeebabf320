/* SPDX-License-Identifier: MIT */
#include "text/tokenizer-config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/json-file.h"
#include "files/regular-file.h"
#include "json-memory.h"

#define MAX_CONFIG_BYTES  (4 << 20)
#define MAX_EXTRA_IDS     9000
#define MAX_LISTED_TOKENS 10000 /* specs_set() compares each with each */

static const char *const named_keys[ESP_NAMED_COUNT] = { "bos_token", "eos_token", "unk_token",
                                                         "sep_token", "pad_token", "cls_token",
                                                         "mask_token" };

static EspStatus
out_of_memory (EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the added tokens");
}

bool
esp_token_specs_add (EspTokenSpecs *specs, const EspTokenSpec *spec, int64_t index)
{
  char *content = strdup (spec->content);

  if (content == NULL)
    return false;
  if (specs->count == specs->capacity)
    {
      size_t capacity = specs->capacity ? specs->capacity * 2 : 16;
      EspTokenSpec *items = realloc (specs->items, capacity * sizeof *items);
      int64_t *indexes;

      if (items != NULL)
        specs->items = items;
      indexes = realloc (specs->indexes, capacity * sizeof *indexes);
      if (indexes != NULL)
        specs->indexes = indexes;
      if (items == NULL || indexes == NULL)
        {
          free (content);
          return false;
        }
      specs->capacity = capacity;
    }
  specs->items[specs->count] = *spec;
  specs->items[specs->count].content = content;
  specs->indexes[specs->count++] = index;
  return true;
}

static void
specs_clear (EspTokenSpecs *specs)
{
  for (size_t i = 0; i < specs->count; i++)
    free (specs->items[i].content);
  free (specs->items);
  free (specs->indexes);
  *specs = (EspTokenSpecs){ 0 };
}

/* Replaces the spec with that index or adds one. */
static bool
specs_set (EspTokenSpecs *specs, const EspTokenSpec *spec, int64_t index)
{
  for (size_t i = 0; i < specs->count; i++)
    if (specs->indexes[i] == index)
      {
        char *content = strdup (spec->content);

        if (content == NULL)
          return false;
        free (specs->items[i].content);
        specs->items[i] = *spec;
        specs->items[i].content = content;
        return true;
      }
  return esp_token_specs_add (specs, spec, index);
}

void
esp_tokenizer_config_clear (EspTokenizerConfig *config)
{
  for (int i = 0; i < ESP_NAMED_COUNT; i++)
    free (config->named[i].content);
  specs_clear (&config->decoder);
  specs_clear (&config->model_specific);
  specs_clear (&config->extra);
  specs_clear (&config->additional);
  *config = (EspTokenizerConfig){ 0 };
}

/* Reads a string or {"content": …, flags}. `borrowed`->content stays the JSON's. */
static EspStatus
read_spec (const json_t *value, const char *path, const char *key, bool force_special,
           EspTokenSpec *borrowed, EspError *error)
{
  const char *content;
  bool normalized;
  EspStatus status;

  *borrowed = (EspTokenSpec){ .normalized = -1 };
  if (json_is_string (value))
    {
      borrowed->content = (char *) json_string_value (value);
      borrowed->is_plain = true;
      return ESP_OK;
    }
  if (!json_is_object (value))
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: \"%s\": expected a string or an object with \"content\"", path, key);
  status = esp_json_get_string (value, path, "content", true, NULL, &content, error);
  if (status == ESP_OK)
    status = esp_json_get_bool (value, path, "single_word", false, &borrowed->single_word, error);
  if (status == ESP_OK)
    status = esp_json_get_bool (value, path, "lstrip", false, &borrowed->lstrip, error);
  if (status == ESP_OK)
    status = esp_json_get_bool (value, path, "rstrip", false, &borrowed->rstrip, error);
  if (status == ESP_OK)
    status = esp_json_get_bool (value, path, "special", false, &borrowed->special, error);
  if (status == ESP_OK && json_is_boolean (json_object_get (value, "normalized")))
    {
      status = esp_json_get_bool (value, path, "normalized", true, &normalized, error);
      borrowed->normalized = normalized;
    }
  if (status != ESP_OK)
    return status;
  if (force_special)
    borrowed->special = true;
  borrowed->content = (char *) content;
  return ESP_OK;
}

static EspStatus
check_size (size_t size, const char *path, const char *key, EspError *error)
{
  if (size <= MAX_LISTED_TOKENS)
    return ESP_OK;
  return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                        "%s: %s lists %zu tokens, at most %d are supported", path, key, size,
                        MAX_LISTED_TOKENS);
}

static EspStatus
set_named (EspTokenSpec *named, const EspTokenSpec *spec, EspError *error)
{
  char *content = strdup (spec->content);

  if (content == NULL)
    return out_of_memory (error);
  free (named->content);
  *named = *spec;
  named->content = content;
  return ESP_OK;
}

static int
named_index (const char *key)
{
  for (int i = 0; i < ESP_NAMED_COUNT; i++)
    if (strcmp (key, named_keys[i]) == 0)
      return i;
  return -1;
}

static bool
ends_with_token (const char *key)
{
  size_t length = strlen (key);

  return length >= 6 && strcmp (key + length - 6, "_token") == 0;
}

static EspStatus
read_list (const json_t *list, const char *path, const char *key, bool force_special,
           EspTokenSpecs *specs, EspError *error)
{
  size_t i;
  json_t *value;

  if (!json_is_array (list))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"%s\": expected a list of tokens", path,
                          key);
  json_array_foreach (list, i, value)
  {
    EspTokenSpec spec;
    EspStatus status = read_spec (value, path, key, force_special, &spec, error);

    if (status != ESP_OK)
      return status;
    if (!esp_token_specs_add (specs, &spec, (int64_t) i))
      return out_of_memory (error);
  }
  return ESP_OK;
}

/* "extra_special_tokens" is a list, or an object of named tokens. */
static EspStatus
read_extra (const json_t *value, const char *path, bool force_special, EspTokenizerConfig *config,
            EspError *error)
{
  const char *key;
  json_t *item;

  if (!json_is_object (value))
    {
      config->has_extra = true;
      return json_is_null (value) ? ESP_OK
                                  : read_list (value, path, "extra_special_tokens", force_special,
                                               &config->extra, error);
    }
  json_object_foreach ((json_t *) value, key, item)
  {
    EspTokenSpec spec;
    EspStatus status = read_spec (item, path, key, false, &spec, error);

    if (status != ESP_OK)
      return status;
    if (!esp_token_specs_add (&config->model_specific, &spec, 0))
      return out_of_memory (error);
  }
  return ESP_OK;
}

/* The entries that tokenizer_config.json and special_tokens_map.json share. */
static EspStatus
read_tokens (const json_t *root, const char *path, bool is_map, EspTokenizerConfig *config,
             EspError *error)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) root, key, value)
  {
    int index = named_index (key);
    EspTokenSpec spec;
    EspStatus status = ESP_OK;

    if (index >= 0 && json_is_null (value))
      {
        free (config->named[index].content);
        config->named[index] = (EspTokenSpec){ 0 };
      }
    else if (index >= 0)
      {
        status = read_spec (value, path, key, is_map, &spec, error);
        if (status == ESP_OK)
          status = set_named (&config->named[index], &spec, error);
      }
    else if (ends_with_token (key) && (json_is_string (value) || json_is_object (value)))
      {
        status = read_spec (value, path, key, is_map, &spec, error);
        if (status == ESP_OK && !esp_token_specs_add (&config->model_specific, &spec, 0))
          status = out_of_memory (error);
      }
    else if (strcmp (key, "extra_special_tokens") == 0)
      status = read_extra (value, path, is_map, config, error);
    else if (strcmp (key, "additional_special_tokens") == 0)
      {
        specs_clear (&config->additional);
        /* In the configuration null is an empty list; in the map it undoes what was there. */
        config->has_additional = !is_map || !json_is_null (value);
        if (!json_is_null (value))
          status = read_list (value, path, key, false, &config->additional, error);
      }
    if (status != ESP_OK)
      return status;
  }
  return ESP_OK;
}

static EspStatus
read_decoder (const json_t *decoder, const char *path, EspTokenizerConfig *config, EspError *error)
{
  const char *key;
  json_t *value;

  if (!json_is_object (decoder))
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: \"added_tokens_decoder\": expected an object", path);
  if (check_size (json_object_size (decoder), path, "added_tokens_decoder", error) != ESP_OK)
    return ESP_ERROR_UNSUPPORTED;
  json_object_foreach ((json_t *) decoder, key, value)
  {
    EspTokenSpec spec;
    char *end;
    long long index = strtoll (key, &end, 10);
    EspStatus status;

    if (*key == '\0' || *end != '\0' || index < 0 || index > INT32_MAX)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: \"added_tokens_decoder\": \"%.64s\" is not a token id", path, key);
    status = read_spec (value, path, key, false, &spec, error);
    if (status != ESP_OK)
      return status;
    if (!specs_set (&config->decoder, &spec, index))
      return out_of_memory (error);
  }
  return ESP_OK;
}

/* Opens `folder`/`name` where it exists; *root stays NULL where it does not. */
static EspStatus
read_optional (const char *folder, const char *name, char **path, json_t **root, EspError *error)
{
  *root = NULL;
  *path = esp_path_join (folder, name);
  if (*path == NULL)
    return out_of_memory (error);
  if (access (*path, F_OK) != 0)
    return ESP_OK;
  return esp_json_read_object (*path, MAX_CONFIG_BYTES, root, error);
}

static bool
is_special (const EspTokenizerConfig *config, const char *content)
{
  for (int i = 0; i < ESP_NAMED_COUNT; i++)
    if (config->named[i].content != NULL && strcmp (config->named[i].content, content) == 0)
      return true;
  for (size_t i = 0; i < config->extra.count; i++)
    if (strcmp (config->extra.items[i].content, content) == 0)
      return true;
  return false;
}

/* added_tokens.json: {"token": id}. */
static EspStatus
read_added_tokens (const json_t *root, const char *path, EspTokenizerConfig *config,
                   EspError *error)
{
  const char *key;
  json_t *value;

  if (check_size (json_object_size (root), path, "the file", error) != ESP_OK)
    return ESP_ERROR_UNSUPPORTED;
  json_object_foreach ((json_t *) root, key, value)
  {
    EspTokenSpec spec = { .content = (char *) key };

    if (!json_is_integer (value) || json_integer_value (value) < 0
        || json_integer_value (value) > INT32_MAX)
      return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"%.64s\": expected an id ≥ 0", path,
                            key);
    spec.special = is_special (config, key);
    spec.normalized = !spec.special;
    if (!specs_set (&config->decoder, &spec, json_integer_value (value)))
      return out_of_memory (error);
  }
  return ESP_OK;
}

static EspStatus
read_serialized (const json_t *list, EspTokenizerConfig *config, EspError *error)
{
  size_t i;
  json_t *value;

  if (list != NULL && !json_is_null (list) && !json_is_array (list))
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "tokenizer.json: \"added_tokens\": expected a list");
  if (check_size (json_array_size (list), "tokenizer.json", "added_tokens", error) != ESP_OK)
    return ESP_ERROR_UNSUPPORTED;
  json_array_foreach (list, i, value)
  {
    EspTokenSpec spec;
    int64_t id;
    EspStatus status = read_spec (value, "tokenizer.json", "added_tokens", false, &spec, error);

    if (status == ESP_OK)
      status = esp_json_get_int (value, "tokenizer.json", "id", true, 0, INT32_MAX, 0, &id, error);
    if (status != ESP_OK)
      return status;
    if (!specs_set (&config->decoder, &spec, id))
      return out_of_memory (error);
  }
  return ESP_OK;
}

/* The files that count only where tokenizer_config.json has no "added_tokens_decoder". */
static EspStatus
read_older_files (const char *folder, const json_t *tokenizer_json, EspTokenizerConfig *config,
                  EspError *error)
{
  char *path;
  json_t *root;
  EspStatus status = read_optional (folder, "special_tokens_map.json", &path, &root, error);

  if (status == ESP_OK && root != NULL)
    status = read_tokens (root, path, true, config, error);
  json_decref (root);
  free (path);
  if (status != ESP_OK)
    return status;

  status = read_optional (folder, "added_tokens.json", &path, &root, error);
  if (status == ESP_OK && root != NULL)
    status = read_added_tokens (root, path, config, error);
  json_decref (root);
  free (path);
  if (status == ESP_OK && tokenizer_json != NULL)
    status = read_serialized (json_object_get (tokenizer_json, "added_tokens"), config, error);
  return status;
}

static EspStatus
read_config_file (const json_t *root, const char *path, EspTokenizerConfig *config, EspError *error)
{
  const json_t *newer = json_object_get (root, "extra_special_tokens");
  double extra_ids = 100;
  EspStatus status = read_tokens (root, path, false, config, error);

  if (status == ESP_OK)
    status = esp_json_get_bool (root, path, "split_special_tokens", false,
                                &config->split_special_tokens, error);
  if (status == ESP_OK)
    status = esp_json_get_double (root, path, "extra_ids", false, 0, MAX_EXTRA_IDS, 100, &extra_ids,
                                  error);
  config->extra_ids = (int64_t) extra_ids;
  /* The older name fills in for the newer one. */
  if (status == ESP_OK && config->has_additional && json_array_size (newer) == 0
      && json_object_size (newer) == 0)
    {
      specs_clear (&config->extra);
      config->extra = config->additional;
      config->has_extra = true;
      config->additional = (EspTokenSpecs){ 0 };
      config->has_additional = false;
    }
  return status;
}

/* Files of the library have "model_max_length": 1000000000000000019884624838656 where there is no
 * limit, which the parser takes only as a real number. So all numbers here are read as such. */
static EspStatus
read_config_json (const char *path, json_t **root, EspError *error)
{
  char *bytes;
  size_t length;
  bool no_memory;
  json_error_t problem;
  EspStatus status = esp_regular_file_read (path, MAX_CONFIG_BYTES, &bytes, &length, error);

  if (status != ESP_OK)
    return status;
  *root = esp_json_load (bytes, length, JSON_DECODE_INT_AS_REAL, &problem, &no_memory);
  free (bytes);
  if (no_memory)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to parse its JSON", path);
  if (*root == NULL)
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: broken JSON at line %d, column %d: %s",
                          path, problem.line, problem.column, problem.text);
  if (!json_is_object (*root))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: expected a JSON object", path);
  return ESP_OK;
}

EspStatus
esp_tokenizer_config_read (const char *folder, const char *const *defaults,
                           const json_t *tokenizer_json, EspTokenizerConfig *config,
                           EspError *error)
{
  const json_t *decoder = NULL;
  char *path = NULL;
  json_t *root = NULL;
  EspStatus status = ESP_OK;

  *config = (EspTokenizerConfig){ .extra_ids = 100 };
  for (int i = 0; i < ESP_NAMED_COUNT && status == ESP_OK; i++)
    {
      EspTokenSpec spec = { .content = (char *) defaults[i], .is_plain = true, .normalized = -1 };

      if (defaults[i] != NULL)
        status = set_named (&config->named[i], &spec, error);
    }
  if (status == ESP_OK)
    {
      path = esp_path_join (folder, "tokenizer_config.json");
      if (path == NULL)
        status = out_of_memory (error);
      else if (access (path, F_OK) == 0)
        status = read_config_json (path, &root, error);
    }
  if (status == ESP_OK && root != NULL)
    status = read_config_file (root, path, config, error);
  decoder = root != NULL ? json_object_get (root, "added_tokens_decoder") : NULL;
  if (status == ESP_OK && decoder != NULL)
    status = read_decoder (decoder, path, config, error);
  else if (status == ESP_OK)
    status = read_older_files (folder, tokenizer_json, config, error);
  json_decref (root);
  free (path);

  /* What the decoder says of a named token holds over what the name's own entry says. */
  for (int i = 0; i < ESP_NAMED_COUNT && status == ESP_OK; i++)
    for (size_t j = config->decoder.count; config->named[i].content != NULL && j-- > 0;)
      if (strcmp (config->decoder.items[j].content, config->named[i].content) == 0)
        {
          status = set_named (&config->named[i], &config->decoder.items[j], error);
          break;
        }
  if (status != ESP_OK)
    esp_tokenizer_config_clear (config);
  return status;
}
