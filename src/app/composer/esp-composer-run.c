/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-run.c: from what is composed to turns in the queue. */
#include "esp-composer-private.h"

#include <glib/gi18n-lib.h>

#include "esp-model-text.h"
#include "esp-replay.h"

/* Running exactly the same again within this time is a slip (a key that repeats). */
#define SLIP (700 * G_TIME_SPAN_MILLISECOND)

static gboolean
is_under_way (EspNode *node)
{
  return esp_node_get_state (node) == ESP_NODE_QUEUED
         || esp_node_get_state (node) == ESP_NODE_RUNNING;
}

/* A turn that failed has no image to go on from: what it started from has. */
EspNode *
_esp_composer_get_base (EspComposer *self)
{
  EspNode *node = self->current;

  while (node != NULL && !esp_node_has_image (node) && !is_under_way (node))
    node = esp_node_get_parent (node);

  return node;
}

char *
_esp_composer_dup_model_obstacle (EspComposer *self)
{
  return self->model != NULL ? esp_model_dup_obstacle (self->model) : NULL;
}

char *
_esp_composer_dup_trouble (EspComposer *self)
{
  EspModelState state;

  if (self->document == NULL || self->model == NULL)
    return NULL;
  state = esp_model_get_state (self->model);
  return state == ESP_MODEL_READY || state == ESP_MODEL_STARTING
             ? NULL
             : esp_model_dup_obstacle (self->model);
}

char *
_esp_composer_dup_obstacle (EspComposer *self)
{
  guint n_references = esp_reference_chips_get_nodes (self->references)->len;
  g_autofree char *obstacle = NULL;

  if (self->document == NULL || self->queue == NULL || self->current == NULL)
    return g_strdup (_ ("Open an image first."));
  if (esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    return g_strdup (_ ("This document is read-only."));
  if (_esp_composer_get_base (self) == NULL)
    return g_strdup (_ ("There is no image to start from."));
  if (esp_instruction_view_is_blank (self->instruction))
    return g_strdup (_ ("Write what should change."));
  if (self->model == NULL)
    return g_strdup (_ ("Choose a model first."));
  obstacle = esp_model_dup_obstacle (self->model);
  if (obstacle != NULL)
    return g_steal_pointer (&obstacle);
  if (self->obstacle != NULL)
    return g_strdup (self->obstacle);
  if (n_references > esp_model_get_max_references (self->model))
    return g_strdup (_ ("There are more references than the chosen model takes."));
  if (!esp_parameter_controls_is_seed_valid (self->controls))
    return g_strdup (_ ("The seed is no number that can be used."));

  return NULL;
}

/* What esp_schema_check () should see: everything that the backend will. */
static gboolean
check_values (EspComposer *self, const EspTurn *turn, GError **error)
{
  EspSchema *schema = esp_model_get_schema (self->model);
  g_autoptr (JsonObject) all = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (turn->parameters);

  for (GList *item = members; item != NULL; item = item->next)
    json_object_set_member (all, item->data,
                            json_node_copy (json_object_get_member (turn->parameters, item->data)));
  if (esp_schema_find (schema, "prompt") != NULL)
    json_object_set_string_member (all, "prompt", turn->instruction);
  if (turn->negative_prompt != NULL)
    json_object_set_string_member (all, "negative_prompt", turn->negative_prompt);
  if (esp_schema_find (schema, "seed") != NULL)
    json_object_set_int_member (all, "seed", 0);

  return esp_schema_check (schema, all, error);
}

static gboolean
is_same_turn (EspNode *node, const EspTurn *turn)
{
  g_autoptr (JsonNode) a
      = json_node_init_object (json_node_alloc (), esp_node_get_parameters (node));
  g_autoptr (JsonNode) b = json_node_init_object (json_node_alloc (), turn->parameters);

  return g_strcmp0 (esp_node_get_instruction (node), turn->instruction) == 0
         && g_strcmp0 (esp_node_get_backend (node), turn->backend) == 0
         && g_strcmp0 (esp_node_get_model (node), turn->model) == 0 && json_node_equal (a, b)
         && esp_composition_asks_same (esp_node_get_composition (node), turn->composition);
}

typedef struct
{
  EspComposer *composer;
  EspQueue *queue;
  gboolean next;
  gboolean keep_text; /* not what is in the composer was run */
} Run;

static Run *
run_new (EspComposer *self, gboolean next, gboolean keep_text)
{
  Run *run = g_new0 (Run, 1);

  run->composer = g_object_ref (self);
  run->queue = g_object_ref (self->queue);
  run->next = next;
  run->keep_text = keep_text;

  return run;
}

static void
run_free (Run *run)
{
  g_clear_object (&run->composer);
  g_clear_object (&run->queue);
  g_free (run);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Run, run_free)

/* The turns are in the document: queue them, even if the window is gone by now. */
static void
take_nodes (Run *run, EspDocument *document, EspNode *const *nodes, guint n_nodes)
{
  EspComposer *self = run->composer;

  for (guint i = 0; i < n_nodes; i++)
    esp_queue_add (run->queue, document, nodes[i], run->next);

  if (self->document != document)
    return;

  if (!run->keep_text)
    esp_instruction_view_accept (self->instruction);
  g_set_object (&self->last_added, nodes[0]);
  self->last_time = g_get_monotonic_time ();
  esp_document_set_current (document, nodes[0]);
  g_signal_emit_by_name (self, "added", nodes[0]);
}

static void
finish_adding (EspComposer *self, const GError *error)
{
  self->adding = FALSE;
  if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    _esp_composer_emit_error (self, error->message);
  _esp_composer_update (self);
}

static void
on_turns_added (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Run) run = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes
      = esp_document_add_turns_finish (ESP_DOCUMENT (object), result, &error);

  if (nodes != NULL && nodes->len > 0)
    take_nodes (run, ESP_DOCUMENT (object), (EspNode *const *) nodes->pdata, nodes->len);
  finish_adding (run->composer, error);
}

void
_esp_composer_run (EspComposer *self, guint count, gboolean next)
{
  g_autofree char *obstacle = _esp_composer_dup_obstacle (self);

  if (!self->adding && obstacle == NULL && _esp_composer_emit_ask (self, count, next))
    return;
  esp_composer_run (self, count, next);
}

void
esp_composer_run (EspComposer *self, guint count, gboolean next)
{
  g_autofree char *obstacle = NULL;
  g_autoptr (GError) error = NULL;
  EspTurn turn = { 0 };

  g_return_if_fail (ESP_IS_COMPOSER (self));

  if (self->adding)
    return;
  obstacle = _esp_composer_dup_obstacle (self);
  if (obstacle != NULL)
    {
      _esp_composer_emit_error (self, obstacle);
      return;
    }

  _esp_composer_compose (self, &turn);
  if (turn.backend == NULL)
    {
      _esp_composer_emit_error (self, _ ("The chosen model is gone. Choose another one."));
      return;
    }
  if (!check_values (self, &turn, &error))
    {
      _esp_composer_emit_error (self, error->message);
      return;
    }
  if (self->last_added != NULL && self->last_added == self->current
      && g_get_monotonic_time () - self->last_time < SLIP && is_same_turn (self->last_added, &turn))
    return;

  turn.has_seed = esp_parameter_controls_has_seed (self->controls);
  if (turn.has_seed)
    turn.seed = esp_parameter_controls_take_seed (self->controls, count);
  g_settings_set_string (self->settings, "last-backend", turn.backend);
  g_settings_set_string (self->settings, "last-model", turn.model);

  self->adding = TRUE;
  esp_document_add_turns_async (self->document, _esp_composer_get_base (self), &turn, count, NULL,
                                on_turns_added, run_new (self, next, FALSE));
  _esp_composer_update (self);
}

static void
on_duplicated (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Run) run = user_data;
  g_autoptr (GError) error = NULL;
  EspNode *node = esp_document_duplicate_finish (ESP_DOCUMENT (object), result, &error);

  if (node != NULL)
    take_nodes (run, ESP_DOCUMENT (object), &node, 1);
  finish_adding (run->composer, error);
}

void
esp_composer_run_again (EspComposer *self, EspNode *node, gboolean new_seed)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (self->adding || self->document == NULL || self->queue == NULL)
    return;
  if (esp_node_get_kind (node) != ESP_NODE_TURN)
    {
      _esp_composer_emit_error (self, _ ("This image was not made by an instruction."));
      return;
    }
  if (esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    {
      _esp_composer_emit_error (self, _ ("This document is read-only."));
      return;
    }
  if (esp_registry_find_backend (esp_queue_get_registry (self->queue), esp_node_get_backend (node))
      == NULL)
    {
      _esp_composer_emit_error (self, _ ("What made this turn is not here any more."));
      return;
    }

  self->adding = TRUE;
  esp_document_duplicate_async (self->document, node, new_seed && esp_node_has_seed (node),
                                g_random_int (), NULL, on_duplicated, run_new (self, FALSE, TRUE));
  _esp_composer_update (self);
}

void
esp_composer_try_with (EspComposer *self, EspNode *node, EspModel *model)
{
  EspSchema *schema;
  EspBackend *backend;
  GPtrArray *references;
  g_autoptr (JsonObject) values = NULL;
  EspNode *parent;
  EspTurn turn = { 0 };

  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (ESP_IS_MODEL (model));

  backend = esp_model_get_backend (model);
  schema = esp_model_get_schema (model);
  parent = esp_node_get_parent (node);
  if (self->adding || self->document == NULL || self->queue == NULL || parent == NULL)
    return;
  if (backend == NULL || schema == NULL)
    {
      /* The local engine's models describe themselves when they are asked. */
      esp_model_prepare (model);
      _esp_composer_emit_error (self, _ ("The model is starting. Try it again in a moment."));
      return;
    }

  references = esp_node_get_references (node);
  values = esp_replay_dup_values (node, schema);
  turn.instruction = esp_node_get_instruction (node);
  turn.negative_prompt = esp_schema_find (schema, "negative_prompt") != NULL
                             ? esp_node_get_negative_prompt (node)
                             : NULL;
  turn.backend = esp_backend_get_id (backend);
  turn.model = esp_model_get_id (model);
  turn.model_name = esp_model_get_name (model);
  turn.parameters = values;
  turn.references = (EspNode *const *) references->pdata;
  turn.n_references = MIN (references->len, esp_model_get_max_references (model));
  turn.composition = esp_node_get_composition (node);
  turn.has_seed = (esp_model_get_features (model) & ESP_MODEL_SEED) != 0;
  /* What every seed can be. */
  turn.seed = esp_node_has_seed (node) ? esp_node_get_seed (node) & G_MAXINT32
                                       : g_random_int () & G_MAXINT32;
  self->adding = TRUE;
  esp_document_add_turns_async (self->document, parent, &turn, 1, NULL, on_turns_added,
                                run_new (self, FALSE, TRUE));
  _esp_composer_update (self);
}

void
_esp_composer_stop (EspComposer *self)
{
  EspJob *job = self->queue != NULL && self->current != NULL
                    ? esp_queue_find (self->queue, self->current)
                    : NULL;

  if (job != NULL)
    esp_queue_stop (self->queue, job);
}
