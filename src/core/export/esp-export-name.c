/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-name.c: names of exported files. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-export-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_BYTES 120

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
_esp_export_extension (EspExportFormat format, const char *media_type)
{
  switch (format)
    {
    case ESP_EXPORT_JPEG:
      return ".jpg";
    case ESP_EXPORT_WEBP:
      return ".webp";
    case ESP_EXPORT_TIFF:
      return ".tiff";
    case ESP_EXPORT_GIF:
      return ".gif";
    case ESP_EXPORT_ORIGINAL:
      for (guint i = 0; i < G_N_ELEMENTS (types); i++)
        if (g_strcmp0 (media_type, types[i].media_type) == 0)
          return types[i].extension;
      return ".png";
    case ESP_EXPORT_PNG:
    case ESP_EXPORT_APNG: /* under this name every program opens it */
    default:
      return ".png";
    }
}

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
_esp_export_clean_name (const char *text, gsize max)
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

/* What the node is called beside the document's title. */
static char *
dup_subject (EspNode *node)
{
  const char *label = esp_node_get_label (node);
  const char *instruction = esp_node_get_instruction (node);
  const char *file_name = esp_node_get_file_name (node);
  const char *dot;

  if (label != NULL && label[0] != '\0')
    return g_strdup (label);
  if (instruction != NULL && instruction[0] != '\0')
    return g_strdup (instruction);
  if (file_name == NULL)
    return g_strdup ("");
  dot = strrchr (file_name, '.');
  return dot != NULL && dot != file_name ? g_strndup (file_name, (gsize) (dot - file_name))
                                         : g_strdup (file_name);
}

static char *
put_together (const char *first, const char *second, const char *extension)
{
  const gsize room = MAX_BYTES - strlen (extension);
  g_autofree char *text = NULL;
  g_autofree char *clean = NULL;

  if (first[0] == '\0' || second[0] == '\0' || g_str_equal (first, second))
    text = g_strdup (first[0] != '\0' ? first : second);
  else
    text = g_strdup_printf ("%s - %s", first, second);
  clean = _esp_export_clean_name (text, room);
  if (clean[0] == '\0')
    {
      g_free (clean);
      /* Translators: the name of a file whose image has no name. */
      clean = g_strdup (_ ("Image"));
    }
  return g_strconcat (clean, extension, NULL);
}

char *
esp_export_dup_file_name (EspDocument *document, EspNode *node, EspExportFormat format)
{
  g_autofree char *title = NULL;
  g_autofree char *subject = NULL;

  g_return_val_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node), NULL);

  /* Half the room each, so that both are recognised. */
  title = _esp_export_clean_name (
      esp_document_get_title (document) != NULL ? esp_document_get_title (document) : "",
      MAX_BYTES / 2);
  subject = dup_subject (node);
  return put_together (title, subject,
                       _esp_export_extension (format, esp_node_get_media_type (node)));
}

char *
esp_export_dup_file_name_of (const char *text, EspNode *node, EspExportFormat format)
{
  g_return_val_if_fail (text != NULL && ESP_IS_NODE (node), NULL);

  return put_together (text, "", _esp_export_extension (format, esp_node_get_media_type (node)));
}

char *
_esp_export_dup_numbered_name (EspDocument *document, EspNode *node, EspExportFormat format,
                               guint number, guint n)
{
  const int digits = n < 100 ? 2 : n < 1000 ? 3 : 5;
  g_autofree char *subject = dup_subject (node);
  g_autofree char *prefix = g_strdup_printf ("%0*u", digits, number);

  return put_together (prefix, subject,
                       _esp_export_extension (format, esp_node_get_media_type (node)));
}
