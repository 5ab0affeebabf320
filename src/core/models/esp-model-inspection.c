/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-inspection.h"

#include <glib/gi18n-lib.h>

#include "esp-json-member.h"

static JsonObject *
get_object_at (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* As people write it. */
static char *
dup_format_name (JsonObject *part, JsonObject *format)
{
  const char *name = esp_json_get_string (format, "format");
  gboolean scaled = esp_json_get_number (format, "scaled", 0) != 0;

  if (name == NULL)
    return NULL;
  if (g_str_has_prefix (name, "F8_"))
    return g_strdup (scaled ? "fp8 scaled" : "fp8");
  if (g_strcmp0 (esp_json_get_string (part, "container"), "gguf") == 0)
    return g_strconcat ("GGUF ", name, NULL);
  return g_ascii_strdown (name, -1);
}

char *
esp_inspection_dup_part_format (JsonObject *part)
{
  JsonArray *formats = esp_json_get_array (part, "formats");
  JsonObject *best = NULL;
  double most = -1;

  /* The format of most bytes: scales, norms and biases are in others everywhere. */
  for (guint i = 0; formats != NULL && i < json_array_get_length (formats); i++)
    {
      JsonObject *format = get_object_at (formats, i);
      double bytes = format != NULL ? esp_json_get_number (format, "bytes", 0) : 0;

      if (format == NULL || bytes <= most)
        continue;
      most = bytes;
      best = format;
    }

  return best != NULL ? dup_format_name (part, best) : NULL;
}

char *
esp_inspection_dup_format (JsonObject *inspection)
{
  JsonArray *parts = esp_json_get_array (inspection, "components");
  JsonObject *chosen = NULL;

  for (guint i = 0; parts != NULL && i < json_array_get_length (parts); i++)
    {
      JsonObject *part = get_object_at (parts, i);

      if (part != NULL
          && (chosen == NULL
              || g_strcmp0 (esp_json_get_string (part, "component"), "transformer") == 0))
        chosen = part;
    }

  return chosen != NULL ? esp_inspection_dup_part_format (chosen) : NULL;
}
