/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recipe-texts.c: the texts in picture files. Only the containers are walked. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-byte-order.h"
#include "esp-exif-read-private.h"
#include "esp-recipe-private.h"

#include <string.h>

#define MAX_TEXTS   32
#define MAX_KEYWORD 79 /* as PNG has it */

/* Takes `text`. */
static void
add (GHashTable *texts, const char *key, char *text)
{
  if (text != NULL && text[0] != '\0' && g_hash_table_size (texts) < MAX_TEXTS
      && !g_hash_table_contains (texts, key))
    g_hash_table_insert (texts, g_strdup (key), text);
  else
    g_free (text);
}

/* PNG says Latin-1; many programs write UTF-8 nevertheless. By hand, since iconv () loads a library
 * for it, which there is none to be had of here. */
static char *
to_utf8 (const char *text, gsize length)
{
  GString *wide;

  if (g_utf8_validate_len (text, length, NULL))
    return g_strndup (text, length);
  wide = g_string_sized_new (2 * length);
  for (gsize i = 0; i < length && text[i] != '\0'; i++)
    g_string_append_unichar (wide, (guint8) text[i]);
  return g_string_free (wide, FALSE);
}

static void
add_chunk (GHashTable *texts, const guint8 *type, const guint8 *body, gsize size)
{
  const guint8 *end = memchr (body, '\0', MIN (size, MAX_KEYWORD + 1));
  g_autofree char *key = NULL;
  g_autofree char *raw = NULL;
  gsize length = 0;

  if (end == NULL)
    return;
  key = to_utf8 ((const char *) body, (gsize) (end - body));
  if (memcmp (type, "tEXt", 4) == 0)
    add (texts, key, to_utf8 ((const char *) end + 1, size - (gsize) (end - body) - 1));
  else if (memcmp (type, "zTXt", 4) == 0 && size - (gsize) (end - body) > 2)
    {
      raw = _esp_recipe_inflate (end + 2, size - (gsize) (end - body) - 2, &length);
      add (texts, key, raw != NULL ? to_utf8 (raw, length) : NULL);
    }
  else if (memcmp (type, "iTXt", 4) == 0)
    {
      raw = _esp_recipe_read_itxt (body, size, &length);
      if (raw != NULL && g_utf8_validate_len (raw, length, NULL))
        add (texts, key, g_steal_pointer (&raw));
    }
}

static void
add_exif (GHashTable *texts, const guint8 *data, gsize size)
{
  add (texts, "UserComment", _esp_exif_dup_text (data, size, ESP_EXIF_USER_COMMENT));
  add (texts, "ImageDescription", _esp_exif_dup_text (data, size, ESP_EXIF_IMAGE_DESCRIPTION));
  add (texts, "Make", _esp_exif_dup_text (data, size, ESP_EXIF_MAKE));
  add (texts, "Model", _esp_exif_dup_text (data, size, ESP_EXIF_MODEL));
}

static void
walk_png (GHashTable *texts, const guint8 *data, gsize size)
{
  for (gsize at = 8; size - at >= 12;)
    {
      const gsize length = _esp_be_32 (data + at);

      if (length > size - at - 12)
        return;
      if (memcmp (data + at + 4, "eXIf", 4) == 0)
        add_exif (texts, data + at + 8, length);
      else if (length > 0)
        add_chunk (texts, data + at + 4, data + at + 8, length);
      at += length + 12;
    }
}

static void
walk_jpeg (GHashTable *texts, const guint8 *data, gsize size)
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
        return;
      if (data[at + 1] == 0xe1 && length > 8 && memcmp (data + at + 4, "Exif\0\0", 6) == 0)
        add_exif (texts, data + at + 4, length - 2);
      else if (data[at + 1] == 0xfe)
        add (texts, "Comment", to_utf8 ((const char *) data + at + 4, length - 2));
      at += length + 2;
    }
}

static void
walk_webp (GHashTable *texts, const guint8 *data, gsize size)
{
  for (gsize at = 12; at <= size && size - at >= 8;)
    {
      const gsize length = _esp_le_32 (data + at + 4);

      if (length > size - at - 8)
        return;
      if (memcmp (data + at, "EXIF", 4) == 0)
        add_exif (texts, data + at + 8, length);
      at += 8 + length + (length & 1);
    }
}

GHashTable *
_esp_recipe_collect_texts (GBytes *bytes)
{
  GHashTable *texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  gsize size = 0;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (size >= 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0)
    walk_png (texts, data, size);
  else if (size >= 3 && memcmp (data, "\xff\xd8\xff", 3) == 0)
    walk_jpeg (texts, data, size);
  else if (size >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0)
    walk_webp (texts, data, size);
  return texts;
}
