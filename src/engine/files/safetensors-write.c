/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "files/atomic-file.h"
#include "files/tensor-file.h"
#include "json-memory.h"

/* Wide formats first, then by name: with a header padded to eight bytes every tensor is aligned to
 * its elements, as the safetensors library lays them out. */
static int
compare_layout (const void *a, const void *b)
{
  const EspWeight *x = *(const EspWeight *const *) a;
  const EspWeight *y = *(const EspWeight *const *) b;
  size_t x_bytes = esp_dtype_bytes (x->dtype, 1), y_bytes = esp_dtype_bytes (y->dtype, 1);

  if (x_bytes != y_bytes)
    return x_bytes > y_bytes ? -1 : 1;
  return strcmp (x->name, y->name);
}

/* The number of elements by the shape, or -1 if it is impossible. */
static int64_t
count_elements (const EspWeight *tensor)
{
  int64_t count = 1;

  if (tensor->dims < 0 || tensor->dims > ESP_WEIGHT_MAX_DIMS)
    return -1;
  if (esp_dtype_block (tensor->dtype) != 1)
    return -1; /* the container has no name for it */
  for (int i = 0; i < tensor->dims; i++)
    if (tensor->shape[i] < 0 || __builtin_mul_overflow (count, tensor->shape[i], &count))
      return -1;
  return count > INT64_MAX / 8 ? -1 : count;
}

static EspStatus
add_entry (json_t *header, const char *path, const EspWeight *tensor, int64_t *offset,
           EspError *error)
{
  int64_t count = count_elements (tensor);
  int64_t end;
  json_t *shape, *entry;

  if (count < 0 || (count > 0 && tensor->data == NULL)
      || __builtin_add_overflow (*offset, (int64_t) esp_dtype_bytes (tensor->dtype, count), &end))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "%s: tensor '%.*s' to be written has an impossible shape or no data",
                          path, esp_shown_length (tensor->name), tensor->name);
  if (json_object_get (header, tensor->name) != NULL || strcmp (tensor->name, "__metadata__") == 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "%s: the name '%.*s' of a tensor to be written is taken", path,
                          esp_shown_length (tensor->name), tensor->name);

  shape = json_array ();
  for (int i = 0; i < tensor->dims; i++)
    json_array_append_new (shape, json_integer (tensor->shape[i]));
  entry = json_pack ("{s:s, s:o, s:[I,I]}", "dtype", esp_dtype_name (tensor->dtype), "shape", shape,
                     "data_offsets", (json_int_t) *offset, (json_int_t) end);
  if (json_object_set_new (header, tensor->name, entry) != 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "%s: tensor '%.*s' to be written: its name is not UTF-8", path,
                          esp_shown_length (tensor->name), tensor->name);
  *offset = end;
  return ESP_OK;
}

/* The header's text, padded with spaces, in fresh memory that the caller frees. */
static EspStatus
make_header (const char *path, const EspWeight *const *tensors, int count, char **text,
             size_t *length, EspError *error)
{
  const unsigned failures = esp_memory_failures ();
  json_t *header = json_object ();
  int64_t offset = 0;
  size_t unpadded, padded = 0;
  EspStatus status = ESP_OK;
  char *buffer = NULL;

  for (int i = 0; i < count && status == ESP_OK; i++)
    status = add_entry (header, path, tensors[i], &offset, error);
  if (status == ESP_OK)
    {
      unpadded = json_dumpb (header, NULL, 0, JSON_COMPACT);
      padded = (unpadded + 7) / 8 * 8;
      buffer = unpadded > 0 ? malloc (padded) : NULL;
      if (buffer != NULL)
        {
          memset (buffer, ' ', padded);
          json_dumpb (header, buffer, unpadded, JSON_COMPACT);
        }
    }
  /* What jansson has no memory for it leaves out, or takes for wrong. */
  if (esp_memory_failures () != failures || (status == ESP_OK && buffer == NULL))
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", path);
  if (status == ESP_OK)
    {
      *text = buffer;
      *length = padded;
    }
  else
    free (buffer);
  json_decref (header);
  return status;
}

EspStatus
esp_safetensors_write (const char *path, const EspWeight *tensors, int count, EspError *error)
{
  EspAtomicFile file;
  const EspWeight **order;
  char *header = NULL;
  size_t header_bytes = 0;
  unsigned char length[8];
  EspStatus status;

  order = malloc (sizeof (const EspWeight *) * ((size_t) count + 1));
  if (order == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its header", path);
  for (int i = 0; i < count; i++)
    order[i] = &tensors[i];
  qsort (order, (size_t) count, sizeof (const EspWeight *), compare_layout);

  status = make_header (path, order, count, &header, &header_bytes, error);
  if (status == ESP_OK)
    {
      for (int i = 0; i < 8; i++)
        length[i] = (unsigned char) ((uint64_t) header_bytes >> (8 * i));
      status = esp_atomic_file_open (path, &file, error);
      if (status == ESP_OK)
        status = esp_atomic_file_write (&file, length, sizeof length, error);
      if (status == ESP_OK)
        status = esp_atomic_file_write (&file, header, header_bytes, error);
      for (int i = 0; i < count && status == ESP_OK; i++)
        status = esp_atomic_file_write (
            &file, order[i]->data, esp_dtype_bytes (order[i]->dtype, count_elements (order[i])),
            error);
      status = esp_atomic_file_finish (&file, status, error);
    }
  free (header);
  free (order);
  return status;
}
