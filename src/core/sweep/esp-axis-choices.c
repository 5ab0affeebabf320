/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-choices.c: what can be an axis, with values that make sense to begin with. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-axis-private.h"

#include "esp-loras.h"
#include "esp-parameter-names.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define MAX_EXAMPLES 4

void
esp_axis_choice_free (EspAxisChoice *choice)
{
  if (choice == NULL)
    return;
  g_free (choice->name);
  g_free (choice->title);
  g_free (choice->example);
  g_free (choice);
}

static void
add (GPtrArray *choices, EspAxisKind kind, const char *name, const char *title,
     const EspParameter *parameter, char *example)
{
  EspAxisChoice *choice = g_new0 (EspAxisChoice, 1);

  choice->kind = kind;
  choice->name = g_strdup (name);
  choice->title = g_strdup (title);
  choice->parameter = parameter;
  choice->example = example;
  g_ptr_array_add (choices, choice);
}

/* --- Examples --------------------------------------------------------------------------------- */

static char *
dup_choices_example (const EspParameter *parameter)
{
  GString *text = g_string_new (NULL);
  const guint n = json_array_get_length (parameter->choices);

  for (guint i = 0; i < MIN (n, MAX_EXAMPLES); i++)
    {
      g_autofree char *word
          = _esp_axis_dup_value_text (json_array_get_element (parameter->choices, i));

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", word);
    }
  return g_string_free (text, FALSE);
}

/* A step of 1, 2 or 5 times a power of ten, so that about four of them lead up to the default. */
static double
find_step (double start)
{
  const double wanted = start > 0 ? start / 4 : 0.25;
  const double power = pow (10, floor (log10 (wanted)));

  if (wanted / power >= 5)
    return 5 * power;
  return wanted / power >= 2 ? 2 * power : power;
}

static double
keep (const EspParameter *parameter, double number)
{
  if (parameter->multiple_of > 0)
    number = round (number / parameter->multiple_of) * parameter->multiple_of;
  if (parameter->type == ESP_PARAMETER_INTEGER)
    number = round (number);
  return CLAMP (number, parameter->minimum, parameter->maximum);
}

/* Around the default. */
static char *
dup_numbers_example (const EspParameter *parameter)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  const double start = parameter->fallback != NULL      ? json_node_get_double (parameter->fallback)
                       : parameter->minimum > -HUGE_VAL ? parameter->minimum
                                                        : 1;
  const double step = MAX (find_step (start), parameter->type == ESP_PARAMETER_INTEGER ? 1 : 0);
  double last = -HUGE_VAL;

  for (int i = -1; i <= 2; i++)
    {
      const double number = keep (parameter, round (start / step + i) * step);
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *digits = g_strdup_printf ("%.10g", number);

      if (number <= last)
        continue;
      last = number;
      node = json_node_init_double (json_node_alloc (), g_ascii_strtod (digits, NULL));
      g_ptr_array_add (words, _esp_axis_dup_value_text (node));
    }
  g_ptr_array_add (words, NULL);
  return g_strjoinv (", ", (char **) words->pdata);
}

static char *
dup_example (const EspParameter *parameter)
{
  if (parameter->choices != NULL)
    return dup_choices_example (parameter);
  if (parameter->type == ESP_PARAMETER_BOOLEAN)
    return g_strdup ("off, on");
  if (esp_parameter_is_size (parameter))
    return g_strdup ("512x512, 768x768");
  return parameter->type == ESP_PARAMETER_STRING || parameter->type == ESP_PARAMETER_LORAS
             ? NULL
             : dup_numbers_example (parameter);
}

/* --- All -------------------------------------------------------------------------------------- */

static gboolean
is_known (GPtrArray *choices, const char *name)
{
  for (guint i = 0; i < choices->len; i++)
    if (strcmp (((EspAxisChoice *) choices->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

static void
add_parameters (GPtrArray *choices, EspModel *model, gboolean advanced)
{
  EspSchema *schema = esp_model_get_schema (model);

  for (guint i = 0; schema != NULL && i < esp_schema_get_n_parameters (schema); i++)
    {
      const EspParameter *parameter = esp_schema_get_parameter (schema, i);
      char *example;

      if (strcmp (parameter->name, "prompt") == 0
          || strcmp (parameter->name, "negative_prompt") == 0 || esp_parameter_is_seed (parameter)
          || esp_parameter_is_advanced (parameter) != advanced
          || is_known (choices, parameter->name))
        continue;
      example = dup_example (parameter);
      if (example != NULL)
        add (choices, ESP_AXIS_PARAMETER, parameter->name, esp_parameter_get_label (parameter),
             parameter, example);
    }
}

static void
add_loras (GPtrArray *choices, JsonNode *loras)
{
  JsonArray *array
      = loras != NULL && JSON_NODE_HOLDS_ARRAY (loras) ? json_node_get_array (loras) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      const char *path
          = JSON_NODE_HOLDS_OBJECT (node) ? esp_lora_get_path (json_node_get_object (node)) : NULL;
      g_autofree char *lora = path != NULL ? esp_lora_dup_name (path) : NULL;
      g_autofree char *name = g_strconcat ("lora:", lora, NULL);
      g_autofree char *title = g_strdup_printf (_ ("LoRA %s"), lora != NULL ? lora : "");

      if (lora != NULL && !is_known (choices, name))
        add (choices, ESP_AXIS_PARAMETER, name, title, NULL, g_strdup ("0, 0.5, 1"));
    }
}

/* The models, for the example. */
static char *
dup_models_example (EspRegistry *registry)
{
  GListModel *models = esp_registry_get_models (registry);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (g_list_model_get_n_items (models), MAX_EXAMPLES); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      g_string_append_printf (text, "%s%s/%s", i > 0 ? ", " : "",
                              esp_backend_get_id (esp_model_get_backend (model)),
                              esp_model_get_id (model));
    }
  return g_string_free (text, FALSE);
}

static char *
dup_presets_example (JsonObject *presets)
{
  g_autoptr (GList) names = json_object_get_members (presets);
  GString *text = g_string_new (NULL);
  guint n = 0;

  for (const GList *l = names; l != NULL && n < MAX_EXAMPLES; l = l->next, n++)
    g_string_append_printf (text, "%s%s", n > 0 ? ", " : "", (const char *) l->data);
  return g_string_free (text, FALSE);
}

/* The latest with a picture. */
static char *
dup_nodes_example (EspDocument *document)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);
  GString *text = g_string_new (NULL);
  guint n = 0;

  for (guint i = nodes->len; i > 0 && n < 2; i--)
    if (esp_node_has_image (nodes->pdata[i - 1]))
      g_string_append_printf (text, "%s%" G_GINT64_FORMAT, n++ > 0 ? ", " : "",
                              esp_node_get_id (nodes->pdata[i - 1]));
  return g_string_free (text, FALSE);
}

/* For replacing: the longest word of the instruction. */
static char *
dup_replace_example (const char *instruction)
{
  g_auto (GStrv) words = NULL;
  const char *longest = "";

  if (instruction == NULL || *instruction == '\0')
    return g_strdup ("red || blue || green");
  words = g_strsplit_set (instruction, " \n\t,.;:!?{}|“”\"'()", -1);
  for (char **word = words; *word != NULL; word++)
    if (strlen (*word) > strlen (longest))
      longest = *word;
  return *longest != '\0' ? g_strdup_printf ("%s || …", longest)
                          : g_strdup ("red || blue || green");
}

GPtrArray *
esp_axis_dup_choices (const EspAxisContext *context)
{
  g_autoptr (GPtrArray) models = _esp_axis_context_dup_models (context);
  GPtrArray *choices = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_choice_free);
  gboolean seeds = FALSE, negatives = FALSE;

  g_return_val_if_fail (context != NULL, choices);

  for (guint i = 0; i < models->len; i++)
    {
      seeds = seeds || (esp_model_get_features (models->pdata[i]) & ESP_MODEL_SEED);
      negatives
          = negatives || (esp_model_get_features (models->pdata[i]) & ESP_MODEL_NEGATIVE_PROMPT);
      add_parameters (choices, models->pdata[i], FALSE);
    }
  add_loras (choices, context->loras);
  if (seeds || models->len == 0)
    add (choices, ESP_AXIS_SEED, "seed", _ ("Seed"), NULL, g_strdup ("+4"));
  add (choices, ESP_AXIS_INSTRUCTION, "instruction", _ ("Instruction"), NULL, g_strdup (""));
  add (choices, ESP_AXIS_REPLACE, "replace", _ ("Replace words"), NULL,
       dup_replace_example (context->instruction));
  if (negatives)
    add (choices, ESP_AXIS_NEGATIVE, "negative_prompt", _ ("Negative instruction"), NULL,
         g_strdup (""));
  if (context->registry != NULL
      && g_list_model_get_n_items (esp_registry_get_models (context->registry)) > 1)
    add (choices, ESP_AXIS_MODEL, "model", _ ("Model"), NULL,
         dup_models_example (context->registry));
  if (context->presets != NULL && json_object_get_size (context->presets) > 0)
    add (choices, ESP_AXIS_PRESET, "preset", _ ("Preset"), NULL,
         dup_presets_example (context->presets));
  if (context->document != NULL && esp_document_get_n_nodes (context->document) > 1)
    add (choices, ESP_AXIS_NODE, "node", _ ("Picture"), NULL,
         dup_nodes_example (context->document));
  for (guint i = 0; i < models->len; i++)
    add_parameters (choices, models->pdata[i], TRUE);
  return choices;
}
