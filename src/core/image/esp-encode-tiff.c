/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-encode-tiff.c: TIFF by libtiff, 8-bit RGB in strips, deflated with the horizontal predictor,
 * tagged as sRGB, the recipe as an XMP packet. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-encode-private.h"
#include "esp-srgb-profile-private.h"
#include "esp-tiff-file.h"
#include "esp-xmp-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

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
  EspTiffFile file = { .out = g_byte_array_new () };
  TIFF *tiff = _esp_tiff_open (&file);
  GError *why = NULL;
  gboolean ok = FALSE;

  if (tiff != NULL)
    {
      ok = write_picture (tiff, picture, recipe, cancellable, &why);
      TIFFClose (tiff);
    }
  if (ok && file.detail[0] == '\0')
    return g_byte_array_free_to_bytes (file.out);

  g_byte_array_unref (file.out);
  if (why == NULL)
    g_set_error (&why, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
                 _ ("The picture cannot be written as TIFF: %s"), file.detail);
  g_propagate_error (error, why);
  return NULL;
}
