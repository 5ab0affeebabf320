/* SPDX-License-Identifier: MIT */
/* lanczos.h: resizing of 8-bit pictures, equal to Pillow's to the last bit. */
#pragma once

#include "espalier-engine.h"
#include "status.h"

/* Resizes `source` to `width` × `height` (stretched, not cropped) with the arithmetic of Pillow's
 * Image.resize ((width, height), Image.Resampling.LANCZOS) for an RGB picture: Lanczos with a = 3,
 * widened for reductions (antialiasing), rounded to 8 bits between the passes, coefficients in
 * fixed point with 22 fractional bits. A side that keeps its length is not filtered; a picture that
 * keeps its size is copied.
 *
 * The horizontal pass comes first, except where the picture loses more than twice as many rows as
 * columns: Pillow 13 starts with the vertical pass there (Pillow 12 did not; single samples of such
 * pictures differ from its by the rounding between the passes).
 *
 * On success result->pixels is fresh memory that the caller frees with free(); `result` may not be
 * `source`. Uses all OpenMP threads. Working memory stays near 64 MB unless one output row alone
 * needs more. Errors: ESP_ERROR_ARGUMENT for an empty source or target, ESP_ERROR_MEMORY; *result
 * is then left empty. */
EspStatus esp_lanczos_resize (const EspImage *source, int width, int height, EspImage *result,
                              EspError *error);
