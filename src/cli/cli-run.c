/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that adds turns to a document and makes them, or those that were left over: run. */
#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-document.h"
#include "cli-export.h"
#include "cli-options.h"
#include "cli-progress.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "cli-run-apart.h"
#include "cli-run-remote.h"
#include "esp-json-text.h"
#include "esp-queue.h"

#define VARIATIONS_MAX 8

typedef struct
{
  char *node, *prompt, *negative_prompt, *variations_text, *seed_text, *model, *backend,
      *output;                   /* or NULL */
  char **settings, **references; /* or NULL */
  gboolean resume, json, quiet;
  guint64 variations, seed;

  CliSession session;
  CliProgress progress;
  EspDocument *source;   /* DOC */
  CliApart apart;        /* with --output */
  EspDocument *document; /* where the turns are made: DOC or that of `apart` */
  CliRunRemote remote;
  EspRegistry *registry;
  EspQueue *queue;
  EspModel *chosen;
  JsonObject *parameters;
  GPtrArray *nodes; /* of EspNode: the new turns */
  guint n_over;
} Run;

static void
run_clear (Run *self)
{
  char *texts[] = { self->node,      self->prompt, self->negative_prompt, self->variations_text,
                    self->seed_text, self->model,  self->backend,         self->output };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  cli_run_remote_clear (&self->remote);
  g_strfreev (self->settings);
  g_strfreev (self->references);
  g_clear_pointer (&self->parameters, json_object_unref);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
}

static gboolean
parse (Run *self, char ***arguments, int *status)
{
  const GOptionEntry entries[] = {
    { "node", 0, 0, G_OPTION_ARG_FILENAME, &self->node,
      N_ ("The node to go on from; the current one if not given"), N_ ("ID") },
    { "prompt", 'p', 0, G_OPTION_ARG_FILENAME, &self->prompt, N_ ("What to change"),
      N_ ("PROMPT") },
    { "negative-prompt", 0, 0, G_OPTION_ARG_FILENAME, &self->negative_prompt,
      N_ ("What to move away from"), N_ ("TEXT") },
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->settings,
      N_ ("A parameter of the model; may be given often"), N_ ("NAME=VALUE") },
    { "variations", 0, 0, G_OPTION_ARG_FILENAME, &self->variations_text,
      N_ ("How many turns with consecutive seeds, 1 to 8"), N_ ("N") },
    { "seed", 0, 0, G_OPTION_ARG_FILENAME, &self->seed_text,
      N_ ("Where the noise starts; random if not given"), N_ ("N") },
    { "reference", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->references,
      N_ ("A further image, a node or a file; may be given often"), N_ ("ID|FILE") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output,
      N_ ("Write the result here (.png, .jpg, .webp or .tiff) and leave DOC as it is"),
      N_ ("FILE") },
    { "resume", 0, 0, G_OPTION_ARG_NONE, &self->resume,
      N_ ("Make the turns that were left over when a program ended"), NULL },
    { "backend", 0, 0, G_OPTION_ARG_FILENAME, &self->backend,
      N_ ("Who does the work; local if not given"), N_ ("ID") },
    { "config", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->remote.config,
      N_ ("Remote: a setting of the provider; may be given often"), N_ ("NAME=VALUE") },
    { "base-url", 0, 0, G_OPTION_ARG_FILENAME, &self->remote.base_url,
      N_ ("Remote: the server’s address instead of the usual one"), N_ ("URL") },
    { "own-host", 0, 0, G_OPTION_ARG_NONE, &self->remote.own_host,
      N_ ("Remote: the host of --base-url is yours: plain http is fine"), NULL },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &self->remote.key_file,
      N_ ("Remote: take the key from this file; - reads standard input"), N_ ("FILE") },
    { "model", 0, 0, G_OPTION_ARG_FILENAME, &self->model, N_ ("The model; see espalier-cli models"),
      N_ ("ID") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_ ("Print one JSON object about the new nodes"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_ ("Print nothing but errors"), NULL },
    { NULL },
  };

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
    { "--node", self->node != NULL },
    { "--prompt", self->prompt != NULL },
    { "--negative-prompt", self->negative_prompt != NULL },
    { "--set", self->settings != NULL },
    { "--variations", self->variations_text != NULL },
    { "--seed", self->seed_text != NULL },
    { "--reference", self->references != NULL },
    { "--backend", self->backend != NULL },
    { "--model", self->model != NULL },
    { "--output", self->output != NULL },
  };

  for (gsize i = 0; self->resume && i < G_N_ELEMENTS (options); i++)
    if (options[i].given)
      {
        cli_usage (_ ("%s: says nothing with --resume, which makes turns as they were asked for"),
                   options[i].option);
        return FALSE;
      }
  if (!self->resume && self->prompt == NULL)
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
  else if (!check_kind (self)
           || (self->prompt != NULL && !cli_option_utf8 ("--prompt", self->prompt))
           || (self->negative_prompt != NULL
               && !cli_option_utf8 ("--negative-prompt", self->negative_prompt))
           || (self->variations_text != NULL
               && !cli_option_uint ("--variations", self->variations_text, 1, VARIATIONS_MAX,
                                    &self->variations))
           || (self->seed_text != NULL
               && !cli_option_uint ("--seed", self->seed_text, 0, G_MAXUINT64, &self->seed)))
    ;
  else
    return check_output (self, status);
  return FALSE;
}

/* ---- the model and what it takes */

/* The first model of the backend that can be used, rather no demo; else the first one, for its
 * message. */
static EspModel *
find_default (EspBackend *backend)
{
  GListModel *models = esp_backend_get_models (backend);
  EspModel *best = NULL;
  int most = -1;

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);
      const EspModelState state = esp_model_get_state (model);
      int rating = 0;

      if (state == ESP_MODEL_READY || state == ESP_MODEL_STARTING)
        rating = (esp_model_get_features (model) & ESP_MODEL_DEMO) != 0 ? 1 : 2;
      if (rating > most)
        {
          most = rating;
          best = model;
        }
    }
  return best;
}

/* Waits for the backend to say what the model takes. */
static gboolean
wait_for_schema (Run *self)
{
  while (esp_model_get_state (self->chosen) == ESP_MODEL_STARTING
         && self->session.signal_number == 0)
    g_main_context_iteration (NULL, TRUE);
  return self->session.signal_number == 0;
}

static int
choose_model (Run *self)
{
  const char *id = self->backend != NULL ? self->backend : "local";
  EspBackend *backend = cli_run_remote_find (&self->remote, id);

  if (backend == NULL)
    return CLI_EXIT_USAGE;
  self->chosen = self->model != NULL ? esp_registry_find_model (self->registry, id, self->model)
                                     : find_default (backend);
  if (self->chosen == NULL && self->model != NULL)
    return cli_fail (_ ("--model: there is no model “%s”; see espalier-cli models"), self->model);
  if (self->chosen == NULL)
    return cli_fail (_ ("--model: no model is installed; see docs/models.md"));
  esp_backend_prepare (backend, self->chosen);
  if (!wait_for_schema (self))
    return CLI_EXIT_FAILED;
  if (esp_model_get_state (self->chosen) != ESP_MODEL_READY
      || esp_model_get_schema (self->chosen) == NULL)
    {
      cli_fail ("--model: %s: %s", esp_model_get_name (self->chosen),
                esp_model_get_message (self->chosen) != NULL ? esp_model_get_message (self->chosen)
                                                             : _ ("cannot be used"));
      return esp_model_get_state (self->chosen) == ESP_MODEL_NEEDS_KEY ? CLI_EXIT_AUTH
                                                                       : CLI_EXIT_FAILED;
    }
  return CLI_EXIT_OK;
}

/* One "name=value". */
static int
set_parameter (Run *self, const char *setting)
{
  static const char *const own_options[] = { "prompt", "negative_prompt", "seed", NULL };
  const char *equals = strchr (setting, '=');
  g_autofree char *name = equals != NULL ? g_strndup (setting, (gsize) (equals - setting)) : NULL;
  g_autoptr (GError) error = NULL;
  const EspParameter *parameter;
  JsonNode *value;

  if (name == NULL)
    return cli_usage (_ ("--set: expected NAME=VALUE, found “%s”"), setting);
  parameter = g_strv_contains (own_options, name)
                  ? NULL
                  : esp_schema_find (esp_model_get_schema (self->chosen), name);
  if (parameter == NULL)
    return cli_usage (_ ("--set: “%s” has no parameter “%s”; see espalier-cli describe"),
                      esp_model_get_name (self->chosen), name);
  value = esp_parameter_parse (parameter, equals + 1, &error);
  if (value == NULL)
    return cli_usage ("--set: %s", error->message);
  json_object_set_member (self->parameters, name, value);
  return CLI_EXIT_OK;
}

static int
set_parameters (Run *self)
{
  int status = CLI_EXIT_OK;

  self->parameters = esp_schema_dup_defaults (esp_model_get_schema (self->chosen));
  json_object_remove_member (self->parameters, "prompt");
  json_object_remove_member (self->parameters, "negative_prompt");
  json_object_remove_member (self->parameters, "seed");
  for (char **setting = self->settings; setting != NULL && *setting != NULL; setting++)
    {
      status = set_parameter (self, *setting);
      if (status != CLI_EXIT_OK)
        break;
    }
  return status;
}

/* ---- the turns */

static gboolean
is_number (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isdigit (*text))
      return FALSE;
  return TRUE;
}

static int
find_references (Run *self, GPtrArray *references)
{
  int status = CLI_EXIT_OK;

  for (char **text = self->references; text != NULL && *text != NULL; text++)
    {
      const gboolean is_node = is_number (*text);
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
  if (references->len > esp_model_get_max_references (self->chosen))
    return cli_fail (_ ("--reference: “%s” takes at most %u"), esp_model_get_name (self->chosen),
                     esp_model_get_max_references (self->chosen));
  return CLI_EXIT_OK;
}

/* The seeds of the turns, which follow each other, within what the model takes. */
static gboolean
choose_seed (Run *self, guint64 *seed)
{
  const EspParameter *parameter = esp_schema_find (esp_model_get_schema (self->chosen), "seed");
  const guint64 more = self->variations - 1;
  guint64 maximum = G_MAXUINT64;

  /* Above that a double does not tell numbers from each other, and it means "no limit". */
  if (parameter != NULL && parameter->maximum < 9007199254740992.0)
    maximum = (guint64) MAX (parameter->maximum, (double) more);
  *seed = self->seed_text != NULL ? self->seed
          : maximum < G_MAXUINT32 ? g_random_int () % (maximum - more + 1)
                                  : g_random_int ();
  if (*seed <= maximum - more)
    return TRUE;
  cli_usage (_ ("--seed: “%s” takes seeds up to %" PRIu64), esp_model_get_name (self->chosen),
             maximum);
  return FALSE;
}

static int
add_turns (Run *self, EspNode *parent)
{
  g_autoptr (GPtrArray) references = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspTurn turn = { .instruction = self->prompt, .negative_prompt = self->negative_prompt };
  int status = find_references (self, references);

  if (status != CLI_EXIT_OK)
    return status;
  turn.backend = esp_backend_get_id (esp_model_get_backend (self->chosen));
  turn.model = esp_model_get_id (self->chosen);
  turn.model_name = esp_model_get_name (self->chosen);
  turn.parameters = self->parameters;
  turn.has_seed = (esp_model_get_features (self->chosen) & ESP_MODEL_SEED) != 0;
  if (turn.has_seed && !choose_seed (self, &turn.seed))
    return CLI_EXIT_USAGE;
  turn.references = (EspNode *const *) references->pdata;
  turn.n_references = references->len;

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

static int
report (Run *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int status = CLI_EXIT_OK;

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

      if (backend != NULL && esp_registry_find_backend (self->registry, backend) == NULL
          && esp_provider_catalog_find (self->remote.catalog, backend) != NULL)
        cli_run_remote_find (&self->remote, backend);
      self->chosen = backend != NULL && model != NULL
                         ? esp_registry_find_model (self->registry, backend, model)
                         : NULL;
      if (self->chosen == NULL)
        continue; /* the job says so */
      esp_backend_prepare (esp_model_get_backend (self->chosen), self->chosen);
      wait_for_schema (self);
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
  parent = cli_document_find_node (self->source, "--node", self->node, &status);

  if (parent == NULL)
    return status;
  if (!esp_node_has_image (parent))
    return cli_fail (_ ("--node: node %" PRId64 " has no image to go on from"),
                     esp_node_get_id (parent));
  status = choose_model (self);
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

  esp_registry_stop_async (self->registry, cli_answer_take, &stopped);
  cli_session_wait (&self->session, &stopped.done, TRUE);
  esp_registry_stop_finish (self->registry, stopped.result, NULL);
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
      self.registry = esp_registry_new_installed ();
      cli_run_remote_begin (&self.remote, self.registry);
      self.queue = esp_queue_new (self.registry);
      status = work (&self);
      stop_backends (&self);
      cli_apart_end (&self.apart, &self.session);
      status = cli_document_close (&self.session, self.source, status);
      g_clear_object (&self.queue);
      g_clear_object (&self.registry);
      cli_run_remote_end (&self.remote);
      status = cli_session_end (&self.session, status);
    }
  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  run_clear (&self);
  return status;
}
