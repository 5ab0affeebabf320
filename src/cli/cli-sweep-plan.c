/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-sweep-plan.c: from options to cells: models, the base turn, axes, and what of it is there. */
#include "cli-sweep.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli-loras.h"
#include "cli-options.h"
#include "cli-remote-edit.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "cli-sweep-presets.h"
#include "esp-json-member.h"
#include "esp-remote-backend.h"

/* Of a photo in a document that is still to be made. */
#define FIRST_NODE 1

/* ---- models */

/* `name`: what it is called on the command line. */
static const char *
find_model_axis (CliSweep *self, const char **name)
{
  const char *text = cli_sweep_options_find_axis (&self->options, "backend");

  *name = text != NULL ? "backend" : "model";
  return text != NULL ? text : cli_sweep_options_find_axis (&self->options, "model");
}

/* Providers without an account are backends if the command line says so. */
static int
add_backends (CliSweep *self, const char *text)
{
  CliTurn *turn = &self->options.turn;
  g_autoptr (EspAxis) axis = esp_axis_parse ("backend", text, NULL, NULL);

  for (guint i = 0; axis != NULL && i < esp_axis_get_n_values (axis); i++)
    {
      JsonObject *value = json_node_get_object (esp_axis_get_value (axis, i));
      const char *backend = esp_json_get_string (value, "backend");

      if (esp_registry_find_backend (turn->registry, backend) == NULL
          && esp_provider_catalog_find (turn->remote.catalog, backend) != NULL
          && cli_run_remote_find (&turn->remote, backend) == NULL)
        return CLI_EXIT_USAGE;
    }
  return CLI_EXIT_OK;
}

/* Every model of the axis. */
static int
prepare_axis (CliSweep *self, const char *name, const char *text)
{
  const EspAxisContext context = { .registry = self->options.turn.registry };
  g_autoptr (GError) error = NULL;
  g_autoptr (EspAxis) axis = NULL;
  int status = add_backends (self, text);

  if (status != CLI_EXIT_OK)
    return status;
  axis = esp_axis_parse ("backend", text, &context, &error);
  if (axis == NULL)
    return cli_usage ("--axis %s: %s", name, error->message);
  for (guint i = 0; i < esp_axis_get_n_values (axis) && status == CLI_EXIT_OK; i++)
    {
      JsonObject *value = json_node_get_object (esp_axis_get_value (axis, i));
      const char *backend = esp_json_get_string (value, "backend");
      const char *id = esp_json_get_string (value, "model");
      EspModel *model = backend != NULL && id != NULL
                            ? esp_registry_find_model (self->options.turn.registry, backend, id)
                            : NULL;

      if (model == NULL)
        return cli_usage (_ ("--axis: there is no backend or model “%s”; see espalier-cli models "
                             "and espalier-cli providers"),
                          esp_axis_get_label (axis, i));
      status = cli_turn_prepare (&self->session, "--axis", model);
      if (status == CLI_EXIT_OK)
        g_ptr_array_add (self->models, g_object_ref (model));
    }
  return status;
}

/* Presets may be for models of their own. One that there is not is told with its axis. */
static int
prepare_presets (CliSweep *self, const char *text)
{
  CliTurn *turn = &self->options.turn;
  g_autoptr (EspAxis) axis = NULL;
  EspAxisContext context = { 0 };
  int status = CLI_EXIT_OK;

  context.presets = self->presets = cli_sweep_dup_presets ();
  axis = esp_axis_parse ("preset", text, &context, NULL);
  for (guint i = 0; axis != NULL && i < esp_axis_get_n_values (axis) && status == CLI_EXIT_OK; i++)
    {
      JsonObject *value = json_node_get_object (esp_axis_get_value (axis, i));
      JsonObject *preset = esp_json_get_object (value, "settings");
      const char *backend = esp_json_get_string (preset, "backend");
      const char *id = esp_json_get_string (preset, "model");
      EspModel *model;

      if (backend == NULL || id == NULL)
        continue;
      status = add_backends (self, backend);
      model = status == CLI_EXIT_OK ? esp_registry_find_model (turn->registry, backend, id) : NULL;
      if (model == NULL || g_ptr_array_find (self->models, model, NULL))
        continue;
      status = cli_turn_prepare (&self->session, "--axis", model);
      if (status == CLI_EXIT_OK)
        g_ptr_array_add (self->models, g_object_ref (model));
    }
  return status;
}

int
cli_sweep_choose_models (CliSweep *self)
{
  CliTurn *turn = &self->options.turn;
  const char *name = NULL, *text = find_model_axis (self, &name);
  int status = CLI_EXIT_OK;

  self->models = g_ptr_array_new_with_free_func (g_object_unref);
  if (text == NULL || turn->backend != NULL || turn->model != NULL
      || cli_run_remote_get_option (&turn->remote) != NULL)
    status = cli_turn_choose_model (turn, &self->session);
  if (status != CLI_EXIT_OK)
    return status;
  if (text != NULL)
    status = prepare_axis (self, name, text);
  else
    g_ptr_array_add (self->models, g_object_ref (turn->chosen));
  if (status == CLI_EXIT_OK && cli_sweep_options_find_axis (&self->options, "preset") != NULL)
    status = prepare_presets (self, cli_sweep_options_find_axis (&self->options, "preset"));
  if (status == CLI_EXIT_OK && turn->chosen == NULL)
    turn->chosen = self->models->pdata[0];
  return status;
}

/* ---- the plan */

static int
set_parameters (CliSweep *self, JsonObject *parameters)
{
  const struct
  {
    const char *name, *value;
  } texts[] = { { "steps", self->options.steps },
                { "guidance", self->options.guidance },
                { "size", self->options.size } };
  char **setting = self->options.turn.settings;
  int status = CLI_EXIT_OK;

  for (gsize i = 0; i < G_N_ELEMENTS (texts) && status == CLI_EXIT_OK; i++)
    if (texts[i].value != NULL)
      {
        g_autofree char *text = g_strdup_printf ("%s=%s", texts[i].name, texts[i].value);
        g_autofree char *option = g_strdup_printf ("--%s", texts[i].name);

        status = cli_turn_set_parameter (self->models, option, text, parameters);
      }
  for (; setting != NULL && *setting != NULL && status == CLI_EXIT_OK; setting++)
    status = cli_turn_set_parameter (self->models, "--set", *setting, parameters);
  if (status == CLI_EXIT_OK)
    status = cli_loras_check (self->options.turn.loras);
  if (status == CLI_EXIT_OK)
    status = cli_loras_set_for (self->options.turn.loras, self->options.turn.lora_partial,
                                self->models, parameters);
  return status;
}

/* "backend/model" of each, to be freed with g_strfreev (). */
static char **
dup_model_ids (CliSweep *self)
{
  char **ids = g_new0 (char *, self->models->len + 1);

  for (guint i = 0; i < self->models->len; i++)
    {
      EspModel *model = self->models->pdata[i];

      ids[i] = g_strdup_printf ("%s/%s", esp_backend_get_id (esp_model_get_backend (model)),
                                esp_model_get_id (model));
    }
  return ids;
}

static int
parse_axes (CliSweep *self, GPtrArray *axes)
{
  CliTurn *turn = &self->options.turn;
  g_auto (GStrv) models = dup_model_ids (self);
  const EspAxisContext context = {
    .registry = turn->registry,
    .models = (const char *const *) models,
    .document = self->document,
    .instruction = turn->prompt != NULL ? turn->prompt : "",
    .seed = turn->seed,
    .presets = self->presets,
  };

  for (char **text = self->options.axes; text != NULL && *text != NULL; text++)
    {
      const char *equals = strchr (*text, '=');
      g_autofree char *name = g_strndup (*text, (gsize) (equals - *text));
      g_autoptr (GError) error = NULL;
      EspAxis *axis = esp_axis_parse (name, equals + 1, &context, &error);

      if (axis == NULL)
        return cli_usage ("--axis %s: %s", name, error->message);
      g_ptr_array_add (axes, axis);
    }
  return CLI_EXIT_OK;
}

int
cli_sweep_make_plan (CliSweep *self, EspNode *parent, GPtrArray *references)
{
  CliTurn *turn = &self->options.turn;
  g_autoptr (GPtrArray) axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GError) error = NULL;
  EspTurn base = { .instruction = turn->prompt, .negative_prompt = turn->negative_prompt };
  int status = set_parameters (self, parameters);

  if (status == CLI_EXIT_OK)
    status = parse_axes (self, axes);
  if (status != CLI_EXIT_OK)
    return status;
  if (self->models->len == 1
      && self->further->len > esp_model_get_max_references (self->models->pdata[0]))
    return cli_fail (_ ("--reference: “%s” takes at most %u"),
                     esp_model_get_name (self->models->pdata[0]),
                     esp_model_get_max_references (self->models->pdata[0]));
  base.backend = esp_backend_get_id (esp_model_get_backend (turn->chosen));
  base.model = esp_model_get_id (turn->chosen);
  base.model_name = esp_model_get_name (turn->chosen);
  base.parameters = parameters;
  base.has_seed = turn->seed_text != NULL;
  base.seed = turn->seed;
  base.references = (EspNode *const *) references->pdata;
  base.n_references = references->len;
  base.composition = turn->keep.asked;
  g_clear_pointer (&self->plan, esp_sweep_plan_unref);
  self->plan = esp_sweep_plan_new (parent != NULL ? esp_node_get_id (parent) : FIRST_NODE, &base,
                                   axes, self->options.order, &error);
  return self->plan != NULL ? CLI_EXIT_OK : cli_usage ("--axis: %s", error->message);
}

/* ---- cells */

/* --refine */
static int
read_cells (CliSweep *self)
{
  g_auto (GStrv) words = NULL;
  guint64 number;

  if (self->options.refine == NULL)
    return CLI_EXIT_OK;
  if (self->sweep == NULL)
    return cli_usage (_ ("--refine: there is no such sweep yet; begin with --draft-steps"));
  if (g_str_equal (self->options.refine, "all"))
    return CLI_EXIT_OK;
  words = g_strsplit (self->options.refine, ",", -1);
  self->cells = g_array_new (FALSE, FALSE, sizeof (guint));
  for (char **word = words; *word != NULL; word++)
    {
      guint cell;

      if (!cli_option_uint ("--refine", g_strstrip (*word), 1,
                            esp_sweep_plan_get_n_cells (self->plan), &number))
        return CLI_EXIT_USAGE;
      cell = (guint) number - 1;
      g_array_append_val (self->cells, cell);
    }
  return CLI_EXIT_OK;
}

int
cli_sweep_find_sweep (CliSweep *self)
{
  g_autoptr (GArray) ids = self->document != NULL ? esp_sweep_dup_ids (self->document) : NULL;

  for (guint i = ids != NULL ? ids->len : 0; i > 0 && self->sweep == NULL; i--)
    {
      g_autoptr (EspSweep) sweep = esp_sweep_get (
          self->document, g_array_index (ids, gint64, i - 1), self->options.turn.registry);

      if (sweep != NULL && esp_sweep_plan_equal (esp_sweep_get_plan (sweep), self->plan))
        self->sweep = g_steal_pointer (&sweep);
    }
  return read_cells (self);
}

char *
cli_sweep_dup_skipped (CliSweep *self, guint cell)
{
  g_autoptr (GObject) owner = NULL;
  char *skipped = NULL;
  EspTurn turn;

  esp_sweep_plan_get_turn (self->plan, cell, self->options.turn.registry, &turn, NULL, &owner,
                           &skipped);
  return skipped;
}

EspCellState
cli_sweep_get_state (CliSweep *self, guint cell)
{
  g_autofree char *skipped = NULL;

  if (self->sweep != NULL)
    return esp_sweep_get_cell_state (self->sweep, cell);
  skipped = cli_sweep_dup_skipped (self, cell);
  return skipped != NULL ? ESP_CELL_SKIPPED : ESP_CELL_MISSING;
}

char *
cli_sweep_dup_reason (CliSweep *self, guint cell)
{
  EspNode *node = self->sweep != NULL ? esp_sweep_get_node (self->sweep, cell) : NULL;

  switch (cli_sweep_get_state (self, cell))
    {
    case ESP_CELL_SKIPPED:
      return cli_sweep_dup_skipped (self, cell);
    case ESP_CELL_FAILED:
      return g_strdup (
          node != NULL && esp_node_get_message (node) != NULL ? esp_node_get_message (node) : "");
    default:
      return NULL;
    }
}

GArray *
cli_sweep_dup_todo (CliSweep *self)
{
  g_autoptr (GArray) order = esp_sweep_plan_dup_order (self->plan);
  GArray *todo = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < order->len; i++)
    {
      const guint cell = g_array_index (order, guint, i);
      const EspCellState state = cli_sweep_get_state (self, cell);
      gboolean wanted = self->cells == NULL;

      for (guint k = 0; self->cells != NULL && k < self->cells->len; k++)
        wanted = wanted || g_array_index (self->cells, guint, k) == cell;
      if (wanted && state != ESP_CELL_SKIPPED && state != ESP_CELL_DONE
          && !(state == ESP_CELL_PREVIEW && self->options.draft_steps > 0))
        g_array_append_val (todo, cell);
    }
  return todo;
}

/* ---- money */

/* A provider that is paid, and nobody knows how much. Borrowed, or NULL. */
static EspModel *
find_unpriced (CliSweep *self)
{
  CliTurn *turn = &self->options.turn;

  for (guint i = 0; i < self->models->len; i++)
    {
      EspModel *model = self->models->pdata[i];
      EspBackend *backend = esp_model_get_backend (model);
      g_autofree char *pooled = NULL;
      EspProvider *provider;

      if (esp_model_get_price (model) >= 0 || !esp_backend_is_remote (backend))
        continue;
      if (ESP_IS_POOL_BACKEND (backend))
        pooled = esp_pool_backend_dup_provider (ESP_POOL_BACKEND (backend));
      provider = cli_remote_find_provider (turn->remote.catalog, turn->remote.accounts,
                                           pooled != NULL ? pooled : esp_backend_get_id (backend),
                                           NULL, NULL);
      if (provider == NULL || !esp_provider_is_self_hosted (provider))
        return model;
    }
  return NULL;
}

int
cli_sweep_check_cost (CliSweep *self, GArray *todo)
{
  EspSweepEstimate estimate;
  EspModel *unpriced;

  if (self->options.yes || todo->len == 0)
    return CLI_EXIT_OK;
  esp_sweep_plan_estimate (self->plan, self->document, self->queue, todo, self->options.draft_steps,
                           &estimate);
  if (estimate.cost > self->options.limit)
    {
      g_autofree char *price = cli_remote_dup_price (estimate.cost, estimate.currency);
      g_autofree char *limit = cli_remote_dup_price (self->options.limit, estimate.currency);

      /* Translators: two amounts of money. */
      return cli_usage (ngettext ("--limit: %u image would cost %s, more than %s; say --yes, or "
                                  "another limit",
                                  "--limit: %u images would cost %s, more than %s; say --yes, or "
                                  "another limit",
                                  todo->len),
                        todo->len, price, limit);
    }
  unpriced = estimate.cost_is_lower_bound ? find_unpriced (self) : NULL;
  if (unpriced != NULL)
    return cli_usage (ngettext ("--limit: what %u image costs is not known of “%s”; say --yes",
                                "--limit: what %u images cost is not known of “%s”; say --yes",
                                todo->len),
                      todo->len, esp_model_get_name (unpriced));
  return CLI_EXIT_OK;
}
