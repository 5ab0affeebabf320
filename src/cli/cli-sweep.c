/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that makes many turns that differ along axes: sweep. */
#include "cli-sweep.h"

#include <glib/gi18n.h>

#include "cli-commands.h"
#include "cli-remote.h"
#include "cli-report.h"

const char *
cli_sweep_get_axis_name (EspAxis *axis)
{
  switch (esp_axis_get_kind (axis))
    {
    case ESP_AXIS_PARAMETER:
      return esp_axis_get_name (axis);
    case ESP_AXIS_SEED:
      return "seed";
    case ESP_AXIS_INSTRUCTION:
      return "instruction";
    case ESP_AXIS_ALTERNATIVES:
      return g_str_equal (esp_axis_get_name (axis), "0")   ? "alternatives"
             : g_str_equal (esp_axis_get_name (axis), "1") ? "alternatives2"
                                                           : "alternatives3";
    case ESP_AXIS_REPLACE:
      return "replace";
    case ESP_AXIS_NEGATIVE:
      return "negative_prompt";
    case ESP_AXIS_MODEL:
      return "backend";
    case ESP_AXIS_PRESET:
      return "preset";
    case ESP_AXIS_NODE:
    default:
      return "node";
    }
}

/* ---- while it runs */

typedef struct
{
  CliSweep *sweep;
  guint n_over, n;
} Running;

static void
show (Running *self, const char *stage, const char *what, gboolean failed)
{
  g_autofree char *left = cli_sweep_dup_seconds (esp_queue_get_seconds_left (self->sweep->queue));
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, ngettext ("%u of %u cell", "%u of %u cells", self->n), self->n_over,
                          self->n);
  if (what != NULL)
    g_string_append_printf (text, ": %s", what);
  if (failed)
    g_string_append_printf (text, " [%s]", _ ("failed"));
  if (left != NULL && self->n_over < self->n)
    /* Translators: behind "3 of 12 cells": a time, as in "about 40 s". */
    g_string_append_printf (text, _ (", %s left"), left);
  cli_progress_show_phase (&self->sweep->progress, stage, text->str,
                           (double) self->n_over / self->n);
}

static void
on_job_finished (EspQueue *queue, EspJob *job, Running *self)
{
  CliSweep *sweep = self->sweep;
  EspNode *node = esp_job_get_node (job);
  g_autofree char *title = NULL;
  g_autofree char *stage = NULL;

  if (esp_node_get_sweep (node) != esp_sweep_get_id (sweep->sweep))
    return;
  self->n_over++;
  title = esp_sweep_plan_dup_cell_title (sweep->plan, esp_node_get_cell (node));
  stage = g_strdup_printf ("cell %u", self->n_over);
  show (self, stage, sweep->progress.style == CLI_PROGRESS_BAR ? NULL : title,
        esp_job_get_state (job) == ESP_JOB_FAILED);
}

/* On a terminal the time goes down. */
static void
on_seconds_left (EspQueue *queue, GParamSpec *pspec, Running *self)
{
  if (self->sweep->progress.style == CLI_PROGRESS_BAR && self->n_over < self->n)
    show (self, "seconds", NULL, FALSE);
}

/* Queues the cells; the sweep is stored when this returns. */
static int
start (CliSweep *self, GArray *todo)
{
  const int draft_steps = self->options.draft_steps;
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  gboolean started;

  if (self->sweep == NULL)
    esp_sweep_start_async (self->document, self->queue, self->plan, draft_steps,
                           self->session.cancellable, cli_answer_take, &answer);
  else
    esp_sweep_run_async (self->sweep, self->queue, todo, draft_steps, self->session.cancellable,
                         cli_answer_take, &answer);
  cli_session_wait (&self->session, &answer.done, TRUE);
  if (self->sweep == NULL)
    started = (self->sweep = esp_sweep_start_finish (answer.result, &error)) != NULL;
  else
    started = esp_sweep_run_finish (self->sweep, answer.result, &error);
  cli_answer_clear (&answer);
  if (!started && self->session.signal_number == 0)
    return cli_fail ("%s", error->message);
  return started ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int
run (CliSweep *self, GArray *todo)
{
  Running running = { self, 0, todo->len };
  int status;

  g_signal_connect (self->queue, "job-finished", G_CALLBACK (on_job_finished), &running);
  g_signal_connect (self->queue, "notify::seconds-left", G_CALLBACK (on_seconds_left), &running);
  cli_run_remote_set_patience (&self->options.turn.remote);
  status = start (self, todo);
  while (esp_queue_is_busy (self->queue))
    {
      /* Everything stays as it is, for the same command to go on with. */
      if (self->session.signal_number != 0)
        esp_queue_suspend_document (self->queue, self->document);
      if (esp_queue_is_busy (self->queue))
        g_main_context_iteration (NULL, TRUE);
    }
  g_signal_handlers_disconnect_by_data (self->queue, &running);
  cli_progress_finish (&self->progress);
  if (status == CLI_EXIT_OK && self->session.signal_number != 0)
    {
      if (running.n_over >= todo->len)
        return CLI_EXIT_OK;
      if (!self->options.quiet)
        cli_note (ngettext ("Stopped after %u of %u cell. The same command goes on; what is made "
                            "is in %s.",
                            "Stopped after %u of %u cells. The same command goes on; what is made "
                            "is in %s.",
                            todo->len),
                  running.n_over, todo->len, self->path);
      status = CLI_EXIT_FAILED;
    }
  return status;
}

/* ---- all of it */

/* The plan, as far as it can be made now. */
static int
plan (CliSweep *self, gboolean *complete)
{
  g_autoptr (GPtrArray) references = g_ptr_array_new ();
  EspNode *parent = NULL;
  int status = cli_sweep_find_nodes (self, &parent, references, complete);

  if (status == CLI_EXIT_OK)
    status = cli_sweep_make_plan (self, parent, references);
  return status;
}

/* Everything that can be wrong is found before a document is made or changed. */
static int
prepare (CliSweep *self, gboolean *complete)
{
  guint across;
  int status = cli_sweep_find_place (self);

  if (status == CLI_EXIT_OK)
    status = cli_sweep_choose_models (self);
  if (status == CLI_EXIT_OK)
    status = plan (self, complete);
  if (status == CLI_EXIT_OK && !cli_sweep_find_columns (self, &across))
    status = CLI_EXIT_USAGE;
  if (status == CLI_EXIT_OK)
    status = cli_sweep_find_sweep (self);
  return status;
}

/* What providers still have of turns that the document has is forgotten. */
static void
tidy (CliSweep *self)
{
  g_autoptr (GPtrArray) left_over = esp_queue_dup_left_over (self->queue, self->document);
}

static int
check_todo (CliSweep *self, GArray *todo)
{
  const guint n_cells = esp_sweep_plan_get_n_cells (self->plan);
  guint n_skipped = 0;

  for (guint i = 0; i < n_cells; i++)
    n_skipped += cli_sweep_get_state (self, i) == ESP_CELL_SKIPPED;
  if (n_skipped == n_cells)
    {
      g_autofree char *reason = cli_sweep_dup_skipped (self, 0);

      return cli_usage (_ ("--axis: no cell can be made: %s"), reason);
    }
  if (self->sweep != NULL && self->cells == NULL && todo->len == 0 && !self->options.quiet)
    cli_note (_ ("The sweep is there already: nothing to be made."));
  else if (self->sweep != NULL && self->cells == NULL && !self->options.quiet)
    cli_note (ngettext ("Going on with the sweep that is there: %u of %u cell to be made.",
                        "Going on with the sweep that is there: %u of %u cells to be made.",
                        n_cells - n_skipped),
              todo->len, n_cells - n_skipped);
  return cli_sweep_check_cost (self, todo);
}

static int
work (CliSweep *self)
{
  g_autoptr (GArray) todo = NULL;
  gboolean complete = FALSE;
  int written, status = prepare (self, &complete);

  if (status != CLI_EXIT_OK)
    return status;
  todo = cli_sweep_dup_todo (self);
  if (self->options.dry_run)
    {
      cli_sweep_report_plan (self, todo);
      return CLI_EXIT_OK;
    }
  status = check_todo (self, todo);
  if (status == CLI_EXIT_OK && !complete)
    {
      status = cli_sweep_settle (self);
      if (status == CLI_EXIT_OK)
        status = plan (self, &complete);
    }
  if (status != CLI_EXIT_OK)
    return status;
  tidy (self);
  if (todo->len > 0)
    status = run (self, todo);
  if (status != CLI_EXIT_OK)
    return status;
  written = cli_sweep_write (self);
  if (written != CLI_EXIT_OK && self->session.signal_number != 0)
    {
      if (!self->options.quiet)
        cli_note (_ ("Stopped before all files were written. The same command goes on; what is "
                     "made is in %s."),
                  self->path);
      return written;
    }
  status = cli_sweep_report (self);
  return written != CLI_EXIT_OK ? written : status;
}

static void
stop_backends (CliSweep *self)
{
  EspRegistry *registry = self->options.turn.registry;
  CliAnswer stopped = { FALSE, NULL };

  esp_registry_stop_async (registry, cli_answer_take, &stopped);
  cli_session_wait (&self->session, &stopped.done, TRUE);
  esp_registry_stop_finish (registry, stopped.result, NULL);
  cli_answer_clear (&stopped);
}

static void
clear (CliSweep *self)
{
  cli_sweep_options_clear (&self->options);
  g_clear_pointer (&self->photo, g_bytes_unref);
  g_clear_pointer (&self->further, g_ptr_array_unref);
  g_clear_pointer (&self->models, g_ptr_array_unref);
  g_clear_pointer (&self->plan, esp_sweep_plan_unref);
  g_clear_pointer (&self->presets, json_object_unref);
  g_clear_pointer (&self->cells, g_array_unref);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self->path);
}

int
cli_sweep (char ***arguments)
{
  CliSweep self = { 0 };
  CliTurn *turn = &self.options.turn;
  int status;

  if (!cli_sweep_options_read (&self.options, arguments, &status))
    {
      clear (&self);
      return status;
    }
  self.files = g_ptr_array_new_with_free_func (g_free);
  cli_progress_init (&self.progress, self.options.quiet);
  cli_session_begin (&self.session);
  turn->registry = esp_registry_new_installed ();
  cli_run_remote_begin (&turn->remote, turn->registry);
  self.queue = esp_queue_new (turn->registry);
  esp_queue_set_limit (self.queue, self.options.jobs);
  status = work (&self);
  stop_backends (&self);
  status = cli_sweep_leave (&self, status);
  g_clear_object (&self.queue);
  g_clear_pointer (&self.models, g_ptr_array_unref);
  g_clear_object (&turn->registry);
  cli_run_remote_end (&turn->remote);
  status = cli_session_end (&self.session, status);
  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  clear (&self);
  return status;
}
