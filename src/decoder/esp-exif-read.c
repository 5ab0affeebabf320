/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-exif-read.c: EXIF blocks (Exif 2.3, a TIFF structure): the orientation, and texts. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-exif-read-private.h"

#include <string.h>

enum
{
  TAG_ORIENTATION = 0x0112,
  TAG_EXIF_IFD = 0x8769,
};

enum
{
  TYPE_ASCII = 2,
  TYPE_LONG = 4,
  TYPE_UNDEFINED = 7,
};

static guint
get_16 (const guint8 *p, gboolean little)
{
  return little ? (guint) (p[0] | p[1] << 8) : (guint) (p[0] << 8 | p[1]);
}

static guint
get_32 (const guint8 *p, gboolean little)
{
  return little ? get_16 (p, TRUE) | get_16 (p + 2, TRUE) << 16
                : get_16 (p, FALSE) << 16 | get_16 (p + 2, FALSE);
}

int
_esp_exif_orientation (const guint8 *data, gsize size)
{
  gboolean little;
  gsize at;
  guint n;

  if (size >= 6 && memcmp (data, "Exif\0\0", 6) == 0)
    {
      data += 6;
      size -= 6;
    }
  if (size < 14)
    return 1;
  if (memcmp (data, "II*\0", 4) == 0)
    little = TRUE;
  else if (memcmp (data, "MM\0*", 4) == 0)
    little = FALSE;
  else
    return 1;

  at = get_32 (data + 4, little);
  if (at > size - 2)
    return 1;
  n = get_16 (data + at, little);
  at += 2;
  for (guint i = 0; i < n && size - at >= 12; i++, at += 12)
    if (get_16 (data + at, little) == TAG_ORIENTATION)
      {
        /* The standard says SHORT; LONG is seen too. */
        const guint type = get_16 (data + at + 2, little);
        const guint value
            = type == TYPE_LONG ? get_32 (data + at + 8, little) : get_16 (data + at + 8, little);
        return value >= 1 && value <= 8 ? (int) value : 1;
      }
  return 1;
}

/* ---- reading texts */

typedef struct
{
  const guint8 *data; /* the TIFF structure */
  gsize size;
  gboolean little;
} ExifReader;

static gboolean
open_exif (ExifReader *self, const guint8 *data, gsize size)
{
  if (size >= 6 && memcmp (data, "Exif\0\0", 6) == 0)
    {
      data += 6;
      size -= 6;
    }
  if (size < 14 || (memcmp (data, "II*\0", 4) != 0 && memcmp (data, "MM\0*", 4) != 0))
    return FALSE;
  *self = (ExifReader){ data, size, data[0] == 'I' };
  return TRUE;
}

/* The entry of the directory at `at`, 12 bytes; NULL if there is none. */
static const guint8 *
find_entry (const ExifReader *self, gsize at, guint tag)
{
  guint n;

  if (at > self->size - 2)
    return NULL;
  n = get_16 (self->data + at, self->little);
  at += 2;
  for (guint i = 0; i < n && self->size - at >= 12; i++, at += 12)
    if (get_16 (self->data + at, self->little) == tag)
      return self->data + at;
  return NULL;
}

static const guint8 *
entry_value (const ExifReader *self, const guint8 *entry, gsize *size)
{
  const guint type = get_16 (entry + 2, self->little);
  gsize at;

  *size = get_32 (entry + 4, self->little);
  if (type != 1 && type != TYPE_ASCII && type != TYPE_UNDEFINED)
    return NULL;
  if (*size <= 4)
    return entry + 8;
  at = get_32 (entry + 8, self->little);
  return at <= self->size && *size <= self->size - at ? self->data + at : NULL;
}

/* UserComment: 8 bytes that name the code, then the text. "UNICODE" is UTF-16 in whichever order
 * the writer had in mind: that which gives more of the common letters. */
static char *
decode_comment (const guint8 *data, gsize size)
{
  gsize big = 0, n;
  g_autofree gunichar2 *wide = NULL;

  if (size < 8)
    return NULL;
  if (memcmp (data, "UNICODE\0", 8) != 0)
    return g_strndup ((const char *) data + 8, size - 8);
  data += 8;
  n = (size - 8) / 2;
  for (gsize i = 0; i < n; i++)
    big += (data[2 * i] == 0) - (data[2 * i + 1] == 0);
  wide = g_new (gunichar2, n + 1);
  for (gsize i = 0; i < n; i++)
    wide[i] = (gunichar2) get_16 (data + 2 * i, !((gssize) big > 0));
  return g_utf16_to_utf8 (wide, (glong) n, NULL, NULL, NULL);
}

char *
_esp_exif_dup_text (const guint8 *data, gsize size, guint tag)
{
  ExifReader self;
  const guint8 *entry, *value;
  g_autofree char *text = NULL;
  gsize length = 0;

  if (!open_exif (&self, data, size))
    return NULL;
  entry = find_entry (&self, get_32 (self.data + 4, self.little), tag);
  if (entry == NULL)
    {
      const guint8 *more = find_entry (&self, get_32 (self.data + 4, self.little), TAG_EXIF_IFD);

      if (more != NULL)
        entry = find_entry (&self, get_32 (more + 8, self.little), tag);
    }
  value = entry != NULL ? entry_value (&self, entry, &length) : NULL;
  if (value == NULL)
    return NULL;
  text = tag == ESP_EXIF_USER_COMMENT ? decode_comment (value, length)
                                      : g_strndup ((const char *) value, length);
  return text != NULL && g_utf8_validate (text, -1, NULL) ? g_steal_pointer (&text) : NULL;
}
