/* SPDX-License-Identifier: MIT */
#include "files/tensor-file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "files/gguf.h"
#include "files/regular-file.h"
#include "files/safetensors.h"

int
esp_shown_length (const char *name)
{
  const int limit = 160;
  int length = (int) strnlen (name, (size_t) limit + 1);

  if (length <= limit)
    return length;
  length = limit;
  while (length > 0 && ((unsigned char) name[length] & 0xC0) == 0x80)
    length--;
  return length;
}

/* --- What both containers need ------------------------------------------------------------- */

static int
compare_names (const void *a, const void *b)
{
  return strcmp (((const EspTensorEntry *) a)->name, ((const EspTensorEntry *) b)->name);
}

static int
compare_name (const void *name, const void *entry)
{
  return strcmp (name, ((const EspTensorEntry *) entry)->name);
}

EspTensorEntry *
esp_tensor_file_find (const EspTensorFile *file, const char *name)
{
  return bsearch (name, file->entries, (size_t) file->count, sizeof *file->entries, compare_name);
}

static int
compare_offsets (const void *a, const void *b)
{
  const EspTensorEntry *x = *(const EspTensorEntry *const *) a;
  const EspTensorEntry *y = *(const EspTensorEntry *const *) b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

static EspStatus
check_overlaps (const EspTensorFile *file, EspError *error)
{
  const EspTensorEntry **order;
  EspStatus status = ESP_OK;
  int64_t used = 0;

  order = malloc (sizeof *order * (size_t) (file->count + 1));
  if (order == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", file->path);
  for (int64_t i = 0; i < file->count; i++)
    if (file->entries[i].begin < file->entries[i].end)
      order[used++] = &file->entries[i];
  qsort (order, (size_t) used, sizeof *order, compare_offsets);
  for (int64_t i = 1; i < used && status == ESP_OK; i++)
    if (order[i]->begin < order[i - 1]->end)
      status = esp_error_set (error, ESP_ERROR_FORMAT,
                              "%s: the data of tensor '%.*s' and tensor '%.*s' overlap", file->path,
                              esp_shown_length (order[i - 1]->name), order[i - 1]->name,
                              esp_shown_length (order[i]->name), order[i]->name);
  free (order);
  return status;
}

EspStatus
esp_tensor_file_finish (EspTensorFile *file, EspError *error)
{
  qsort (file->entries, (size_t) file->count, sizeof *file->entries, compare_names);
  for (int64_t i = 1; i < file->count; i++)
    if (strcmp (file->entries[i - 1].name, file->entries[i].name) == 0)
      return esp_error_set (error, ESP_ERROR_FORMAT, "%s: tensor '%.*s' is there twice", file->path,
                            esp_shown_length (file->entries[i].name), file->entries[i].name);
  return check_overlaps (file, error);
}

/* --- The file -------------------------------------------------------------------------------- */

static EspStatus
map_file (EspTensorFile *file, EspError *error)
{
  uint64_t size = 0;
  int fd = -1;
  void *map;
  EspStatus status;

  status = esp_regular_file_open (file->path, &fd, &size, error);
  if (status != ESP_OK)
    return status;
  if (size < ESP_TENSOR_FILE_MIN || size > INT64_MAX || size > SIZE_MAX)
    {
      close (fd);
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: has %llu bytes, which is no safetensors or GGUF file", file->path,
                            (unsigned long long) size);
    }
  map = mmap (NULL, (size_t) size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED)
    status = esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be mapped: %m", file->path);
  else
    {
      file->map = map;
      file->size = (size_t) size;
    }
  close (fd);
  return status;
}

EspStatus
esp_tensor_file_open (const char *path, EspTensorFile **file, EspError *error)
{
  EspTensorFile *opened = calloc (1, sizeof *opened);
  EspStatus status;

  if (opened != NULL)
    opened->path = strdup (path);
  if (opened == NULL || opened->path == NULL)
    {
      esp_tensor_file_close (opened);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to open it", path);
    }

  status = map_file (opened, error);
  if (status == ESP_OK)
    status = esp_gguf_is (opened->map, opened->size) ? esp_gguf_read (opened, error)
                                                     : esp_safetensors_read (opened, error);
  if (status == ESP_OK)
    status = esp_tensor_file_finish (opened, error);
  if (status != ESP_OK)
    {
      esp_tensor_file_close (opened);
      return status;
    }
  *file = opened;
  return ESP_OK;
}

void
esp_tensor_file_close (EspTensorFile *file)
{
  if (file == NULL)
    return;
  for (int64_t i = 0; i < file->count; i++)
    free (file->entries[i].name);
  free (file->entries);
  free (file->quantization);
  json_decref (file->metadata);
  esp_gguf_free (file->gguf);
  if (file->map != NULL)
    munmap ((void *) file->map, file->size);
  free (file->path);
  free (file);
}
