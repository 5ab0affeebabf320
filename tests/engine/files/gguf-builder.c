/* SPDX-License-Identifier: MIT */
#include "gguf-builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

void
gguf_bytes (GgufBuilder *gguf, const void *bytes, size_t length)
{
  if (gguf->length + length > gguf->capacity)
    {
      gguf->capacity = 2 * (gguf->length + length);
      gguf->bytes = realloc (gguf->bytes, gguf->capacity);
      if (gguf->bytes == NULL)
        {
          perror ("realloc");
          exit (99);
        }
    }
  if (length > 0)
    memcpy (gguf->bytes + gguf->length, bytes, length);
  gguf->length += length;
}

void
gguf_number (GgufBuilder *gguf, uint64_t number, int bytes)
{
  unsigned char little[8];

  for (int i = 0; i < 8; i++)
    little[i] = (unsigned char) (number >> (8 * i));
  gguf_bytes (gguf, little, (size_t) bytes);
}

void
gguf_text (GgufBuilder *gguf, const char *text, size_t length)
{
  gguf_number (gguf, length, 8);
  gguf_bytes (gguf, text, length);
}

void
gguf_begin (GgufBuilder *gguf)
{
  *gguf = (GgufBuilder){ 0 };
  gguf_bytes (gguf, "GGUF", 4);
  gguf_number (gguf, 3, 4);
  gguf_number (gguf, 0, 8);
  gguf_number (gguf, 0, 8);
}

void
gguf_clear (GgufBuilder *gguf)
{
  free (gguf->bytes);
  *gguf = (GgufBuilder){ 0 };
}

void
gguf_key (GgufBuilder *gguf, const char *key, uint32_t type)
{
  gguf_text (gguf, key, strlen (key));
  gguf_number (gguf, type, 4);
  gguf->values++;
}

void
gguf_array (GgufBuilder *gguf, const char *key, uint32_t element, uint64_t count)
{
  gguf_key (gguf, key, 9);
  gguf_number (gguf, element, 4);
  gguf_number (gguf, count, 8);
}

void
gguf_tensor (GgufBuilder *gguf, const char *name, int dims, const uint64_t *extents, uint32_t type,
             uint64_t offset)
{
  gguf_text (gguf, name, strlen (name));
  gguf_number (gguf, (uint64_t) dims, 4);
  for (int i = 0; i < dims; i++)
    gguf_number (gguf, extents[i], 8);
  gguf_number (gguf, type, 4);
  gguf_number (gguf, offset, 8);
  gguf->tensors++;
}

const char *
gguf_finish (GgufBuilder *gguf, const char *name, uint64_t alignment, size_t data_bytes)
{
  const char *path;

  for (int i = 0; i < 8; i++)
    {
      gguf->bytes[8 + i] = (unsigned char) (gguf->tensors >> (8 * i));
      gguf->bytes[16 + i] = (unsigned char) (gguf->values >> (8 * i));
    }
  while (gguf->length % alignment != 0)
    gguf_number (gguf, 0, 1);
  for (size_t i = 0; i < data_bytes; i++)
    gguf_number (gguf, i, 1);
  path = scratch_write (name, gguf->bytes, gguf->length);
  gguf_clear (gguf);
  return path;
}
