/* SPDX-License-Identifier: MIT */
/* quantise.h: f32 numbers to the formats that weights are converted to. */
#pragma once

#include "files/number-format.h"

/* True for F32, F16, BF16, F8_E4M3, Q8_0 and Q4_K. */
_Bool esp_can_quantise (EspDType dtype);

/* Writes `count` finite numbers (whole blocks) to `destination` in `dtype`, one that
 * esp_can_quantise() allows. What a format cannot hold becomes infinite or NaN in it
 * (esp_find_non_finite() tells).
 *
 *   F16, BF16   round to nearest, ties to even
 *   F8_E4M3     the same; beyond ±448 the largest number: the caller scales
 *   Q8_0        bit for bit what the gguf package's quantize() gives
 *   Q4_K        least squares over scale and minimum of each group of 32, all numbers alike */
void esp_quantise (EspDType dtype, const float *source, void *destination, int64_t count);

/* Narrows to IEEE binary16, round to nearest even; too large ones become infinite, NaN stays NaN.
 */
uint16_t esp_f32_to_f16 (float number);
