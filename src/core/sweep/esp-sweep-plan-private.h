/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-plan-private.h: plans from the inside, for the files of sweeps. */
#pragma once

#include "esp-sweep-plan.h"

G_BEGIN_DECLS

struct _EspSweepPlan
{
  gatomicrefcount count;

  gint64 parent;
  char *instruction; /* with its alternatives; never NULL */
  char *negative_prompt;
  char *backend;
  char *model;
  char *model_name;
  JsonObject *parameters; /* never NULL */
  guint64 seed;
  gboolean seed_chosen;        /* by us */
  GArray *references;          /* of gint64 */
  EspComposition *composition; /* what each asks for; or NULL */

  GPtrArray *axes; /* of EspAxis */
  EspSweepOrder order;
  guint n_cells;
};

/* Which model makes a cell; everything borrowed. FALSE, with a sentence: there is none, as far as
 * the registry (or NULL) knows. */
typedef struct
{
  const char *backend;
  const char *id;   /* or NULL */
  const char *name; /* or NULL */
  EspModel *model;  /* NULL without a registry */
} EspSweepModel;

gboolean _esp_sweep_plan_find_model (EspSweepPlan *self, const guint indices[ESP_SWEEP_MAX_AXES],
                                     EspRegistry *registry, EspSweepModel *model, char **skipped);

/* Makes a first look of a cell's turn: with so many steps, if it would take more. FALSE: it is as
 * it was. */
gboolean _esp_sweep_turn_lower_steps (EspTurn *turn, EspRegistry *registry, int steps);

/* The settings of a preset: `settings` is an object of parameters, or has them as "parameters"
 * beside the "backend" and "model" that they are for. */
JsonObject *_esp_preset_get_parameters (JsonObject *settings);

G_END_DECLS
