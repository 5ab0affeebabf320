/* SPDX-License-Identifier: MIT */
/* edit-dump.h: the intermediate tensors of one edit, for comparing engines (`--dump`). */
#pragma once

#include "files/weights.h"

#define ESP_DUMP_MAX 16

/* Copies of tensors, collected while an edit runs. */
typedef struct EspDump
{
  bool wanted; /* nothing is copied otherwise */
  EspWeight tensors[ESP_DUMP_MAX];
  int count;
  bool out_of_memory;
} EspDump;

/* Copies [rows, cols] values (rows 0: [cols]) of type ESP_F32 or ESP_I32 under a static name. */
void esp_dump_add (EspDump *dump, const char *name, EspDType dtype, const void *values,
                   int64_t rows, int64_t cols);

/* Copies a [height, width, 3] picture. */
void esp_dump_add_image (EspDump *dump, const char *name, const float *values, int64_t height,
                         int64_t width);

/* Writes what was collected to `path` as a safetensors file. */
EspStatus esp_dump_write (const EspDump *dump, const char *path, EspError *error);

void esp_dump_clear (EspDump *dump);
