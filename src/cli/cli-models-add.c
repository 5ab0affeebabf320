/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a model of files that there are: models add. */
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-text.h"

typedef struct
{
  char *name;
  char **parts; /* COMPONENT=PATH */
  gboolean copy, move, make_default, json;
} Options;

/* Puts what --component says into the addition. */
static gboolean
take_parts (EspModelAddition *addition, char **parts)
{
  for (char **part = parts; part != NULL && *part != NULL; part++)
    {
      const char *equals = strchr (*part, '=');
      g_autofree char *component
          = equals != NULL ? g_strndup (*part, (gsize) (equals - *part)) : NULL;

      if (component == NULL || !g_strv_contains (esp_model_components (), component))
        {
          cli_usage (_ ("--component: expected transformer, clip, t5, vae, tokenizer or "
                        "tokenizer_2, “=” and a path; found “%s”"),
                     *part);
          return FALSE;
        }
      if (!g_file_test (equals + 1, G_FILE_TEST_EXISTS))
        {
          cli_fail (_ ("--component %s: %s: there is no such file"), component, equals + 1);
          return FALSE;
        }
      esp_model_addition_set_part (addition, component, equals + 1);
    }

  return TRUE;
}

void
cli_models_describe_parts (GString *text, EspModelAddition *addition)
{
  for (guint i = 0; i < esp_model_addition_get_n_parts (addition); i++)
    {
      const EspModelPart *part = esp_model_addition_get_part (addition, i);

      if (part->path != NULL)
        g_string_append_printf (
            text, "  %s: %s%s%s%s%s\n", esp_model_component_title (part->component), part->path,
            part->format != NULL ? " (" : "", part->format != NULL ? part->format : "",
            part->format != NULL ? ")" : "", part->found_beside ? _ (", found beside") : "");
    }
}

void
cli_models_put_parts (GString *json, EspModelAddition *addition)
{
  esp_json_open (json, "parts", '[');
  for (guint i = 0; i < esp_model_addition_get_n_parts (addition); i++)
    {
      const EspModelPart *part = esp_model_addition_get_part (addition, i);
      g_autofree char *path = part->path != NULL ? g_utf8_make_valid (part->path, -1) : NULL;

      esp_json_open (json, NULL, '{');
      esp_json_put_string (json, "component", part->component, -1);
      esp_json_put_string (json, "path", path, -1);
      esp_json_put_string (json, "format", part->format, -1);
      esp_json_put_uint (json, "bytes", part->size);
      esp_json_put_bool (json, "found_beside", part->found_beside);
      esp_json_close (json, '}');
    }
  esp_json_close (json, ']');
}

static void
report_text (EspModelAddition *addition, EspLibraryModel *model, GString *text)
{
  /* Translators: a model's id, a folder. */
  g_string_append_printf (text, _ ("%s was added: %s\n"), esp_library_model_get_id (model),
                          esp_library_model_get_folder (model));
  cli_models_describe_parts (text, addition);
}

static void
report_json (EspModelAddition *addition, EspLibraryModel *model, GString *json)
{
  esp_json_open (json, NULL, '{');
  cli_models_put (json, model);
  cli_models_put_parts (json, addition);
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
}

/* Waits for an answer; FALSE: a signal came, or it is an error, which was told. */
static gboolean
wait_for (CliSession *session, CliAnswer *answer)
{
  cli_session_wait (session, &answer->done, TRUE);
  return answer->done;
}

static char *
commit (CliSession *session, EspModelAddition *addition, const Options *options, GError **error)
{
  CliAnswer answer = { FALSE, NULL };
  EspModelAddMode mode = options->move   ? ESP_MODEL_ADD_MOVE
                         : options->copy ? ESP_MODEL_ADD_COPY
                                         : ESP_MODEL_ADD_REFER;
  char *id;

  esp_model_addition_commit_async (addition, mode, session->cancellable, NULL, NULL,
                                   cli_answer_take, &answer);
  wait_for (session, &answer);
  id = esp_model_addition_commit_finish (addition, answer.result, error);
  cli_answer_clear (&answer);
  return id;
}

static gboolean
lacks_parts (EspModelAddition *addition)
{
  for (guint i = 0; i < esp_model_addition_get_n_parts (addition); i++)
    {
      const EspModelPart *part = esp_model_addition_get_part (addition, i);

      if (part->path == NULL && part->needed)
        return TRUE;
    }

  return FALSE;
}

static int
add (CliSession *session, EspModelLibrary *library, char **paths, const Options *options)
{
  g_autoptr (EspModelAddition) addition = esp_model_addition_new (library, session->worker);
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *id = NULL;
  EspLibraryModel *model;
  gboolean added;

  if (options->name != NULL)
    esp_model_addition_set_name (addition, options->name);
  if (!take_parts (addition, options->parts))
    return CLI_EXIT_USAGE;

  esp_model_addition_add_async (addition, (const char *const *) paths, session->cancellable,
                                cli_answer_take, &answer);
  wait_for (session, &answer);
  added = esp_model_addition_add_finish (addition, answer.result, &error);
  cli_answer_clear (&answer);
  if (!added)
    return cli_fail ("%s", error->message);

  for (const char *const *remark = esp_model_addition_get_remarks (addition); *remark != NULL;
       remark++)
    cli_note ("%s", *remark);
  id = commit (session, addition, options, &error);
  if (id == NULL)
    return cli_fail (lacks_parts (addition) ? "%s (--component clip=FILE tokenizer=DIR …)" : "%s",
                     error->message);
  if (options->make_default && !esp_model_library_set_default (library, id, &error))
    return cli_fail ("%s", error->message);

  model = cli_models_find (library, id);
  if (model == NULL)
    return CLI_EXIT_FAILED;
  if (options->json)
    report_json (addition, model, text);
  else
    report_text (addition, model, text);
  cli_print (text->str);
  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int
check_and_add (char **paths, const Options *options)
{
  g_autoptr (EspModelLibrary) library = NULL;
  CliSession session = { 0 };
  int status;

  if (paths[0] == NULL && options->parts == NULL)
    return cli_usage (_ ("models add: PATH is missing"));
  if (options->copy && options->move)
    return cli_usage (_ ("--copy: not together with --move"));
  if (options->name != NULL && !cli_option_utf8 ("--name", options->name))
    return CLI_EXIT_USAGE;
  for (char **path = paths; *path != NULL; path++)
    {
      if (!g_file_test (*path, G_FILE_TEST_EXISTS))
        return cli_fail (_ ("%s: there is no such file or folder"), *path);
      if (!g_utf8_validate (*path, -1, NULL))
        return cli_fail (_ ("%s: the name is not valid UTF-8"), *path);
    }

  cli_session_begin (&session);
  library = esp_model_library_new ();
  status = add (&session, library, paths, options);
  return cli_session_end (&session, status);
}

/* `--component a=… b=…`: what follows it and looks like that belongs to it. */
static void
gather_parts (char **paths, Options *options)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new ();
  guint kept = 0;

  for (char **part = options->parts; part != NULL && *part != NULL; part++)
    g_ptr_array_add (parts, *part);
  for (guint i = 0; paths[i] != NULL; i++)
    {
      const char *equals = strchr (paths[i], '=');
      g_autofree char *component
          = equals != NULL ? g_strndup (paths[i], (gsize) (equals - paths[i])) : NULL;

      if (component != NULL && g_strv_contains (esp_model_components (), component)
          && !g_file_test (paths[i], G_FILE_TEST_EXISTS))
        g_ptr_array_add (parts, paths[i]);
      else
        paths[kept++] = paths[i];
    }
  paths[kept] = NULL;
  g_ptr_array_add (parts, NULL);

  if (parts->len > 1)
    {
      g_free (options->parts);
      options->parts = (char **) g_ptr_array_free (g_steal_pointer (&parts), FALSE);
    }
}

int
cli_models_add (char ***arguments)
{
  Options options = { 0 };
  int status;
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &options.name,
      N_ ("What it is called; without this, as its file"), N_ ("NAME") },
    { "component", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.parts,
      N_ ("A part by name: transformer, clip, t5, vae, tokenizer, tokenizer_2"), N_ ("PART=PATH") },
    { "copy", 0, 0, G_OPTION_ARG_NONE, &options.copy,
      N_ ("Copy the files; without this they stay where they are"), NULL },
    { "move", 0, 0, G_OPTION_ARG_NONE, &options.move, N_ ("Move the files"), NULL },
    { "default", 0, 0, G_OPTION_ARG_NONE, &options.make_default, N_ ("Take it when none is named"),
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (cli_options_parse (arguments, N_ ("PATH…"),
                         _ ("Makes a model of files and folders, whatever programs they come "
                            "from; what goes with them and lies beside them is found."),
                         entries, &status))
    {
      gather_parts (*arguments + 1, &options);
      status = check_and_add (*arguments + 1, &options);
    }

  g_free (options.name);
  g_strfreev (options.parts);
  return status;
}
