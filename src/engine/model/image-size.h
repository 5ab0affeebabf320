/* SPDX-License-Identifier: MIT */
/* image-size.h: which size a reference picture is brought to. */
#pragma once

#include <stdint.h>

/* Gives the preferred working size for a picture of `source_width` × `source_height` pixels (both
 * ≥ 1). Results are multiples of 16 in 16 … 8192.
 *
 * `working_pixels` 0 means FLUX.1 Kontext's own rule, as diffusers' FluxKontextPipeline applies it:
 * the one of its seventeen sizes whose width : height is nearest, after the source's sides have
 * been floored to multiples of 16; ties go to the narrower. Otherwise (a manifest's working area):
 * the multiples of 16 with an area within ±12.5 % of `working_pixels` and the aspect nearest the
 * source's own, ties to the area nearest `working_pixels`, then to the narrower. Where no multiple
 * of 16 has such an area, only those of the nearest area compete. */
void esp_preferred_size (int64_t working_pixels, int source_width, int source_height, int *width,
                         int *height);
