/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-settings.c: model, parameters and presets; what they are taken over from. */
#include "esp-composer-private.h"

#include <glib/gi18n-lib.h>

#include "esp-json-member.h"
#include "esp-parameter-names.h"

/* What a demo model works on, and what the real one was made for. */
#define DEMO_AREA  (512 * 512)
#define USUAL_AREA (1024 * 1024)

static char *
get_memory_key (EspModel *model)
{
  EspBackend *backend = esp_model_get_backend (model);

  return g_strdup_printf ("%s\n%s", backend != NULL ? esp_backend_get_id (backend) : "",
                          esp_model_get_id (model));
}

static void
remember_values (EspComposer *self)
{
  g_autoptr (JsonObject) changed = NULL;
  g_autoptr (JsonNode) node = NULL;

  if (self->model == NULL || self->signature == NULL)
    return;

  changed = esp_parameter_controls_dup_changed (self->controls);
  node = json_node_init_object (json_node_alloc (), changed);
  g_hash_table_replace (self->memory, get_memory_key (self->model), json_to_string (node, FALSE));
}

static JsonObject *
recall_values (EspComposer *self, EspModel *model)
{
  g_autofree char *key = get_memory_key (model);
  const char *text = g_hash_table_lookup (self->memory, key);
  g_autoptr (JsonNode) node = text != NULL ? json_from_string (text, NULL) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
             ? json_object_ref (json_node_get_object (node))
             : NULL;
}

/* Controls are made anew when this is another one; a model's "changed" is mostly about its state.
 */
static char *
get_signature (EspSchema *schema)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < esp_schema_get_n_parameters (schema); i++)
    {
      const EspParameter *parameter = esp_schema_get_parameter (schema, i);
      g_autofree char *fallback
          = parameter->fallback != NULL ? json_to_string (parameter->fallback, FALSE) : NULL;

      g_string_append_printf (
          text, "%s/%d/%g/%g/%g/%s/%s/%u\n", parameter->name, parameter->type, parameter->minimum,
          parameter->maximum, parameter->multiple_of, fallback, parameter->widget,
          parameter->choices != NULL ? json_array_get_length (parameter->choices) : 0);
    }

  return g_string_free (text, FALSE);
}

static void
update_controls (EspComposer *self)
{
  EspSchema *schema = self->model != NULL ? esp_model_get_schema (self->model) : NULL;
  g_autofree char *signature = schema != NULL ? get_signature (schema) : NULL;
  gboolean is_demo;

  if (schema != NULL && g_strcmp0 (signature, self->signature) != 0)
    {
      g_autoptr (JsonObject) kept = NULL;

      is_demo = (esp_model_get_features (self->model) & ESP_MODEL_DEMO) != 0;
      esp_parameter_controls_set_image_area (self->controls, is_demo ? DEMO_AREA : USUAL_AREA);
      esp_parameter_controls_set_schema (self->controls, schema);
      kept = recall_values (self, self->model);
      g_free (self->signature);
      self->signature = g_steal_pointer (&signature);
      if (kept != NULL)
        esp_parameter_controls_set_values (self->controls, kept, FALSE);
    }
  if (schema != NULL && self->wanted_values != NULL)
    {
      g_autoptr (JsonObject) values = g_steal_pointer (&self->wanted_values);

      esp_parameter_controls_set_values (self->controls, values, TRUE);
    }

  gtk_widget_set_visible (GTK_WIDGET (self->controls), schema != NULL);
  esp_parameter_popover_set_message (
      self->popover, self->model == NULL ? _ ("No model is chosen.")
                     : schema == NULL    ? _ ("The settings show up when the model is ready.")
                                         : NULL);
}

void
_esp_composer_follow_model (EspComposer *self)
{
  const char *const *instructions = NULL;

  /* Backends start nothing for models that nobody looks at. */
  if (self->model != NULL && esp_model_get_state (self->model) == ESP_MODEL_STARTING)
    esp_model_prepare (self->model);
  update_controls (self);
  if (self->model != NULL)
    instructions = esp_model_get_instructions (self->model);
  esp_suggestions_set_texts (self->suggestions, instructions);
  esp_reference_chips_set_maximum (
      self->references, self->model != NULL ? esp_model_get_max_references (self->model) : 0);
  _esp_composer_update (self);
}

static void
set_model (EspComposer *self, EspModel *model)
{
  if (self->model == model)
    return;

  remember_values (self);
  if (self->model != NULL)
    g_signal_handlers_disconnect_by_func (self->model, _esp_composer_follow_model, self);
  g_set_object (&self->model, model);
  /* The controls stay until the new model says what it takes, and hand on what they hold. */
  if (model != NULL)
    g_signal_connect_object (model, "changed", G_CALLBACK (_esp_composer_follow_model), self,
                             G_CONNECT_SWAPPED);
  esp_backend_button_set_model (self->backend_button, model);
  g_clear_pointer (&self->signature, g_free);
  _esp_composer_follow_model (self);
  _esp_composer_notify_model (self);
  if (model != NULL)
    esp_model_prepare (model);
}

void
_esp_composer_choose_model (EspComposer *self, EspModel *model)
{
  EspBackend *backend = esp_model_get_backend (model);

  g_clear_pointer (&self->wanted_backend, g_free);
  g_clear_pointer (&self->wanted_model, g_free);
  g_clear_pointer (&self->wanted_values, json_object_unref);
  set_model (self, model);
  if (backend != NULL)
    {
      g_settings_set_string (self->settings, "last-backend", esp_backend_get_id (backend));
      g_settings_set_string (self->settings, "last-model", esp_model_get_id (model));
    }
}

static gboolean
has_model (EspRegistry *registry, EspModel *model)
{
  EspBackend *backend = esp_model_get_backend (model);

  return backend != NULL
         && esp_registry_find_model (registry, esp_backend_get_id (backend),
                                     esp_model_get_id (model))
                == model;
}

/* Models come and go: the one wanted shows up, the one chosen is removed. */
void
_esp_composer_follow_registry (EspComposer *self)
{
  EspRegistry *registry = self->queue != NULL ? esp_queue_get_registry (self->queue) : NULL;
  EspModel *model = NULL;

  if (registry == NULL)
    return;

  if (self->wanted_model != NULL)
    model = esp_registry_find_model (registry, self->wanted_backend, self->wanted_model);
  if (model != NULL)
    {
      g_clear_pointer (&self->wanted_backend, g_free);
      g_clear_pointer (&self->wanted_model, g_free);
    }
  else if (self->model != NULL && has_model (registry, self->model))
    model = self->model;
  else if (self->model != NULL)
    {
      EspBackend *backend = esp_model_get_backend (self->model);

      /* Perhaps only the object is another one (the list was read again). */
      if (backend != NULL)
        model = esp_registry_find_model (registry, esp_backend_get_id (backend),
                                         esp_model_get_id (self->model));
    }
  if (model == NULL)
    model = esp_registry_get_default_model (registry);

  set_model (self, model);
}

void
_esp_composer_apply_values (EspComposer *self, JsonObject *values)
{
  g_clear_pointer (&self->wanted_values, json_object_unref);
  if (self->signature != NULL)
    esp_parameter_controls_set_values (self->controls, values, TRUE);
  else
    self->wanted_values = json_object_ref (values);
}

static JsonObject *
copy_values (JsonObject *values)
{
  JsonObject *copy = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (values);

  for (GList *item = members; item != NULL; item = item->next)
    json_object_set_member (copy, item->data,
                            json_node_copy (json_object_get_member (values, item->data)));

  return copy;
}

/* --- Presets ---------------------------------------------------------------------------------- */

void
_esp_composer_apply_preset (EspComposer *self, EspPreset *preset)
{
  const char *backend = esp_preset_get_backend (preset);
  const char *id = esp_preset_get_model (preset);
  gboolean keep;
  EspModel *model = NULL;

  if (self->queue != NULL && backend != NULL && id != NULL)
    model = esp_registry_find_model (esp_queue_get_registry (self->queue), backend, id);
  if (model != NULL)
    _esp_composer_choose_model (self, model);
  _esp_composer_apply_values (self, esp_preset_get_parameters (preset));
  if (esp_preset_get_keep (preset, &keep))
    esp_composer_set_keep (self, keep);
}

void
_esp_composer_save_preset (EspComposer *self, const char *name)
{
  g_autoptr (JsonObject) values = esp_parameter_controls_dup_values (self->controls);
  EspBackend *backend = self->model != NULL ? esp_model_get_backend (self->model) : NULL;

  esp_presets_save (self->presets, name, backend != NULL ? esp_backend_get_id (backend) : NULL,
                    self->model != NULL ? esp_model_get_id (self->model) : NULL, values,
                    self->keep);
}

/* --- Nodes and recipes ------------------------------------------------------------------------ */

static void
take_references (EspComposer *self, GPtrArray *references)
{
  esp_reference_chips_clear (self->references);
  for (guint i = 0; references != NULL && i < references->len; i++)
    {
      EspNode *node = g_ptr_array_index (references, i);

      if (!esp_node_is_deleted (node))
        esp_reference_chips_add (self->references, node);
    }
}

void
esp_composer_use_node (EspComposer *self, EspNode *node, EspComposerParts parts)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (esp_node_get_kind (node) != ESP_NODE_TURN)
    {
      _esp_composer_emit_error (self, _ ("This image was not made by an instruction."));
      return;
    }

  if ((parts & ESP_COMPOSER_SETTINGS) != 0)
    {
      g_autoptr (JsonObject) values = copy_values (esp_node_get_parameters (node));
      EspModel *model = NULL;

      if (esp_node_get_negative_prompt (node) != NULL)
        json_object_set_string_member (values, "negative_prompt",
                                       esp_node_get_negative_prompt (node));
      if (self->queue != NULL && esp_node_get_backend (node) != NULL
          && esp_node_get_model (node) != NULL)
        model = esp_registry_find_model (esp_queue_get_registry (self->queue),
                                         esp_node_get_backend (node), esp_node_get_model (node));
      if (model != NULL)
        _esp_composer_choose_model (self, model);
      else
        _esp_composer_emit_error (self,
                                  _ ("The model of this turn is not here. Its settings were taken "
                                     "over where the chosen model has them."));
      _esp_composer_apply_values (self, values);
      take_references (self, esp_node_get_references (node));
      _esp_composer_use_composition (self, node);
    }
  if ((parts & ESP_COMPOSER_SEED) != 0 && esp_node_has_seed (node))
    esp_parameter_controls_set_seed (self->controls, esp_node_get_seed (node), TRUE);
  if ((parts & ESP_COMPOSER_INSTRUCTION) != 0)
    esp_instruction_view_set_text (self->instruction, esp_node_get_instruction (node));
  _esp_composer_update (self);
}

static gboolean
get_int (JsonObject *object, const char *member, gint64 *value)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *value = json_node_get_int (node);

  return TRUE;
}

/* By hash, id or name: recipes name the model for people, and hash it for machines. */
static EspModel *
find_recipe_model (EspComposer *self, JsonObject *recipe)
{
  JsonObject *object = esp_json_get_object (recipe, "model");
  const char *id
      = object != NULL ? esp_json_get_string (object, "id") : esp_json_get_string (recipe, "model");
  const char *name = object != NULL ? esp_json_get_string (object, "name") : id;
  GListModel *models;

  if (self->queue == NULL || (id == NULL && name == NULL))
    return NULL;

  models = esp_registry_get_models (esp_queue_get_registry (self->queue));
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      if (g_strcmp0 (esp_model_get_id (model), id) == 0
          || g_strcmp0 (esp_model_get_name (model), name) == 0)
        return model; /* the list keeps it */
    }

  return NULL;
}

static JsonObject *
dup_recipe_values (JsonObject *recipe)
{
  /* Of the machine and the moment, not of the picture. */
  static const char *const left_out[]
      = { "device", "dtype", "vram",  "blas",   "threads", "vae_tiling",
          "prompt", "seed",  "width", "height", "model" };
  JsonObject *values = copy_values (recipe);
  gint64 width = 0, height = 0;

  for (guint i = 0; i < G_N_ELEMENTS (left_out); i++)
    if (json_object_has_member (values, left_out[i]))
      json_object_remove_member (values, left_out[i]);

  if (!json_object_has_member (values, "size") && get_int (recipe, "width", &width)
      && get_int (recipe, "height", &height) && width % 16 == 0 && height % 16 == 0 && width >= 16
      && height >= 16 && width <= 8192 && height <= 8192)
    {
      g_autofree char *size = g_strdup_printf ("%dx%d", (int) width, (int) height);

      json_object_set_string_member (values, "size", size);
    }

  return values;
}

void
esp_composer_use_recipe (EspComposer *self, JsonObject *recipe, EspComposerParts parts)
{
  gint64 seed;

  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (recipe != NULL);

  if ((parts & ESP_COMPOSER_SETTINGS) != 0)
    {
      g_autoptr (JsonObject) values = dup_recipe_values (recipe);
      EspModel *model = find_recipe_model (self, recipe);

      if (model != NULL)
        _esp_composer_choose_model (self, model);
      _esp_composer_apply_values (self, values);
    }
  if ((parts & ESP_COMPOSER_SEED) != 0 && get_int (recipe, "seed", &seed))
    esp_parameter_controls_set_seed (self->controls, (guint64) seed, TRUE);
  if ((parts & ESP_COMPOSER_INSTRUCTION) != 0 && esp_json_get_string (recipe, "prompt") != NULL)
    esp_instruction_view_set_text (self->instruction, esp_json_get_string (recipe, "prompt"));
  _esp_composer_update (self);
}

/* --- What is kept with the session ------------------------------------------------------------ */

GVariant *
esp_composer_dup_state (EspComposer *self)
{
  g_autoptr (GVariantDict) dict = NULL;
  g_auto (GVariantBuilder) memory = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  g_auto (GVariantBuilder) references = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("ax"));
  GPtrArray *nodes;
  GHashTableIter iter;
  gpointer key, value;

  g_return_val_if_fail (ESP_IS_COMPOSER (self), NULL);

  remember_values (self);
  dict = g_variant_dict_new (NULL);
  g_variant_dict_insert (dict, "instruction", "s",
                         esp_instruction_view_get_text (self->instruction));
  if (self->model != NULL && esp_model_get_backend (self->model) != NULL)
    {
      g_variant_dict_insert (dict, "backend", "s",
                             esp_backend_get_id (esp_model_get_backend (self->model)));
      g_variant_dict_insert (dict, "model", "s", esp_model_get_id (self->model));
    }
  g_hash_table_iter_init (&iter, self->memory);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_variant_builder_add (&memory, "{ss}", key, value);
  g_variant_dict_insert_value (dict, "parameters", g_variant_builder_end (&memory));
  g_variant_dict_insert (dict, "seed", "t", esp_parameter_controls_get_seed (self->controls));
  g_variant_dict_insert (dict, "seed-locked", "b",
                         esp_parameter_controls_get_seed_locked (self->controls));
  g_variant_dict_insert (dict, "keep", "b", esp_composer_get_keep (self));
  g_variant_dict_insert (dict, "variations", "u",
                         esp_variations_button_get_count (self->variations));
  nodes = esp_reference_chips_get_nodes (self->references);
  for (guint i = 0; i < nodes->len; i++)
    g_variant_builder_add (&references, "x", esp_node_get_id (g_ptr_array_index (nodes, i)));
  g_variant_dict_insert_value (dict, "references", g_variant_builder_end (&references));

  return g_variant_ref_sink (g_variant_dict_end (dict));
}

static void
restore_references (EspComposer *self, GVariant *ids)
{
  gint64 id;
  GVariantIter iter;

  if (self->document == NULL)
    return;

  g_variant_iter_init (&iter, ids);
  while (g_variant_iter_next (&iter, "x", &id))
    {
      EspNode *node = esp_document_get_node (self->document, id);

      if (node != NULL)
        esp_reference_chips_add (self->references, node);
    }
}

void
esp_composer_restore_state (EspComposer *self, GVariant *state)
{
  g_autoptr (GVariant) memory = NULL;
  g_autoptr (GVariant) references = NULL;
  const char *text, *backend, *model;
  gboolean locked = FALSE, keep;
  guint64 seed;
  guint count;

  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (state != NULL && g_variant_is_of_type (state, G_VARIANT_TYPE_VARDICT));

  memory = g_variant_lookup_value (state, "parameters", G_VARIANT_TYPE ("a{ss}"));
  if (memory != NULL)
    {
      GVariantIter iter;
      const char *key, *value;

      g_variant_iter_init (&iter, memory);
      while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
        g_hash_table_replace (self->memory, g_strdup (key), g_strdup (value));
      /* The controls take them over when they are made for the model. */
      if (self->model != NULL && self->signature != NULL)
        {
          g_autoptr (JsonObject) values = recall_values (self, self->model);

          if (values != NULL)
            esp_parameter_controls_set_values (self->controls, values, TRUE);
        }
    }
  if (g_variant_lookup (state, "backend", "&s", &backend)
      && g_variant_lookup (state, "model", "&s", &model))
    {
      g_free (self->wanted_backend);
      g_free (self->wanted_model);
      self->wanted_backend = g_strdup (backend);
      self->wanted_model = g_strdup (model);
      _esp_composer_follow_registry (self);
    }
  if (g_variant_lookup (state, "seed", "t", &seed))
    {
      g_variant_lookup (state, "seed-locked", "b", &locked);
      esp_parameter_controls_set_seed (self->controls, seed, locked);
    }
  if (g_variant_lookup (state, "keep", "b", &keep))
    esp_composer_set_keep (self, keep);
  if (g_variant_lookup (state, "variations", "u", &count))
    esp_variations_button_set_count (self->variations, count);
  if (g_variant_lookup (state, "instruction", "&s", &text))
    esp_instruction_view_set_text (self->instruction, text);
  references = g_variant_lookup_value (state, "references", G_VARIANT_TYPE ("ax"));
  if (references != NULL)
    restore_references (self, references);
  _esp_composer_update (self);
}
