/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wide-file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/atomic-file.h"
#include "files/number-format.h"

#define ALIGNMENT 32
#define CHUNK     ((int64_t) 1 << 20) /* numbers made and written at a time */

static const struct
{
  const char *name, *safetensors;
  int block, bytes; /* numbers and bytes of one block */
  uint32_t gguf;
} types[WIDE_TYPES] = {
  [WIDE_F32] = { "f32", "F32", 1, 4, 0 },       [WIDE_BF16] = { "bf16", "BF16", 1, 2, 30 },
  [WIDE_FP8] = { "fp8", "F8_E4M3", 1, 1, 0 },   [WIDE_Q8_0] = { "q8_0", NULL, 32, 34, 8 },
  [WIDE_Q4_K] = { "q4_k", NULL, 256, 144, 12 },
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

/* --- From f32 -----------------------------------------------------------------------------------
 */

static uint16_t
to_half (float number)
{
  _Float16 half = (_Float16) number;
  uint16_t bits;

  memcpy (&bits, &half, sizeof bits);
  return bits;
}

static float
from_half (uint16_t bits)
{
  _Float16 half;

  memcpy (&half, &bits, sizeof half);
  return (float) half;
}

/* To the nearest, ties to even; above 448 the largest number. */
static uint8_t
to_e4m3 (float number)
{
  uint8_t sign = signbit (number) ? 0x80 : 0;
  float magnitude = fabsf (number);
  int exponent;

  if (magnitude >= 448)
    return sign | 0x7e;
  frexpf (magnitude, &exponent);
  exponent = exponent - 1 < -6 ? -6 : exponent - 1;
  /* In units of the last place: 8 … 15 where normal, below that subnormal; 16 carries over. */
  return sign | (uint8_t) (lrintf (ldexpf (magnitude, 3 - exponent)) + 8 * (exponent + 6));
}

static void
encode_q8_0 (const float *numbers, uint8_t *block)
{
  float largest = 0, scale, inverse;
  uint16_t half;

  for (int i = 0; i < 32; i++)
    largest = fmaxf (largest, fabsf (numbers[i]));
  scale = largest / 127;
  inverse = scale > 0 ? 1 / scale : 0;
  half = to_half (scale);
  memcpy (block, &half, 2);
  for (int i = 0; i < 32; i++)
    block[2 + i] = (uint8_t) (int8_t) roundf (numbers[i] * inverse);
}

/* Eight groups of 32, each from its least to its largest number. */
static void
encode_q4_k (const float *numbers, uint8_t *block)
{
  float least[8], step[8], most_step = 0, most_least = 0, d, m;
  uint16_t half[2];
  uint8_t s[8], l[8], *packed = block + 4, *quants = block + 16;

  for (int g = 0; g < 8; g++)
    {
      float low = 0, high = 0;

      for (int i = 0; i < 32; i++)
        {
          low = fminf (low, numbers[32 * g + i]);
          high = fmaxf (high, numbers[32 * g + i]);
        }
      least[g] = -low;
      step[g] = (high - low) / 15;
      most_step = fmaxf (most_step, step[g]);
      most_least = fmaxf (most_least, least[g]);
    }
  half[0] = to_half (most_step / 63);
  half[1] = to_half (most_least / 63);
  memcpy (block, half, 4);
  d = from_half (half[0]);
  m = from_half (half[1]);
  memset (packed, 0, 12);
  for (int g = 0; g < 8; g++)
    {
      s[g] = (uint8_t) fminf (63, d > 0 ? roundf (step[g] / d) : 0);
      l[g] = (uint8_t) fminf (63, m > 0 ? roundf (least[g] / m) : 0);
      if (g < 4)
        {
          packed[g] |= s[g];
          packed[4 + g] |= l[g];
        }
      else
        {
          packed[4 + g] |= (uint8_t) ((s[g] & 15) | (l[g] & 15) << 4);
          packed[g - 4] |= (uint8_t) (s[g] >> 4 << 6);
          packed[g] |= (uint8_t) (l[g] >> 4 << 6);
        }
    }
  for (int g = 0; g < 8; g++)
    {
      float scale = d * s[g], offset = m * l[g];

      for (int i = 0; i < 32; i++)
        {
          float q = scale > 0 ? roundf ((numbers[32 * g + i] + offset) / scale) : 0;
          uint8_t bits = (uint8_t) fminf (15, fmaxf (0, q));
          uint8_t *byte = &quants[g / 2 * 32 + i];

          *byte = g % 2 == 0 ? bits : (uint8_t) (*byte | bits << 4);
        }
    }
}

static void
encode (WideType type, const float *numbers, int64_t count, uint8_t *bytes)
{
  int block = types[type].block, size = types[type].bytes;

  if (type == WIDE_F32)
    memcpy (bytes, numbers, (size_t) count * 4);
  else if (type == WIDE_BF16)
    esp_f32_to_bf16 (numbers, (uint16_t *) bytes, count);
  else
#pragma omp parallel for
    for (int64_t i = 0; i < count / block; i++)
      {
        if (type == WIDE_FP8)
          bytes[i] = to_e4m3 (numbers[i]);
        else if (type == WIDE_Q8_0)
          encode_q8_0 (numbers + i * block, bytes + i * size);
        else
          encode_q4_k (numbers + i * block, bytes + i * size);
      }
}

/* --- Files --------------------------------------------------------------------------------------
 */

static WideType
type_of (const WideTensor *tensor, WideType wanted)
{
  bool whole = tensor->dims >= 2 && tensor->shape[tensor->dims - 1] % types[wanted].block == 0;

  if (wanted == WIDE_F32 || wanted == WIDE_BF16)
    return wanted;
  if (!tensor->precise && whole)
    return wanted;
  return wide_type_is_block (wanted) ? WIDE_F32 : WIDE_BF16;
}

static int64_t
bytes_of (const WideTensor *tensor, WideType type)
{
  return wide_tensor_count (tensor) / types[type].block * types[type].bytes;
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
  int64_t count = wide_tensor_count (tensor), size = bytes_of (tensor, type);
  EspStatus status = ESP_OK;

  for (int64_t first = 0; first < count && status == ESP_OK; first += CHUNK)
    {
      int64_t some = count - first < CHUNK ? count - first : CHUNK;
      int64_t share = some / 16 + 1;

#pragma omp parallel for
      for (int64_t begin = 0; begin < some; begin += share)
        wide_tensor_numbers (tensor, first + begin, some - begin < share ? some - begin : share,
                             numbers + begin);
      encode (type, numbers, some, bytes);
      status = esp_atomic_file_write (
          file, bytes, (size_t) (some / types[type].block * types[type].bytes), error);
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
