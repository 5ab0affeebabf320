/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-animation-webp.c: animated WebP by libwebpmux. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-animation-private.h"
#include "esp-encode-private.h"

#include <glib/gi18n-lib.h>
#include <webp/encode.h>
#include <webp/mux.h>

typedef struct
{
  WebPAnimEncoder *encoder;
  WebPConfig config;
  int time; /* ms, of the next frame */
} WebpWriter;

static void
webp_destroy (gpointer writer)
{
  WebpWriter *self = writer;

  WebPAnimEncoderDelete (self->encoder);
  g_free (self);
}

static gpointer
webp_create (int width, int height, const EspSaveOptions *options, GError **error)
{
  WebpWriter *self = g_new0 (WebpWriter, 1);
  WebPAnimEncoderOptions how;
  gboolean ok = WebPAnimEncoderOptionsInit (&how) && WebPConfigInit (&self->config);

  if (ok && options->lossless)
    ok = WebPConfigLosslessPreset (&self->config, 6);
  else if (ok)
    {
      self->config.quality = (float) options->quality;
      self->config.use_sharp_yuv = 1;
    }
  if (ok)
    self->encoder = WebPAnimEncoderNew (width, height, &how);
  if (self->encoder != NULL)
    return self;
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, "%s",
               _ ("The picture cannot be written as WebP: the library does not fit"));
  g_free (self);
  return NULL;
}

static int
on_progress (int percent, const WebPPicture *webp)
{
  return !g_cancellable_is_cancelled (webp->user_data);
}

static void
set_failed (WebpWriter *self, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
               _ ("The animation cannot be written as WebP: %s"),
               WebPAnimEncoderGetError (self->encoder));
}

static gboolean
webp_add (gpointer writer, EspPicture *frame, guint milliseconds, GCancellable *cancellable,
          GError **error)
{
  WebpWriter *self = writer;
  WebPPicture webp;
  gboolean ok;

  if (!WebPPictureInit (&webp))
    {
      set_failed (self, error);
      return FALSE;
    }
  webp.use_argb = 1;
  webp.width = frame->width;
  webp.height = frame->height;
  webp.progress_hook = on_progress;
  webp.user_data = cancellable;
  ok = WebPPictureImportRGB (&webp, frame->pixels, frame->width * 3)
       && WebPAnimEncoderAdd (self->encoder, &webp, self->time, &self->config);
  WebPPictureFree (&webp);
  if (!ok)
    {
      if (!g_cancellable_set_error_if_cancelled (cancellable, error))
        set_failed (self, error);
      return FALSE;
    }
  self->time += (int) milliseconds;
  return TRUE;
}

static GBytes *
webp_finish (gpointer writer, const EspRecipe *recipe, GError **error)
{
  WebpWriter *self = writer;
  WebPData data = { NULL, 0 };
  GBytes *bytes = NULL;

  if (!WebPAnimEncoderAdd (self->encoder, NULL, self->time, NULL)
      || !WebPAnimEncoderAssemble (self->encoder, &data))
    set_failed (self, error);
  else
    bytes = recipe != NULL ? _esp_webp_add_recipe (data.bytes, data.size, recipe, error)
                           : g_bytes_new (data.bytes, data.size);
  WebPDataClear (&data);
  return bytes;
}

const EspAnimationKind _esp_animation_webp
    = { webp_create, webp_add, webp_finish, webp_destroy, WEBP_MAX_DIMENSION };
