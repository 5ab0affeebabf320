/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-tiff.c: TIFF by libtiff, first page. libtiff's own RGBA reader handles the many
 * layouts; CMYK in the usual layout is read as it is, because its profile speaks of inks. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-color-private.h"
#include "esp-tiff-file.h"

#include <glib/gi18n-lib.h>

typedef struct
{
  const EspSource *source;
  EspTiffFile file;
} TiffReader;

static gboolean
check_cancelled (const EspSource *source, gsize y, GError **error)
{
  return y % 64 == 0 && g_cancellable_set_error_if_cancelled (source->cancellable, error);
}

/* 8-bit CMYK, interleaved, in strips: the layout that print programs write. */
static gboolean
is_plain_cmyk (TIFF *tiff)
{
  guint16 photometric = 0, planar = 0, bits = 0, samples = 0, inks = 0;

  return TIFFGetField (tiff, TIFFTAG_PHOTOMETRIC, &photometric)
         && photometric == PHOTOMETRIC_SEPARATED
         && TIFFGetFieldDefaulted (tiff, TIFFTAG_PLANARCONFIG, &planar)
         && planar == PLANARCONFIG_CONTIG
         && TIFFGetFieldDefaulted (tiff, TIFFTAG_BITSPERSAMPLE, &bits) && bits == 8
         && TIFFGetFieldDefaulted (tiff, TIFFTAG_SAMPLESPERPIXEL, &samples) && samples == 4
         && TIFFGetFieldDefaulted (tiff, TIFFTAG_INKSET, &inks) && inks == INKSET_CMYK
         && !TIFFIsTiled (tiff);
}

static gboolean
read_cmyk (TiffReader *self, TIFF *tiff, const guint8 *profile, gsize profile_size,
           EspPicture *picture, GError **error)
{
  const gsize width = (gsize) picture->width;
  g_autoptr (EspRowConverter) converter = _esp_row_converter_new (
      self->source, ESP_COLOR_CMYK, FALSE, 8, profile, profile_size, picture->width);
  g_autofree guint8 *row = g_malloc0 (MAX ((gsize) TIFFScanlineSize (tiff), width * 4));

  for (gsize y = 0; y < (gsize) picture->height; y++)
    {
      if (check_cancelled (self->source, y, error))
        return FALSE;
      if (TIFFReadScanline (tiff, row, (guint32) y, 0) < 0)
        {
          _esp_source_damaged (self->source, error, self->file.detail);
          return FALSE;
        }
      _esp_row_converter_run (converter, row, picture->pixels + y * width * 3, picture->width);
    }
  return TRUE;
}

/* libtiff's RGBA reader multiplies colours by alpha, whatever the file says; the profile wants them
 * straight. */
static void
unpack_row (const guint32 *packed, guint8 *row, gsize width, gboolean grey, gboolean alpha)
{
  for (gsize x = 0; x < width; x++)
    {
      const guint a = alpha ? TIFFGetA (packed[x]) : 255;
      guint rgb[3] = { TIFFGetR (packed[x]), TIFFGetG (packed[x]), TIFFGetB (packed[x]) };

      for (int c = 0; c < (grey ? 1 : 3); c++)
        *row++ = (guint8) (a == 255 || a == 0 ? rgb[c] : MIN (255u, (rgb[c] * 255u + a / 2) / a));
      if (alpha)
        *row++ = (guint8) a;
    }
}

static gboolean
has_alpha (TIFF *tiff)
{
  guint16 n = 0;
  guint16 *kinds = NULL;

  return TIFFGetFieldDefaulted (tiff, TIFFTAG_EXTRASAMPLES, &n, &kinds) && n > 0
         && (kinds[0] == EXTRASAMPLE_ASSOCALPHA || kinds[0] == EXTRASAMPLE_UNASSALPHA);
}

static gboolean
read_rgba (TiffReader *self, TIFF *tiff, guint16 orientation, const guint8 *profile,
           gsize profile_size, EspPicture *picture, GError **error)
{
  const gsize width = (gsize) picture->width;
  const gsize height = (gsize) picture->height;
  const gboolean alpha = has_alpha (tiff);
  g_autoptr (EspRowConverter) converter = NULL;
  g_autofree guint32 *raster = NULL;
  g_autofree guint8 *row = g_malloc_n (width, 4);
  guint16 photometric = 0;
  gboolean grey;
  char why[1024] = "";

  TIFFGetField (tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  grey = photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
  if (!TIFFRGBAImageOK (tiff, why))
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("“%s” is a TIFF picture of a kind that cannot be read (%s)"),
                   self->source->name, why);
      return FALSE;
    }
  raster = g_try_malloc_n (width * height, sizeof *raster);
  if (raster == NULL)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("“%s” does not fit into memory"), self->source->name);
      return FALSE;
    }
  /* Asking for the file's own orientation makes libtiff flip nothing; it could not do all eight. */
  if (!TIFFReadRGBAImageOriented (tiff, (guint32) width, (guint32) height, raster, orientation, 1)
      || self->file.detail[0] != '\0')
    {
      _esp_source_damaged (self->source, error, self->file.detail);
      return FALSE;
    }

  converter = _esp_row_converter_new (self->source, grey ? ESP_COLOR_GREY : ESP_COLOR_RGB, alpha, 8,
                                      profile, profile_size, picture->width);
  for (gsize y = 0; y < height; y++)
    {
      if (check_cancelled (self->source, y, error))
        return FALSE;
      unpack_row (raster + y * width, row, width, grey, alpha);
      _esp_row_converter_run (converter, row, picture->pixels + y * width * 3, picture->width);
    }
  return TRUE;
}

static EspPicture *
read_picture (TiffReader *self, TIFF *tiff, GError **error)
{
  const EspSource *source = self->source;
  g_autoptr (EspPicture) picture = NULL;
  guint32 width = 0, height = 0, profile_size = 0;
  guint16 orientation = ORIENTATION_TOPLEFT, bits = 8;
  void *profile = NULL;
  gboolean ok;

  TIFFGetField (tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField (tiff, TIFFTAG_IMAGELENGTH, &height);
  if (!_esp_source_check_size (source, width, height, error))
    return NULL;
  TIFFGetFieldDefaulted (tiff, TIFFTAG_ORIENTATION, &orientation);
  if (orientation < 1 || orientation > 8)
    orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted (tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetField (tiff, TIFFTAG_ICCPROFILE, &profile_size, &profile);

  picture = _esp_source_new_picture (source, (int) width, (int) height, error);
  if (picture == NULL)
    return NULL;
  ok = is_plain_cmyk (tiff)
           ? read_cmyk (self, tiff, profile, profile_size, picture, error)
           : read_rgba (self, tiff, orientation, profile, profile_size, picture, error);
  source->info->bits = bits;
  source->info->orientation = orientation;
  return ok ? g_steal_pointer (&picture) : NULL;
}

EspPicture *
_esp_decode_tiff (const EspSource *source, GError **error)
{
  TiffReader self = { source, { .data = source->data, .size = source->size } };
  EspPicture *picture;
  TIFF *tiff;

  source->info->format = "TIFF";
  tiff = _esp_tiff_open (&self.file);
  if (tiff == NULL)
    {
      _esp_source_damaged (source, error, self.file.detail);
      return NULL;
    }
  picture = read_picture (&self, tiff, error);
  source->info->animated = FALSE;
  TIFFClose (tiff);
  return picture;
}
