/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-jpeg.c: JPEG by libjpeg-turbo: grey, YCbCr, RGB, CMYK and YCCK; ICC and EXIF segments.
 */
#define G_LOG_DOMAIN "esp-image"

#include "esp-color-private.h"
#include "esp-exif-read-private.h"

#include <glib/gi18n-lib.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/* A progressive picture has about ten scans; each costs a pass over all coefficients, so a file of
 * thousands is an attack on patience. */
#define MAX_SCANS 500

typedef struct
{
  struct jpeg_error_mgr base; /* libjpeg's view of this struct; first */
  struct jpeg_progress_mgr progress;
  struct jpeg_decompress_struct jpeg;
  const EspSource *source;
  EspRowConverter *converter;
  guint8 *row;
  JOCTET *profile;
  EspPicture *picture;
  GError *error;
  gboolean ended_early;
  gboolean data_missing;
  jmp_buf jump;
  char detail[JMSG_LENGTH_MAX];
} JpegReader;

static void
on_error (j_common_ptr jpeg)
{
  JpegReader *self = jpeg->client_data;

  if (self->error == NULL)
    jpeg->err->format_message (jpeg, self->detail);
  longjmp (self->jump, 1);
}

/* Warnings (level -1) are where libjpeg says that it made pixels up. */
static void
on_message (j_common_ptr jpeg, int level)
{
  JpegReader *self = jpeg->client_data;

  if (level >= 0)
    return;
  switch (jpeg->err->msg_code)
    {
    case JWRN_JPEG_EOF:
      self->ended_early = TRUE;
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      self->data_missing = TRUE;
      jpeg->err->format_message (jpeg, self->detail);
      break;
    default:
      break;
    }
}

static void
on_progress (j_common_ptr jpeg)
{
  JpegReader *self = jpeg->client_data;

  /* Made-up pixels make the whole picture useless: no need to wait for the rest of them. */
  if (self->data_missing)
    longjmp (self->jump, 1);
  if (self->jpeg.input_scan_number > MAX_SCANS)
    {
      g_set_error (&self->error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("“%s” has more than %d JPEG scans"), self->source->name, MAX_SCANS);
      longjmp (self->jump, 1);
    }
  if (g_cancellable_set_error_if_cancelled (self->source->cancellable, &self->error))
    longjmp (self->jump, 1);
}

static void
read_orientation (JpegReader *self)
{
  for (jpeg_saved_marker_ptr m = self->jpeg.marker_list; m != NULL; m = m->next)
    if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6 && memcmp (m->data, "Exif\0\0", 6) == 0)
      {
        self->source->info->orientation = _esp_exif_orientation (m->data, m->data_length);
        return;
      }
}

static gboolean
set_up (JpegReader *self)
{
  struct jpeg_decompress_struct *jpeg = &self->jpeg;
  unsigned int profile_size = 0;
  EspColorModel model = ESP_COLOR_RGB;

  if (!_esp_source_check_size (self->source, jpeg->image_width, jpeg->image_height, &self->error))
    return FALSE;

  read_orientation (self);
  jpeg_read_icc_profile (jpeg, &self->profile, &profile_size);
  if (jpeg->num_components == 1)
    {
      model = ESP_COLOR_GREY;
      jpeg->out_color_space = JCS_GRAYSCALE;
    }
  else if (jpeg->num_components == 4)
    {
      model = ESP_COLOR_CMYK;
      jpeg->out_color_space = JCS_CMYK;
    }
  else
    jpeg->out_color_space = JCS_RGB;

  jpeg_start_decompress (jpeg);
  self->row = g_malloc_n (jpeg->output_width, (gsize) jpeg->output_components);
  self->converter = _esp_row_converter_new (self->source, model, FALSE, 8, self->profile,
                                            profile_size, (int) jpeg->output_width);
  self->picture = _esp_source_new_picture (self->source, (int) jpeg->output_width,
                                           (int) jpeg->output_height, &self->error);
  return self->picture != NULL;
}

static void
read_rows (JpegReader *self)
{
  struct jpeg_decompress_struct *jpeg = &self->jpeg;
  const gsize width = jpeg->output_width;
  /* Adobe's programs store CMYK inverted and leave their marker; so does everyone since. */
  const gboolean invert = jpeg->out_color_space == JCS_CMYK && jpeg->saw_Adobe_marker;

  while (jpeg->output_scanline < jpeg->output_height)
    {
      guint8 *out = self->picture->pixels + (gsize) jpeg->output_scanline * width * 3;

      jpeg_read_scanlines (jpeg, &self->row, 1);
      if (invert)
        for (gsize i = 0; i < width * 4; i++)
          self->row[i] = (guint8) (255 - self->row[i]);
      _esp_row_converter_run (self->converter, self->row, out, (int) width);
    }
}

/* libjpeg comes back here by longjmp; all that has to be freed hangs on `self`, in the caller's
 * frame. */
static gboolean
read_picture (JpegReader *self)
{
  gboolean several_scans;

  if (setjmp (self->jump))
    {
      if (self->error == NULL)
        _esp_source_damaged (self->source, &self->error,
                             self->ended_early ? _ ("the file ends too early") : self->detail);
      return FALSE;
    }

  jpeg_create_decompress (&self->jpeg);
  self->jpeg.progress = &self->progress;
  jpeg_mem_src (&self->jpeg, self->source->data, (unsigned long) self->source->size);
  jpeg_save_markers (&self->jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_save_markers (&self->jpeg, JPEG_APP0 + 2, 0xffff);
  jpeg_read_header (&self->jpeg, TRUE);
  if (!set_up (self))
    return FALSE;
  several_scans = jpeg_has_multiple_scans (&self->jpeg);
  read_rows (self);

  /* Only the end marker missing does no harm; but a later scan that is missing shows as a blur, and
   * missing data as grey: half a picture. */
  if (self->data_missing || (self->ended_early && several_scans))
    {
      _esp_source_damaged (self->source, &self->error,
                           self->ended_early ? _ ("the file ends too early") : self->detail);
      return FALSE;
    }
  if (self->ended_early)
    _esp_source_warn (self->source, g_strdup (_ ("The JPEG's end marker is missing")));
  return TRUE;
}

EspPicture *
_esp_decode_jpeg (const EspSource *source, GError **error)
{
  JpegReader self = { .source = source };
  gboolean ok;

  source->info->format = "JPEG";
  self.jpeg.err = jpeg_std_error (&self.base);
  self.jpeg.client_data = &self;
  self.base.error_exit = on_error;
  self.base.emit_message = on_message;
  self.progress.progress_monitor = on_progress;

  ok = read_picture (&self);

  jpeg_destroy_decompress (&self.jpeg);
  g_clear_pointer (&self.converter, _esp_row_converter_free);
  g_free (self.row);
  free (self.profile); /* by libjpeg's malloc */
  if (!ok)
    {
      g_clear_pointer (&self.picture, esp_picture_unref);
      g_propagate_error (error, self.error);
    }
  return self.picture;
}
