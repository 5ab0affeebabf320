/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-json-text.h"

#include <string.h>

static void
append_quoted (GString *json, const char *text, gsize length)
{
  gsize plain = 0;

  g_string_append_c (json, '"');
  for (gsize i = 0; i < length; i++)
    {
      guchar c = (guchar) text[i];

      if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
        continue;

      g_string_append_len (json, text + plain, (gssize) (i - plain));
      plain = i + 1;
      if (c == '"' || c == '\\')
        g_string_append_printf (json, "\\%c", c);
      else if (c == '\n')
        g_string_append (json, "\\n");
      else
        g_string_append_printf (json, "\\u%04x", c);
    }

  g_string_append_len (json, text + plain, (gssize) (length - plain));
  g_string_append_c (json, '"');
}

/* Writes what stands before a value: a comma behind an earlier sibling, and the key. */
static void
begin_value (GString *json, const char *key)
{
  if (json->len > 0 && strchr ("{[:", json->str[json->len - 1]) == NULL)
    g_string_append_c (json, ',');

  if (key != NULL)
    {
      append_quoted (json, key, strlen (key));
      g_string_append_c (json, ':');
    }
}

void
esp_json_open (GString *json, const char *key, char bracket)
{
  begin_value (json, key);
  g_string_append_c (json, bracket);
}

void
esp_json_close (GString *json, char bracket)
{
  g_string_append_c (json, bracket);
}

void
esp_json_put_string (GString *json, const char *key, const char *value, gssize length)
{
  begin_value (json, key);
  if (value == NULL)
    g_string_append (json, "null");
  else
    append_quoted (json, value, length < 0 ? strlen (value) : (gsize) length);
}

void
esp_json_put_uint (GString *json, const char *key, guint64 value)
{
  begin_value (json, key);
  g_string_append_printf (json, "%" G_GUINT64_FORMAT, value);
}

void
esp_json_put_double (GString *json, const char *key, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  for (int digits = 6; digits <= 17; digits++)
    {
      char format[8];

      g_snprintf (format, sizeof format, "%%.%dg", digits);
      g_ascii_formatd (text, sizeof text, format, value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }

  begin_value (json, key);
  g_string_append (json, text);
}

void
esp_json_put_bool (GString *json, const char *key, gboolean value)
{
  esp_json_put_raw (json, key, value ? "true" : "false");
}

void
esp_json_put_raw (GString *json, const char *key, const char *value)
{
  begin_value (json, key);
  g_string_append (json, value);
}

void
esp_json_put_value (GString *json, const char *key, JsonNode *value)
{
  g_autofree char *text = NULL;

  if (JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_DOUBLE)
    {
      esp_json_put_double (json, key, json_node_get_double (value));
      return;
    }
  text = json_to_string (value, FALSE);
  esp_json_put_raw (json, key, text);
}
