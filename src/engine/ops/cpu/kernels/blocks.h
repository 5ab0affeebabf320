/* SPDX-License-Identifier: MIT */
/* blocks.h: the block formats of GGUF files as signed bytes with scales.
 *
 * A number is q·scale + minimum, with a scale (and in some formats a minimum, else 0) for each
 * group of 16 or 32. The products are exact in f32, so that with one rounding at most this is to
 * the last bit what esp_to_f32() gives.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "files/number-format.h"

/* Numbers of a group: 16 or 32; 0 for formats without blocks. */
int esp_block_group (EspDType dtype);
/* Whether its groups have minimums. */
bool esp_block_affine (EspDType dtype);

/* n numbers (whole blocks) of a format: q[n], scales[n/group], minimums[n/group]; the last are only
 * written where the format has them. */
typedef void (*EspDecodeBlocks) (const uint8_t *blocks, int64_t n, int8_t *q, float *scales,
                                 float *minimums);
