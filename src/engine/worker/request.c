/* SPDX-License-Identifier: MIT */
#include "worker/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json-memory.h"
#include "worker/loras.h"
#include "worker/parameters.h"

/* The fields of each type beside `id`, `type` and, for an edit, the parameters. */
typedef struct RequestKind
{
  const char *name;
  const char *fields[12];
  EspStatus (*check) (EspRequest *request, EspError *error);
} RequestKind;

static EspStatus check_nothing (EspRequest *request, EspError *error);
static EspStatus check_describe (EspRequest *request, EspError *error);
static EspStatus check_load (EspRequest *request, EspError *error);
static EspStatus check_convert (EspRequest *request, EspError *error);
static EspStatus check_edit (EspRequest *request, EspError *error);
static EspStatus check_tokenize (EspRequest *request, EspError *error);
static EspStatus check_cache (EspRequest *request, EspError *error);
static EspStatus check_cancel (EspRequest *request, EspError *error);

static const RequestKind kinds[] = {
  [ESP_REQUEST_HELLO] = { "hello", { NULL }, check_nothing },
  [ESP_REQUEST_DESCRIBE] = { "describe", { "model", "components", NULL }, check_describe },
  [ESP_REQUEST_LOAD] = { "load", { "model", "components", NULL }, check_load },
  [ESP_REQUEST_INSPECT] = { "inspect", { "model", "components", NULL }, check_load },
  [ESP_REQUEST_CONVERT] = { "convert", { "input", "output", "format", NULL }, check_convert },
  [ESP_REQUEST_EDIT] = { "edit",
                         { "model", "components", "images", "noise", "dump", "previews", "latents",
                           "batch", "disk_cache", "carry", NULL },
                         check_edit },
  [ESP_REQUEST_TOKENIZE] = { "tokenize", { "model", "components", "texts", NULL }, check_tokenize },
  [ESP_REQUEST_CACHE] = { "cache", { "clear", NULL }, check_cache },
  [ESP_REQUEST_CANCEL] = { "cancel", { "job", NULL }, check_cancel },
  [ESP_REQUEST_QUIT] = { "quit", { NULL }, check_nothing },
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

/* Counts what a line will unfold to before a parser allocates it: a value costs the parser some
 * hundred bytes however short it is. Strings are skipped; whether the line is JSON at all is the
 * parser's business. */
static EspStatus
check_bounds (const char *line, size_t length, EspError *error)
{
  size_t values = 0;
  int depth = 0;
  bool quoted = false;

  for (size_t i = 0; i < length; i++)
    {
      char c = line[i];

      if (quoted)
        {
          if (c == '\\')
            i++;
          else if (c == '"')
            quoted = false;
          continue;
        }

      quoted = c == '"';
      values += c == ',' || c == '[' || c == '{';
      depth += (c == '[' || c == '{') - (c == ']' || c == '}');
      if (depth > ESP_REQUEST_MAX_DEPTH)
        return esp_error_set (error, ESP_ERROR_FORMAT, "request: nested deeper than %d levels",
                              ESP_REQUEST_MAX_DEPTH);
    }

  if (values > ESP_REQUEST_MAX_VALUES)
    return esp_error_set (error, ESP_ERROR_FORMAT, "request: %zu values; at most %d are taken",
                          values, ESP_REQUEST_MAX_VALUES);

  return ESP_OK;
}

static bool
is_usable_id (const json_t *id)
{
  return json_is_integer (id)
         || (json_is_string (id) && json_string_length (id) > 0
             && json_string_length (id) <= ESP_REQUEST_MAX_ID);
}

/* A path: a string that is neither empty nor contains a NUL. */
static EspStatus
get_path (const json_t *value, const char *name, const char **path, EspError *error)
{
  if (!json_is_string (value))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: expected a path as a string", name);
  if (json_string_length (value) == 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: the path is empty", name);
  if (strlen (json_string_value (value)) != json_string_length (value))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: the path contains a NUL character", name);

  *path = json_string_value (value);
  return ESP_OK;
}

static EspStatus
get_field_path (const EspRequest *request, const char *name, bool required, const char **path,
                EspError *error)
{
  const json_t *value = json_object_get (request->object, name);

  *path = NULL;
  if (value == NULL || json_is_null (value))
    return required ? esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: is missing", name) : ESP_OK;

  return get_path (value, name, path, error);
}

static EspStatus
get_bool (const EspRequest *request, const char *name, bool fallback, bool *result, EspError *error)
{
  const json_t *value = json_object_get (request->object, name);

  *result = fallback;
  if (value == NULL || json_is_null (value))
    return ESP_OK;
  if (!json_is_boolean (value))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: expected true or false", name);

  *result = json_is_true (value);
  return ESP_OK;
}

/* `model` and `components`. Where the transformer is named, the model need not be. */
static EspStatus
get_model (EspRequest *request, bool required, EspError *error)
{
  EspModelParts *parts = &request->parts;
  const struct
  {
    const char *name;
    const char **path;
  } known[] = { { "transformer", &parts->transformer },
                { "clip", &parts->clip },
                { "t5", &parts->t5 },
                { "vae", &parts->vae },
                { "tokenizer", &parts->tokenizer },
                { "tokenizer_2", &parts->tokenizer_2 } };
  json_t *components = json_object_get (request->object, "components"), *value;
  const char *key;
  EspStatus status = ESP_OK;

  if (components != NULL && !json_is_null (components) && !json_is_object (components))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "components: expected an object of paths");
  json_object_foreach (components, key, value)
  {
    const char **path = NULL;
    char name[64];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
      if (strcmp (key, known[i].name) == 0)
        path = known[i].path;
    if (path == NULL)
      return esp_error_set (error, ESP_ERROR_ARGUMENT,
                            "components: unknown part \"%.80s\"; transformer, clip, t5, vae, "
                            "tokenizer and tokenizer_2 are known",
                            key);
    snprintf (name, sizeof name, "components: %s", key);
    if (!json_is_null (value))
      status = get_path (value, name, path, error);
    if (status != ESP_OK)
      return status;
  }
  return get_field_path (request, "model", required && parts->transformer == NULL, &parts->path,
                         error);
}

static EspStatus
check_nothing (EspRequest *request, EspError *error)
{
  return ESP_OK;
}

static EspStatus
check_describe (EspRequest *request, EspError *error)
{
  return get_model (request, false, error);
}

static EspStatus
check_load (EspRequest *request, EspError *error)
{
  return get_model (request, true, error);
}

static EspStatus
check_convert (EspRequest *request, EspError *error)
{
  const json_t *format = json_object_get (request->object, "format");
  EspStatus status = get_field_path (request, "input", true, &request->input, error);

  if (status == ESP_OK)
    status = get_field_path (request, "output", true, &request->output, error);
  request->format = json_string_value (format);
  if (status == ESP_OK && request->format == NULL)
    status = esp_error_set (error, ESP_ERROR_ARGUMENT,
                            "format: expected q8_0, q4_k, fp8 or bf16 as a string");
  return status;
}

static EspStatus
check_images (EspRequest *request, EspError *error)
{
  request->images = json_object_get (request->object, "images");
  if (!json_is_array (request->images))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "images: expected an array of paths");
  if (json_array_size (request->images) < 1 || json_array_size (request->images) > ESP_IMAGES_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "images: expected 1 to %d paths, found %zu",
                          ESP_IMAGES_MAX, json_array_size (request->images));

  for (size_t i = 0; i < json_array_size (request->images); i++)
    {
      const char *path;
      EspStatus status = get_path (json_array_get (request->images, i), "images", &path, error);

      if (status != ESP_OK)
        return status;
    }

  request->edit.image_count = (int) json_array_size (request->images);
  return ESP_OK;
}

/* One entry of `batch`: {"id":…, "seed":…} and nothing else. */
static EspStatus
check_further_edit (const EspRequest *request, size_t index, EspRequestEdit *edit, EspError *error)
{
  json_t *entry = json_array_get (json_object_get (request->object, "batch"), index);
  EspEditRequest seeded = ESP_EDIT_REQUEST_INIT;
  EspStatus status;

  if (!json_is_object (entry) || json_object_size (entry) != 2
      || json_object_get (entry, "seed") == NULL)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "batch: entry %zu: expected an object with \"id\" and \"seed\" alone",
                          index);
  edit->id = json_object_get (entry, "id");
  if (!is_usable_id (edit->id))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "batch: entry %zu: id: expected an integer or a string of 1 to %d bytes",
                          index, ESP_REQUEST_MAX_ID);
  if (json_equal (edit->id, request->id))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "batch: entry %zu: the id is that of the request", index);
  for (size_t i = 0; i < index; i++)
    if (json_equal (edit->id, request->edits[i + 1].id))
      return esp_error_set (error, ESP_ERROR_ARGUMENT,
                            "batch: entry %zu: the id is that of entry %zu", index, i);

  status = esp_parameters_read_seed (json_object_get (entry, "seed"), &seeded, error);
  edit->seed = seeded.seed;
  return status;
}

/* The edits that are like this one but for their seeds. */
static EspStatus
check_batch (EspRequest *request, EspError *error)
{
  const json_t *batch = json_object_get (request->object, "batch");
  size_t count = json_array_size (batch);

  if (batch != NULL && !json_is_null (batch) && !json_is_array (batch))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "batch: expected an array of objects");
  if (count >= ESP_BATCH_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "batch: at most %d entries, found %zu",
                          ESP_BATCH_MAX - 1, count);
  request->edits = calloc (count + 1, sizeof *request->edits);
  if (request->edits == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "batch: out of memory");
  request->edits[0].id = request->id;
  for (size_t i = 0; i < count; i++)
    {
      EspStatus status = check_further_edit (request, i, &request->edits[i + 1], error);

      if (status != ESP_OK)
        return status;
    }
  request->edit_count = (int) count + 1;
  return ESP_OK;
}

static EspStatus
check_edit (EspRequest *request, EspError *error)
{
  EspStatus status = get_model (request, true, error);
  bool disk_cache = true;

  request->edit = (EspEditRequest) ESP_EDIT_REQUEST_INIT;
  if (status == ESP_OK)
    status = check_images (request, error);
  if (status == ESP_OK)
    status = esp_parameters_read (request->object, &request->edit, error);
  if (status == ESP_OK)
    status = esp_loras_read (json_object_get (request->object, "loras"), request->loras,
                             &request->edit.lora_count, error);
  request->edit.loras = request->loras;
  if (status == ESP_OK)
    status = esp_carry_read (json_object_get (request->object, "carry"), &request->carry, error);
  if (status == ESP_OK)
    status = get_field_path (request, "noise", false, &request->edit.noise_path, error);
  if (status == ESP_OK)
    status = get_field_path (request, "dump", false, &request->edit.dump_path, error);
  if (status == ESP_OK)
    status = get_bool (request, "previews", false, &request->previews, error);
  if (status == ESP_OK)
    status = get_bool (request, "latents", true, &request->latents, error);
  if (status == ESP_OK)
    status = get_bool (request, "disk_cache", true, &disk_cache, error);
  request->edit.no_disk_cache = !disk_cache;
  if (status == ESP_OK && request->edit_count > 1
      && (request->edit.noise_path != NULL || request->edit.dump_path != NULL))
    status = esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: is for one edit, not for a batch",
                            request->edit.noise_path != NULL ? "noise" : "dump");
  request->edits[0].seed = request->edit.seed;

  return status;
}

static EspStatus
check_tokenize (EspRequest *request, EspError *error)
{
  EspStatus status = get_model (request, true, error);

  if (status != ESP_OK)
    return status;

  request->texts = json_object_get (request->object, "texts");
  if (!json_is_array (request->texts))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "texts: expected an array of strings");

  for (size_t i = 0; i < json_array_size (request->texts); i++)
    {
      const json_t *text = json_array_get (request->texts, i);

      if (!json_is_string (text))
        return esp_error_set (error, ESP_ERROR_ARGUMENT, "texts: item %zu is not a string", i);
      if (json_string_length (text) > ESP_PROMPT_MAX_BYTES)
        return esp_error_set (error, ESP_ERROR_ARGUMENT,
                              "texts: item %zu has %zu bytes; at most %d are taken", i,
                              json_string_length (text), ESP_PROMPT_MAX_BYTES);
    }

  return ESP_OK;
}

static EspStatus
check_cache (EspRequest *request, EspError *error)
{
  return get_bool (request, "clear", false, &request->clear, error);
}

static EspStatus
check_cancel (EspRequest *request, EspError *error)
{
  request->job = json_object_get (request->object, "job");
  if (!is_usable_id (request->job))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "job: expected the id of a job");

  return ESP_OK;
}

/* A misspelt field must not be silently ignored. */
static EspStatus
check_fields (const EspRequest *request, EspError *error)
{
  const RequestKind *kind = &kinds[request->type];
  const char *key;
  json_t *value;

  json_object_foreach (request->object, key, value)
  {
    bool known = strcmp (key, "id") == 0 || strcmp (key, "type") == 0
                 || (request->type == ESP_REQUEST_EDIT && esp_parameters_has (key));

    for (int i = 0; !known && kind->fields[i] != NULL; i++)
      known = strcmp (key, kind->fields[i]) == 0;

    if (!known)
      return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: unknown field \"%.80s\"", kind->name,
                            key);
  }

  return ESP_OK;
}

static EspStatus
check_envelope (EspRequest *request, EspError *error)
{
  const json_t *id = json_object_get (request->object, "id");
  const json_t *type = json_object_get (request->object, "type");

  if (is_usable_id (id))
    request->id = (json_t *) id;
  if (id == NULL)
    return esp_error_set (error, ESP_ERROR_FORMAT, "id: is missing");
  if (request->id == NULL)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "id: expected an integer or a string of 1 to %d bytes",
                          ESP_REQUEST_MAX_ID);

  if (!json_is_string (type))
    return esp_error_set (error, ESP_ERROR_FORMAT, "type: %s",
                          type == NULL ? "is missing" : "expected a string");

  for (size_t i = 0; i < KIND_COUNT; i++)
    {
      if (strcmp (json_string_value (type), kinds[i].name) == 0)
        {
          request->type = (EspRequestType) i;
          return ESP_OK;
        }
    }

  return esp_error_set (error, ESP_ERROR_FORMAT, "type: unknown request \"%.80s\"",
                        json_string_value (type));
}

EspStatus
esp_request_parse (const char *line, size_t length, EspRequest *request, bool *protocol,
                   EspError *error)
{
  json_error_t reason;
  bool no_memory;
  EspStatus status;

  *request = (EspRequest){ .object = NULL };
  *protocol = true;

  status = check_bounds (line, length, error);
  if (status != ESP_OK)
    return status;

  request->object
      = esp_json_load (line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &reason, &no_memory);
  if (no_memory)
    {
      *protocol = false;
      return esp_error_set (error, ESP_ERROR_MEMORY, "request: out of memory");
    }
  if (request->object == NULL)
    return esp_error_set (error, ESP_ERROR_FORMAT, "request: not JSON: %s (byte %d)", reason.text,
                          reason.position);
  if (!json_is_object (request->object))
    return esp_error_set (error, ESP_ERROR_FORMAT, "request: not a JSON object");

  status = check_envelope (request, error);
  if (status != ESP_OK)
    return status;

  *protocol = false;
  /* First, so that whoever waits for an edit of it is told of what else is wrong. */
  if (request->type == ESP_REQUEST_EDIT)
    status = check_batch (request, error);
  if (status == ESP_OK)
    status = check_fields (request, error);

  return status == ESP_OK ? kinds[request->type].check (request, error) : status;
}

bool
esp_request_names_model (const EspRequest *request)
{
  const EspModelParts *parts = &request->parts;

  return parts->path != NULL || parts->transformer != NULL || parts->clip != NULL
         || parts->t5 != NULL || parts->vae != NULL || parts->tokenizer != NULL
         || parts->tokenizer_2 != NULL;
}

void
esp_request_clear (EspRequest *request)
{
  json_decref (request->object);
  free (request->edits);
  esp_carry_clear (&request->carry);
  *request = (EspRequest){ .object = NULL };
}
