/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model's file in another number format: models convert. */
#include <glib/gi18n.h>

#include "cli-models.h"
#include "cli-options.h"
#include "cli-progress.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-text.h"

typedef struct
{
  char *input, *output; /* absolute */
  char *type;
  gboolean json, quiet;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->input);
  g_free (self->output);
  g_free (self->type);
}

static void
on_event (EspWorker *worker, const EspWorkerEvent *event, gpointer data)
{
  cli_progress_show (data, event);
}

static guint64
get_count (JsonObject *answer, const char *key)
{
  return (guint64) MAX (json_object_get_int_member_with_default (answer, key, 0), 0);
}

static void
print_json (const Options *options, JsonObject *answer)
{
  static const char *const counts[] = { "converted", "kept", "left_out", "bytes_in", "bytes_out" };
  g_autoptr (GString) json = g_string_new (NULL);
  g_autofree char *input = g_utf8_make_valid (options->input, -1);
  g_autofree char *output = g_utf8_make_valid (options->output, -1);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "input", input, -1);
  esp_json_put_string (json, "output", output, -1);
  esp_json_put_string (json, "type", options->type, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    esp_json_put_uint (json, counts[i], get_count (answer, counts[i]));
  esp_json_put_double (json, "seconds",
                       json_object_get_double_member_with_default (answer, "seconds", 0));
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
  cli_print (json->str);
}

static void
print_text (const Options *options, JsonObject *answer)
{
  g_autofree char *before = g_format_size (get_count (answer, "bytes_in"));
  g_autofree char *after = g_format_size (get_count (answer, "bytes_out"));
  g_autoptr (GString) text = g_string_new (NULL);
  guint converted = (guint) get_count (answer, "converted");
  guint left_out = (guint) get_count (answer, "left_out");

  /* Translators: a file, two sizes. */
  g_string_append_printf (text, _ ("%s: %s, of %s\n"), options->output, after, before);
  /* Translators: %s is a number format as in q4_k. */
  g_string_append_printf (text, _ ("  tensors as %s: %u; as precise as they were: %u"),
                          options->type, converted, (guint) get_count (answer, "kept"));
  if (left_out > 0)
    g_string_append_printf (text, _ ("; of whole numbers, left out: %u"), left_out);
  g_string_append_c (text, '\n');
  cli_print (text->str);
}

static int
run (CliSession *session, const Options *options)
{
  CliAnswer answer = { FALSE, NULL };
  CliProgress progress;
  g_autoptr (JsonObject) converted = NULL;
  g_autoptr (GError) error = NULL;

  cli_progress_init (&progress, options->quiet || options->json);
  esp_worker_convert_async (session->worker, options->input, options->output, options->type,
                            session->cancellable, on_event, &progress, cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  converted = esp_worker_convert_finish (session->worker, answer.result, &error);
  cli_answer_clear (&answer);
  cli_progress_finish (&progress);

  if (converted == NULL)
    return session->signal_number != 0
               ? cli_fail (_ ("interrupted; %s was not written"), options->output)
               : cli_fail ("%s", error->message);
  if (options->json)
    print_json (options, converted);
  else
    print_text (options, converted);
  return CLI_EXIT_OK;
}

/* Files are named to the engine by absolute paths in UTF-8: that is what its protocol speaks. */
static gboolean
take_files (Options *options, char **arguments)
{
  for (int i = 1; i <= 2; i++)
    {
      if (arguments[1] == NULL || arguments[i] == NULL)
        {
          cli_usage ("%s", _ ("models convert takes the file to be converted and the one to be "
                              "written; see espalier-cli models convert --help"));
          return FALSE;
        }
      if (!cli_option_utf8 (i == 1 ? "IN" : "OUT", arguments[i]))
        return FALSE;
    }
  if (arguments[3] != NULL)
    {
      cli_usage (_ ("%s: models convert takes two files"), arguments[3]);
      return FALSE;
    }

  options->input = g_canonicalize_filename (arguments[1], NULL);
  options->output = g_canonicalize_filename (arguments[2], NULL);
  return TRUE;
}

int
cli_models_convert (char ***arguments)
{
  static const char *const types[] = { "q8_0", "q4_k", "fp8", "bf16", NULL };
  Options options = { 0 };
  CliSession session;
  int status = CLI_EXIT_USAGE;
  const GOptionEntry entries[] = {
    { "type", 't', 0, G_OPTION_ARG_FILENAME, &options.type,
      N_ ("The number format: q8_0 or q4_k (a GGUF file), fp8 or bf16 (a safetensors file)"),
      N_ ("TYPE") },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, N_ ("Show no progress"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (
          arguments, _ ("IN OUT --type=TYPE"),
          _ ("Writes a model’s file anew in another number format: a transformer, a "
             "text encoder, or all in one. IN is a safetensors or GGUF file, an "
             "index of several, or the folder of one part. OUT is there as a whole "
             "or not at all."),
          entries, &status))
    {
      options_clear (&options);
      return status;
    }
  if (!take_files (&options, *arguments))
    status = CLI_EXIT_USAGE;
  else if (options.type == NULL)
    status = cli_usage ("%s", _ ("--type is missing: q8_0, q4_k, fp8 or bf16"));
  else if (!cli_option_choice ("--type", options.type, types))
    status = CLI_EXIT_USAGE;
  else
    {
      cli_session_begin (&session);
      status = cli_session_end (&session, run (&session, &options));
      if (!cli_finish_output () && status == CLI_EXIT_OK)
        status = CLI_EXIT_FAILED;
    }
  options_clear (&options);
  return status;
}
