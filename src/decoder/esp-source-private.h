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
  const int *memory; /* where the pixels go (esp-sealed-memory.h), or NULL: nowhere special */
} EspSource;

gboolean _esp_source_check_size (const EspSource *source, guint64 width, guint64 height,
                                 GError **error);
void _esp_source_damaged (const EspSource *source, GError **error, const char *detail);
void _esp_source_warn (const EspSource *source, char *message);

/* A picture for the pixels as the file stores them; info->orientation has to be set by then, if it
 * is known. */
EspPicture *_esp_source_new_picture (const EspSource *source, int width, int height,
                                     GError **error);

/* The decoders. Each returns the picture as the file stores it, sRGB and opaque but not yet turned,
 * and sets source->info; info->orientation says how to turn it. */
EspPicture *_esp_decode_png (const EspSource *source, GError **error);
EspPicture *_esp_decode_jpeg (const EspSource *source, GError **error);
EspPicture *_esp_decode_webp (const EspSource *source, GError **error);
EspPicture *_esp_decode_tiff (const EspSource *source, GError **error);
EspPicture *_esp_decode_gif (const EspSource *source, GError **error);
EspPicture *_esp_decode_ppm (const EspSource *source, GError **error);
EspPicture *_esp_decode_pixbuf (const EspSource *source, GError **error);

G_END_DECLS
