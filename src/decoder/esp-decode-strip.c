/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-strip.c: containers are copied part by part; a part that is not known to matter for
 * the looks of the picture is left out. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-decode.h"

#include "esp-byte-order.h"
#include "esp-exif-read-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <zlib.h>

/* An EXIF block that holds nothing but the orientation. */
#define EXIF_SIZE      26
#define EXIF_VALUE     18
#define EXIF_NOTHING   "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0"
#define VP8X_HAS_EXIF  0x08
#define VP8X_HAS_XMP   0x04
#define VP8X_FLAGS_AT  20 /* from the beginning of the file */
#define MAX_BYTE_ARRAY (G_MAXUINT32 / 2)

static void
fill_exif (guint8 out[EXIF_SIZE], int orientation)
{
  memcpy (out, EXIF_NOTHING, EXIF_SIZE);
  out[EXIF_VALUE] = (guint8) orientation;
}

static gboolean
is_one_of (const guint8 *type, const char *const *types)
{
  for (; *types != NULL; types++)
    if (memcmp (type, *types, 4) == 0)
      return TRUE;
  return FALSE;
}

static void
put_be_32 (GByteArray *out, guint32 value)
{
  const guint8 bytes[4]
      = { (guint8) (value >> 24), (guint8) (value >> 16), (guint8) (value >> 8), (guint8) value };
  g_byte_array_append (out, bytes, 4);
}

static void
put_le_32 (GByteArray *out, guint32 value)
{
  const guint8 bytes[4]
      = { (guint8) value, (guint8) (value >> 8), (guint8) (value >> 16), (guint8) (value >> 24) };
  g_byte_array_append (out, bytes, 4);
}

/* The strippers return FALSE if the file is wrong. */

/* ---- PNG */

static void
put_png_exif (GByteArray *out, int orientation)
{
  guint8 chunk[4 + EXIF_SIZE];

  memcpy (chunk, "eXIf", 4);
  fill_exif (chunk + 4, orientation);
  put_be_32 (out, EXIF_SIZE);
  g_byte_array_append (out, chunk, sizeof chunk);
  put_be_32 (out, (guint32) crc32 (crc32 (0, NULL, 0), chunk, sizeof chunk));
}

static int
png_orientation (const guint8 *data, gsize size)
{
  for (gsize at = 8; size - at >= 12 && _esp_be_32 (data + at) <= size - at - 12;
       at += (gsize) _esp_be_32 (data + at) + 12)
    if (memcmp (data + at + 4, "eXIf", 4) == 0)
      return _esp_exif_orientation (data + at + 8, _esp_be_32 (data + at));
  return 1;
}

static gboolean
strip_png (const guint8 *data, gsize size, GByteArray *out)
{
  static const char *const kept[]
      = { "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "bKGD", "pHYs",
          "cICP", "mDCV", "cLLI", "acTL", "fcTL", "fdAT", NULL };
  const int orientation = png_orientation (data, size);

  g_byte_array_append (out, data, 8);
  for (gsize at = 8; size - at >= 12;)
    {
      const gsize length = _esp_be_32 (data + at);
      const guint8 *type = data + at + 4;
      const gboolean critical = !(type[0] & 0x20);

      if (length > size - at - 12)
        return FALSE;
      if (memcmp (type, "IEND", 4) == 0)
        {
          g_byte_array_append (out, data + at, (guint) length + 12);
          return TRUE;
        }
      if (critical || is_one_of (type, kept))
        g_byte_array_append (out, data + at, (guint) length + 12);
      if (memcmp (type, "IHDR", 4) == 0 && orientation != 1)
        put_png_exif (out, orientation);
      at += length + 12;
    }
  return FALSE;
}

/* ---- JPEG */

static gboolean
begins (const guint8 *data, gsize size, const char *text, gsize length)
{
  return size >= length && memcmp (data, text, length) == 0;
}

/* Of ITU T.81, table B.1: a stuffed byte, TEM, restarts, and the picture's beginning. */
static gboolean
is_lone_marker (guint marker)
{
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/* Does this segment matter for the looks? `body` is what follows its length. */
static gboolean
is_kept_segment (guint marker, const guint8 *body, gsize size)
{
  if (marker == 0xe0)
    return begins (body, size, "JFIF\0", 5);
  if (marker == 0xe2)
    return begins (body, size, "ICC_PROFILE\0", 12);
  if (marker == 0xee)
    return begins (body, size, "Adobe", 5); /* how colours are coded */
  return !(marker >= 0xe0 && marker <= 0xef) && marker != 0xfe;
}

static void
put_jpeg_exif (GByteArray *out, int orientation)
{
  guint8 exif[EXIF_SIZE];

  fill_exif (exif, orientation);
  g_byte_array_append (out,
                       (const guint8 *) "\xff\xe1\0\x22"
                                        "Exif\0\0",
                       10);
  g_byte_array_append (out, exif, sizeof exif);
}

static int
jpeg_orientation (const guint8 *data, gsize size)
{
  for (gsize at = 2; size - at >= 4 && data[at] == 0xff && data[at + 1] != 0xda;)
    {
      const gsize length = (gsize) data[at + 2] << 8 | data[at + 3];

      if (data[at + 1] == 0xff)
        {
          at++;
          continue;
        }
      if (length < 2 || length > size - at - 2)
        break;
      if (data[at + 1] == 0xe1 && begins (data + at + 4, length - 2, "Exif\0\0", 6))
        return _esp_exif_orientation (data + at + 4, length - 2);
      at += length + 2;
    }
  return 1;
}

/* Where the coded data that begins at `at` ends: at the next marker that is no restart. */
static gsize
skip_scan (const guint8 *data, gsize size, gsize at)
{
  while (at + 1 < size)
    {
      const guint8 *found = memchr (data + at, 0xff, size - at - 1);

      if (found == NULL)
        return size;
      at = (gsize) (found - data);
      if (data[at + 1] != 0 && data[at + 1] != 0xff && (data[at + 1] < 0xd0 || data[at + 1] > 0xd7))
        return at;
      at += data[at + 1] == 0xff ? 1 : 2;
    }
  return size;
}

static gboolean
strip_jpeg (const guint8 *data, gsize size, GByteArray *out)
{
  const int orientation = jpeg_orientation (data, size);
  gboolean oriented = orientation == 1;

  g_byte_array_append (out, data, 2);
  for (gsize at = 2; size - at >= 2;)
    {
      const guint marker = data[at + 1];
      gsize length;

      if (data[at] != 0xff)
        return FALSE;
      if (marker == 0xff)
        {
          at++;
          continue;
        }
      if (marker == 0xd9)
        {
          g_byte_array_append (out, data + at, 2);
          return TRUE;
        }
      /* What has no length belongs into coded data. Copied, it would become part of those before
       * wherever a segment between them is left out. */
      if (size - at < 4 || is_lone_marker (marker))
        return FALSE;
      length = (gsize) data[at + 2] << 8 | data[at + 3];
      if (length < 2 || length > size - at - 2)
        return FALSE;
      if (marker != 0xe0 && !oriented)
        {
          put_jpeg_exif (out, orientation);
          oriented = TRUE;
        }
      if (is_kept_segment (marker, data + at + 4, length - 2))
        g_byte_array_append (out, data + at, (guint) length + 2);
      at += length + 2;
      if (marker == 0xda)
        {
          const gsize end = skip_scan (data, size, at);

          g_byte_array_append (out, data + at, (guint) (end - at));
          at = end;
        }
    }
  return FALSE;
}

/* ---- WebP */

static gboolean
strip_webp (const guint8 *data, gsize size, GByteArray *out)
{
  static const char *const kept[]
      = { "VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP", NULL };
  const gsize end = MIN (size, (gsize) _esp_le_32 (data + 4) + 8);
  gboolean extended = FALSE;
  int orientation = 1;

  g_byte_array_append (out, data, 12);
  for (gsize at = 12; at < end;)
    {
      gsize length, padded;

      if (end - at < 8)
        return FALSE;
      length = _esp_le_32 (data + at + 4);
      if (length > end - at - 8)
        return FALSE;
      padded = MIN (length + (length & 1), end - at - 8);
      if (memcmp (data + at, "EXIF", 4) == 0)
        orientation = _esp_exif_orientation (data + at + 8, length);
      /* What readers look for is the first part: of the result, that is. */
      if (memcmp (data + at, "VP8X", 4) == 0 && out->len == 12)
        extended = length >= 10;
      if (is_one_of (data + at, kept))
        {
          g_byte_array_append (out, data + at, (guint) (8 + padded));
          if (length & 1 && padded == length)
            g_byte_array_append (out, (const guint8 *) "", 1);
        }
      at += 8 + padded;
    }
  if (out->len == 12)
    return FALSE;
  if (extended)
    {
      out->data[VP8X_FLAGS_AT] &= (guint8) ~(VP8X_HAS_EXIF | VP8X_HAS_XMP);
      if (orientation != 1)
        {
          guint8 exif[EXIF_SIZE];

          fill_exif (exif, orientation);
          out->data[VP8X_FLAGS_AT] |= VP8X_HAS_EXIF;
          g_byte_array_append (out, (const guint8 *) "EXIF", 4);
          put_le_32 (out, EXIF_SIZE);
          g_byte_array_append (out, exif, sizeof exif);
        }
    }
  for (int i = 0; i < 4; i++)
    out->data[4 + i] = (guint8) ((out->len - 8) >> (8 * i));
  return TRUE;
}

GBytes *
esp_decode_strip (GBytes *bytes, const char *name, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  const guint8 *data;
  gsize size;
  gboolean ok;

  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  data = g_bytes_get_data (bytes, &size);
  if (size > MAX_BYTE_ARRAY)
    ok = FALSE;
  else if (size >= 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0)
    ok = strip_png (data, size, out);
  else if (size >= 3 && memcmp (data, "\xff\xd8\xff", 3) == 0)
    ok = strip_jpeg (data, size, out);
  else if (size >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0)
    ok = strip_webp (data, size, out);
  else
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("“%s” is of a format whose metadata cannot be taken out; choose another "
                      "format for the result"),
                   name);
      return NULL;
    }
  if (!ok)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED,
                   _ ("“%s” is damaged: its metadata cannot be taken out"), name);
      return NULL;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}
