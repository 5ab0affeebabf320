/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-turn.c: what is composed as a turn, for running it and for sweeps around it. */
#include "esp-composer-private.h"

#include <glib/gi18n-lib.h>

void
_esp_composer_forget_turn (EspComposer *self)
{
  g_clear_pointer (&self->turn_instruction, g_free);
  g_clear_pointer (&self->turn_negative, g_free);
  g_clear_pointer (&self->turn_values, json_object_unref);
  g_clear_pointer (&self->turn_composition, esp_composition_free);
}

void
_esp_composer_compose (EspComposer *self, EspTurn *turn)
{
  EspBackend *backend = esp_model_get_backend (self->model);
  GPtrArray *references = esp_reference_chips_get_nodes (self->references);

  _esp_composer_forget_turn (self);
  self->turn_instruction
      = g_strstrip (g_strdup (esp_instruction_view_get_text (self->instruction)));
  self->turn_values = esp_parameter_controls_dup_values (self->controls);
  if (json_object_has_member (self->turn_values, "negative_prompt"))
    {
      self->turn_negative
          = g_strdup (json_object_get_string_member (self->turn_values, "negative_prompt"));
      json_object_remove_member (self->turn_values, "negative_prompt");
    }
  self->turn_composition = _esp_composer_dup_composition (self);
  *turn = (EspTurn){
    .instruction = self->turn_instruction,
    .negative_prompt = self->turn_negative,
    .backend = backend != NULL ? esp_backend_get_id (backend) : NULL,
    .model = esp_model_get_id (self->model),
    .model_name = esp_model_get_name (self->model),
    .parameters = self->turn_values,
    .references = (EspNode *const *) references->pdata,
    .n_references = references->len,
    .composition = self->turn_composition,
  };
}

static char *
dup_obstacle (EspComposer *self)
{
  if (self->document == NULL || self->queue == NULL || self->current == NULL)
    return g_strdup (_ ("Open an image first."));
  if (esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    return g_strdup (_ ("This document is read-only."));
  if (_esp_composer_get_base (self) == NULL)
    return g_strdup (_ ("There is no image to start from."));
  if (self->model == NULL)
    return g_strdup (_ ("Choose a model first."));
  if (esp_model_get_backend (self->model) == NULL)
    return g_strdup (_ ("The chosen model is gone. Choose another one."));
  if (!esp_parameter_controls_is_seed_valid (self->controls))
    return g_strdup (_ ("The seed is no number that can be used."));
  return _esp_composer_dup_model_obstacle (self);
}

gboolean
esp_composer_get_turn (EspComposer *self, EspTurn *turn, EspNode **base, char **obstacle)
{
  g_return_val_if_fail (ESP_IS_COMPOSER (self), FALSE);
  g_return_val_if_fail (turn != NULL && base != NULL && obstacle != NULL, FALSE);

  *obstacle = dup_obstacle (self);
  if (*obstacle != NULL)
    return FALSE;
  _esp_composer_compose (self, turn);
  /* One that is not locked would be another one with the next turn. */
  turn->has_seed = esp_parameter_controls_has_seed (self->controls)
                   && esp_parameter_controls_get_seed_locked (self->controls);
  if (turn->has_seed)
    turn->seed = esp_parameter_controls_get_seed (self->controls);
  *base = _esp_composer_get_base (self);
  return TRUE;
}

JsonObject *
esp_composer_dup_presets (EspComposer *self)
{
  JsonObject *all = json_object_new ();

  g_return_val_if_fail (ESP_IS_COMPOSER (self), all);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->presets)); i++)
    {
      g_autoptr (EspPreset) preset = g_list_model_get_item (G_LIST_MODEL (self->presets), i);
      JsonObject *settings = json_object_new ();

      if (esp_preset_get_backend (preset) != NULL)
        json_object_set_string_member (settings, "backend", esp_preset_get_backend (preset));
      if (esp_preset_get_model (preset) != NULL)
        json_object_set_string_member (settings, "model", esp_preset_get_model (preset));
      json_object_set_object_member (settings, "parameters",
                                     json_object_ref (esp_preset_get_parameters (preset)));
      json_object_set_object_member (all, esp_preset_get_name (preset), settings);
    }
  return all;
}
