/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-order.c: which cell of a plan is run when. */
#include "esp-sweep-plan-private.h"

#include "esp-axis-private.h"
#include "esp-json-member.h"
#include "esp-loras.h"

#include <math.h>
#include <string.h>

/* --- Near first ------------------------------------------------------------------------------- */

static gboolean
is_number (JsonNode *value)
{
  return value != NULL && JSON_NODE_HOLDS_VALUE (value)
         && json_node_get_value_type (value) != G_TYPE_STRING;
}

/* The first value that is the base's, or, of numbers, the nearest. */
static guint
find_value (EspAxis *axis, JsonNode *base)
{
  g_autofree char *wanted = base != NULL ? _esp_axis_dup_value_text (base) : NULL;
  guint nearest = 0;
  double distance = HUGE_VAL;

  for (guint i = 0; base != NULL && i < esp_axis_get_n_values (axis); i++)
    {
      JsonNode *value = esp_axis_get_value (axis, i);
      g_autofree char *text = _esp_axis_dup_value_text (value);

      if (strcmp (text, wanted) == 0)
        return i;
      if (is_number (value) && is_number (base)
          && fabs (json_node_get_double (value) - json_node_get_double (base)) < distance)
        {
          distance = fabs (json_node_get_double (value) - json_node_get_double (base));
          nearest = i;
        }
    }
  return nearest;
}

static guint
find_text (EspAxis *axis, const char *text)
{
  g_autoptr (JsonNode) node
      = text != NULL ? json_node_init_string (json_node_alloc (), text) : NULL;

  return find_value (axis, node);
}

static guint
find_number (EspAxis *axis, gint64 number)
{
  g_autoptr (JsonNode) node = json_node_init_int (json_node_alloc (), number);

  return find_value (axis, node);
}

static guint
find_base_model (EspSweepPlan *self, EspAxis *axis)
{
  for (guint i = 0; i < esp_axis_get_n_values (axis); i++)
    {
      JsonObject *object = json_node_get_object (esp_axis_get_value (axis, i));

      if (g_strcmp0 (esp_json_get_string (object, "backend"), self->backend) == 0
          && g_strcmp0 (esp_json_get_string (object, "model"), self->model) == 0)
        return i;
    }
  return 0;
}

static guint
find_base_strength (EspSweepPlan *self, EspAxis *axis)
{
  JsonObject *lora = esp_loras_find (json_object_get_member (self->parameters, "loras"),
                                     esp_lora_axis_get_lora (esp_axis_get_name (axis)));
  g_autoptr (JsonNode) strength
      = json_node_init_double (json_node_alloc (), lora != NULL ? esp_lora_get_strength (lora) : 0);

  return find_value (axis, strength);
}

static guint
find_base (EspSweepPlan *self, EspAxis *axis)
{
  switch (esp_axis_get_kind (axis))
    {
    case ESP_AXIS_PARAMETER:
      if (esp_lora_axis_get_lora (esp_axis_get_name (axis)) != NULL)
        return find_base_strength (self, axis);
      return find_value (axis, json_object_get_member (self->parameters, esp_axis_get_name (axis)));
    case ESP_AXIS_SEED:
      return find_number (axis, (gint64) self->seed);
    case ESP_AXIS_INSTRUCTION:
      return find_text (axis, self->instruction);
    case ESP_AXIS_NEGATIVE:
      return find_text (axis, self->negative_prompt);
    case ESP_AXIS_MODEL:
      return find_base_model (self, axis);
    case ESP_AXIS_NODE:
      return find_number (axis, self->parent);
    case ESP_AXIS_ALTERNATIVES:
    case ESP_AXIS_REPLACE:
    case ESP_AXIS_PRESET:
    default:
      return 0;
    }
}

typedef struct
{
  guint cell;
  guint distance; /* squared */
} Placed;

static int
compare_placed (gconstpointer a, gconstpointer b)
{
  const Placed *x = a, *y = b;

  if (x->distance != y->distance)
    return x->distance < y->distance ? -1 : 1;
  return (x->cell > y->cell) - (x->cell < y->cell);
}

static void
sort_near (EspSweepPlan *self, GArray *cells)
{
  g_autofree Placed *placed = g_new (Placed, cells->len);
  guint base[ESP_SWEEP_MAX_AXES] = { 0 };
  guint indices[ESP_SWEEP_MAX_AXES];

  for (guint i = 0; i < self->axes->len; i++)
    base[i] = find_base (self, self->axes->pdata[i]);
  for (guint i = 0; i < cells->len; i++)
    {
      placed[i] = (Placed){ .cell = i, .distance = 0 };
      esp_sweep_plan_get_indices (self, i, indices);
      for (guint j = 0; j < self->axes->len; j++)
        placed[i].distance += (indices[j] - base[j]) * (indices[j] - base[j]);
    }
  qsort (placed, cells->len, sizeof *placed, compare_placed);
  for (guint i = 0; i < cells->len; i++)
    g_array_index (cells, guint, i) = placed[i].cell;
}

/* --- At random -------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea and Flood 2014): the same everywhere, for ever. */
static guint64
next_random (guint64 *state)
{
  guint64 z = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static void
shuffle (EspSweepPlan *self, GArray *cells)
{
  g_autofree char *json = esp_sweep_plan_dup_json (self);
  guint64 state = g_str_hash (json);

  for (guint i = cells->len; i > 1; i--)
    {
      const guint j = (guint) (next_random (&state) % i);
      const guint cell = g_array_index (cells, guint, i - 1);

      g_array_index (cells, guint, i - 1) = g_array_index (cells, guint, j);
      g_array_index (cells, guint, j) = cell;
    }
}

GArray *
esp_sweep_plan_dup_order (EspSweepPlan *self)
{
  GArray *cells = g_array_new (FALSE, FALSE, sizeof (guint));

  g_return_val_if_fail (self != NULL, cells);

  for (guint i = 0; i < self->n_cells; i++)
    g_array_append_val (cells, i);
  if (self->order == ESP_SWEEP_NEAR)
    sort_near (self, cells);
  else if (self->order == ESP_SWEEP_RANDOM)
    shuffle (self, cells);
  return cells;
}
