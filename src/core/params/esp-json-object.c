/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-json-object.c: objects of untrusted files, and their canonical text. */
#include "esp-json-object.h"

#include "esp-json-text.h"

#include <math.h>
#include <string.h>

/* json-glib's parser calls itself for every level. */
#define MAX_JSON_DEPTH 64

static gboolean
is_shallow (const char *text)
{
  gboolean in_string = FALSE;
  int depth = 0;

  for (const char *p = text; *p != '\0'; p++)
    {
      if (in_string)
        {
          if (*p == '\\' && p[1] != '\0')
            p++;
          else if (*p == '"')
            in_string = FALSE;
        }
      else if (*p == '"')
        in_string = TRUE;
      else if ((*p == '{' || *p == '[') && ++depth > MAX_JSON_DEPTH)
        return FALSE;
      else if (*p == '}' || *p == ']')
        depth--;
    }
  return TRUE;
}

static gboolean make_writable (JsonNode *node);

static gboolean
make_object_writable (JsonObject *object)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &value))
    if (!g_utf8_validate (name, -1, NULL) || !make_writable (value))
      return FALSE;
  return TRUE;
}

/* What the parser makes of 1e999 could not be written as JSON again: it becomes null. What it makes
 * of half a surrogate pair is no text: FALSE. */
static gboolean
make_writable (JsonNode *node)
{
  gboolean ok = TRUE;

  if (JSON_NODE_HOLDS_OBJECT (node))
    return make_object_writable (json_node_get_object (node));
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; ok && i < json_array_get_length (array); i++)
        ok = make_writable (json_array_get_element (array, i));
    }
  else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    ok = g_utf8_validate (json_node_get_string (node), -1, NULL);
  else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_DOUBLE
           && !isfinite (json_node_get_double (node)))
    json_node_init_null (node);
  return ok;
}

JsonObject *
esp_json_parse_object (const char *text)
{
  g_autoptr (JsonNode) node = NULL;

  if (text == NULL || !is_shallow (text))
    return NULL;
  node = json_from_string (text, NULL);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node) || !make_writable (node))
    return NULL;
  return json_object_ref (json_node_get_object (node));
}

static void put_node (GString *text, const char *key, JsonNode *node);

static void
put_object (GString *text, const char *key, JsonObject *object)
{
  g_autoptr (GList) members = g_list_sort (json_object_get_members (object), (GCompareFunc) strcmp);

  esp_json_open (text, key, '{');
  for (const GList *l = members; l != NULL; l = l->next)
    put_node (text, l->data, json_object_get_member (object, l->data));
  esp_json_close (text, '}');
}

static void
put_value (GString *text, const char *key, JsonNode *node)
{
  char number[24];

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_STRING:
      esp_json_put_string (text, key, json_node_get_string (node), -1);
      break;
    case G_TYPE_BOOLEAN:
      esp_json_put_bool (text, key, json_node_get_boolean (node));
      break;
    case G_TYPE_DOUBLE:
      if (isfinite (json_node_get_double (node)))
        esp_json_put_double (text, key, json_node_get_double (node) + 0.0); /* -0 is 0 */
      else
        esp_json_put_raw (text, key, "null");
      break;
    default:
      g_snprintf (number, sizeof number, "%" G_GINT64_FORMAT, json_node_get_int (node));
      esp_json_put_raw (text, key, number);
    }
}

static void
put_node (GString *text, const char *key, JsonNode *node)
{
  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      put_object (text, key, json_node_get_object (node));
      break;
    case JSON_NODE_ARRAY:
      {
        JsonArray *array = json_node_get_array (node);

        esp_json_open (text, key, '[');
        for (guint i = 0; i < json_array_get_length (array); i++)
          put_node (text, NULL, json_array_get_element (array, i));
        esp_json_close (text, ']');
        break;
      }
    case JSON_NODE_VALUE:
      put_value (text, key, node);
      break;
    case JSON_NODE_NULL:
    default:
      esp_json_put_raw (text, key, "null");
    }
}

char *
esp_json_dup_canonical (JsonObject *object)
{
  GString *text = g_string_new (NULL);

  if (object != NULL)
    put_object (text, NULL, object);
  else
    g_string_append (text, "{}");
  return g_string_free (text, FALSE);
}
