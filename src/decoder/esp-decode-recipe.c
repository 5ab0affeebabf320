/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-recipe.c: our own recipes, out of picture files. Only the containers are walked; no
 * pixel is decoded. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-decode.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-byte-order.h"
#include "esp-recipe-private.h"
#include "esp-xmp-read-private.h"

#define XMP_PREFIX      "http://ns.adobe.com/xap/1.0/"
#define EXTENDED_PREFIX "http://ns.adobe.com/xmp/extension/"

#define TIFF_XMP 700 /* the tag */

/* Escaped as XML a document may take six times its size. */
#define MAX_EXTENDED ((gsize) ESP_RECIPE_MAX_SIZE * 6 + 65536)

/* zlib data of at most ESP_RECIPE_MAX_SIZE bytes once inflated; NULL if it is broken or larger. */
char *
_esp_recipe_inflate (const guint8 *data, gsize size, gsize *length)
{
  g_autoptr (GZlibDecompressor) zlib = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  GConverterResult result = G_CONVERTER_CONVERTED;

  while (result == G_CONVERTER_CONVERTED)
    {
      guint8 piece[16384];
      gsize taken = 0;
      gsize given = 0;

      result = g_converter_convert (G_CONVERTER (zlib), data, size, piece, sizeof piece,
                                    G_CONVERTER_INPUT_AT_END, &taken, &given, NULL);
      if (result == G_CONVERTER_ERROR || out->len + given > ESP_RECIPE_MAX_SIZE)
        return NULL;
      g_byte_array_append (out, piece, (guint) given);
      data += taken;
      size -= taken;
    }
  *length = out->len;
  return g_strndup ((const char *) out->data, out->len);
}

/* The text of an iTXt chunk: keyword NUL, compressed?, method, language NUL, translated keyword
 * NUL. */
char *
_esp_recipe_read_itxt (const guint8 *data, gsize size, gsize *length)
{
  const guint8 *end = data + size;
  const guint8 *p = memchr (data, '\0', size);
  gboolean compressed;

  if (p == NULL || end - p < 3)
    return NULL;
  compressed = p[1] == 1;
  p += 3;
  for (int i = 0; i < 2; i++)
    {
      p = memchr (p, '\0', (gsize) (end - p));
      if (p == NULL)
        return NULL;
      p++;
    }
  if (compressed)
    return _esp_recipe_inflate (p, (gsize) (end - p), length);
  *length = (gsize) (end - p);
  return *length <= ESP_RECIPE_MAX_SIZE ? g_strndup ((const char *) p, *length) : NULL;
}

/* Makes `text`, which it takes, the result if it is UTF-8 without NUL. */
static void
accept (char *text, gsize length, char **json)
{
  if (text != NULL && g_utf8_validate_len (text, length, NULL))
    *json = text;
  else
    g_free (text);
}

/* The readers return TRUE if a recipe is there; *json stays NULL if it is broken. */
static gboolean
read_png (const guint8 *data, gsize size, char **json)
{
  static const char keyword[] = "espalier";

  for (gsize at = 8; size - at >= 12;)
    {
      const gsize length = _esp_be_32 (data + at);
      const guint8 *body = data + at + 8;

      if (length > size - at - 12)
        return FALSE;
      if (memcmp (data + at + 4, "iTXt", 4) == 0 && length > sizeof keyword
          && memcmp (body, keyword, sizeof keyword) == 0)
        {
          gsize text_length = 0;
          char *text = _esp_recipe_read_itxt (body, length, &text_length);
          accept (text, text_length, json);
          return TRUE;
        }
      at += length + 12;
    }
  return FALSE;
}

typedef struct
{
  char *json;
  char *guid;
  GByteArray *extended; /* sized to the full length once the first part says it */
  gsize received;
} JpegRecipe;

/* One extended XMP segment after its prefix: 32 bytes of id, full length, offset, data. */
static void
add_extended (JpegRecipe *self, const guint8 *data, gsize size)
{
  gsize total, offset;

  if (self->guid == NULL || size < 40 || strlen (self->guid) != 32
      || memcmp (data, self->guid, 32) != 0)
    return;
  total = _esp_be_32 (data + 32);
  offset = _esp_be_32 (data + 36);
  data += 40;
  size -= 40;
  if (total > MAX_EXTENDED || offset > total || size > total - offset)
    return;
  if (self->extended == NULL)
    {
      self->extended = g_byte_array_new ();
      g_byte_array_set_size (self->extended, (guint) total);
      memset (self->extended->data, 0, total);
    }
  if (self->extended->len != total)
    return;
  memcpy (self->extended->data + offset, data, size);
  self->received += size;
}

static void
add_segment (JpegRecipe *self, const guint8 *data, gsize size)
{
  if (size > sizeof XMP_PREFIX && memcmp (data, XMP_PREFIX, sizeof XMP_PREFIX) == 0
      && self->guid == NULL && self->json == NULL)
    _esp_xmp_parse ((const char *) data + sizeof XMP_PREFIX, size - sizeof XMP_PREFIX, &self->json,
                    &self->guid);
  else if (size > sizeof EXTENDED_PREFIX
           && memcmp (data, EXTENDED_PREFIX, sizeof EXTENDED_PREFIX) == 0)
    add_extended (self, data + sizeof EXTENDED_PREFIX, size - sizeof EXTENDED_PREFIX);
}

/* The extended document, if it is whole and the one that the packet named. */
static void
finish_extended (JpegRecipe *self)
{
  g_autofree char *digest = NULL;
  char *inner_guid = NULL;

  if (self->extended == NULL || self->received != self->extended->len)
    return;
  digest = g_compute_checksum_for_data (G_CHECKSUM_MD5, self->extended->data, self->extended->len);
  if (g_ascii_strcasecmp (digest, self->guid) == 0)
    _esp_xmp_parse ((const char *) self->extended->data, self->extended->len, &self->json,
                    &inner_guid);
  g_free (inner_guid);
}

static gboolean
read_jpeg (const guint8 *data, gsize size, char **json)
{
  JpegRecipe self = { NULL };
  gboolean there;

  for (gsize at = 2; size - at >= 4 && data[at] == 0xff && data[at + 1] != 0xda;)
    {
      const gsize length = (gsize) data[at + 2] << 8 | data[at + 3];

      if (data[at + 1] == 0xff) /* a fill byte */
        {
          at++;
          continue;
        }
      if (length < 2 || length > size - at - 2)
        break;
      if (data[at + 1] == 0xe1)
        add_segment (&self, data + at + 4, length - 2);
      at += length + 2;
    }
  if (self.json == NULL)
    finish_extended (&self);

  there = self.json != NULL || self.extended != NULL;
  if (self.json != NULL)
    accept (self.json, strlen (self.json), json); /* takes it */
  g_free (self.guid);
  if (self.extended != NULL)
    g_byte_array_unref (self.extended);
  return there;
}

static gboolean
read_webp (const guint8 *data, gsize size, char **json)
{
  for (gsize at = 12; at <= size && size - at >= 8;)
    {
      const gsize length = _esp_le_32 (data + at + 4);

      if (length > size - at - 8)
        return FALSE;
      if (memcmp (data + at, "XMP ", 4) == 0)
        {
          char *guid = NULL;

          _esp_xmp_parse ((const char *) data + at + 8, length, json, &guid);
          g_free (guid);
          return *json != NULL;
        }
      at += 8 + length + (length & 1);
    }
  return FALSE;
}

/* The XMP packet of a TIFF file's first directory. */
static gboolean
read_tiff (const guint8 *data, gsize size, char **json)
{
  const gboolean big_endian = data[0] == 'M';
  gsize at = big_endian ? _esp_be_32 (data + 4) : _esp_le_32 (data + 4);
  guint n;

  if (at > size - 2)
    return FALSE;
  n = big_endian ? (guint) (data[at] << 8 | data[at + 1]) : (guint) (data[at] | data[at + 1] << 8);
  at += 2;
  for (guint i = 0; i < n && size - at >= 12; i++, at += 12)
    {
      const guint8 *entry = data + at;
      const guint tag
          = big_endian ? (guint) (entry[0] << 8 | entry[1]) : (guint) (entry[0] | entry[1] << 8);
      const gsize length = big_endian ? _esp_be_32 (entry + 4) : _esp_le_32 (entry + 4);
      const gsize offset = big_endian ? _esp_be_32 (entry + 8) : _esp_le_32 (entry + 8);

      if (tag == TIFF_XMP && offset <= size && length <= size - offset)
        {
          char *guid = NULL;

          _esp_xmp_parse ((const char *) data + offset, length, json, &guid);
          g_free (guid);
          return *json != NULL;
        }
    }
  return FALSE;
}

gboolean
esp_decode_recipe (GBytes *bytes, const char *name, char **json, GError **error)
{
  gsize size = 0;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gboolean there = FALSE;

  g_return_val_if_fail (json != NULL && name != NULL, FALSE);

  *json = NULL;
  if (size >= 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0)
    there = read_png (data, size, json);
  else if (size >= 3 && memcmp (data, "\xff\xd8\xff", 3) == 0)
    there = read_jpeg (data, size, json);
  else if (size >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0)
    there = read_webp (data, size, json);
  else if (size >= 16 && (memcmp (data, "II*\0", 4) == 0 || memcmp (data, "MM\0*", 4) == 0))
    there = read_tiff (data, size, json);

  if (*json != NULL)
    return TRUE;
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_NO_RECIPE,
               there ? _ ("The recipe in “%s” is damaged") : _ ("“%s” carries no recipe"), name);
  return FALSE;
}
