/* SPDX-License-Identifier: MIT */
/* gguf-builder.h: writes GGUF files byte by byte, damaged ones above all. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct GgufBuilder
{
  unsigned char *bytes;
  size_t length, capacity;
  uint64_t tensors, values;
} GgufBuilder;

/* Begins a file of version 3. Ends the test program when memory is out, as all of these. */
void gguf_begin (GgufBuilder *gguf);
void gguf_clear (GgufBuilder *gguf);

void gguf_bytes (GgufBuilder *gguf, const void *bytes, size_t length);
void gguf_number (GgufBuilder *gguf, uint64_t number, int bytes); /* little endian */
void gguf_text (GgufBuilder *gguf, const char *text, size_t length);

/* A metadata entry: its key and type; what follows is written by the functions above. */
void gguf_key (GgufBuilder *gguf, const char *key, uint32_t type);
/* The same with an array's type of elements and count. */
void gguf_array (GgufBuilder *gguf, const char *key, uint32_t element, uint64_t count);

/* A tensor's description; extents innermost first, as the file has them. */
void gguf_tensor (GgufBuilder *gguf, const char *name, int dims, const uint64_t *extents,
                  uint32_t type, uint64_t offset);

/* Writes the counts, fills up to the alignment and adds `data_bytes` bytes 0, 1, 2, …; writes the
 * file `name` of the scratch folder, gives its path and clears the builder. */
const char *gguf_finish (GgufBuilder *gguf, const char *name, uint64_t alignment,
                         size_t data_bytes);
