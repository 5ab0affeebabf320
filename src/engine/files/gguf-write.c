/* SPDX-License-Identifier: MIT */
#include "files/gguf-write.h"

#include <stdlib.h>
#include <string.h>

#define VERSION        3
#define DIMS_MAX       4
#define QUANTS_VERSION 2 /* ggml's GGML_QNT_VERSION */

/* Which of ggml's numbers a format has; -1: none. */
static int
type_number (EspDType dtype)
{
  static const int numbers[ESP_DTYPE_COUNT] = {
    [ESP_F32] = 0,      [ESP_F16] = 1,     [ESP_BF16] = 30,   [ESP_I32] = 26,  [ESP_F8_E4M3] = -1,
    [ESP_F8_E5M2] = -1, [ESP_Q4_0] = 2,    [ESP_Q4_1] = 3,    [ESP_Q5_0] = 6,  [ESP_Q5_1] = 7,
    [ESP_Q8_0] = 8,     [ESP_Q2_K] = 10,   [ESP_Q3_K] = 11,   [ESP_Q4_K] = 12, [ESP_Q5_K] = 13,
    [ESP_Q6_K] = 14,    [ESP_IQ4_NL] = 20, [ESP_IQ4_XS] = 23,
  };

  return numbers[dtype];
}

/* --- Bytes that grow ------------------------------------------------------------------------- */

typedef struct
{
  unsigned char *bytes;
  size_t length, capacity;
  bool failed; /* memory was out */
} Bytes;

static void
add_bytes (Bytes *to, const void *bytes, size_t length)
{
  if (!to->failed && length > to->capacity - to->length)
    {
      size_t capacity = 2 * (to->length + length) + 4096;
      unsigned char *larger = realloc (to->bytes, capacity);

      to->failed = larger == NULL;
      if (larger != NULL)
        {
          to->bytes = larger;
          to->capacity = capacity;
        }
    }
  if (to->failed)
    return;
  if (length > 0)
    memcpy (to->bytes + to->length, bytes, length);
  to->length += length;
}

static void
add_number (Bytes *to, uint64_t number, int bytes)
{
  unsigned char little[8];

  for (int i = 0; i < 8; i++)
    little[i] = (unsigned char) (number >> (8 * i));
  add_bytes (to, little, (size_t) bytes);
}

static void
add_text (Bytes *to, const char *text)
{
  add_number (to, strlen (text), 8);
  add_bytes (to, text, strlen (text));
}

/* --- Metadata --------------------------------------------------------------------------------- */

/* Those that are said anew, or that hold for the old file only. */
static bool
is_taken_over (const char *key)
{
  static const char *const others[] = { "general.architecture", "general.file_type",
                                        "general.quantization_version", "general.alignment" };

  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (strcmp (key, others[i]) == 0)
      return false;
  return strncmp (key, "comfy.gguf.orig_shape.", 22) != 0;
}

static uint64_t
add_metadata (Bytes *to, const EspGgufAbout *about)
{
  const char *architecture = about->architecture;
  uint64_t count = 3;

  if (about->source != NULL
      && esp_gguf_metadata_text (about->source, "general.architecture") != NULL)
    architecture = esp_gguf_metadata_text (about->source, "general.architecture");
  add_text (to, "general.architecture");
  add_number (to, ESP_GGUF_STRING, 4);
  add_text (to, architecture);
  add_text (to, "general.quantization_version");
  add_number (to, ESP_GGUF_UINT32, 4);
  add_number (to, QUANTS_VERSION, 4);
  add_text (to, "general.file_type");
  add_number (to, ESP_GGUF_UINT32, 4);
  add_number (to, about->file_type, 4);

  for (int64_t i = 0; about->source != NULL && i < esp_gguf_metadata_count (about->source); i++)
    {
      const EspGgufValue *value = esp_gguf_metadata_at (about->source, i);

      if (!is_taken_over (value->key))
        continue;
      add_text (to, value->key);
      add_number (to, (uint64_t) value->type, 4);
      if (value->type == ESP_GGUF_ARRAY)
        {
          add_number (to, (uint64_t) value->element, 4);
          add_number (to, value->count, 8);
        }
      add_bytes (to, value->data, (size_t) value->bytes);
      count++;
    }
  return count;
}

/* --- The header ------------------------------------------------------------------------------- */

EspStatus
esp_gguf_header_new (const char *path, const EspGgufAbout *about, const EspGgufTensor *tensors,
                     int64_t count, unsigned char **bytes, size_t *length, EspError *error)
{
  Bytes header = { 0 };
  uint64_t values;

  add_bytes (&header, "GGUF", 4);
  add_number (&header, VERSION, 4);
  add_number (&header, (uint64_t) count, 8);
  add_number (&header, 0, 8); /* entries of metadata: filled in below */
  values = add_metadata (&header, about);
  for (int64_t i = 0; i < count; i++)
    {
      const EspGgufTensor *tensor = &tensors[i];

      if (tensor->dims > DIMS_MAX || type_number (tensor->dtype) < 0)
        {
          free (header.bytes);
          return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                                "%s: tensor '%.*s' has %d dimensions of %s, which GGUF has not",
                                path, esp_shown_length (tensor->name), tensor->name, tensor->dims,
                                esp_dtype_name (tensor->dtype));
        }
      add_text (&header, tensor->name);
      add_number (&header, (uint64_t) tensor->dims, 4);
      for (int j = tensor->dims - 1; j >= 0; j--)
        add_number (&header, (uint64_t) tensor->shape[j], 8);
      add_number (&header, (uint64_t) type_number (tensor->dtype), 4);
      add_number (&header, tensor->offset, 8);
    }
  while (!header.failed && header.length % ESP_GGUF_ALIGNMENT != 0)
    add_number (&header, 0, 1);
  if (header.failed)
    {
      free (header.bytes);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", path);
    }
  for (int i = 0; i < 8; i++)
    header.bytes[16 + i] = (unsigned char) (values >> (8 * i));
  *bytes = header.bytes;
  *length = header.length;
  return ESP_OK;
}
