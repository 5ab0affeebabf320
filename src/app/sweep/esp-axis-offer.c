/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-offer.c: see esp-axis-offer.h. */
#include "esp-axis-offer.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-model-text.h"
#include "esp-parameter-names.h"

EspAxisEditorKind
esp_axis_choice_get_editor (const EspAxisChoice *choice)
{
  switch (choice->kind)
    {
    case ESP_AXIS_SEED:
      return ESP_AXIS_EDITOR_SEEDS;
    case ESP_AXIS_INSTRUCTION:
    case ESP_AXIS_NEGATIVE:
      return ESP_AXIS_EDITOR_LINES;
    case ESP_AXIS_REPLACE:
      return ESP_AXIS_EDITOR_REPLACE;
    case ESP_AXIS_MODEL:
    case ESP_AXIS_PRESET:
    case ESP_AXIS_NODE:
      return ESP_AXIS_EDITOR_CHECKS;
    case ESP_AXIS_PARAMETER:
    case ESP_AXIS_ALTERNATIVES:
    default:
      return choice->parameter != NULL
                     && (choice->parameter->choices != NULL
                         || choice->parameter->type == ESP_PARAMETER_BOOLEAN)
                 ? ESP_AXIS_EDITOR_CHECKS
                 : ESP_AXIS_EDITOR_WORDS;
    }
}

/* Only what turns can be made with. */
static void
add_models (GPtrArray *options, EspRegistry *registry)
{
  GListModel *models = esp_registry_get_models (registry);

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);
      EspBackend *backend = esp_model_get_backend (model);
      const EspModelState state = esp_model_get_state (model);
      g_autofree char *title = esp_model_dup_title (model);
      g_autofree char *text = NULL;

      if (backend == NULL || (state != ESP_MODEL_READY && state != ESP_MODEL_STARTING))
        continue;
      text = g_strdup_printf ("%s/%s", esp_backend_get_id (backend), esp_model_get_id (model));
      g_ptr_array_add (options, esp_axis_option_new (text, title));
    }
}

static void
add_presets (GPtrArray *options, JsonObject *presets)
{
  g_autoptr (GList) names = json_object_get_members (presets);

  for (const GList *l = names; l != NULL; l = l->next)
    g_ptr_array_add (options, esp_axis_option_new (l->data, l->data));
}

static void
add_nodes (GPtrArray *options, GPtrArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      g_autofree char *id
          = g_strdup_printf ("%" G_GINT64_FORMAT, esp_node_get_id (nodes->pdata[i]));
      g_autofree char *title = esp_node_dup_title (nodes->pdata[i]);

      g_ptr_array_add (options, esp_axis_option_new (id, title));
    }
}

static void
add_values (GPtrArray *options, const EspParameter *parameter)
{
  if (parameter->choices == NULL)
    {
      g_ptr_array_add (options, esp_axis_option_new ("off", _ ("Off")));
      g_ptr_array_add (options, esp_axis_option_new ("on", _ ("On")));
      return;
    }
  for (guint i = 0; i < json_array_get_length (parameter->choices); i++)
    {
      JsonNode *choice = json_array_get_element (parameter->choices, i);
      const char *text = json_node_get_string (choice);
      g_autofree char *number = text == NULL ? json_to_string (choice, FALSE) : NULL;

      g_ptr_array_add (options, esp_axis_option_new (
                                    text != NULL ? text : number,
                                    text != NULL ? esp_parameter_get_choice_label (text) : number));
    }
}

GPtrArray *
esp_axis_choice_dup_options (const EspAxisChoice *choice, const EspAxisOffer *offer)
{
  GPtrArray *options = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_option_free);

  if (esp_axis_choice_get_editor (choice) != ESP_AXIS_EDITOR_CHECKS)
    return options;
  if (choice->kind == ESP_AXIS_MODEL && offer->axes.registry != NULL)
    add_models (options, offer->axes.registry);
  else if (choice->kind == ESP_AXIS_PRESET && offer->axes.presets != NULL)
    add_presets (options, offer->axes.presets);
  else if (choice->kind == ESP_AXIS_NODE && offer->nodes != NULL)
    add_nodes (options, offer->nodes);
  else if (choice->parameter != NULL)
    add_values (options, choice->parameter);
  return options;
}

static char *
dup_nodes (const EspAxisOffer *offer)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; offer->nodes != NULL && i < MIN (offer->nodes->len, offer->n_chosen); i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "",
                            esp_node_get_id (offer->nodes->pdata[i]));
  return g_string_free (text, FALSE);
}

char *
esp_axis_choice_dup_example (const EspAxisChoice *choice, const EspAxisOffer *offer)
{
  switch (choice->kind)
    {
    case ESP_AXIS_INSTRUCTION:
      return g_strdup (offer->axes.instruction != NULL ? offer->axes.instruction : "");
    case ESP_AXIS_NODE:
      return dup_nodes (offer);
    case ESP_AXIS_SEED:
      return g_strdup_printf ("%" G_GUINT64_FORMAT "..%" G_GUINT64_FORMAT, offer->axes.seed,
                              offer->axes.seed + 3);
    case ESP_AXIS_MODEL:
      /* The one that is chosen anyway; the others may cost money. */
      return g_strdup (
          offer->axes.models != NULL && offer->axes.models[0] != NULL ? offer->axes.models[0] : "");
    case ESP_AXIS_REPLACE:
      /* A word of the instruction; what takes its place is the person's to say. */
      return g_strndup (choice->example, strcspn (choice->example, "|"));
    default:
      return g_strdup (choice->example != NULL ? choice->example : "");
    }
}
