/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tiff-file.h: a TIFF file in memory as libtiff wants it, to read or to write. */
#pragma once

#include <glib.h>
#include <tiffio.h>

G_BEGIN_DECLS

/* Borrowed by the open TIFF; set either `data` and `size` or `out`, the rest to 0. */
typedef struct
{
  const guint8 *data; /* what is read */
  gsize size;
  GByteArray *out; /* or where it is written */
  gsize at;
  char detail[200]; /* libtiff's first complaint */
} EspTiffFile;

TIFF *_esp_tiff_open (EspTiffFile *file);

G_END_DECLS
