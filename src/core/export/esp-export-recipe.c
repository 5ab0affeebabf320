/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-recipe.c: how a node was made, with all turns from its root, as JSON; and the command
 * that makes it again. */
#define G_LOG_DOMAIN "esp-export"

#include <string.h>

#include "esp-export-private.h"
#include "esp-json-member.h"
#include "esp-json-text.h"
#include "esp-loras.h"

static void
put_optional (GString *json, const char *key, const char *value)
{
  if (value != NULL && value[0] != '\0')
    esp_json_put_string (json, key, value, -1);
}

static void
put_model (GString *json, EspNode *node)
{
  if (esp_node_get_model (node) == NULL)
    return;
  esp_json_open (json, "model", '{');
  esp_json_put_string (json, "id", esp_node_get_model (node), -1);
  put_optional (json, "name", esp_node_get_model_name (node));
  put_optional (json, "hash", esp_node_get_model_hash (node));
  esp_json_close (json, '}');
}

static void
put_parameter (GString *json, const char *name, JsonNode *value)
{
  /* What folders a person has goes nowhere with a picture. */
  g_autoptr (JsonNode) shown
      = strcmp (name, "loras") == 0 ? esp_loras_dup_public (value) : json_node_copy (value);
  g_autofree char *text = json_to_string (shown, FALSE);

  esp_json_put_raw (json, name, text);
}

/* Are these the names of the recipe's own members? */
static gboolean
is_reserved (const char *name)
{
  static const char *const names[]
      = { "software", "engine", "prompt",         "negative_prompt", "seed",
          "backend",  "model",  "width",          "height",          "lineage",
          "image",    "kind",   "keep_untouched", "region",          NULL };

  return g_strv_contains (names, name);
}

static void
put_parameters (GString *json, EspNode *node, gboolean beside_others)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, esp_node_get_parameters (node));
  while (json_object_iter_next_ordered (&iter, &name, &value))
    if (!beside_others || !is_reserved (name))
      put_parameter (json, name, value);
}

/* What was asked for; programs that do not know of it lose nothing. */
static void
put_composition (GString *json, EspNode *node)
{
  const EspComposition *composition = esp_node_get_composition (node);

  if (composition == NULL)
    return;
  esp_json_put_string (json, "keep_untouched", esp_keep_to_string (composition->keep), -1);
  if (composition->region != NULL)
    {
      g_autoptr (JsonNode) region = json_node_new (JSON_NODE_OBJECT);

      json_node_take_object (region, esp_region_to_json (composition->region));
      esp_json_put_value (json, "region", region);
    }
}

static void
put_image (GString *json, EspNode *node)
{
  if (!esp_node_has_image (node))
    return;
  esp_json_open (json, "image", '{');
  put_optional (json, "sha256", esp_node_get_sha256 (node));
  esp_json_put_uint (json, "width", (guint64) esp_node_get_width (node));
  esp_json_put_uint (json, "height", (guint64) esp_node_get_height (node));
  esp_json_close (json, '}');
}

/* One step of the lineage. */
static void
put_step (GString *json, EspNode *node)
{
  GPtrArray *references = esp_node_get_references (node);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "kind", esp_node_kind_to_string (esp_node_get_kind (node)), -1);
  put_optional (json, "instruction", esp_node_get_instruction (node));
  put_optional (json, "negative_prompt", esp_node_get_negative_prompt (node));
  if (esp_node_has_seed (node))
    esp_json_put_uint (json, "seed", esp_node_get_seed (node));
  put_optional (json, "backend", esp_node_get_backend (node));
  put_model (json, node);
  if (esp_node_get_kind (node) != ESP_NODE_IMPORTED)
    {
      esp_json_open (json, "parameters", '{');
      put_parameters (json, node, FALSE);
      esp_json_close (json, '}');
    }
  if (references->len > 0)
    {
      esp_json_open (json, "references", '[');
      for (guint i = 0; i < references->len; i++)
        esp_json_put_string (json, NULL, esp_node_get_sha256 (references->pdata[i]), -1);
      esp_json_close (json, ']');
    }
  put_composition (json, node);
  put_image (json, node);
  esp_json_close (json, '}');
}

/* From the root to the node. */
static GPtrArray *
dup_path (EspNode *node)
{
  GPtrArray *path = g_ptr_array_new ();

  for (; node != NULL; node = esp_node_get_parent (node))
    g_ptr_array_insert (path, 0, node);
  return path;
}

static char *
dup_recipe_text (EspNode *node)
{
  g_autoptr (GPtrArray) path = dup_path (node);
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "software", "Espalier " ESP_VERSION, -1);
  put_optional (json, "prompt", esp_node_get_instruction (node));
  put_optional (json, "negative_prompt", esp_node_get_negative_prompt (node));
  if (esp_node_has_seed (node))
    esp_json_put_uint (json, "seed", esp_node_get_seed (node));
  put_parameters (json, node, TRUE);
  put_composition (json, node);
  if (esp_node_has_image (node))
    {
      esp_json_put_uint (json, "width", (guint64) esp_node_get_width (node));
      esp_json_put_uint (json, "height", (guint64) esp_node_get_height (node));
    }
  put_optional (json, "backend", esp_node_get_backend (node));
  put_model (json, node);
  esp_json_open (json, "lineage", '[');
  for (guint i = 0; i < path->len; i++)
    put_step (json, path->pdata[i]);
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  return g_string_free (json, FALSE);
}

JsonNode *
esp_export_dup_recipe (EspDocument *document, EspNode *node)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  text = dup_recipe_text (node);
  return json_from_string (text, NULL);
}

EspRecipe *
_esp_export_recipe_new (EspDocument *document, EspNode *node)
{
  JsonObject *parameters = esp_node_get_parameters (node);
  const char *name = esp_node_get_model_name (node);
  g_autofree char *json = NULL;
  EspRecipe recipe;
  gboolean made = FALSE;

  for (EspNode *step = node; step != NULL; step = esp_node_get_parent (step))
    made = made || esp_node_get_kind (step) != ESP_NODE_IMPORTED;
  if (!made)
    return NULL;

  json = dup_recipe_text (node);
  recipe = (EspRecipe){
    .json = json,
    .prompt = esp_node_get_instruction (node),
    .negative_prompt = esp_node_get_negative_prompt (node),
    .model = name != NULL ? name : esp_node_get_model (node),
    .model_hash = esp_node_get_model_hash (node),
    .software = "Espalier " ESP_VERSION,
    .seed = esp_node_has_seed (node) ? esp_node_get_seed (node) : 0,
    .steps = (int) CLAMP (esp_json_get_number (parameters, "steps", 0), 0, G_MAXINT),
    .guidance = esp_json_get_number (parameters, "guidance", 0),
    .width = esp_node_get_width (node),
    .height = esp_node_get_height (node),
  };
  return esp_recipe_copy (&recipe);
}

/* ---- the command */

static void
put_word (GString *command, const char *word)
{
  g_autofree char *quoted = NULL;
  const char *p = word;

  while (g_ascii_isalnum (*p) || (*p != '\0' && strchr ("-_./=:,+@", *p) != NULL))
    p++;
  quoted = *p != '\0' || word[0] == '\0' ? g_shell_quote (word) : g_strdup (word);
  if (command->len > 0)
    g_string_append_c (command, ' ');
  g_string_append (command, quoted);
}

static void
put_option (GString *command, const char *option, const char *value)
{
  if (value == NULL || value[0] == '\0')
    return;
  put_word (command, option);
  put_word (command, value);
}

static void
put_loras (GString *command, JsonNode *loras)
{
  for (guint i = 0; i < json_array_get_length (json_node_get_array (loras)); i++)
    {
      JsonNode *node = json_array_get_element (json_node_get_array (loras), i);
      g_autofree char *lora
          = JSON_NODE_HOLDS_OBJECT (node) ? esp_lora_dup_text (json_node_get_object (node)) : NULL;

      put_option (command, "--lora", lora);
    }
}

static void
put_settings (GString *command, EspNode *node)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, esp_node_get_parameters (node));
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      g_autofree char *text = NULL;
      g_autofree char *setting = NULL;

      if (strcmp (name, "loras") == 0 && JSON_NODE_HOLDS_ARRAY (value))
        put_loras (command, value);
      if (!JSON_NODE_HOLDS_VALUE (value))
        continue;
      text = json_node_get_value_type (value) == G_TYPE_STRING ? json_node_dup_string (value)
                                                               : json_to_string (value, FALSE);
      setting = g_strdup_printf ("%s=%s", name, text);
      put_option (command, "--set", setting);
    }
}

/* `run` keeps untouched pixels unless it is told otherwise. A mask that was painted is in no
 * command.
 */
static void
put_keep (GString *command, const EspComposition *composition)
{
  g_autofree char *region = composition != NULL && composition->region != NULL
                                ? esp_region_to_text (composition->region)
                                : NULL;

  if (composition == NULL || composition->keep == ESP_KEEP_OFF)
    put_option (command, "--keep-untouched", "off");
  put_option (command, "--region", region);
}

char *
esp_export_dup_command (EspDocument *document, EspNode *node)
{
  GString *command = g_string_new ("espalier-cli");
  g_autofree char *file = NULL;
  g_autofree char *id = NULL;
  g_autofree char *name = NULL;
  EspNode *parent;

  g_return_val_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node), NULL);

  file = g_file_get_path (esp_document_get_file (document));
  if (file == NULL)
    file = g_file_get_uri (esp_document_get_file (document));
  parent = esp_node_get_parent (node);
  if (esp_node_get_kind (node) != ESP_NODE_TURN || parent == NULL)
    {
      /* It was not made here: this gets it out. */
      name = esp_export_dup_file_name (document, node, ESP_EXPORT_ORIGINAL);
      id = g_strdup_printf ("%" G_GINT64_FORMAT, esp_node_get_id (node));
      put_word (command, "export");
      put_word (command, file);
      put_option (command, "--node", id);
      put_option (command, "-o", name);
      return g_string_free (command, FALSE);
    }

  id = g_strdup_printf ("%" G_GINT64_FORMAT, esp_node_get_id (parent));
  put_word (command, "run");
  put_word (command, file);
  put_option (command, "--node", id);
  put_option (command, "-p", esp_node_get_instruction (node));
  put_option (command, "--negative-prompt", esp_node_get_negative_prompt (node));
  for (guint i = 0; i < esp_node_get_references (node)->len; i++)
    {
      g_autofree char *reference = g_strdup_printf (
          "%" G_GINT64_FORMAT, esp_node_get_id (esp_node_get_references (node)->pdata[i]));

      put_option (command, "--reference", reference);
    }
  put_option (command, "--backend", esp_node_get_backend (node));
  put_option (command, "--model", esp_node_get_model (node));
  if (esp_node_has_seed (node))
    {
      g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, esp_node_get_seed (node));

      put_option (command, "--seed", seed);
    }
  put_settings (command, node);
  put_keep (command, esp_node_get_composition (node));
  /* Into a file: the document is only read, whichever program has it open. */
  name = esp_export_dup_file_name (document, node, ESP_EXPORT_PNG);
  put_option (command, "-o", name);
  return g_string_free (command, FALSE);
}
