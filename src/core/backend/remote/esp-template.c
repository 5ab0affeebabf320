/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-template.c: descriptors with holes, and what is put into them. */
#include "esp-template.h"

#include <string.h>

#include "esp-json-read.h"

/* A template within a template (a graph that is a setting) stops somewhere. */
#define MAX_DEPTH 200
#define MAX_NODES 200000
#define SHOWN_MAX 60 /* characters of a text in a message */

struct _EspScope
{
  GHashTable *nodes; /* name → JsonNode */
  GHashTable *bytes; /* name → GBytes */
};

G_DEFINE_QUARK (esp - template - error - quark, esp_template_error)

EspScope *
esp_scope_new (void)
{
  EspScope *self = g_new0 (EspScope, 1);

  self->nodes
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_node_unref);
  self->bytes
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  return self;
}

EspScope *
esp_scope_copy (EspScope *self)
{
  EspScope *copy = esp_scope_new ();
  GHashTableIter iter;
  gpointer name, value;

  g_return_val_if_fail (self != NULL, copy);

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_insert (copy->nodes, g_strdup (name), json_node_ref (value));
  g_hash_table_iter_init (&iter, self->bytes);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_insert (copy->bytes, g_strdup (name), g_bytes_ref (value));

  return copy;
}

void
esp_scope_free (EspScope *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->nodes);
  g_hash_table_unref (self->bytes);
  g_free (self);
}

void
esp_scope_set_node (EspScope *self, const char *name, JsonNode *value)
{
  g_return_if_fail (self != NULL && name != NULL);

  if (value == NULL)
    g_hash_table_remove (self->nodes, name);
  else
    g_hash_table_insert (self->nodes, g_strdup (name), value);
}

void
esp_scope_set_text (EspScope *self, const char *name, const char *value)
{
  esp_scope_set_node (self, name,
                      value != NULL ? json_node_init_string (json_node_alloc (), value) : NULL);
}

void
esp_scope_set_int (EspScope *self, const char *name, gint64 value)
{
  esp_scope_set_node (self, name, json_node_init_int (json_node_alloc (), value));
}

void
esp_scope_set_bytes (EspScope *self, const char *name, GBytes *value)
{
  g_return_if_fail (self != NULL && name != NULL);

  if (value == NULL)
    g_hash_table_remove (self->bytes, name);
  else
    g_hash_table_insert (self->bytes, g_strdup (name), g_bytes_ref (value));
}

JsonNode *
esp_scope_get (EspScope *self, const char *name)
{
  g_return_val_if_fail (self != NULL && name != NULL, NULL);

  return g_hash_table_lookup (self->nodes, name);
}

GBytes *
esp_scope_get_bytes (EspScope *self, const char *name)
{
  g_return_val_if_fail (self != NULL && name != NULL, NULL);

  return g_hash_table_lookup (self->bytes, name);
}

/* Letters, digits, "_" and "-" in at least two parts: "param.seed". */
static gboolean
is_name (const char *name)
{
  gboolean begins = TRUE;
  guint n_parts = 1;

  for (const char *c = name; *c != '\0'; c++)
    {
      if (*c == '.' && !begins)
        {
          n_parts++;
          begins = TRUE;
        }
      else if (g_ascii_isalnum (*c) || *c == '_' || *c == '-')
        begins = FALSE;
      else
        return FALSE;
    }

  return n_parts > 1 && !begins;
}

/* For messages: whole characters. */
static char *
dup_beginning (const char *text)
{
  return g_utf8_strlen (text, -1) > SHOWN_MAX ? g_utf8_substring (text, 0, SHOWN_MAX)
                                              : g_strdup (text);
}

/* The next placeholder of `text`: its beginning, what follows it, and its name. FALSE where there
 * is none, and (with an error) where there is half of one. */
static gboolean
find_placeholder (const char *text, const char **start, const char **rest, char **name,
                  GError **error)
{
  g_autofree char *shown = NULL;
  const char *end;

  *start = strstr (text, "{{");
  if (*start == NULL)
    return FALSE;

  end = strstr (*start + 2, "}}");
  if (end == NULL)
    {
      shown = dup_beginning (*start);
      g_set_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX,
                   "“{{” without “}}” in “%s”", shown);
      return FALSE;
    }

  *name = g_strndup (*start + 2, (gsize) (end - *start - 2));
  *rest = end + 2;
  if (is_name (*name))
    return TRUE;

  shown = dup_beginning (*name);
  g_set_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX,
               "“{{%s}}” is no name like “{{param.seed}}”", shown);
  g_clear_pointer (name, g_free);
  return FALSE;
}

char *
esp_template_dup_only_name (const char *text)
{
  g_autofree char *name = NULL;
  const char *start, *rest;

  g_return_val_if_fail (text != NULL, NULL);

  if (!g_str_has_prefix (text, "{{") || !find_placeholder (text, &start, &rest, &name, NULL)
      || *rest != '\0')
    return NULL;

  return g_steal_pointer (&name);
}

static char *
escape_value (const char *name, const char *value, EspTemplateEscape escape)
{
  g_autoptr (GString) pointer = NULL;

  switch (escape)
    {
    case ESP_TEMPLATE_URL:
      /* A model of several segments ("owner/model") is a person's own setting; what a server said
       * must not get another path. */
      return g_uri_escape_string (value, g_str_has_prefix (name, "config.") ? "/" : NULL, FALSE);

    case ESP_TEMPLATE_POINTER:
      pointer = g_string_new (value);
      g_string_replace (pointer, "~", "~0", 0);
      g_string_replace (pointer, "/", "~1", 0);
      return g_string_free (g_steal_pointer (&pointer), FALSE);

    case ESP_TEMPLATE_PLAIN:
    default:
      return g_strdup (value);
    }
}

char *
esp_template_expand_text (const char *text, EspScope *scope, EspTemplateEscape escape,
                          GError **error)
{
  g_autoptr (GString) expanded = NULL;
  g_autofree char *only = NULL;
  GError *broken = NULL;
  const char *start, *rest;
  char *next = NULL;

  g_return_val_if_fail (text != NULL && scope != NULL, NULL);

  expanded = g_string_new (NULL);
  only = esp_template_dup_only_name (text);
  for (const char *at = text; at != NULL; at = rest)
    {
      g_autofree char *name = NULL;
      g_autofree char *plain = NULL;
      g_autofree char *value = NULL;
      JsonNode *node;

      if (!find_placeholder (at, &start, &rest, &next, &broken))
        {
          g_string_append (expanded, at);
          break;
        }

      name = g_steal_pointer (&next);
      node = esp_scope_get (scope, name);
      if (node == NULL || JSON_NODE_HOLDS_NULL (node))
        {
          g_set_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_UNSET, "%s has no value",
                       name);
          return NULL;
        }

      plain = esp_json_dup_plain (node);
      value = only != NULL && escape == ESP_TEMPLATE_URL ? g_steal_pointer (&plain)
                                                         : escape_value (name, plain, escape);
      g_string_append_len (expanded, at, start - at);
      g_string_append (expanded, value);
    }

  if (broken != NULL)
    {
      g_propagate_error (error, broken);
      return NULL;
    }

  return g_string_free (g_steal_pointer (&expanded), FALSE);
}

typedef struct
{
  EspScope *scope;
  guint depth;
  guint n_nodes;
  GError **error;
} Expansion;

static gboolean expand_node (Expansion *self, JsonNode *node, JsonNode **expanded);

/* The key belongs into the header of "auth" and nowhere else, whatever a graph says. */
static gboolean
refuse_secret (Expansion *self)
{
  g_set_error_literal (self->error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX,
                       "secret.api_key is allowed in “auth” only");
  return FALSE;
}

/* Text of which placeholders are a part. */
static char *
expand_part (Expansion *self, const char *text)
{
  if (strstr (text, "{{secret.") != NULL)
    {
      refuse_secret (self);
      return NULL;
    }

  return esp_template_expand_text (text, self->scope, ESP_TEMPLATE_PLAIN, self->error);
}

static gboolean
expand_object (Expansion *self, JsonObject *object, JsonNode **expanded)
{
  g_autoptr (JsonObject) copy = json_object_new ();
  JsonObjectIter iter;
  const char *key;
  JsonNode *member;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &key, &member))
    {
      g_autofree char *name = NULL;
      JsonNode *value = NULL;

      name = expand_part (self, key);
      if (name == NULL || !expand_node (self, member, &value))
        return FALSE;
      if (value != NULL)
        json_object_set_member (copy, name, value);
    }

  *expanded = json_node_init_object (json_node_alloc (), copy);
  return TRUE;
}

static gboolean
expand_array (Expansion *self, JsonArray *array, JsonNode **expanded)
{
  g_autoptr (JsonArray) copy = json_array_new ();

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *value = NULL;

      if (!expand_node (self, json_array_get_element (array, i), &value))
        return FALSE;
      if (value != NULL)
        json_array_add_element (copy, value);
    }

  *expanded = json_node_init_array (json_node_alloc (), copy);
  return TRUE;
}

/* A string that is one placeholder. */
static gboolean
expand_only (Expansion *self, const char *name, JsonNode **expanded)
{
  JsonNode *value = esp_scope_get (self->scope, name);

  if (g_str_has_prefix (name, "secret."))
    return refuse_secret (self);

  if (value == NULL && esp_scope_get_bytes (self->scope, name) != NULL)
    {
      g_set_error (self->error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX,
                   "%s is no text: it can be a file, but not a part of JSON", name);
      return FALSE;
    }

  /* Settings have holes of their own; what a person or a server wrote never has. */
  if (value != NULL && g_str_has_prefix (name, "config.") && !JSON_NODE_HOLDS_VALUE (value))
    return expand_node (self, value, expanded);

  *expanded = value != NULL ? json_node_copy (value) : NULL;
  return TRUE;
}

static gboolean
expand_string (Expansion *self, const char *text, JsonNode **expanded)
{
  g_autofree char *only = esp_template_dup_only_name (text);
  g_autofree char *value = NULL;

  if (only != NULL)
    return expand_only (self, only, expanded);

  value = expand_part (self, text);
  if (value == NULL)
    return FALSE;

  *expanded = json_node_init_string (json_node_alloc (), value);
  return TRUE;
}

/* FALSE with an error; `*expanded` NULL where there is nothing. */
static gboolean
expand_node (Expansion *self, JsonNode *node, JsonNode **expanded)
{
  gboolean ok = TRUE;

  *expanded = NULL;
  if (self->depth >= MAX_DEPTH || ++self->n_nodes > MAX_NODES)
    {
      g_set_error (self->error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_SYNTAX,
                   "a template is put into itself, or is too large");
      return FALSE;
    }

  self->depth++;
  if (JSON_NODE_HOLDS_OBJECT (node))
    ok = expand_object (self, json_node_get_object (node), expanded);
  else if (JSON_NODE_HOLDS_ARRAY (node))
    ok = expand_array (self, json_node_get_array (node), expanded);
  else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    ok = expand_string (self, json_node_get_string (node), expanded);
  else
    *expanded = json_node_copy (node);
  self->depth--;

  return ok;
}

JsonNode *
esp_template_expand (JsonNode *node, EspScope *scope, GError **error)
{
  Expansion expansion = { .scope = scope, .error = error };
  JsonNode *expanded = NULL;

  g_return_val_if_fail (node != NULL && scope != NULL, NULL);

  return expand_node (&expansion, node, &expanded) ? expanded : NULL;
}

static gboolean
add_names (GPtrArray *names, const char *text, GError **error)
{
  const char *start, *rest;
  GError *broken = NULL;
  char *name = NULL;

  for (const char *at = text; find_placeholder (at, &start, &rest, &name, &broken); at = rest)
    g_ptr_array_add (names, g_steal_pointer (&name));

  if (broken == NULL)
    return TRUE;

  g_propagate_error (error, broken);
  return FALSE;
}

static gboolean
collect_names (GPtrArray *names, JsonNode *node, GError **error)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      const char *key;
      JsonNode *member;

      json_object_iter_init_ordered (&iter, json_node_get_object (node));
      while (json_object_iter_next_ordered (&iter, &key, &member))
        if (!add_names (names, key, error) || !collect_names (names, member, error))
          return FALSE;
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        if (!collect_names (names, json_array_get_element (array, i), error))
          return FALSE;
    }
  else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    {
      return add_names (names, json_node_get_string (node), error);
    }

  return TRUE;
}

GPtrArray *
esp_template_dup_names (JsonNode *node, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  g_return_val_if_fail (node != NULL, NULL);

  return collect_names (names, node, error) ? g_steal_pointer (&names) : NULL;
}

char *
esp_template_expand_fields (JsonObject *fields, EspScope *scope, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  JsonObjectIter iter;
  const char *name;
  JsonNode *template;

  g_return_val_if_fail (fields != NULL, NULL);
  g_return_val_if_fail (scope != NULL, NULL);

  json_object_iter_init_ordered (&iter, fields);
  while (json_object_iter_next_ordered (&iter, &name, &template))
    {
      g_autoptr (GError) own_error = NULL;
      g_autoptr (JsonNode) value = esp_template_expand (template, scope, &own_error);
      g_autofree char *plain = NULL;

      if (own_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&own_error));
          return NULL;
        }
      if (value == NULL)
        continue;

      plain = esp_json_dup_plain (value);
      if (text->len > 0)
        g_string_append_c (text, '&');
      g_string_append_uri_escaped (text, name, NULL, FALSE);
      g_string_append_c (text, '=');
      g_string_append_uri_escaped (text, plain, NULL, FALSE);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
