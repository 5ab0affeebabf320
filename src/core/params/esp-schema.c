/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-schema.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "esp-loras.h"
#include "esp-parameter-names.h"

struct _EspSchema
{
  GPtrArray *parameters; /* of EspParameter, in the schema's order */
};

G_DEFINE_QUARK (esp - schema - error - quark, esp_schema_error)

static const char *const type_names[] = { "string", "integer", "number", "boolean", "array" };

static void
parameter_free (EspParameter *parameter)
{
  g_free (parameter->name);
  g_free (parameter->format);
  g_free (parameter->title);
  g_free (parameter->description);
  g_free (parameter->widget);
  g_clear_pointer (&parameter->choices, json_array_unref);
  g_clear_pointer (&parameter->fallback, json_node_unref);
  g_free (parameter);
}

static gboolean
is_string (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

static gboolean
is_number (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node)
         && (json_node_get_value_type (node) == G_TYPE_INT64
             || json_node_get_value_type (node) == G_TYPE_DOUBLE);
}

gboolean
esp_size_parse (const char *text, int sides[2])
{
  g_return_val_if_fail (text != NULL && sides != NULL, FALSE);

  for (int side = 0; side < 2; side++)
    {
      gsize digits = strspn (text, "0123456789");

      if (digits < 1 || digits > 5 || text[0] == '0' || text[digits] != (side == 0 ? 'x' : '\0'))
        return FALSE;
      sides[side] = (int) g_ascii_strtoll (text, NULL, 10);
      text += digits + 1;
    }

  return TRUE;
}

static gboolean
has_type (const EspParameter *parameter, JsonNode *value)
{
  switch (parameter->type)
    {
    case ESP_PARAMETER_STRING:
      return is_string (value);

    case ESP_PARAMETER_NUMBER:
      return is_number (value) && isfinite (json_node_get_double (value));

    case ESP_PARAMETER_INTEGER:
      return is_number (value) && json_node_get_value_type (value) == G_TYPE_INT64;

    case ESP_PARAMETER_LORAS:
      return JSON_NODE_HOLDS_ARRAY (value);

    case ESP_PARAMETER_BOOLEAN:
    default:
      return JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_BOOLEAN;
    }
}

static gboolean
check_number (const EspParameter *parameter, double number, GError **error)
{
  if (number < parameter->minimum || number > parameter->maximum)
    {
      g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_RANGE,
                   "%s: %.10g is out of range; allowed is %.10g to %.10g", parameter->name, number,
                   parameter->minimum, parameter->maximum);
      return FALSE;
    }

  if (parameter->multiple_of > 0)
    {
      double times = number / parameter->multiple_of;

      /* Steps like 0.1 are not exact in binary. */
      if (fabs (times - round (times)) > 1e-9 * MAX (1, fabs (times)))
        {
          g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_RANGE,
                       "%s: %.10g is no multiple of %.10g", parameter->name, number,
                       parameter->multiple_of);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
check_choice (const EspParameter *parameter, JsonNode *value, GError **error)
{
  g_autofree char *text = NULL;

  for (guint i = 0; i < json_array_get_length (parameter->choices); i++)
    {
      if (json_node_equal (json_array_get_element (parameter->choices, i), value))
        return TRUE;
    }

  text = json_to_string (value, FALSE);
  g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_RANGE, "%s: %s is not one of the choices",
               parameter->name, text);
  return FALSE;
}

static gboolean
check_loras (const EspParameter *parameter, JsonNode *value, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (esp_loras_check (value, parameter->minimum, parameter->maximum, &reason))
    return TRUE;
  g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_RANGE, "%s: %s", parameter->name,
               reason->message);
  return FALSE;
}

gboolean
esp_parameter_check (const EspParameter *parameter, JsonNode *value, GError **error)
{
  g_return_val_if_fail (parameter != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (!has_type (parameter, value))
    {
      g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_TYPE,
                   "%s: expected a value of type %s", parameter->name, type_names[parameter->type]);
      return FALSE;
    }

  if ((parameter->type == ESP_PARAMETER_INTEGER || parameter->type == ESP_PARAMETER_NUMBER)
      && !check_number (parameter, json_node_get_double (value), error))
    return FALSE;

  if (parameter->type == ESP_PARAMETER_LORAS)
    return check_loras (parameter, value, error);

  if (esp_parameter_is_size (parameter))
    {
      const char *text = json_node_get_string (value);
      int sides[2];

      if (g_str_equal (text, "auto") || g_str_equal (text, "match"))
        return TRUE;
      if (esp_size_parse (text, sides))
        return check_number (parameter, sides[0], error)
               && check_number (parameter, sides[1], error);

      g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_RANGE,
                   "%s: “%s” is neither auto nor match nor WIDTHxHEIGHT", parameter->name, text);
      return FALSE;
    }

  return parameter->choices == NULL || check_choice (parameter, value, error);
}

static JsonNode *
parse_typed (const EspParameter *parameter, const char *text)
{
  char *end = NULL;
  gint64 integer;
  double number;

  switch (parameter->type)
    {
    case ESP_PARAMETER_STRING:
      return json_node_init_string (json_node_alloc (), text);

    case ESP_PARAMETER_INTEGER:
      errno = 0;
      integer = g_ascii_strtoll (text, &end, 10);
      if (end == text || *end != '\0' || errno != 0 || g_ascii_isspace (text[0]))
        return NULL;
      return json_node_init_int (json_node_alloc (), integer);

    case ESP_PARAMETER_NUMBER:
      number = g_ascii_strtod (text, &end);
      /* Nor does it take “0x1p3”, which is a number to C only. */
      if (end == text || *end != '\0' || !isfinite (number) || g_ascii_isspace (text[0])
          || strpbrk (text, "xX") != NULL)
        return NULL;
      return json_node_init_double (json_node_alloc (), number);

    case ESP_PARAMETER_LORAS:
      return esp_loras_parse (text);

    case ESP_PARAMETER_BOOLEAN:
    default:
      if (!g_str_equal (text, "true") && !g_str_equal (text, "false"))
        return NULL;
      return json_node_init_boolean (json_node_alloc (), text[0] == 't');
    }
}

JsonNode *
esp_parameter_parse (const EspParameter *parameter, const char *text, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (parameter != NULL, NULL);
  g_return_val_if_fail (text != NULL, NULL);

  node = parse_typed (parameter, text);
  if (node == NULL)
    {
      g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_TYPE, "%s: “%s” is no %s",
                   parameter->name, text, type_names[parameter->type]);
      return NULL;
    }

  return esp_parameter_check (parameter, node, error) ? g_steal_pointer (&node) : NULL;
}

static gboolean
invalid (GError **error, const char *name, const char *what)
{
  g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_INVALID_SCHEMA, "parameter %s: %s", name,
               what);
  return FALSE;
}

static gboolean
read_string (JsonObject *object, const char *name, const char *key, char **text, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);

  if (node == NULL)
    return TRUE;
  if (!is_string (node))
    return invalid (error, name, "a text is no string");

  *text = json_node_dup_string (node);
  return TRUE;
}

static gboolean
read_number (JsonObject *object, const char *name, const char *key, double *number, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);

  if (node == NULL)
    return TRUE;
  if (!is_number (node) || !isfinite (json_node_get_double (node)))
    return invalid (error, name, "a bound is no number");

  *number = json_node_get_double (node);
  return TRUE;
}

static gboolean
read_type (JsonObject *object, EspParameter *parameter, GError **error)
{
  JsonNode *node = json_object_get_member (object, "type");

  for (gsize i = 0; node != NULL && is_string (node) && i < G_N_ELEMENTS (type_names); i++)
    {
      if (g_str_equal (json_node_get_string (node), type_names[i]))
        {
          parameter->type = (EspParameterType) i;
          return TRUE;
        }
    }

  return invalid (error, parameter->name,
                  "the type is none of string, integer, number, boolean and array of loras");
}

static gboolean
read_choices (JsonObject *object, EspParameter *parameter, GError **error)
{
  JsonNode *node = json_object_get_member (object, "enum");

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node) || json_array_get_length (json_node_get_array (node)) == 0)
    return invalid (error, parameter->name, "the enum is no array of values");

  for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++)
    {
      if (!has_type (parameter, json_array_get_element (json_node_get_array (node), i)))
        return invalid (error, parameter->name, "a choice is of another type");
    }

  parameter->choices = json_array_ref (json_node_get_array (node));
  return TRUE;
}

static gboolean
read_default (JsonObject *object, EspParameter *parameter, GError **error)
{
  JsonNode *node = json_object_get_member (object, "default");

  if (node == NULL)
    return TRUE;
  if (!esp_parameter_check (parameter, node, NULL))
    return invalid (error, parameter->name, "the default is not allowed");

  parameter->fallback = json_node_copy (node);
  return TRUE;
}

static gboolean
read_parameter (JsonNode *node, EspParameter *parameter, GError **error)
{
  const char *name = parameter->name;
  JsonObject *object;

  if (name[0] == '\0')
    return invalid (error, "“”", "has no name");
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return invalid (error, name, "is no object");

  object = json_node_get_object (node);
  if (!read_type (object, parameter, error)
      || !read_number (object, name, "minimum", &parameter->minimum, error)
      || !read_number (object, name, "maximum", &parameter->maximum, error)
      || !read_number (object, name, "multipleOf", &parameter->multiple_of, error)
      || !read_string (object, name, "format", &parameter->format, error)
      || !read_string (object, name, "title", &parameter->title, error)
      || !read_string (object, name, "description", &parameter->description, error)
      || !read_string (object, name, "widget", &parameter->widget, error)
      || !read_choices (object, parameter, error))
    return FALSE;

  parameter->advanced = json_object_get_boolean_member_with_default (object, "advanced", FALSE);
  if ((parameter->type == ESP_PARAMETER_LORAS) != (g_strcmp0 (parameter->format, "loras") == 0))
    return invalid (error, name, "an array is no list of loras");
  if (parameter->minimum > parameter->maximum || parameter->multiple_of < 0)
    return invalid (error, name, "the bounds allow no value");

  return read_default (object, parameter, error);
}

static EspParameter *
parameter_new (const char *name, JsonNode *node, GError **error)
{
  EspParameter *parameter = g_new0 (EspParameter, 1);

  parameter->name = g_strdup (name);
  parameter->minimum = -HUGE_VAL;
  parameter->maximum = HUGE_VAL;
  if (read_parameter (node, parameter, error))
    return parameter;

  parameter_free (parameter);
  return NULL;
}

static gboolean
read_required (EspSchema *self, JsonObject *object, GError **error)
{
  JsonNode *node = json_object_get_member (object, "required");

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return invalid (error, "(required)", "is no array");

  for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++)
    {
      JsonNode *name = json_array_get_element (json_node_get_array (node), i);
      EspParameter *parameter
          = is_string (name) ? (EspParameter *) esp_schema_find (self, json_node_get_string (name))
                             : NULL;

      if (parameter == NULL)
        return invalid (error, "(required)", "names no parameter");
      parameter->required = TRUE;
    }

  return TRUE;
}

static gboolean
read_parameters (EspSchema *self, JsonObject *properties, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, properties);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      EspParameter *parameter = parameter_new (name, value, error);

      if (parameter == NULL)
        return FALSE;
      g_ptr_array_add (self->parameters, parameter);
    }

  return TRUE;
}

EspSchema *
esp_schema_new (JsonNode *node, GError **error)
{
  JsonNode *properties = NULL;
  EspSchema *self;

  g_return_val_if_fail (node != NULL, NULL);

  if (JSON_NODE_HOLDS_OBJECT (node))
    properties = json_object_get_member (json_node_get_object (node), "properties");
  if (properties == NULL || !JSON_NODE_HOLDS_OBJECT (properties))
    {
      g_set_error_literal (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_INVALID_SCHEMA,
                           "the parameter schema has no properties");
      return NULL;
    }

  self = g_new0 (EspSchema, 1);
  self->parameters = g_ptr_array_new_with_free_func ((GDestroyNotify) parameter_free);
  if (read_parameters (self, json_node_get_object (properties), error)
      && read_required (self, json_node_get_object (node), error))
    return self;

  esp_schema_free (self);
  return NULL;
}

void
esp_schema_free (EspSchema *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->parameters);
  g_free (self);
}

guint
esp_schema_get_n_parameters (EspSchema *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->parameters->len;
}

const EspParameter *
esp_schema_get_parameter (EspSchema *self, guint index)
{
  g_return_val_if_fail (self != NULL && index < self->parameters->len, NULL);

  return g_ptr_array_index (self->parameters, index);
}

const EspParameter *
esp_schema_find (EspSchema *self, const char *name)
{
  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < self->parameters->len; i++)
    {
      const EspParameter *parameter = g_ptr_array_index (self->parameters, i);

      if (g_str_equal (parameter->name, name))
        return parameter;
    }

  return NULL;
}

gboolean
esp_schema_check (EspSchema *self, JsonObject *values, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  g_return_val_if_fail (self != NULL && values != NULL, FALSE);

  json_object_iter_init (&iter, values);
  while (json_object_iter_next (&iter, &name, &value))
    {
      const EspParameter *parameter = esp_schema_find (self, name);

      if (parameter == NULL)
        {
          g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_UNKNOWN,
                       "%s: there is no such parameter", name);
          return FALSE;
        }
      if (!esp_parameter_check (parameter, value, error))
        return FALSE;
    }

  for (guint i = 0; i < self->parameters->len; i++)
    {
      const EspParameter *parameter = g_ptr_array_index (self->parameters, i);

      if (parameter->required && !json_object_has_member (values, parameter->name))
        {
          g_set_error (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_MISSING, "%s: a value is needed",
                       parameter->name);
          return FALSE;
        }
    }

  return TRUE;
}

JsonObject *
esp_schema_dup_defaults (EspSchema *self)
{
  JsonObject *defaults = json_object_new ();

  g_return_val_if_fail (self != NULL, defaults);

  for (guint i = 0; i < self->parameters->len; i++)
    {
      const EspParameter *parameter = g_ptr_array_index (self->parameters, i);

      if (parameter->fallback != NULL)
        json_object_set_member (defaults, parameter->name, json_node_copy (parameter->fallback));
    }

  return defaults;
}
