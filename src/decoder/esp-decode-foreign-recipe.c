/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-foreign-recipe.c: recipes of other programs, brought into the form of ours. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-decode.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "esp-json-member.h"
#include "esp-recipe-private.h"

#define MAX_DEPTH 64 /* of JSON; the parser calls itself for each level */
#define MAX_TEXT  (1 << 20)

/* ---- JSON that may be anything */

/* The text as JSON that the parser takes: Python's NaN and Infinity become 0. NULL if it is nested
 * too deeply. */
static char *
tame_json (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean in_string = FALSE;
  int depth = 0;

  for (const char *p = text; *p != '\0'; p++)
    {
      if (in_string && *p == '\\' && p[1] != '\0')
        {
          g_string_append_len (out, p++, 2);
          continue;
        }
      if (*p == '"')
        in_string = !in_string;
      else if (!in_string && (*p == '{' || *p == '[') && ++depth > MAX_DEPTH)
        return NULL;
      else if (!in_string && (*p == '}' || *p == ']'))
        depth--;
      else if (!in_string && (g_str_has_prefix (p, "NaN") || g_str_has_prefix (p, "Infinity")))
        {
          p += *p == 'N' ? 2 : 7;
          g_string_append_c (out, '0');
          continue;
        }
      g_string_append_c (out, *p);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static JsonObject *
parse_object (const char *text)
{
  g_autofree char *tame = text != NULL ? tame_json (text) : NULL;
  g_autoptr (JsonNode) node = tame != NULL ? json_from_string (tame, NULL) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_dup_object (node) : NULL;
}

static JsonNode *
get_value (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

/* ---- members of the recipe, checked */

/* Valid UTF-8 without control characters other than line breaks and tabs, cut at MAX_TEXT. */
static char *
clean (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0' && out->len < MAX_TEXT; p = g_utf8_next_char (p))
    {
      const gunichar c = g_utf8_get_char (p);

      if (c == '\n' || c == '\t' || !g_unichar_iscntrl (c))
        g_string_append_unichar (out, c);
    }
  g_strstrip (out->str);
  return g_string_free (out, FALSE);
}

static void
set_text (JsonObject *recipe, const char *member, const char *text)
{
  g_autofree char *clean_text = text != NULL ? clean (text) : NULL;

  if (clean_text != NULL && clean_text[0] != '\0')
    json_object_set_string_member (recipe, member, clean_text);
}

static gboolean
is_integer_member (const char *member)
{
  static const char *const integers[] = { "seed", "steps", "width", "height", NULL };

  return g_strv_contains (integers, member);
}

/* A number as text or as a JSON value, if it is one that makes sense for `member`. */
static void
set_number (JsonObject *recipe, const char *member, const char *text)
{
  char *end = NULL;

  if (is_integer_member (member))
    {
      const guint64 number = g_ascii_strtoull (text, &end, 10);

      if (end == text || *end != '\0' || text[0] == '-'
          || (!g_str_equal (member, "seed") && (number < 1 || number > 100000)))
        return;
      /* json-glib's integers are signed; whoever reads a seed takes the bits. */
      json_object_set_int_member (recipe, member, (gint64) number);
    }
  else
    {
      const double number = g_ascii_strtod (text, &end);

      if (end != text && *end == '\0' && isfinite (number) && number >= 0 && number <= 1000)
        json_object_set_double_member (recipe, member, number);
    }
}

static void
set_value (JsonObject *recipe, const char *member, JsonNode *value)
{
  static const char *const texts[] = { "prompt", "negative_prompt", "sampler", "software", NULL };
  const GType type = json_node_get_value_type (value);
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (type == G_TYPE_STRING && g_strv_contains (texts, member))
    set_text (recipe, member, json_node_get_string (value));
  else if (type == G_TYPE_STRING)
    set_number (recipe, member, json_node_get_string (value));
  else if (type == G_TYPE_INT64 && g_str_equal (member, "seed"))
    json_object_set_int_member (recipe, member, json_node_get_int (value));
  else if (type == G_TYPE_INT64 || type == G_TYPE_DOUBLE)
    {
      const double number = json_node_get_double (value);

      if (is_integer_member (member) && (number != floor (number) || fabs (number) > 1e15))
        return;
      g_ascii_formatd (text, sizeof text, is_integer_member (member) ? "%.0f" : "%.10g", number);
      set_number (recipe, member, text);
    }
}

static void
set_model (JsonObject *recipe, const char *name, const char *hash)
{
  g_autoptr (JsonObject) model = json_object_new ();

  set_text (model, "name", name);
  set_text (model, "hash", hash);
  if (json_object_get_size (model) > 0)
    json_object_set_object_member (recipe, "model", g_steal_pointer (&model));
}

/* ---- the text of Stable Diffusion WebUI and all that imitate it */

/* "Steps: 20, Sampler: "a, b", …": puts the value of the pair at *at into `value` and goes behind
 * it; FALSE at the end. */
static gboolean
next_pair (const char **at, char **key, char **value)
{
  const char *colon = strstr (*at, ": ");
  const char *end;

  *key = *value = NULL;
  if (colon == NULL)
    return FALSE;
  *key = g_strstrip (g_strndup (*at, (gsize) (colon - *at)));
  colon += 2;
  if (*colon == '"')
    {
      GString *text = g_string_new (NULL);

      for (end = colon + 1; *end != '\0' && *end != '"'; end++)
        {
          if (*end == '\\' && end[1] != '\0')
            end++;
          g_string_append_c (text, *end);
        }
      *value = g_string_free (text, FALSE);
      end = strchr (end, ',');
    }
  else
    {
      end = strchr (colon, ',');
      *value = end != NULL ? g_strndup (colon, (gsize) (end - colon)) : g_strdup (colon);
      g_strstrip (*value);
    }
  *at = end != NULL ? end + 1 : colon + strlen (colon);
  return TRUE;
}

static void
read_pairs (const char *line, JsonObject *recipe)
{
  static const struct
  {
    const char *key;
    const char *member;
  } numbers[] = {
    { "Steps", "steps" },
    { "Seed", "seed" },
    { "CFG scale", "guidance" },
    { "Distilled CFG Scale", "guidance" }, /* behind "CFG scale", and what guides such models */
  };
  g_autofree char *model = NULL;
  g_autofree char *hash = NULL;
  char *key, *value;

  while (next_pair (&line, &key, &value))
    {
      for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        if (g_str_equal (key, numbers[i].key))
          set_number (recipe, numbers[i].member, value);
      if (g_str_equal (key, "Sampler"))
        set_text (recipe, "sampler", value);
      else if (g_str_equal (key, "Version"))
        set_text (recipe, "software", value);
      else if (g_str_equal (key, "Model") && model == NULL)
        model = g_steal_pointer (&value);
      else if (g_str_equal (key, "Model hash") && hash == NULL)
        hash = g_steal_pointer (&value);
      else if (g_str_equal (key, "Size") && strchr (value, 'x') != NULL)
        {
          g_auto (GStrv) sides = g_strsplit (value, "x", 2);

          set_number (recipe, "width", sides[0]);
          set_number (recipe, "height", sides[1]);
        }
      g_free (key);
      g_free (value);
    }
  set_model (recipe, model, hash);
}

static gboolean
read_webui (const char *text, JsonObject *recipe)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) prompt = g_string_new (NULL);
  g_autoptr (GString) negative = g_string_new (NULL);
  GString *into = prompt;
  guint last = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "Steps: "))
      last = i + 1;
  if (last == 0)
    return FALSE;
  for (guint i = 0; i + 1 < last; i++)
    {
      const char *line = lines[i];

      if (g_str_has_prefix (line, "Negative prompt:"))
        {
          into = negative;
          line += strlen ("Negative prompt:");
        }
      g_string_append (into, line);
      g_string_append_c (into, '\n');
    }
  set_text (recipe, "prompt", prompt->str);
  set_text (recipe, "negative_prompt", negative->str);
  read_pairs (lines[last - 1], recipe);
  return TRUE;
}

/* ---- flat JSON objects of several programs */

static const struct
{
  const char *key;
  const char *member;
} aliases[] = {
  { "prompt", "prompt" },
  { "positive_prompt", "prompt" },
  { "negativeprompt", "negative_prompt" },
  { "negative_prompt", "negative_prompt" },
  { "seed", "seed" },
  { "steps", "steps" },
  { "num_inference_steps", "steps" },
  { "cfg_scale", "guidance" },
  { "cfgscale", "guidance" },
  { "guidance_scale", "guidance" },
  { "guidance", "guidance" },
  { "fluxguidancescale", "guidance" },
  { "width", "width" },
  { "height", "height" },
  { "sampler", "sampler" },
  { "scheduler", "sampler" },
  { "software", "software" },
};

static void
read_flat (JsonObject *from, JsonObject *recipe)
{
  static const char *const models[] = { "model", "base_model", "model_weights", NULL };
  JsonArray *prompts;

  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++)
    {
      JsonNode *value = get_value (from, aliases[i].key);

      if (value != NULL)
        set_value (recipe, aliases[i].member, value);
    }
  for (guint i = 0; models[i] != NULL; i++)
    {
      JsonNode *value = get_value (from, models[i]);
      JsonObject *model = esp_json_get_object (from, models[i]);

      if (value != NULL && json_node_get_value_type (value) == G_TYPE_STRING)
        set_model (recipe, json_node_get_string (value), NULL);
      else if (model != NULL)
        {
          JsonNode *name = get_value (model, "name");
          JsonNode *hash = get_value (model, "hash");

          if (name == NULL)
            name = get_value (model, "model_name");
          set_model (recipe,
                     name != NULL && json_node_get_value_type (name) == G_TYPE_STRING
                         ? json_node_get_string (name)
                         : NULL,
                     hash != NULL && json_node_get_value_type (hash) == G_TYPE_STRING
                         ? json_node_get_string (hash)
                         : NULL);
        }
    }

  /* Old InvokeAI: a list of weighted prompts. */
  prompts = json_object_has_member (from, "prompt")
                    && JSON_NODE_HOLDS_ARRAY (json_object_get_member (from, "prompt"))
                ? json_object_get_array_member (from, "prompt")
                : NULL;
  if (prompts != NULL && json_array_get_length (prompts) > 0)
    {
      JsonNode *first = json_array_get_element (prompts, 0);
      JsonNode *value = JSON_NODE_HOLDS_OBJECT (first)
                            ? get_value (json_node_get_object (first), "prompt")
                            : NULL;

      if (value != NULL)
        set_value (recipe, "prompt", value);
    }
}

/* ---- which program it was */

static const char *
read_json (JsonObject *json, JsonObject *recipe)
{
  JsonObject *inner = esp_json_get_object (json, "sui_image_params");

  if (inner != NULL)
    {
      read_flat (inner, recipe);
      return "SwarmUI";
    }
  inner = esp_json_get_object (json, "image");
  if (inner != NULL)
    {
      read_flat (json, recipe);
      read_flat (inner, recipe);
      return "InvokeAI";
    }
  read_flat (json, recipe);
  if (json_object_has_member (json, "base_model"))
    return "Fooocus";
  return json_object_has_member (json, "positive_prompt") ? "InvokeAI" : "JSON";
}

/* "prompt:{…}" as ComfyUI writes into EXIF, or just the graph. */
static gboolean
read_comfy (const char *text, JsonObject *recipe)
{
  g_autoptr (JsonObject) graph = NULL;

  if (g_str_has_prefix (text, "prompt:") || g_str_has_prefix (text, "Prompt:"))
    text += strlen ("prompt:");
  if (text[0] != '{')
    return FALSE;
  graph = parse_object (text);
  if (graph != NULL)
    _esp_comfy_graph_read (graph, recipe);
  return json_object_get_size (recipe) > 0;
}

static const char *
read_text (const char *key, const char *text, JsonObject *recipe)
{
  static const char *const graphs[] = { "prompt", "Make", "Model", "ImageDescription", NULL };
  static const char *const any[]
      = { "parameters", "UserComment",     "invokeai_metadata", "sd-metadata",
          "Comment",    "generation_data", "fooocus_scheme",    NULL };
  g_autoptr (JsonObject) json = NULL;

  if (g_strv_contains (graphs, key) && read_comfy (text, recipe))
    return "ComfyUI";
  if (!g_strv_contains (any, key))
    return NULL;
  if (text[0] == '{')
    {
      json = parse_object (text);
      return json != NULL ? read_json (json, recipe) : NULL;
    }
  return read_webui (text, recipe) ? "Stable Diffusion WebUI" : NULL;
}

static EspForeignRecipe *
read_own (GBytes *bytes, const char *name)
{
  g_autofree char *json = NULL;
  g_autoptr (JsonObject) recipe = NULL;
  EspForeignRecipe *self;

  if (!esp_decode_recipe (bytes, name, &json, NULL))
    return NULL;
  recipe = parse_object (json);
  if (recipe == NULL || json_object_get_size (recipe) == 0)
    return NULL;
  self = g_new0 (EspForeignRecipe, 1);
  self->source = g_strdup ("Espalier");
  self->own = TRUE;
  self->recipe = g_steal_pointer (&recipe);
  return self;
}

EspForeignRecipe *
esp_decode_foreign_recipe (GBytes *bytes, const char *name, GError **error)
{
  /* In this order: a file may carry several. */
  static const char *const keys[]
      = { "parameters", "invokeai_metadata", "sd-metadata", "prompt", "UserComment",
          "Comment",    "generation_data",   "Make",        "Model",  "ImageDescription" };
  g_autoptr (GHashTable) texts = NULL;
  EspForeignRecipe *self;

  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  self = read_own (bytes, name);
  if (self != NULL)
    return self;

  texts = _esp_recipe_collect_texts (bytes);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      const char *text = g_hash_table_lookup (texts, keys[i]);
      g_autoptr (JsonObject) recipe = json_object_new ();
      const char *source = text != NULL ? read_text (keys[i], text, recipe) : NULL;

      if (source == NULL || json_object_get_size (recipe) == 0)
        continue;
      self = g_new0 (EspForeignRecipe, 1);
      self->source = g_strdup (source);
      self->recipe = g_steal_pointer (&recipe);
      return self;
    }
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_NO_RECIPE, _ ("“%s” carries no recipe"),
               name);
  return NULL;
}
