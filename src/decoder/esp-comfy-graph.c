/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comfy-graph.c: reads the graph that ComfyUI puts into its pictures ("prompt"): an object of
 * nodes {"class_type", "inputs"}, where an input is a value or a link ["node", output].
 *
 * Graphs have no fixed form. Starting from a sampler, links are followed towards the sources; the
 * first input of a telling name wins. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-recipe-private.h"

#include <string.h>

#include "esp-json-member.h"

#define MAX_VISITS 512

/* The inputs of the node that a link leads to, or NULL. */
static JsonObject *
follow (JsonObject *graph, JsonNode *link)
{
  JsonArray *array
      = link != NULL && JSON_NODE_HOLDS_ARRAY (link) ? json_node_get_array (link) : NULL;
  JsonNode *first;
  g_autofree char *id = NULL;
  JsonObject *node;

  if (array == NULL || json_array_get_length (array) != 2)
    return NULL;
  first = json_array_get_element (array, 0);
  if (!JSON_NODE_HOLDS_VALUE (first))
    return NULL;
  if (json_node_get_value_type (first) == G_TYPE_STRING)
    id = g_strdup (json_node_get_string (first));
  else
    id = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (first));
  node = esp_json_get_object (graph, id);
  return node != NULL ? esp_json_get_object (node, "inputs") : NULL;
}

static gboolean
is_wanted (JsonNode *value, gboolean text)
{
  if (value == NULL || !JSON_NODE_HOLDS_VALUE (value))
    return FALSE;
  if (json_node_get_value_type (value) == G_TYPE_STRING)
    return text && json_node_get_string (value)[0] != '\0';
  return !text && json_node_get_value_type (value) != G_TYPE_BOOLEAN;
}

/* The first value under one of `keys` at `inputs` or upstream of it, breadth first; links under
 * those keys are preferred, then all others. */
static JsonNode *
find (JsonObject *graph, JsonObject *inputs, const char *const *keys, gboolean text)
{
  g_autoptr (GHashTable) visited = g_hash_table_new (NULL, NULL);
  g_autoptr (GQueue) waiting = g_queue_new ();

  if (inputs != NULL)
    g_queue_push_tail (waiting, inputs);
  while (!g_queue_is_empty (waiting) && g_hash_table_size (visited) < MAX_VISITS)
    {
      JsonObject *here = g_queue_pop_head (waiting);
      JsonObject *here_value;
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      if (!g_hash_table_add (visited, here))
        continue;
      for (guint i = 0; keys[i] != NULL; i++)
        {
          value = json_object_get_member (here, keys[i]);
          if (is_wanted (value, text))
            return value;
          /* A node that only holds a value. */
          here_value = value != NULL ? follow (graph, value) : NULL;
          if (here_value != NULL && is_wanted (json_object_get_member (here_value, "value"), text))
            return json_object_get_member (here_value, "value");
        }
      json_object_iter_init (&iter, here);
      while (json_object_iter_next (&iter, &name, &value))
        {
          JsonObject *next = follow (graph, value);

          if (next == NULL)
            continue;
          if (g_strv_contains (keys, name))
            g_queue_push_head (waiting, next);
          else
            g_queue_push_tail (waiting, next);
        }
    }
  return NULL;
}

static void
take_number (JsonObject *graph, JsonObject *sampler, const char *const *keys, JsonObject *recipe,
             const char *member)
{
  JsonNode *value = find (graph, sampler, keys, FALSE);

  if (value != NULL)
    json_object_set_member (recipe, member, json_node_copy (value));
}

/* The text that conditions the sampler through its input `name`, if it has such a one. */
static char *
find_text (JsonObject *graph, JsonObject *sampler, const char *name)
{
  static const char *const keys[]
      = { "text", "t5xxl", "prompt", "text_g", "string", "value", "clip_l", "positive", NULL };
  JsonNode *value
      = find (graph, follow (graph, json_object_get_member (sampler, name)), keys, TRUE);

  return value != NULL ? g_strdup (json_node_get_string (value)) : NULL;
}

static void
take_texts (JsonObject *graph, JsonObject *sampler, JsonObject *recipe)
{
  static const char *const positive[] = { "positive", "conditioning", "cond1", NULL };
  static const char *const negative[] = { "negative", "cond2", NULL };
  JsonObject *guider = follow (graph, json_object_get_member (sampler, "guider"));

  for (int where = 0; where < 2; where++)
    {
      JsonObject *at = where == 0 ? sampler : guider;

      for (guint i = 0; at != NULL && positive[i] != NULL; i++)
        {
          g_autofree char *text = find_text (graph, at, positive[i]);

          if (text != NULL && !json_object_has_member (recipe, "prompt"))
            json_object_set_string_member (recipe, "prompt", text);
        }
      for (guint i = 0; at != NULL && negative[i] != NULL; i++)
        {
          g_autofree char *text = find_text (graph, at, negative[i]);

          /* Graphs for models without one lead both from the same text. */
          if (text != NULL && !json_object_has_member (recipe, "negative_prompt")
              && g_strcmp0 (text, esp_json_get_string (recipe, "prompt")) != 0)
            json_object_set_string_member (recipe, "negative_prompt", text);
        }
    }
}

static void
take_model (JsonObject *graph, JsonObject *sampler, JsonObject *recipe)
{
  static const char *const keys[] = { "unet_name", "ckpt_name", "model_name", NULL };
  JsonNode *value = find (graph, sampler, keys, TRUE);
  g_autoptr (JsonObject) model = NULL;

  if (value == NULL)
    return;
  model = json_object_new ();
  json_object_set_string_member (model, "name", json_node_get_string (value));
  json_object_set_object_member (recipe, "model", g_steal_pointer (&model));
}

/* How much a node looks like the sampler that made the picture. */
static int
rate (const char *type, JsonObject *inputs)
{
  if (g_str_has_prefix (type, "KSampler"))
    return json_object_has_member (inputs, "positive") ? 4 : 0;
  if (g_str_has_prefix (type, "SamplerCustom"))
    return 3;
  if (strstr (type, "Sampler") != NULL && json_object_has_member (inputs, "positive"))
    return 2;
  return json_object_has_member (inputs, "steps") && json_object_has_member (inputs, "seed") ? 1
                                                                                             : 0;
}

static JsonObject *
find_sampler (JsonObject *graph)
{
  JsonObject *best = NULL;
  int most = 0;
  JsonObjectIter iter;
  const char *id;
  JsonNode *node;

  json_object_iter_init (&iter, graph);
  while (json_object_iter_next (&iter, &id, &node))
    {
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      JsonObject *inputs = object != NULL ? esp_json_get_object (object, "inputs") : NULL;
      const char *type = object != NULL ? esp_json_get_string (object, "class_type") : NULL;
      int rating = inputs != NULL && type != NULL ? rate (type, inputs) : 0;

      if (rating > most)
        {
          most = rating;
          best = inputs;
        }
    }
  return best;
}

void
_esp_comfy_graph_read (JsonObject *graph, JsonObject *recipe)
{
  static const char *const seeds[] = { "seed", "noise_seed", NULL };
  static const char *const steps[] = { "steps", NULL };
  static const char *const guidances[] = { "guidance", NULL };
  static const char *const scales[] = { "cfg", NULL };
  static const char *const widths[] = { "width", NULL };
  static const char *const heights[] = { "height", NULL };
  static const char *const samplers[] = { "sampler_name", NULL };
  JsonObject *sampler = find_sampler (graph);
  JsonNode *name;

  if (sampler == NULL)
    return;
  take_texts (graph, sampler, recipe);
  take_number (graph, sampler, seeds, recipe, "seed");
  take_number (graph, sampler, steps, recipe, "steps");
  take_number (graph, sampler, guidances, recipe, "guidance");
  if (!json_object_has_member (recipe, "guidance"))
    take_number (graph, sampler, scales, recipe, "guidance");
  take_number (graph, sampler, widths, recipe, "width");
  take_number (graph, sampler, heights, recipe, "height");
  take_model (graph, sampler, recipe);
  name = find (graph, sampler, samplers, TRUE);
  if (name != NULL)
    json_object_set_string_member (recipe, "sampler", json_node_get_string (name));
}
