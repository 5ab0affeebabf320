/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-tighten.c: a descriptor's parameters within what the provider itself says today.
 *
 * The provider's schema is somebody else's text: it can take values away from what the descriptor
 * allows, and nothing else. A value that would leave nothing is passed over.
 */
#include <math.h>
#include <string.h>

#include "esp-provider-private.h"
#include "esp-template.h"

/* How deep "properties" are looked for: "components/schemas/Input/properties". */
#define MAX_DEPTH 8

/* The wire names of parameters ("num_inference_steps" → "steps") in a template. */
static void
collect_wire_names (JsonNode *node, GHashTable *names)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        collect_wire_names (json_array_get_element (array, i), names);
    }
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;

  json_object_iter_init_ordered (&iter, json_node_get_object (node));
  while (json_object_iter_next_ordered (&iter, &name, &member))
    {
      g_autofree char *only = esp_json_is_text (member)
                                  ? esp_template_dup_only_name (json_node_get_string (member))
                                  : NULL;

      if (only != NULL && g_str_has_prefix (only, "param."))
        g_hash_table_insert (names, g_strdup (name), g_strdup (only + strlen ("param.")));
      else
        collect_wire_names (member, names);
    }
}

static GHashTable *
dup_wire_names (const EspProviderRequest *submit)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  collect_wire_names (submit->json, names);
  collect_wire_names (submit->multipart, names);
  if (submit->form != NULL)
    {
      g_autoptr (JsonNode) form = json_node_init_object (json_node_alloc (), submit->form);

      collect_wire_names (form, names);
    }

  return names;
}

static guint
count_known (JsonObject *properties, GHashTable *names)
{
  g_autoptr (GList) members = json_object_get_members (properties);
  guint n = 0;

  for (GList *member = members; member != NULL; member = member->next)
    if (g_hash_table_contains (names, member->data))
      n++;

  return n;
}

/* The "properties" that has most of our names. */
static void
find_properties (JsonNode *node, GHashTable *names, guint depth, JsonObject **best, guint *most)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  if (depth > MAX_DEPTH || !JSON_NODE_HOLDS_OBJECT (node))
    return;

  json_object_iter_init_ordered (&iter, json_node_get_object (node));
  while (json_object_iter_next_ordered (&iter, &name, &member))
    {
      if (!JSON_NODE_HOLDS_OBJECT (member))
        continue;

      if (g_str_equal (name, "properties"))
        {
          guint known = count_known (json_node_get_object (member), names);

          if (known > *most)
            {
              *most = known;
              *best = json_node_get_object (member);
            }
        }
      find_properties (member, names, depth + 1, best, most);
    }
}

static gboolean
get_bound (JsonObject *property, const char *name, double *bound)
{
  JsonNode *node = json_object_get_member (property, name);

  if (!esp_json_is_number (node))
    return FALSE;

  *bound = json_node_get_double (node);
  return TRUE;
}

static void
clamp_default (EspProviderParam *param)
{
  double value;

  if (!esp_json_is_number (param->fallback))
    return;

  value = json_node_get_double (param->fallback);
  if (value >= param->minimum && value <= param->maximum)
    return;

  value = CLAMP (value, param->minimum, param->maximum);
  json_node_unref (param->fallback);
  param->fallback = g_str_equal (param->type, "int")
                        ? json_node_init_int (json_node_alloc (), (gint64) value)
                        : json_node_init_double (json_node_alloc (), value);
}

static void
tighten_number (EspProviderParam *param, JsonObject *property)
{
  gboolean whole = g_str_equal (param->type, "int");
  double minimum = param->minimum, maximum = param->maximum, bound;

  if (get_bound (property, "minimum", &bound))
    minimum = MAX (minimum, whole ? ceil (bound) : bound);
  if (whole && get_bound (property, "exclusiveMinimum", &bound))
    minimum = MAX (minimum, floor (bound) + 1);
  if (get_bound (property, "maximum", &bound))
    maximum = MIN (maximum, whole ? floor (bound) : bound);
  if (whole && get_bound (property, "exclusiveMaximum", &bound))
    maximum = MIN (maximum, ceil (bound) - 1);

  if (minimum > maximum)
    return;

  param->minimum = minimum;
  param->maximum = maximum;
  clamp_default (param);
}

/* What is sent for a value. */
static JsonNode *
dup_wire_value (EspProviderParam *param, const char *value)
{
  JsonNode *node = param->wire != NULL ? json_object_get_member (param->wire, value) : NULL;

  return node != NULL ? json_node_copy (node) : json_node_init_string (json_node_alloc (), value);
}

static gboolean
is_in (JsonArray *array, JsonNode *value)
{
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (json_node_equal (json_array_get_element (array, i), value))
      return TRUE;

  return FALSE;
}

static void
tighten_values (EspProviderParam *param, JsonObject *property)
{
  JsonNode *node = json_object_get_member (property, "enum");
  g_autoptr (JsonArray) kept = json_array_new ();
  gboolean has_default = FALSE;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return;

  for (guint i = 0; i < json_array_get_length (param->values); i++)
    {
      const char *value = json_array_get_string_element (param->values, i);
      g_autoptr (JsonNode) wire = dup_wire_value (param, value);

      if (!is_in (json_node_get_array (node), wire))
        continue;

      json_array_add_string_element (kept, value);
      has_default
          |= param->fallback != NULL && g_str_equal (json_node_get_string (param->fallback), value);
    }

  if (json_array_get_length (kept) == 0)
    return;

  if (param->fallback != NULL && !has_default)
    {
      json_node_unref (param->fallback);
      param->fallback
          = json_node_init_string (json_node_alloc (), json_array_get_string_element (kept, 0));
    }
  json_array_unref (param->values);
  param->values = g_steal_pointer (&kept);
}

EspProvider *
esp_provider_tighten (EspProvider *self, JsonNode *schema, double price)
{
  g_autoptr (GBytes) text = NULL;
  g_autoptr (GHashTable) names = NULL;
  JsonObject *properties = NULL;
  EspProvider *copy;
  guint most = 0;

  g_return_val_if_fail (ESP_IS_PROVIDER (self), NULL);
  g_return_val_if_fail (self->problem == NULL, g_object_ref (self));

  text = g_bytes_new_static (self->text, strlen (self->text));
  copy = esp_provider_new (text, self->id, self->own, NULL);
  g_return_val_if_fail (copy != NULL, g_object_ref (self)); /* it was read before */
  copy->path = g_strdup (self->path);

  if (price >= 0 && isfinite (price) && price < 10000)
    {
      copy->descriptor.price_amount = price;
      if (copy->descriptor.price_unit == NULL)
        copy->descriptor.price_unit = g_strdup ("image");
      if (copy->descriptor.price_currency == NULL)
        copy->descriptor.price_currency = g_strdup ("USD");
    }

  names = dup_wire_names (copy->descriptor.submit);
  if (schema != NULL)
    find_properties (schema, names, 0, &properties, &most);
  if (properties == NULL)
    return copy;

  for (guint i = 0; i < copy->descriptor.params->len; i++)
    {
      EspProviderParam *param = g_ptr_array_index (copy->descriptor.params, i);
      GHashTableIter iter;
      gpointer wire, id;

      g_hash_table_iter_init (&iter, names);
      while (g_hash_table_iter_next (&iter, &wire, &id))
        {
          JsonNode *property = json_object_get_member (properties, wire);

          if (!g_str_equal (id, param->id) || property == NULL
              || !JSON_NODE_HOLDS_OBJECT (property))
            continue;
          if (param->values != NULL)
            tighten_values (param, json_node_get_object (property));
          else if (g_str_equal (param->type, "int") || g_str_equal (param->type, "float"))
            tighten_number (param, json_node_get_object (property));
        }
    }

  return copy;
}
