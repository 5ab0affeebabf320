/* SPDX-License-Identifier: MIT */
#include "files/scaled-weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/json-file.h"

#define JSON_MAX (1 << 16)

typedef struct
{
  EspTensorFile *const *files;
  int count;
  EspError *error;
} Component;

/* What the last part of a tensor's name makes of it. */
typedef enum
{
  PLAIN,
  WEIGHT_SCALE,
  INPUT_SCALE,
  LAYER_FORMAT, /* JSON as bytes */
  MARKER,
  OTHER_FORMAT, /* a sign of a format that is not computed with */
} Role;

static const struct
{
  const char *ending;
  Role role;
  const char *format; /* of OTHER_FORMAT */
} roles[] = {
  { ".scale_weight", WEIGHT_SCALE, NULL },
  { ".weight_scale", WEIGHT_SCALE, NULL },
  { ".scale_input", INPUT_SCALE, NULL },
  { ".input_scale", INPUT_SCALE, NULL },
  { ".comfy_quant", LAYER_FORMAT, NULL },
  { ".scaled_fp8", MARKER, NULL },
  { ".weight_scale_2", OTHER_FORMAT, "nvfp4" },
  { ".weight.quant_state.bitsandbytes__nf4", OTHER_FORMAT, "bitsandbytes nf4" },
  { ".weight.quant_state.bitsandbytes__fp4", OTHER_FORMAT, "bitsandbytes fp4" },
  { ".qweight", OTHER_FORMAT, "packed integers (SVDQuant, AWQ or GPTQ)" },
};

/* The role, and where its ending begins in the name. */
static Role
find_role (const char *name, size_t *stem, const char **format)
{
  size_t length = strlen (name);

  if (strcmp (name, "scaled_fp8") == 0)
    return MARKER;
  for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
    {
      size_t ending = strlen (roles[i].ending);

      if (length > ending && strcmp (name + length - ending, roles[i].ending) == 0)
        {
          *stem = length - ending;
          *format = roles[i].format;
          return roles[i].role;
        }
    }
  return PLAIN;
}

/* The tensor called `stem` (of `length` bytes) followed by `ending`. */
static EspStatus
find_beside (const Component *component, const char *stem, size_t length, const char *ending,
             EspTensorEntry **found)
{
  size_t size = length + strlen (ending) + 1;
  char *name = malloc (size);

  *found = NULL;
  if (name == NULL)
    return esp_error_set (component->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                          component->files[0]->path);
  memcpy (name, stem, length);
  memcpy (name + length, ending, size - length);
  for (int i = 0; i < component->count && *found == NULL; i++)
    *found = esp_tensor_file_find (component->files[i], name);
  free (name);
  return ESP_OK;
}

/* --- The formats of layers ------------------------------------------------------------------ */

static EspStatus
other_format (const Component *component, const char *path, const char *layer, size_t length,
              const char *format)
{
  int shown = esp_shown_length (layer);

  if (length < (size_t) shown)
    shown = (int) length;
  return esp_error_set (component->error, ESP_ERROR_UNSUPPORTED,
                        "%s: layer '%.*s' uses the number format %.*s, which this engine cannot "
                        "compute with; choose a file of the model in bf16, fp8 or GGUF",
                        path, shown, layer, esp_shown_length (format), format);
}

/* `layer` is said to be of `about`'s format: an fp8 format whose scale is there. */
static EspStatus
check_layer (const Component *component, const char *path, const char *layer, size_t length,
             const json_t *about)
{
  const char *format = json_string_value (json_object_get (about, "format"));
  EspTensorEntry *weight = NULL, *scale = NULL;
  EspStatus status;

  if (format == NULL)
    return esp_error_set (component->error, ESP_ERROR_FORMAT,
                          "%s: layer '%.*s': its quantisation has no \"format\"", path,
                          (int) (length < 160 ? length : 160), layer);
  if (strcmp (format, "float8_e4m3fn") != 0 && strcmp (format, "float8_e5m2") != 0)
    return other_format (component, path, layer, length, format);
  status = find_beside (component, layer, length, ".weight", &weight);
  if (status == ESP_OK)
    status = find_beside (component, layer, length, ".weight_scale", &scale);
  if (status == ESP_OK && scale == NULL)
    status = find_beside (component, layer, length, ".scale_weight", &scale);
  if (status == ESP_OK && weight != NULL && scale == NULL)
    status = esp_error_set (component->error, ESP_ERROR_FORMAT,
                            "%s: layer '%.*s' is said to be scaled fp8, but its tensor "
                            "'%.*s.weight_scale' is missing",
                            path, (int) (length < 160 ? length : 160), layer,
                            (int) (length < 160 ? length : 160), layer);
  return status;
}

static EspStatus
check_header (const Component *component, const EspTensorFile *file)
{
  json_t *root = NULL, *layers, *about;
  const char *layer;
  EspStatus status;

  if (file->quantization == NULL)
    return ESP_OK;
  status = esp_json_parse_object (file->quantization, strlen (file->quantization), file->path,
                                  false, &root, component->error);
  if (status != ESP_OK)
    return status;
  layers = json_object_get (root, "layers");
  if (!json_is_object (layers))
    status = esp_error_set (component->error, ESP_ERROR_FORMAT,
                            "%s: \"_quantization_metadata\" of its header has no \"layers\"",
                            file->path);
  else
    json_object_foreach (layers, layer, about)
    {
      status = check_layer (component, file->path, layer, strlen (layer), about);
      if (status != ESP_OK)
        break;
    }
  json_decref (root);
  return status;
}

static EspStatus
check_layer_tensor (const Component *component, const EspTensorFile *file,
                    const EspTensorEntry *entry, size_t stem)
{
  size_t bytes = (size_t) (entry->end - entry->begin);
  json_t *root = NULL;
  EspStatus status;

  if (entry->foreign == NULL || strcmp (entry->foreign, "U8") != 0 || bytes > JSON_MAX)
    return esp_error_set (
        component->error, ESP_ERROR_FORMAT,
        "%s: tensor '%.*s': expected at most %d bytes of JSON (U8), found %s of "
        "%zu bytes",
        file->path, esp_shown_length (entry->name), entry->name, JSON_MAX,
        entry->foreign != NULL ? entry->foreign : esp_dtype_name (entry->weight.dtype), bytes);
  status = esp_json_parse_object (entry->weight.data, bytes, file->path, false, &root,
                                  component->error);
  if (status == ESP_OK)
    status = check_layer (component, file->path, entry->name, stem, root);
  json_decref (root);
  return status;
}

/* --- Scales --------------------------------------------------------------------------------- */

static EspStatus
read_scale (const Component *component, const EspTensorEntry *entry, float *number)
{
  const EspWeight *scale = &entry->weight;

  if (entry->foreign != NULL
      || (scale->dtype != ESP_F32 && scale->dtype != ESP_F16 && scale->dtype != ESP_BF16)
      || scale->count != 1)
    return esp_error_set (component->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': expected the scale of a whole tensor (one F32 "
                          "number), found %lld of %s",
                          scale->file, esp_shown_length (entry->name), entry->name,
                          (long long) scale->count,
                          entry->foreign != NULL ? entry->foreign : esp_dtype_name (scale->dtype));
  esp_to_f32 (scale->dtype, scale->data, number, 1);
  if (!isfinite (*number) || *number <= 0)
    return esp_error_set (component->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': a scale is a positive finite number, found %g",
                          scale->file, esp_shown_length (entry->name), entry->name,
                          (double) *number);
  return ESP_OK;
}

static EspStatus
apply_scale (const Component *component, const EspTensorEntry *entry, size_t stem)
{
  EspTensorEntry *target = NULL;
  float scale = 0;
  EspStatus status = find_beside (component, entry->name, stem, ".weight", &target);

  if (status != ESP_OK)
    return status;
  if (target == NULL)
    return esp_error_set (component->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s' is the scale of '%.*s.weight', which is missing",
                          entry->weight.file, esp_shown_length (entry->name), entry->name,
                          (int) (stem < 160 ? stem : 160), entry->name);
  status = read_scale (component, entry, &scale);
  if (status != ESP_OK)
    return status;
  if (target->weight.scale != 0)
    return esp_error_set (component->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s' has two scales, '.scale_weight' and '.weight_scale'",
                          target->weight.file, esp_shown_length (target->name), target->name);
  if (target->foreign == NULL && target->weight.dtype != ESP_F8_E4M3
      && target->weight.dtype != ESP_F8_E5M2 && scale != 1)
    return esp_error_set (component->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s' has a scale, %g, but is %s, expected F8_E4M3 or "
                          "F8_E5M2",
                          target->weight.file, esp_shown_length (target->name), target->name,
                          (double) scale, esp_dtype_name (target->weight.dtype));
  target->weight.scale = scale;
  return ESP_OK;
}

static EspStatus
resolve_entry (const Component *component, const EspTensorFile *file, EspTensorEntry *entry,
               bool formats)
{
  const char *format = NULL;
  size_t stem = 0;
  Role role = find_role (entry->name, &stem, &format);

  if (role == PLAIN)
    return ESP_OK;
  entry->hidden = true;
  if (formats && role == OTHER_FORMAT)
    return other_format (component, file->path, entry->name, stem, format);
  if (formats && role == LAYER_FORMAT)
    return check_layer_tensor (component, file, entry, stem);
  if (!formats && role == WEIGHT_SCALE)
    return apply_scale (component, entry, stem);
  return ESP_OK;
}

EspStatus
esp_resolve_scales (EspTensorFile *const *files, int count, EspError *error)
{
  Component component = { files, count, error };
  EspStatus status = ESP_OK;

  /* The formats first: what looks like a bad scale may be a good one of another format. */
  for (int i = 0; i < count && status == ESP_OK; i++)
    status = files[i]->kind == ESP_TENSOR_FILE_SAFETENSORS ? check_header (&component, files[i])
                                                           : ESP_OK;
  for (int formats = 1; formats >= 0; formats--)
    for (int i = 0; i < count; i++)
      for (int64_t j = 0; j < files[i]->count && status == ESP_OK; j++)
        status = resolve_entry (&component, files[i], &files[i]->entries[j], formats == 1);

  /* A scale of 1 is none. */
  for (int i = 0; i < count; i++)
    for (int64_t j = 0; j < files[i]->count; j++)
      if (files[i]->entries[j].weight.scale == 1)
        files[i]->entries[j].weight.scale = 0;
  return status;
}
