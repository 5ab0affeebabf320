/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tiff.c: see esp-tiff-file.h. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-tiff-file.h"

#include <string.h>

/* No strip or tile of a picture within the limits needs more at once. */
#define MAX_ALLOCATION ((tmsize_t) 2 << 30)

static gsize
get_size (const EspTiffFile *self)
{
  return self->out != NULL ? self->out->len : self->size;
}

static tmsize_t
on_read (thandle_t handle, void *data, tmsize_t size)
{
  EspTiffFile *self = handle;
  const guint8 *from = self->out != NULL ? self->out->data : self->data;
  const gsize whole = get_size (self);
  const gsize n = MIN (whole - MIN (self->at, whole), (gsize) size);

  if (n > 0)
    memcpy (data, from + self->at, n);
  self->at += n;
  return (tmsize_t) n;
}

static tmsize_t
on_write (thandle_t handle, void *data, tmsize_t size)
{
  EspTiffFile *self = handle;

  /* GByteArray counts in 32 bits and ends the program beyond that. */
  if (self->out == NULL || size < 0
      || (gsize) size > G_MAXUINT32 / 2 - MIN (self->at, G_MAXUINT32 / 2))
    return -1;
  if (self->at + (gsize) size > self->out->len)
    {
      const guint old = self->out->len;

      g_byte_array_set_size (self->out, (guint) (self->at + (gsize) size));
      if (self->at > old)
        memset (self->out->data + old, 0, self->at - old);
    }
  memcpy (self->out->data + self->at, data, (gsize) size);
  self->at += (gsize) size;
  return size;
}

static toff_t
on_seek (thandle_t handle, toff_t offset, int whence)
{
  EspTiffFile *self = handle;
  const toff_t base = whence == SEEK_CUR ? self->at : whence == SEEK_END ? get_size (self) : 0;
  const toff_t to = base + offset; /* a negative offset comes as its two's complement */

  if (self->out == NULL && to > self->size)
    return (toff_t) -1;
  self->at = (gsize) to;
  return to;
}

static int
on_close (thandle_t handle)
{
  return 0;
}

static toff_t
on_size (thandle_t handle)
{
  return get_size (handle);
}

static int on_error (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
    G_GNUC_PRINTF (4, 0);
static int on_warning (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
    G_GNUC_PRINTF (4, 0);

static int
on_error (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
  EspTiffFile *self = data;

  if (self->detail[0] == '\0')
    g_vsnprintf (self->detail, sizeof self->detail, format, args);
  return 1;
}

static int
on_warning (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
  return 1; /* unknown tags and the like */
}

TIFF *
_esp_tiff_open (EspTiffFile *file)
{
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc ();
  TIFF *tiff;

  TIFFOpenOptionsSetErrorHandlerExtR (options, on_error, file);
  TIFFOpenOptionsSetWarningHandlerExtR (options, on_warning, file);
  if (file->out == NULL)
    TIFFOpenOptionsSetMaxSingleMemAlloc (options, MAX_ALLOCATION);
  /* "m": not by mmap (); "l": in the byte order of nearly everybody. */
  tiff = TIFFClientOpenExt ("picture", file->out != NULL ? "wl" : "rm", file, on_read, on_write,
                            on_seek, on_close, on_size, NULL, NULL, options);
  TIFFOpenOptionsFree (options);
  return tiff;
}
