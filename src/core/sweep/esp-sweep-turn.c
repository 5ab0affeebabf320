/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-turn.c: the turn of a cell, and why there may be none. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-sweep-plan-private.h"

#include "esp-axis-private.h"
#include "esp-json-member.h"
#include "esp-loras.h"
#include "esp-parameter-names.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What a turn of a cell is made of, kept while it is used. */
#define ESP_TYPE_CELL_TURN (esp_cell_turn_get_type ())
G_DECLARE_FINAL_TYPE (EspCellTurn, esp_cell_turn, ESP, CELL_TURN, GObject)

struct _EspCellTurn
{
  GObject parent_instance;

  char *instruction;
  char *negative_prompt;
  char *backend;
  char *model;
  char *model_name;
  JsonObject *parameters;
  EspComposition *composition;
};

G_DEFINE_FINAL_TYPE (EspCellTurn, esp_cell_turn, G_TYPE_OBJECT)

static void
esp_cell_turn_finalize (GObject *object)
{
  EspCellTurn *self = ESP_CELL_TURN (object);

  g_free (self->instruction);
  g_free (self->negative_prompt);
  g_free (self->backend);
  g_free (self->model);
  g_free (self->model_name);
  json_object_unref (self->parameters);
  esp_composition_free (self->composition);

  G_OBJECT_CLASS (esp_cell_turn_parent_class)->finalize (object);
}

static void
esp_cell_turn_class_init (EspCellTurnClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_cell_turn_finalize;
}

static void
esp_cell_turn_init (EspCellTurn *self)
{
  self->parameters = json_object_new ();
}

/* --- The model -------------------------------------------------------------------------------- */

/* The axis of that kind and its value for the cell; NULL: there is none. */
static JsonNode *
find_value (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES], EspAxisKind kind)
{
  for (guint i = 0; i < self->axes->len; i++)
    if (esp_axis_get_kind (self->axes->pdata[i]) == kind)
      return esp_axis_get_value (self->axes->pdata[i], indices[i]);
  return NULL;
}

static JsonObject *
find_settings (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES])
{
  JsonNode *preset = find_value (self, indices, ESP_AXIS_PRESET);

  return preset != NULL ? esp_json_get_object (json_node_get_object (preset), "settings") : NULL;
}

JsonObject *
_esp_preset_get_parameters (JsonObject *settings)
{
  JsonObject *parameters = esp_json_get_object (settings, "parameters");

  return parameters != NULL ? parameters : settings;
}

gboolean
_esp_sweep_plan_find_model (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES],
                            EspRegistry *registry, EspSweepModel *model, char **skipped)
{
  JsonNode *value = find_value (self, indices, ESP_AXIS_MODEL);
  JsonObject *settings = find_settings (self, indices);

  *model = (EspSweepModel){ .backend = self->backend, .id = self->model, .name = self->model_name };
  if (value != NULL)
    {
      JsonObject *object = json_node_get_object (value);

      model->backend = esp_json_get_string (object, "backend");
      model->id = esp_json_get_string (object, "model");
      model->name = esp_json_get_string (object, "name");
    }
  else if (settings != NULL && esp_json_get_object (settings, "parameters") != NULL
           && esp_json_get_string (settings, "backend") != NULL)
    {
      model->backend = esp_json_get_string (settings, "backend");
      model->id = esp_json_get_string (settings, "model");
      model->name = NULL;
    }
  if (registry == NULL || model->backend == NULL)
    return TRUE;

  model->model = model->id != NULL ? esp_registry_find_model (registry, model->backend, model->id)
                                   : _esp_registry_resolve_model (registry, model->backend);
  if (model->model == NULL)
    {
      *skipped = g_strdup_printf (_ ("There is no model “%s” any more"),
                                  model->name != NULL ? model->name
                                  : model->id != NULL ? model->id
                                                      : model->backend);
      return FALSE;
    }
  model->id = esp_model_get_id (model->model);
  model->name = esp_model_get_name (model->model);
  return TRUE;
}

static EspSchema *
get_schema (const EspSweepModel *model)
{
  return model->model != NULL ? esp_model_get_schema (model->model) : NULL;
}

/* As long as it has not told what it takes, it takes everything. */
static gboolean
has_feature (const EspSweepModel *model, EspModelFeatures feature)
{
  return get_schema (model) == NULL || (esp_model_get_features (model->model) & feature);
}

/* --- Skipping --------------------------------------------------------------------------------- */

/* Does an axis, or the preset, say what the base says otherwise? */
static gboolean
is_overridden (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES], const char *name)
{
  JsonObject *settings = find_settings (self, indices);

  for (guint i = 0; i < self->axes->len; i++)
    if (esp_axis_get_kind (self->axes->pdata[i]) == ESP_AXIS_PARAMETER
        && strcmp (esp_axis_get_name (self->axes->pdata[i]), name) == 0)
      return TRUE;
  return settings != NULL && json_object_has_member (_esp_preset_get_parameters (settings), name);
}

static char *
check_parameter (const EspSweepModel *model, const char *name, JsonNode *value)
{
  EspSchema *schema = get_schema (model);
  const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, name) : NULL;

  if (schema == NULL)
    return NULL;
  if (parameter == NULL)
    return g_strdup_printf (_ ("%s has no parameter “%s”"), model->name, name);
  return _esp_parameter_dup_complaint (parameter, value);
}

static char *
check_seed (const EspSweepModel *model, guint64 seed)
{
  EspSchema *schema = get_schema (model);
  const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, "seed") : NULL;

  if (!has_feature (model, ESP_MODEL_SEED))
    return g_strdup_printf (_ ("%s takes no seed"), model->name);
  if (parameter != NULL
      && ((double) seed < parameter->minimum || (double) seed > parameter->maximum))
    return g_strdup_printf (_ ("Seed %" PRIu64 ": only %.0f to %.0f are possible"), seed,
                            parameter->minimum, parameter->maximum);
  return NULL;
}

/* Of a preset, what the model does not have is left out, unless that is all. */
static char *
check_preset (const EspSweepModel *model, JsonObject *preset)
{
  JsonObject *parameters = _esp_preset_get_parameters (esp_json_get_object (preset, "settings"));
  EspSchema *schema = get_schema (model);
  guint n = 0, n_known = 0;
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, parameters);
  while (schema != NULL && json_object_iter_next_ordered (&iter, &name, &value))
    {
      const EspParameter *parameter = esp_schema_find (schema, name);
      char *complaint = parameter != NULL ? _esp_parameter_dup_complaint (parameter, value) : NULL;

      n++;
      n_known += parameter != NULL;
      if (complaint != NULL)
        return complaint;
    }
  if (n > 0 && n_known == 0)
    return g_strdup_printf (_ ("%s has none of the settings of “%s”"), model->name,
                            esp_json_get_string (preset, "name"));
  return NULL;
}

static char *dup_instruction (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES],
                              const char **absent);

/* Words that are not there cannot be replaced: the cell would be the same as another. */
static char *
check_words (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES])
{
  const char *absent = NULL;

  if (find_value (self, indices, ESP_AXIS_REPLACE) != NULL)
    g_free (dup_instruction (self, indices, &absent));
  return absent != NULL ? g_strdup_printf (_ ("“%s” does not occur in the instruction"), absent)
                        : NULL;
}

/* The LoRAs that a cell has before its axes change their strengths; borrowed, or NULL. */
static JsonNode *
find_loras (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES])
{
  JsonObject *settings = find_settings (self, indices);
  JsonObject *preset = settings != NULL ? _esp_preset_get_parameters (settings) : NULL;
  JsonNode *loras = preset != NULL ? json_object_get_member (preset, "loras") : NULL;

  return loras != NULL ? loras : json_object_get_member (self->parameters, "loras");
}

static char *
check_lora (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES], const char *lora,
            const EspSweepModel *model)
{
  EspSchema *schema = get_schema (model);

  if (schema != NULL && esp_schema_find (schema, "loras") == NULL)
    return g_strdup_printf (_ ("%s takes no LoRAs"), model->name);
  if (!g_path_is_absolute (lora) && esp_loras_find (find_loras (self, indices), lora) == NULL)
    return g_strdup_printf (_ ("There is no LoRA “%s” among those that are used"), lora);
  return NULL;
}

static char *
check_axis (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES], guint position,
            const EspSweepModel *model)
{
  EspAxis *axis = self->axes->pdata[position];
  const guint index = indices[position];
  const char *lora = NULL;
  JsonNode *value = esp_axis_get_value (axis, index);

  switch (esp_axis_get_kind (axis))
    {
    case ESP_AXIS_PARAMETER:
      lora = esp_lora_axis_get_lora (esp_axis_get_name (axis));
      return lora != NULL ? check_lora (self, indices, lora, model)
                          : check_parameter (model, esp_axis_get_name (axis), value);
    case ESP_AXIS_SEED:
      return check_seed (model, (guint64) json_node_get_int (value));
    case ESP_AXIS_NEGATIVE:
      return has_feature (model, ESP_MODEL_NEGATIVE_PROMPT)
                 ? NULL
                 : g_strdup_printf (_ ("%s takes no negative instruction"), model->name);
    case ESP_AXIS_PRESET:
      return check_preset (model, json_node_get_object (value));
    case ESP_AXIS_INSTRUCTION:
    case ESP_AXIS_ALTERNATIVES:
    case ESP_AXIS_REPLACE:
    case ESP_AXIS_MODEL:
    case ESP_AXIS_NODE:
    default:
      return NULL;
    }
}

/* What the base asks for must be possible, unless it is only what another model can do. */
static char *
check_base (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES], const EspSweepModel *model)
{
  EspSchema *schema = get_schema (model);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (schema == NULL || g_strcmp0 (model->backend, self->backend) != 0
      || (self->model != NULL && g_strcmp0 (model->id, self->model) != 0))
    return NULL;
  json_object_iter_init_ordered (&iter, self->parameters);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    if (esp_schema_find (schema, name) != NULL && !is_overridden (self, indices, name))
      {
        char *complaint = check_parameter (model, name, value);

        if (complaint != NULL)
          return complaint;
      }
  return NULL;
}

static char *
find_reason (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES],
             const EspSweepModel *model)
{
  char *reason = check_words (self, indices);

  for (guint i = 0; reason == NULL && i < self->axes->len; i++)
    reason = check_axis (self, indices, i, model);
  if (reason == NULL && get_schema (model) != NULL
      && self->references->len > esp_model_get_max_references (model->model))
    reason = g_strdup_printf (ngettext ("%s takes at most %u further image",
                                        "%s takes at most %u further images",
                                        esp_model_get_max_references (model->model)),
                              model->name, esp_model_get_max_references (model->model));
  return reason != NULL ? reason : check_base (self, indices, model);
}

char *
esp_sweep_plan_dup_skipped (EspSweepPlan *self, guint cell, EspRegistry *registry)
{
  guint indices[ESP_SWEEP_MAX_AXES];
  char *skipped = NULL;
  EspSweepModel model;

  g_return_val_if_fail (self != NULL && cell < self->n_cells, NULL);
  g_return_val_if_fail (registry == NULL || ESP_IS_REGISTRY (registry), NULL);

  esp_sweep_plan_get_indices (self, cell, indices);
  if (!_esp_sweep_plan_find_model (self, indices, registry, &model, &skipped))
    return skipped;
  return find_reason (self, indices, &model);
}

/* --- Making ----------------------------------------------------------------------------------- */

/* Whole, then the alternatives, then what takes the place of words. `absent`: words that are to be
 * replaced and are not there. */
static char *
dup_instruction (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES], const char **absent)
{
  const char *chosen[ESP_SWEEP_MAX_AXES];
  JsonNode *whole = find_value (self, indices, ESP_AXIS_INSTRUCTION);
  guint n_chosen = 0;
  char *text;

  for (guint i = 0; i < self->axes->len; i++)
    if (esp_axis_get_kind (self->axes->pdata[i]) == ESP_AXIS_ALTERNATIVES)
      chosen[n_chosen++] = _esp_axis_get_text (self->axes->pdata[i], indices[i]);
  text = whole != NULL ? json_node_dup_string (whole)
                       : _esp_alternatives_apply (self->instruction, chosen, n_chosen);
  for (guint i = 0; i < self->axes->len; i++)
    {
      EspAxis *axis = self->axes->pdata[i];
      const char *by;
      char *replaced;

      if (esp_axis_get_kind (axis) != ESP_AXIS_REPLACE)
        continue;
      by = _esp_axis_get_text (axis, indices[i]);
      if (strcmp (by, esp_axis_get_name (axis)) == 0)
        continue;
      replaced = _esp_words_replace (text, esp_axis_get_name (axis), by);
      if (replaced == NULL)
        {
          *absent = esp_axis_get_name (axis);
          continue;
        }
      g_free (text);
      text = replaced;
    }
  return text;
}

static void
put (JsonObject *parameters, const char *name, JsonNode *value)
{
  json_object_set_member (parameters, name, json_node_copy (value));
}

/* Those that the model has and allows; all, if it has not told. */
static void
put_allowed (JsonObject *parameters, const EspSweepModel *model, JsonObject *from)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, from);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      g_autofree char *complaint = check_parameter (model, name, value);

      if (complaint == NULL)
        put (parameters, name, value);
    }
}

static void
put_defaults (JsonObject *parameters, EspSchema *schema)
{
  for (guint i = 0; schema != NULL && i < esp_schema_get_n_parameters (schema); i++)
    {
      const EspParameter *parameter = esp_schema_get_parameter (schema, i);

      if (parameter->fallback != NULL && strcmp (parameter->name, "prompt") != 0
          && strcmp (parameter->name, "negative_prompt") != 0 && !esp_parameter_is_seed (parameter)
          && !json_object_has_member (parameters, parameter->name))
        put (parameters, parameter->name, parameter->fallback);
    }
}

static void
put_axis (JsonObject *parameters, EspAxis *axis, guint index)
{
  const char *name = esp_axis_get_name (axis);
  JsonNode *value = esp_axis_get_value (axis, index);
  const char *lora = esp_lora_axis_get_lora (name);
  JsonNode *loras;

  if (lora == NULL)
    {
      put (parameters, name, value);
      return;
    }
  loras = esp_loras_with_strength (json_object_get_member (parameters, "loras"), lora,
                                   json_node_get_double (value));
  if (loras != NULL)
    json_object_set_member (parameters, "loras", loras);
}

static void
make_parameters (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES],
                 const EspSweepModel *model, JsonObject *parameters)
{
  JsonObject *settings = find_settings (self, indices);

  put_allowed (parameters, model, self->parameters);
  put_defaults (parameters, get_schema (model));
  if (settings != NULL)
    put_allowed (parameters, model, _esp_preset_get_parameters (settings));
  for (guint i = 0; i < self->axes->len; i++)
    if (esp_axis_get_kind (self->axes->pdata[i]) == ESP_AXIS_PARAMETER)
      put_axis (parameters, self->axes->pdata[i], indices[i]);
}

gboolean
esp_sweep_plan_get_turn (EspSweepPlan *self, guint cell, EspRegistry *registry, EspTurn *turn,
                         gint64 *parent, GObject **owner, char **skipped)
{
  guint indices[ESP_SWEEP_MAX_AXES];
  JsonNode *seed, *negative, *node;
  const char *absent = NULL;
  char *reason = NULL;
  EspSweepModel model;
  EspCellTurn *made;

  g_return_val_if_fail (self != NULL && cell < self->n_cells, FALSE);
  g_return_val_if_fail (turn != NULL && owner != NULL, FALSE);

  esp_sweep_plan_get_indices (self, cell, indices);
  if (_esp_sweep_plan_find_model (self, indices, registry, &model, &reason))
    reason = find_reason (self, indices, &model);
  if (reason != NULL)
    {
      if (skipped != NULL)
        *skipped = reason;
      else
        g_free (reason);
      return FALSE;
    }
  made = g_object_new (ESP_TYPE_CELL_TURN, NULL);
  negative = find_value (self, indices, ESP_AXIS_NEGATIVE);
  seed = find_value (self, indices, ESP_AXIS_SEED);
  node = find_value (self, indices, ESP_AXIS_NODE);
  made->instruction = dup_instruction (self, indices, &absent);
  if (has_feature (&model, ESP_MODEL_NEGATIVE_PROMPT))
    made->negative_prompt
        = negative != NULL ? json_node_dup_string (negative) : g_strdup (self->negative_prompt);
  made->backend = g_strdup (model.backend);
  made->model = g_strdup (model.id);
  made->model_name = g_strdup (model.name);
  make_parameters (self, indices, &model, made->parameters);
  made->composition = esp_composition_copy (self->composition);
  *turn = (EspTurn){ .instruction = made->instruction,
                     .negative_prompt = made->negative_prompt,
                     .backend = made->backend,
                     .model = made->model,
                     .model_name = made->model_name,
                     .parameters = made->parameters,
                     .composition = made->composition,
                     .has_seed = has_feature (&model, ESP_MODEL_SEED),
                     .seed = seed != NULL ? (guint64) json_node_get_int (seed) : self->seed };
  if (parent != NULL)
    *parent = node != NULL ? json_node_get_int (node) : self->parent;
  *owner = G_OBJECT (made);
  return TRUE;
}

gboolean
_esp_sweep_turn_lower_steps (EspTurn *turn, EspRegistry *registry, int steps)
{
  EspModel *model = registry != NULL && turn->backend != NULL
                        ? esp_registry_find_model (registry, turn->backend, turn->model)
                        : NULL;
  EspSchema *schema = model != NULL ? esp_model_get_schema (model) : NULL;
  const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, "steps") : NULL;
  const double now = esp_json_get_number (turn->parameters, "steps", 0);
  double wanted = steps;

  if (parameter != NULL)
    wanted = MAX (wanted, parameter->minimum);
  if (now <= wanted)
    return FALSE;
  json_object_set_int_member (turn->parameters, "steps", (gint64) ceil (wanted));
  return TRUE;
}
