/* SPDX-License-Identifier: MIT */
/* convert-plan.h: what becomes of each tensor of a file that is converted. Internal to files/. */
#pragma once

#include "files/convert.h"
#include "files/weights.h"

typedef struct EspConvertItem
{
  const EspWeight *weight;
  EspDType dtype;  /* of the new file */
  bool scaled;     /* fp8 with a scale beside it */
  bool as_it_is;   /* its bytes are copied */
  bool converted;  /* in the format that was asked for, or the nearest to it */
  uint64_t offset; /* within the new file's data */
  uint64_t bytes;
  float scale; /* where `scaled`, once the numbers were read */
} EspConvertItem;

typedef struct EspConvertPlan
{
  EspConvertItem *items; /* in the order in which they are written */
  int64_t count;
  int64_t left_out;   /* tensors of whole numbers */
  uint64_t bytes_in;  /* of the items */
  uint64_t bytes_out; /* of the data, before the scales */
  bool gguf;          /* what is written */
} EspConvertPlan;

/* Decides for every stored tensor of `weights`. `path` is for messages. ESP_ERROR_FORMAT where
 * there is none; ESP_ERROR_UNSUPPORTED for numbers that cannot be read; ESP_ERROR_MEMORY. */
EspStatus esp_convert_plan (const EspWeights *weights, const char *path, EspConvertType type,
                            EspConvertPlan *plan, EspError *error);
void esp_convert_plan_clear (EspConvertPlan *plan);
