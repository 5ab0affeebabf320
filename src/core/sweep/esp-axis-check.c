/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-check.c: which models are meant, and what their parameters take. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-axis-private.h"

#include "esp-parameter-names.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* So many choices are told one by one. */
#define MAX_CHOICES 12

/* --- Values ----------------------------------------------------------------------------------- */

static char *
dup_number (double number)
{
  g_autoptr (JsonNode) node = json_node_init_double (json_node_alloc (), number);

  return _esp_axis_dup_value_text (node);
}

static char *
dup_choices (const EspParameter *parameter)
{
  GString *text = g_string_new (NULL);
  const guint n = json_array_get_length (parameter->choices);

  for (guint i = 0; i < MIN (n, MAX_CHOICES); i++)
    {
      g_autofree char *choice
          = _esp_axis_dup_value_text (json_array_get_element (parameter->choices, i));

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", choice);
    }
  if (n > MAX_CHOICES)
    g_string_append (text, ", …");
  return g_string_free (text, FALSE);
}

static char *
dup_number_complaint (const EspParameter *parameter, const char *title, const char *text,
                      double number)
{
  g_autofree char *minimum = dup_number (parameter->minimum);
  g_autofree char *maximum = dup_number (parameter->maximum);
  g_autofree char *multiple = dup_number (parameter->multiple_of);

  /* Translators: name and value of a parameter, and what is possible: "Steps 50: at most 40" */
  if (number > parameter->maximum)
    return g_strdup_printf (_ ("%s %s: at most %s"), title, text, maximum);
  if (number < parameter->minimum)
    return g_strdup_printf (_ ("%s %s: at least %s"), title, text, minimum);
  return g_strdup_printf (_ ("%s %s: only multiples of %s"), title, text, multiple);
}

/* Of an image size that is not possible, the side that is to blame. */
static double
find_wrong_side (const EspParameter *parameter, const int sides[2])
{
  const gboolean is_possible
      = sides[0] >= parameter->minimum && sides[0] <= parameter->maximum
        && (parameter->multiple_of <= 0 || fmod (sides[0], parameter->multiple_of) == 0);

  return sides[is_possible ? 1 : 0];
}

char *
_esp_parameter_dup_complaint (const EspParameter *parameter, JsonNode *value)
{
  const char *title = esp_parameter_get_label (parameter);
  g_autofree char *text = _esp_axis_dup_value_text (value);
  g_autofree char *choices = NULL;
  g_autoptr (GError) error = NULL;
  int sides[2];

  if (esp_parameter_check (parameter, value, &error))
    return NULL;
  if (g_error_matches (error, ESP_SCHEMA_ERROR, ESP_SCHEMA_ERROR_TYPE))
    switch (parameter->type)
      {
      case ESP_PARAMETER_INTEGER:
        return g_strdup_printf (_ ("%s: “%s” is no whole number"), title, text);
      case ESP_PARAMETER_NUMBER:
        return g_strdup_printf (_ ("%s: “%s” is no number"), title, text);
      case ESP_PARAMETER_BOOLEAN:
        return g_strdup_printf (_ ("%s: “%s” is neither on nor off"), title, text);
      case ESP_PARAMETER_STRING:
      default:
        break;
      }
  if (parameter->choices != NULL)
    {
      choices = dup_choices (parameter);
      return g_strdup_printf (_ ("%s “%s”: only %s"), title, text, choices);
    }
  if (parameter->type == ESP_PARAMETER_INTEGER || parameter->type == ESP_PARAMETER_NUMBER)
    return dup_number_complaint (parameter, title, text, json_node_get_double (value));
  if (esp_parameter_is_size (parameter) && esp_size_parse (text, sides))
    return dup_number_complaint (parameter, title, text, find_wrong_side (parameter, sides));
  return g_strdup_printf (_ ("%s “%s” is not possible"), title, text);
}

/* --- Models ----------------------------------------------------------------------------------- */

static EspModel *
find_first_model (EspBackend *backend)
{
  GListModel *models = esp_backend_get_models (backend);
  EspModel *first = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      if (esp_model_get_state (model) == ESP_MODEL_READY)
        return model; /* the list has it */
      if (first == NULL)
        first = model;
    }
  return first;
}

static gboolean
is_called (EspModel *model, const char *text)
{
  g_autofree char *name = g_utf8_casefold (esp_model_get_name (model), -1);
  g_autofree char *wanted = g_utf8_casefold (text, -1);

  return strcmp (esp_model_get_id (model), text) == 0 || strcmp (name, wanted) == 0;
}

EspModel *
_esp_registry_resolve_model (EspRegistry *registry, const char *text)
{
  const char *slash = strchr (text, '/');
  EspBackend *backend = esp_registry_find_backend (registry, text);
  GListModel *models = esp_registry_get_models (registry);
  EspModel *found = NULL;

  if (backend != NULL)
    return find_first_model (backend);
  if (slash != NULL)
    {
      g_autofree char *id = g_strndup (text, (gsize) (slash - text));

      found = esp_registry_find_model (registry, id, slash + 1);
      if (found != NULL)
        return found;
    }
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      if (!is_called (model, text))
        continue;
      if (found != NULL)
        return NULL;
      found = model;
    }
  return found;
}

GPtrArray *
_esp_axis_context_dup_models (const EspAxisContext *context)
{
  GPtrArray *models = g_ptr_array_new_with_free_func (g_object_unref);
  GListModel *all;

  if (context == NULL || context->registry == NULL)
    return models;
  all = esp_registry_get_models (context->registry);
  for (guint i = 0; context->models == NULL && i < g_list_model_get_n_items (all); i++)
    g_ptr_array_add (models, g_list_model_get_item (all, i));
  for (guint i = 0; context->models != NULL && context->models[i] != NULL; i++)
    {
      EspModel *model = _esp_registry_resolve_model (context->registry, context->models[i]);

      if (model != NULL && !g_ptr_array_find (models, model, NULL))
        g_ptr_array_add (models, g_object_ref (model));
    }
  return models;
}
