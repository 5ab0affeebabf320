/* SPDX-License-Identifier: MIT */
/* ppm.h: binary PPM files ("P6", 8 bits a channel), the form in which pictures pass between the
 * worker and its client. The format: https://netpbm.sourceforge.net/doc/ppm.html
 */
#pragma once

#include <stdint.h>

#include "espalier-engine.h"

/* Reads the first picture of `path`; the caller frees image->pixels. Nothing is allocated before
 * the file is known to be long enough and to have at most `max_pixels` pixels. Comments are
 * allowed, within a header of at most 4096 bytes. Errors, after which *image is empty:
 * ESP_ERROR_FILE; ESP_ERROR_FORMAT (no PPM, cut short, sides of zero); ESP_ERROR_UNSUPPORTED
 * (another kind of PNM, a maximum other than 255); ESP_ERROR_MEMORY (too many pixels). */
EspStatus esp_ppm_read (const char *path, int64_t max_pixels, EspImage *image, EspError *error);

/* Writes `image` to `path`, as a whole or not at all (atomic-file.h), without waiting for the
 * disk. ESP_ERROR_ARGUMENT for an image without pixels; ESP_ERROR_FILE. */
EspStatus esp_ppm_write (const char *path, const EspImage *image, EspError *error);
