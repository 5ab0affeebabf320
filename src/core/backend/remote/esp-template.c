/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-template.c: descriptors with holes, and what is put into them. */
#include "esp-template.h"

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

JsonNode *
esp_template_expand (JsonNode *node, EspScope *scope, GError **error)
{
  return json_node_copy (node);
}

char *
esp_template_expand_text (const char *text, EspScope *scope, EspTemplateEscape escape,
                          GError **error)
{
  return g_strdup (text);
}

char *
esp_template_dup_only_name (const char *text)
{
  return NULL;
}

GPtrArray *
esp_template_dup_names (JsonNode *node, GError **error)
{
  return g_ptr_array_new_with_free_func (g_free);
}
