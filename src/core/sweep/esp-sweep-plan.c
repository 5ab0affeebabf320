/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-plan.c: a base turn, axes, and the cells that they make. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-sweep-plan-private.h"

#include "esp-axis-private.h"
#include "esp-json-member.h"
#include "esp-json-object.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>

#define VERSION 1

/* What people read and type again is short. */
#define CHOSEN_SEEDS 1000000

G_DEFINE_BOXED_TYPE (EspSweepPlan, esp_sweep_plan, esp_sweep_plan_ref, esp_sweep_plan_unref)

static const char *const orders[] = { "listed", "near", "random" };

EspSweepPlan *
esp_sweep_plan_ref (EspSweepPlan *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->count);
  return self;
}

void
esp_sweep_plan_unref (EspSweepPlan *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->count))
    return;
  g_free (self->instruction);
  g_free (self->negative_prompt);
  g_free (self->backend);
  g_free (self->model);
  g_free (self->model_name);
  esp_composition_free (self->composition);
  g_clear_pointer (&self->parameters, json_object_unref);
  g_array_unref (self->references);
  g_ptr_array_unref (self->axes);
  g_free (self);
}

static EspSweepPlan *
plan_alloc (void)
{
  EspSweepPlan *self = g_new0 (EspSweepPlan, 1);

  g_atomic_ref_count_init (&self->count);
  self->references = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  return self;
}

/* --- Making ----------------------------------------------------------------------------------- */

static EspAxis *
find_axis (EspSweepPlan *self, EspAxisKind kind)
{
  for (guint i = 0; i < self->axes->len; i++)
    if (esp_axis_get_kind (self->axes->pdata[i]) == kind)
      return self->axes->pdata[i];
  return NULL;
}

/* Counts the cells, and sees whether it all goes together. */
static gboolean
check_axes (EspSweepPlan *self, GError **error)
{
  guint64 n = 1;

  if (self->axes->len < 1)
    {
      g_set_error_literal (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE,
                           _ ("A sweep needs something to change from picture to picture"));
      return FALSE;
    }
  if (self->axes->len > ESP_SWEEP_MAX_AXES)
    {
      g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE,
                   _ ("A sweep changes at most %d things; alternatives in the instruction count, "
                      "too"),
                   ESP_SWEEP_MAX_AXES);
      return FALSE;
    }
  for (guint i = 0; i < self->axes->len; i++)
    {
      for (guint j = 0; j < i; j++)
        if (_esp_axis_clashes (self->axes->pdata[i], self->axes->pdata[j]))
          {
            g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE, _ ("“%s” is changed twice"),
                         esp_axis_get_title (self->axes->pdata[i]));
            return FALSE;
          }
      n *= esp_axis_get_n_values (self->axes->pdata[i]);
    }
  if (n > ESP_SWEEP_MAX_CELLS)
    {
      g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE,
                   _ ("The sweep would have %" PRIu64 " cells; at most %d are possible"), n,
                   ESP_SWEEP_MAX_CELLS);
      return FALSE;
    }
  self->n_cells = (guint) n;
  return TRUE;
}

static JsonObject *
copy_object (JsonObject *object)
{
  JsonObject *copy = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (object == NULL)
    return copy;
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    json_object_set_member (copy, name, json_node_copy (value));
  return copy;
}

static char *
dup_text (const char *text)
{
  return text != NULL && *text != '\0' ? g_utf8_make_valid (text, -1) : NULL;
}

static void
take_turn (EspSweepPlan *self, const EspTurn *turn)
{
  self->instruction = g_utf8_make_valid (turn->instruction != NULL ? turn->instruction : "", -1);
  self->negative_prompt = dup_text (turn->negative_prompt);
  self->backend = dup_text (turn->backend);
  self->model = dup_text (turn->model);
  self->model_name = dup_text (turn->model_name);
  self->parameters = copy_object (turn->parameters);
  self->seed_chosen = !turn->has_seed;
  self->seed = turn->has_seed ? turn->seed : (guint64) g_random_int_range (0, CHOSEN_SEEDS);
  for (guint i = 0; i < turn->n_references; i++)
    {
      const gint64 id = esp_node_get_id (turn->references[i]);

      g_array_append_val (self->references, id);
    }
  self->composition = esp_composition_dup_asked (turn->composition);
}

EspSweepPlan *
esp_sweep_plan_new (gint64 parent, const EspTurn *turn, GPtrArray *axes, EspSweepOrder order,
                    GError **error)
{
  g_autoptr (EspSweepPlan) self = plan_alloc ();
  g_autoptr (GPtrArray) alternatives = NULL;

  g_return_val_if_fail (turn != NULL && axes != NULL, NULL);
  g_return_val_if_fail ((guint) order < G_N_ELEMENTS (orders), NULL);

  self->parent = parent;
  self->order = order;
  take_turn (self, turn);
  for (guint i = 0; i < axes->len; i++)
    g_ptr_array_add (self->axes, esp_axis_ref (axes->pdata[i]));
  if (find_axis (self, ESP_AXIS_INSTRUCTION) == NULL)
    {
      alternatives = esp_axis_dup_alternatives (self->instruction, error);
      if (alternatives == NULL)
        return NULL;
      for (guint i = 0; i < alternatives->len; i++)
        g_ptr_array_add (self->axes, esp_axis_ref (alternatives->pdata[i]));
    }
  return check_axes (self, error) ? g_steal_pointer (&self) : NULL;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
put_text (JsonObject *object, const char *key, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, key, text);
}

/* `essence`: only what the work is, so that going on can be told from beginning another. */
static JsonObject *
dup_turn_json (EspSweepPlan *self, gboolean essence)
{
  JsonObject *turn = json_object_new ();
  JsonArray *references = json_array_new ();

  /* Whole instructions leave nothing of it. */
  if (!essence || find_axis (self, ESP_AXIS_INSTRUCTION) == NULL)
    put_text (turn, "instruction", self->instruction);
  put_text (turn, "negative_prompt", self->negative_prompt);
  put_text (turn, "backend", self->backend);
  put_text (turn, "model", self->model);
  if (!essence)
    put_text (turn, "model_name", self->model_name);
  json_object_set_object_member (turn, "parameters", copy_object (self->parameters));
  if (!essence || !self->seed_chosen)
    json_object_set_int_member (turn, "seed", (gint64) self->seed);
  if (self->seed_chosen)
    json_object_set_boolean_member (turn, "seed_chosen", TRUE);
  for (guint i = 0; i < self->references->len; i++)
    json_array_add_int_element (references, g_array_index (self->references, gint64, i));
  json_object_set_array_member (turn, "references", references);
  if (self->composition != NULL)
    {
      g_autofree char *text = esp_composition_to_json (self->composition);

      json_object_set_object_member (turn, "composition", esp_json_parse_object (text));
    }
  return turn;
}

static char *
dup_json (EspSweepPlan *self, gboolean essence)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *axes = json_array_new ();

  json_object_set_int_member (object, "version", VERSION);
  json_object_set_int_member (object, "cells", self->n_cells);
  json_object_set_int_member (object, "parent", self->parent);
  json_object_set_object_member (object, "turn", dup_turn_json (self, essence));
  for (guint i = 0; i < self->axes->len; i++)
    json_array_add_object_element (axes, _esp_axis_dup_json (self->axes->pdata[i], essence));
  json_object_set_array_member (object, "axes", axes);
  if (!essence)
    json_object_set_string_member (object, "order", orders[self->order]);
  return esp_json_dup_canonical (object);
}

char *
esp_sweep_plan_dup_json (EspSweepPlan *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return dup_json (self, FALSE);
}

gboolean
esp_sweep_plan_equal (EspSweepPlan *a, EspSweepPlan *b)
{
  g_autofree char *x = NULL;
  g_autofree char *y = NULL;

  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  if (a == b)
    return TRUE;
  x = dup_json (a, TRUE);
  y = dup_json (b, TRUE);
  return strcmp (x, y) == 0;
}

static void
read_composition (EspSweepPlan *self, JsonObject *object)
{
  g_autofree char *text = object != NULL ? esp_json_dup_canonical (object) : NULL;
  g_autoptr (EspComposition) composition = esp_composition_from_json (text);

  self->composition = esp_composition_dup_asked (composition);
}

static void
read_turn (EspSweepPlan *self, JsonObject *turn)
{
  JsonArray *references = esp_json_get_array (turn, "references");
  JsonNode *seed = json_object_get_member (turn, "seed");
  JsonNode *chosen = json_object_get_member (turn, "seed_chosen");
  const char *instruction = esp_json_get_string (turn, "instruction");

  self->instruction = g_strdup (instruction != NULL ? instruction : "");
  self->negative_prompt = dup_text (esp_json_get_string (turn, "negative_prompt"));
  self->backend = dup_text (esp_json_get_string (turn, "backend"));
  self->model = dup_text (esp_json_get_string (turn, "model"));
  self->model_name = dup_text (esp_json_get_string (turn, "model_name"));
  self->parameters = copy_object (esp_json_get_object (turn, "parameters"));
  self->seed
      = seed != NULL && JSON_NODE_HOLDS_VALUE (seed) ? (guint64) json_node_get_int (seed) : 0;
  self->seed_chosen = chosen != NULL && JSON_NODE_HOLDS_VALUE (chosen)
                      && json_node_get_value_type (chosen) == G_TYPE_BOOLEAN
                      && json_node_get_boolean (chosen);
  for (guint i = 0; references != NULL && i < MIN (json_array_get_length (references), 64); i++)
    {
      JsonNode *node = json_array_get_element (references, i);
      const gint64 id = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_int (node) : 0;

      if (id > 0)
        g_array_append_val (self->references, id);
    }
  read_composition (self, esp_json_get_object (turn, "composition"));
}

/* Alternatives are what the instruction says, and in its order. */
static gboolean
check_alternatives (EspSweepPlan *self)
{
  guint next = 0;

  for (guint i = 0; i < self->axes->len; i++)
    if (esp_axis_get_kind (self->axes->pdata[i]) == ESP_AXIS_ALTERNATIVES
        && g_ascii_strtoull (esp_axis_get_name (self->axes->pdata[i]), NULL, 10) != next++)
      return FALSE;
  return TRUE;
}

static gboolean
read_axes (EspSweepPlan *self, JsonArray *axes, GError **error)
{
  for (guint i = 0; axes != NULL && i < json_array_get_length (axes); i++)
    {
      JsonNode *node = json_array_get_element (axes, i);
      EspAxis *axis;

      if (!JSON_NODE_HOLDS_OBJECT (node) || i >= ESP_SWEEP_MAX_AXES)
        return FALSE;
      axis = _esp_axis_from_json (json_node_get_object (node), error);
      if (axis == NULL)
        return FALSE;
      g_ptr_array_add (self->axes, axis);
    }
  return check_alternatives (self) && check_axes (self, error);
}

static EspSweepOrder
read_order (JsonObject *object)
{
  const char *word = esp_json_get_string (object, "order");

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    if (g_strcmp0 (orders[i], word) == 0)
      return i;
  return ESP_SWEEP_LISTED;
}

EspSweepPlan *
esp_sweep_plan_from_json (const char *json, GError **error)
{
  g_autoptr (EspSweepPlan) self = plan_alloc ();
  g_autoptr (JsonObject) object = esp_json_parse_object (json);
  JsonObject *turn = object != NULL ? esp_json_get_object (object, "turn") : NULL;
  g_autoptr (GError) local = NULL;

  if (turn != NULL && esp_json_get_number (object, "version", 0) >= 1)
    {
      const double parent = esp_json_get_number (object, "parent", 0);

      self->parent = parent > 0 && parent < 9e15 ? (gint64) parent : 0;
      self->order = read_order (object);
      read_turn (self, turn);
      if (read_axes (self, esp_json_get_array (object, "axes"), &local)
          && esp_json_get_number (object, "cells", 0) == self->n_cells)
        return g_steal_pointer (&self);
    }
  g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_FORMAT, "%s",
               local != NULL ? local->message : _ ("The plan of the sweep cannot be read"));
  return NULL;
}

/* --- Cells ------------------------------------------------------------------------------------ */

char *
esp_sweep_plan_dup_title (EspSweepPlan *self)
{
  GString *text = g_string_new (NULL);

  g_return_val_if_fail (self != NULL, g_string_free (text, FALSE));

  for (guint i = 0; i < self->axes->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " × " : "",
                            esp_axis_get_title (self->axes->pdata[i]));
  return g_string_free (text, FALSE);
}

gint64
esp_sweep_plan_get_parent (EspSweepPlan *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->parent;
}

EspSweepOrder
esp_sweep_plan_get_order (EspSweepPlan *self)
{
  g_return_val_if_fail (self != NULL, ESP_SWEEP_LISTED);
  return self->order;
}

GArray *
esp_sweep_plan_get_references (EspSweepPlan *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->references;
}

GPtrArray *
esp_sweep_plan_get_axes (EspSweepPlan *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->axes;
}

guint
esp_sweep_plan_get_n_cells (EspSweepPlan *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->n_cells;
}

void
esp_sweep_plan_get_indices (EspSweepPlan *self, guint cell, guint indices[ESP_SWEEP_MAX_AXES])
{
  g_return_if_fail (self != NULL && cell < self->n_cells);

  for (guint i = 0; i < ESP_SWEEP_MAX_AXES; i++)
    {
      const guint n = i < self->axes->len ? esp_axis_get_n_values (self->axes->pdata[i]) : 1;

      indices[i] = cell % n;
      cell /= n;
    }
}

guint
esp_sweep_plan_get_cell (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES])
{
  guint cell = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = self->axes->len; i > 0; i--)
    {
      const guint n = esp_axis_get_n_values (self->axes->pdata[i - 1]);

      g_return_val_if_fail (indices[i - 1] < n, 0);
      cell = cell * n + indices[i - 1];
    }
  return cell;
}

char *
esp_sweep_plan_dup_cell_title (EspSweepPlan *self, guint cell)
{
  GString *text = g_string_new (NULL);
  guint indices[ESP_SWEEP_MAX_AXES] = { 0 };

  g_return_val_if_fail (self != NULL && cell < self->n_cells, g_string_free (text, FALSE));

  esp_sweep_plan_get_indices (self, cell, indices);
  for (guint i = 0; i < self->axes->len; i++)
    {
      EspAxis *axis = self->axes->pdata[i];
      const EspAxisKind kind = esp_axis_get_kind (axis);
      const char *label = esp_axis_get_label (axis, indices[i]);

      if (i > 0)
        g_string_append (text, ", ");
      if (kind == ESP_AXIS_PARAMETER || kind == ESP_AXIS_SEED)
        /* Translators: name and value of a parameter, as in "Seed 42" */
        g_string_append_printf (text, C_ ("parameter", "%s %s"), esp_axis_get_title (axis), label);
      else if (kind == ESP_AXIS_MODEL || kind == ESP_AXIS_PRESET)
        g_string_append (text, label);
      else
        g_string_append_printf (text, _ ("“%s”"), label);
    }
  return g_string_free (text, FALSE);
}
