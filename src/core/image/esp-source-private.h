/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-source-private.h: a file being decoded, and the sentences that say what is wrong with it. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

/* The whole file in memory, with what every decoder needs. Borrowed pointers throughout. */
typedef struct
{
  const guint8 *data;
  gsize size;
  const char *name;     /* as shown to the user */
  EspPictureInfo *info; /* never NULL */
  GCancellable *cancellable;
} EspSource;

/* Reads a picture file: regular, 1…ESP_PICTURE_MAX_FILE_SIZE bytes, and beginning as one of the
 * known formats does. */
GBytes *_esp_source_read_file (const char *path, const char *name, GCancellable *cancellable,
                               GError **error);
gboolean _esp_source_check_size (const EspSource *source, guint64 width, guint64 height,
                                 GError **error);
void _esp_source_damaged (const EspSource *source, GError **error, const char *detail);
void _esp_source_warn (const EspSource *source, char *message);

/* The decoders. Each returns the picture as the file stores it, sRGB and opaque but not yet turned,
 * and sets source->info; info->orientation says how to turn it. */
EspPicture *_esp_decode_png (const EspSource *source, GError **error);
EspPicture *_esp_decode_jpeg (const EspSource *source, GError **error);
EspPicture *_esp_decode_webp (const EspSource *source, GError **error);
EspPicture *_esp_decode_tiff (const EspSource *source, GError **error);
EspPicture *_esp_decode_gif (const EspSource *source, GError **error);
EspPicture *_esp_decode_ppm (const EspSource *source, GError **error);
EspPicture *_esp_decode_pixbuf (const EspSource *source, GError **error);

/* Whether the first bytes are those of a format that _esp_decode_pixbuf () handles, loader or not.
 */
gboolean _esp_pixbuf_knows (const EspSource *source);

G_END_DECLS
