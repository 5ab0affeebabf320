/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-memory.h: pictures whose pixels lie in memory that two processes pass on
 * (esp-sealed-memory.h), so that nobody copies them. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

/* The bytes of the pixels. */
#define ESP_PICTURE_BYTES(width, height) ((gsize) (width) * (gsize) (height) *3)

/* A black picture in the memory `fd`, which gets its size, for whoever is to be given it: once the
 * last reference is gone the memory can be sealed. `fd` stays the caller's. NULL and
 * ESP_IMAGE_ERROR_TOO_LARGE as of esp_picture_new (). */
EspPicture *esp_picture_new_shared (int fd, int width, int height,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether it came from esp_picture_new_shared () or esp_picture_new_sealed (). */
gboolean esp_picture_is_shared (const EspPicture *picture);

/* The picture in sealed memory that esp_sealed_memory_check () took for one of this size. Its
 * pixels may be written to like all others'; that stays in this process. `fd` stays the caller's.
 */
EspPicture *esp_picture_new_sealed (int fd, int width, int height,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
