/* SPDX-License-Identifier: MIT */
/* gguf.h: the GGUF container (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions
 * 2 and 3, little endian.
 *
 * A file is: "GGUF", version, number of tensors, number of metadata entries; the metadata (key,
 * type, value); the tensors' names, extents (innermost first: reversed here), types and offsets;
 * then, aligned, the data. Nothing is allocated by a count that the file claims before the bytes
 * that such a count needs were found in the file.
 */
#pragma once

#include "files/tensor-file.h"

/* True if the bytes are those of a GGUF file: by the first four, "GGUF". */
bool esp_gguf_is (const unsigned char *bytes, size_t size);

/* Reads header, metadata and tensor infos of the mapped `file`. A shape that ComfyUI's tools put
 * beside a tensor (`comfy.gguf.orig_shape.NAME`) is the tensor's. Errors:
 * esp_tensor_file_open()'s. */
EspStatus esp_gguf_read (EspTensorFile *file, EspError *error);

/* --- Metadata -------------------------------------------------------------------------------- */

typedef enum
{
  ESP_GGUF_UINT8,
  ESP_GGUF_INT8,
  ESP_GGUF_UINT16,
  ESP_GGUF_INT16,
  ESP_GGUF_UINT32,
  ESP_GGUF_INT32,
  ESP_GGUF_FLOAT32,
  ESP_GGUF_BOOL,
  ESP_GGUF_STRING,
  ESP_GGUF_ARRAY,
  ESP_GGUF_UINT64,
  ESP_GGUF_INT64,
  ESP_GGUF_FLOAT64,
  ESP_GGUF_TYPE_COUNT,
} EspGgufType;

typedef struct EspGguf EspGguf;

/* One metadata entry; a view into the map. */
typedef struct EspGgufValue
{
  const char *key; /* NUL-terminated */
  EspGgufType type;
  EspGgufType element; /* of an array, else `type` */
  uint64_t count;      /* of an array's elements, else 1 */
  const unsigned char *data;
  uint64_t bytes; /* of all elements, checked to lie within the file */
} EspGgufValue;

void esp_gguf_free (EspGguf *gguf); /* NULL is allowed */

/* The metadata of the `index`-th file of `weights`, or NULL if that is no GGUF file. */
const EspGguf *esp_weights_gguf (const EspWeights *weights, int index);

int64_t esp_gguf_metadata_count (const EspGguf *gguf);
const EspGgufValue *esp_gguf_metadata_at (const EspGguf *gguf, int64_t index); /* in key order */
const EspGgufValue *esp_gguf_metadata_find (const EspGguf *gguf, const char *key); /* or NULL */

/* The value of `key` if it is there and is a string without NUL, else NULL. NUL-terminated, owned
 * by `gguf`. */
const char *esp_gguf_metadata_text (const EspGguf *gguf, const char *key);

/* The value of `key` if it is there and is an integer (or bool) that fits, else `fallback`. */
int64_t esp_gguf_metadata_int (const EspGguf *gguf, const char *key, int64_t fallback);
/* The same for any number. */
double esp_gguf_metadata_double (const EspGguf *gguf, const char *key, double fallback);

/* Element `index` of an array of numbers, or (index 0) a number itself. False where there is none,
 * or it does not fit. */
bool esp_gguf_element_int (const EspGgufValue *value, uint64_t index, int64_t *number);
bool esp_gguf_element_double (const EspGgufValue *value, uint64_t index, double *number);

/* Walks an array of strings: *at begins at 0 and is moved behind the string, whose bytes (no NUL
 * after them) and length are given. False at the end. The value was checked when the file was
 * opened. */
bool esp_gguf_next_string (const EspGgufValue *array, uint64_t *at, const char **bytes,
                           size_t *length);
