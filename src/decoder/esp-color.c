/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-color.c: colour conversion with Little CMS, and compositing on white. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-color-private.h"

#include <glib/gi18n-lib.h>
#include <lcms2.h>
#include <string.h>

struct _EspRowConverter
{
  EspColorModel model;
  gboolean alpha;
  int depth;
  cmsContext context;
  cmsHTRANSFORM transform; /* to RGB of the same depth; NULL: the samples are sRGB already */
  void *scratch;           /* one row of RGB of that depth */
};

static int
model_channels (EspColorModel model)
{
  return model == ESP_COLOR_GREY ? 1 : model == ESP_COLOR_RGB ? 3 : 4;
}

/* Whether an 8-bit transform changes no sample by more than one step: then the profile is sRGB
 * under another name, and leaving the pixels alone is more exact than any conversion. */
static gboolean
is_identity (cmsHTRANSFORM transform, EspColorModel model)
{
  const int levels = model == ESP_COLOR_GREY ? 256 : 17;
  const int outer = model == ESP_COLOR_GREY ? 1 : levels;

  for (int r = 0; r < outer; r++)
    for (int g = 0; g < outer; g++)
      {
        guint8 in[256 * 3];
        guint8 out[256 * 3];

        for (int i = 0; i < levels; i++)
          {
            const int v = i * 255 / (levels - 1);
            if (model == ESP_COLOR_GREY)
              in[i] = (guint8) v;
            else
              {
                in[i * 3] = (guint8) (r * 255 / (levels - 1));
                in[i * 3 + 1] = (guint8) (g * 255 / (levels - 1));
                in[i * 3 + 2] = (guint8) v;
              }
          }
        cmsDoTransform (transform, in, out, (cmsUInt32Number) levels);
        for (int i = 0; i < levels * 3; i++)
          if (ABS ((int) out[i] - (int) in[model == ESP_COLOR_GREY ? i / 3 : i]) > 1)
            return FALSE;
      }
  return TRUE;
}

static cmsUInt32Number
lcms_format (EspColorModel model, gboolean alpha, int depth)
{
  static const int spaces[] = { PT_GRAY, PT_RGB, PT_CMYK };

  return (cmsUInt32Number) (COLORSPACE_SH (spaces[model]) | EXTRA_SH (alpha ? 1 : 0)
                            | CHANNELS_SH (model_channels (model)) | BYTES_SH (depth / 8));
}

/* Opens the profile if it can turn samples of this model into colours; NULL and a warning if not.
 */
static cmsHPROFILE
open_profile (EspRowConverter *self, const EspSource *source, const guint8 *data, gsize size)
{
  static const cmsColorSpaceSignature wanted[] = { cmsSigGrayData, cmsSigRgbData, cmsSigCmykData };
  cmsHPROFILE profile;
  cmsProfileClassSignature class;
  char text[256] = "";

  profile = size <= G_MAXUINT32
                ? cmsOpenProfileFromMemTHR (self->context, data, (cmsUInt32Number) size)
                : NULL;
  if (profile == NULL)
    {
      _esp_source_warn (source,
                        g_strdup (_ ("The embedded colour profile is broken and was ignored")));
      return NULL;
    }

  class = cmsGetDeviceClass (profile);
  if (cmsGetColorSpace (profile) != wanted[self->model]
      || (class != cmsSigInputClass && class != cmsSigDisplayClass && class != cmsSigOutputClass
          && class != cmsSigColorSpaceClass))
    {
      _esp_source_warn (source, g_strdup (_ ("The embedded colour profile does not fit the kind of "
                                             "picture and was ignored")));
      cmsCloseProfile (profile);
      return NULL;
    }

  cmsGetProfileInfoASCII (profile, cmsInfoDescription, "en", "US", text, sizeof text - 1);
  g_free (source->info->profile);
  source->info->profile = g_utf8_make_valid (text, -1);
  return profile;
}

static cmsHTRANSFORM
make_transform (EspRowConverter *self, cmsHPROFILE from, cmsHPROFILE to, gboolean alpha, int depth)
{
  cmsUInt32Number flags = cmsFLAGS_BLACKPOINTCOMPENSATION;

  /* For 16 bits Little CMS would resample the whole conversion to a grid, which near the edge of
   * the gamut is off by ten 8-bit steps. */
  if (depth == 16)
    flags |= cmsFLAGS_NOOPTIMIZE;
  return cmsCreateTransformTHR (self->context, from, lcms_format (self->model, alpha, depth), to,
                                lcms_format (ESP_COLOR_RGB, FALSE, depth),
                                INTENT_RELATIVE_COLORIMETRIC, flags);
}

static void
attach_profile (EspRowConverter *self, const EspSource *source, const guint8 *data, gsize size)
{
  cmsHPROFILE from = open_profile (self, source, data, size);
  cmsHPROFILE to;

  if (from == NULL)
    return;

  to = cmsCreate_sRGBProfileTHR (self->context);
  self->transform = make_transform (self, from, to, self->alpha, self->depth);
  if (self->transform == NULL)
    {
      _esp_source_warn (source,
                        g_strdup (_ ("The embedded colour profile is broken and was ignored")));
      g_clear_pointer (&source->info->profile, g_free);
    }
  else if (self->model != ESP_COLOR_CMYK)
    {
      cmsHTRANSFORM probe = make_transform (self, from, to, FALSE, 8);

      if (probe != NULL && is_identity (probe, self->model))
        g_clear_pointer (&self->transform, cmsDeleteTransform);
      if (probe != NULL)
        cmsDeleteTransform (probe);
    }
  source->info->converted = self->transform != NULL;
  cmsCloseProfile (to);
  cmsCloseProfile (from);
}

EspRowConverter *
_esp_row_converter_new (const EspSource *source, EspColorModel model, gboolean alpha, int depth,
                        const guint8 *profile, gsize profile_size, int width)
{
  EspRowConverter *self = g_new0 (EspRowConverter, 1);

  g_assert (depth == 8 || depth == 16);

  self->model = model;
  self->alpha = alpha;
  self->depth = depth;
  self->context = cmsCreateContext (NULL, NULL);
  self->scratch = g_malloc_n ((gsize) width, 6);
  source->info->bits = depth;
  source->info->has_alpha = alpha;
  if (profile != NULL)
    attach_profile (self, source, profile, profile_size);
  return self;
}

void
_esp_row_converter_free (EspRowConverter *self)
{
  if (self->transform != NULL)
    cmsDeleteTransform (self->transform);
  cmsDeleteContext (self->context);
  g_free (self->scratch);
  g_free (self);
}

/* x / 255 rounded, exact for 0 … 255². */
static inline guint8
div255 (guint x)
{
  x += 128;
  return (guint8) ((x + (x >> 8)) >> 8);
}

static inline guint8
to_8_bits (guint x)
{
  return (guint8) ((x * 255u + 32767u) / 65535u);
}

/* Straight samples to RGB where no profile says otherwise. CMYK is the plain product of what each
 * ink lets through, as libraries without a profile do it (Pillow gives the same). */
static void
plain_row_8 (const EspRowConverter *self, const guint8 *in, guint8 *rgb, int width)
{
  const int step = model_channels (self->model) + (self->alpha ? 1 : 0);

  for (int x = 0; x < width; x++, in += step, rgb += 3)
    for (int c = 0; c < 3; c++)
      {
        if (self->model == ESP_COLOR_GREY)
          rgb[c] = in[0];
        else if (self->model == ESP_COLOR_RGB)
          rgb[c] = in[c];
        else
          rgb[c] = div255 ((255u - in[c]) * (255u - in[3]));
      }
}

static void
plain_row_16 (const EspRowConverter *self, const guint16 *in, guint16 *rgb, int width)
{
  const int step = model_channels (self->model) + (self->alpha ? 1 : 0);

  for (int x = 0; x < width; x++, in += step, rgb += 3)
    for (int c = 0; c < 3; c++)
      {
        if (self->model == ESP_COLOR_GREY)
          rgb[c] = in[0];
        else if (self->model == ESP_COLOR_RGB)
          rgb[c] = in[c];
        else
          rgb[c] = (guint16) ((guint64) (65535u - in[c]) * (65535u - in[3]) / 65535u);
      }
}

static void
convert_row_8 (EspRowConverter *self, const guint8 *in, guint8 *rgb, int width)
{
  const int step = model_channels (self->model) + 1;

  if (self->transform != NULL)
    cmsDoTransform (self->transform, in, rgb, (cmsUInt32Number) width);
  else if (self->model == ESP_COLOR_RGB && !self->alpha)
    memcpy (rgb, in, (gsize) width * 3);
  else
    plain_row_8 (self, in, rgb, width);

  if (self->alpha)
    for (int x = 0; x < width; x++)
      {
        const guint a = in[x * step + step - 1];
        for (int c = 0; c < 3; c++)
          rgb[x * 3 + c] = div255 (rgb[x * 3 + c] * a + 255u * (255u - a));
      }
}

static void
convert_row_16 (EspRowConverter *self, const guint16 *in, guint8 *rgb, int width)
{
  const int step = model_channels (self->model) + 1;
  guint16 *wide = self->scratch;

  if (self->transform != NULL)
    cmsDoTransform (self->transform, in, wide, (cmsUInt32Number) width);
  else
    plain_row_16 (self, in, wide, width);

  for (int x = 0; x < width; x++)
    {
      const guint a = self->alpha ? in[x * step + step - 1] : 65535u;
      for (int c = 0; c < 3; c++)
        {
          const guint64 sum = (guint64) wide[x * 3 + c] * a + (guint64) 65535u * (65535u - a);
          rgb[x * 3 + c] = to_8_bits ((guint) ((sum + 32767u) / 65535u));
        }
    }
}

/* Converts one row of `width` pixels (at most the width given to _new) into `rgb`, 3 × width bytes.
 */
void
_esp_row_converter_run (EspRowConverter *self, const void *samples, guint8 *rgb, int width)
{
  if (self->depth == 8)
    convert_row_8 (self, samples, rgb, width);
  else
    convert_row_16 (self, samples, rgb, width);
}
