/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-webp.c: WebP by libwebp itself, so that no gdk-pixbuf loader has to be installed, and
 * the profile and EXIF chunks can be had. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-color-private.h"
#include "esp-exif-read-private.h"

#include <glib/gi18n-lib.h>
#include <webp/decode.h>
#include <webp/demux.h>

/* Straight RGBA (or RGB without alpha) of the picture or the first frame, width × height × channels
 * bytes into `out`. */
static gboolean
decode_still (const EspSource *source, const guint8 *data, gsize size, gboolean alpha, guint8 *out,
              int width, int height, GError **error)
{
  const int channels = alpha ? 4 : 3;
  const gsize bytes = (gsize) width * (gsize) height * (gsize) channels;
  const guint8 *done = alpha ? WebPDecodeRGBAInto (data, size, out, bytes, width * channels)
                             : WebPDecodeRGBInto (data, size, out, bytes, width * channels);
  if (done == NULL)
    _esp_source_damaged (source, error, _ ("the file ends too early or is corrupt"));
  return done != NULL;
}

static gboolean
decode_first_frame (const EspSource *source, guint8 *out, int width, int height, GError **error)
{
  const WebPData data = { source->data, source->size };
  WebPAnimDecoderOptions options;
  WebPAnimDecoder *decoder;
  guint8 *canvas = NULL;
  int timestamp = 0;

  WebPAnimDecoderOptionsInit (&options); /* straight RGBA */
  decoder = WebPAnimDecoderNew (&data, &options);
  if (decoder == NULL || !WebPAnimDecoderGetNext (decoder, &canvas, &timestamp))
    _esp_source_damaged (source, error, _ ("the first frame cannot be read"));
  else
    memcpy (out, canvas, (gsize) width * (gsize) height * 4);
  WebPAnimDecoderDelete (decoder);
  return canvas != NULL;
}

static GBytes *
copy_chunk (const WebPDemuxer *demuxer, const char *name)
{
  WebPChunkIterator chunk;
  GBytes *bytes = NULL;

  if (WebPDemuxGetChunk (demuxer, name, 1, &chunk))
    bytes = g_bytes_new (chunk.chunk.bytes, chunk.chunk.size);
  WebPDemuxReleaseChunkIterator (&chunk);
  return bytes;
}

/* Reads the EXIF orientation into the info and returns the ICC profile, or NULL. */
static GBytes *
read_chunks (const EspSource *source)
{
  const WebPData data = { source->data, source->size };
  WebPDemuxer *demuxer = WebPDemux (&data);
  g_autoptr (GBytes) exif = NULL;
  GBytes *profile = NULL;

  if (demuxer == NULL)
    return NULL;
  exif = copy_chunk (demuxer, "EXIF");
  profile = copy_chunk (demuxer, "ICCP");
  WebPDemuxDelete (demuxer);
  if (exif != NULL)
    source->info->orientation
        = _esp_exif_orientation (g_bytes_get_data (exif, NULL), g_bytes_get_size (exif));
  return profile;
}

EspPicture *
_esp_decode_webp (const EspSource *source, GError **error)
{
  WebPBitstreamFeatures features;
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (EspRowConverter) converter = NULL;
  g_autoptr (GBytes) profile = NULL;
  g_autofree guint8 *samples = NULL;
  gboolean alpha;
  gsize stride;

  source->info->format = "WebP";
  if (WebPGetFeatures (source->data, source->size, &features) != VP8_STATUS_OK)
    {
      _esp_source_damaged (source, error, _ ("its WebP header is wrong"));
      return NULL;
    }
  if (!_esp_source_check_size (source, (guint64) features.width, (guint64) features.height, error))
    return NULL;

  source->info->animated = features.has_animation != 0;
  alpha = features.has_alpha || features.has_animation;
  stride = (gsize) features.width * (alpha ? 4 : 3);
  samples = g_try_malloc_n ((gsize) features.height, stride);
  picture = samples == NULL
                ? NULL
                : _esp_source_new_picture (source, features.width, features.height, NULL);
  if (picture == NULL)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("“%s” does not fit into memory"), source->name);
      return NULL;
    }

  if (features.has_animation
          ? !decode_first_frame (source, samples, features.width, features.height, error)
          : !decode_still (source, source->data, source->size, alpha, samples, features.width,
                           features.height, error))
    return NULL;
  if (g_cancellable_set_error_if_cancelled (source->cancellable, error))
    return NULL;

  profile = read_chunks (source);
  converter = _esp_row_converter_new (
      source, ESP_COLOR_RGB, alpha, 8, profile != NULL ? g_bytes_get_data (profile, NULL) : NULL,
      profile != NULL ? g_bytes_get_size (profile) : 0, features.width);
  source->info->has_alpha = features.has_alpha != 0;
  for (gsize y = 0; y < (gsize) features.height; y++)
    _esp_row_converter_run (converter, samples + y * stride,
                            picture->pixels + y * (gsize) features.width * 3, features.width);
  return g_steal_pointer (&picture);
}
