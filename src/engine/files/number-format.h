/* SPDX-License-Identifier: MIT */
/* number-format.h: the element types that tensors have in files and in memory.
 *
 * One row of the table in number-format.c per format: a new quantisation is a new row, never a new
 * `switch` in the readers or the kernels' callers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum
{
  ESP_F32,
  ESP_F16,
  ESP_BF16,
  ESP_I32, /* token ids in dumps; never a weight */
  /* One byte each; fn: no infinities (E4M3). Times EspWeight.scale where the file has one. */
  ESP_F8_E4M3,
  ESP_F8_E5M2,
  /* Blocks of 32 or 256 elements with scales of their own, as in GGUF files. */
  ESP_Q4_0,
  ESP_Q4_1,
  ESP_Q5_0,
  ESP_Q5_1,
  ESP_Q8_0,
  ESP_Q2_K,
  ESP_Q3_K,
  ESP_Q4_K,
  ESP_Q5_K,
  ESP_Q6_K,
  ESP_IQ4_NL,
  ESP_IQ4_XS,
  ESP_DTYPE_COUNT
} EspDType;

/* "F32", "F8_E4M3", "Q4_K", …: the spelling of the safetensors header or of GGUF's types. Static
 * storage. */
const char *esp_dtype_name (EspDType dtype);

/* Finds the type whose name has the `length` bytes at `name`; returns false if there is none. */
_Bool esp_dtype_from_name (const char *name, size_t length, EspDType *dtype);

/* Elements that lie together in one block: 1, 32 or 256. Only whole blocks can be addressed: every
 * `count` and every first element below is a multiple of it. */
int esp_dtype_block (EspDType dtype);

/* Bytes that `count` elements take. `count` ≥ 0; the caller has checked the product for overflow.
 */
size_t esp_dtype_bytes (EspDType dtype, int64_t count);

/* Widens `count` elements at `source` (any alignment) to f32. Exact for all five float formats.
 * ESP_I32 is converted by value. The block formats give, to the last bit, what the gguf package's
 * dequantize() gives. */
void esp_to_f32 (EspDType dtype, const void *source, float *destination, int64_t count);

/* Narrows f32 to bf16, round to nearest even; NaN stays NaN. */
void esp_f32_to_bf16 (const float *source, uint16_t *destination, int64_t count);

/* The first index whose element is NaN or infinite, or -1 if all are finite. Bounded by memory
 * bandwidth: it looks at exponent bits and converts nothing; in a block format, at the scales of
 * each block. */
int64_t esp_find_non_finite (EspDType dtype, const void *source, int64_t count);
