/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-png.c: PNG by libpng: 1 to 16 bits, palettes, tRNS, iCCP and eXIf.
 *
 * gAMA and cHRM without an sRGB or iCCP chunk are ignored: photo editors do so, because most files
 * that carry them were written by tools that put in a constant. A gamma far from the screen's 1/2.2
 * is noted as a warning.
 */
#define G_LOG_DOMAIN "esp-image"

#include "esp-color-private.h"
#include "esp-exif-read-private.h"

#include <glib/gi18n-lib.h>
#include <png.h>
#include <string.h>

/* Of a chunk's contents once inflated (profiles, text): the largest printer profiles have some MB.
 */
#define MAX_CHUNK (8 << 20)

typedef struct
{
  const EspSource *source;
  gsize at; /* how much of the file libpng has taken */
  png_structp png;
  png_infop png_info;
  EspRowConverter *converter;
  guint8 *frame; /* one row, or all of an interlaced picture */
  EspPicture *picture;
  GError *error;
  char detail[200]; /* libpng's own words about what stopped it */
} PngReader;

static void
on_error (png_structp png, png_const_charp message)
{
  PngReader *self = png_get_error_ptr (png);
  g_strlcpy (self->detail, message, sizeof self->detail);
  png_longjmp (png, 1);
}

static void
on_warning (png_structp png, png_const_charp message)
{
  const PngReader *self = png_get_error_ptr (png);

  /* "known incorrect sRGB profile" is libpng's pedantry about profiles that work. */
  if (g_str_has_prefix (message, "iCCP: ") && strstr (message, "known incorrect") == NULL)
    _esp_source_warn (
        self->source,
        g_strdup_printf (_ ("The embedded colour profile was ignored (%s)"), message));
}

static void
on_read (png_structp png, png_bytep out, size_t length)
{
  PngReader *self = png_get_io_ptr (png);

  if (length > self->source->size - self->at)
    png_error (png, "the file ends too early");
  memcpy (out, self->source->data + self->at, length);
  self->at += length;
}

/* The gamma is only looked at where nothing better says what the numbers mean. */
static void
note_gamma (PngReader *self)
{
  double gamma;

  if (!png_get_valid (self->png, self->png_info, PNG_INFO_sRGB)
      && !png_get_valid (self->png, self->png_info, PNG_INFO_iCCP)
      && png_get_gAMA (self->png, self->png_info, &gamma) && (gamma < 0.4 || gamma > 0.52))
    _esp_source_warn (
        self->source,
        g_strdup_printf (_ ("The picture's gamma of %.3f was ignored; it is taken as sRGB"),
                         gamma));
}

/* Asks libpng for interleaved 8 or 16-bit grey or RGB with optional alpha, and makes the converter.
 */
static gboolean
set_up (PngReader *self)
{
  const png_uint_32 width = png_get_image_width (self->png, self->png_info);
  const png_uint_32 height = png_get_image_height (self->png, self->png_info);
  const int depth = png_get_bit_depth (self->png, self->png_info) == 16 ? 16 : 8;
  png_charp name = NULL;
  png_bytep profile = NULL;
  png_uint_32 profile_size = 0;
  int compression = 0;
  int color_type;

  if (!_esp_source_check_size (self->source, width, height, &self->error))
    return FALSE;

  note_gamma (self);
  png_set_expand (self->png); /* palettes, small depths and tRNS to plain samples */
  if (depth == 16 && G_BYTE_ORDER == G_LITTLE_ENDIAN)
    png_set_swap (self->png);
  png_set_interlace_handling (self->png);
  png_read_update_info (self->png, self->png_info);
  color_type = png_get_color_type (self->png, self->png_info);

  png_get_iCCP (self->png, self->png_info, &name, &compression, &profile, &profile_size);
  self->converter = _esp_row_converter_new (
      self->source, (color_type & PNG_COLOR_MASK_COLOR) ? ESP_COLOR_RGB : ESP_COLOR_GREY,
      (color_type & PNG_COLOR_MASK_ALPHA) != 0, depth, profile, profile_size, (int) width);
  self->picture = _esp_source_new_picture (self->source, (int) width, (int) height, &self->error);
  return self->picture != NULL;
}

static gboolean
read_rows (PngReader *self)
{
  const gsize stride = png_get_rowbytes (self->png, self->png_info);
  const gboolean interlaced
      = png_get_interlace_type (self->png, self->png_info) != PNG_INTERLACE_NONE;
  const gsize height = (gsize) self->picture->height;
  const gsize width = (gsize) self->picture->width;
  const int passes = interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1;

  self->frame = g_try_malloc_n (interlaced ? height : 1, stride);
  if (self->frame == NULL)
    {
      g_set_error (&self->error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("“%s” does not fit into memory"), self->source->name);
      return FALSE;
    }

  for (int pass = 0; pass < passes; pass++)
    for (gsize y = 0; y < height; y++)
      {
        guint8 *row = self->frame + (interlaced ? y * stride : 0);

        if (y % 64 == 0
            && g_cancellable_set_error_if_cancelled (self->source->cancellable, &self->error))
          return FALSE;
        png_read_row (self->png, row, NULL);
        if (pass == passes - 1)
          _esp_row_converter_run (self->converter, row, self->picture->pixels + y * width * 3,
                                  (int) width);
      }
  return TRUE;
}

/* libpng comes back here by longjmp; all that has to be freed hangs on `self`, in the caller's
 * frame. */
static gboolean
read_picture (PngReader *self)
{
  png_uint_32 exif_size = 0;
  png_bytep exif = NULL;

  if (setjmp (png_jmpbuf (self->png)))
    {
      if (self->error == NULL)
        _esp_source_damaged (self->source, &self->error, self->detail);
      return FALSE;
    }

  png_set_user_limits (self->png, ESP_PICTURE_MAX_SIDE, ESP_PICTURE_MAX_SIDE);
  png_set_chunk_malloc_max (self->png, MAX_CHUNK);
  png_set_read_fn (self->png, self, on_read);
  png_read_info (self->png, self->png_info);
  if (!set_up (self) || !read_rows (self))
    return FALSE;

  png_read_end (self->png, self->png_info); /* eXIf may come after the pixels */
  if (png_get_eXIf_1 (self->png, self->png_info, &exif_size, &exif))
    self->source->info->orientation = _esp_exif_orientation (exif, exif_size);
  return TRUE;
}

EspPicture *
_esp_decode_png (const EspSource *source, GError **error)
{
  PngReader self = { .source = source };
  gboolean ok;

  source->info->format = "PNG";
  /* The header is checked here so that a huge picture is called huge rather than damaged. */
  if (source->size >= 24 && memcmp (source->data + 12, "IHDR", 4) == 0)
    {
      guint32 sides[2];
      memcpy (sides, source->data + 16, sizeof sides);
      if (!_esp_source_check_size (source, GUINT32_FROM_BE (sides[0]), GUINT32_FROM_BE (sides[1]),
                                   error))
        return NULL;
    }

  self.png = png_create_read_struct (PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
  self.png_info = png_create_info_struct (self.png);
  ok = read_picture (&self);

  png_destroy_read_struct (&self.png, &self.png_info, NULL);
  g_clear_pointer (&self.converter, _esp_row_converter_free);
  g_free (self.frame);
  if (!ok)
    {
      g_clear_pointer (&self.picture, esp_picture_unref);
      g_propagate_error (error, self.error);
    }
  return self.picture;
}
