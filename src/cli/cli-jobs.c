/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command for jobs that remote providers have: jobs. They are in the journal, each from just
 * before it was submitted until its image is stored. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-options.h"
#include "cli-remote-edit.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "esp-json-member.h"
#include "esp-json-text.h"
#include "esp-key-store.h"

typedef struct
{
  char *key_file, *patience_text, *output; /* or NULL */
  gboolean json, quiet, cancel_on_interrupt;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->key_file);
  g_free (self->patience_text);
  g_free (self->output);
}

/* --- The list --------------------------------------------------------------------------------- */

static const char *
get_job_id (EspRecord *record)
{
  JsonObject *captures = esp_json_get_object (esp_record_get_members (record), "captures");

  return captures != NULL ? esp_json_get_string (captures, "id") : NULL;
}

static char *
dup_created (EspRecord *record)
{
  g_autoptr (GDateTime) time
      = g_date_time_new_from_unix_utc (esp_record_get_created (record) / G_USEC_PER_SEC);

  return time != NULL ? g_date_time_format_iso8601 (time) : g_strdup ("");
}

static char *
jobs_json (GPtrArray *records)
{
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  esp_json_open (json, "jobs", '[');
  for (guint i = 0; i < records->len; i++)
    {
      EspRecord *record = g_ptr_array_index (records, i);
      CliRemoteJob job = { NULL };
      g_autofree char *created = dup_created (record);
      g_autofree char *output = NULL;

      cli_remote_job_read (&job, record);
      output = job.output != NULL ? g_utf8_make_valid (job.output, -1) : NULL;
      esp_json_open (json, NULL, '{');
      esp_json_put_string (json, "id", job.id, -1);
      esp_json_put_string (json, "provider", job.backend, -1);
      esp_json_put_string (json, "job_id", get_job_id (record), -1);
      esp_json_put_string (json, "state",
                           esp_record_state_to_string (esp_record_get_state (record)), -1);
      esp_json_put_string (json, "created", created, -1);
      esp_json_put_string (json, "output", output, -1);
      esp_json_close (json, '}');
      cli_remote_job_clear (&job);
    }
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
  return g_string_free (json, FALSE);
}

static const char *
state_text (EspRecord *record)
{
  if (esp_record_is_busy (record))
    return _ ("under way");
  switch (esp_record_get_state (record))
    {
    case ESP_RECORD_PREPARING:
      return _ ("not sent");
    case ESP_RECORD_ACCEPTED:
      return _ ("accepted");
    case ESP_RECORD_SUCCEEDED:
      return _ ("ready to be fetched");
    case ESP_RECORD_SUBMITTING:
    case ESP_RECORD_UNKNOWN:
    default:
      return _ ("unknown whether accepted");
    }
}

static char *
jobs_text (GPtrArray *records)
{
  GString *text = g_string_new (NULL);

  if (records->len == 0)
    g_string_append (text, _ ("No job is open.\n"));
  for (guint i = 0; i < records->len; i++)
    {
      EspRecord *record = g_ptr_array_index (records, i);
      CliRemoteJob job = { NULL };
      g_autofree char *created = dup_created (record);

      cli_remote_job_read (&job, record);
      g_string_append_printf (text, "%s  %s  %s  %s", job.id, job.backend, created,
                              state_text (record));
      if (job.output != NULL)
        g_string_append_printf (text, "  → %s", job.output);
      g_string_append_c (text, '\n');
      cli_remote_job_clear (&job);
    }
  return g_string_free (text, FALSE);
}

static int
list_jobs (const Options *options)
{
  g_autoptr (GPtrArray) records = esp_journal_list ();
  g_autofree char *text = options->json ? jobs_json (records) : jobs_text (records);

  cli_print (text);
  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- Going on --------------------------------------------------------------------------------- */

/* The same sources as when it was started: the file given now or then, the environment, the key
 * ring. */
static EspKey *
find_key (const Options *options, const CliRemoteJob *job, EspRecord *record, GError **error)
{
  JsonObject *client = esp_json_get_object (esp_record_get_members (record), "client");
  const char *uri = client != NULL ? esp_json_get_string (client, "key_file") : NULL;
  g_autofree char *remembered = uri != NULL ? g_filename_from_uri (uri, NULL, NULL) : NULL;
  g_autoptr (GError) own_error = NULL;
  EspKey *key;

  if (options->key_file == NULL && remembered != NULL
      && !g_file_test (remembered, G_FILE_TEST_EXISTS))
    g_clear_pointer (&remembered, g_free);
  key = esp_key_find (job->backend, options->key_file != NULL ? options->key_file : remembered,
                      &own_error);
  if (own_error != NULL && options->key_file != NULL)
    g_propagate_error (error, cli_remote_argument_new ("--key-file: %s", own_error->message));
  return key;
}

/* One that was never sent begins anew, from the same files and with the same values. */
static int
start_anew (CliRemote *self, CliRemoteJob *job, EspRecord *record, EspKey *key, guint patience,
            GString *json)
{
  JsonObject *members = esp_record_get_members (record);
  const char *text = esp_json_get_string (members, "descriptor");
  g_autoptr (GBytes) bytes
      = g_bytes_new (text != NULL ? text : "", text != NULL ? strlen (text) : 0);
  g_auto (GStrv) inputs = cli_remote_dup_inputs (record);
  g_autoptr (EspProvider) provider = NULL;
  g_autoptr (GPtrArray) images = NULL;
  g_autoptr (GError) error = NULL;
  EspRemoteRequest request = {
    .account = esp_json_get_string (members, "account"),
    .base_url = esp_json_get_string (members, "base_url"),
    .base_is_own = json_object_get_boolean_member_with_default (members, "base_is_own", FALSE),
    .config = esp_json_get_object (members, "config"),
    .key = key != NULL ? esp_key_get (key) : NULL,
    .parameters = job->asked,
    .id = job->id,
    .client = esp_json_get_object (members, "client"),
    .patience = patience,
  };

  provider = esp_provider_new (bytes, job->provider, FALSE, &error);
  if (provider != NULL)
    images = cli_remote_read_images (self, inputs, &error);
  if (images != NULL && !cli_remote_job_take_photo (job, self, images, &error))
    g_clear_pointer (&images, g_ptr_array_unref);
  /* Its place in the journal is for the new one. */
  if (images != NULL && esp_remote_turn_settle (job->id, &error))
    {
      request.provider = provider;
      request.images = images;
      return cli_remote_make (self, job, &request, NULL, patience, json);
    }
  return cli_remote_fail (self, error, json);
}

/* The photo whose pixels are kept, where it still is what it was read from. What was made is not
 * lost without it. */
static void
find_photo (CliRemoteJob *job, EspRecord *record)
{
  g_auto (GStrv) inputs = cli_remote_dup_inputs (record);
  char *data;
  gsize size;

  if (job->keep != NULL && inputs != NULL && g_file_get_contents (inputs[0], &data, &size, NULL))
    job->source = g_bytes_new_take (data, size);
}

static gboolean
was_never_sent (EspRecord *record)
{
  g_auto (GStrv) inputs = cli_remote_dup_inputs (record);

  return esp_record_get_state (record) == ESP_RECORD_PREPARING && inputs != NULL;
}

/* Goes on with one. */
static int
resume (CliRemote *self, const Options *options, guint patience, EspRecord *record, GString *json)
{
  CliRemoteJob job = { NULL };
  g_autoptr (GError) error = NULL;
  EspKey *key = NULL;
  int status;

  cli_remote_job_read (&job, record);
  if (options->output != NULL)
    {
      g_free (job.output);
      job.output = g_strdup (options->output);
    }

  if (job.output == NULL)
    error = cli_remote_argument_new (_ ("%s: was not made by espalier-cli: open its document in "
                                        "Espalier, or name a file with --output"),
                                     job.id);
  else if (cli_remote_check_output (job.output, &error))
    key = find_key (options, &job, record, &error);

  if (error != NULL)
    status = cli_remote_fail (self, error, json);
  else if (was_never_sent (record))
    status = start_anew (self, &job, record, key, patience, json);
  else
    {
      find_photo (&job, record);
      status = cli_remote_make (self, &job, NULL, key != NULL ? esp_key_get (key) : NULL, patience,
                                json);
    }
  g_clear_pointer (&key, esp_key_unref);
  cli_remote_job_clear (&job);
  return status;
}

/* What was said of a wrong command line, as JSON, too. */
static int
refuse (const Options *options, int status)
{
  g_autoptr (GString) json = g_string_new (NULL);

  if (!options->json)
    return status;
  cli_remote_put_error (json, "argument", cli_get_last_failure (), NULL);
  g_string_append_c (json, '\n');
  cli_print (json->str);
  cli_finish_output ();
  return status;
}

static EspRecord *
find_record (GPtrArray *records, const char *id)
{
  for (guint i = 0; i < records->len; i++)
    if (g_str_equal (esp_record_get_id (g_ptr_array_index (records, i)), id))
      return g_ptr_array_index (records, i);
  return NULL;
}

/* Without ID: those of the command line that no other process works on. */
static GPtrArray *
choose (GPtrArray *records, const char *id, const Options *options)
{
  GPtrArray *chosen = g_ptr_array_new ();

  for (guint i = 0; i < records->len; i++)
    {
      EspRecord *record = g_ptr_array_index (records, i);
      CliRemoteJob job = { NULL };

      if (id != NULL && !g_str_equal (esp_record_get_id (record), id))
        continue;
      if (cli_remote_job_read (&job, record) ? !esp_record_is_busy (record) || id != NULL
                                             : id != NULL)
        g_ptr_array_add (chosen, record);
      else if (!options->quiet)
        cli_note (job.output != NULL ? _ ("%s: another program works on it")
                                     : _ ("%s: belongs to a document; open that in Espalier"),
                  job.id);
      cli_remote_job_clear (&job);
    }
  return chosen;
}

static int
resume_jobs (const Options *options, const char *id)
{
  g_autoptr (GPtrArray) records = esp_journal_list ();
  g_autoptr (GPtrArray) chosen = NULL;
  g_autoptr (GString) json = options->json ? g_string_new (NULL) : NULL;
  g_autoptr (GError) error = NULL;
  CliRemote remote = { 0 };
  int status = CLI_EXIT_OK;
  gboolean several;
  guint patience = 0;

  if (id != NULL && find_record (records, id) == NULL)
    error = cli_remote_argument_new (_ ("jobs resume: there is no open job %s"), id);
  else if (options->output != NULL && id == NULL)
    error = cli_remote_argument_new (_ ("--output: name the job, too"));
  else
    cli_remote_read_patience (options->patience_text, &patience, &error);
  if (error != NULL)
    {
      status = cli_remote_fail (NULL, error, json);
      if (json != NULL)
        {
          g_string_append_c (json, '\n');
          cli_print (json->str);
        }
      cli_finish_output ();
      return status;
    }

  chosen = choose (records, id, options);
  several = chosen->len != 1;
  cli_remote_begin (&remote, options->json, options->quiet, options->cancel_on_interrupt);
  if (several && json != NULL)
    {
      esp_json_open (json, NULL, '{');
      esp_json_open (json, "jobs", '[');
    }
  for (guint i = 0; i < chosen->len && remote.session.signal_number == 0; i++)
    {
      int own = resume (&remote, options, patience, g_ptr_array_index (chosen, i), json);

      if (status == CLI_EXIT_OK)
        status = own;
    }
  if (json != NULL)
    {
      if (several)
        {
          esp_json_close (json, ']');
          esp_json_close (json, '}');
        }
      g_string_append_c (json, '\n');
      cli_print (json->str);
    }
  else if (chosen->len == 0 && !options->quiet)
    cli_note (_ ("No job is open."));
  return cli_remote_end (&remote, status);
}

/* --- Forgetting ------------------------------------------------------------------------------- */

static int
forget_job (const Options *options, const char *id)
{
  g_autoptr (GPtrArray) records = esp_journal_list ();
  g_autoptr (GError) error = NULL;
  EspRecord *found = find_record (records, id);

  if (found == NULL)
    return refuse (options, cli_usage (_ ("jobs forget: there is no open job %s"), id));
  if (esp_record_is_busy (found))
    return refuse (options, cli_usage (_ ("jobs forget: another program works on %s"), id));
  if (!esp_remote_turn_settle (id, &error))
    return refuse (options, cli_fail ("jobs forget: %s", error->message));
  if (options->json)
    cli_print ("{}\n");
  else if (!options->quiet)
    cli_note (_ ("%s is forgotten; if the provider has it, it may still cost something"), id);
  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- The command ------------------------------------------------------------------------------ */

static int
run (const Options *options, char **arguments)
{
  const char *verb = arguments[0];

  if (verb == NULL)
    return list_jobs (options);
  if (g_str_equal (verb, "resume"))
    return arguments[1] != NULL && arguments[2] != NULL ? refuse (
               options, cli_usage (_ ("jobs resume: %s: one job at a time, or all"), arguments[2]))
                                                        : resume_jobs (options, arguments[1]);
  if (!g_str_equal (verb, "forget"))
    return refuse (options,
                   cli_usage (_ ("jobs: %s: expected nothing, “resume” or “forget”"), verb));
  if (arguments[1] == NULL || arguments[2] != NULL)
    return refuse (options, cli_usage (_ ("jobs forget: expected the id of one job")));
  return forget_job (options, arguments[1]);
}

int
cli_jobs (char ***arguments)
{
  Options options = { NULL };
  int status;
  const GOptionEntry entries[] = {
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &options.key_file,
      N_ ("resume: take the key from this file; - reads standard input"), N_ ("FILE") },
    { "patience", 0, 0, G_OPTION_ARG_FILENAME, &options.patience_text,
      N_ ("resume: wait at most so long for each; 900 if not given"), N_ ("SECONDS") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
      N_ ("resume ID: put the result here instead"), N_ ("OUT") },
    { "cancel-on-interrupt", 0, 0, G_OPTION_ARG_NONE, &options.cancel_on_interrupt,
      N_ ("resume: Ctrl+C stops the job there, too, instead of keeping it"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("Print one JSON object"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, N_ ("Print nothing but errors"), NULL },
    { NULL },
  };

  if (cli_options_parse (arguments, N_ ("[resume [ID] | forget ID]"),
                         _ ("Lists the jobs that remote providers have or may have; goes on with "
                            "them; or forgets one."),
                         entries, &status))
    status = run (&options, *arguments + 1);
  options_clear (&options);
  return status;
}
