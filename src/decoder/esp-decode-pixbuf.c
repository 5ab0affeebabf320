/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-pixbuf.c: the formats left to gdk-pixbuf and the system's loaders for it: BMP, AVIF,
 * HEIF, JPEG XL. Only these are offered to it: its own guessing would also start SVG and others
 * that are no photos. */
#define G_LOG_DOMAIN "esp-image"
#define _GNU_SOURCE  /* RTLD_DEFAULT */

#include "esp-byte-order.h"
#include "esp-color-private.h"
#include "esp-decode.h"

#include <dlfcn.h>
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  const char *name;
  const char *mime_types[3];
  const char *package; /* Debian's name of the loader; NULL: part of gdk-pixbuf */
} Format;

/* In the order of EspPictureKind. */
static const Format formats[] = {
  { "BMP", { "image/bmp", "image/x-bmp" }, NULL },
  { "AVIF", { "image/avif" }, "libavif-gdk-pixbuf" },
  { "HEIF", { "image/heif", "image/heic" }, "heif-gdk-pixbuf" },
  { "JPEG XL", { "image/jxl" }, "libjxl-gdk-pixbuf" },
};

/* NULL: no format of gdk-pixbuf's. */
static const Format *
find_format (EspPictureKind kind)
{
  return esp_picture_kind_is_of_pixbuf (kind) ? &formats[kind - ESP_KIND_BMP] : NULL;
}

/* The MIME type under which gdk-pixbuf has a loader for the format, or NULL. */
static char *
find_loader (const Format *format)
{
  GSList *known = gdk_pixbuf_get_formats ();
  char *found = NULL;

  for (GSList *l = known; l != NULL && found == NULL; l = l->next)
    {
      g_auto (GStrv) types = gdk_pixbuf_format_get_mime_types (l->data);

      if (gdk_pixbuf_format_is_disabled (l->data))
        continue;
      for (guint i = 0; i < G_N_ELEMENTS (format->mime_types) && found == NULL; i++)
        if (format->mime_types[i] != NULL
            && g_strv_contains ((const char *const *) types, format->mime_types[i]))
          found = g_strdup (format->mime_types[i]);
    }
  g_slist_free (known);
  return found;
}

/* gdk-pixbuf loads a loader when it is first asked for; afterwards there is no library to be read.
 */
void
esp_decode_prepare (EspPictureKind kind)
{
  const Format *format = find_format (kind);
  g_autofree char *mime_type = NULL;
  g_autoptr (GdkPixbufLoader) loader = NULL;

  if (format == NULL || esp_decode_is_done_elsewhere (kind))
    return;
  mime_type = find_loader (format);
  loader = mime_type != NULL ? gdk_pixbuf_loader_new_with_mime_type (mime_type, NULL) : NULL;
  if (loader != NULL)
    gdk_pixbuf_loader_close (loader, NULL);
}

gboolean
esp_decode_is_done_elsewhere (EspPictureKind kind)
{
  /* Of libglycin, which a gdk-pixbuf that is built with it (from 2.44 on) links. */
  return esp_picture_kind_is_of_pixbuf (kind) && dlsym (RTLD_DEFAULT, "gly_loader_new") != NULL;
}

static gboolean
ends_early (const EspSource *source, GError **error)
{
  _esp_source_damaged (source, error, _ ("the file ends too early"));
  return FALSE;
}

/* gdk-pixbuf's BMP loader takes half a file for half a picture, so the length is checked here: the
 * file size that the header states, and for plain pixels (compression 0 or 3) where the last row
 * ends. */
static gboolean
check_bmp (const EspSource *source, GError **error)
{
  const guint8 *d = source->data;
  guint64 width, height, bits, stride;

  if (source->size < 54 || d[14] < 40)
    return source->size >= 54 ? TRUE : ends_early (source, error);
  width = (guint64) ABS ((gint64) (gint32) _esp_le_32 (d + 18));
  height = (guint64) ABS ((gint64) (gint32) _esp_le_32 (d + 22));
  bits = d[28] | (guint) d[29] << 8;
  if (!_esp_source_check_size (source, width, height, error))
    return FALSE;
  stride = (width * bits + 31) / 32 * 4;
  /* Run-length coding (1, 2) gets at most 255 pixels from two bytes. */
  if ((d[30] == 1 || d[30] == 2) && width * height / 128 > source->size)
    return ends_early (source, error);
  if (_esp_le_32 (d + 2) > source->size
      || ((d[30] == 0 || d[30] == 3) && _esp_le_32 (d + 10) + stride * height > source->size))
    return ends_early (source, error);
  return TRUE;
}

/* The sizes that the header states, checked before a loader sees it. The JPEG XL loader reports its
 * own before it allocates. */
static gboolean
check_header (const EspSource *source, const Format *format, GError **error)
{
  const guint8 *d = source->data;
  const gsize end = MIN (source->size, (gsize) 65536);

  if (g_str_equal (format->name, "BMP"))
    return check_bmp (source, error);
  if (memcmp (d + 4, "ftyp", 4) == 0)
    for (gsize at = 16; at + 16 <= end; at++) /* "ispe" boxes: image spatial extents */
      if (memcmp (d + at, "ispe", 4) == 0
          && !_esp_source_check_size (source, _esp_be_32 (d + at + 8), _esp_be_32 (d + at + 12),
                                      error))
        return FALSE;
  return TRUE;
}

typedef struct
{
  const EspSource *source;
  GError *error;
} SizeCheck;

static void
on_size_prepared (GdkPixbufLoader *loader, int width, int height, gpointer data)
{
  SizeCheck *check = data;

  if (check->error == NULL
      && !_esp_source_check_size (check->source, (guint64) MAX (width, 0),
                                  (guint64) MAX (height, 0), &check->error))
    gdk_pixbuf_loader_set_size (loader, 0, 0); /* the loaders give up at this */
}

/* Some loaders make an alpha channel whether it is used or not. */
static gboolean
is_transparent (const GdkPixbuf *pixbuf)
{
  const guint8 *pixels = gdk_pixbuf_read_pixels (pixbuf);
  const gsize stride = (gsize) gdk_pixbuf_get_rowstride (pixbuf);

  if (gdk_pixbuf_get_has_alpha (pixbuf))
    for (gsize y = 0; y < (gsize) gdk_pixbuf_get_height (pixbuf); y++)
      for (gsize x = 0; x < (gsize) gdk_pixbuf_get_width (pixbuf); x++)
        if (pixels[y * stride + x * 4 + 3] != 255)
          return TRUE;
  return FALSE;
}

static EspPicture *
convert (const EspSource *source, GdkPixbuf *stored, GError **error)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_apply_embedded_orientation (stored);
  const char *encoded = gdk_pixbuf_get_option (stored, "icc-profile");
  const gsize stride = (gsize) gdk_pixbuf_get_rowstride (pixbuf);
  const int width = gdk_pixbuf_get_width (pixbuf);
  const int height = gdk_pixbuf_get_height (pixbuf);
  g_autofree guint8 *profile = NULL;
  g_autoptr (EspRowConverter) converter = NULL;
  EspPicture *picture;
  gsize profile_size = 0;

  if (!_esp_source_check_size (source, (guint64) width, (guint64) height, error))
    return NULL;
  picture = _esp_source_new_picture (source, width, height, error);
  if (picture == NULL)
    return NULL;
  if (encoded != NULL)
    profile = g_base64_decode (encoded, &profile_size);
  converter = _esp_row_converter_new (source, ESP_COLOR_RGB, gdk_pixbuf_get_has_alpha (pixbuf), 8,
                                      profile, profile_size, width);
  source->info->has_alpha = is_transparent (pixbuf);
  for (gsize y = 0; y < (gsize) height; y++)
    _esp_row_converter_run (converter, gdk_pixbuf_read_pixels (pixbuf) + y * stride,
                            picture->pixels + y * (gsize) width * 3, width);
  return picture;
}

static gboolean
feed (GdkPixbufLoader *loader, const EspSource *source, const SizeCheck *check, GError **error)
{
  const gsize piece = 1 << 20;

  for (gsize at = 0; at < source->size; at += piece)
    if (g_cancellable_set_error_if_cancelled (source->cancellable, error)
        || !gdk_pixbuf_loader_write (loader, source->data + at, MIN (piece, source->size - at),
                                     error)
        || check->error != NULL)
      return FALSE;
  return TRUE;
}

EspPicture *
_esp_decode_pixbuf (const EspSource *source, GError **error)
{
  const Format *format = find_format (esp_picture_kind_find (source->data, source->size));
  g_autofree char *mime_type = NULL;
  g_autoptr (GdkPixbufLoader) loader = NULL;
  g_autoptr (GError) problem = NULL;
  GdkPixbufAnimation *animation;
  SizeCheck check = { source, NULL };
  gboolean ok;

  if (format == NULL)
    {
      _esp_source_damaged (source, error, "");
      return NULL;
    }

  source->info->format = format->name;
  if (!check_header (source, format, error))
    return NULL;

  mime_type = find_loader (format);
  loader = mime_type != NULL ? gdk_pixbuf_loader_new_with_mime_type (mime_type, NULL) : NULL;
  if (loader == NULL)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("“%s”: %s pictures need a loader that is not installed (package %s)"),
                   source->name, format->name,
                   format->package != NULL ? format->package : "libgdk-pixbuf-2.0-0");
      return NULL;
    }

  g_signal_connect (loader, "size-prepared", G_CALLBACK (on_size_prepared), &check);
  ok = feed (loader, source, &check, &problem);
  ok = gdk_pixbuf_loader_close (loader, problem == NULL ? &problem : NULL) && ok;
  if (check.error != NULL)
    {
      g_propagate_error (error, check.error);
      return NULL;
    }
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return NULL;
    }
  if (!ok || gdk_pixbuf_loader_get_pixbuf (loader) == NULL)
    {
      _esp_source_damaged (source, error, problem != NULL ? problem->message : "");
      return NULL;
    }
  animation = gdk_pixbuf_loader_get_animation (loader);
  source->info->animated = animation != NULL && !gdk_pixbuf_animation_is_static_image (animation);
  return convert (source, gdk_pixbuf_loader_get_pixbuf (loader), error);
}
