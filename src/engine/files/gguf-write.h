/* SPDX-License-Identifier: MIT */
/* gguf-write.h: the header of a GGUF file, version 3. Internal to files/. */
#pragma once

#include "files/gguf.h"

#define ESP_GGUF_ALIGNMENT 32

typedef struct EspGgufTensor
{
  const char *name;
  EspDType dtype;
  int dims;
  const int64_t *shape; /* outermost first */
  uint64_t offset;      /* within the data, a multiple of ESP_GGUF_ALIGNMENT */
} EspGgufTensor;

/* What the metadata says beyond what is taken over from `source`. */
typedef struct EspGgufAbout
{
  const char *architecture; /* "flux"; counts only where `source` says none */
  uint32_t file_type;       /* llama.cpp's number for the mixture of formats */
  const EspGguf *source;    /* or NULL */
} EspGgufAbout;

/* The whole header, padded to where the data begins, in fresh memory that the caller frees.
 * ESP_ERROR_UNSUPPORTED for what the container cannot hold; ESP_ERROR_MEMORY. `path` is for
 * messages. */
EspStatus esp_gguf_header_new (const char *path, const EspGgufAbout *about,
                               const EspGgufTensor *tensors, int64_t count, unsigned char **bytes,
                               size_t *length, EspError *error);
