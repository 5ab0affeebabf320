/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-items.c: where in an answer the images are, as links or as text. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <string.h>

#define MAX_ITEMS 32

/* What stands in a member of this name is an image, whatever it looks like: never an address that
 * would be asked for. */
static gboolean
is_encoded (const char *name)
{
  return g_str_has_suffix (name, "b64_json");
}

static char *
dup_text (const char *text, gboolean encoded)
{
  if (text[0] == '\0')
    return NULL;
  return encoded && !_esp_remote_item_is_data_uri (text) ? g_strconcat ("data:;base64,", text, NULL)
                                                         : g_strdup (text);
}

/* One element of the result: a text, an object that has one, or an object that the template makes
 * one of. */
static char *
dup_item (EspRemoteTurn *turn, JsonNode *node, gboolean encoded)
{
  static const char *const members[] = { "url", "b64_json", "image_url", "uri", NULL };
  const EspDescriptor *descriptor = turn->setup.descriptor;
  JsonObject *object;

  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
      && descriptor->result.url_template == NULL)
    return dup_text (json_node_get_string (node), encoded);

  if (descriptor->result.url_template != NULL)
    {
      g_autoptr (EspScope) scope = esp_scope_copy (turn->setup.scope);

      if (JSON_NODE_HOLDS_OBJECT (node))
        {
          JsonObjectIter iter;
          const char *name;
          JsonNode *value;

          json_object_iter_init (&iter, json_node_get_object (node));
          while (json_object_iter_next (&iter, &name, &value))
            {
              g_autofree char *full = g_strconcat ("item.", name, NULL);

              esp_scope_set_node (scope, full, json_node_copy (value));
            }
        }
      else
        esp_scope_set_node (scope, "item", json_node_copy (node));
      return esp_template_expand_text (descriptor->result.url_template, scope, ESP_TEMPLATE_URL,
                                       NULL);
    }

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  object = json_node_get_object (node);
  for (guint i = 0; members[i] != NULL; i++)
    {
      const char *text = json_object_get_string_member_with_default (object, members[i], NULL);

      if (text != NULL && text[0] != '\0')
        return dup_text (text, is_encoded (members[i]));
    }
  return NULL;
}

/* Lists within lists are one list. */
static void
collect (GPtrArray *nodes, JsonNode *node)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        collect (nodes, json_array_get_element (array, i));
    }
  else
    g_ptr_array_add (nodes, node);
}

/* Those that "where" holds for; all, where it holds for none. */
static void
choose (EspRemoteTurn *turn, GPtrArray *nodes)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  g_autoptr (JsonNode) wanted = NULL;

  if (descriptor->result.where_at == NULL)
    return;
  wanted = esp_template_expand (descriptor->result.where_equals, turn->setup.scope, NULL);

  for (guint i = 0; i < nodes->len; i++)
    {
      JsonNode *found
          = esp_pointer_find ((const char *const *) descriptor->result.where_at, nodes->pdata[i]);

      if (_esp_remote_value_equals (found, wanted))
        g_ptr_array_add (chosen, nodes->pdata[i]);
    }
  if (chosen->len == 0)
    return;
  g_ptr_array_set_size (nodes, 0);
  g_ptr_array_extend (nodes, chosen, NULL, NULL);
}

static void
add_items (EspRemoteTurn *turn, GPtrArray *items, GPtrArray *nodes, gboolean encoded)
{
  choose (turn, nodes);
  for (guint i = 0; i < nodes->len && items->len < MAX_ITEMS; i++)
    {
      char *item = dup_item (turn, nodes->pdata[i], encoded);

      if (item != NULL)
        g_ptr_array_add (items, item);
    }
}

GPtrArray *
_esp_remote_dup_items (EspRemoteTurn *turn, JsonNode *root, gboolean *empty)
{
  GPtrArray *items = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) pointers
      = _esp_remote_dup_pointers (turn->setup.descriptor->result.images, turn->setup.scope);

  if (empty != NULL)
    *empty = FALSE;
  for (guint i = 0; pointers[i] != NULL && items->len == 0; i++)
    {
      g_autoptr (GPtrArray) hits = esp_pointer_find_all (pointers[i], root);
      g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

      for (guint j = 0; j < hits->len; j++)
        {
          JsonNode *hit = hits->pdata[j];

          if (empty != NULL && JSON_NODE_HOLDS_ARRAY (hit)
              && json_array_get_length (json_node_get_array (hit)) == 0)
            *empty = TRUE;
          collect (nodes, hit);
        }
      add_items (turn, items, nodes, is_encoded (pointers[i]));
    }
  return items;
}

gboolean
_esp_remote_names_result (EspRemoteTurn *turn, JsonNode *root)
{
  g_auto (GStrv) pointers
      = _esp_remote_dup_pointers (turn->setup.descriptor->result.images, turn->setup.scope);

  for (guint i = 0; pointers[i] != NULL; i++)
    {
      char *star = strstr (pointers[i], "/*");
      const char *place[] = { pointers[i], NULL };

      if (star != NULL)
        *star = '\0';
      if (pointers[i][0] != '\0' && esp_pointer_find (place, root) != NULL)
        return TRUE;
    }
  return FALSE;
}

gboolean
_esp_remote_item_is_data_uri (const char *item)
{
  return g_ascii_strncasecmp (item, "data:", 5) == 0;
}

/* JPEG in base64 begins with a slash as paths do: what is long and has nothing but base64's
 * characters is no address. */
static gboolean
is_base64 (const char *item)
{
  gsize length = strspn (item, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                               "=\r\n");

  return length >= 64 && item[length] == '\0';
}

gboolean
_esp_remote_item_is_link (EspRemoteTurn *turn, const char *item)
{
  if (_esp_remote_item_is_data_uri (item))
    return FALSE;
  if (g_ascii_strncasecmp (item, "https:", 6) == 0 || g_ascii_strncasecmp (item, "http:", 5) == 0)
    return TRUE;

  switch (turn->setup.descriptor->result.kind)
    {
    case ESP_RESULT_URL:
      return TRUE;
    case ESP_RESULT_BASE64:
    case ESP_RESULT_DATA_URI:
      return FALSE;
    case ESP_RESULT_AUTO:
    default:
      return !is_base64 (item);
    }
}
