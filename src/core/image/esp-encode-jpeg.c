/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-encode-jpeg.c: JPEG by libjpeg-turbo: full-resolution colour (4:4:4), optimal Huffman tables,
 * an sRGB profile, and the recipe as EXIF and XMP segments. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-encode-private.h"
#include "esp-exif-private.h"
#include "esp-picture-refusal.h"
#include "esp-srgb-profile-private.h"
#include "esp-xmp-private.h"

#include <glib/gi18n-lib.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* A segment's length field counts itself: 2 + 65533. */
#define SEGMENT_MAX     65533
#define EXIF_PREFIX     "Exif\0"                       /* and the literal's own NUL */
#define XMP_PREFIX      "http://ns.adobe.com/xap/1.0/" /* each with its NUL */
#define EXTENDED_PREFIX "http://ns.adobe.com/xmp/extension/"
#define EXTENDED_HEADER (sizeof EXTENDED_PREFIX + 32 + 4 + 4)

typedef struct
{
  struct jpeg_error_mgr base; /* libjpeg's view of this struct; first */
  struct jpeg_compress_struct jpeg;
  EspPicture *picture;
  const EspRecipe *recipe;
  const EspSaveOptions *options;
  GCancellable *cancellable;
  unsigned char *out; /* by libjpeg's malloc */
  unsigned long out_size;
  GByteArray *exif;
  GByteArray *segment;
  GBytes *profile;
  char *xmp;
  char *extended;
  char *guid;
  GError *error;
  jmp_buf jump;
} JpegWriter;

static void
on_error (j_common_ptr jpeg)
{
  JpegWriter *self = jpeg->client_data;
  char detail[JMSG_LENGTH_MAX];

  jpeg->err->format_message (jpeg, detail);
  if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
    esp_picture_refuse_room (self->picture->width, self->picture->height, &self->error);
  else
    g_set_error (&self->error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
                 _ ("The picture cannot be written as JPEG: %s"), detail);
  longjmp (self->jump, 1);
}

static void
on_message (j_common_ptr jpeg, int level)
{
}

static void
write_segment (JpegWriter *self, const char *prefix, gsize prefix_size, const void *data,
               gsize size)
{
  g_byte_array_set_size (self->segment, 0);
  g_byte_array_append (self->segment, (const guint8 *) prefix, (guint) prefix_size);
  g_byte_array_append (self->segment, data, (guint) size);
  jpeg_write_marker (&self->jpeg, JPEG_APP0 + 1, self->segment->data, self->segment->len);
}

/* Extended XMP: every segment repeats the id and the full length, and says where its part belongs.
 */
static void
write_extended (JpegWriter *self)
{
  const gsize total = strlen (self->extended);
  const gsize room = SEGMENT_MAX - EXTENDED_HEADER;
  char header[EXTENDED_HEADER];

  memcpy (header, EXTENDED_PREFIX, sizeof EXTENDED_PREFIX);
  memcpy (header + sizeof EXTENDED_PREFIX, self->guid, 32);
  for (gsize at = 0; at < total; at += room)
    {
      const guint32 numbers[2] = { GUINT32_TO_BE ((guint32) total), GUINT32_TO_BE ((guint32) at) };

      memcpy (header + sizeof EXTENDED_PREFIX + 32, numbers, sizeof numbers);
      write_segment (self, header, sizeof header, self->extended + at, MIN (room, total - at));
    }
}

static void
write_metadata (JpegWriter *self)
{
  write_segment (self, EXIF_PREFIX, sizeof EXIF_PREFIX, self->exif->data, self->exif->len);
  if (self->xmp != NULL)
    write_segment (self, XMP_PREFIX, sizeof XMP_PREFIX, self->xmp, strlen (self->xmp));
  if (self->extended != NULL)
    write_extended (self);
  jpeg_write_icc_profile (&self->jpeg, g_bytes_get_data (self->profile, NULL),
                          (unsigned int) g_bytes_get_size (self->profile));
}

/* libjpeg comes back here by longjmp; all that has to be freed hangs on `self`, in the caller's
 * frame. */
static gboolean
write_picture (JpegWriter *self)
{
  struct jpeg_compress_struct *jpeg = &self->jpeg;
  const gsize stride = (gsize) self->picture->width * 3;

  if (setjmp (self->jump))
    return FALSE;

  jpeg_create_compress (jpeg);
  jpeg_mem_dest (jpeg, &self->out, &self->out_size);
  jpeg->image_width = (JDIMENSION) self->picture->width;
  jpeg->image_height = (JDIMENSION) self->picture->height;
  jpeg->input_components = 3;
  jpeg->in_color_space = JCS_RGB;
  jpeg_set_defaults (jpeg);
  jpeg_set_quality (jpeg, self->options->quality, TRUE);
  jpeg->optimize_coding = TRUE;
  for (int i = 0; i < 3; i++)
    {
      jpeg->comp_info[i].h_samp_factor = 1;
      jpeg->comp_info[i].v_samp_factor = 1;
    }
  /* EXIF wants to be the first segment; most readers take both, some only one. */
  jpeg->write_JFIF_header = TRUE;
  jpeg_start_compress (jpeg, TRUE);
  write_metadata (self);
  while (jpeg->next_scanline < jpeg->image_height)
    {
      JSAMPROW row = self->picture->pixels + (gsize) jpeg->next_scanline * stride;

      if (g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
        return FALSE;
      jpeg_write_scanlines (jpeg, &row, 1);
    }
  jpeg_finish_compress (jpeg);
  return TRUE;
}

GBytes *
_esp_encode_jpeg (EspPicture *picture, const EspRecipe *recipe, const EspSaveOptions *options,
                  GCancellable *cancellable, GError **error)
{
  JpegWriter self = { .picture = picture, .recipe = recipe, .options = options };
  GBytes *bytes = NULL;

  self.cancellable = cancellable;
  self.segment = g_byte_array_new ();
  self.profile = _esp_color_srgb_profile ();
  self.exif = _esp_exif_build (recipe, SEGMENT_MAX - sizeof EXIF_PREFIX);
  if (recipe != NULL)
    self.xmp = _esp_xmp_build (recipe, SEGMENT_MAX - sizeof XMP_PREFIX, &self.extended, &self.guid);
  self.jpeg.err = jpeg_std_error (&self.base);
  self.jpeg.client_data = &self;
  self.base.error_exit = on_error;
  self.base.emit_message = on_message;

  if (write_picture (&self))
    bytes = g_bytes_new (self.out, self.out_size);
  else
    g_propagate_error (error, self.error);

  jpeg_destroy_compress (&self.jpeg);
  free (self.out);
  g_byte_array_unref (self.segment);
  g_byte_array_unref (self.exif);
  g_bytes_unref (self.profile);
  g_free (self.xmp);
  g_free (self.extended);
  g_free (self.guid);
  return bytes;
}
