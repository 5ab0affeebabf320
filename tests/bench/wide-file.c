/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wide-file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/atomic-file.h"
#include "files/quantise.h"

#define ALIGNMENT 32
#define BLOCK     256                 /* of which the blocks of all formats are parts */
#define CHUNK     ((int64_t) 1 << 20) /* numbers made and written at a time */

static const struct
{
  const char *name, *safetensors;
  EspDType dtype;
  uint32_t gguf;
} types[WIDE_TYPES] = {
  [WIDE_F32] = { "f32", "F32", ESP_F32, 0 },         [WIDE_BF16] = { "bf16", "BF16", ESP_BF16, 30 },
  [WIDE_FP8] = { "fp8", "F8_E4M3", ESP_F8_E4M3, 0 }, [WIDE_Q8_0] = { "q8_0", NULL, ESP_Q8_0, 8 },
  [WIDE_Q4_K] = { "q4_k", NULL, ESP_Q4_K, 12 },
};

const char *
wide_type_name (WideType type)
{
  return types[type].name;
}

bool
wide_type_from_name (const char *name, WideType *type)
{
  for (int i = 0; i < WIDE_TYPES; i++)
    if (strcmp (name, types[i].name) == 0)
      {
        *type = (WideType) i;
        return true;
      }
  return false;
}

bool
wide_type_is_block (WideType type)
{
  return types[type].safetensors == NULL;
}

/* --- Files --------------------------------------------------------------------------------------
 */

static WideType
type_of (const WideTensor *tensor, WideType wanted)
{
  bool whole = tensor->dims >= 2
               && tensor->shape[tensor->dims - 1] % esp_dtype_block (types[wanted].dtype) == 0;

  if (wanted == WIDE_F32 || wanted == WIDE_BF16)
    return wanted;
  if (!tensor->precise && whole)
    return wanted;
  return wide_type_is_block (wanted) ? WIDE_F32 : WIDE_BF16;
}

static int64_t
bytes_of (const WideTensor *tensor, WideType type)
{
  return (int64_t) esp_dtype_bytes (types[type].dtype, wide_tensor_count (tensor));
}

/* The text or bytes before the data. */
typedef struct Header
{
  char *bytes;
  size_t length;
  FILE *stream;
} Header;

static void
put (Header *header, const void *bytes, size_t count)
{
  fwrite (bytes, 1, count, header->stream);
}

static void
put_number (Header *header, uint64_t number, int bytes)
{
  for (int i = 0; i < bytes; i++)
    putc ((int) (number >> (8 * i) & 0xff), header->stream);
}

static void
put_string (Header *header, const char *text)
{
  put_number (header, strlen (text), 8);
  put (header, text, strlen (text));
}

static void
put_safetensors (Header *header, const WideList *list, WideType type)
{
  int64_t offset = 0;
  char *text;
  size_t length;
  FILE *stream = open_memstream (&text, &length);

  for (int i = 0; i < list->count; i++)
    {
      const WideTensor *tensor = &list->tensors[i];
      WideType own = type_of (tensor, type);
      int64_t bytes = bytes_of (tensor, own);

      fprintf (stream, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i == 0 ? "{" : ",", tensor->name,
               types[own].safetensors);
      for (int d = 0; d < tensor->dims; d++)
        fprintf (stream, "%s%lld", d == 0 ? "" : ",", (long long) tensor->shape[d]);
      fprintf (stream, "],\"data_offsets\":[%lld,%lld]}", (long long) offset,
               (long long) (offset + bytes));
      offset += bytes;
    }
  fputc ('}', stream);
  while (ftell (stream) % 8 != 0)
    fputc (' ', stream);
  fclose (stream);
  put_number (header, length, 8);
  put (header, text, length);
  free (text);
}

static int64_t
aligned (int64_t bytes)
{
  return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void
put_gguf (Header *header, const WideList *list, WideType type, const char *architecture)
{
  int64_t offset = 0;

  put (header, "GGUF", 4);
  put_number (header, 3, 4);
  put_number (header, (uint64_t) list->count, 8);
  put_number (header, 2, 8);
  put_string (header, "general.architecture");
  put_number (header, 8, 4);
  put_string (header, architecture);
  put_string (header, "general.quantization_version");
  put_number (header, 4, 4);
  put_number (header, 2, 4);
  for (int i = 0; i < list->count; i++)
    {
      const WideTensor *tensor = &list->tensors[i];
      WideType own = type_of (tensor, type);

      put_string (header, tensor->name);
      put_number (header, (uint64_t) tensor->dims, 4);
      for (int d = tensor->dims - 1; d >= 0; d--)
        put_number (header, (uint64_t) tensor->shape[d], 8);
      put_number (header, types[own].gguf, 4);
      put_number (header, (uint64_t) offset, 8);
      offset += aligned (bytes_of (tensor, own));
    }
  while (ftell (header->stream) % ALIGNMENT != 0)
    putc (0, header->stream);
}

static EspStatus
write_tensor (EspAtomicFile *file, const WideTensor *tensor, WideType type, bool pad,
              float *numbers, uint8_t *bytes, EspError *error)
{
  static const uint8_t zeros[ALIGNMENT];
  EspDType dtype = types[type].dtype;
  int64_t count = wide_tensor_count (tensor), size = bytes_of (tensor, type);
  EspStatus status = ESP_OK;

  for (int64_t first = 0; first < count && status == ESP_OK; first += CHUNK)
    {
      int64_t some = count - first < CHUNK ? count - first : CHUNK;
      int64_t share = (some / 16 / BLOCK + 1) * BLOCK;

#pragma omp parallel for
      for (int64_t begin = 0; begin < some; begin += share)
        {
          int64_t now = some - begin < share ? some - begin : share;

          wide_tensor_numbers (tensor, first + begin, now, numbers + begin);
          esp_quantise (dtype, numbers + begin, bytes + esp_dtype_bytes (dtype, begin), now);
        }
      status = esp_atomic_file_write (file, bytes, esp_dtype_bytes (dtype, some), error);
    }
  if (pad && status == ESP_OK)
    status = esp_atomic_file_write (file, zeros, (size_t) (aligned (size) - size), error);
  return status;
}

bool
wide_file_write (const char *path, const WideList *list, WideType type, const char *architecture)
{
  EspError error = ESP_ERROR_INIT;
  EspAtomicFile file;
  Header header = { 0 };
  float *numbers = malloc (sizeof *numbers * CHUNK);
  uint8_t *bytes = malloc (sizeof (float) * CHUNK);
  EspStatus status;

  header.stream = open_memstream (&header.bytes, &header.length);
  if (numbers == NULL || bytes == NULL || header.stream == NULL)
    abort ();
  if (architecture != NULL)
    put_gguf (&header, list, type, architecture);
  else
    put_safetensors (&header, list, type);
  fclose (header.stream);

  status = esp_atomic_file_open (path, &file, &error);
  file.durable = false;
  if (status == ESP_OK)
    status = esp_atomic_file_write (&file, header.bytes, header.length, &error);
  for (int i = 0; i < list->count && status == ESP_OK; i++)
    status = write_tensor (&file, &list->tensors[i], type_of (&list->tensors[i], type),
                           architecture != NULL, numbers, bytes, &error);
  status = esp_atomic_file_finish (&file, status, &error);
  if (status != ESP_OK)
    fprintf (stderr, "%s\n", error.message);
  free (header.bytes);
  free (numbers);
  free (bytes);
  return status == ESP_OK;
}
