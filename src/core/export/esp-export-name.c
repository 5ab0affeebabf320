/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-name.c: names of exported files. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-export-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-file-name.h"

#define MAX_BYTES 120

const char *
_esp_export_extension (EspExportFormat format, const char *media_type)
{
  const char *known;

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
      known = esp_media_type_get_extension (media_type);
      return known != NULL ? known : ".png";
    case ESP_EXPORT_PNG:
    case ESP_EXPORT_APNG: /* under this name every program opens it */
    default:
      return ".png";
    }
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
  clean = esp_file_name_clean (text, room);
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
  title = esp_file_name_clean (
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
