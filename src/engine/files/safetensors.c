/* SPDX-License-Identifier: MIT */
#include "files/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "files/json-file.h"

#define LENGTH_BYTES 8

/* Every other number format of the safetensors library (its `Dtype`), with its bits an element. */
static const struct
{
  const char *name;
  int bits;
} foreign_formats[] = {
  { "BOOL", 8 },    { "U8", 8 },      { "I8", 8 },          { "U16", 16 },
  { "I16", 16 },    { "U32", 32 },    { "U64", 64 },        { "I64", 64 },
  { "F64", 64 },    { "C64", 64 },    { "F8_E8M0", 8 },     { "F4", 4 },
  { "F6_E2M3", 6 }, { "F6_E3M2", 6 }, { "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 },
};

/* --- One entry of the header --------------------------------------------------------------- */

static EspStatus
bad_tensor (const EspTensorFile *file, const char *name, const char *problem, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_FORMAT, "%s: tensor '%.*s': %s", file->path,
                        esp_shown_length (name), name, problem);
}

static EspStatus
read_dtype (const EspTensorFile *file, EspTensorEntry *entry, const json_t *object, int *bits,
            EspError *error)
{
  const json_t *field = json_object_get (object, "dtype");
  const char *name = json_string_value (field);

  if (name == NULL)
    return bad_tensor (file, entry->name, "its \"dtype\" is missing or not a string", error);
  if (esp_dtype_from_name (name, json_string_length (field), &entry->weight.dtype)
      && esp_dtype_block (entry->weight.dtype) == 1)
    {
      *bits = (int) (8 * esp_dtype_bytes (entry->weight.dtype, 1));
      return ESP_OK;
    }
  for (size_t i = 0; i < sizeof foreign_formats / sizeof foreign_formats[0]; i++)
    if (strcmp (name, foreign_formats[i].name) == 0)
      {
        entry->foreign = foreign_formats[i].name;
        *bits = foreign_formats[i].bits;
        return ESP_OK;
      }
  return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                        "%s: tensor '%.*s' has the unknown number format '%.*s'", file->path,
                        esp_shown_length (entry->name), entry->name, esp_shown_length (name), name);
}

/* Shape and number of elements. With an extent of zero the product is zero whatever the others
 * are. */
static EspStatus
read_shape (const EspTensorFile *file, EspTensorEntry *entry, const json_t *object, EspError *error)
{
  EspWeight *weight = &entry->weight;
  const json_t *field = json_object_get (object, "shape");
  bool empty = false;
  int64_t count = 1;

  if (!json_is_array (field))
    return bad_tensor (file, entry->name, "its \"shape\" is missing or not an array", error);
  if (json_array_size (field) > ESP_WEIGHT_MAX_DIMS)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: tensor '%.*s' has %zu dimensions, expected at most %d", file->path,
                          esp_shown_length (entry->name), entry->name, json_array_size (field),
                          ESP_WEIGHT_MAX_DIMS);
  weight->dims = (int) json_array_size (field);
  for (int i = 0; i < weight->dims; i++)
    {
      const json_t *extent = json_array_get (field, (size_t) i);

      if (!json_is_integer (extent) || json_integer_value (extent) < 0)
        return bad_tensor (file, entry->name,
                           "its \"shape\" holds something that is not a number of elements", error);
      weight->shape[i] = json_integer_value (extent);
      empty = empty || weight->shape[i] == 0;
    }
  for (int i = 0; i < weight->dims && !empty; i++)
    if (__builtin_mul_overflow (count, weight->shape[i], &count))
      return bad_tensor (file, entry->name, "the product of its \"shape\" overflows", error);
  weight->count = empty ? 0 : count;
  return ESP_OK;
}

static EspStatus
read_offsets (const EspTensorFile *file, EspTensorEntry *entry, const json_t *object,
              EspError *error)
{
  const json_t *field = json_object_get (object, "data_offsets");
  const json_t *begin = json_array_get (field, 0), *end = json_array_get (field, 1);

  if (json_array_size (field) != 2 || !json_is_integer (begin) || !json_is_integer (end))
    return bad_tensor (file, entry->name,
                       "its \"data_offsets\" are missing or not two whole numbers", error);
  entry->begin = json_integer_value (begin);
  entry->end = json_integer_value (end);
  if (entry->begin < 0 || entry->begin > entry->end || (uint64_t) entry->end > file->data_bytes)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': its data_offsets [%lld, %lld] do not lie within the "
                          "file's %zu bytes of data",
                          file->path, esp_shown_length (entry->name), entry->name,
                          (long long) entry->begin, (long long) entry->end, file->data_bytes);
  return ESP_OK;
}

static EspStatus
read_entry (const EspTensorFile *file, EspTensorEntry *entry, const char *name,
            const json_t *object, EspError *error)
{
  int64_t bits;
  int bits_each = 0;
  EspStatus status;

  entry->name = strdup (name);
  if (entry->name == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", file->path);
  entry->weight.name = entry->name;
  entry->weight.file = file->path;

  if (!json_is_object (object))
    return bad_tensor (file, name, "expected an object with dtype, shape and data_offsets", error);
  status = read_dtype (file, entry, object, &bits_each, error);
  if (status == ESP_OK)
    status = read_shape (file, entry, object, error);
  if (status == ESP_OK)
    status = read_offsets (file, entry, object, error);
  if (status != ESP_OK)
    return status;

  if (__builtin_mul_overflow (entry->weight.count, (int64_t) bits_each, &bits))
    return bad_tensor (file, name, "the product of its \"shape\" overflows", error);
  if (bits % 8 != 0 || bits / 8 != entry->end - entry->begin)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': its shape and number format need %lld bits, its "
                          "data_offsets span %lld bytes",
                          file->path, esp_shown_length (name), name, (long long) bits,
                          (long long) (entry->end - entry->begin));
  entry->weight.data = file->data + entry->begin;
  return ESP_OK;
}

/* --- The header as a whole ------------------------------------------------------------------ */

static EspStatus
read_metadata (EspTensorFile *file, const json_t *metadata, EspError *error)
{
  const char *text = json_string_value (json_object_get (metadata, "_quantization_metadata"));

  file->metadata = json_is_object (metadata) ? json_incref ((json_t *) metadata) : NULL;
  if (text == NULL)
    return ESP_OK;
  file->quantization = strdup (text);
  return file->quantization != NULL
             ? ESP_OK
             : esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", file->path);
}

static EspStatus
read_header (EspTensorFile *file, const char *header, size_t header_bytes, EspError *error)
{
  json_t *root = NULL;
  const char *name;
  json_t *value;
  EspStatus status;

  status = esp_json_parse_object (header, header_bytes, file->path, true, &root, error);
  if (status != ESP_OK)
    return status;

  file->entries = calloc (json_object_size (root) + 1, sizeof *file->entries);
  if (file->entries == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", file->path);
  else
    json_object_foreach (root, name, value)
    {
      if (strcmp (name, "__metadata__") == 0)
        status = read_metadata (file, value, error);
      else
        status = read_entry (file, &file->entries[file->count++], name, value, error);
      if (status != ESP_OK)
        break;
    }
  json_decref (root);
  return status;
}

EspStatus
esp_safetensors_read (EspTensorFile *file, EspError *error)
{
  uint64_t length = 0;

  for (int i = 0; i < LENGTH_BYTES; i++)
    length |= (uint64_t) file->map[i] << (8 * i);
  if (length > ESP_SAFETENSORS_HEADER_MAX || length > file->size - LENGTH_BYTES)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: is no safetensors or GGUF file, or cut short: its header claims "
                          "%llu bytes, the file has %zu in all",
                          file->path, (unsigned long long) length, file->size);
  file->kind = ESP_TENSOR_FILE_SAFETENSORS;
  file->data = file->map + LENGTH_BYTES + length;
  file->data_bytes = file->size - LENGTH_BYTES - (size_t) length;
  return read_header (file, (const char *) file->map + LENGTH_BYTES, (size_t) length, error);
}
