/* SPDX-License-Identifier: MIT */
/* tensor-file.h: one memory-mapped file of named tensors, checked in full, whatever its container.
 * Internal to files/: everyone else sees the tensors of a component through weights.h.
 *
 * Which container a file is, its first bytes say, never its name. A reader (safetensors.c, gguf.c)
 * fills in header, data and entries from the map and reads no tensor data.
 *
 * A file that another program makes shorter while it is mapped raises SIGBUS when a lost page is
 * read, as with any mapped file. That is not handled: model files are installed, not edited.
 */
#pragma once

#include "files/weights.h"

/* A file of fewer bytes is none. */
#define ESP_TENSOR_FILE_MIN 8

typedef enum
{
  ESP_TENSOR_FILE_SAFETENSORS,
  ESP_TENSOR_FILE_GGUF,
} EspTensorFileKind;

typedef struct EspTensorEntry
{
  EspWeight weight; /* dtype is meaningless when `foreign` is set */
  char *name;       /* owns weight.name */
  /* The file's name of a number format that its container knows and this engine cannot compute
   * with, else NULL. Static storage. */
  const char *foreign;
  int64_t begin, end; /* within the data */
  bool hidden;        /* only there for another tensor, and of no use any more */
} EspTensorEntry;

typedef struct EspTensorFile
{
  char *path;
  EspTensorFileKind kind;
  const unsigned char *map; /* the whole file */
  size_t size;
  const unsigned char *data; /* from the header's end to the file's end; tensors lie in it */
  size_t data_bytes;
  EspTensorEntry *entries; /* in name order (strcmp) */
  int64_t count;
  /* safetensors: "_quantization_metadata" of the header's "__metadata__", NUL-terminated, or NULL.
   */
  char *quantization;
  struct json_t *metadata; /* safetensors: a copy of "__metadata__", or NULL */
  struct EspGguf *gguf;    /* GGUF: its metadata, else NULL */
} EspTensorFile;

/* Maps `path` and checks its header. Errors: ESP_ERROR_FILE; ESP_ERROR_FORMAT;
 * ESP_ERROR_UNSUPPORTED for a tensor of more than ESP_WEIGHT_MAX_DIMS dimensions or a number format
 * that nobody knows; ESP_ERROR_MEMORY. */
EspStatus esp_tensor_file_open (const char *path, EspTensorFile **file, EspError *error);
void esp_tensor_file_close (EspTensorFile *file); /* NULL is allowed */

/* Brings the entries into name order and refuses data that overlaps; the last step of a reader. */
EspStatus esp_tensor_file_finish (EspTensorFile *file, EspError *error);

/* The tensor called `name`, computable or not, hidden or not; or NULL. */
EspTensorEntry *esp_tensor_file_find (const EspTensorFile *file, const char *name);

/* How many bytes of a tensor's name a message shows: at most 160, cut between characters. For
 * printf's "%.*s". */
int esp_shown_length (const char *name);

/* The mapped files of a component, in the order of their base names. */
const EspTensorFile *esp_weights_file (const EspWeights *weights, int index);
