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
  ESP_DTYPE_COUNT
} EspDType;

/* "F32", "F16", "BF16", "I32": the spelling of the safetensors header. Static storage. */
const char *esp_dtype_name (EspDType dtype);

/* Finds the type whose name has the `length` bytes at `name`; returns false if there is none. */
_Bool esp_dtype_from_name (const char *name, size_t length, EspDType *dtype);

/* Bytes that `count` elements take. `count` ≥ 0; the caller has checked the product for overflow.
 */
size_t esp_dtype_bytes (EspDType dtype, int64_t count);

/* Widens `count` elements at `source` (any alignment) to f32. Exact for all three float formats.
 * ESP_I32 is converted by value. */
void esp_to_f32 (EspDType dtype, const void *source, float *destination, int64_t count);

/* Narrows f32 to bf16, round to nearest even; NaN stays NaN. */
void esp_f32_to_bf16 (const float *source, uint16_t *destination, int64_t count);

/* The first index whose element is NaN or infinite, or -1 if all are finite. Bounded by memory
 * bandwidth: it looks at exponent bits and converts nothing. */
int64_t esp_find_non_finite (EspDType dtype, const void *source, int64_t count);
