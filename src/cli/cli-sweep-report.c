/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-sweep-report.c: what is told of a sweep, before and after. */
#include "cli-sweep.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <math.h>

#include "cli-document.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "esp-json-text.h"

/* So many failures are told one by one; the rest is counted. */
#define FAILURES_MAX 8

const char *
cli_cell_state_to_string (EspCellState state)
{
  static const char *const names[]
      = { "missing", "skipped", "waiting", "running", "preview", "done", "failed", "cancelled" };

  return names[state];
}

/* In the middle of a sentence. */
static const char *
get_state_words (EspCellState state)
{
  switch (state)
    {
    case ESP_CELL_SKIPPED:
      return _ ("skipped");
    case ESP_CELL_PREVIEW:
      return _ ("first look");
    case ESP_CELL_DONE:
      return _ ("done");
    case ESP_CELL_FAILED:
      return _ ("failed");
    case ESP_CELL_CANCELLED:
    case ESP_CELL_WAITING:
    case ESP_CELL_RUNNING:
      return _ ("left over");
    case ESP_CELL_MISSING:
    default:
      return _ ("to be made");
    }
}

char *
cli_sweep_dup_seconds (double seconds)
{
  const double whole = ceil (seconds);

  if (seconds < 0)
    return NULL;
  if (whole >= 3600)
    return g_strdup_printf (_ ("about %.0f h %02.0f min"), floor (whole / 3600),
                            floor (fmod (whole, 3600) / 60));
  if (whole >= 60)
    return g_strdup_printf (_ ("about %.0f min %02.0f s"), floor (whole / 60), fmod (whole, 60));
  return g_strdup_printf (_ ("about %.0f s"), MAX (whole, 1));
}

/* ---- JSON */

/* A seed is more than JSON libraries take for a number with a sign. */
static void
put_value (GString *json, const char *key, EspAxis *axis, guint index)
{
  JsonNode *value = esp_axis_get_value (axis, index);

  if (esp_axis_get_kind (axis) == ESP_AXIS_SEED)
    esp_json_put_uint (json, key, (guint64) json_node_get_int (value));
  else
    esp_json_put_value (json, key, value);
}

static void
put_axes (GString *json, EspSweepPlan *plan)
{
  GPtrArray *axes = esp_sweep_plan_get_axes (plan);

  esp_json_open (json, "axes", '[');
  for (guint i = 0; i < axes->len; i++)
    {
      EspAxis *axis = axes->pdata[i];

      esp_json_open (json, NULL, '{');
      esp_json_put_string (json, "name", cli_sweep_get_axis_name (axis), -1);
      esp_json_put_string (json, "title", esp_axis_get_title (axis), -1);
      esp_json_open (json, "values", '[');
      for (guint k = 0; k < esp_axis_get_n_values (axis); k++)
        put_value (json, NULL, axis, k);
      esp_json_close (json, ']');
      esp_json_open (json, "labels", '[');
      for (guint k = 0; k < esp_axis_get_n_values (axis); k++)
        esp_json_put_string (json, NULL, esp_axis_get_label (axis, k), -1);
      esp_json_close (json, ']');
      esp_json_close (json, '}');
    }
  esp_json_close (json, ']');
}

static void
put_node (GString *json, EspNode *node)
{
  if (node == NULL)
    {
      esp_json_put_raw (json, "node", "null");
      return;
    }
  esp_json_put_uint (json, "node", (guint64) esp_node_get_id (node));
  if (esp_node_has_seed (node))
    esp_json_put_uint (json, "seed", esp_node_get_seed (node));
  cli_document_put_image (json, node);
  cli_document_put_known (json, "seconds", esp_node_get_seconds (node));
  cli_document_put_known (json, "cost", esp_node_get_cost (node));
  esp_json_put_string (json, "currency", esp_node_get_currency (node), -1);
}

static void
put_cell (GString *json, CliSweep *self, guint cell)
{
  GPtrArray *axes = esp_sweep_plan_get_axes (self->plan);
  g_autofree char *title = esp_sweep_plan_dup_cell_title (self->plan, cell);
  g_autofree char *reason = cli_sweep_dup_reason (self, cell);
  guint indices[ESP_SWEEP_MAX_AXES];

  esp_sweep_plan_get_indices (self->plan, cell, indices);
  esp_json_open (json, NULL, '{');
  esp_json_put_uint (json, "cell", cell + 1);
  esp_json_open (json, "indices", '[');
  for (guint i = 0; i < axes->len; i++)
    esp_json_put_uint (json, NULL, indices[i]);
  esp_json_close (json, ']');
  esp_json_open (json, "values", '{');
  for (guint i = 0; i < axes->len; i++)
    put_value (json, cli_sweep_get_axis_name (axes->pdata[i]), axes->pdata[i], indices[i]);
  esp_json_close (json, '}');
  esp_json_put_string (json, "title", title, -1);
  esp_json_put_string (json, "state", cli_cell_state_to_string (cli_sweep_get_state (self, cell)),
                       -1);
  esp_json_put_string (json, "reason", reason, -1);
  put_node (json, self->sweep != NULL ? esp_sweep_get_node (self->sweep, cell) : NULL);
  esp_json_close (json, '}');
}

typedef struct
{
  guint states[ESP_CELL_CANCELLED + 1];
  double seconds, cost;
  const char *currency; /* NULL: none, or several */
  gboolean several;
} Totals;

static void
sum (CliSweep *self, Totals *totals)
{
  for (guint i = 0; i < esp_sweep_plan_get_n_cells (self->plan); i++)
    {
      EspNode *node = self->sweep != NULL ? esp_sweep_get_node (self->sweep, i) : NULL;
      const double cost = node != NULL ? esp_node_get_cost (node) : 0;

      totals->states[cli_sweep_get_state (self, i)]++;
      totals->seconds += node != NULL ? MAX (esp_node_get_seconds (node), 0) : 0;
      if (cost <= 0)
        continue;
      totals->several = totals->several
                        || (totals->cost > 0
                            && g_strcmp0 (totals->currency, esp_node_get_currency (node)) != 0);
      totals->cost += cost;
      totals->currency = esp_node_get_currency (node);
    }
}

static void
put_totals (GString *json, const Totals *totals, guint n_cells)
{
  esp_json_open (json, "totals", '{');
  esp_json_put_uint (json, "cells", n_cells);
  for (guint i = 0; i < G_N_ELEMENTS (totals->states); i++)
    esp_json_put_uint (json, cli_cell_state_to_string (i), totals->states[i]);
  esp_json_put_double (json, "seconds", totals->seconds);
  cli_document_put_known (json, "cost", totals->several ? -1 : totals->cost);
  esp_json_put_string (json, "currency", totals->several ? NULL : totals->currency, -1);
  esp_json_close (json, '}');
}

/* All but what is only known before. The object stays open. */
static void
put_sweep (GString *json, CliSweep *self)
{
  const guint n_cells = esp_sweep_plan_get_n_cells (self->plan);
  g_autofree char *title = esp_sweep_plan_dup_title (self->plan);
  g_autofree char *document = self->is_kept ? NULL : g_filename_display_name (self->path);
  Totals totals = { { 0 } };

  sum (self, &totals);
  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "title", title, -1);
  esp_json_put_string (json, "document", document, -1);
  if (self->sweep != NULL)
    esp_json_put_uint (json, "sweep", (guint64) esp_sweep_get_id (self->sweep));
  else
    esp_json_put_raw (json, "sweep", "null");
  put_axes (json, self->plan);
  esp_json_open (json, "cells", '[');
  for (guint i = 0; i < n_cells; i++)
    put_cell (json, self, i);
  esp_json_close (json, ']');
  put_totals (json, &totals, n_cells);
  esp_json_open (json, "files", '[');
  for (guint i = 0; i < self->files->len; i++)
    {
      g_autofree char *valid = g_utf8_make_valid (self->files->pdata[i], -1);

      esp_json_put_string (json, NULL, valid, -1);
    }
  esp_json_close (json, ']');
}

/* ---- before */

static char *
dup_cost (const EspSweepEstimate *estimate)
{
  g_autofree char *price
      = estimate->cost > 0 ? cli_remote_dup_price (estimate->cost, estimate->currency) : NULL;

  if (price == NULL)
    return g_strdup (estimate->cost_is_lower_bound ? _ ("not known") : _ ("nothing"));
  /* Translators: an amount of money. */
  return estimate->cost_is_lower_bound ? g_strdup_printf (_ ("%s at least"), price)
                                       : g_steal_pointer (&price);
}

static void
describe_cells (GString *text, CliSweep *self)
{
  const guint n_cells = esp_sweep_plan_get_n_cells (self->plan);
  const int digits = n_cells < 10 ? 1 : n_cells < 100 ? 2 : n_cells < 1000 ? 3 : 4;

  for (guint i = 0; i < n_cells; i++)
    {
      g_autofree char *title = esp_sweep_plan_dup_cell_title (self->plan, i);
      g_autofree char *reason = cli_sweep_dup_reason (self, i);
      const EspCellState state = cli_sweep_get_state (self, i);

      g_string_append_printf (text, "  %*u  %s", digits, i + 1, title);
      if (reason != NULL)
        g_string_append_printf (text, "  [%s: %s]", get_state_words (state), reason);
      else if (state != ESP_CELL_MISSING)
        g_string_append_printf (text, "  [%s]", get_state_words (state));
      g_string_append_c (text, '\n');
    }
}

void
cli_sweep_report_plan (CliSweep *self, GArray *todo)
{
  const guint n_cells = esp_sweep_plan_get_n_cells (self->plan);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *title = esp_sweep_plan_dup_title (self->plan);
  g_autofree char *seconds = NULL;
  g_autofree char *cost = NULL;
  EspSweepEstimate estimate;

  esp_sweep_plan_estimate (self->plan, self->document, self->queue, todo, self->options.draft_steps,
                           &estimate);
  if (self->options.json)
    {
      put_sweep (text, self);
      esp_json_open (text, "estimate", '{');
      esp_json_put_uint (text, "cells", todo->len);
      cli_document_put_known (text, "seconds", estimate.seconds);
      esp_json_put_double (text, "cost", estimate.cost);
      esp_json_put_bool (text, "cost_is_lower_bound", estimate.cost_is_lower_bound);
      esp_json_put_string (text, "currency", estimate.currency, -1);
      esp_json_close (text, '}');
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
      cli_print (text->str);
      return;
    }
  seconds = cli_sweep_dup_seconds (estimate.seconds);
  cost = dup_cost (&estimate);
  g_string_append_printf (text, ngettext ("%s: %u cell\n", "%s: %u cells\n", n_cells), title,
                          n_cells);
  describe_cells (text, self);
  g_string_append_printf (text, _ ("To be made: %u\n"), todo->len);
  g_string_append_printf (text, _ ("Time: %s\n"), seconds != NULL ? seconds : _ ("not known"));
  g_string_append_printf (text, _ ("Cost: %s\n"), cost);
  cli_print (text->str);
}

/* ---- after */

static void
describe_totals (GString *text, CliSweep *self)
{
  static const EspCellState told[]
      = { ESP_CELL_DONE, ESP_CELL_PREVIEW, ESP_CELL_FAILED, ESP_CELL_SKIPPED };
  const guint n_cells = esp_sweep_plan_get_n_cells (self->plan);
  Totals totals = { { 0 } };

  sum (self, &totals);
  g_string_append_printf (text, ngettext ("%u cell", "%u cells", n_cells), n_cells);
  for (gsize i = 0; i < G_N_ELEMENTS (told); i++)
    if (totals.states[told[i]] > 0)
      g_string_append_printf (text, "%s%u %s", i == 0 ? ": " : ", ", totals.states[told[i]],
                              get_state_words (told[i]));
  if (totals.cost > 0 && !totals.several)
    {
      g_autofree char *price = cli_remote_dup_price (totals.cost, totals.currency);

      g_string_append_printf (text, ", %s", price);
    }
  g_string_append_printf (text, _ (", %.1f s"), totals.seconds);
  g_string_append_c (text, '\n');
  for (guint i = 0; i < self->files->len; i++)
    g_string_append_printf (text, "%s\n", (char *) self->files->pdata[i]);
}

static int
report_failures (CliSweep *self)
{
  int status = CLI_EXIT_OK;
  guint n = 0;

  if (self->sweep != NULL && esp_sweep_count (self->sweep, ESP_CELL_FAILED) > 0 && self->is_kept
      && !self->options.quiet)
    cli_note (_ ("What is made is kept in %s; the same command tries the others again."),
              self->path);
  for (guint i = 0; i < esp_sweep_plan_get_n_cells (self->plan); i++)
    {
      g_autofree char *title = NULL;
      g_autofree char *reason = NULL;
      int own;

      if (cli_sweep_get_state (self, i) != ESP_CELL_FAILED)
        continue;
      own = cli_run_remote_get_status (esp_sweep_get_node (self->sweep, i));
      status = status == CLI_EXIT_OK || status == own ? own : CLI_EXIT_FAILED;
      if (n++ >= FAILURES_MAX)
        continue;
      title = esp_sweep_plan_dup_cell_title (self->plan, i);
      reason = cli_sweep_dup_reason (self, i);
      cli_fail (_ ("cell %u, %s: %s"), i + 1, title, reason);
    }
  if (n > FAILURES_MAX)
    cli_fail (ngettext ("and %u cell more", "and %u cells more", n - FAILURES_MAX),
              n - FAILURES_MAX);
  return status;
}

int
cli_sweep_report (CliSweep *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (self->options.json)
    {
      put_sweep (text, self);
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  else
    describe_totals (text, self);
  if (self->options.json || !self->options.quiet)
    cli_print (text->str);
  return report_failures (self);
}
