/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-plan.c: a base turn, axes, and the turns of the cells. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-sweep-plan.h"

struct _EspSweepPlan
{
  gatomicrefcount count;
};

G_DEFINE_BOXED_TYPE (EspSweepPlan, esp_sweep_plan, esp_sweep_plan_ref, esp_sweep_plan_unref)

EspSweepPlan *
esp_sweep_plan_ref (EspSweepPlan *self)
{
  g_atomic_ref_count_inc (&self->count);
  return self;
}

void
esp_sweep_plan_unref (EspSweepPlan *self)
{
  if (g_atomic_ref_count_dec (&self->count))
    g_free (self);
}

EspSweepPlan *
esp_sweep_plan_new (gint64 parent, const EspTurn *turn, GPtrArray *axes, EspSweepOrder order,
                    GError **error)
{
  g_set_error_literal (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE, "");
  return NULL;
}

EspSweepPlan *
esp_sweep_plan_from_json (const char *json, GError **error)
{
  g_set_error_literal (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_FORMAT, "");
  return NULL;
}

char *
esp_sweep_plan_dup_json (EspSweepPlan *self)
{
  return g_strdup ("{}");
}

gboolean
esp_sweep_plan_equal (EspSweepPlan *a, EspSweepPlan *b)
{
  return a == b;
}

char *
esp_sweep_plan_dup_title (EspSweepPlan *self)
{
  return g_strdup ("");
}

gint64
esp_sweep_plan_get_parent (EspSweepPlan *self)
{
  return 0;
}

GPtrArray *
esp_sweep_plan_get_axes (EspSweepPlan *self)
{
  return NULL;
}

guint
esp_sweep_plan_get_n_cells (EspSweepPlan *self)
{
  return 0;
}

void
esp_sweep_plan_get_indices (EspSweepPlan *self, guint cell, guint indices[ESP_SWEEP_MAX_AXES])
{
}

guint
esp_sweep_plan_get_cell (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES])
{
  return 0;
}

GArray *
esp_sweep_plan_dup_order (EspSweepPlan *self)
{
  return g_array_new (FALSE, FALSE, sizeof (guint));
}

char *
esp_sweep_plan_dup_cell_title (EspSweepPlan *self, guint cell)
{
  return g_strdup ("");
}

gboolean
esp_sweep_plan_get_turn (EspSweepPlan *self, guint cell, EspRegistry *registry, EspTurn *turn,
                         gint64 *parent, GObject **owner, char **skipped)
{
  return FALSE;
}
