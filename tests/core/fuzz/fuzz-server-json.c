/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as JSON of a server, and as a text in which the lines of members are looked up. What
 * was read is written and must come back the same. */
#include "fuzz-core.h"

#include "esp-json-object.h"
#include "esp-json-read.h"

static void
walk_lines (EspJsonLines *lines, JsonNode *node, GString *pointer, guint most)
{
  guint line = esp_json_lines_find (lines, pointer->str);
  gsize length = pointer->len;

  PROMISE (line >= 1 && line <= most);
  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      json_object_iter_init (&iter, json_node_get_object (node));
      while (json_object_iter_next (&iter, &name, &value))
        {
          g_string_append_c (pointer, '/');
          for (const char *p = name; *p != '\0'; p++)
            g_string_append_printf (pointer, *p == '~' ? "~0" : *p == '/' ? "~1" : "%c", *p);
          walk_lines (lines, value, pointer, most);
          g_string_truncate (pointer, length);
        }
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++)
      {
        g_string_append_printf (pointer, "/%u", i);
        walk_lines (lines, json_array_get_element (json_node_get_array (node), i), pointer, most);
        g_string_truncate (pointer, length);
      }
}

static void
write_again (JsonNode *root)
{
  g_autofree char *text = esp_json_dup_text (root);
  g_autofree char *plain = esp_json_dup_plain (root);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) again = esp_json_read (text, strlen (text), &error);
  g_autofree char *twice = NULL;

  PROMISE (plain != NULL && again != NULL);
  twice = esp_json_dup_text (again);
  PROMISE (g_str_equal (text, twice));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = size > 0 ? (const char *) data : "";
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = esp_json_read (text, size, &error);
  g_autoptr (EspJsonLines) lines = NULL;
  g_autofree char *terminated = g_strndup (text, size);
  g_autoptr (JsonObject) object = NULL;
  guint line = 0, most = 1;

  fuzz_check_error (root != NULL, &error);
  if (root != NULL)
    write_again (root);

  for (size_t i = 0; i < size; i++)
    most += data[i] == '\n' || data[i] == '\r';
  lines = esp_json_lines_new (text, size, &line, &error);
  PROMISE (lines == NULL || root != NULL);
  PROMISE (lines != NULL || (line >= 1 && line <= most));
  fuzz_check_error (lines != NULL, &error);
  if (lines != NULL)
    {
      g_autoptr (GString) pointer = g_string_new (NULL);

      walk_lines (lines, root, pointer, most);
    }

  /* What documents and recipes hold. */
  object = esp_json_parse_object (terminated);
  if (object != NULL)
    {
      g_autofree char *canonical = esp_json_dup_canonical (object);
      g_autoptr (JsonObject) again = esp_json_parse_object (canonical);
      g_autofree char *twice = NULL;

      PROMISE (again != NULL);
      twice = esp_json_dup_canonical (again);
      PROMISE (g_str_equal (canonical, twice));
    }
  return 0;
}
