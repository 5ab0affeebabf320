/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-json-write.c: JSON values as text, whatever the locale. */
#include <math.h>

#include "esp-json-read.h"
#include "esp-json-text.h"

/* Whole numbers without exponent; what is no number in JSON as null. */
static void
put_double (GString *text, const char *key, double number)
{
  if (!isfinite (number))
    {
      esp_json_put_raw (text, key, "null");
    }
  else if (number == floor (number) && fabs (number) < 1e15)
    {
      char digits[G_ASCII_DTOSTR_BUF_SIZE];

      /* Among whole numbers there is no negative zero. */
      esp_json_put_raw (text, key,
                        g_ascii_formatd (digits, sizeof digits, "%.0f", number == 0 ? 0 : number));
    }
  else
    {
      esp_json_put_double (text, key, number);
    }
}

static void
put_node (GString *text, const char *key, JsonNode *node)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *member;

      esp_json_open (text, key, '{');
      json_object_iter_init_ordered (&iter, json_node_get_object (node));
      while (json_object_iter_next_ordered (&iter, &name, &member))
        put_node (text, name, member);
      esp_json_close (text, '}');
      return;
    }

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      esp_json_open (text, key, '[');
      for (guint i = 0; i < json_array_get_length (array); i++)
        put_node (text, NULL, json_array_get_element (array, i));
      esp_json_close (text, ']');
      return;
    }

  if (JSON_NODE_HOLDS_NULL (node))
    {
      esp_json_put_raw (text, key, "null");
      return;
    }

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_STRING:
      esp_json_put_string (text, key, json_node_get_string (node), -1);
      break;

    case G_TYPE_BOOLEAN:
      esp_json_put_bool (text, key, json_node_get_boolean (node));
      break;

    case G_TYPE_DOUBLE:
      put_double (text, key, json_node_get_double (node));
      break;

    default:
      {
        g_autofree char *digits = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));

        esp_json_put_raw (text, key, digits);
      }
    }
}

char *
esp_json_dup_text (JsonNode *node)
{
  GString *text;

  g_return_val_if_fail (node != NULL, NULL);

  text = g_string_new (NULL);
  put_node (text, NULL, node);
  return g_string_free (text, FALSE);
}

char *
esp_json_dup_plain (JsonNode *node)
{
  g_return_val_if_fail (node != NULL, NULL);

  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));

  return esp_json_dup_text (node);
}
