/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-exif-read-private.h: the little of EXIF that matters here: orientation and texts. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The orientation (1…8) in a TIFF-structured EXIF block, with or without its "Exif\0\0" prefix; 1
 * if there is none or the block is broken. */
int _esp_exif_orientation (const guint8 *data, gsize size);

enum
{
  ESP_EXIF_IMAGE_DESCRIPTION = 0x010e,
  ESP_EXIF_MAKE = 0x010f,
  ESP_EXIF_MODEL = 0x0110,
  ESP_EXIF_USER_COMMENT = 0x9286,
};

/* The text under a tag of the first or the Exif directory as UTF-8, or NULL. */
char *_esp_exif_dup_text (const guint8 *data, gsize size, guint tag);

G_END_DECLS
