/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wide-file.h: a list of tensors as a safetensors or GGUF file, a few megabytes in memory at a
 * time. */
#pragma once

#include <stdbool.h>

#include "wide-tensors.h"

typedef enum
{
  WIDE_F32,
  WIDE_BF16,
  WIDE_FP8, /* E4M3, as a plain cast */
  WIDE_Q8_0,
  WIDE_Q4_K,
  WIDE_TYPES
} WideType;

/* "f32", "bf16", "fp8", "q8_0", "q4_k". */
const char *wide_type_name (WideType type);
bool wide_type_from_name (const char *name, WideType *type);

/* Those that only GGUF files have. */
bool wide_type_is_block (WideType type);

/* Writes the file through a temporary one; says what failed on stderr. `architecture` is the
 * general.architecture of a GGUF file; NULL makes a safetensors file. Vectors, embedders and what
 * has no whole blocks stay f32 in GGUF and bf16 in safetensors files. */
bool wide_file_write (const char *path, const WideList *list, WideType type,
                      const char *architecture);
