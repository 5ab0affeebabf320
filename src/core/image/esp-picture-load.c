/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-load.c: from a path or bytes to an upright picture: reads the file, finds the decoder
 * by the first bytes (never by the name), applies the orientation. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-source-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enough to tell every known format from something else. */
#define HEADER_SIZE 64

static void
set_read_error (GError **error, const char *name, const char *reason)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_READ, _ ("“%s” cannot be read: %s"), name,
               reason);
}

/* TRUE if the file is there, regular and of a size that may be read; sets `size`. */
static gboolean
check_file (int fd, const char *name, gsize *size, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    set_read_error (error, name, g_strerror (errno));
  else if (S_ISDIR (st.st_mode))
    set_read_error (error, name, _ ("it is a folder"));
  else if (!S_ISREG (st.st_mode))
    set_read_error (error, name, _ ("it is not a regular file"));
  else if (st.st_size == 0)
    set_read_error (error, name, _ ("the file is empty"));
  else if ((guint64) st.st_size > ESP_PICTURE_MAX_FILE_SIZE)
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                 _ ("“%s” is larger than a picture file may be (1 GiB)"), name);
  else
    {
      *size = (gsize) st.st_size;
      return TRUE;
    }
  return FALSE;
}

/* Fills `data`; a file that shrinks meanwhile is short, one that grows is read as it was. */
static gboolean
read_all (int fd, guint8 *data, gsize *size, const char *name, GCancellable *cancellable,
          GError **error)
{
  gsize done = 0;

  while (done < *size)
    {
      const ssize_t n = read (fd, data + done, MIN (*size - done, (gsize) 1 << 20));

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          set_read_error (error, name, g_strerror (errno));
          return FALSE;
        }
      if (n == 0)
        break;
      done += (gsize) n;
    }
  *size = done;
  return TRUE;
}

static GBytes *
read_bytes (int fd, gsize size, const char *name, GCancellable *cancellable, GError **error)
{
  guint8 *data = g_try_malloc (size);

  if (data == NULL)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("“%s” does not fit into memory"), name);
      return NULL;
    }
  if (!read_all (fd, data, &size, name, cancellable, error))
    {
      g_free (data);
      return NULL;
    }
  return g_bytes_new_take (data, size);
}

gboolean
_esp_source_check_size (const EspSource *source, guint64 width, guint64 height, GError **error)
{
  if (width == 0 || height == 0)
    {
      _esp_source_damaged (source, error, _ ("it says that it has no pixels"));
      return FALSE;
    }
  if (width > ESP_PICTURE_MAX_SIDE || height > ESP_PICTURE_MAX_SIDE
      || width * height > ESP_PICTURE_MAX_PIXELS)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("“%s” is too large: %" PRIu64 " × %" PRIu64
                      " pixels, at most %d a side and %d million in all"),
                   source->name, width, height, ESP_PICTURE_MAX_SIDE,
                   ESP_PICTURE_MAX_PIXELS / 1000000);
      return FALSE;
    }
  return TRUE;
}

/* `detail` is a decoder's own words, may be empty, and is made fit for one line. */
void
_esp_source_damaged (const EspSource *source, GError **error, const char *detail)
{
  g_autofree char *line = g_utf8_make_valid (detail, -1);

  for (char *p = line; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = ' ';
  g_strstrip (line);
  if (line[0] == '\0')
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED,
                 _ ("“%s” is damaged and cannot be read as a picture"), source->name);
  else
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED,
                 _ ("“%s” is damaged and cannot be read as a picture: %s"), source->name, line);
}

/* Adds a warning to the info and takes it over. */
void
_esp_source_warn (const EspSource *source, char *message)
{
  if (source->info->warnings == NULL)
    source->info->warnings = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (source->info->warnings, message);
}

typedef EspPicture *(*Decoder) (const EspSource *source, GError **error);

/* The decoder that the first bytes call for, or NULL. */
static Decoder
find_decoder (const EspSource *source)
{
  const guint8 *d = source->data;

  if (source->size >= 8 && memcmp (d, "\x89PNG\r\n\x1a\n", 8) == 0)
    return _esp_decode_png;
  if (source->size >= 3 && memcmp (d, "\xff\xd8\xff", 3) == 0)
    return _esp_decode_jpeg;
  if (source->size >= 12 && memcmp (d, "RIFF", 4) == 0 && memcmp (d + 8, "WEBP", 4) == 0)
    return _esp_decode_webp;
  if (source->size >= 4
      && (memcmp (d, "II*\0", 4) == 0 || memcmp (d, "MM\0*", 4) == 0 || memcmp (d, "II+\0", 4) == 0
          || memcmp (d, "MM\0+", 4) == 0))
    return _esp_decode_tiff;
  if (source->size >= 6 && (memcmp (d, "GIF87a", 6) == 0 || memcmp (d, "GIF89a", 6) == 0))
    return _esp_decode_gif;
  if (source->size >= 3 && d[0] == 'P' && d[1] == '6' && g_ascii_isspace (d[2]))
    return _esp_decode_ppm;
  if (_esp_pixbuf_knows (source))
    return _esp_decode_pixbuf;
  return NULL;
}

static Decoder
require_decoder (const EspSource *source, GError **error)
{
  const Decoder decoder = find_decoder (source);

  if (decoder == NULL)
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                 _ ("“%s” is not a picture in a format that can be read (PNG, JPEG, WebP, GIF, "
                    "TIFF, BMP, AVIF, HEIF, JPEG XL)"),
                 source->name);
  return decoder;
}

/* Where pixel (x, y) of the upright picture stands in the stored one of w × h, by EXIF's table. */
static gsize
stored_index (int orientation, gsize x, gsize y, gsize w, gsize h)
{
  switch (orientation)
    {
    case 2:
      return y * w + (w - 1 - x);
    case 3:
      return (h - 1 - y) * w + (w - 1 - x);
    case 4:
      return (h - 1 - y) * w + x;
    case 5:
      return x * w + y;
    case 6:
      return (h - 1 - x) * w + y;
    case 7:
      return (h - 1 - x) * w + (w - 1 - y);
    case 8:
      return x * w + (w - 1 - y);
    default:
      return y * w + x;
    }
}

static EspPicture *
turn_upright (EspPicture *stored, int orientation, GError **error)
{
  const gboolean swapped = orientation >= 5;
  const gsize w = (gsize) stored->width;
  const gsize h = (gsize) stored->height;
  EspPicture *turned = esp_picture_new (swapped ? stored->height : stored->width,
                                        swapped ? stored->width : stored->height, error);
  guint8 *out;

  if (turned == NULL)
    return NULL;
  out = turned->pixels;
  for (gsize y = 0; y < (gsize) turned->height; y++)
    for (gsize x = 0; x < (gsize) turned->width; x++, out += 3)
      {
        const guint8 *in = stored->pixels + stored_index (orientation, x, y, w, h) * 3;
        out[0] = in[0];
        out[1] = in[1];
        out[2] = in[2];
      }
  return turned;
}

/* Decodes a picture file that is in memory; otherwise as esp_picture_load (). `name` is what
 * messages call it. */
EspPicture *
esp_picture_load_bytes (GBytes *bytes, const char *name, EspPictureInfo *info,
                        GCancellable *cancellable, GError **error)
{
  EspPictureInfo own_info = ESP_PICTURE_INFO_INIT;
  g_autoptr (EspPicture) picture = NULL;
  EspSource source = { .name = name, .cancellable = cancellable };

  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  source.data = g_bytes_get_data (bytes, &source.size);
  source.info = info != NULL ? info : &own_info;
  if (source.size == 0)
    set_read_error (error, name, _ ("the file is empty"));
  else if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      const Decoder decoder = require_decoder (&source, error);
      if (decoder != NULL)
        picture = decoder (&source, error);
    }

  if (picture != NULL && source.info->orientation != 1)
    {
      EspPicture *turned = turn_upright (picture, source.info->orientation, error);
      esp_picture_unref (picture);
      picture = turned;
    }
  esp_picture_info_clear (&own_info);
  return g_steal_pointer (&picture);
}

/* Reads the file if its first bytes are those of a picture: a large file that is none is refused at
 * once. */
GBytes *
_esp_source_read_file (const char *path, const char *name, GCancellable *cancellable,
                       GError **error)
{
  /* O_NONBLOCK: a FIFO without a writer would otherwise hang right here. */
  const int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  GBytes *bytes = NULL;
  guint8 header[HEADER_SIZE];
  gsize size = 0;

  if (fd < 0)
    {
      set_read_error (error, name, g_strerror (errno));
      return NULL;
    }
  if (check_file (fd, name, &size, error))
    {
      gsize n = MIN (size, sizeof header);
      EspSource source = { .data = header, .name = name };

      if (read_all (fd, header, &n, name, cancellable, error))
        {
          source.size = n;
          if (require_decoder (&source, error) != NULL && lseek (fd, 0, SEEK_SET) == 0)
            bytes = read_bytes (fd, size, name, cancellable, error);
        }
    }
  close (fd);
  return bytes;
}

/* Reads a picture file: PNG, JPEG, WebP, GIF (first frame), TIFF (first page), BMP, PPM (P6),
 * and AVIF, HEIF and JPEG XL where gdk-pixbuf has a loader. `info` (NULL or initialised) gets what
 * the file was; it is valid after a failure too and always the caller's to clear. Returns a new
 * picture, or NULL with one sentence that names the file: ESP_IMAGE_ERROR or G_IO_ERROR_CANCELLED.
 */
EspPicture *
esp_picture_load (const char *path, EspPictureInfo *info, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  name = g_filename_display_name (path);
  bytes = _esp_source_read_file (path, name, cancellable, error);
  if (bytes == NULL)
    return NULL;
  return esp_picture_load_bytes (bytes, name, info, cancellable, error);
}
