/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-csv-text.h"

#include <string.h>

#include "esp-json-text.h"

void
esp_csv_begin_field (GString *csv)
{
  if (csv->len > 0 && csv->str[csv->len - 1] != '\n')
    g_string_append_c (csv, ',');
}

/* Always in quotes, which no reader minds. */
void
esp_csv_put_text (GString *csv, const char *text)
{
  g_string_append_c (csv, '"');
  if (*text != '\0' && strchr ("=+-@\t\r", *text) != NULL)
    g_string_append_c (csv, '\'');
  for (; *text != '\0'; text++)
    {
      if (*text == '"')
        g_string_append_c (csv, '"');
      g_string_append_c (csv, *text);
    }
  g_string_append_c (csv, '"');
}

void
esp_csv_put_value (GString *csv, JsonNode *value)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (value == NULL || JSON_NODE_HOLDS_NULL (value))
    return;
  if (JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_STRING)
    {
      esp_csv_put_text (csv, json_node_get_string (value));
      return;
    }
  esp_json_put_value (text, NULL, value);
  if (JSON_NODE_HOLDS_VALUE (value))
    g_string_append (csv, text->str);
  else
    esp_csv_put_text (csv, text->str);
}
