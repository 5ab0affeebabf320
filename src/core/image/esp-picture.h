/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture.h: a picture in memory, and how it comes from and goes to files.
 *
 * Inside the program a picture is always 8-bit RGB in sRGB, upright and opaque. Everything that
 * files add to that (EXIF orientation, 16 bits, palettes, transparency, CMYK, ICC profiles) is
 * resolved by the functions here, once, on the way in.
 *
 * All functions block; call them from a task, not from the main thread. They keep no state, so
 * several threads may load and save at the same time.
 */
#pragma once

#include <gio/gio.h>

#include "esp-recipe.h"

G_BEGIN_DECLS

/* No side above this and no more pixels than that are read or written. The engine's largest result
 * is 8192 × 8192; the limits leave room for large scans and still bound the memory to about 2 GB.
 */
#define ESP_PICTURE_MAX_SIDE      30000
#define ESP_PICTURE_MAX_PIXELS    (1 << 28)
#define ESP_PICTURE_MAX_FILE_SIZE (G_GUINT64_CONSTANT (1) << 30)

#define ESP_IMAGE_ERROR (esp_image_error_quark ())

typedef enum
{
  ESP_IMAGE_ERROR_READ,        /* the file is missing, no file, or cannot be read */
  ESP_IMAGE_ERROR_UNSUPPORTED, /* no picture, or one of a kind that cannot be read or written here
                                */
  ESP_IMAGE_ERROR_DAMAGED,     /* truncated or corrupt */
  ESP_IMAGE_ERROR_TOO_LARGE,   /* above the limits, or more than the memory holds */
  ESP_IMAGE_ERROR_WRITE,     /* the file cannot be written; an old one is still there, untouched */
  ESP_IMAGE_ERROR_NO_RECIPE, /* a readable picture without (or with a broken) recipe */
} EspImageError;

GQuark esp_image_error_quark (void);

typedef struct
{
  guint8
      *pixels; /* height × width × 3 bytes: R, G, B; rows from the top, no padding between them */
  int width;
  int height;
} EspPicture;

/* What the file was, beyond its pixels. Start with ESP_PICTURE_INFO_INIT, end with
 * esp_picture_info_clear (). */
typedef struct
{
  const char *format;  /* "PNG", "JPEG", …; static */
  int orientation;     /* EXIF value 1…8 as found; already applied to the picture */
  int bits;            /* bits a channel in the file */
  gboolean has_alpha;  /* there was transparency; it now stands on white */
  gboolean animated;   /* there were more frames; the first was taken */
  char *profile;       /* description of the embedded ICC profile, or NULL: taken as sRGB */
  gboolean converted;  /* the pixels were converted from `profile` to sRGB */
  GPtrArray *warnings; /* of char *, sentences for the user; NULL where there are none */
} EspPictureInfo;

#define ESP_PICTURE_INFO_INIT                                                                      \
  {                                                                                                \
    NULL, 1, 8, FALSE, FALSE, NULL, FALSE, NULL                                                    \
  }

void esp_picture_info_clear (EspPictureInfo *info);

EspPicture *esp_picture_new (int width, int height, GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspPicture *esp_picture_ref (EspPicture *picture);
void esp_picture_unref (EspPicture *picture);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspPicture, esp_picture_unref)

EspPicture *esp_picture_load (const char *path, EspPictureInfo *info, GCancellable *cancellable,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspPicture *esp_picture_load_bytes (GBytes *bytes, const char *name, EspPictureInfo *info,
                                    GCancellable *cancellable,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  ESP_FORMAT_PNG,
  ESP_FORMAT_JPEG,
  ESP_FORMAT_WEBP,
  ESP_FORMAT_TIFF,
} EspPictureFormat;

typedef struct
{
  int quality;       /* JPEG and WebP: 1…100 */
  gboolean lossless; /* WebP */
  int compression;   /* PNG: zlib level 0…9 */
} EspSaveOptions;

#define ESP_SAVE_OPTIONS_INIT                                                                      \
  {                                                                                                \
    95, FALSE, 4                                                                                   \
  }

gboolean esp_picture_format_from_path (const char *path, EspPictureFormat *format, GError **error);

gboolean esp_picture_save (EspPicture *picture, const char *path, const EspRecipe *recipe,
                           const EspSaveOptions *options, GCancellable *cancellable,
                           GError **error);
GBytes *esp_picture_to_bytes (EspPicture *picture, EspPictureFormat format, const EspRecipe *recipe,
                              const EspSaveOptions *options, GCancellable *cancellable,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean esp_picture_save_ppm (EspPicture *picture, const char *path, GError **error);
EspPicture *esp_picture_load_ppm (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
