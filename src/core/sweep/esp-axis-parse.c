/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-parse.c: axes as people write them. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-axis-private.h"

#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-loras.h"
#include "esp-parameter-names.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static gboolean G_GNUC_PRINTF (3, 4)
    fail (GError **error, EspSweepError code, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list arguments;

  va_start (arguments, format);
  sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, ESP_SWEEP_ERROR, (int) code, sentence);
  return FALSE;
}

/* Words that are separated by commas, or as texts are, if they are separated so. */
static char **
split_words (const char *text)
{
  const gboolean as_texts = strstr (text, "||") != NULL || strchr (text, '\n') != NULL;
  g_auto (GStrv) parts = as_texts ? _esp_texts_split (text) : g_strsplit (text, ",", -1);
  GPtrArray *words = g_ptr_array_new ();

  for (char **part = parts; *part != NULL; part++)
    if (*g_strstrip (*part) != '\0')
      g_ptr_array_add (words, g_strdup (*part));
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (words, FALSE);
}

/* `title` for messages. Takes `values`. */
static EspAxis *
make_axis (EspAxisKind kind, const char *name, const char *schema_title, JsonArray *values,
           const char *title, GError **error)
{
  g_autoptr (JsonArray) all = values;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  JsonArray *kept = json_array_new ();
  guint n;

  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonNode *value = json_array_get_element (all, i);

      if (g_hash_table_add (seen, json_to_string (value, FALSE)))
        json_array_add_element (kept, json_node_copy (value));
    }
  n = json_array_get_length (kept);
  if (n >= 1 && n <= ESP_SWEEP_MAX_CELLS)
    return _esp_axis_new (kind, name, schema_title, kept, NULL);
  json_array_unref (kept);
  if (n == 0)
    fail (error, ESP_SWEEP_ERROR_SYNTAX, _ ("%s: there is no value"), title);
  else
    fail (error, ESP_SWEEP_ERROR_SIZE, _ ("%s has more than %d values"), title,
          ESP_SWEEP_MAX_CELLS);
  return NULL;
}

/* --- Parameters ------------------------------------------------------------------------------- */

/* Of LoRAs each by itself is an axis: lists of them are nothing that a plan can hold. */
static gboolean
is_list (const EspParameter *parameter)
{
  return parameter->type == ESP_PARAMETER_LORAS;
}

/* Those of that name, (element-type EspParameter), of the models that tell theirs: lists, or what
 * is none. */
static GPtrArray *
find_parameters (const EspAxisContext *context, const char *name, gboolean lists, GString *all,
                 gboolean *known)
{
  g_autoptr (GPtrArray) models = _esp_axis_context_dup_models (context);
  g_autoptr (GHashTable) told = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *found = g_ptr_array_new ();

  *known = FALSE;
  for (guint i = 0; i < models->len; i++)
    {
      EspSchema *schema = esp_model_get_schema (models->pdata[i]);
      const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, name) : NULL;

      *known = *known || schema != NULL;
      if (parameter != NULL && is_list (parameter) == lists)
        g_ptr_array_add (found, (gpointer) parameter);
      for (guint j = 0; schema != NULL && j < esp_schema_get_n_parameters (schema); j++)
        {
          const EspParameter *other = esp_schema_get_parameter (schema, j);

          if (g_hash_table_add (told, (gpointer) other->name))
            g_string_append_printf (all, "%s%s", all->len > 0 ? ", " : "",
                                    is_list (other) ? "lora:NAME" : other->name);
        }
    }
  return found;
}

static gboolean
parse_boolean (const char *text, gboolean *value)
{
  static const char *const yes[] = { "on", "true", "yes", NULL };
  static const char *const no[] = { "off", "false", "no", NULL };
  g_autofree char *word = g_utf8_casefold (text, -1);

  *value = g_strv_contains (yes, word);
  return *value || g_strv_contains (no, word);
}

/* One of the choices in another case, or as people see it; else the text itself. */
static const char *
find_choice (const EspParameter *parameter, const char *text)
{
  g_autofree char *wanted = g_utf8_casefold (text, -1);

  for (guint i = 0; parameter->choices != NULL && i < json_array_get_length (parameter->choices);
       i++)
    {
      JsonNode *choice = json_array_get_element (parameter->choices, i);
      const char *value = json_node_get_string (choice);
      g_autofree char *folded = value != NULL ? g_utf8_casefold (value, -1) : NULL;
      g_autofree char *label
          = value != NULL ? g_utf8_casefold (esp_parameter_get_choice_label (value), -1) : NULL;

      if (value != NULL && (strcmp (folded, wanted) == 0 || strcmp (label, wanted) == 0))
        return value;
    }
  return text;
}

static JsonNode *
read_value (const EspParameter *parameter, const char *text)
{
  gboolean value;

  if (parameter->type == ESP_PARAMETER_BOOLEAN)
    return parse_boolean (text, &value) ? json_node_init_boolean (json_node_alloc (), value) : NULL;
  if (parameter->type == ESP_PARAMETER_STRING)
    return json_node_init_string (json_node_alloc (), find_choice (parameter, text));
  return esp_parameter_parse (parameter, text, NULL);
}

/* What the text means for somebody who does not know the parameter, and for messages. */
static JsonNode *
guess_value (const char *text)
{
  JsonNode *node = json_node_alloc ();
  char *end = NULL;
  gboolean value;
  gint64 integer;

  errno = 0;
  integer = g_ascii_strtoll (text, &end, 10);
  if (end != text && *end == '\0' && errno == 0)
    return json_node_init_int (node, integer);
  if (strspn (text, "+-.0123456789eE") == strlen (text))
    {
      const double number = g_ascii_strtod (text, &end);

      if (end != text && *end == '\0' && isfinite (number))
        return json_node_init_double (node, number);
    }
  if (parse_boolean (text, &value))
    return json_node_init_boolean (node, value);
  return json_node_init_string (node, text);
}

/* That of the first model which takes it; the error is of the first that does not. */
static JsonNode *
parse_value (GPtrArray *parameters, const char *text, GError **error)
{
  g_autofree char *complaint = NULL;

  for (guint i = 0; i < parameters->len; i++)
    {
      const EspParameter *parameter = parameters->pdata[i];
      g_autoptr (JsonNode) value = read_value (parameter, text);
      g_autofree char *reason = NULL;

      if (value == NULL)
        value = guess_value (text);
      reason = _esp_parameter_dup_complaint (parameter, value);
      if (reason == NULL)
        return g_steal_pointer (&value);
      if (complaint == NULL)
        complaint = g_steal_pointer (&reason);
    }
  fail (error, ESP_SWEEP_ERROR_VALUE, "%s", complaint);
  return NULL;
}

static gboolean
is_numeric (const EspParameter *parameter)
{
  return parameter->choices == NULL
         && (parameter->type == ESP_PARAMETER_INTEGER || parameter->type == ESP_PARAMETER_NUMBER);
}

/* A text in which every comma is part of a value is no list of words. White space is what
 * g_strstrip() takes away: a word that is written without it must not look otherwise. */
gboolean
_esp_axis_looks_like_numbers (const char *text)
{
  return strpbrk (text, "0123456789") != NULL
         && strspn (text, "0123456789+-.,;/eE \t\n\r\f") == strlen (text);
}

static EspAxis *
parse_parameter (const char *name, const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);
  gboolean known;
  g_autoptr (GPtrArray) parameters = find_parameters (context, name, FALSE, all, &known);
  const EspParameter *first = parameters->len > 0 ? parameters->pdata[0] : NULL;
  g_autofree char *title = first != NULL ? g_strdup (esp_parameter_get_label (first))
                                         : esp_parameter_dup_label_of (name);
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) words = NULL;

  if (first == NULL && known)
    {
      fail (error, ESP_SWEEP_ERROR_UNKNOWN, _ ("There is no parameter “%s”; there are: %s"), name,
            all->str);
      return NULL;
    }
  words = (first != NULL ? is_numeric (first) : _esp_axis_looks_like_numbers (text))
              ? _esp_numbers_parse (title, text, error)
              : split_words (text);
  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    {
      JsonNode *value
          = first != NULL ? parse_value (parameters, words[i], error) : guess_value (words[i]);

      if (value == NULL)
        return NULL;
      json_array_add_element (values, value);
    }
  return words != NULL ? make_axis (ESP_AXIS_PARAMETER, name, first != NULL ? first->title : NULL,
                                    g_steal_pointer (&values), title, error)
                       : NULL;
}

/* "lora:NAME". */
static EspAxis *
parse_lora (const char *name, const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);
  gboolean known;
  g_autoptr (GPtrArray) parameters = find_parameters (context, "loras", TRUE, all, &known);
  const EspParameter *first = parameters->len > 0 ? parameters->pdata[0] : NULL;
  g_autofree char *lora = esp_lora_dup_name (esp_lora_axis_get_lora (name));
  g_autofree char *title = g_strdup_printf (_ ("LoRA %s"), lora);
  const double minimum = first != NULL ? first->minimum : -ESP_LORAS_MAX_STRENGTH;
  const double maximum = first != NULL ? first->maximum : ESP_LORAS_MAX_STRENGTH;
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) words = NULL;

  if (first == NULL && known)
    {
      fail (error, ESP_SWEEP_ERROR_UNKNOWN, _ ("%s: the model takes no LoRAs"), title);
      return NULL;
    }
  words = _esp_numbers_parse (title, text, error);
  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    {
      const double strength = g_ascii_strtod (words[i], NULL);

      if (strength < minimum || strength > maximum)
        {
          fail (error, ESP_SWEEP_ERROR_VALUE, _ ("%s: %g is out of range; allowed is %g to %g"),
                title, strength, minimum, maximum);
          return NULL;
        }
      json_array_add_double_element (values, strength);
    }
  return words != NULL
             ? make_axis (ESP_AXIS_PARAMETER, name, NULL, g_steal_pointer (&values), title, error)
             : NULL;
}

/* --- Seeds ------------------------------------------------------------------------------------ */

/* Does a model take it? Where nothing is known, any. */
static gboolean
check_seed (const EspAxisContext *context, guint64 seed, GError **error)
{
  g_autoptr (GPtrArray) models = _esp_axis_context_dup_models (context);
  const EspParameter *refused = NULL;
  gboolean takes = models->len == 0;

  for (guint i = 0; i < models->len && !takes; i++)
    {
      EspModel *model = models->pdata[i];
      EspSchema *schema = esp_model_get_schema (model);
      const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, "seed") : NULL;

      if (schema != NULL && !(esp_model_get_features (model) & ESP_MODEL_SEED))
        continue;
      takes = parameter == NULL
              || ((double) seed >= parameter->minimum && (double) seed <= parameter->maximum);
      if (!takes)
        refused = parameter;
    }
  if (takes)
    return TRUE;
  if (refused != NULL)
    return fail (error, ESP_SWEEP_ERROR_VALUE,
                 _ ("Seed %" PRIu64 ": only %.0f to %.0f are possible"), seed, refused->minimum,
                 refused->maximum);
  return fail (error, ESP_SWEEP_ERROR_VALUE, _ ("The model takes no seed"));
}

static gboolean
add_seed (JsonArray *values, const EspAxisContext *context, guint64 seed, GError **error)
{
  if (!check_seed (context, seed, error))
    return FALSE;
  json_array_add_int_element (values, (gint64) seed);
  return TRUE;
}

static EspAxis *
parse_seeds (const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) words = NULL;
  guint64 n = 0, seed = 0;

  if (*text == '+')
    {
      if (!g_ascii_string_to_unsigned (text + 1, 10, 1, ESP_SWEEP_MAX_CELLS, &n, NULL))
        {
          fail (error, ESP_SWEEP_ERROR_SYNTAX,
                _ ("Seed: “%s” is no number of seeds between 1 and %d"), text + 1,
                ESP_SWEEP_MAX_CELLS);
          return NULL;
        }
      if (n - 1 > G_MAXUINT64 - context->seed)
        {
          fail (error, ESP_SWEEP_ERROR_VALUE, _ ("Seed: from %" PRIu64 " on there are no %u seeds"),
                context->seed, (guint) n);
          return NULL;
        }
      for (guint64 i = 0; i < n; i++)
        if (!add_seed (values, context, context->seed + i, error))
          return NULL;
      return make_axis (ESP_AXIS_SEED, "", NULL, g_steal_pointer (&values), _ ("Seed"), error);
    }
  words = _esp_numbers_parse (_ ("Seed"), text, error);
  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    if (!g_ascii_string_to_unsigned (words[i], 10, 0, G_MAXUINT64, &seed, NULL))
      {
        fail (error, ESP_SWEEP_ERROR_VALUE, _ ("Seed: “%s” is no whole number from 0 on"),
              words[i]);
        return NULL;
      }
    else if (!add_seed (values, context, seed, error))
      return NULL;
  return words != NULL
             ? make_axis (ESP_AXIS_SEED, "", NULL, g_steal_pointer (&values), _ ("Seed"), error)
             : NULL;
}

/* --- Texts ------------------------------------------------------------------------------------ */

static EspAxis *
parse_instructions (const char *text, GError **error)
{
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) texts = _esp_texts_split (text);

  for (char **one = texts; *one != NULL; one++)
    {
      g_auto (GStrv) expanded = _esp_alternatives_expand (*one, error);

      if (expanded == NULL)
        return NULL;
      for (char **each = expanded; *each != NULL; each++)
        json_array_add_string_element (values, *each);
    }
  return make_axis (ESP_AXIS_INSTRUCTION, "", NULL, g_steal_pointer (&values), _ ("Instruction"),
                    error);
}

static EspAxis *
parse_replace (const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) texts = _esp_texts_split (text);
  g_autofree char *found = NULL;
  gboolean replaces = FALSE;

  for (char **one = texts; *one != NULL; one++)
    replaces = replaces || strcmp (*one, texts[0]) != 0;
  if (!replaces)
    {
      fail (error, ESP_SWEEP_ERROR_SYNTAX,
            _ ("Write the words to replace, then what takes their place: red || blue || green"));
      return NULL;
    }
  if (context->instruction != NULL)
    found = _esp_words_replace (context->instruction, texts[0], "");
  if (context->instruction != NULL && found == NULL)
    {
      fail (error, ESP_SWEEP_ERROR_VALUE, _ ("“%s” does not occur in the instruction"), texts[0]);
      return NULL;
    }
  for (char **one = texts; *one != NULL; one++)
    json_array_add_string_element (values, *one);
  return make_axis (ESP_AXIS_REPLACE, texts[0], NULL, g_steal_pointer (&values), texts[0], error);
}

static EspAxis *
parse_negative (const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (GPtrArray) models = _esp_axis_context_dup_models (context);
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) texts = _esp_texts_split (text);
  gboolean takes = models->len == 0;

  for (guint i = 0; i < models->len; i++)
    takes = takes || esp_model_get_schema (models->pdata[i]) == NULL
            || (esp_model_get_features (models->pdata[i]) & ESP_MODEL_NEGATIVE_PROMPT);
  if (!takes)
    {
      fail (error, ESP_SWEEP_ERROR_VALUE, _ ("The model takes no negative instruction"));
      return NULL;
    }
  for (char **one = texts; *one != NULL; one++)
    json_array_add_string_element (values, *one);
  return make_axis (ESP_AXIS_NEGATIVE, "", NULL, g_steal_pointer (&values),
                    _ ("Negative instruction"), error);
}

/* --- Models, presets, nodes ------------------------------------------------------------------- */

/* Without a registry nothing is known but what is written. */
static JsonObject *
read_model (const char *text, EspRegistry *registry)
{
  EspModel *model = registry != NULL ? _esp_registry_resolve_model (registry, text) : NULL;
  const char *slash = strchr (text, '/');
  JsonObject *object = json_object_new ();
  g_autofree char *backend = slash != NULL ? g_strndup (text, (gsize) (slash - text)) : NULL;

  if (model != NULL)
    {
      const char *id = esp_backend_get_id (esp_model_get_backend (model));

      json_object_set_string_member (object, "backend", id);
      json_object_set_string_member (object, "model", esp_model_get_id (model));
      json_object_set_string_member (object, "name", esp_model_get_name (model));
      json_object_set_string_member (object, "title",
                                     esp_registry_get_backend_title (registry, id));
      return object;
    }
  json_object_set_string_member (object, "backend", backend != NULL ? backend : text);
  if (slash != NULL)
    json_object_set_string_member (object, "model", slash + 1);
  json_object_set_string_member (object, "name", slash != NULL ? slash + 1 : text);
  return object;
}

static char *
dup_model_names (EspRegistry *registry)
{
  GListModel *models = esp_registry_get_models (registry);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      g_string_append_printf (text, "%s%s/%s", i > 0 ? ", " : "",
                              esp_backend_get_id (esp_model_get_backend (model)),
                              esp_model_get_id (model));
    }
  return g_string_free (text, FALSE);
}

static EspAxis *
parse_models (const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) words = split_words (text);

  for (char **word = words; *word != NULL; word++)
    {
      if (context->registry != NULL
          && _esp_registry_resolve_model (context->registry, *word) == NULL)
        {
          g_autofree char *names = dup_model_names (context->registry);

          fail (error, ESP_SWEEP_ERROR_UNKNOWN, _ ("There is no model “%s”; there are: %s"), *word,
                names);
          return NULL;
        }
      json_array_add_object_element (values, read_model (*word, context->registry));
    }
  return make_axis (ESP_AXIS_MODEL, "", NULL, g_steal_pointer (&values), _ ("Model"), error);
}

static EspAxis *
parse_presets (const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) words = split_words (text);

  for (char **word = words; *word != NULL; word++)
    {
      JsonObject *settings
          = context->presets != NULL ? esp_json_get_object (context->presets, *word) : NULL;
      JsonObject *object;

      if (settings == NULL)
        {
          fail (error, ESP_SWEEP_ERROR_UNKNOWN, _ ("There is no preset “%s”"), *word);
          return NULL;
        }
      object = json_object_new ();
      json_object_set_string_member (object, "name", *word);
      json_object_set_object_member (object, "settings", json_object_ref (settings));
      json_array_add_object_element (values, object);
    }
  return make_axis (ESP_AXIS_PRESET, "", NULL, g_steal_pointer (&values), _ ("Preset"), error);
}

static EspAxis *
parse_nodes (const char *text, const EspAxisContext *context, GError **error)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (JsonArray) values = json_array_new ();
  g_auto (GStrv) words = split_words (text);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (char **word = words; *word != NULL; word++)
    {
      const char *digits = **word == '#' ? *word + 1 : *word;
      guint64 id = 0;
      EspNode *node = NULL;

      if (g_ascii_string_to_unsigned (digits, 10, 1, G_MAXINT64, &id, NULL)
          && context->document != NULL)
        node = esp_document_get_node (context->document, (gint64) id);
      if (node == NULL)
        {
          fail (error, ESP_SWEEP_ERROR_UNKNOWN, _ ("There is no node “%s” in the document"), *word);
          return NULL;
        }
      if (!g_hash_table_add (seen, node))
        continue;
      json_array_add_int_element (values, (gint64) id);
      g_ptr_array_add (labels, esp_node_dup_title (node));
    }
  if (labels->len == 0 || labels->len > ESP_SWEEP_MAX_CELLS)
    return make_axis (ESP_AXIS_NODE, "", NULL, g_steal_pointer (&values), _ ("Picture"), error);
  {
    g_auto (GStrv) short_labels
        = _esp_labels_of_texts ((const char *const *) labels->pdata, labels->len);

    return _esp_axis_new (ESP_AXIS_NODE, "", NULL, g_steal_pointer (&values),
                          (const char *const *) short_labels);
  }
}

/* --- All -------------------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  EspAxisKind kind;
} names[] = {
  { "seed", ESP_AXIS_SEED },
  { "instruction", ESP_AXIS_INSTRUCTION },
  { "prompt", ESP_AXIS_INSTRUCTION },
  { "replace", ESP_AXIS_REPLACE },
  { "negative_prompt", ESP_AXIS_NEGATIVE },
  { "backend", ESP_AXIS_MODEL },
  { "model", ESP_AXIS_MODEL },
  { "preset", ESP_AXIS_PRESET },
  { "node", ESP_AXIS_NODE },
};

static EspAxisKind
find_kind (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i].name, name) == 0)
      return names[i].kind;
  return ESP_AXIS_PARAMETER;
}

EspAxis *
esp_axis_parse (const char *name, const char *text, const EspAxisContext *context, GError **error)
{
  static const EspAxisContext nothing = { 0 };
  g_autofree char *plain = NULL;

  g_return_val_if_fail (name != NULL && text != NULL, NULL);

  if (context == NULL)
    context = &nothing;
  plain = g_strstrip (g_utf8_make_valid (text, -1));
  switch (find_kind (name))
    {
    case ESP_AXIS_SEED:
      return parse_seeds (plain, context, error);
    case ESP_AXIS_INSTRUCTION:
      return parse_instructions (plain, error);
    case ESP_AXIS_REPLACE:
      return parse_replace (plain, context, error);
    case ESP_AXIS_NEGATIVE:
      return parse_negative (plain, context, error);
    case ESP_AXIS_MODEL:
      return parse_models (plain, context, error);
    case ESP_AXIS_PRESET:
      return parse_presets (plain, context, error);
    case ESP_AXIS_NODE:
      return parse_nodes (plain, context, error);
    case ESP_AXIS_PARAMETER:
    case ESP_AXIS_ALTERNATIVES:
    default:
      if (esp_lora_axis_get_lora (name) != NULL)
        return parse_lora (name, plain, context, error);
      return parse_parameter (name, plain, context, error);
    }
}
