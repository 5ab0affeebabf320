/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-encode-tiff.c: TIFF by libtiff, 8-bit RGB in strips, deflated with the horizontal predictor,
 * tagged as sRGB, the recipe as an XMP packet. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-color-private.h"
#include "esp-encode-private.h"
#include "esp-xmp-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <tiffio.h>

typedef struct
{
  GByteArray *out;
  gsize at;
  char detail[200]; /* libtiff's first complaint */
} TiffWriter;

static tmsize_t
on_read (thandle_t handle, void *data, tmsize_t size)
{
  TiffWriter *self = handle;
  const gsize n = MIN (self->out->len - MIN (self->at, self->out->len), (gsize) size);

  memcpy (data, self->out->data + self->at, n);
  self->at += n;
  return (tmsize_t) n;
}

static tmsize_t
on_write (thandle_t handle, void *data, tmsize_t size)
{
  TiffWriter *self = handle;

  /* GByteArray counts in 32 bits and ends the program beyond that. */
  if (size < 0 || (gsize) size > G_MAXUINT32 / 2 - MIN (self->at, G_MAXUINT32 / 2))
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
  TiffWriter *self = handle;
  const toff_t base = whence == SEEK_CUR ? self->at : whence == SEEK_END ? self->out->len : 0;

  self->at = (gsize) (base + offset);
  return self->at;
}

static int
on_close (thandle_t handle)
{
  return 0;
}

static toff_t
on_size (thandle_t handle)
{
  return ((TiffWriter *) handle)->out->len;
}

static int on_error (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
    G_GNUC_PRINTF (4, 0);
static int on_warning (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
    G_GNUC_PRINTF (4, 0);

static int
on_error (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
  TiffWriter *self = data;

  if (self->detail[0] == '\0')
    g_vsnprintf (self->detail, sizeof self->detail, format, args);
  return 1;
}

static int
on_warning (TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
  return 1;
}

static TIFF *
open_tiff (TiffWriter *self)
{
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc ();
  TIFF *tiff;

  TIFFOpenOptionsSetErrorHandlerExtR (options, on_error, self);
  TIFFOpenOptionsSetWarningHandlerExtR (options, on_warning, self);
  tiff = TIFFClientOpenExt ("picture", "wl", self, on_read, on_write, on_seek, on_close, on_size,
                            NULL, NULL, options);
  TIFFOpenOptionsFree (options);
  return tiff;
}

static void
set_recipe (TIFF *tiff, const EspRecipe *recipe)
{
  g_autofree char *xmp = _esp_xmp_build (recipe, 0, NULL, NULL);

  if (recipe->prompt != NULL && recipe->prompt[0] != '\0')
    TIFFSetField (tiff, TIFFTAG_IMAGEDESCRIPTION, recipe->prompt);
  if (recipe->software != NULL && recipe->software[0] != '\0')
    TIFFSetField (tiff, TIFFTAG_SOFTWARE, recipe->software);
  TIFFSetField (tiff, TIFFTAG_XMLPACKET, (guint32) strlen (xmp), xmp);
}

static gboolean
write_picture (TIFF *tiff, EspPicture *picture, const EspRecipe *recipe, GCancellable *cancellable,
               GError **error)
{
  const gsize stride = (gsize) picture->width * 3;
  g_autoptr (GBytes) profile = _esp_color_srgb_profile ();
  g_autofree guint8 *row = g_malloc (stride);

  TIFFSetField (tiff, TIFFTAG_IMAGEWIDTH, (guint32) picture->width);
  TIFFSetField (tiff, TIFFTAG_IMAGELENGTH, (guint32) picture->height);
  TIFFSetField (tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField (tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField (tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField (tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField (tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  TIFFSetField (tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
  TIFFSetField (tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  TIFFSetField (tiff, TIFFTAG_ROWSPERSTRIP, MAX (1, (guint32) (262144 / stride)));
  TIFFSetField (tiff, TIFFTAG_ICCPROFILE, (guint32) g_bytes_get_size (profile),
                g_bytes_get_data (profile, NULL));
  if (recipe != NULL)
    set_recipe (tiff, recipe);

  for (gsize y = 0; y < (gsize) picture->height; y++)
    {
      if (y % 64 == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      /* The predictor works in place. */
      memcpy (row, picture->pixels + y * stride, stride);
      if (TIFFWriteScanline (tiff, row, (guint32) y, 0) < 0)
        return FALSE;
    }
  return TIFFFlush (tiff) != 0;
}

GBytes *
_esp_encode_tiff (EspPicture *picture, const EspRecipe *recipe, const EspSaveOptions *options,
                  GCancellable *cancellable, GError **error)
{
  TiffWriter self = { .out = g_byte_array_new () };
  TIFF *tiff = open_tiff (&self);
  GError *why = NULL;
  gboolean ok = FALSE;

  if (tiff != NULL)
    {
      ok = write_picture (tiff, picture, recipe, cancellable, &why);
      TIFFClose (tiff);
    }
  if (ok && self.detail[0] == '\0')
    return g_byte_array_free_to_bytes (self.out);

  g_byte_array_unref (self.out);
  if (why == NULL)
    g_set_error (&why, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
                 _ ("The picture cannot be written as TIFF: %s"), self.detail);
  g_propagate_error (error, why);
  return NULL;
}
