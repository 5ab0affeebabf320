/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Saying where a model's files are now that were moved: models locate. */
#include <glib/gi18n.h>

#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-text.h"

typedef struct
{
  gboolean anyway, json;
} Options;

static void
report (EspModelAddition *addition, EspLibraryModel *model, gboolean json)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *const *difference = esp_model_addition_get_differences (addition);

  if (json)
    {
      esp_json_open (text, NULL, '{');
      cli_models_put (text, model);
      cli_models_put_parts (text, addition);
      esp_json_open (text, "differences", '[');
      for (; *difference != NULL; difference++)
        esp_json_put_string (text, NULL, *difference, -1);
      esp_json_close (text, ']');
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  else
    {
      /* Translators: a model's id. */
      g_string_append_printf (text, _ ("%s can be used again:\n"),
                              esp_library_model_get_id (model));
      cli_models_describe_parts (text, addition);
    }
  cli_print (text->str);
}

/* FALSE: they are others than before, and nobody said that this is fine. */
static gboolean
may_differ (EspModelAddition *addition, const Options *options)
{
  const char *const *difference = esp_model_addition_get_differences (addition);
  gboolean differs = *difference != NULL;

  for (; *difference != NULL; difference++)
    cli_note ("%s", *difference);
  return !differs || options->anyway;
}

static int
look (CliSession *session, EspModelAddition *addition, char **paths)
{
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (GError) error = NULL;
  gboolean found;

  esp_model_addition_add_async (addition, (const char *const *) paths, session->cancellable,
                                cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  found = esp_model_addition_add_finish (addition, answer.result, &error);
  cli_answer_clear (&answer);
  return found ? CLI_EXIT_OK : cli_fail ("%s", error->message);
}

static int
locate (CliSession *session, EspModelLibrary *library, const char *id, char **paths,
        const Options *options)
{
  EspLibraryModel *model = cli_models_find (library, id);
  g_autoptr (EspModelAddition) addition = NULL;
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *mended = NULL;
  int status;

  if (model == NULL)
    return CLI_EXIT_FAILED;
  if (esp_library_model_get_problem (model) == NULL)
    return cli_fail (_ ("%s: none of its files is gone"), id);

  addition = esp_model_addition_new_for_model (library, session->worker, model);
  status = look (session, addition, paths);
  if (status != CLI_EXIT_OK)
    return status;
  if (!may_differ (addition, options))
    return cli_fail (_ ("%s: these are other files than before; --anyway takes them all the same"),
                     id);

  esp_model_addition_commit_async (addition, ESP_MODEL_ADD_REFER, session->cancellable, NULL, NULL,
                                   cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  mended = esp_model_addition_commit_finish (addition, answer.result, &error);
  cli_answer_clear (&answer);
  if (mended == NULL)
    return cli_fail ("%s", error->message);

  report (addition, cli_models_find (library, mended), options->json);
  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

int
cli_models_locate (char ***arguments)
{
  g_autoptr (EspModelLibrary) library = NULL;
  CliSession session = { 0 };
  Options options = { FALSE, FALSE };
  char **paths;
  int status;
  const GOptionEntry entries[] = {
    { "anyway", 0, 0, G_OPTION_ARG_NONE, &options.anyway,
      N_ ("Take files that are others than before"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, N_ ("ID PATH…"),
                          _ ("Says where the files of a model are that were moved: the files, or "
                             "folders to look in. The model stays the one that it was."),
                          entries, &status))
    return status;
  if ((*arguments)[1] == NULL || (*arguments)[2] == NULL)
    return cli_usage (_ ("models locate: ID and PATH were expected"));

  paths = *arguments + 2;
  for (char **path = paths; *path != NULL; path++)
    {
      if (!g_file_test (*path, G_FILE_TEST_EXISTS))
        return cli_fail (_ ("%s: there is no such file or folder"), *path);
      if (!g_utf8_validate (*path, -1, NULL))
        return cli_fail (_ ("%s: the name is not valid UTF-8"), *path);
    }

  cli_session_begin (&session);
  library = esp_model_library_new ();
  status = locate (&session, library, (*arguments)[1], paths, &options);
  return cli_session_end (&session, status);
}
