/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-file-name.h"

#include <string.h>

/* --- Kinds of files --------------------------------------------------------------------------- */

static gboolean
begins (const guint8 *data, gsize size, gsize offset, const char *magic, gsize length)
{
  return size >= offset + length && memcmp (data + offset, magic, length) == 0;
}

#define BEGINS(offset, magic) begins (data, size, offset, "" magic, sizeof (magic) - 1)

const char *
esp_media_type_sniff (GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (BEGINS (0, "\211PNG\r\n\032\n"))
    return "image/png";
  if (BEGINS (0, "\377\330\377"))
    return "image/jpeg";
  if (BEGINS (0, "RIFF") && BEGINS (8, "WEBP"))
    return "image/webp";
  if (BEGINS (0, "II*\0") || BEGINS (0, "MM\0*") || BEGINS (0, "II+\0") || BEGINS (0, "MM\0+"))
    return "image/tiff";
  if (BEGINS (0, "GIF8"))
    return "image/gif";
  if (BEGINS (4, "ftypavif") || BEGINS (4, "ftypavis"))
    return "image/avif";
  if (BEGINS (4, "ftyp"))
    return "image/heif";
  if (BEGINS (0, "\377\012") || BEGINS (0, "\0\0\0\014JXL "))
    return "image/jxl";
  if (BEGINS (0, "BM"))
    return "image/bmp";
  if (BEGINS (0, "P6") || BEGINS (0, "P5"))
    return "image/x-portable-pixmap";
  return "application/octet-stream";
}

static const struct
{
  const char *media_type;
  const char *extension;
} types[] = {
  { "image/png", ".png" },
  { "image/jpeg", ".jpg" },
  { "image/webp", ".webp" },
  { "image/tiff", ".tiff" },
  { "image/gif", ".gif" },
  { "image/avif", ".avif" },
  { "image/heic", ".heic" },
  { "image/heif", ".heif" },
  { "image/jxl", ".jxl" },
  { "image/bmp", ".bmp" },
  { "image/x-portable-pixmap", ".ppm" },
};

const char *
esp_media_type_get_extension (const char *media_type)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (g_strcmp0 (media_type, types[i].media_type) == 0)
        return types[i].extension;
    }

  return NULL;
}

/* --- Names ------------------------------------------------------------------------------------ */

/* Names that Windows keeps for devices, whatever the extension. */
static gboolean
is_device (const char *name)
{
  static const char *const devices[] = { "CON", "PRN", "AUX", "NUL", NULL };
  g_autofree char *upper = g_ascii_strup (name, -1);

  if (g_strv_contains (devices, upper))
    return TRUE;
  return strlen (upper) == 4 && (g_str_has_prefix (upper, "COM") || g_str_has_prefix (upper, "LPT"))
         && g_ascii_isdigit (upper[3]);
}

/* Cuts between characters, not before a mark that belongs to the character before. */
static void
cut (GString *text, gsize max)
{
  const char *end;

  if (text->len <= max)
    return;
  end = text->str + max;
  while (end > text->str
         && (((guchar) *end & 0xc0) == 0x80 || g_unichar_ismark (g_utf8_get_char (end))
             || g_utf8_get_char (end) == 0x200d))
    end--;
  g_string_truncate (text, (gsize) (end - text->str));
}

char *
esp_file_name_clean (const char *text, gsize max)
{
  GString *out = g_string_new (NULL);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  gboolean space = FALSE;

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      const gunichar c = g_utf8_get_char (p);

      /* Also the characters that turn the direction of text: they can disguise an extension. */
      if (g_unichar_isspace (c) || g_unichar_iscntrl (c) || (c >= 0x202a && c <= 0x202e)
          || (c >= 0x2066 && c <= 0x2069) || (c < 0x80 && strchr ("/\\:*?\"<>|", (int) c) != NULL))
        space = TRUE;
      else
        {
          if (space && out->len > 0)
            g_string_append_c (out, ' ');
          space = FALSE;
          /* Hidden files and "..". */
          if (!(out->len == 0 && (c == '.' || c == '-')))
            g_string_append_unichar (out, c);
        }
    }
  cut (out, max);
  while (out->len > 0 && strchr (". ", out->str[out->len - 1]) != NULL)
    g_string_truncate (out, out->len - 1);
  if (is_device (out->str))
    g_string_append_c (out, '_');
  return g_string_free (out, FALSE);
}
