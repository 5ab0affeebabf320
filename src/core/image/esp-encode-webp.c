/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-encode-webp.c: WebP by libwebp, lossy or lossless. Untagged WebP is sRGB by its
 * specification, so only a recipe makes more than the simple file. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-encode-private.h"
#include "esp-exif-private.h"
#include "esp-picture-refusal.h"
#include "esp-xmp-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <webp/encode.h>
#include <webp/mux.h>

/* Chunks may be large here; the texts for people are still kept to what any reader takes. */
#define EXIF_LIMIT 65527

static int
on_progress (int percent, const WebPPicture *webp)
{
  return !g_cancellable_is_cancelled (webp->user_data);
}

static gboolean
encode (EspPicture *picture, const EspSaveOptions *options, GCancellable *cancellable,
        WebPMemoryWriter *writer, GError **error)
{
  WebPConfig config;
  WebPPicture webp;
  gboolean ok;

  if (!WebPConfigInit (&config) || !WebPPictureInit (&webp))
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, "%s",
                   _ ("The picture cannot be written as WebP: the library does not fit"));
      return FALSE;
    }
  if (options->lossless)
    WebPConfigLosslessPreset (&config, 6);
  else
    {
      config.quality = (float) options->quality;
      config.use_sharp_yuv = 1; /* 4:2:0 is all there is; this keeps coloured edges best */
    }

  webp.use_argb = 1;
  webp.width = picture->width;
  webp.height = picture->height;
  webp.writer = WebPMemoryWrite;
  webp.custom_ptr = writer;
  webp.progress_hook = on_progress;
  webp.user_data = cancellable;
  ok = WebPPictureImportRGB (&webp, picture->pixels, picture->width * 3)
       && WebPEncode (&config, &webp);
  if (!ok
      && (webp.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY
          || webp.error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY))
    esp_picture_refuse_room (picture->width, picture->height, error);
  else if (!ok && !g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
                 _ ("The picture cannot be written as WebP (libwebp's error %d)"),
                 (int) webp.error_code);
  WebPPictureFree (&webp);
  return ok;
}

GBytes *
_esp_webp_add_recipe (const guint8 *data, gsize size, const EspRecipe *recipe, GError **error)
{
  const WebPData image = { data, size };
  WebPMux *mux = WebPMuxCreate (&image, 0);
  g_autoptr (GByteArray) exif = _esp_exif_build (recipe, EXIF_LIMIT);
  g_autofree char *xmp = _esp_xmp_build (recipe, 0, NULL, NULL);
  const WebPData exif_chunk = { exif->data, exif->len };
  const WebPData xmp_chunk = { (const uint8_t *) xmp, strlen (xmp) };
  WebPData assembled = { NULL, 0 };
  GBytes *bytes = NULL;

  if (mux != NULL && WebPMuxSetChunk (mux, "EXIF", &exif_chunk, 0) == WEBP_MUX_OK
      && WebPMuxSetChunk (mux, "XMP ", &xmp_chunk, 0) == WEBP_MUX_OK
      && WebPMuxAssemble (mux, &assembled) == WEBP_MUX_OK)
    bytes = g_bytes_new (assembled.bytes, assembled.size);
  else
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, "%s",
                 _ ("The recipe cannot be put into the WebP file"));
  WebPDataClear (&assembled);
  WebPMuxDelete (mux);
  return bytes;
}

GBytes *
_esp_encode_webp (EspPicture *picture, const EspRecipe *recipe, const EspSaveOptions *options,
                  GCancellable *cancellable, GError **error)
{
  WebPMemoryWriter writer;
  GBytes *bytes = NULL;

  if (picture->width > WEBP_MAX_DIMENSION || picture->height > WEBP_MAX_DIMENSION)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("The picture is too large for WebP: %d × %d pixels, at most %d a side"),
                   picture->width, picture->height, WEBP_MAX_DIMENSION);
      return NULL;
    }
  WebPMemoryWriterInit (&writer);
  if (encode (picture, options, cancellable, &writer, error))
    bytes = recipe != NULL ? _esp_webp_add_recipe (writer.mem, writer.size, recipe, error)
                           : g_bytes_new (writer.mem, writer.size);
  WebPMemoryWriterClear (&writer);
  return bytes;
}
