/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-exif.c: EXIF blocks (Exif 2.3, a TIFF structure): the recipe, written. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-exif-private.h"

#include <string.h>

enum
{
  TAG_IMAGE_DESCRIPTION = 0x010e,
  TAG_SOFTWARE = 0x0131,
  TAG_EXIF_IFD = 0x8769,
  TAG_EXIF_VERSION = 0x9000,
  TAG_USER_COMMENT = 0x9286,
  TAG_COLOR_SPACE = 0xa001,
};

enum
{
  TYPE_ASCII = 2,
  TYPE_SHORT = 3,
  TYPE_LONG = 4,
  TYPE_UNDEFINED = 7,
};

/* ---- writing: little-endian, IFD 0 and the Exif IFD, values above four bytes behind them */

typedef struct
{
  guint16 tag;
  guint16 type;
  guint32 count;
  const void *data; /* count × size-of-type bytes, little-endian */
  guint32 size;
} Entry;

static void
put_16 (GByteArray *out, guint value)
{
  const guint8 bytes[2] = { (guint8) value, (guint8) (value >> 8) };
  g_byte_array_append (out, bytes, 2);
}

static void
put_32 (GByteArray *out, guint32 value)
{
  put_16 (out, value & 0xffff);
  put_16 (out, value >> 16);
}

static void
put_ifd (GByteArray *out, const Entry *entries, guint n)
{
  guint32 heap = out->len + 2 + n * 12 + 4;

  put_16 (out, n);
  for (guint i = 0; i < n; i++)
    {
      put_16 (out, entries[i].tag);
      put_16 (out, entries[i].type);
      put_32 (out, entries[i].count);
      if (entries[i].size > 4)
        {
          put_32 (out, heap);
          heap += (entries[i].size + 1) & ~1u;
        }
      else
        {
          guint8 inline_value[4] = { 0 };
          memcpy (inline_value, entries[i].data, entries[i].size);
          g_byte_array_append (out, inline_value, 4);
        }
    }
  put_32 (out, 0); /* no next IFD */
  for (guint i = 0; i < n; i++)
    if (entries[i].size > 4)
      {
        g_byte_array_append (out, entries[i].data, entries[i].size);
        if (entries[i].size & 1)
          g_byte_array_append (out, (const guint8 *) "", 1);
      }
}

/* `text` cut between characters so that it has at most `max` bytes, an ellipsis included. */
static char *
shorten (const char *text, gsize max)
{
  const gsize length = strlen (text);
  const char *end;

  if (length <= max)
    return g_strdup (text);
  end = g_utf8_find_prev_char (text, text + (max < 8 ? 1 : max - 3));
  return g_strdup_printf ("%.*s…", end == NULL ? 0 : (int) (end - text), text);
}

/* EXIF's UserComment: an 8-byte code name, then UTF-16 ("UNICODE"); big-endian is what the other
 * tools that keep generation parameters there write and expect, whatever the order of the block. */
static GByteArray *
user_comment (const char *text)
{
  GByteArray *out = g_byte_array_new ();
  glong n = 0;
  g_autofree gunichar2 *wide = g_utf8_to_utf16 (text, -1, NULL, &n, NULL);

  g_byte_array_append (out, (const guint8 *) "UNICODE\0", 8);
  for (glong i = 0; i < n; i++)
    {
      const guint8 bytes[2] = { (guint8) (wide[i] >> 8), (guint8) wide[i] };
      g_byte_array_append (out, bytes, 2);
    }
  return out;
}

static Entry
text_entry (guint16 tag, const char *text)
{
  const guint32 size = (guint32) strlen (text) + 1;
  return (Entry){ tag, TYPE_ASCII, size, text, size };
}

GByteArray *
_esp_exif_build (const EspRecipe *recipe, gsize limit)
{
  GByteArray *out = g_byte_array_new ();
  g_autoptr (GByteArray) comment = NULL;
  g_autofree char *description = NULL;
  g_autofree char *software = NULL;
  static const guint8 srgb[2] = { 1, 0 };
  guint8 pointer[4];
  Entry main_ifd[3];
  Entry exif_ifd[3];
  guint n_main = 0;
  guint n_exif = 0;
  guint32 exif_at;

  /* UTF-16 takes at most twice the room of UTF-8; 1 KiB is more than all the tables need. */
  if (recipe != NULL)
    {
      g_autofree char *full = esp_recipe_format_parameters (recipe);
      g_autofree char *parameters = shorten (full, (limit - 1024) / 4);
      comment = user_comment (parameters);
      description = shorten (recipe->prompt != NULL ? recipe->prompt : "", (limit - 1024) / 4);
      software = shorten (recipe->software != NULL ? recipe->software : "", 256);
      if (description[0] != '\0')
        main_ifd[n_main++] = text_entry (TAG_IMAGE_DESCRIPTION, description);
      if (software[0] != '\0')
        main_ifd[n_main++] = text_entry (TAG_SOFTWARE, software);
    }
  main_ifd[n_main++] = (Entry){ TAG_EXIF_IFD, TYPE_LONG, 1, pointer, 4 };

  exif_ifd[n_exif++] = (Entry){ TAG_EXIF_VERSION, TYPE_UNDEFINED, 4, "0230", 4 };
  if (comment != NULL)
    exif_ifd[n_exif++]
        = (Entry){ TAG_USER_COMMENT, TYPE_UNDEFINED, comment->len, comment->data, comment->len };
  exif_ifd[n_exif++] = (Entry){ TAG_COLOR_SPACE, TYPE_SHORT, 1, srgb, 2 };

  exif_at = 8 + 2 + n_main * 12 + 4;
  for (guint i = 0; i < n_main; i++)
    if (main_ifd[i].size > 4)
      exif_at += (main_ifd[i].size + 1) & ~1u;
  for (int i = 0; i < 4; i++)
    pointer[i] = (guint8) (exif_at >> (8 * i));

  g_byte_array_append (out, (const guint8 *) "II*\0\x08\0\0\0", 8);
  put_ifd (out, main_ifd, n_main);
  put_ifd (out, exif_ifd, n_exif);
  return out;
}
