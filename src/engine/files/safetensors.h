/* SPDX-License-Identifier: MIT */
/* safetensors.h: one memory-mapped safetensors file, checked in full. Internal to files/: everyone
 * else sees the tensors of a component through weights.h.
 *
 * The format (https://huggingface.co/docs/safetensors): eight bytes with the header's length,
 * little endian; the header, a JSON object of name → {dtype, shape, data_offsets}; then the data,
 * to which the offsets are relative.
 *
 * A file that another program makes shorter while it is mapped raises SIGBUS when a lost page is
 * read, as with any mapped file. That is not handled: model files are installed, not edited.
 */
#pragma once

#include "files/weights.h"

/* Half of the format's own limit, for the sake of time: a hostile header of 100 MB takes the JSON
 * parser more than a second, and those of real models have less than one megabyte. */
#define ESP_SAFETENSORS_HEADER_MAX 50000000

typedef struct EspSafetensorsEntry
{
  EspWeight weight; /* dtype is meaningless when `foreign` is set */
  char *name;       /* owns weight.name */
  /* The header's name of a number format that the format knows and this engine cannot compute with,
   * else NULL. Static storage. */
  const char *foreign;
  int64_t begin, end; /* within the data */
} EspSafetensorsEntry;

typedef struct EspSafetensors
{
  char *path;
  const unsigned char *map; /* the whole file */
  size_t size;
  const unsigned char *header; /* the JSON text within the map */
  size_t header_bytes;
  const unsigned char *data; /* from the header's end to the file's end */
  size_t data_bytes;
  EspSafetensorsEntry *entries; /* in name order (strcmp) */
  int64_t count;
} EspSafetensors;

/* Maps `path` and checks its header; reads no tensor data. Gaps between tensors and after the last
 * one are tolerated. Errors: ESP_ERROR_FILE; ESP_ERROR_FORMAT; ESP_ERROR_UNSUPPORTED for a tensor
 * of more than ESP_WEIGHT_MAX_DIMS dimensions or a number format that nobody knows;
 * ESP_ERROR_MEMORY.
 */
EspStatus esp_safetensors_open (const char *path, EspSafetensors **file, EspError *error);
void esp_safetensors_close (EspSafetensors *file); /* NULL is allowed */

/* How many bytes of a tensor's name a message shows: at most 160, cut between characters. For
 * printf's "%.*s". */
int esp_shown_length (const char *name);

/* The mapped files of a component, in the order of their base names, for model-hash.c. */
int esp_weights_file_count (const EspWeights *weights);
const EspSafetensors *esp_weights_file (const EspWeights *weights, int index);
