/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that adds turns to a document and makes them, or those that were left over: run. */
#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-compose-report.h"
#include "cli-document.h"
#include "cli-export.h"
#include "cli-loras.h"
#include "cli-options.h"
#include "cli-progress.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "cli-run-apart.h"
#include "cli-turn.h"
#include "esp-json-text.h"
#include "esp-queue.h"

#define VARIATIONS_MAX 8

typedef struct
{
  CliTurn turn;
  char *variations_text, *output; /* or NULL */
  gboolean resume, json, quiet;
  guint64 variations;

  CliSession session;
  CliProgress progress;
  EspDocument *source;   /* DOC */
  CliApart apart;        /* with --output */
  EspDocument *document; /* where the turns are made: DOC or that of `apart` */
  EspQueue *queue;
  JsonObject *parameters;
  GPtrArray *nodes; /* of EspNode: the new turns */
  guint n_over;
} Run;

static void
run_clear (Run *self)
{
  cli_turn_clear (&self->turn);
  g_free (self->variations_text);
  g_free (self->output);
  g_clear_pointer (&self->parameters, json_object_unref);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
}

static gboolean
parse (Run *self, char ***arguments, int *status)
{
  const GOptionEntry own[] = {
    { "variations", 0, 0, G_OPTION_ARG_FILENAME, &self->variations_text,
      N_ ("How many turns with consecutive seeds, 1 to 8"), N_ ("N") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output,
      N_ ("Write the result here (.png, .jpg, .webp or .tiff) and leave DOC as it is"),
      N_ ("FILE") },
    { "resume", 0, 0, G_OPTION_ARG_NONE, &self->resume,
      N_ ("Make the turns that were left over when a program ended"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_ ("Print one JSON object about the new nodes"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_ ("Print nothing but errors"), NULL },
    { NULL },
  };
  g_autofree GOptionEntry *entries = cli_turn_dup_entries (&self->turn, own);

  return cli_options_parse (
      arguments, N_ ("DOC --node ID -p PROMPT"),
      _ ("Adds a turn to the document DOC: edits the image of a node as PROMPT says."), entries,
      status);
}

/* What makes no sense together. */
static gboolean
check_kind (Run *self)
{
  const struct
  {
    const char *option;
    gboolean given;
  } options[] = {
    { "--node", self->turn.node != NULL },
    { "--prompt", self->turn.prompt != NULL },
    { "--negative-prompt", self->turn.negative_prompt != NULL },
    { "--set", self->turn.settings != NULL },
    { "--lora", self->turn.loras != NULL },
    { "--lora-partial", self->turn.lora_partial },
    { "--variations", self->variations_text != NULL },
    { "--seed", self->turn.seed_text != NULL },
    { "--reference", self->turn.references != NULL },
    { "--backend", self->turn.backend != NULL },
    { "--model", self->turn.model != NULL },
    { "--keep-untouched", self->turn.keep.keep_text != NULL },
    { "--region", self->turn.keep.region_text != NULL },
    { "--output", self->output != NULL },
  };

  for (gsize i = 0; self->resume && i < G_N_ELEMENTS (options); i++)
    if (options[i].given)
      {
        cli_usage (_ ("%s: says nothing with --resume, which makes turns as they were asked for"),
                   options[i].option);
        return FALSE;
      }
  if (!self->resume && self->turn.prompt == NULL)
    cli_usage (_ ("--prompt: is missing"));
  else if (self->output != NULL && self->variations_text != NULL)
    cli_usage (_ ("--variations: --output takes one result"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_output (Run *self, int *status)
{
  EspExportFormat format;

  *status = CLI_EXIT_USAGE;
  if (self->output == NULL)
    return TRUE;
  if (!cli_export_format_from_name (self->output, &format, NULL))
    {
      cli_usage (_ ("--output: “%s”: its name must end in .png, .jpg, .webp or .tiff"),
                 self->output);
      return FALSE;
    }
  *status = CLI_EXIT_FAILED;
  return cli_option_target ("--output", self->output);
}

static gboolean
check (Run *self, char **arguments, int *status)
{
  *status = CLI_EXIT_USAGE;
  if (arguments[1] == NULL)
    cli_usage (_ ("%s: DOC is missing"), "run");
  else if (arguments[2] != NULL)
    cli_usage (_ ("%s: %s: one document at a time"), "run", arguments[2]);
  else if (!check_kind (self) || !cli_turn_check (&self->turn, ESP_KEEP_AUTO)
           || (self->variations_text != NULL
               && !cli_option_uint ("--variations", self->variations_text, 1, VARIATIONS_MAX,
                                    &self->variations)))
    ;
  else
    return check_output (self, status);
  return FALSE;
}

/* ---- the turns */

static int
set_parameters (Run *self)
{
  g_autoptr (GPtrArray) models = g_ptr_array_new ();
  int status = CLI_EXIT_OK;

  self->parameters = esp_schema_dup_defaults (esp_model_get_schema (self->turn.chosen));
  json_object_remove_member (self->parameters, "prompt");
  json_object_remove_member (self->parameters, "negative_prompt");
  json_object_remove_member (self->parameters, "seed");
  g_ptr_array_add (models, self->turn.chosen);
  for (char **setting = self->turn.settings;
       setting != NULL && *setting != NULL && status == CLI_EXIT_OK; setting++)
    status = cli_turn_set_parameter (models, "--set", *setting, self->parameters);
  if (status == CLI_EXIT_OK)
    status = cli_loras_check (self->turn.loras);
  if (status == CLI_EXIT_OK)
    status
        = cli_loras_set_for (self->turn.loras, self->turn.lora_partial, models, self->parameters);
  return status;
}

static int
find_references (Run *self, GPtrArray *references)
{
  int status = CLI_EXIT_OK;

  for (char **text = self->turn.references; text != NULL && *text != NULL; text++)
    {
      const gboolean is_node = cli_turn_is_number (*text);
      EspNode *node = is_node ? cli_document_find_node (self->source, "--reference", *text, &status)
                              : cli_document_import (&self->session, self->document, *text, NULL);

      if (node == NULL)
        return status != CLI_EXIT_OK ? status : CLI_EXIT_FAILED;
      if (!esp_node_has_image (node))
        return cli_fail (_ ("--reference: node %s has no image"), *text);
      if (is_node && self->output != NULL)
        node = cli_apart_copy (&self->apart, &self->session, self->source, node);
      if (node == NULL)
        return CLI_EXIT_FAILED;
      g_ptr_array_add (references, node);
    }
  if (references->len > esp_model_get_max_references (self->turn.chosen))
    return cli_fail (_ ("--reference: “%s” takes at most %u"),
                     esp_model_get_name (self->turn.chosen),
                     esp_model_get_max_references (self->turn.chosen));
  return CLI_EXIT_OK;
}

/* The seeds of the turns, which follow each other, within what the model takes. */
static gboolean
choose_seed (Run *self, guint64 *seed)
{
  const EspParameter *parameter
      = esp_schema_find (esp_model_get_schema (self->turn.chosen), "seed");
  const guint64 more = self->variations - 1;
  guint64 maximum = G_MAXUINT64;

  /* Above that a double does not tell numbers from each other, and it means "no limit". */
  if (parameter != NULL && parameter->maximum < 9007199254740992.0)
    maximum = (guint64) MAX (parameter->maximum, (double) more);
  *seed = self->turn.seed_text != NULL ? self->turn.seed
          : maximum < G_MAXUINT32      ? g_random_int () % (maximum - more + 1)
                                       : g_random_int ();
  if (*seed <= maximum - more)
    return TRUE;
  cli_usage (_ ("--seed: “%s” takes seeds up to %" PRIu64), esp_model_get_name (self->turn.chosen),
             maximum);
  return FALSE;
}

static int
add_turns (Run *self, EspNode *parent)
{
  g_autoptr (GPtrArray) references = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspTurn turn
      = { .instruction = self->turn.prompt, .negative_prompt = self->turn.negative_prompt };
  int status = find_references (self, references);

  if (status != CLI_EXIT_OK)
    return status;
  turn.backend = esp_backend_get_id (esp_model_get_backend (self->turn.chosen));
  turn.model = esp_model_get_id (self->turn.chosen);
  turn.model_name = esp_model_get_name (self->turn.chosen);
  turn.parameters = self->parameters;
  turn.has_seed = (esp_model_get_features (self->turn.chosen) & ESP_MODEL_SEED) != 0;
  if (turn.has_seed && !choose_seed (self, &turn.seed))
    return CLI_EXIT_USAGE;
  turn.references = (EspNode *const *) references->pdata;
  turn.n_references = references->len;
  turn.composition = self->turn.keep.asked;

  esp_document_add_turns_async (self->document, parent, &turn, (guint) self->variations,
                                self->session.cancellable, cli_answer_take, &answer);
  cli_session_wait (&self->session, &answer.done, TRUE);
  self->nodes = esp_document_add_turns_finish (self->document, answer.result, &error);
  cli_answer_clear (&answer);
  if (self->nodes == NULL)
    return self->session.signal_number != 0 ? CLI_EXIT_FAILED : cli_fail ("%s", error->message);
  return CLI_EXIT_OK;
}

static void
on_progress (EspNode *node, gpointer data)
{
  Run *self = data;
  const EspNodeProgress *progress = esp_node_get_progress (node);
  EspWorkerEvent event = { .kind = ESP_WORKER_EVENT_PROGRESS };

  if (progress != NULL && progress->stage != NULL)
    {
      cli_progress_show_phase (&self->progress, progress->stage,
                               progress->phase != NULL ? progress->phase : progress->stage,
                               progress->fraction);
      return;
    }
  if (progress == NULL || progress->fraction < 0)
    return;
  event.stage = progress->steps > 0 ? "sample" : progress->fraction < 0.5 ? "load" : "decode";
  event.step = progress->step;
  event.steps = progress->steps;
  event.seconds_left = MAX (progress->seconds_left, 0);
  event.fraction = (self->n_over + progress->fraction) / self->nodes->len;
  cli_progress_show (&self->progress, &event);
}

static void
on_job_finished (EspQueue *queue, EspJob *job, gpointer data)
{
  Run *self = data;

  if (g_ptr_array_find (self->nodes, esp_job_get_node (job), NULL))
    self->n_over++;
}

/* Until every turn is done, failed or, after a signal, cancelled. */
static void
make_turns (Run *self)
{
  gboolean stopped = FALSE;

  g_signal_connect (self->queue, "job-finished", G_CALLBACK (on_job_finished), self);
  for (guint i = 0; i < self->nodes->len; i++)
    g_signal_connect (self->nodes->pdata[i], "progress", G_CALLBACK (on_progress), self);
  cli_run_remote_set_patience (&self->turn.remote);
  /* New ones are taken up, too. */
  esp_queue_take_up (self->queue, self->document, self->nodes);
  while (self->n_over < self->nodes->len)
    {
      if (self->session.signal_number != 0 && !stopped)
        {
          stopped = TRUE;
          esp_queue_stop_document (self->queue, self->document);
        }
      else
        g_main_context_iteration (NULL, TRUE);
    }
  g_signal_handlers_disconnect_by_data (self->queue, self);
  for (guint i = 0; i < self->nodes->len; i++)
    g_signal_handlers_disconnect_by_data (self->nodes->pdata[i], self);
  cli_progress_finish (&self->progress);

  /* The next turn without --node goes on from here. */
  if (!self->resume && esp_node_get_state (self->nodes->pdata[0]) == ESP_NODE_DONE)
    esp_document_set_current (self->document, self->nodes->pdata[0]);
}

/* The result of --output is in its file, and the node is nobody's. */
static int
report_output (Run *self)
{
  EspNode *node = self->nodes->pdata[0];
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *name = g_filename_display_name (self->output);
  int status;

  if (esp_node_get_state (node) != ESP_NODE_DONE)
    {
      if (self->session.signal_number != 0)
        return CLI_EXIT_FAILED;
      cli_fail ("%s", esp_node_get_message (node) != NULL ? esp_node_get_message (node) : "");
      return cli_run_remote_get_status (node);
    }
  status = cli_apart_write (&self->apart, &self->session, node, self->output);
  if (status != CLI_EXIT_OK)
    return status;
  if (self->json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_open (text, "files", '[');
      esp_json_put_string (text, NULL, name, -1);
      esp_json_close (text, ']');
      esp_json_put_uint (text, "width", (guint64) esp_node_get_width (node));
      esp_json_put_uint (text, "height", (guint64) esp_node_get_height (node));
      if (esp_node_has_seed (node))
        esp_json_put_uint (text, "seed", esp_node_get_seed (node));
      esp_json_put_double (text, "seconds", MAX (esp_node_get_seconds (node), 0));
      cli_document_put_kept (text, node);
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  else
    g_string_append_printf (text, _ ("%s: %dx%d, seed %" PRIu64 ", %.1f s\n"), name,
                            esp_node_get_width (node), esp_node_get_height (node),
                            esp_node_get_seed (node), MAX (esp_node_get_seconds (node), 0));
  if (self->json || !self->quiet)
    cli_print (text->str);
  return CLI_EXIT_OK;
}

/* What became of untouched pixels. */
static void
tell_kept (Run *self)
{
  for (guint i = 0; i < self->nodes->len && !self->json && !self->quiet; i++)
    {
      EspNode *node = self->nodes->pdata[i];
      const EspComposition *composition = esp_node_get_composition (node);
      g_autofree char *text = NULL;

      if (composition == NULL || !composition->made)
        continue;
      text = cli_compose_describe (composition);
      cli_note (_ ("node %" PRId64 ": %s"), esp_node_get_id (node), text);
    }
}

static int
report (Run *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int status = CLI_EXIT_OK;

  tell_kept (self);
  if (self->json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_open (text, "nodes", '[');
    }
  for (guint i = 0; i < self->nodes->len; i++)
    {
      EspNode *node = self->nodes->pdata[i];
      const EspNodeState state = esp_node_get_state (node);

      if (self->json)
        cli_document_put_node (text, node);
      else if (state == ESP_NODE_DONE)
        g_string_append_printf (text, _ ("node %" PRId64 ": %dx%d, seed %" PRIu64 ", %.1f s\n"),
                                esp_node_get_id (node), esp_node_get_width (node),
                                esp_node_get_height (node), esp_node_get_seed (node),
                                MAX (esp_node_get_seconds (node), 0));
      if (state == ESP_NODE_DONE)
        continue;
      if (status == CLI_EXIT_OK)
        status = cli_run_remote_get_status (node);
      if (self->session.signal_number == 0)
        cli_fail (_ ("node %s: %s"), esp_node_state_to_string (state),
                  esp_node_get_message (node) != NULL ? esp_node_get_message (node) : "");
    }
  if (self->json)
    {
      esp_json_close (text, ']');
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  if (self->json || !self->quiet)
    cli_print (text->str);
  return status;
}

/* Lets the backends of turns say what their models take; a job that comes too early would fail. */
static void
prepare_models (Run *self)
{
  for (guint i = 0; i < self->nodes->len && self->session.signal_number == 0; i++)
    {
      EspNode *node = self->nodes->pdata[i];
      const char *backend = esp_node_get_backend (node);
      const char *model = esp_node_get_model (node);

      if (backend != NULL && esp_registry_find_backend (self->turn.registry, backend) == NULL
          && esp_provider_catalog_find (self->turn.remote.catalog, backend) != NULL)
        cli_run_remote_find (&self->turn.remote, backend);
      self->turn.chosen = backend != NULL && model != NULL
                              ? esp_registry_find_model (self->turn.registry, backend, model)
                              : NULL;
      if (self->turn.chosen == NULL)
        continue; /* the job says so */
      esp_backend_prepare (esp_model_get_backend (self->turn.chosen), self->turn.chosen);
      cli_turn_wait_for_schema (&self->session, self->turn.chosen);
    }
}

/* Makes what a program left over that was killed or lost its power. */
static int
resume (Run *self)
{
  self->nodes = esp_queue_dup_left_over (self->queue, self->document);
  prepare_models (self);
  if (self->session.signal_number != 0)
    return CLI_EXIT_FAILED;
  if (self->nodes->len > 0)
    make_turns (self);
  else if (!self->json && !self->quiet)
    cli_print (_ ("no turns were left over\n"));
  return self->nodes->len > 0 || self->json ? report (self) : CLI_EXIT_OK;
}

static int
work (Run *self)
{
  int status = CLI_EXIT_OK;
  EspNode *parent;

  if (self->resume)
    return resume (self);
  parent = cli_document_find_node (self->source, "--node", self->turn.node, &status);

  if (parent == NULL)
    return status;
  if (!esp_node_has_image (parent))
    return cli_fail (_ ("--node: node %" PRId64 " has no image to go on from"),
                     esp_node_get_id (parent));
  status = cli_turn_choose_model (&self->turn, &self->session);
  if (status == CLI_EXIT_OK)
    status = set_parameters (self);
  if (status == CLI_EXIT_OK && self->output != NULL)
    {
      if (cli_apart_begin (&self->apart, &self->session))
        parent = cli_apart_copy (&self->apart, &self->session, self->source, parent);
      self->document = self->apart.document;
      if (self->document == NULL || parent == NULL)
        return CLI_EXIT_FAILED;
    }
  if (status == CLI_EXIT_OK)
    status = add_turns (self, parent);
  if (status != CLI_EXIT_OK)
    return status;
  make_turns (self);
  return self->output != NULL ? report_output (self) : report (self);
}

static void
stop_backends (Run *self)
{
  CliAnswer stopped = { FALSE, NULL };

  esp_registry_stop_async (self->turn.registry, cli_answer_take, &stopped);
  cli_session_wait (&self->session, &stopped.done, TRUE);
  esp_registry_stop_finish (self->turn.registry, stopped.result, NULL);
  cli_answer_clear (&stopped);
}

int
cli_run (char ***arguments)
{
  Run self = { .variations = 1 };
  int status;

  if (!parse (&self, arguments, &status))
    {
      run_clear (&self);
      return status;
    }
  if (!check (&self, *arguments, &status))
    {
      run_clear (&self);
      return status;
    }

  cli_progress_init (&self.progress, self.quiet);
  cli_session_begin (&self.session);
  self.source = self.document
      = cli_document_open (&self.session, (*arguments)[1], self.output == NULL);
  if (self.source == NULL)
    status = cli_session_end (&self.session, CLI_EXIT_FAILED);
  else
    {
      self.turn.registry = esp_registry_new_installed ();
      cli_run_remote_begin (&self.turn.remote, self.turn.registry);
      self.queue = esp_queue_new (self.turn.registry);
      status = work (&self);
      stop_backends (&self);
      cli_apart_end (&self.apart, &self.session);
      status = cli_document_close (&self.session, self.source, status);
      g_clear_object (&self.queue);
      g_clear_object (&self.turn.registry);
      cli_run_remote_end (&self.turn.remote);
      status = cli_session_end (&self.session, status);
    }
  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  run_clear (&self);
  return status;
}
