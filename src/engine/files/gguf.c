/* SPDX-License-Identifier: MIT */
#include "files/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "json-memory.h"

/* What a real file stays far below, and beyond which a hostile one would cost time and memory. */
#define HEADER_MAX   (256u << 20)
#define KEY_MAX      65535
#define VALUES_MAX   65536
#define TENSORS_MAX  100000
#define NESTING_MAX  4
#define DIMS_MAX     4
#define ALIGN_MAX    (1 << 20)
#define TEXT_MAX     (1 << 20)
#define ALIGN_NORMAL 32

struct EspGguf
{
  EspGgufValue *values; /* in key order; owns the keys */
  char **texts;         /* of each value that is a string, NUL-terminated, else NULL */
  int64_t count;
};

/* --- Types ------------------------------------------------------------------------------------ */

/* Bytes of a value; 0: it says so itself. */
static const unsigned value_bytes[ESP_GGUF_TYPE_COUNT] = {
  [ESP_GGUF_UINT8] = 1,  [ESP_GGUF_INT8] = 1,  [ESP_GGUF_UINT16] = 2,  [ESP_GGUF_INT16] = 2,
  [ESP_GGUF_UINT32] = 4, [ESP_GGUF_INT32] = 4, [ESP_GGUF_FLOAT32] = 4, [ESP_GGUF_BOOL] = 1,
  [ESP_GGUF_UINT64] = 8, [ESP_GGUF_INT64] = 8, [ESP_GGUF_FLOAT64] = 8,
};

/* ggml's number formats by their number in the file. */
typedef struct
{
  const char *name; /* NULL: there is none, or no longer */
  int native;       /* EspDType, or -1 for one that this engine cannot compute with */
  int block;
  int bytes; /* of a block */
} TensorType;

#define NATIVE(type, block, bytes)                                                                 \
  {                                                                                                \
#type, ESP_##type, block, bytes                                                                \
  }
#define FOREIGN(type, block, bytes)                                                                \
  {                                                                                                \
#type, -1, block, bytes                                                                        \
  }

static const TensorType tensor_types[] = {
  [0] = NATIVE (F32, 1, 4),          [1] = NATIVE (F16, 1, 2),
  [2] = NATIVE (Q4_0, 32, 18),       [3] = NATIVE (Q4_1, 32, 20),
  [6] = NATIVE (Q5_0, 32, 22),       [7] = NATIVE (Q5_1, 32, 24),
  [8] = NATIVE (Q8_0, 32, 34),       [9] = FOREIGN (Q8_1, 32, 40),
  [10] = NATIVE (Q2_K, 256, 84),     [11] = NATIVE (Q3_K, 256, 110),
  [12] = NATIVE (Q4_K, 256, 144),    [13] = NATIVE (Q5_K, 256, 176),
  [14] = NATIVE (Q6_K, 256, 210),    [15] = FOREIGN (Q8_K, 256, 292),
  [16] = FOREIGN (IQ2_XXS, 256, 66), [17] = FOREIGN (IQ2_XS, 256, 74),
  [18] = FOREIGN (IQ3_XXS, 256, 98), [19] = FOREIGN (IQ1_S, 256, 50),
  [20] = NATIVE (IQ4_NL, 32, 18),    [21] = FOREIGN (IQ3_S, 256, 110),
  [22] = FOREIGN (IQ2_S, 256, 82),   [23] = NATIVE (IQ4_XS, 256, 136),
  [24] = FOREIGN (I8, 1, 1),         [25] = FOREIGN (I16, 1, 2),
  [26] = NATIVE (I32, 1, 4),         [27] = FOREIGN (I64, 1, 8),
  [28] = FOREIGN (F64, 1, 8),        [29] = FOREIGN (IQ1_M, 256, 56),
  [30] = NATIVE (BF16, 1, 2),        [34] = FOREIGN (TQ1_0, 256, 54),
  [35] = FOREIGN (TQ2_0, 256, 66),   [39] = FOREIGN (MXFP4, 32, 17),
  [40] = FOREIGN (NVFP4, 64, 36),    [41] = FOREIGN (Q1_0, 128, 18),
};

/* --- Reading in order ------------------------------------------------------------------------- */

typedef struct
{
  EspTensorFile *file;
  size_t at, end; /* within the map */
  EspError *error;
} Cursor;

static EspStatus
cut_short (const Cursor *cursor, const char *where)
{
  if (cursor->end == HEADER_MAX)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                          "%s: its header goes on beyond %u MiB, in %s", cursor->file->path,
                          HEADER_MAX >> 20, where);
  return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                        "%s: is cut short: it ends in %s, at byte %zu", cursor->file->path, where,
                        cursor->at);
}

static bool
has (const Cursor *cursor, uint64_t bytes)
{
  return bytes <= cursor->end - cursor->at;
}

static uint64_t
little_endian (const unsigned char *bytes, int count)
{
  uint64_t value = 0;

  for (int i = 0; i < count; i++)
    value |= (uint64_t) bytes[i] << (8 * i);
  return value;
}

static bool
read_number (Cursor *cursor, int bytes, uint64_t *value)
{
  if (!has (cursor, (uint64_t) bytes))
    return false;
  *value = little_endian (cursor->file->map + cursor->at, bytes);
  cursor->at += (size_t) bytes;
  return true;
}

/* Is it UTF-8 without NUL, so that messages can show it and lookups find it? ESP_ERROR_FORMAT,
 * without a message, if not; ESP_ERROR_MEMORY, with one, when that is not known. */
static EspStatus
check_text (const Cursor *cursor, const unsigned char *bytes, size_t length)
{
  const unsigned failures = esp_memory_failures ();
  json_t *text = NULL;

  if (memchr (bytes, '\0', length) == NULL)
    text = json_stringn ((const char *) bytes, length);
  json_decref (text);
  if (text != NULL)
    return ESP_OK;
  if (esp_memory_failures () != failures)
    return esp_error_set (cursor->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                          cursor->file->path);
  return ESP_ERROR_FORMAT;
}

/* A name of 1 to KEY_MAX bytes in fresh memory; `where` tells whose. */
static EspStatus
read_name (Cursor *cursor, const char *where, char **name)
{
  const unsigned char *bytes;
  uint64_t length = 0;
  EspStatus status;

  if (!read_number (cursor, 8, &length))
    return cut_short (cursor, where);
  if (length == 0 || length > KEY_MAX)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                          "%s: %s has %llu bytes, expected 1 to %d", cursor->file->path, where,
                          (unsigned long long) length, KEY_MAX);
  if (!has (cursor, length))
    return cut_short (cursor, where);
  bytes = cursor->file->map + cursor->at;
  status = check_text (cursor, bytes, (size_t) length);
  if (status == ESP_ERROR_FORMAT)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT, "%s: %s is not UTF-8 text",
                          cursor->file->path, where);
  if (status != ESP_OK)
    return status;
  *name = strndup ((const char *) bytes, (size_t) length);
  cursor->at += (size_t) length;
  if (*name == NULL)
    return esp_error_set (cursor->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                          cursor->file->path);
  return ESP_OK;
}

/* --- Metadata --------------------------------------------------------------------------------- */

static EspStatus
bad_value (const Cursor *cursor, const EspGgufValue *value, const char *problem)
{
  return esp_error_set (cursor->error, ESP_ERROR_FORMAT, "%s: metadata '%.*s': %s",
                        cursor->file->path, esp_shown_length (value->key), value->key, problem);
}

static EspStatus skip_array (Cursor *cursor, const EspGgufValue *value, EspGgufType *element,
                             uint64_t *count, int depth);

/* Moves behind `count` values of a type. */
static EspStatus
skip_values (Cursor *cursor, const EspGgufValue *value, EspGgufType type, uint64_t count, int depth)
{
  EspStatus status = ESP_OK;
  uint64_t bytes;

  if (value_bytes[type] != 0)
    {
      if (__builtin_mul_overflow (count, (uint64_t) value_bytes[type], &bytes)
          || !has (cursor, bytes))
        return bad_value (cursor, value, "claims more elements than the file has bytes");
      cursor->at += (size_t) bytes;
      return ESP_OK;
    }
  for (uint64_t i = 0; i < count && status == ESP_OK; i++)
    if (type == ESP_GGUF_ARRAY)
      {
        EspGgufType element;
        uint64_t elements;

        status = skip_array (cursor, value, &element, &elements, depth + 1);
      }
    else if (!read_number (cursor, 8, &bytes) || !has (cursor, bytes))
      status = bad_value (cursor, value, "holds a string that is longer than the file");
    else
      cursor->at += (size_t) bytes;
  return status;
}

static EspStatus
skip_array (Cursor *cursor, const EspGgufValue *value, EspGgufType *element, uint64_t *count,
            int depth)
{
  uint64_t type = 0;

  if (depth > NESTING_MAX)
    return bad_value (cursor, value, "its arrays are nested too deeply");
  if (!read_number (cursor, 4, &type) || !read_number (cursor, 8, count))
    return bad_value (cursor, value, "the file ends in it");
  if (type >= ESP_GGUF_TYPE_COUNT)
    return bad_value (cursor, value, "is an array of an unknown type");
  *element = (EspGgufType) type;
  return skip_values (cursor, value, *element, *count, depth);
}

static EspStatus
read_value (Cursor *cursor, EspGgufValue *value, char **text)
{
  uint64_t type = 0;
  char *key = NULL;
  size_t begin;
  EspStatus status = read_name (cursor, "a key of its metadata", &key);

  if (status != ESP_OK)
    return status;
  value->key = key;
  if (!read_number (cursor, 4, &type))
    return bad_value (cursor, value, "the file ends in it");
  if (type >= ESP_GGUF_TYPE_COUNT)
    return bad_value (cursor, value, "has an unknown type");
  value->type = value->element = (EspGgufType) type;
  value->count = 1;
  begin = cursor->at;
  if (value->type == ESP_GGUF_ARRAY)
    {
      status = skip_array (cursor, value, &value->element, &value->count, 1);
      begin += 12; /* the element's type and the count */
    }
  else
    status = skip_values (cursor, value, value->type, 1, 0);
  if (status != ESP_OK)
    return status;
  value->data = cursor->file->map + begin;
  value->bytes = cursor->at - begin;

  if (value->type == ESP_GGUF_STRING && value->bytes - 8 <= TEXT_MAX)
    status = check_text (cursor, value->data + 8, (size_t) value->bytes - 8);
  else
    status = ESP_ERROR_FORMAT;
  if (status == ESP_ERROR_MEMORY)
    return status;
  if (status == ESP_OK)
    {
      *text = strndup ((const char *) value->data + 8, (size_t) value->bytes - 8);
      if (*text == NULL)
        return esp_error_set (cursor->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                              cursor->file->path);
    }
  return ESP_OK;
}

typedef struct
{
  EspGgufValue value;
  char *text;
} KeyedText;

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (((const KeyedText *) a)->value.key, ((const KeyedText *) b)->value.key);
}

/* Values and their texts are read side by side, sorted as pairs and then parted. */
static EspStatus
read_metadata (Cursor *cursor, uint64_t count)
{
  EspGguf *gguf = cursor->file->gguf;
  KeyedText *pairs = calloc ((size_t) count + 1, sizeof *pairs);
  uint64_t used = 0;
  EspStatus status = ESP_OK;

  gguf->values = calloc ((size_t) count + 1, sizeof *gguf->values);
  gguf->texts = calloc ((size_t) count + 1, sizeof *gguf->texts);
  if (pairs == NULL || gguf->values == NULL || gguf->texts == NULL)
    status = esp_error_set (cursor->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                            cursor->file->path);
  while (status == ESP_OK && used < count)
    {
      status = read_value (cursor, &pairs[used].value, &pairs[used].text);
      used += pairs[used].value.key != NULL;
    }
  if (used > 0)
    qsort (pairs, (size_t) used, sizeof *pairs, compare_keys);
  for (uint64_t i = 0; i < used; i++)
    {
      gguf->values[i] = pairs[i].value;
      gguf->texts[i] = pairs[i].text;
      gguf->count++;
      if (status == ESP_OK && i > 0 && strcmp (pairs[i - 1].value.key, pairs[i].value.key) == 0)
        status = bad_value (cursor, &pairs[i].value, "is there twice");
    }
  free (pairs);
  return status;
}

void
esp_gguf_free (EspGguf *gguf)
{
  if (gguf == NULL)
    return;
  for (int64_t i = 0; i < gguf->count; i++)
    {
      free ((char *) gguf->values[i].key);
      free (gguf->texts[i]);
    }
  free (gguf->values);
  free (gguf->texts);
  free (gguf);
}

int64_t
esp_gguf_metadata_count (const EspGguf *gguf)
{
  return gguf->count;
}

const EspGgufValue *
esp_gguf_metadata_at (const EspGguf *gguf, int64_t index)
{
  return &gguf->values[index];
}

static int
compare_key (const void *key, const void *value)
{
  return strcmp (key, ((const EspGgufValue *) value)->key);
}

const EspGgufValue *
esp_gguf_metadata_find (const EspGguf *gguf, const char *key)
{
  return bsearch (key, gguf->values, (size_t) gguf->count, sizeof *gguf->values, compare_key);
}

const char *
esp_gguf_metadata_text (const EspGguf *gguf, const char *key)
{
  const EspGgufValue *value = esp_gguf_metadata_find (gguf, key);

  return value != NULL ? gguf->texts[value - gguf->values] : NULL;
}

bool
esp_gguf_element_int (const EspGgufValue *value, uint64_t index, int64_t *number)
{
  unsigned bytes = value_bytes[value->element];
  uint64_t bits;

  if (bytes == 0 || index >= value->count || value->element == ESP_GGUF_FLOAT32
      || value->element == ESP_GGUF_FLOAT64)
    return false;
  bits = little_endian (value->data + index * bytes, (int) bytes);
  switch (value->element)
    {
    case ESP_GGUF_INT8:
      *number = (int8_t) bits; /* NOLINT(bugprone-signed-char-misuse): a number, which has a sign */
      return true;
    case ESP_GGUF_INT16:
      *number = (int16_t) bits;
      return true;
    case ESP_GGUF_INT32:
      *number = (int32_t) bits;
      return true;
    case ESP_GGUF_BOOL:
      *number = bits != 0;
      return true;
    default:
      *number = (int64_t) bits;
      return value->element != ESP_GGUF_UINT64 || bits <= INT64_MAX;
    }
}

bool
esp_gguf_element_double (const EspGgufValue *value, uint64_t index, double *number)
{
  unsigned bytes = value_bytes[value->element];
  int64_t whole;
  uint64_t bits;
  float single;

  if (esp_gguf_element_int (value, index, &whole))
    {
      *number = (double) whole;
      return true;
    }
  if (index >= value->count
      || (value->element != ESP_GGUF_FLOAT32 && value->element != ESP_GGUF_FLOAT64))
    return false;
  bits = little_endian (value->data + index * bytes, (int) bytes);
  if (value->element == ESP_GGUF_FLOAT32)
    {
      uint32_t half = (uint32_t) bits;

      memcpy (&single, &half, sizeof single);
      *number = (double) single;
    }
  else
    memcpy (number, &bits, sizeof *number);
  return true;
}

int64_t
esp_gguf_metadata_int (const EspGguf *gguf, const char *key, int64_t fallback)
{
  const EspGgufValue *value = esp_gguf_metadata_find (gguf, key);
  int64_t number;

  return value != NULL && value->type != ESP_GGUF_ARRAY && esp_gguf_element_int (value, 0, &number)
             ? number
             : fallback;
}

double
esp_gguf_metadata_double (const EspGguf *gguf, const char *key, double fallback)
{
  const EspGgufValue *value = esp_gguf_metadata_find (gguf, key);
  double number;

  return value != NULL && value->type != ESP_GGUF_ARRAY
                 && esp_gguf_element_double (value, 0, &number)
             ? number
             : fallback;
}

bool
esp_gguf_next_string (const EspGgufValue *array, uint64_t *at, const char **bytes, size_t *length)
{
  if (array->element != ESP_GGUF_STRING || *at >= array->bytes)
    return false;
  *length = (size_t) little_endian (array->data + *at, 8);
  *bytes = (const char *) array->data + *at + 8;
  *at += 8 + *length;
  return true;
}

/* --- Tensors ---------------------------------------------------------------------------------- */

static EspStatus
bad_tensor (const Cursor *cursor, const EspTensorEntry *entry, const char *problem)
{
  return esp_error_set (cursor->error, ESP_ERROR_FORMAT, "%s: tensor '%.*s': %s",
                        cursor->file->path, esp_shown_length (entry->name), entry->name, problem);
}

/* Extents are stored innermost first. */
static EspStatus
read_extents (Cursor *cursor, EspTensorEntry *entry)
{
  EspWeight *weight = &entry->weight;
  uint64_t dims = 0, extent = 0;
  bool empty = false;

  if (!read_number (cursor, 4, &dims))
    return bad_tensor (cursor, entry, "the file ends in its description");
  if (dims > DIMS_MAX)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s' has %llu dimensions, expected at most %d",
                          cursor->file->path, esp_shown_length (entry->name), entry->name,
                          (unsigned long long) dims, DIMS_MAX);
  weight->dims = (int) dims;
  weight->count = 1;
  for (int i = weight->dims - 1; i >= 0; i--)
    {
      if (!read_number (cursor, 8, &extent))
        return bad_tensor (cursor, entry, "the file ends in its description");
      if (extent > INT64_MAX)
        return bad_tensor (cursor, entry, "the product of its extents overflows");
      weight->shape[i] = (int64_t) extent;
      empty = empty || extent == 0;
    }
  for (int i = 0; i < weight->dims && !empty; i++)
    if (__builtin_mul_overflow (weight->count, weight->shape[i], &weight->count))
      return bad_tensor (cursor, entry, "the product of its extents overflows");
  weight->count = empty ? 0 : weight->count;
  return ESP_OK;
}

/* Type and place. The data's begin is not known yet: entry->begin is relative to it. */
static EspStatus
read_place (Cursor *cursor, EspTensorEntry *entry)
{
  const EspWeight *weight = &entry->weight;
  const TensorType *type;
  uint64_t number = 0, offset = 0;
  int64_t row = weight->dims > 0 ? weight->shape[weight->dims - 1] : 1, bytes;

  if (!read_number (cursor, 4, &number) || !read_number (cursor, 8, &offset))
    return bad_tensor (cursor, entry, "the file ends in its description");
  type = number < sizeof tensor_types / sizeof tensor_types[0] ? &tensor_types[number] : NULL;
  if (type == NULL || type->name == NULL)
    return esp_error_set (cursor->error, ESP_ERROR_UNSUPPORTED,
                          "%s: tensor '%.*s' has GGUF's number format %llu, which is not known",
                          cursor->file->path, esp_shown_length (entry->name), entry->name,
                          (unsigned long long) number);
  if (type->native < 0)
    entry->foreign = type->name;
  else
    entry->weight.dtype = (EspDType) type->native;
  if (row % type->block != 0)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': its rows have %lld elements, which are no whole "
                          "blocks of %d as %s has them",
                          cursor->file->path, esp_shown_length (entry->name), entry->name,
                          (long long) row, type->block, type->name);
  if (offset > INT64_MAX
      || __builtin_mul_overflow (weight->count / type->block, (int64_t) type->bytes, &bytes)
      || __builtin_add_overflow ((int64_t) offset, bytes, &entry->end))
    return bad_tensor (cursor, entry, "its offset or its size overflows");
  entry->begin = (int64_t) offset;
  return ESP_OK;
}

static EspStatus
read_tensor (Cursor *cursor, EspTensorEntry *entry)
{
  EspStatus status = read_name (cursor, "the name of a tensor", &entry->name);

  if (status != ESP_OK)
    return status;
  entry->weight.name = entry->name;
  entry->weight.file = cursor->file->path;
  status = read_extents (cursor, entry);
  return status == ESP_OK ? read_place (cursor, entry) : status;
}

/* ComfyUI's GGUF tools fold a tensor whose rows are no whole blocks, or that has more than four
 * dimensions, and say its shape in the metadata, outermost first. */
static EspStatus
unfold (Cursor *cursor, EspTensorEntry *entry)
{
  static const char prefix[] = "comfy.gguf.orig_shape.";
  EspWeight *weight = &entry->weight;
  size_t size = sizeof prefix + strlen (entry->name);
  const EspGgufValue *value;
  int64_t product = 1;
  char *key = malloc (size);

  if (key == NULL)
    return esp_error_set (cursor->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                          cursor->file->path);
  memcpy (key, prefix, sizeof prefix - 1);
  memcpy (key + sizeof prefix - 1, entry->name, size - sizeof prefix + 1);
  value = esp_gguf_metadata_find (cursor->file->gguf, key);
  free (key);
  if (value == NULL)
    return ESP_OK;

  if (value->type != ESP_GGUF_ARRAY || value->count > ESP_WEIGHT_MAX_DIMS)
    return bad_value (cursor, value, "expected a short array of extents");
  for (uint64_t i = 0; i < value->count; i++)
    if (!esp_gguf_element_int (value, i, &weight->shape[i]) || weight->shape[i] < 0
        || __builtin_mul_overflow (product, weight->shape[i], &product))
      return bad_value (cursor, value, "holds something that is not a number of elements");
  weight->dims = (int) value->count;
  if (product != weight->count)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                          "%s: metadata '%.*s': its shape has %lld elements, the tensor %lld",
                          cursor->file->path, esp_shown_length (value->key), value->key,
                          (long long) product, (long long) weight->count);
  if (entry->foreign == NULL && weight->dims > 0
      && weight->shape[weight->dims - 1] % esp_dtype_block (weight->dtype) != 0)
    entry->foreign = "BLOCKS-ACROSS-ROWS";
  return ESP_OK;
}

/* Once the data's begin is known. */
static EspStatus
check_place (Cursor *cursor, EspTensorEntry *entry, int64_t alignment)
{
  if (entry->begin % alignment != 0)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': its offset %lld is no multiple of the file's "
                          "alignment, %lld",
                          cursor->file->path, esp_shown_length (entry->name), entry->name,
                          (long long) entry->begin, (long long) alignment);
  if ((uint64_t) entry->end > cursor->file->data_bytes && entry->end > entry->begin)
    return esp_error_set (cursor->error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': its data [%lld, %lld] do not lie within the file's "
                          "%zu bytes of data; is the file complete?",
                          cursor->file->path, esp_shown_length (entry->name), entry->name,
                          (long long) entry->begin, (long long) entry->end,
                          cursor->file->data_bytes);
  if (entry->end > entry->begin)
    entry->weight.data = cursor->file->data + entry->begin;
  else
    {
      entry->begin = entry->end = 0;
      entry->weight.data = cursor->file->data;
    }
  return unfold (cursor, entry);
}

static EspStatus
find_alignment (Cursor *cursor, int64_t *alignment)
{
  const EspGgufValue *value = esp_gguf_metadata_find (cursor->file->gguf, "general.alignment");

  *alignment = ALIGN_NORMAL;
  if (value == NULL)
    return ESP_OK;
  if (value->type == ESP_GGUF_ARRAY || !esp_gguf_element_int (value, 0, alignment) || *alignment < 1
      || *alignment > ALIGN_MAX || (*alignment & (*alignment - 1)) != 0)
    return bad_value (cursor, value, "expected a power of two up to 1 MiB");
  return ESP_OK;
}

static EspStatus
read_tensors (Cursor *cursor, uint64_t count)
{
  EspTensorFile *file = cursor->file;
  int64_t alignment = 0;
  size_t begin;
  EspStatus status = find_alignment (cursor, &alignment);

  if (status != ESP_OK)
    return status;
  file->entries = calloc ((size_t) count + 1, sizeof *file->entries);
  if (file->entries == NULL)
    return esp_error_set (cursor->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                          file->path);
  for (uint64_t i = 0; i < count && status == ESP_OK; i++)
    status = read_tensor (cursor, &file->entries[file->count++]);
  if (status != ESP_OK)
    return status;

  begin = (cursor->at + (size_t) alignment - 1) & ~((size_t) alignment - 1);
  begin = begin < file->size ? begin : file->size;
  file->data = file->map + begin;
  file->data_bytes = file->size - begin;
  for (int64_t i = 0; i < file->count && status == ESP_OK; i++)
    status = check_place (cursor, &file->entries[i], alignment);
  return status;
}

/* --- The file --------------------------------------------------------------------------------- */

bool
esp_gguf_is (const unsigned char *bytes, size_t size)
{
  return size >= 4 && memcmp (bytes, "GGUF", 4) == 0;
}

static EspStatus
check_version (Cursor *cursor)
{
  uint64_t version = 0;

  if (!read_number (cursor, 4, &version))
    return cut_short (cursor, "its first line");
  if (version != 0 && (version & 0xFFFF) == 0)
    return esp_error_set (cursor->error, ESP_ERROR_UNSUPPORTED,
                          "%s: is a big-endian GGUF file; this engine reads little-endian ones",
                          cursor->file->path);
  if (version != 2 && version != 3)
    return esp_error_set (cursor->error, ESP_ERROR_UNSUPPORTED,
                          "%s: is a GGUF file of version %llu, expected 2 or 3", cursor->file->path,
                          (unsigned long long) version);
  return ESP_OK;
}

EspStatus
esp_gguf_read (EspTensorFile *file, EspError *error)
{
  Cursor cursor = { file, 4, file->size < HEADER_MAX ? file->size : HEADER_MAX, error };
  uint64_t tensors = 0, values = 0;
  EspStatus status;

  file->kind = ESP_TENSOR_FILE_GGUF;
  file->gguf = calloc (1, sizeof *file->gguf);
  if (file->gguf == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", file->path);
  status = check_version (&cursor);
  if (status != ESP_OK)
    return status;
  if (!read_number (&cursor, 8, &tensors) || !read_number (&cursor, 8, &values))
    return cut_short (&cursor, "its first line");
  if (tensors > TENSORS_MAX || values > VALUES_MAX)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: claims %llu tensors and %llu metadata entries, expected at most %d "
                          "and %d",
                          file->path, (unsigned long long) tensors, (unsigned long long) values,
                          TENSORS_MAX, VALUES_MAX);
  /* The shortest entry has 14 bytes, the shortest tensor 25. */
  if (!has (&cursor, 14 * values + 25 * tensors))
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: is cut short: it claims %llu tensors and %llu metadata entries and "
                          "has %zu bytes in all",
                          file->path, (unsigned long long) tensors, (unsigned long long) values,
                          file->size);
  status = read_metadata (&cursor, values);
  return status == ESP_OK ? read_tensors (&cursor, tensors) : status;
}
