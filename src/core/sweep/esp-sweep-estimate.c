/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-estimate.c: how long a sweep will take and what it will cost. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-sweep-private.h"

#include "esp-axis-private.h"

#include <string.h>

/* What one turn takes, and how many of them there are. */
typedef struct
{
  EspBackend *backend; /* borrowed, or NULL */
  EspModel *model;     /* the same */
  double seconds;      /* of one; < 0 unknown */
  guint n;
} Kind;

typedef struct
{
  double sum, longest;
} Work;

/* What has a say in how long a turn takes: the model, its steps. */
static char *
dup_key (EspSweepPlan *plan, const guint indices[ESP_SWEEP_MAX_AXES], const EspSweepModel *model)
{
  GString *key = g_string_new (NULL);

  g_string_append_printf (key, "%s\n%s", model->backend != NULL ? model->backend : "",
                          model->id != NULL ? model->id : "");
  for (guint i = 0; i < plan->axes->len; i++)
    {
      EspAxis *axis = plan->axes->pdata[i];

      if (esp_axis_get_kind (axis) == ESP_AXIS_PRESET
          || (esp_axis_get_kind (axis) == ESP_AXIS_PARAMETER
              && strcmp (esp_axis_get_name (axis), "steps") == 0))
        g_string_append_printf (key, "\n%u", indices[i]);
    }
  return g_string_free (key, FALSE);
}

static Kind *
make_kind (EspSweepPlan *plan, guint cell, EspDocument *document, EspQueue *queue, int draft_steps)
{
  EspRegistry *registry = esp_queue_get_registry (queue);
  g_autoptr (GObject) owner = NULL;
  Kind *kind = g_new0 (Kind, 1);
  EspTurn turn;

  kind->seconds = -1;
  if (!esp_sweep_plan_get_turn (plan, cell, registry, &turn, NULL, &owner, NULL))
    return kind;
  if (draft_steps > 0)
    _esp_sweep_turn_lower_steps (&turn, registry, draft_steps);
  kind->backend = turn.backend != NULL ? esp_registry_find_backend (registry, turn.backend) : NULL;
  kind->model
      = kind->backend != NULL ? esp_registry_find_model (registry, turn.backend, turn.model) : NULL;
  kind->seconds = esp_queue_estimate (queue, document, &turn);
  return kind;
}

static gboolean
is_there (EspSweep *sweep, guint cell, int draft_steps)
{
  const EspCellState state
      = sweep != NULL ? esp_sweep_get_cell_state (sweep, cell) : ESP_CELL_MISSING;

  return state == ESP_CELL_DONE || state == ESP_CELL_WAITING || state == ESP_CELL_RUNNING
         || (state == ESP_CELL_PREVIEW && draft_steps > 0);
}

/* Backends work beside each other, and each on as many turns as it can. */
static double
sum_seconds (GHashTable *kinds, guint limit)
{
  g_autoptr (GHashTable) works = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  GHashTableIter iter;
  gpointer key, value;
  double seconds = 0, sum = 0;

  g_hash_table_iter_init (&iter, kinds);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Kind *kind = value;
      Work *work = g_hash_table_lookup (works, kind->backend);

      if (kind->seconds < 0)
        return -1;
      if (work == NULL)
        {
          work = g_new0 (Work, 1);
          g_hash_table_insert (works, kind->backend, work);
        }
      work->sum += kind->seconds * kind->n;
      work->longest = MAX (work->longest, kind->seconds);
    }
  g_hash_table_iter_init (&iter, works);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const Work *work = value;
      const guint n = key != NULL ? esp_backend_get_concurrency (key) : 1;

      seconds = MAX (seconds, MAX (work->sum / n, work->longest));
      sum += work->sum;
    }
  return limit > 0 ? MAX (seconds, sum / limit) : seconds;
}

static void
sum_cost (GHashTable *kinds, EspSweepEstimate *estimate)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, kinds);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Kind *kind = value;
      const double price = kind->model != NULL ? esp_model_get_price (kind->model) : -1;
      const char *currency = price > 0 ? esp_model_get_currency (kind->model) : NULL;

      /* Of another currency: nobody here knows what that is in the first. */
      if (price < 0
          || (price > 0 && estimate->cost > 0 && g_strcmp0 (currency, estimate->currency) != 0))
        {
          estimate->cost_is_lower_bound = TRUE;
          continue;
        }
      if (price > 0)
        estimate->currency = currency;
      estimate->cost += price * kind->n;
    }
}

void
esp_sweep_plan_estimate (EspSweepPlan *plan, EspDocument *document, EspQueue *queue, GArray *cells,
                         int draft_steps, EspSweepEstimate *estimate)
{
  g_autoptr (GHashTable) kinds = NULL;
  EspSweep *sweep;

  g_return_if_fail (plan != NULL && estimate != NULL);
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_QUEUE (queue));

  *estimate = (EspSweepEstimate){ 0 };
  kinds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  sweep = document != NULL ? _esp_sweep_find (document, plan) : NULL;
  for (guint i = 0; i < (cells != NULL ? cells->len : plan->n_cells); i++)
    {
      const guint cell = cells != NULL ? g_array_index (cells, guint, i) : i;
      EspRegistry *registry = esp_queue_get_registry (queue);
      g_autofree char *skipped = NULL;
      guint indices[ESP_SWEEP_MAX_AXES];
      g_autofree char *key = NULL;
      EspSweepModel model;
      Kind *kind;

      g_return_if_fail (cell < plan->n_cells);
      if (is_there (sweep, cell, draft_steps))
        continue;
      skipped = esp_sweep_plan_dup_skipped (plan, cell, registry);
      if (skipped != NULL)
        {
          estimate->n_skipped++;
          continue;
        }
      estimate->n_cells++;
      esp_sweep_plan_get_indices (plan, cell, indices);
      _esp_sweep_plan_find_model (plan, indices, registry, &model, &skipped);
      key = dup_key (plan, indices, &model);
      kind = g_hash_table_lookup (kinds, key);
      if (kind == NULL)
        {
          kind = make_kind (plan, cell, document, queue, draft_steps);
          g_hash_table_insert (kinds, g_steal_pointer (&key), kind);
        }
      kind->n++;
    }
  estimate->seconds = sum_seconds (kinds, esp_queue_get_limit (queue));
  sum_cost (kinds, estimate);
}
