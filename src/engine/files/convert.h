/* SPDX-License-Identifier: MIT */
/* convert.h: one weights file of a model to another number format.
 *
 * The numbers stream: at any time a few megabytes of them are in memory, however large the file.
 */
#pragma once

#include <stdint.h>

#include "status.h"

typedef enum
{
  ESP_CONVERT_Q8_0, /* GGUF */
  ESP_CONVERT_Q4_K, /* GGUF */
  ESP_CONVERT_FP8,  /* safetensors; F8_E4M3 with a scale for each tensor */
  ESP_CONVERT_BF16, /* safetensors */
} EspConvertType;

/* "q8_0", "q4_k", "fp8", "bf16". Static. */
const char *esp_convert_type_name (EspConvertType type);
bool esp_convert_type_from_name (const char *name, EspConvertType *type);

typedef struct EspConvertRequest
{
  const char *input; /* a safetensors or GGUF file, an index of shards, or a folder with either */
  const char *output;
  EspConvertType type;
  int threads; /* 0: one for each core */
  /* Called now and then with the bytes read so far and of all tensors; false stops. May be NULL. */
  bool (*progress) (void *data, uint64_t done, uint64_t total);
  void *data;
} EspConvertRequest;

typedef struct EspConvertReport
{
  int64_t converted;  /* tensors in the new format */
  int64_t kept;       /* tensors that stay in more precise numbers */
  int64_t left_out;   /* tensors of whole numbers that the new file has no room for */
  uint64_t bytes_in;  /* of the files read */
  uint64_t bytes_out; /* of the file written */
} EspConvertReport;

/* Writes request->output through a temporary file beside it: it is there as a whole or, after any
 * failure, as it was. Names and metadata stay as they are.
 *
 * Only layers are converted: what has one dimension, convolutions, and the small layers at a
 * model's ends that all others depend on keep their numbers (BF16, where they were in blocks or
 * fp8). bf16 takes in everything. A layer whose rows are no whole blocks of 256 becomes Q8_0
 * instead of Q4_K, and stays as it is without whole blocks of 32.
 *
 * Errors: those of opening; ESP_ERROR_NUMERIC for NaN, infinity and numbers that the format cannot
 * hold, by tensor; ESP_ERROR_FILE for what the system refuses and a disk without room;
 * ESP_ERROR_ARGUMENT where input and output are one; ESP_ERROR_UNSUPPORTED; ESP_ERROR_CANCELLED. */
EspStatus esp_convert (const EspConvertRequest *request, EspConvertReport *report, EspError *error);
