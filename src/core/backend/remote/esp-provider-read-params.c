/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-read-params.c: the parameters and settings of a descriptor. */
#include <math.h>
#include <string.h>

#include "esp-provider-private.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

static const char *const types[] = { "string", "int", "float", "bool", "enum", "json", NULL };
static const char *const param_types[] = { "string", "int", "float", "bool", "enum", NULL };

/* What everything else relies on: seeds are numbers, switches are switches. */
static const struct
{
  const char *id, *types;
} canonical[] = {
  { "prompt", "string" },    { "negative", "string" }, { "seed", "int" },
  { "steps", "int" },        { "guidance", "float" },  { "aspect", "enum" },
  { "size", "enum string" }, { "count", "int" },       { "format", "enum" },
  { "quality", "int enum" }, { "safety", "bool" },     { "tolerance", "int enum" },
  { "enhance", "bool" },
};

static gboolean
is_number_type (EspProviderParam *param)
{
  return g_str_equal (param->type, "int") || g_str_equal (param->type, "float");
}

static void
check_canonical (EspMembers *members, EspProviderParam *param)
{
  for (guint i = 0; i < G_N_ELEMENTS (canonical); i++)
    {
      g_auto (GStrv) allowed = NULL;

      if (!g_str_equal (canonical[i].id, param->id))
        continue;

      allowed = g_strsplit (canonical[i].types, " ", -1);
      if (!g_strv_contains ((const char *const *) allowed, param->type))
        {
          g_autofree char *words = g_strjoinv (" or ", allowed);

          esp_members_fail (members, "type", "“%s” is always of type %s", param->id, words);
        }
      return;
    }
}

static gboolean
array_has_text (JsonArray *array, const char *text)
{
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    if (g_strcmp0 (json_array_get_string_element (array, i), text) == 0)
      return TRUE;

  return FALSE;
}

static void
read_values (EspMembers *members, EspProviderParam *param)
{
  JsonArray *array = esp_members_get_array (members, "values");
  g_autofree char *path = esp_members_dup_path (members, "values");

  if (!g_str_equal (param->type, "enum"))
    {
      if (array != NULL)
        esp_members_fail (members, "values", "only an enum has values");
      return;
    }

  if (array == NULL || json_array_get_length (array) == 0)
    {
      esp_reader_fail (members->reader, members->path, "an enum needs “values”");
      return;
    }

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *at = esp_reader_dup_element_path (path, i);
      const char *text;

      if (!esp_json_is_text (json_array_get_element (array, i)))
        {
          esp_reader_fail (members->reader, at, "a text was expected");
          return;
        }

      text = json_array_get_string_element (array, i);
      for (guint j = 0; j < i; j++)
        if (g_strcmp0 (json_array_get_string_element (array, j), text) == 0)
          esp_reader_fail (members->reader, at, "“%s” is there twice", text);
    }

  param->values = json_array_ref (array);
}

/* The bounds. Whole numbers have whole bounds. */
static void
read_bounds (EspMembers *members, EspProviderParam *param)
{
  static const char *const names[] = { "min", "max", "step" };

  param->minimum = esp_members_get_number (members, "min", -1e18, 1e18, -HUGE_VAL);
  param->maximum = esp_members_get_number (members, "max", -1e18, 1e18, HUGE_VAL);
  param->step = esp_members_get_number (members, "step", 0, 1e18, 0);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      JsonNode *node = esp_members_get (members, names[i]);

      if (node == NULL)
        continue;
      if (!is_number_type (param))
        esp_members_fail (members, names[i], "only numbers have this");
      else if (g_str_equal (param->type, "int") && !esp_json_is_int (node))
        esp_members_fail (members, names[i], "a whole number was expected");
    }

  if (param->minimum > param->maximum)
    esp_members_fail (members, "max", "it is below the minimum");
}

static void
check_number (EspMembers *members, EspProviderParam *param, JsonNode *node)
{
  g_autofree char *value = esp_json_dup_plain (node);
  char bound[G_ASCII_DTOSTR_BUF_SIZE];
  double number = json_node_get_double (node);

  if (number < param->minimum)
    esp_members_fail (members, "default", "%s is below the minimum of %s", value,
                      g_ascii_formatd (bound, sizeof bound, "%.10g", param->minimum));
  else if (number > param->maximum)
    esp_members_fail (members, "default", "%s is above the maximum of %s", value,
                      g_ascii_formatd (bound, sizeof bound, "%.10g", param->maximum));
}

/* "auto", "match" or "1024x768"; what EspSchema calls an image size. */
static gboolean
is_size (const char *text)
{
  return g_str_equal (text, "auto") || g_str_equal (text, "match")
         || g_regex_match_simple ("^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$", text, G_REGEX_DOLLAR_ENDONLY,
                                  0);
}

static void
read_default (EspMembers *members, EspProviderParam *param)
{
  JsonNode *node = esp_members_get (members, "default");
  const char *type = param->type;

  if (node == NULL)
    return;

  if (g_str_equal (type, "int") && esp_json_is_text (node)
      && g_str_equal (json_node_get_string (node), "random"))
    {
      param->random = TRUE;
      return;
    }

  if ((g_str_equal (type, "string") || g_str_equal (type, "enum")) && !esp_json_is_text (node))
    esp_members_fail (members, "default", "a text was expected");
  else if (g_str_equal (type, "int") && !esp_json_is_int (node))
    esp_members_fail (members, "default", "a whole number was expected");
  else if (g_str_equal (type, "float") && !esp_json_is_number (node))
    esp_members_fail (members, "default", "a number was expected");
  else if (g_str_equal (type, "bool") && !esp_json_is_bool (node))
    esp_members_fail (members, "default", "true or false was expected");
  else if (g_str_equal (type, "json") && JSON_NODE_HOLDS_VALUE (node))
    esp_members_fail (members, "default", "an object or a list was expected");
  else if (g_str_equal (type, "enum") && param->values != NULL
           && !array_has_text (param->values, json_node_get_string (node)))
    esp_members_fail (members, "default", "“%s” is not among the values",
                      json_node_get_string (node));
  else if (is_number_type (param))
    check_number (members, param, node);
  else if (g_str_equal (param->id, "size") && g_str_equal (type, "string")
           && !is_size (json_node_get_string (node)))
    esp_members_fail (members, "default", "“auto” or a size like “1024x768” was expected");

  param->fallback = json_node_ref (node);
}

static void
read_wire (EspMembers *members, EspProviderParam *param)
{
  JsonObject *wire = esp_members_get_object (members, "wire");
  g_autofree char *path = esp_members_dup_path (members, "wire");
  g_autoptr (GList) names = NULL;

  if (wire == NULL)
    return;

  if (!g_str_equal (param->type, "enum") && !g_str_equal (param->type, "bool"))
    {
      esp_members_fail (members, "wire", "only an enum or a bool has this");
      return;
    }

  names = json_object_get_members (wire);
  for (GList *name = names; name != NULL; name = name->next)
    {
      JsonNode *value = json_object_get_member (wire, name->data);
      g_autofree char *at = g_strconcat (path, "/", name->data, NULL);

      if (g_str_equal (param->type, "bool")
              ? !g_str_equal (name->data, "true") && !g_str_equal (name->data, "false")
              : !array_has_text (param->values, name->data))
        esp_reader_fail (members->reader, at, "“%s” is not among the values",
                         (const char *) name->data);
      if (!JSON_NODE_HOLDS_VALUE (value) && !JSON_NODE_HOLDS_NULL (value))
        esp_reader_fail (members->reader, at, "a text, number, true or false was expected");
    }

  param->wire = json_object_ref (wire);
}

/* "a", or a list of which one will do. */
static char **
dup_alternatives (EspMembers *members, JsonNode *node)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint n = array != NULL ? json_array_get_length (array) : 1;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *one = array != NULL ? json_array_get_element (array, i) : node;

      if (esp_json_is_text (one))
        g_ptr_array_add (names, g_strdup (json_node_get_string (one)));
      else
        esp_members_fail (members, "placeholders", "names like “param.prompt” were expected");
    }
  if (names->len == 0)
    esp_members_fail (members, "placeholders", "a list is empty");

  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* What a value that is JSON must be like. */
static void
read_form (EspMembers *members, EspProviderParam *param)
{
  JsonArray *array = esp_members_get_array (members, "placeholders");

  param->elements_have = esp_members_dup_pointers (members, "elements_have");
  if (array != NULL)
    param->placeholders = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    g_ptr_array_add (param->placeholders,
                     dup_alternatives (members, json_array_get_element (array, i)));

  if ((param->elements_have != NULL || param->placeholders != NULL)
      && !g_str_equal (param->type, "json"))
    esp_reader_fail (members->reader, members->path,
                     "“placeholders” and “elements_have” are for the type “json”");
}

static EspProviderParam *
read_param (EspMembers *members, gboolean is_config)
{
  static const char *const as[] = { "string", NULL };
  const char *const *choices = is_config ? types : param_types;
  EspProviderParam *param = g_new0 (EspProviderParam, 1);
  const char *id = esp_members_get_required_text (members, "id");

  param->id = g_strdup (id != NULL ? id : "");
  if (id != NULL
      && (!g_ascii_islower (id[0]) || id[strspn (id, NAME_CHARACTERS)] != '\0' || strlen (id) > 40))
    esp_members_fail (members, "id", "“%s” is not made of lower-case letters, digits and “_”", id);

  if (id != NULL && !is_config && g_str_equal (id, "negative_prompt"))
    esp_members_fail (members, "id", "this is called “negative”");

  param->type = g_strdup (choices[esp_members_get_choice (members, "type", choices, -1)]);
  param->label = g_strdup (esp_members_get_text (members, "label"));
  param->description = g_strdup (esp_members_get_text (members, "description"));
  param->required = esp_members_get_bool (members, "required", FALSE);
  param->advanced = esp_members_get_bool (members, "advanced", FALSE);

  if (!is_config)
    check_canonical (members, param);
  read_values (members, param);
  read_bounds (members, param);
  read_default (members, param);
  if (!is_config)
    {
      read_wire (members, param);
      param->as_string = esp_members_get (members, "as") != NULL
                         && esp_members_get_choice (members, "as", as, -1) == 0;
    }
  else
    read_form (members, param);
  if (param->random && is_config)
    esp_members_fail (members, "default", "a setting is never drawn");

  return param;
}

GPtrArray *
_esp_provider_read_params (EspMembers *members, const char *name, gboolean is_config)
{
  GPtrArray *params = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_provider_param_free);
  g_autofree char *path = esp_members_dup_path (members, name);
  JsonArray *array = esp_members_get_array (members, name);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      g_autofree char *at = esp_reader_dup_element_path (path, i);
      g_autoptr (EspMembers) one
          = esp_members_open (members->reader, json_array_get_element (array, i), at);
      EspProviderParam *param = read_param (one, is_config);

      for (guint j = 0; j < params->len; j++)
        if (g_str_equal (((EspProviderParam *) g_ptr_array_index (params, j))->id, param->id))
          esp_members_fail (one, "id", "“%s” is there twice", param->id);

      g_ptr_array_add (params, param);
    }

  return params;
}
