/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis.c: one axis of a sweep: what it changes, its values and what they are called. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-axis-private.h"

#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-json-text.h"
#include "esp-loras.h"
#include "esp-parameter-names.h"

#include <glib/gi18n-lib.h>
#include <string.h>

G_DEFINE_QUARK (esp - sweep - error - quark, esp_sweep_error)

struct _EspAxis
{
  gatomicrefcount count;
  EspAxisKind kind;
  char *name;
  char *schema_title; /* or NULL */
  char *title;
  JsonArray *values;
  char **labels;
};

G_DEFINE_BOXED_TYPE (EspAxis, esp_axis, esp_axis_ref, esp_axis_unref)

/* As in the document. */
static const char *const kinds[] = {
  "parameter", "seed",  "instruction", "alternatives", "replace",
  "negative",  "model", "preset",      "node",
};

EspAxis *
esp_axis_ref (EspAxis *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->count);
  return self;
}

void
esp_axis_unref (EspAxis *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->count))
    return;
  g_free (self->name);
  g_free (self->schema_title);
  g_free (self->title);
  json_array_unref (self->values);
  g_strfreev (self->labels);
  g_free (self);
}

static gboolean
has_texts (EspAxisKind kind)
{
  return kind == ESP_AXIS_INSTRUCTION || kind == ESP_AXIS_ALTERNATIVES || kind == ESP_AXIS_REPLACE
         || kind == ESP_AXIS_NEGATIVE;
}

static char *
dup_title (EspAxisKind kind, const char *name, const char *schema_title)
{
  const char *lora = kind == ESP_AXIS_PARAMETER ? esp_lora_axis_get_lora (name) : NULL;
  g_autofree char *lora_name = lora != NULL ? esp_lora_dup_name (lora) : NULL;
  const guint64 number = g_ascii_strtoull (name, NULL, 10);

  switch (kind)
    {
    case ESP_AXIS_PARAMETER:
      if (lora_name != NULL)
        /* Translators: the strength of the LoRA of that name, as the title of an axis */
        return g_strdup_printf (_ ("LoRA %s"), lora_name);
      return schema_title != NULL && *schema_title != '\0' ? g_strdup (_ (schema_title))
                                                           : esp_parameter_dup_label_of (name);
    case ESP_AXIS_SEED:
      return g_strdup (_ ("Seed"));
    case ESP_AXIS_INSTRUCTION:
      return g_strdup (_ ("Instruction"));
    case ESP_AXIS_ALTERNATIVES:
      return number == 0 ? g_strdup (_ ("Words"))
                         : g_strdup_printf (_ ("Words %u"), (guint) number + 1);
    case ESP_AXIS_REPLACE:
      /* Translators: the words in an instruction that others take the place of */
      return g_strdup_printf (_ ("For “%s”"), name);
    case ESP_AXIS_NEGATIVE:
      return g_strdup (_ ("Negative instruction"));
    case ESP_AXIS_MODEL:
      return g_strdup (_ ("Model"));
    case ESP_AXIS_PRESET:
      return g_strdup (_ ("Preset"));
    case ESP_AXIS_NODE:
    default:
      return g_strdup (_ ("Picture"));
    }
}

/* --- Labels ----------------------------------------------------------------------------------- */

char *
_esp_axis_dup_value_text (JsonNode *value)
{
  GString *text = g_string_new (NULL);

  if (!JSON_NODE_HOLDS_VALUE (value))
    return g_string_free (text, FALSE);
  switch (json_node_get_value_type (value))
    {
    case G_TYPE_STRING:
      g_string_append (text, json_node_get_string (value));
      break;
    case G_TYPE_BOOLEAN:
      g_string_append (text, json_node_get_boolean (value) ? "on" : "off");
      break;
    case G_TYPE_DOUBLE:
      esp_json_put_double (text, NULL, json_node_get_double (value));
      break;
    default:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, json_node_get_int (value));
    }
  return g_string_free (text, FALSE);
}

static char *
dup_label (EspAxisKind kind, JsonNode *value)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;

  if (object != NULL)
    return g_strdup (esp_json_get_string (object, "name"));
  if (kind == ESP_AXIS_SEED)
    return g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) json_node_get_int (value));
  if (kind == ESP_AXIS_NODE)
    return g_strdup_printf ("#%" G_GINT64_FORMAT, json_node_get_int (value));
  if (json_node_get_value_type (value) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (value) ? _ ("On") : _ ("Off"));
  if (kind == ESP_AXIS_PARAMETER && json_node_get_value_type (value) == G_TYPE_STRING)
    return g_strdup (esp_parameter_get_choice_label (json_node_get_string (value)));
  return _esp_axis_dup_value_text (value);
}

/* Those that more than one value has; borrowed. */
static GHashTable *
find_twins (char **labels)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTable *twins = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; labels[i] != NULL; i++)
    if (!g_hash_table_add (seen, labels[i]))
      g_hash_table_add (twins, labels[i]);
  return twins;
}

/* What tells models of one name apart is whose they are; nodes, their number. */
static char *
dup_addition (const EspAxis *self, guint value)
{
  JsonNode *node = json_array_get_element (self->values, value);

  if (self->kind == ESP_AXIS_MODEL)
    {
      JsonObject *object = json_node_get_object (node);
      const char *title = esp_json_get_string (object, "title");

      return g_strdup (title != NULL ? title : esp_json_get_string (object, "backend"));
    }
  return self->kind == ESP_AXIS_NODE ? dup_label (ESP_AXIS_NODE, node)
                                     : g_strdup_printf ("%u", value + 1);
}

static void
make_labels (EspAxis *self, const char *const *given)
{
  const guint n = json_array_get_length (self->values);
  g_autoptr (GHashTable) twins = NULL;
  g_auto (GStrv) plain = NULL;

  if (has_texts (self->kind))
    {
      g_autofree const char **texts = g_new0 (const char *, n);

      for (guint i = 0; i < n; i++)
        texts[i] = _esp_axis_get_text (self, i);
      self->labels = _esp_labels_of_texts (texts, n);
      return;
    }
  self->labels = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    self->labels[i] = given != NULL
                          ? g_strdup (given[i])
                          : dup_label (self->kind, json_array_get_element (self->values, i));
  plain = g_strdupv (self->labels);
  twins = find_twins (plain);
  for (guint i = 0; i < n; i++)
    if (g_hash_table_contains (twins, plain[i]))
      {
        g_autofree char *addition = dup_addition (self, i);

        g_free (self->labels[i]);
        self->labels[i] = g_strdup_printf ("%s · %s", plain[i], addition);
      }
}

EspAxis *
_esp_axis_new (EspAxisKind kind, const char *name, const char *title, JsonArray *values,
               const char *const *labels)
{
  EspAxis *self = g_new0 (EspAxis, 1);

  g_atomic_ref_count_init (&self->count);
  self->kind = kind;
  self->name = g_strdup (name);
  self->schema_title = g_strdup (title);
  self->title = dup_title (kind, name, title);
  self->values = values;
  make_labels (self, labels);
  return self;
}

/* --- Getters ---------------------------------------------------------------------------------- */

EspAxisKind
esp_axis_get_kind (EspAxis *self)
{
  g_return_val_if_fail (self != NULL, ESP_AXIS_PARAMETER);
  return self->kind;
}

const char *
esp_axis_get_name (EspAxis *self)
{
  g_return_val_if_fail (self != NULL, "");
  return self->name;
}

const char *
esp_axis_get_title (EspAxis *self)
{
  g_return_val_if_fail (self != NULL, "");
  return self->title;
}

guint
esp_axis_get_n_values (EspAxis *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return json_array_get_length (self->values);
}

const char *
esp_axis_get_label (EspAxis *self, guint value)
{
  g_return_val_if_fail (self != NULL, "");
  g_return_val_if_fail (value < json_array_get_length (self->values), "");
  return self->labels[value];
}

JsonNode *
esp_axis_get_value (EspAxis *self, guint value)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (value < json_array_get_length (self->values), NULL);
  return json_array_get_element (self->values, value);
}

const char *
_esp_axis_get_text (EspAxis *self, guint value)
{
  return json_node_get_string (json_array_get_element (self->values, value));
}

gboolean
_esp_axis_clashes (EspAxis *a, EspAxis *b)
{
  if (a->kind == b->kind)
    return strcmp (a->name, b->name) == 0;
  /* Whole instructions leave nothing of the one that the alternatives are in. */
  return (a->kind == ESP_AXIS_INSTRUCTION && b->kind == ESP_AXIS_ALTERNATIVES)
         || (a->kind == ESP_AXIS_ALTERNATIVES && b->kind == ESP_AXIS_INSTRUCTION);
}

/* --- As text ---------------------------------------------------------------------------------- */

static gboolean
is_number (JsonNode *value)
{
  const GType type = json_node_get_value_type (value);

  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

/* What esp_axis_parse () takes for the value. */
static char *
dup_word (const EspAxis *self, guint value)
{
  JsonNode *node = json_array_get_element (self->values, value);
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (self->kind == ESP_AXIS_MODEL)
    {
      const char *model = esp_json_get_string (object, "model");

      return g_strconcat (esp_json_get_string (object, "backend"), model != NULL ? "/" : NULL,
                          model, NULL);
    }
  if (self->kind == ESP_AXIS_SEED)
    return g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) json_node_get_int (node));
  if (self->kind == ESP_AXIS_INSTRUCTION)
    return _esp_alternatives_escape (json_node_get_string (node));
  if (object != NULL)
    return g_strdup (esp_json_get_string (object, "name"));
  return _esp_axis_dup_value_text (node);
}

char *
esp_axis_dup_text (EspAxis *self)
{
  g_auto (GStrv) words = NULL;
  g_autofree char *plain = NULL;
  gboolean numbers, commas = FALSE;
  guint n;

  g_return_val_if_fail (self != NULL, NULL);

  n = json_array_get_length (self->values);
  words = g_new0 (char *, n + 1);
  numbers = self->kind == ESP_AXIS_SEED || self->kind == ESP_AXIS_PARAMETER;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (self->values, i);

      words[i] = dup_word (self, i);
      numbers = numbers && JSON_NODE_HOLDS_VALUE (node) && is_number (node);
      commas = commas || strpbrk (words[i], ",\n") != NULL;
    }
  if (numbers)
    return _esp_numbers_dup_text ((const char *const *) words);
  plain = g_strjoinv (", ", words);
  /* "0..1/0." is a word where it was written among texts. */
  if (has_texts (self->kind) || commas
      || (self->kind == ESP_AXIS_PARAMETER && _esp_axis_looks_like_numbers (plain)))
    return _esp_texts_join ((const char *const *) words, has_texts (self->kind));
  return g_steal_pointer (&plain);
}

/* --- As JSON ---------------------------------------------------------------------------------- */

/* What a model is called is nothing that a sweep is about. */
static JsonNode *
dup_essence (const EspAxis *self, JsonNode *value)
{
  JsonNode *copy = json_node_copy (value);

  if (self->kind == ESP_AXIS_MODEL)
    {
      JsonObject *object = json_object_new ();
      JsonObject *known = json_node_get_object (value);

      json_object_set_string_member (object, "backend", esp_json_get_string (known, "backend"));
      if (esp_json_get_string (known, "model") != NULL)
        json_object_set_string_member (object, "model", esp_json_get_string (known, "model"));
      json_node_take_object (copy, object);
    }
  return copy;
}

JsonObject *
_esp_axis_dup_json (EspAxis *self, gboolean essence)
{
  JsonObject *object = json_object_new ();
  JsonArray *values = json_array_new ();

  json_object_set_string_member (object, "kind", kinds[self->kind]);
  json_object_set_string_member (object, "name", self->name);
  for (guint i = 0; i < json_array_get_length (self->values); i++)
    {
      JsonNode *value = json_array_get_element (self->values, i);

      json_array_add_element (values, essence ? dup_essence (self, value) : json_node_copy (value));
    }
  json_object_set_array_member (object, "values", values);
  if (essence)
    return object;
  if (self->schema_title != NULL)
    json_object_set_string_member (object, "title", self->schema_title);
  if (self->kind == ESP_AXIS_NODE)
    {
      JsonArray *labels = json_array_new ();

      for (guint i = 0; self->labels[i] != NULL; i++)
        json_array_add_string_element (labels, self->labels[i]);
      json_object_set_array_member (object, "labels", labels);
    }
  return object;
}

static gboolean
is_value (EspAxisKind kind, JsonNode *value)
{
  const gboolean simple = JSON_NODE_HOLDS_VALUE (value);
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;

  switch (kind)
    {
    case ESP_AXIS_PARAMETER:
      return simple;
    case ESP_AXIS_SEED:
    case ESP_AXIS_NODE:
      return simple && json_node_get_value_type (value) == G_TYPE_INT64;
    case ESP_AXIS_MODEL:
      return object != NULL && esp_json_get_string (object, "backend") != NULL
             && esp_json_get_string (object, "name") != NULL;
    case ESP_AXIS_PRESET:
      return object != NULL && esp_json_get_object (object, "settings") != NULL
             && esp_json_get_string (object, "name") != NULL;
    case ESP_AXIS_INSTRUCTION:
    case ESP_AXIS_ALTERNATIVES:
    case ESP_AXIS_REPLACE:
    case ESP_AXIS_NEGATIVE:
    default:
      return simple && json_node_get_value_type (value) == G_TYPE_STRING;
    }
}

static gboolean
are_values (EspAxisKind kind, JsonArray *values)
{
  const guint n = values != NULL ? json_array_get_length (values) : 0;

  for (guint i = 0; i < n && n <= ESP_SWEEP_MAX_CELLS; i++)
    if (!is_value (kind, json_array_get_element (values, i)))
      return FALSE;
  return n >= 1 && n <= ESP_SWEEP_MAX_CELLS;
}

/* NULL: there are none, or not one for each value. */
static char **
dup_given_labels (JsonArray *labels, guint n)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  if (labels == NULL || json_array_get_length (labels) != n)
    return NULL;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *label = json_array_get_element (labels, i);

      if (!JSON_NODE_HOLDS_VALUE (label) || json_node_get_value_type (label) != G_TYPE_STRING)
        return NULL;
      g_ptr_array_add (texts, json_node_dup_string (label));
    }
  g_ptr_array_add (texts, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&texts), FALSE);
}

EspAxis *
_esp_axis_from_json (JsonObject *object, GError **error)
{
  const char *name = esp_json_get_string (object, "name");
  const char *word = esp_json_get_string (object, "kind");
  JsonArray *values = esp_json_get_array (object, "values");
  g_auto (GStrv) labels = NULL;
  guint kind = 0;

  while (kind < G_N_ELEMENTS (kinds) && g_strcmp0 (word, kinds[kind]) != 0)
    kind++;
  if (kind == G_N_ELEMENTS (kinds) || name == NULL || !are_values (kind, values)
      || ((kind == ESP_AXIS_PARAMETER || kind == ESP_AXIS_REPLACE) && *name == '\0'))
    {
      g_set_error_literal (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_FORMAT,
                           _ ("An axis of the sweep cannot be read"));
      return NULL;
    }
  if (kind == ESP_AXIS_NODE)
    labels
        = dup_given_labels (esp_json_get_array (object, "labels"), json_array_get_length (values));
  return _esp_axis_new (kind, name,
                        kind == ESP_AXIS_PARAMETER ? esp_json_get_string (object, "title") : NULL,
                        json_array_ref (values), (const char *const *) labels);
}
