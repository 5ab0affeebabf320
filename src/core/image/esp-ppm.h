/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-ppm.h: where the pixels are in a binary PPM file (P6, 8 bits). */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

typedef struct
{
  int width;
  int height;
  const guint8 *pixels; /* in the file, height × width × 3 bytes that are all there */
} EspPpm;

/* Messages call the file `name`. FALSE: ESP_IMAGE_ERROR. */
gboolean esp_ppm_find_pixels (const guint8 *data, gsize size, const char *name, EspPpm *ppm,
                              GError **error);

G_END_DECLS
