/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-kind.h: what kind of picture a file is, by its first bytes (never by its name). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In this order in messages between programs (esp-decoder-protocol.h). */
typedef enum
{
  ESP_KIND_NONE, /* no picture that is known here */
  ESP_KIND_PNG,
  ESP_KIND_JPEG,
  ESP_KIND_WEBP,
  ESP_KIND_TIFF,
  ESP_KIND_GIF,
  ESP_KIND_PPM,
  ESP_KIND_BMP,
  ESP_KIND_AVIF,
  ESP_KIND_HEIF,
  ESP_KIND_JPEG_XL,
  ESP_N_KINDS,
} EspPictureKind;

/* Bytes from the beginning that suffice to tell. */
#define ESP_KIND_HEADER_SIZE 64

EspPictureKind esp_picture_kind_find (const guint8 *data, gsize size);

/* "PNG", "JPEG", …, for people; static; NULL for ESP_KIND_NONE. */
const char *esp_picture_kind_get_name (EspPictureKind kind);

/* Whether gdk-pixbuf reads it, if it has a loader. */
gboolean esp_picture_kind_is_of_pixbuf (EspPictureKind kind);

G_END_DECLS
