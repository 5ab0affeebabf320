/* SPDX-License-Identifier: MIT */
#include "model/edit-dump.h"

#include <stdlib.h>
#include <string.h>

static void
add (EspDump *dump, EspWeight tensor, const void *values)
{
  size_t bytes = esp_dtype_bytes (tensor.dtype, tensor.count);
  void *copy;

  if (!dump->wanted || dump->count == ESP_DUMP_MAX)
    return;
  copy = malloc (bytes);
  if (copy == NULL)
    {
      dump->out_of_memory = true;
      return;
    }
  memcpy (copy, values, bytes);
  tensor.data = copy;
  dump->tensors[dump->count++] = tensor;
}

void
esp_dump_add (EspDump *dump, const char *name, EspDType dtype, const void *values, int64_t rows,
              int64_t cols)
{
  EspWeight tensor = { .name = name, .dtype = dtype, .dims = 1, .shape = { cols }, .count = cols };

  if (rows > 0)
    {
      tensor.dims = 2;
      tensor.shape[0] = rows;
      tensor.shape[1] = cols;
      tensor.count = rows * cols;
    }
  add (dump, tensor, values);
}

void
esp_dump_add_image (EspDump *dump, const char *name, const float *values, int64_t height,
                    int64_t width)
{
  add (dump,
       (EspWeight){ .name = name,
                    .dtype = ESP_F32,
                    .dims = 3,
                    .shape = { height, width, 3 },
                    .count = height * width * 3 },
       values);
}

EspStatus
esp_dump_write (const EspDump *dump, const char *path, EspError *error)
{
  if (dump->out_of_memory)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory for the tensors to dump",
                          path);
  return esp_safetensors_write (path, dump->tensors, dump->count, error);
}

void
esp_dump_clear (EspDump *dump)
{
  for (int i = 0; i < dump->count; i++)
    free ((void *) dump->tensors[i].data);
  dump->count = 0;
}
